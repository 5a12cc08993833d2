"""The AWS CLI of the lab's terminals: the student's own if it can be directed to the lab, else the lab's."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from labkit.files import disk_errors, private_folder, write_private
from labkit.services.environment import home_folder, own_environment

OLDEST = {1: (1, 29, 0), 2: (2, 13, 0)}
"""The first versions that heed `endpoint_url` of a profile; with an older one, commands would reach the real AWS.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""
_VERSION_SECONDS = 20


@dataclass(frozen=True)
class AwsCli:
    """path: the program. version: its number; "" if it does not say. is_own: whether it is the student's."""

    path: str
    version: str
    is_own: bool

    @property
    def heeds_endpoints(self) -> bool:
        """Whether it can be directed to the lab.

        >>> AwsCli("/usr/bin/aws", "2.9.19", True).heeds_endpoints
        False
        """
        numbers = tuple(map(int, self.version.split("."))) if self.version else (0,)
        return numbers[0] > max(OLDEST) or numbers >= OLDEST.get(numbers[0], (sys.maxsize,))

    def __str__(self) -> str:
        return f"{self.version}, {'your own' if self.is_own else 'the lab’s'}: {self.path}"


def aws_cli() -> AwsCli | None:
    """The AWS CLI that the lab's terminals run; None if there is none."""
    own = own_aws_cli()
    return own if own is not None and own.heeds_endpoints else _labs()


@functools.cache
def own_aws_cli() -> AwsCli | None:
    """The student's own AWS CLI, even if it is too old. Asking for its version takes up to a second, once a process."""
    not_own = {str(Path(sys.executable).parent), str(_folder())}
    path = os.pathsep.join(one for one in os.environ.get("PATH", "").split(os.pathsep) if one not in not_own)
    program = shutil.which("aws", path=path)
    return None if program is None else AwsCli(program, _version(program), is_own=True)


def link_own() -> Path | None:
    """A folder whose only program is the student's own AWS CLI, to be first in PATH; None if the lab's is to be run.

    Raises LabError if it cannot be written.
    """
    chosen, link = aws_cli(), _folder() / "aws"
    with disk_errors(_folder()):
        link.unlink(missing_ok=True)
        if chosen is None or not chosen.is_own:
            return None
        private_folder(_folder())
        link.symlink_to(chosen.path)
    return _folder()


def _labs() -> AwsCli | None:
    program = shutil.which("aws", path=str(Path(sys.executable).parent))
    return None if program is None else AwsCli(program, metadata.version("awscli"), is_own=False)


def _folder() -> Path:
    return home_folder() / "bin"


def _version(program: str) -> str:
    """Its version, noted in the home for as long as the program is the same: to run it costs as much as all the rest of
    `labkit status`. "" if it does not run."""
    memo = home_folder() / "aws-version"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        file = os.stat(program)
        known = f"{program} {file.st_mtime_ns} {file.st_size} "
        with contextlib.suppress(FileNotFoundError):
            if (noted := memo.read_text(encoding="utf-8")).startswith(known):
                return noted.removeprefix(known)
        if (version := _asked_version(program)) and memo.parent.is_dir():
            write_private(memo, known + version)
        return version
    return _asked_version(program)


def _asked_version(program: str) -> str:
    """Its version, without reading the student's AWS settings; "" if it does not run."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            env=own_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.match(rb"aws-cli/(\d+\.\d+\.\d+)", answer.stdout)
    return found[1].decode() if found else ""
