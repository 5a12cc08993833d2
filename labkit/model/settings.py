"""The lab's settings: where it keeps its files, and which backends it talks to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from labkit.model.errors import InvalidInput

BackendName = Literal["sandbox", "live"]

PROFILE = "self-protecting-cloud"
"""The AWS profile that keeps the student's keys for the other chapters and for the AWS CLI."""

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """The lab's settings, parsed once.

    home: the folder of everything that the lab keeps. aws, detection: the backend of each service; None if not set. The
    rest is "" if not set. region: the AWS region. student: the student number as typed. agreed: `ACCOUNT REGION` in
    which the lab may make changes without asking. aws_endpoint_url, detection_url: where the services are.
    certificate: the fingerprint of the only certificate to trust there. joined: the variables of the class that the
    home has joined, where the environment sets no others (not shown).
    """

    home: Path
    aws: BackendName | None = None
    detection: BackendName | None = None
    region: str = ""
    student: str = ""
    agreed: str = ""
    aws_endpoint_url: str = ""
    detection_url: str = ""
    certificate: str = ""
    joined: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], default_home: Path) -> Settings:
        """Settings from `LABKIT_*` and `AWS_*` variables. Raises InvalidInput for an unknown backend.

        >>> Settings.from_environment({"LABKIT_AWS": "live"}, Path("/tmp/lab")).aws
        'live'
        """
        detection_url = environment.get("LABKIT_DETECTION_URL", "").rstrip("/")
        detection = parse_backend(environment.get("LABKIT_DETECTION", ""), "LABKIT_DETECTION")
        return cls(
            home=Path(environment.get("LABKIT_HOME") or default_home).expanduser(),
            aws=parse_backend(environment.get("LABKIT_AWS", ""), "LABKIT_AWS"),
            detection=detection or ("live" if detection_url else None),
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "",
            student=environment.get("LABKIT_STUDENT", ""),
            agreed=environment.get("LABKIT_AGREE", ""),
            aws_endpoint_url=environment.get("AWS_ENDPOINT_URL_EC2") or environment.get("AWS_ENDPOINT_URL") or "",
            detection_url=detection_url,
            certificate=environment.get("LABKIT_CERTIFICATE", ""),
        )


def parse_backend(text: str, field: str) -> BackendName | None:
    """The backend that this text names; None for an empty text. Raises InvalidInput for any other."""
    word = text.strip().lower()
    if word == "":
        return None
    if word == "sandbox":
        return "sandbox"
    if word == "live":
        return "live"
    raise InvalidInput(
        f"{field} is “{text}”.",
        "The backend is “sandbox” (no account, nothing leaves this machine) or “live”.",
        f"Set {field} to sandbox or live, or unset it.",
        field=field,
    )
