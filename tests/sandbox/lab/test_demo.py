"""`labkit demo`, in a terminal as wide as a projector's in large type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labkit import steps
from labkit.cli.main import main
from labkit.lab.lab import Lab
from labkit.steps.protection import ALERT, DENIED
from labkit.steps.session import open_session
from tests.terminal import Terminal
from tests.wait import PATIENCE_SECONDS, until

HOST, RESPONDER, ENTRIES = "{top-left}", "{top-right}", "{bottom}"
CURL = "curl dadismad.com"
COLUMNS, ROWS = 106, 30


def labkit(*words: str) -> Result:
    return CliRunner().invoke(main, words)


class Demo:
    """The demo on a screen. folder: where its temporary files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.terminal = Terminal([sys.executable, "-m", "labkit", "demo"], COLUMNS, ROWS)

    def pane(self, name: str) -> list[str]:
        """The lines of one of its panes; empty while it is not there."""
        (socket,) = [*self._folder.glob("labkit-demo-*/tmux"), self._folder / "none"][:1]
        shown = ["tmux", "-S", str(socket), "capture-pane", "-p", "-t", name]
        return subprocess.run(shown, capture_output=True, text=True, check=False).stdout.splitlines()

    def wait_for(self, pane: str, words: str) -> str:
        """The line with these words."""
        found = until(lambda: next((line for line in self.pane(pane) if words in line), ""))
        assert isinstance(found, str)
        return found


@pytest.fixture
def demo(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Demo]:
    """The demo of student 7 after a rehearsal."""
    monkeypatch.setenv("LABKIT_STUDENT", "7")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert labkit("solve").exit_code == 0
    begun = Demo(tmp_path)
    yield begun
    begun.terminal.close()


@pytest.mark.tier_1
def test_a_demo_begins_as_new_shows_the_entry_and_its_packets_and_ends_with_its_prompt(demo: Demo) -> None:
    demo.terminal.wait_for(r"entry 1 denies 203\.0\.113\.10/32(.|\n)*\[y/N\]")
    demo.terminal.type("y\n")
    if shutil.which("tmux") is None:  # the other test is about this
        demo.terminal.wait_for("Open three terminals")
        return
    demo.wait_for(RESPONDER, "No alert names an address to deny.")
    demo.wait_for(HOST, "@10.0.1.10")
    assert not any(line.split()[:1] == ["1"] for line in demo.pane(ENTRIES))

    demo.terminal.type(f"{CURL}\n")
    demo.wait_for(HOST, "DAD IS MAD")
    added = demo.wait_for(RESPONDER, "Added entry 1: deny all to 203.0.113.10/32.")
    assert added.startswith("⊘") and " ms Added" in added
    assert demo.wait_for(ENTRIES, "203.0.113.10/32").split() == ["1", "deny", "all", "203.0.113.10/32", "0"]

    demo.terminal.type(f"{CURL}\n")
    demo.wait_for(HOST, "curl: (28)")
    assert int(demo.wait_for(ENTRIES, "203.0.113.10/32").split()[-1]) > 0
    assert all("  " not in line[9:].rstrip() for line in demo.pane(RESPONDER)[1:])  # one line each

    demo.terminal.type("exit\n")
    demo.terminal.wait_for("the next `labkit demo` starts fresh")
    assert demo.terminal.process.wait(PATIENCE_SECONDS) == 0


def test_without_tmux_the_demo_begins_as_new_and_says_which_terminals_to_open(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", "7")
    assert labkit("solve").exit_code == 0
    said = labkit("demo", "--yes").output

    assert all(command in said for command in ("labkit shell", "labkit respond", "labkit entries", CURL))
    assert all(steps.look(open_session(), step).outcome.value == "not yet" for step in (ALERT, DENIED))
    assert labkit("demo").output == said[said.index("Open three") :]  # nothing to undo, so nothing is asked


def test_entries_in_a_pipe_are_shown_once_as_describe_network_acls_names_them(lab: Lab) -> None:
    assert labkit("solve").exit_code == 0
    head, denied, allowed, last = labkit("entries").output.splitlines()

    assert head.split()[:4] == ["RuleNumber", "RuleAction", "Protocol", "CidrBlock"]
    assert denied.split()[:4] == ["1", "deny", "all", "203.0.113.10/32"]
    assert [line.split()[0] for line in (allowed, last)] == ["100", "*"]
