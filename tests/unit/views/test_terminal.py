"""What reaches a terminal: others' control characters never, our own colours only where they are wanted."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labkit.cli.group import Commands
from labkit.cli.main import main
from labkit.model.errors import LabError
from labkit.views import terminal

EVIL = "\x1b]52;c;ZWNobw==\x07\x1b[2J\x1b]0;title\x9c\x9b31m\r\x08\x7f\u202e\u2028"
PACKAGE = Path(terminal.__file__).parents[1]
TO_STUDENTS = 1
"""Sentences about what students type on their own machines."""


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


def test_prose_is_broken_between_words_where_the_terminal_ends_and_nobody_elses_character_breaks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert terminal.prose("one two three four five\n  six\u2028seven") == (
        "one two three four\nfive\n  six\\u2028seven"
    )
    assert terminal.prose("") == ""


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


@pytest.mark.parametrize(("on_path", "there"), [(True, "labkit solve vpc"), (False, ".venv/bin/labkit solve vpc")])
def test_a_command_that_a_message_names_can_be_pasted_where_this_one_was_typed(
    on_path: bool, there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv" / "bin" / "labkit"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/labkit", "solve"])
    monkeypatch.setenv("PATH", str(program.parent) if on_path else "/usr/bin")
    assert terminal.in_terminal("Next: lab.solve('vpc')") == f"Next: {there}"
    assert terminal.in_terminal("Next: `labkit solve vpc`, in /home/kim/labkit or") == (
        f"Next: `{there}`, in /home/kim/labkit or"
    )


def test_what_a_command_itself_says_goes_through_in_terminal_if_it_names_a_command() -> None:
    command = re.compile(rf"labkit ({'|'.join(main.commands)})\b")
    bare = [
        f"{path.name}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "echo"
        for argument in node.args
        if command.search(ast.unparse(argument)) and "in_terminal" not in ast.unparse(argument)
    ]
    assert len(bare) == TO_STUDENTS, bare


NO_COMMAND = {"agree", "boto3", "clean_up", "enter_aws_keys", "enter_detection_key", "take_vpc"}
"""Calls whose form or argument no command of `labkit` has; the words say that they belong into a chapter."""


@pytest.mark.parametrize("room", ["steps", "services", "backends", "responder", "sandbox", "range", "classroom", "cli"])
def test_no_message_names_a_cells_call_in_a_terminal_or_only_a_command_in_a_cell(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for words in {_words(node) for node in nodes if id(node) not in parts | docstrings}:
            there = terminal.in_terminal(words)
            assert set(re.findall(r"lab\.(\w+)\(", there)) <= NO_COMMAND, f"{path.name}: {there}"
            assert "cell again" not in there
            if room == "steps":
                bare = re.search(r"labkit (solve|status|respond|run|reset(?! --student))", words)
                assert bare is None, f"{path.name}: {words}"


def _words(node: ast.AST) -> str:
    """The text of a literal, with N for each value in it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "N" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
