"""The tables of README.md that are written from the code: `python -m tests.readme`; a unit test holds them equal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.sandbox.aws.differences import Difference

README = Path(__file__).parents[1] / "README.md"


def commands() -> str:
    """One row per command of `labkit`, with the first sentence of its help."""
    from labkit.cli.main import main

    rows = [(f"`{' '.join(words)}`", first_sentence(command)) for words, command in leaves(main, "labkit")]
    return table(("command", "what it does"), rows)


def differences() -> str:
    """Where the sandbox still differs from AWS."""
    from labkit.sandbox.aws.differences import remaining

    return table(("call", "AWS", "sandbox"), [(each.call, as_known(each), each.sandbox) for each in remaining()])


def closed_differences() -> str:
    """Where moto differs from AWS and the sandbox does not."""
    from labkit.sandbox.aws.differences import closed

    rows = [(each.call, each.moto, as_known(each)) for each in closed()]
    return table(("call", "moto alone", "AWS and the sandbox"), rows)


def as_known(difference: Difference) -> str:
    return difference.aws if difference.verified else f"{difference.aws} (not verified)"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def leaves(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The commands that do something, each with its words on the command line."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from leaves(child, *words, name)
    else:
        yield (*words, *(argument.make_metavar(click.Context(command)) for argument in arguments(command))), command


def arguments(command: click.Command) -> list[click.Parameter]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Argument)]


def first_sentence(command: click.Command) -> str:
    return re.split(r"(?<=\.)\s", (command.help or "").replace("\n", " ").strip())[0]


def filled(text: str) -> str:
    """The README with each generated table in its place."""
    tables = {"commands": commands(), "differences": differences(), "closed differences": closed_differences()}
    for name, content in tables.items():
        before, begin, rest = text.partition(f"<!-- {name}: written by `make readme` -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        assert begin and end, f"README.md has lost the markers of its table of {name}"
        text = f"{before}{begin}\n{content}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
