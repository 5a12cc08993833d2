"""A command line for the lab's host: which program it runs, and what to say of one that wants a shell.

The host runs one program, without a shell: nothing expands `$NAME`, and `|` is a word like any other.
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
"""Words of a shell that are no programs."""

_SPECIAL = re.compile(r"\|\|?|&&|>>?|<<?|;|`|&(?=\s|$)|\$(?=[A-Za-z_{(])|(?:(?<=\s)|^)~(?=/|\s|$)")
_SAID = {"$": "a variable or `$(…)`", "`": "a backquote", "~": "`~`, the home folder"}


@dataclass(frozen=True)
class Advice:
    """Of a program that may be missing. package: that of Debian and Ubuntu which has it. instead: what serves, too."""

    package: str
    instead: str = ""


KNOWN = {
    "ping": Advice("iputils-ping", "Whether a site answers is seen with curl, too: curl dadismad.com"),
    "ping6": Advice("iputils-ping", "Whether a site answers is seen with curl, too: curl dadismad.com"),
    "traceroute": Advice("traceroute", "lab.topology() shows where a packet is stopped."),
    "nslookup": Advice("bind9-dnsutils", "Without it, ask for a name's address with: getent ahosts dadismad.com"),
    "dig": Advice("bind9-dnsutils", "Without it, ask for a name's address with: getent ahosts dadismad.com"),
    "host": Advice("bind9-host", "Without it, ask for a name's address with: getent ahosts dadismad.com"),
    "nc": Advice("netcat-openbsd", "curl telnet://ADDRESS:PORT opens a connection, too."),
    "netcat": Advice("netcat-openbsd", "curl telnet://ADDRESS:PORT opens a connection, too."),
    "telnet": Advice("telnet", "curl telnet://ADDRESS:PORT opens a connection, too."),
    "ip": Advice("iproute2"),
    "ss": Advice("iproute2"),
    "ifconfig": Advice("net-tools"),
    "netstat": Advice("net-tools"),
    "http": Advice("httpie", "curl asks for pages, too."),
}
"""Programs whose package has another name, or that do not help here."""


def parse_command(command: str | Sequence[str]) -> list[str]:
    """The words of a command, the program first. Raises InvalidInput for one that wants a shell, and says how.

    >>> parse_command("curl -H 'a: b' dadismad.com")
    ['curl', '-H', 'a: b', 'dadismad.com']
    """
    if not isinstance(command, str):
        return [str(word) for word in command]
    if (straight := command.translate(CURLY)) != command:
        raise _refused(command, "it has curly quotes, which are letters to a program.", f"lab.run({straight!r})")
    try:
        words = shlex.split(command)
    except ValueError:
        raise _refused(command, "a quote is opened and not closed.", "Close it, or leave it out") from None
    if found := _SPECIAL.search(_unquoted(command)):
        sign = found[0]
        raise _refused(
            command,
            f"{_SAID.get(sign, f'`{sign}`')} means something only to a shell, and the host runs one program.",
            with_shell(command),
        )
    if words and re.match(r"[A-Za-z_]\w*=", words[0]):
        raise _refused(command, f"`{words[0]}` sets a variable, which only a shell does.", with_shell(command))
    return words


def with_shell(command: str) -> str:
    """The call that runs a command in a shell.

    >>> print(with_shell("curl dadismad.com | head -1"))
    lab.run("sh -c 'curl dadismad.com | head -1'")
    """
    return f"lab.run({f'sh -c {shlex.quote(command)}'!r})"


def missing_program(name: str, is_installed: Callable[[str], bool]) -> LabError:
    """What to say of a program that this machine does not have. is_installed: whether it has another one."""
    if name in BUILT_IN:
        return LabError(
            f"{name} is a word of the shell, not a program.",
            "The host runs one program at a time, and each starts anew: nothing is left of a folder or a variable.",
            f"Do it all in one shell: {with_shell(f'{name} … && …')}",
        )
    if name != name.lower() and is_installed(name.lower()):
        return LabError(f"There is no program {name}.", "Capital letters count.", f"Write it small: {name.lower()}")
    known = KNOWN.get(name, Advice(name))
    return LabError(
        f"{name} is not installed on this computer.",
        f"The host runs the programs of this machine. {known.instead}".strip(),
        f"Install it, on Debian and Ubuntu with: sudo apt install {known.package}",
    )


def _unquoted(command: str) -> str:
    """The command with what stands in quotes blanked: all in single ones, in double ones what a shell leaves alone."""
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


def _refused(command: str, why: str, instead: str) -> InvalidInput:
    return InvalidInput(f"`{command}` was not run.", f"{why[0].upper()}{why[1:]}", f"Write: {instead}", field="command")
