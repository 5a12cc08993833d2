"""A command line for the lab's host: which program it runs, and what to answer if it needs a shell.

The host runs one program, without a shell: `$NAME` is not expanded, and `|` is an ordinary word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labkit.model.errors import InvalidInput, LabError

CURLY = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")

BUILT_IN = {
    *("cd", "export", "source", ".", "alias", "set", "unset", "exit", "exec", "eval", "history", "jobs", "type"),
    *("ulimit", "umask", "wait", "read", "if", "for", "while", "case", "until", "function", "pushd", "popd"),
}
"""Words of a shell that are not programs."""

_SPECIAL = re.compile(r"\|\|?|&&|>>?|<<?|;|`|&(?=\s|$)|\$(?=[A-Za-z_{(])|(?:(?<=\s)|^)~(?=/|\s|$)")
_NAMES = {"$": "a variable or `$(…)`", "`": "a backquote", "~": "`~`, the home folder"}


@dataclass(frozen=True)
class Advice:
    """What to do without a program. package: the one of Debian and Ubuntu that has it. instead: another way."""

    package: str
    instead: str = ""


_ANSWERS = "curl shows as well whether a site answers: curl dadismad.com"
_ADDRESSES = "getent finds the addresses of a name too: getent ahosts dadismad.com"
_CONNECTS = "curl can open a connection too: curl telnet://ADDRESS:PORT"

KNOWN = {
    "ping": Advice("iputils-ping", _ANSWERS),
    "ping6": Advice("iputils-ping", _ANSWERS),
    "traceroute": Advice("traceroute", "lab.topology() shows where a packet is stopped."),
    "nslookup": Advice("bind9-dnsutils", _ADDRESSES),
    "dig": Advice("bind9-dnsutils", _ADDRESSES),
    "host": Advice("bind9-host", _ADDRESSES),
    "nc": Advice("netcat-openbsd", _CONNECTS),
    "netcat": Advice("netcat-openbsd", _CONNECTS),
    "telnet": Advice("telnet", _CONNECTS),
    "ip": Advice("iproute2"),
    "ss": Advice("iproute2"),
    "ifconfig": Advice("net-tools"),
    "netstat": Advice("net-tools"),
    "http": Advice("httpie", "curl requests pages too."),
}
"""Programs whose package has another name, or that can be replaced."""


def parse_command(command: str | Sequence[str]) -> list[str]:
    """The words of a command, the program first. Raises InvalidInput, with what to do, for one that needs a shell.

    >>> parse_command("curl -H 'a: b' dadismad.com")
    ['curl', '-H', 'a: b', 'dadismad.com']
    """
    if not isinstance(command, str):
        return [str(word) for word in command]
    if (straight := command.translate(CURLY)) != command:
        raise _refused(command, "it has curly quotes, which programs read as letters.", f"Write: lab.run({straight!r})")
    try:
        words = shlex.split(command)
    except ValueError:
        raise _refused(command, "a quote is opened and not closed.", "Close the quote, or remove it.") from None
    if found := _SPECIAL.search(_unquoted(command)):
        sign = found[0]
        raise _refused(
            command,
            f"{_NAMES.get(sign, f'`{sign}`')} means something only to a shell, and the host runs one program.",
            f"Write: {with_shell(command)}",
        )
    if words and re.match(r"[A-Za-z_]\w*=", words[0]):
        raise _refused(command, f"`{words[0]}` sets a variable, which needs a shell.", f"Write: {with_shell(command)}")
    return words


def with_shell(command: str) -> str:
    """The call that runs a command in a shell.

    >>> print(with_shell("curl dadismad.com | head -1"))
    lab.run("sh -c 'curl dadismad.com | head -1'")
    """
    return f"lab.run({f'sh -c {shlex.quote(command)}'!r})"


def missing_program(name: str, is_installed: Callable[[str], bool]) -> LabError:
    """The error for a program that is not on this machine. is_installed: whether another program is."""
    if name in BUILT_IN:
        return LabError(
            f"{name} is a word of the shell, not a program.",
            "The host runs one program at a time; a change of folder or variable does not last until the next.",
            f"Do everything in one shell: {with_shell(f'{name} … && …')}",
        )
    if name != name.lower() and is_installed(name.lower()):
        return LabError(f"There is no program {name}.", "Upper and lower case matter.", f"Write: {name.lower()}")
    known = KNOWN.get(name, Advice(name))
    return LabError(
        f"{name} is not installed on this computer.",
        f"The host runs the programs of this machine. {known.instead}".strip(),
        f"Install it, on Debian and Ubuntu with: sudo apt install {known.package}",
    )


def _unquoted(command: str) -> str:
    """The command with quoted text blanked: in double quotes, only what a shell does not expand."""
    seen, quote, skip = [], "", False
    for sign in command:
        kept = sign
        if skip:
            kept, skip = "_", False
        elif sign == "\\" and quote != "'":
            kept, skip = "_", True
        elif sign in "\"'" and quote in ("", sign):
            kept, quote = "_", "" if quote else sign
        elif quote == "'" or (quote and sign not in "$`{(" and not sign.isalpha()):
            kept = "_"
        seen.append(kept)
    return "".join(seen)


def _refused(command: str, why: str, next_step: str) -> InvalidInput:
    return InvalidInput(f"`{command}` was not run.", f"{why[0].upper()}{why[1:]}", next_step, field="command")
