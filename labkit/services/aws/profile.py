"""The student's AWS keys: verified with two calls and, if the student wants, saved in a profile of AWS's own files."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labkit.files import write_private
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import InvalidInput, LabError
from labkit.model.pasted import clean
from labkit.model.profile_text import read_section, remove_section, set_options
from labkit.model.settings import PROFILE
from labkit.services.aws.account import Account, CallerIdentity, isolated_session
from labkit.services.aws.ec2 import caller, describe_vpcs


def verify(account: Account) -> CallerIdentity:
    """The owner of the keys, after one call to STS and one read from EC2.

    Raises CredentialsRefused (unknown key, wrong secret, expired, no permission for EC2), ServiceUnreachable, and
    ServiceError when this machine's clock is off; `code` is the service's error code.
    """
    owner = caller(account.sts)
    describe_vpcs(account.ec2, {"is-default": ["true"]})
    return owner


def check_region(region: str) -> str:
    """The region's name as AWS writes it. Raises InvalidInput if boto3 does not know it, suggesting a similar name."""
    typed = clean(region).value.lower()
    known = known_regions()
    if typed in known:
        return typed
    if name := _partition(typed):
        raise InvalidInput(
            f"Region “{typed}” is not supported.",
            f"It belongs to the partition {name}, which has its own accounts and keys; the lab knows only that of aws.",
            "Use a region of an ordinary account, such as us-east-1.",
            field="region",
            code="Partition",
        )
    close = difflib.get_close_matches(typed, known, n=2)
    raise InvalidInput(
        f"Region “{typed}” was refused." if re.fullmatch(r"[a-z0-9-]{1,32}", typed) else "This is not a region.",
        "The AWS library knows no region of this name; region names look like us-east-1 or eu-west-2.",
        f"Did you mean {' or '.join(close)}?" if close else "Enter the region of your keys, such as us-east-1.",
        field="region",
    )


@cache
def known_regions() -> tuple[str, ...]:
    """The regions with EC2 that the AWS library knows."""
    return tuple(sorted(isolated_session().get_available_regions("ec2")))


def _partition(region: str) -> str:
    """The partition of a region that is not in `aws`: GovCloud, China, the European sovereign cloud; else ""."""
    session = isolated_session()
    others = [name for name in session.get_available_partitions() if name != "aws"]
    return next((one for one in others if region in session.get_available_regions("ec2", partition_name=one)), "")


# --- the profile ---

_IN_CONFIG_FILE = f"profile {PROFILE}"


@dataclass(frozen=True)
class SavedProfile:
    """What a profile contains; region and endpoint_url are "" if not set."""

    keys: AccessKeys
    region: str = ""
    endpoint_url: str = ""


def save_profile(saved: SavedProfile, config_file: Path, credentials_file: Path, *, overwrite: bool = False) -> None:
    """Write the profile into AWS's two files, each atomically and with mode 0600, leaving every other line unchanged.

    A profile that already has this access key id is updated. Unless overwrite is set, raises InvalidInput
    (`ProfileExists`) if the profile has other keys or another source of keys. Raises LabError if a file cannot be read
    or written.
    """
    if not overwrite:
        _refuse_to_replace(saved.keys, config_file, credentials_file)
    token = saved.keys.session_token or None
    _change(
        credentials_file,
        PROFILE,
        {
            "aws_access_key_id": saved.keys.access_key_id,
            "aws_secret_access_key": saved.keys.secret_access_key,
            "aws_session_token": token,
        },
    )
    cleared_sources = dict.fromkeys(_KEY_SOURCES) if overwrite else {}
    settings = {"region": saved.region or None, "endpoint_url": saved.endpoint_url or None}
    _change(config_file, _IN_CONFIG_FILE, settings | cleared_sources)


def load_profile(config_file: Path, credentials_file: Path) -> SavedProfile | None:
    """The profile; None if it is absent or has no keys. Raises LabError if a file cannot be read."""
    held = read_section(_read(credentials_file), PROFILE) or {}
    settings = read_section(_read(config_file), _IN_CONFIG_FILE) or {}
    key_id, secret = held.get("aws_access_key_id"), held.get("aws_secret_access_key")
    if not key_id or not secret:
        return None
    keys = AccessKeys(key_id, secret, held.get("aws_session_token", ""))
    return SavedProfile(keys, settings.get("region", ""), settings.get("endpoint_url", ""))


def remove_profile(config_file: Path, credentials_file: Path) -> bool:
    """Remove the profile from both files and return whether there was one. Every other line stays unchanged."""
    removed = False
    for file, section in ((config_file, _IN_CONFIG_FILE), (credentials_file, PROFILE)):
        text = _read(file)
        without = remove_section(text, section)
        if without != text:
            _write(file, without)
            removed = True
    return removed


_KEY_SOURCES = ("role_arn", "source_profile", "credential_process", "sso_session", "sso_start_url", "aws_access_key_id")
"""Options of a profile in the configuration file that define where its keys come from."""


def _refuse_to_replace(keys: AccessKeys, config_file: Path, credentials_file: Path) -> None:
    held = read_section(_read(credentials_file), PROFILE)
    settings = read_section(_read(config_file), _IN_CONFIG_FILE) or {}
    same = held is None or (held.get("aws_access_key_id") or keys.access_key_id) == keys.access_key_id
    if same and not set(_KEY_SOURCES) & settings.keys():
        return
    raise InvalidInput(
        f"The profile {PROFILE} was not changed.",
        f"{credentials_file} already has it, with other keys.",
        "Allow overwriting (in the form, tick the box; in a cell, use overwrite=True), or do not save the new keys: "
        "they then stay in memory only.",
        field="overwrite",
        code="ProfileExists",
    )


def _change(file: Path, section: str, options: dict[str, str | None]) -> None:
    text = _read(file)
    changed = set_options(text, section, options)
    if changed != text or file.stat().st_mode & 0o077:
        _write(file, changed)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"{file} cannot be read.",
            f"{type(error).__name__}: it may belong to another user, or it is not a text file.",
            "Check its permissions, or move it to another place.",
        ) from error


def _write(file: Path, text: str) -> None:
    """Write the file; a symbolic link stays, and its target changes."""
    try:
        write_private(file.resolve(), text)
    except OSError as error:
        raise LabError(
            f"{file} cannot be written.",
            f"The system says: {error.strerror or type(error).__name__}.",
            "Check the folder's permissions, or leave “keep” unticked.",
        ) from error
