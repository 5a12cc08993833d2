"""The one interface to AWS and to the detection service. Nothing above it asks which backend it is.

The two sides are chosen independently: each is the sandbox of this machine, a live service, or a class.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.model.access_keys import AccessKeys
from labkit.model.settings import PROFILE
from labkit.services.detection.login import DetectionLogin, LoginIncomplete
from labkit.services.environment import aws_unset
from labkit.services.host import Host


class AwsBackend(ABC):
    """Where AWS answers, which keys open it, and the AWS files of the lab's profile.

    label: in words, for people. certificate: a file with the one certificate to trust there, "" for the usual ones.
    host: the lab's host, whose packets the network ACL filters; None where the student has one elsewhere.
    assigned: the student number that a class's keys belong to. asks_first: a change waits for a yes.
    shows_cloud_account: whether `cloud_account_url` gives a page.
    """

    label: str
    config_file: Path
    credentials_file: Path
    certificate: str = ""
    host: Host | None = None
    assigned: int | None = None
    asks_first: bool = False
    shows_cloud_account: bool = False

    @abstractmethod
    def endpoint(self) -> str | None:
        """Where AWS answers now; None for AWS itself."""

    def sts_endpoint(self) -> str | None:
        """Where STS answers now, which may be elsewhere than EC2; None for AWS itself."""
        return self.endpoint()

    def trusted(self) -> str:
        """The file of the certificates to trust there; "" for the usual ones."""
        return self.certificate

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The variables of a shell or JupyterLab; an empty value means that the variable is unset."""

    def notice(self) -> str:
        """What people should know about what the service kept, in a sentence; "" if nothing."""
        return ""

    def cloud_account(self) -> AccessKeys | None:
        """The keys that UDF's Cloud Accounts page would show; None where the lab cannot know them."""
        return None

    def cloud_account_url(self) -> str:
        """The address of a page that shows those keys once."""
        raise NotImplementedError

    def given_keys(self) -> AccessKeys | None:
        """The keys that the environment gives for this account, for unattended work."""
        return None

    def own_keys(self) -> AccessKeys | None:
        """The keys that AWS's own tools would find without the lab's profile."""
        return None

    def own_region(self) -> str:
        """The region that AWS's own tools would use; "" for none."""
        return ""

    def point_aws_cli(self) -> None:  # noqa: B027 - nothing to do for a real account
        """Let the AWS CLI reach the same endpoint with the lab's profile before it has keys."""

    def class_view(self) -> Sequence[Mapping[str, Any]]:
        """What each student of the class has made that this machine's sandbox serves (`GET /_lab/class`)."""
        return ()


class DetectionBackend(ABC):
    """Where the detection service answers, and whose key opens it. label: in words, for people."""

    label: str

    @property
    def class_size(self) -> int:
        """How many students the class has whose rules this key can change: they are students 1 to this number."""
        return 0

    @abstractmethod
    def login(self) -> DetectionLogin:
        """Where it answers now, and the key. Raises LoginIncomplete while there is no key."""

    def environment(self) -> dict[str, str]:
        """The variables that other clients of the service look for; none of a key that is not known yet."""
        try:
            login = self.login()
        except LoginIncomplete as incomplete:
            return {"TS_API_ENDPOINT": incomplete.login.url} if incomplete.login.url else {}
        return {
            "TS_API_ENDPOINT": login.url,
            "TS_USER_ID": login.user_id,
            "TS_ORGANIZATION_ID": login.organization_id,
            "TS_API_KEY": login.api_key,
        }

    def tls_address(self) -> tuple[str, str]:
        """The URL with TLS where the service answers too, and the file of its certificate; "" where there is none."""
        return "", ""


@dataclass(frozen=True)
class Backend:
    """Both sides, and what the environment says of the student.

    home: the folder of everything that the lab keeps. student: the student number that the environment gives, or "".
    region: the AWS region that it asks for, or "". agreed: `ACCOUNT REGION` in which it agrees to changes, or "".
    """

    aws: AwsBackend
    detection: DetectionBackend
    home: Path
    student: str = ""
    region: str = ""
    agreed: str = ""

    @property
    def sentence(self) -> str:
        """Both sides in one line."""
        return f"AWS: {self.aws.label}. Detection: {self.detection.label}."

    def environment(self) -> dict[str, str]:
        """The variables of a shell or JupyterLab; an empty value means that the variable is unset."""
        return self.detection.environment() | self.aws.environment()


def lab_environment(config_file: Path, credentials_file: Path, direct_host: str) -> dict[str, str]:
    """The variables with which AWS's tools use these files and the lab's profile, and nothing of the student's own.

    direct_host: a host name that no proxy is asked for.
    """
    direct = [*filter(None, os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",")), direct_host]
    return {
        **aws_unset(),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(dict.fromkeys(direct))),
        "AWS_CONFIG_FILE": str(config_file),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials_file),
        "AWS_PROFILE": PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTO_CONFIG": os.devnull,  # boto's older file, in which botocore still looks for keys
    }
