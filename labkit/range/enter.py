"""Enters the range and becomes a program there.

`start.py enter FOLDER --shell` or `start.py enter FOLDER -- PROGRAM ARGUMENTS…`.

Nothing slow is imported, since every program pays for it. It exits with 125 if the range cannot be entered, with 127 if
the program is not installed.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from labkit.model.host.on_host import HOST_VARIABLE, NOT_ON_THE_HOST
from labkit.range import namespace
from labkit.range.namespace import NOT_ENTERED
from labkit.range.syscalls import seccomp

TYPE_CHECKING = False  # typing itself is slow to import
if TYPE_CHECKING:
    from typing import NoReturn

_NOT_INSTALLED = 127
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
_FIRST_OF_OTHERS, _PAST_ALL = 3, 1 << 20
_RUN_COMMANDS = """\
[ -f ~/.bashrc ] && . ~/.bashrc
aws() {{ echo "{refusal}" >&2; return 1; }}
PS1='\\[\\e[33m\\]({place})\\[\\e[0m\\] \\u@10.0.1.10 \\$ '
labkit_show_entries() {{
  read -rt .1 <> <(:)
  labkit_new=()
  mapfile -ts "$labkit_shown" labkit_new < "${{BASH_SOURCE[0]%/*}}/prompt"
  labkit_shown=$((labkit_shown + ${{#labkit_new[@]}}))
  [ ${{#labkit_new[@]}} = 0 ] || printf '\\e[36m⊘ %s\\e[0m\\n' "${{labkit_new[@]}}"
}}
labkit_shown=0 && labkit_show_entries > /dev/null 2>&1
PROMPT_COMMAND="labkit_show_entries 2> /dev/null${{PROMPT_COMMAND:+; $PROMPT_COMMAND}}"
"""
"""The prompt waits a tenth of a second: an entry that the program before it led to is there by then."""


def main(arguments: list[str]) -> None:
    """Become the program, inside the range. Does not return."""
    folder, kind, *program = arguments
    try:
        keeper = _connect(folder)
        with keeper:
            tier, token, entrance = _receive_entrance(keeper)
            argv = _shell(folder, tier) if kind == "--shell" else program
            path = namespace.find_program(argv[0])
            if path is None:
                _stop(_NOT_INSTALLED, f"{argv[0]} is not installed on this computer.")
            _enter(keeper, tier, token, entrance, (path, argv))
    except OSError as error:
        _stop(NOT_ENTERED, f"The range cannot be entered: {error}. Start it again: labkit sandbox start.")


def _connect(folder: str) -> socket.socket:
    keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        keeper.connect(f"{folder}/door")
    except OSError:
        _stop(NOT_ENTERED, "The range is not up. Start it with: labkit sandbox start")
    return keeper


def _receive_entrance(keeper: socket.socket) -> tuple[str, str, list[int]]:
    """The tier, the token, and in tier 1 the host's namespaces."""
    message, descriptors, _, _ = socket.recv_fds(keeper, 256, 8)
    tier, token = message.decode().split()
    return tier, token, list(descriptors)


def _enter(keeper: socket.socket, tier: str, token: str, entrance: list[int], program: tuple[str, list[str]]) -> None:
    path, argv = program
    environment = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    environment[HOST_VARIABLE] = token
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, which programs would inherit
    if _is_inside(token, entrance):
        os.execve(path, argv, environment)
    if tier == "2":
        from labkit.range.syscalls import shim

        sys.exit(shim.run(path, argv, environment, keeper))
    _enter_network(keeper, entrance)
    namespace.drop_capabilities()
    os.closerange(_FIRST_OF_OTHERS, _PAST_ALL)  # a descriptor from outside would be a way out
    os.execve(path, argv, environment)


def _enter_network(keeper: socket.socket, entrance: list[int]) -> None:
    """Move into the host's namespaces, and let the keeper watch connect(2) from then on. Raises OSError."""
    folder = os.getcwd()
    namespace.enter(entrance)
    os.chdir(folder)
    listener = seccomp.listen("connect")
    socket.send_fds(keeper, [b"watch"], [listener])
    os.close(listener)
    if not keeper.recv(16):
        raise OSError("the keeper did not answer")


def _is_inside(token: str, entrance: list[int]) -> bool:
    """Whether this process is in the range, and so watched, already."""
    if entrance:
        here, there = os.stat("/proc/self/ns/net"), os.fstat(entrance[-1])
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    with open("/proc/self/status") as file:
        filtered = "Seccomp_filters:\t0" not in file.read()
    return filtered and os.environ.get(HOST_VARIABLE) == token


def _shell(folder: str, tier: str) -> list[str]:
    """An interactive shell whose prompt shows that it is in the range."""
    place = "range" if tier == "1" else "range, watched only"
    if namespace.find_program("bash") is None:
        os.environ["PS1"] = f"({place}) 10.0.1.10 $ "
        return ["sh", "-i"]
    commands = f"{folder}/bashrc"
    with open(commands, "w") as file:
        file.write(_RUN_COMMANDS.format(place=place, refusal=NOT_ON_THE_HOST.format("aws")))
    return ["bash", "--rcfile", commands, "-i"]


def _stop(code: int, sentence: str) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    sys.exit(code)
