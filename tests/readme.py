"""The tables of README.md that are written from the code: `python -m tests.readme`; a unit test holds them equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

README = Path(__file__).parents[1] / "README.md"


def commands() -> str:
    """One row per command of `labkit`, with the first sentence of its help."""
    from labkit.cli import main

    rows = []
    for words, command in leaves(main, "labkit"):
        called = " ".join(words).replace("|", r"\|")
        rows.append(f"| `{called}` | {first_sentence(command)} |")
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])


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
    for name, table in {"commands": commands()}.items():
        before, begin, rest = text.partition(f"<!-- {name}: written by `make readme` -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        assert begin and end, f"README.md has lost the markers of its table of {name}"
        text = f"{before}{begin}{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
