"""A class: its sandbox as a process, and each student's clients, made of nothing but the keys that are handed out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from labkit.classroom import keys as class_keys
from labkit.classroom.class_keys import ClassKeys
from labkit.model.detection.criteria import wanted_criteria
from labkit.model.detection.rule import Rule
from labkit.model.student import student_tags
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.plan import ClassOptions, plan
from labkit.services import sandbox_process
from labkit.services.detection.api import DetectionApi
from labkit.services.running_sandbox import Sandbox
from tests.ports import free_port
from tests.wait import PATIENCE_SECONDS, until

UNSIGNED = """
import os, requests, urllib.request, urllib.error
url = "https://" + os.environ["TS_HOST"] + "/v2/rulesets"
try:
    urllib.request.urlopen(url)
except urllib.error.HTTPError as refused:
    print(requests.get(url).status_code, refused.code)
"""
"""A program whose requests, unsigned, are refused with 401 by a service whose certificate it trusts."""


@dataclass
class RunningClass:
    """A class under test. sandbox: the instructor's. certificate: the one to trust, or ""."""

    home: Path
    sandbox: Sandbox
    certificate: str = ""
    _clients: dict[Any, Any] = field(default_factory=dict)

    def keys(self, student: int) -> ClassKeys:
        """What the student was handed."""
        return class_keys.class_keys(self.sandbox, student)[0]

    def aws(self, student: int, service: str = "ec2", region: str = "us-east-1", verify: str = "") -> Any:
        """A student's boto3 client; verify: other certificates to trust."""
        if (student, service, region, verify) not in self._clients:
            keys = self.keys(student)
            self._clients[student, service, region, verify] = boto3.client(
                service,
                endpoint_url=keys.url,
                region_name=region,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
                verify=verify or self.certificate or None,
                config=Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=PATIENCE_SECONDS),
            )
        return self._clients[student, service, region, verify]

    def api(self, student: int) -> DetectionApi:
        """A student's client of the detection service."""
        keys = self.keys(student)
        return DetectionApi(keys.url, keys.user_id, keys.api_key, keys.organization_id, certificate=self.certificate)

    def kill(self) -> None:
        """End the sandbox at once, in the middle of whatever it does."""
        os.kill(self.sandbox.pid, signal.SIGKILL)
        until(lambda: not self.sandbox.alive())

    def start(self) -> None:
        """Start the sandbox again, as `labkit sandbox start` does."""
        self.sandbox, _ = sandbox_process.start(self.home)


@contextmanager
def running_class(home: Path, size: int, **options: Any) -> Iterator[RunningClass]:
    """A class of this size in a home; options: further options."""
    wanted = plan(home, class_settings.load(home), ClassOptions(size=size, port=free_port(), **options))
    class_settings.save(home, wanted)
    assert wanted is not None
    sandbox, _ = sandbox_process.start(home)
    try:
        yield RunningClass(home, sandbox, wanted.certificate)
    finally:
        sandbox_process.stop(home)
        assert not [one for one in psutil.process_iter(["cmdline"]) if str(home) in (one.info["cmdline"] or [])]


def make_vpc(a_class: RunningClass, student: int) -> str:
    """A student's VPC, as the lab makes it."""
    tags = [{"Key": key, "Value": value} for key, value in student_tags(student).items()]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    vpc = a_class.aws(student).create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)["Vpc"]
    return str(vpc["VpcId"])


def students_rule(student: int) -> Rule:
    return wanted_criteria(student).apply_to(Rule("", "", "", (), "", enabled=True))
