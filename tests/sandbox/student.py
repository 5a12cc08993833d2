"""A student at a shell: every command is a process of its own, run by root or by an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.model.detection.rule import Rule
from labkit.model.network_acl import NetworkAcl
from labkit.model.response.response import own_entries
from labkit.model.student import rule_name
from labkit.range import processes
from labkit.range.paths import range_folder
from labkit.sandbox.aws.keys import AccessKeys
from labkit.services import aws, sandbox_process
from labkit.services.detection.api import DetectionApi
from labkit.services.running_sandbox import Sandbox
from labkit.steps.rule import all_rules
from tests.range.ranges import pids
from tests.sandbox.aws.fixtures import client
from tests.terminal import Terminal
from tests.wait import until

ROOT = Path(__file__).parents[2]
AS_USER = str(Path(__file__).with_name("as_user.py"))
PROGRAMS = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
CURL = ("run", "--", "curl", "-sS", "--connect-timeout", "1", "dadismad.com")
STUDENT = 1


def users() -> list[pwd.struct_passwd]:
    """Who runs the tests, and an ordinary user too where that is root."""
    me = pwd.getpwuid(os.getuid())
    return [me] if me.pw_uid else [me, next(one for one in pwd.getpwall() if 0 < one.pw_uid < 60000)]


@dataclass
class Student:
    """A person with a home folder, whose lab is in it. jail: what each command is run under. more: variables of their
    shell."""

    folder: Path
    user: pwd.struct_passwd
    jail: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The lab's home."""
        return self.folder / "lab"

    @property
    def environment(self) -> dict[str, str]:
        """A shell's as it is without any key."""
        own = {"HOME": str(self.folder), "LABKIT_HOME": str(self.home), "PATH": PROGRAMS, "PYTHONPATH": str(ROOT)}
        return {**own, "AWS_EC2_METADATA_DISABLED": "true", **self.more}

    def command(self, *words: str) -> list[str]:
        """A command, run as this user."""
        if self.user.pw_uid == os.getuid():
            return [*self.jail, *words]
        return [sys.executable, AS_USER, str(self.user.pw_uid), str(self.user.pw_gid), *self.jail, *words]

    def shell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """How a command ended, and what it said."""
        where = {"cwd": self.folder, "env": self.environment}
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=300, check=False, **where)

    def labkit(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.shell("labkit", *words)

    def does(self, *words: str) -> str:
        """What the lab said to a command that has to go well."""
        ended = self.labkit(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def curl(self) -> int:
        """The exit code of `curl dadismad.com` on the host."""
        return self.labkit(*CURL).returncode

    @contextmanager
    def at_work(self, *words: str) -> Iterator[Terminal]:
        """A command in a terminal of its own meanwhile."""
        terminal = Terminal(self.command("env", "-C", str(self.folder), "-i", *self.assignments, "labkit", *words))
        try:
            yield terminal
        finally:
            terminal.close()

    @contextmanager
    def responding(self, *options: str) -> Iterator[Terminal]:
        """A responder at work that has looked once."""
        with self.at_work("respond", *options) as terminal:
            terminal.wait_for("The responder writes to .*\n")
            terminal.wait_for("No alert names|To deny|Added entry|is not denied")
            yield terminal

    @property
    def assignments(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.environment.items()]

    # ---- seen from outside ----

    def sandbox(self) -> Sandbox:
        found = sandbox_process.find(self.home)
        assert found is not None
        return found

    @cached_property
    def ec2(self) -> Any:
        """EC2 with the student's keys; the sandbox's address and keys outlive it."""
        sandbox = self.sandbox()
        return client(sandbox.url, "ec2", "us-east-1", AccessKeys(**sandbox.credentials()["aws"]))

    @cached_property
    def detection(self) -> DetectionApi:
        """The detection service with the student's key."""
        sandbox = self.sandbox()
        return DetectionApi(sandbox.url, **sandbox.credentials()["detection"])

    def rule(self) -> Rule:
        """The student's rule."""
        return next(rule for rule in all_rules(self.detection) if rule.name == rule_name(STUDENT))

    def network_acl(self) -> NetworkAcl:
        """The default network ACL of the student's VPC."""
        (vpc,) = aws.find_student_vpcs(self.ec2, STUDENT)
        return next(one for one in aws.describe_network_acls(self.ec2, vpc_id=vpc.id) if one.is_default)

    def denied(self) -> list[str]:
        """What the responder's own entries deny."""
        return [entry.cidr_block for entry in own_entries(self.network_acl().entries)]

    def processes(self) -> list[int]:
        """Every process whose environment or arguments name the lab's home or its range."""
        return sorted({*pids(processes.marked(str(self.home))), *pids(processes.marked(str(range_folder(self.home))))})

    def keeper_and_holder(self) -> list[int]:
        """The processes of the range itself, the older first."""
        return [pid for pid in self.processes() if b"keeper" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


@contextmanager
def a_student(user: pwd.struct_passwd, jail: tuple[str, ...] = (), **more: str) -> Iterator[Student]:
    """A student with nothing done; afterwards the sandbox is stopped, and nothing that lived is left."""
    folder = Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    student = Student(folder, user, jail, more)
    try:
        yield student
        student.does("sandbox", "stop")
        until(lambda: not student.processes())
    finally:
        sandbox_process.stop(student.home)
        shutil.rmtree(folder)
