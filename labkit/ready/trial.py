"""The whole lab, run in a temporary home: sandbox, steps, AWS CLI, and curl through the network ACL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from labkit import steps
from labkit.model.errors import LabError
from labkit.range.tiers import detect
from labkit.services import sandbox_process
from labkit.services.aws.profile import verify
from labkit.services.host import Host
from labkit.steps.host import program_lines
from labkit.steps.protection import DENIED
from labkit.steps.session import LabSession, open_isolated
from labkit.views.panels.readiness import Line

AWS = ("aws", "ec2", "describe-vpcs", "--output", "text")
AWS_SECONDS = 120
DENIED_CURL_SECONDS, ALLOWED_CURL_SECONDS = 1, 30
"""How long curl tries to connect: a denied connection never succeeds, an allowed one may be slow on a busy machine."""
LOOKED_AT = "a temporary sandbox"


def start(home: Path) -> float:
    """Start the sandbox; after how many seconds it answered. Raises LabError if it does not start."""
    began = time.monotonic()
    try:
        sandbox_process.start(home, parent=os.getpid())
    except LabError as error:  # its own next step names a temporary file
        raise LabError(error.what, error.why, "Run `labkit sandbox start`: its log file is kept.") from error
    return time.monotonic() - began


def require_sandbox(started: Future[float]) -> None:
    """Wait for the sandbox. Raises LabError if it did not start; the sandbox's own line says why."""
    if started.exception() is not None:
        raise LabError("Not tried:", "the sandbox did not start.")


def sandbox_line(home: Path, started: Future[float]) -> Line:
    """Whether the sandbox starts, and both services answer signed calls."""
    seconds, began = started.result(), time.monotonic()
    session = _session(home)
    session.detection.self_test()
    keys = session.backend.aws.cloud_account()
    assert keys is not None  # every sandbox has an account
    verify(session.account(keys, session.region))
    answered = seconds + time.monotonic() - began
    found = f"started in {seconds:.1f} s; AWS and detection answered signed calls after {answered:.1f} s"
    return Line("Sandbox", "ready", found, LOOKED_AT)


def lab_lines(home: Path, started: Future[float]) -> Iterator[Line]:
    """Programs, steps, AWS CLI and range. Raises LabError if a step cannot be done."""
    yield from (line for line in program_lines() if line.title == "curl" or line.state == "missing")
    require_sandbox(started)
    session, began = _session(home), time.monotonic()
    for _, result in steps.solve(session, steps.STEPS):
        if not result.passed:
            found = f"stopped at “{result.title}”: expected {result.expected}, found {result.found}"
            yield Line("Steps", "missing", found, LOOKED_AT, result.next_step)
            return
    found = f"all {len(steps.STEPS)} done in {time.monotonic() - began:.1f} s, with curl's alert and its deny entry"
    yield Line("Steps", "ready", found, LOOKED_AT)
    yield aws_line(session)
    if session.backend.aws.host is not None:
        yield range_line(session, session.backend.aws.host)


def _session(home: Path) -> LabSession:
    return open_isolated(home, student="1")


def aws_line(session: LabSession) -> Line:
    """The AWS CLI, run as in a terminal of the lab."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    variables = {**os.environ, **session.backend.environment(), "PATH": path}
    environment = {name: value for name, value in variables.items() if value}
    try:
        ran = subprocess.run(AWS, env=environment, capture_output=True, text=True, timeout=AWS_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        last_line = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        return Line(
            "AWS CLI", "missing", last_line, " ".join(AWS), "In the lab's folder: make setup, or pip install -e ."
        )
    count = sum(line.startswith("VPCS") for line in ran.stdout.splitlines())
    return Line("AWS CLI", "ready", f"it lists {count} VPCs of the sandbox", " ".join(AWS))


def range_line(session: LabSession, host: Host) -> Line:
    """Whether curl fails while an entry denies it and succeeds without that entry, and how real the packets are."""
    looked_at = "curl dadismad.com on the host, denied and allowed"
    status = host.status()
    if status.fault:
        return Line("Range", "missing", status.fault, looked_at, "Run `labkit ready` again, or see the README.")
    denied = host.run(_curl(DENIED_CURL_SECONDS))
    list(steps.reset(session, (DENIED,)))
    allowed = host.run(_curl(ALLOWED_CURL_SECONDS))
    if denied.code == 0 or allowed.code != 0:
        message = (allowed.err or denied.err).strip()
        found = f"curl ended with {denied.code} while denied and {allowed.code} while allowed: {message}"
        return Line("Range", "missing", found, looked_at, "LABKIT_RANGE_TIER=3 needs no programs and no packets.")
    if denied.ran:
        seen = f"denied, curl got no answer in {denied.seconds:.1f} s; allowed, it got one in {allowed.seconds:.2f} s"
    else:
        seen = "no program ran; the lab computed that curl gets an answer only while it is allowed"
    if status.tier == 1:
        return Line("Range", "ready", f"tier 1 of 3, real packets: {seen}", looked_at)
    best = detect()
    return Line("Range", "remark", f"tier {best.tier} of 3; {seen}. {best.why}", looked_at, best.next_step)


def _curl(seconds: int) -> tuple[str, ...]:
    return "curl", "--silent", "--show-error", "--connect-timeout", str(seconds), "dadismad.com"
