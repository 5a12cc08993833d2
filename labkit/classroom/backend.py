"""A class that this home has joined, as the lab opens it: just another endpoint, and nobody's real account. The host
is on this machine, in a process of its own.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from labkit.classroom import host_process
from labkit.classroom.host_process import ClassHost
from labkit.classroom.join import aws_files, certificate_file
from labkit.classroom.pinned_certificate import pinned
from labkit.model.access_keys import AccessKeys
from labkit.model.classroom import account_of
from labkit.model.settings import PROFILE, Settings, parse_student_number
from labkit.sandbox.aws.cli_files import point_aws_cli_at
from labkit.services.host import Host
from labkit.steps.session import Backend

AWS, DETECTION = "AWS_ENDPOINT_URL", "LABKIT_DETECTION_URL"
"""Of the variables of a class: those by which a side is the class's."""


def certificate_of(wanted: Settings) -> str:
    """The file with the one certificate to trust at a class's sandbox; "" for the ordinary ones.

    Raises LabError when it is not there yet and cannot be fetched, or another one is shown.
    """
    if not wanted.certificate:
        return ""
    url = wanted.aws_endpoint_url or wanted.detection_url
    return str(pinned(url, wanted.certificate, certificate_file(wanted.home)))


def with_aws_of_class(opened: Backend, wanted: Settings) -> Backend:
    """What was opened, with AWS in the account of a class's student.

    No consent is asked for, since no real account is there. The AWS files are the lab's own: a student's real ones are
    neither read nor written.
    """
    url, number = wanted.aws_endpoint_url, parse_student_number(wanted.joined["LABKIT_STUDENT"])
    keys = AccessKeys(wanted.joined["AWS_ACCESS_KEY_ID"], wanted.joined["AWS_SECRET_ACCESS_KEY"])
    files, certificate = aws_files(wanted.home), opened.aws_certificate
    variables = _variables(files, url, certificate)
    detection = opened.environment
    return replace(
        opened,
        aws=f"class sandbox at {url}, account {account_of(number)}",
        config_file=files[0],
        credentials_file=files[1],
        host=Host(ClassHost(wanted.home, lambda: _login(wanted)).ensure) if DETECTION in wanted.joined else None,
        cloud_account=lambda: keys,
        given_keys=keys,
        own_keys=lambda: None,
        point_aws_cli=lambda: point_aws_cli_at(files[0], url, certificate),
        environment=lambda: detection() | variables,
        ask_first=False,
        assigned=str(number),
    )


def host_folder(wanted: Settings) -> Path | None:
    """The folder of the process that has a student's host, ready to be started; None where that is no class's matter.

    Raises LabError when the files cannot be used.
    """
    in_class = {AWS, DETECTION} <= wanted.joined.keys()
    return host_process.prepared(wanted.home, _login(wanted)) if in_class else None


def _login(wanted: Settings) -> dict[str, str]:
    """What a student's host says to the class's sandbox."""
    return {
        "url": wanted.joined[DETECTION],
        "user_id": wanted.joined["TS_USER_ID"],
        "api_key": wanted.joined["TS_API_KEY"],
        "organization_id": wanted.joined["TS_ORGANIZATION_ID"],
        "certificate": certificate_of(wanted),
    }


def _variables(files: tuple[Path, Path], url: str, certificate: str) -> dict[str, str]:
    """What lets the AWS CLI reach the class with the lab's profile; empty values are taken away."""
    not_by_proxy = [*filter(None, os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(","))]
    hosts = ",".join(dict.fromkeys([*not_by_proxy, urlsplit(url).hostname or ""]))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE")
    places = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_STS", "AWS_REGION", "AWS_DEFAULT_REGION")
    return ({"AWS_CA_BUNDLE": certificate} if certificate else {}) | {
        "NO_PROXY": hosts,
        "no_proxy": hosts,
        "AWS_CONFIG_FILE": str(files[0]),
        "AWS_SHARED_CREDENTIALS_FILE": str(files[1]),
        "AWS_PROFILE": PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys((*names, *places), ""),
    }
