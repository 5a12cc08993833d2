"""The environment of the process in which a lab is open, so that its `!aws` and `%%bash` reach what the lab does."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from labkit.services.aws_cli import link_own
from labkit.services.jupyter_server import server_of_this_kernel

LABS_JUPYTERLAB = "LABKIT_JUPYTERLAB"
"""A variable of the JupyterLab that the lab started, and so of its kernels and terminals."""

_changed: dict[str, tuple[str | None, str | None]] = {}
"""Of each variable that was changed: its value before, and the lab's."""


def enter(environment: Mapping[str, str]) -> None:
    """Set these variables in this process, and PATH to the lab's programs first. An empty value unsets one."""
    leave()
    in_labs_jupyterlab = LABS_JUPYTERLAB in os.environ
    path = {} if in_labs_jupyterlab else {"PATH": programs_path()}
    for name, value in {**environment, **path}.items():
        _changed[name] = os.environ.get(name), value or None
        _set(name, value or None)


def leave() -> None:
    """Give the variables back the values that they had, except those that somebody else has changed since."""
    for name, (before, ours) in _changed.items():
        if os.environ.get(name) == ours:
            _set(name, before)
    _changed.clear()


def programs_path() -> str:
    """PATH with the lab's programs first. Raises LabError if the lab's home cannot be written."""
    first = [*filter(None, [link_own()]), Path(sys.executable).parent]
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", "")])


def terminal_command() -> str:
    """The line that directs a terminal to the lab, where this kernel's JupyterLab or editor is not the lab's own, so
    that its terminals have the student's AWS settings; "" elsewhere."""
    if LABS_JUPYTERLAB in os.environ:
        return ""
    if server_of_this_kernel() is None and not any(name.startswith("VSCODE_") for name in os.environ):
        return ""
    path = _changed["PATH"][0] if "PATH" in _changed else os.environ.get("PATH")
    program = "labkit" if shutil.which("labkit", path=path or "") else Path(sys.executable).with_name("labkit")
    return f'eval "$({program} env)"'


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
