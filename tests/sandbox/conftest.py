"""Fixtures of the tests over real HTTP; those of a side of the sandbox bear its name."""

from __future__ import annotations

from tests.sandbox.aws.fixtures import account, acl, aws, ec2, vpc
from tests.sandbox.detection.engine_fixtures import watched
from tests.sandbox.detection.fixtures import detection_api, detection_service, detection_unchanged
from tests.sandbox.lab.fixtures import lab, lab_home

__all__ = [
    "account",
    "acl",
    "aws",
    "detection_api",
    "detection_service",
    "detection_unchanged",
    "ec2",
    "lab",
    "lab_home",
    "vpc",
    "watched",
]
