"""The backend of a class that this home has joined: another endpoint, and no real account. The host runs on this
machine, in its own process.
"""

from __future__ import annotations

from pathlib import Path

from labkit.aws_config import point_aws_cli_at
from labkit.backends.backend import AwsBackend, lab_environment
from labkit.backends.live import LiveDetection
from labkit.classroom import host_process
from labkit.classroom.host_process import ClassHost
from labkit.classroom.join import aws_files, certificate_file
from labkit.classroom.pinned_certificate import pinned
from labkit.model.access_keys import AccessKeys
from labkit.model.endpoint import url_parts
from labkit.model.settings import Settings
from labkit.model.student import account_of, parse_student_number
from labkit.services.host import Host

AWS, DETECTION = "AWS_ENDPOINT_URL", "LABKIT_DETECTION_URL"
"""The variables of a class that say that a service is the class's."""


class ClassAws(AwsBackend):
    """The account of a student of a class. No consent is asked for, since the account is not a real one.

    The AWS files are the lab's own: a student's real ones are neither read nor written.
    """

    def __init__(self, wanted: Settings) -> None:
        self._url = wanted.aws_endpoint_url
        self.assigned = parse_student_number(wanted.joined["LABKIT_STUDENT"])
        self._keys = AccessKeys(wanted.joined["AWS_ACCESS_KEY_ID"], wanted.joined["AWS_SECRET_ACCESS_KEY"])
        self.label = f"class sandbox at {self._url}, account {account_of(self.assigned)}"
        self.config_file, self.credentials_file = aws_files(wanted.home)
        self.certificate = certificate_of(wanted)
        in_class = DETECTION in wanted.joined
        self.host = Host(ClassHost(wanted.home, lambda: host_login(wanted)).ensure) if in_class else None

    def endpoint(self) -> str:
        return self._url

    def environment(self) -> dict[str, str]:
        trust = {"AWS_CA_BUNDLE": self.certificate} if self.certificate else {}
        host = url_parts(self._url).hostname or ""
        return trust | lab_environment(self.config_file, self.credentials_file, host)

    def cloud_account(self) -> AccessKeys:
        return self._keys

    def given_keys(self) -> AccessKeys:
        return self._keys

    def point_aws_cli(self) -> None:
        point_aws_cli_at(self.config_file, self._url, self.certificate)


class ClassDetection(LiveDetection):
    """The detection service of the class's sandbox."""

    def __init__(self, wanted: Settings) -> None:
        super().__init__(wanted, certificate_of(wanted))
        self.label = f"class sandbox at {wanted.detection_url}"


def certificate_of(wanted: Settings) -> str:
    """The file with the one certificate to trust at a class's sandbox; "" for the usual ones.

    Raises LabError when it is not there yet and cannot be fetched, or the sandbox shows another one.
    """
    if not wanted.certificate:
        return ""
    url = wanted.aws_endpoint_url or wanted.detection_url
    return str(pinned(url, wanted.certificate, certificate_file(wanted.home)))


def host_folder(wanted: Settings) -> Path | None:
    """The folder of the process that has a student's host, ready to be started; None without a class.

    Raises LabError when the files cannot be used.
    """
    in_class = {AWS, DETECTION} <= wanted.joined.keys()
    return host_process.prepared(wanted.home, host_login(wanted)) if in_class else None


def host_login(wanted: Settings) -> dict[str, str]:
    """The login of a student's host at the class's sandbox."""
    return {
        "url": wanted.joined[DETECTION],
        "user_id": wanted.joined["TS_USER_ID"],
        "api_key": wanted.joined["TS_API_KEY"],
        "organization_id": wanted.joined["TS_ORGANIZATION_ID"],
        "certificate": certificate_of(wanted),
    }
