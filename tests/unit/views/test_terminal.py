"""What reaches a terminal: others' control characters never, our own colours only where they are wanted."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labkit.cli.group import Commands
from labkit.model.errors import LabError
from labkit.views import terminal

EVIL = "\x1b]52;c;ZWNobw==\x07\x1b[2J\x1b]0;title\x9c\x9b31m\r\x08\x7f\u202e\u2028"
PACKAGE = Path(terminal.__file__).parents[1]


@click.group(cls=Commands)
def commands() -> None:
    """Commands of a test."""


@commands.command()
def say() -> None:
    terminal.echo("words ", EVIL, terminal.styled(EVIL, fg="red"))


@commands.command()
def fail() -> None:
    raise LabError(EVIL, EVIL, EVIL)


@commands.command()
def hang() -> None:
    raise KeyboardInterrupt


def test_an_interruption_says_how_to_go_on() -> None:
    stopped = CliRunner().invoke(commands, ["hang"])
    assert stopped.exit_code == 1
    assert stopped.output == "labkit: Stopped.\nWhat was done so far is kept.\nTo go on, run it again: labkit hang\n"


@pytest.mark.parametrize("verb", ["say", "fail"])
@pytest.mark.parametrize("colour", [False, True])
def test_a_control_character_is_written_out_in_output_and_in_errors(verb: str, colour: bool) -> None:
    words = click.unstyle(CliRunner().invoke(commands, [verb], color=colour).output)
    assert not {one for one in words if not one.isprintable()} - {"\n"}
    assert "\\x1b]52;c;" in words


def test_colours_reach_a_terminal_but_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.styled("✓", fg="green") == "\x1b[32m✓\x1b[0m"
    assert "\x1b" not in CliRunner().invoke(commands, ["say"]).output
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.styled("✓", fg="green") == "✓"


def test_every_command_writes_through_the_one_function() -> None:
    past = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho") and path.name != "terminal.py"
    ]
    assert past == []


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("Put the host into your VPC: lab.place_host()", "Put the host into your VPC: labkit solve host_subnet"),
        ('Delete them with lab.reset("rule"); then clone.', "Delete them with labkit reset rule; then clone."),
        ("see lab.check('network_acl_id').", "see labkit status network_acl_id."),
    ],
)
def test_a_cells_call_becomes_the_command_that_does_the_same(words: str, there: str) -> None:
    assert terminal.in_terminal(words) == there
