"""Joining a class: the block of keys is tested with the sandbox, then saved in the lab's home, 0600."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from labkit.classroom import host_process
from labkit.classroom.class_keys import ClassKeys
from labkit.classroom.pinned_certificate import pinned
from labkit.files import disk_errors, private_folder, write_private
from labkit.model.access_keys import examine
from labkit.model.errors import CredentialsRefused, LabError, ServiceUnreachable
from labkit.model.settings import DEFAULT_REGION
from labkit.model.student import account_of
from labkit.services.aws.account import Account
from labkit.services.aws.ec2 import caller
from labkit.services.aws.profile import SavedProfile, save_profile
from labkit.services.detection.api import DetectionApi
from labkit.services.environment import CLASS_FILE, joined
from labkit.services.notes import Notes

PATIENCE_SECONDS = 5.0


def certificate_file(home: Path) -> Path:
    """The file for the certificate of the class's sandbox."""
    return home / "class-certificate.pem"


def aws_files(home: Path) -> tuple[Path, Path]:
    """The AWS config and credentials files for a class, separate from the student's own and the local sandbox's."""
    return home / "class-aws" / "config", home / "class-aws" / "credentials"


def join(home: Path, keys: ClassKeys) -> None:
    """Test these keys with both services, then save them in place of those of an earlier class.

    Raises LabError and saves nothing if the certificate differs, nothing answers, or a key is refused.
    """
    with disk_errors(home):
        private_folder(home)
    arriving = home / "class-certificate.arriving.pem"
    try:
        certificate = str(pinned(keys.url, keys.fingerprint, arriving)) if keys.fingerprint else ""
        _try(keys, certificate)
        with disk_errors(home):
            if keys.fingerprint:
                arriving.replace(certificate_file(home))
            keep(home, keys)
    except ServiceUnreachable as error:
        raise ServiceUnreachable(
            error.what,
            f"{error.why} Nothing was saved.".strip(),
            "Ask your instructor whether the class is running, and whether this is its address. Then join again.",
        ) from error
    finally:
        arriving.unlink(missing_ok=True)


def _try(keys: ClassKeys, certificate: str) -> None:
    """One call to each service. Raises LabError if either refuses, or if the keys are another student's."""
    pair = examine(keys.access_key_id, keys.secret_access_key).require()
    account = caller(Account(pair, DEFAULT_REGION, keys.url, certificate).sts).account
    if account != account_of(keys.student):
        raise CredentialsRefused(
            f"The AWS keys are of account {account}, and student {keys.student} has account "
            f"{account_of(keys.student)}.",
            "Each student of a class has their own account, but these lines are from two blocks.",
            "Copy your whole block again, from LABKIT_STUDENT to its last line.",
        )
    detection = DetectionApi(
        keys.url,
        keys.user_id,
        keys.api_key,
        keys.organization_id,
        patience_seconds=PATIENCE_SECONDS,
        certificate=certificate,
    )
    detection.rulesets()


def keep(home: Path, keys: ClassKeys) -> None:
    """Save these keys without a test, for when nothing answers yet. The host of an earlier class is stopped."""
    pair = examine(keys.access_key_id, keys.secret_access_key).require()
    if _kept(home) != keys.variables:
        host_process.forget(home)
    shutil.rmtree(aws_files(home)[0].parent, ignore_errors=True)
    save_profile(SavedProfile(pair, DEFAULT_REGION, keys.url), *aws_files(home), overwrite=True)
    Notes(home / "notes.json").save(student=keys.student)
    write_private(home / CLASS_FILE, json.dumps(keys.variables, indent=1) + "\n")


def _kept(home: Path) -> dict[str, str]:
    try:
        return joined(home)
    except LabError:  # damaged, and about to be replaced
        return {}


def leave(home: Path) -> bool:
    """Forget the class and its keys; False if there was none. What was created there stays there."""
    with disk_errors(home):
        there = (home / CLASS_FILE).exists()
        (home / CLASS_FILE).unlink(missing_ok=True)
        certificate_file(home).unlink(missing_ok=True)
        host_process.forget(home)
        shutil.rmtree(aws_files(home)[0].parent, ignore_errors=True)
    if there:
        Notes(home / "notes.json").forget(
            *("student", "region", "agreed", "vpc_id", "vpc_region", "network_acl_id", "rule_id"),
            *("last_student", "last_region"),
        )
    return there
