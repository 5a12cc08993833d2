"""What commands write to a terminal: colours, control characters made visible, and commands instead of cells' calls."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import click

UNLIMITED = 100_000
"""The columns of a file or a pipe."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, direction marks, line separators and lone surrogates."""

_CALL = re.compile(r"`?\blab\.(\w+)\(['\"]?([^()]*?)['\"]?\)`?")
_AGAIN = re.compile(r"\b(the|this) cell again")
_COMMANDS = {
    "check": "labkit status {}",
    "choose_backend": "LABKIT_AWS=sandbox labkit status",
    "choose_network_acl": "labkit solve network_acl_id",
    "clean_up": "labkit reset",
    "clone_rule": "labkit solve rule",
    "compare_criteria": "labkit status -v rule_criteria",
    "create_rule": "labkit solve rule",
    "create_vpc": "labkit solve vpc",
    "enable_rule": "labkit solve rule_enabled",
    "enter_aws_keys()": "labkit solve aws_account",
    "enter_student_number": "labkit solve student_number",
    "entries": "aws ec2 describe-network-acls",
    "host": "labkit status",
    "place_host": "labkit solve host_subnet",
    "readiness": "labkit solve host_ready",
    "reset": "labkit reset {}",
    "responder": "labkit respond",
    "retrieve_rule_id": "labkit solve rule_id",
    "run": "labkit run -- {}",
    "set_criteria": "labkit solve rule_criteria",
    "solve": "labkit solve {}",
    "status": "labkit status",
}
"""A cell's call, and the command that does the same."""

_OURS = re.compile(r"(?<![\w./-])labkit(?= [a-z])")


class Styled(str):
    """Text whose escape sequences are our own."""


def visible(text: str) -> str:
    r"""The text with its control characters written out, so that they do nothing to a terminal.

    >>> visible("a\x1b]52;c;ZWNobw==\x07b\u202e")
    'a\\x1b]52;c;ZWNobw==\\x07b\\u202e'
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def one_line(text: str) -> str:
    r"""The same of a name or a label, which has no line break or tab of its own.

    >>> one_line("rule\n✓ done")
    'rule\\n✓ done'
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def styled(text: str, **style: Any) -> Styled:
    """The text in a colour; plain where NO_COLOR is set (https://no-color.org) or TERM is dumb. `echo` takes colours
    from a pipe."""
    text = visible(text)
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Styled(text if is_plain else click.style(text, **style))


def echo(*parts: str, err: bool = False, nl: bool = True) -> None:
    """Write the parts one after the other. Commands write to a terminal in no other way."""
    click.echo("".join(one if isinstance(one, Styled) else visible(one) for one in parts), err=err, nl=nl)


def columns() -> int:
    """The terminal's width; what goes to a file or a pipe is neither cut nor wrapped, unless COLUMNS says how wide."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else UNLIMITED


def wrapped(words: str, indent: int) -> list[str]:
    """The words in lines that leave room for so many columns before them; an id is not broken while it fits a line."""
    return textwrap.wrap(one_line(words), max(columns() - indent, 10), break_on_hyphens=False) or [""]


def prose(words: str) -> str:
    """The words with each line broken between words where the terminal ends."""
    return "\n".join(part for line in words.split("\n") for part in wrapped(line, 0))


def typed() -> str:
    """How `labkit` is typed where this command was: by its path, if a shell does not find it by its name."""
    path, found = Path(sys.argv[0]), shutil.which("labkit")
    named = path.name != "labkit" or not path.exists() or (found is not None and path.samefile(found))
    return "labkit" if named else shlex.quote(sys.argv[0])


def in_terminal(words: str) -> str:
    """The words with each cell's call replaced by the command that does the same; where there is none, it stays a call.
    Commands are as they have to be typed here.

    >>> in_terminal("Make a program on the host connect: lab.run('curl dadismad.com')")
    'Make a program on the host connect: labkit run -- curl dadismad.com'
    >>> in_terminal("Take it as yours: lab.take_vpc('vpc-1').")
    "Take it as yours: lab.take_vpc('vpc-1') in a chapter."
    """

    def command(found: re.Match[str]) -> str:
        known = _COMMANDS.get(found[1]) or (not found[2] and _COMMANDS.get(f"{found[1]}()"))
        return known.format(found[2]).strip() if known else f"{found[0]} in a chapter"

    return _OURS.sub(lambda _: typed(), _AGAIN.sub("the command again", _CALL.sub(command, words)))
