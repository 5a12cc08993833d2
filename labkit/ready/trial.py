"""The whole lab, really done in a throw-away home: sandbox, steps, AWS CLI, and curl at the network ACL."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from labkit import backends, steps
from labkit.model.errors import LabError
from labkit.range.reach import reach
from labkit.services import sandbox_process
from labkit.services.aws.profile import verify
from labkit.services.host import Host
from labkit.steps.account import SINGLE_STUDENT
from labkit.steps.host import program_lines
from labkit.steps.protection import DENIED
from labkit.steps.session import LabSession
from labkit.views.panels.readiness import Line

CURL = ("curl", "--silent", "--show-error", "--connect-timeout", "1", "dadismad.com")
AWS = ("aws", "ec2", "describe-vpcs", "--output", "text")
PATIENCE_SECONDS = 20
LOOKED_AT = "a throw-away sandbox"


class TrialSandbox:
    """A sandbox in a home of its own, which ends with this process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._began = time.monotonic()

    def start(self) -> float:
        """Start it; after how many seconds it answered. Raises LabError when it does not start."""
        try:
            sandbox_process.start(self.home, parent=os.getpid())
        except LabError as error:  # its next step names a file that is gone by then
            raise LabError(error.what, error.why, "labkit sandbox start tries it where its log stays.") from error
        return time.monotonic() - self._began

    def close(self) -> None:
        """End it. Its files are left to whoever made the home."""
        if self.home.exists():
            with contextlib.suppress(LabError):
                sandbox_process.stop(self.home)

    def sandbox_line(self, started: Future[float]) -> Line:
        """Whether it starts, and both services answer signed calls."""
        answered = started.result()
        session = self._world()
        session.detection.self_test()
        keys = session.backend.cloud_account()
        assert keys is not None  # every sandbox has an account
        verify(session.account(keys, session.region))
        took = time.monotonic() - self._began
        found = f"started in {answered:.1f} s; AWS and detection answered signed calls after {took:.1f} s"
        return Line("Sandbox", "ready", found, LOOKED_AT)

    def lab_lines(self, started: Future[float]) -> Iterator[Line]:
        """Programs, steps, AWS CLI and range. Raises LabError when a step cannot be done."""
        yield from (line for line in program_lines() if line.title == "curl" or line.state == "missing")
        require_sandbox(started)
        session, began = self._world(), time.monotonic()
        for _, result in steps.solve(session, steps.STEPS):
            if not result.passed:
                found = f"stopped at “{result.title}”: expected {result.expected}, found {result.found}"
                yield Line("Steps", "missing", found, LOOKED_AT, result.next_step)
                return
        found = f"all {len(steps.STEPS)} done in {time.monotonic() - began:.1f} s, curl's alert and its deny entry too"
        yield Line("Steps", "ready", found, LOOKED_AT)
        yield aws_line(session)
        if session.backend.host is not None:
            yield range_line(session, session.backend.host)

    def _world(self) -> LabSession:
        return backends.open_isolated(self.home, student=SINGLE_STUDENT)


def require_sandbox(started: Future[float]) -> None:
    """Wait for it. Raises LabError when it did not start; why is told where it is looked at."""
    if started.exception() is not None:
        raise LabError("Not tried:", "the sandbox did not start.")


def aws_line(session: LabSession) -> Line:
    """The AWS CLI, run as a terminal of the lab would run it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    given = {**os.environ, **session.backend.environment(), "PATH": path}
    environment = {name: value for name, value in given.items() if value}
    try:
        ran = subprocess.run(AWS, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        told = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        next_step = "In the folder of the lab: make setup, or: pip install -e ."
        return Line("AWS CLI", "missing", told, " ".join(AWS), next_step)
    found = f"it lists {sum(line.startswith('VPCS') for line in ran.stdout.splitlines())} VPCs of the sandbox"
    return Line("AWS CLI", "ready", found, " ".join(AWS))


def range_line(session: LabSession, host: Host) -> Line:
    """What curl meets while an entry denies it, and once that is gone; and how real that is on this machine."""
    looked_at = "curl dadismad.com on the host, denied and allowed"
    status = host.status()
    if status.fault:
        return Line("Range", "missing", status.fault, looked_at, "Say `labkit ready` again; else see the README.")
    denied = host.run(CURL)
    list(steps.reset(session, (DENIED,)))
    allowed = host.run(CURL)
    if denied.code == 0 or allowed.code != 0:
        told = (allowed.err or denied.err).strip()
        found = f"curl ended with {denied.code} while denied and with {allowed.code} while allowed: {told}"
        return Line("Range", "missing", found, looked_at, "LABKIT_RANGE_TIER=3 does without programs and packets.")
    if not denied.really:
        met = "no program ran; the lab computed that curl gets an answer while allowed, and none while denied"
    else:
        met = f"denied, curl got no answer for {denied.seconds:.1f} s; allowed, it had one in {allowed.seconds:.2f} s"
    if status.tier == 1:
        return Line("Range", "ready", f"tier 1 of 3, real packets: {met}", looked_at)
    best = reach()
    return Line("Range", "remark", f"tier {best.tier} of 3; {met}. {best.why}", looked_at, best.next_step)
