"""A class that is killed, started again, or grown loses nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import ClientError

from labkit.classroom.keys import class_keys
from labkit.model.errors import ServiceUnreachable
from labkit.model.student import STUDENT_TAG, account_of
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.detection.seed_data import BASE_RULE_SET_ID
from labkit.services import sandbox_process
from tests.classroom.fixtures import RunningClass, make_vpc, running_class, students_rule
from tests.sandbox.aws.fixtures import DENY_ALL, default_acl
from tests.wait import until

SIZE = 12


class Student(threading.Thread):
    """A student who makes and changes things until told to stop, and remembers what was acknowledged."""

    def __init__(self, a_class: RunningClass, number: int, enough: threading.Event) -> None:
        super().__init__()
        self.ec2, self.api, self.number = a_class.aws(number), a_class.api(number), number
        self.vpc = make_vpc(a_class, number)
        self.acl = default_acl(self.ec2, self.vpc)["NetworkAclId"]
        self.rule = self.api.create_rule(BASE_RULE_SET_ID, students_rule(number))
        self.entries: set[str] = set()
        self.windows = [self.rule.window_seconds]
        self.doubtful: set[str] = set()
        self.faults: list[Exception] = []
        self._enough = enough

    def run(self) -> None:
        for number in range(1, 19):
            if self._enough.is_set():
                return
            block = f"203.0.113.{number}/32"
            try:
                self.ec2.create_network_acl_entry(
                    NetworkAclId=self.acl, RuleNumber=number, **DENY_ALL | {"CidrBlock": block}
                )
                self.entries.add(block)
                self.windows.append(3600 + 60 * number)
                self.api.update_rule(replace(self.rule, window_seconds=self.windows[-1]))
            except ClientError as error:  # a try that reached the sandbox before it was killed, made again
                if error.response["Error"]["Code"] != "NetworkAclEntryAlreadyExists":
                    self.faults.append(error)
                self.doubtful.add(block)
            except ServiceUnreachable:  # a change that may or may not have been made
                self.doubtful.add(block)
            except Exception as error:  # noqa: BLE001 - a thread's faults are the test's to see
                self.doubtful.add(block)
                if "EndpointConnectionError" not in type(error).__name__ and "Connection" not in type(error).__name__:
                    self.faults.append(error)

    def kept(self) -> None:
        """All that was acknowledged is there, with the clients that were there before, and nothing of anybody else."""
        found = {
            entry["CidrBlock"]
            for entry in self.ec2.describe_network_acls(NetworkAclIds=[self.acl])["NetworkAcls"][0]["Entries"]
            if entry["RuleAction"] == "deny" and entry["RuleNumber"] < 32767
        }
        assert self.entries <= found <= self.entries | self.doubtful
        assert self.api.rule(self.rule.ruleset_id, self.rule.id).window_seconds in self.windows[-2:]
        mine = self.ec2.describe_vpcs(Filters=[{"Name": f"tag:{STUDENT_TAG}", "Values": [str(self.number)]}])["Vpcs"]
        assert [vpc["VpcId"] for vpc in mine] == [self.vpc]


def test_a_killed_class_loses_nothing_and_every_next_call_works(tmp_path: Path) -> None:
    with running_class(tmp_path, 6, tls=True) as running:
        enough = threading.Event()
        students = [Student(running, number, enough) for number in range(1, 7)]
        keys = class_keys(running.sandbox)
        for student in students:
            student.start()
        _until_some_worked(students)
        running.kill()
        running.start()
        enough.set()
        for student in students:
            student.join()
        assert [student.faults for student in students] == [[]] * 6
        with ThreadPoolExecutor() as pool:
            list(pool.map(Student.kept, students))
        assert class_keys(running.sandbox) == keys


def _until_some_worked(students: list[Student]) -> None:
    until(lambda: sum(len(student.entries) for student in students) > 12)


def test_a_class_that_grows_keeps_everybodys_work_and_keys(tmp_path: Path) -> None:
    with running_class(tmp_path, 2) as running:
        vpc, before = make_vpc(running, 2), class_keys(running.sandbox)
        settings = class_settings.load(tmp_path)
        assert settings is not None
        running.kill()
        class_settings.save(tmp_path, replace(settings, size=4))
        running.start()
        assert class_keys(running.sandbox)[:2] == before
        assert running.aws(2).describe_vpcs(VpcIds=[vpc])["Vpcs"]
        assert running.aws(4, "sts").get_caller_identity()["Account"] == account_of(4)


def test_a_class_outlives_the_process_that_it_was_started_for(tmp_path: Path) -> None:
    with running_class(tmp_path, 1) as running:
        running.kill()
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        running.sandbox, _ = sandbox_process.start(tmp_path, parent=ended.pid)
        until(lambda: (running.sandbox.health() or {}).get("warm"))  # which takes longer than to notice
        assert running.aws(1, "sts").get_caller_identity()["Account"] == account_of(1)
