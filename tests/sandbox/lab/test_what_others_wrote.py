"""What students, rules, programs and files say reaches a terminal with its control characters written out."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labkit.cli.main import main
from labkit.lab.lab import Lab
from labkit.model.detection.event import connect_event
from labkit.sandbox.detection.seed_data import LAB_AGENT_ID
from labkit.services import sandbox_process
from tests.unit.views.test_terminal import EVIL

START = EVIL[:15].encode("unicode_escape").decode()
NO_NAME = f"{'a' * 70}.org"  # a label has 63 letters at most
IN_JSON = START.replace("x1b", "u001b")

COMMANDS: dict[tuple[str, ...], str] = {
    ("status", "-v"): START,
    ("status", "--json"): IN_JSON,
    ("solve", "3"): START,
    ("solve", "deny_entry", "--student", "7"): "",
    ("reset", "first_alert"): START,
    ("reset", "first_alert", "--student", "7"): START,
    ("respond", "--once"): START,
    ("respond", "--once", "-v"): START,
    ("respond", "--dry-run"): START,
    ("respond", "--safe", EVIL): START,
    ("entries",): "",
    ("board", "--once"): "",
    ("board", "--once", "--names", "NAMES"): START,
    ("board", "--json", "--names", "NAMES"): "",
    ("board", "--csv", "--names", "NAMES"): "",
    ("board", "--once", "--names", EVIL): START,
    ("board", "--once", "--names", "BLOCK"): START,
    ("join", "BLOCK"): "",
    ("run", "--", EVIL): START,
    ("status", EVIL): START,
    ("solve", EVIL): START,
    ("solve", "--student", EVIL): "52;c;ZWNobw==",
    ("reset", EVIL): START,
    ("lab", "--chapter", EVIL): START,
    ("lab", "--base-url", EVIL): START,
    ("lab", "--host", EVIL, "--yes"): START,
    ("lab", "--host", NO_NAME, "--yes"): NO_NAME,
    ("handout", EVIL): START,
    ("class", "keys", EVIL): "52;c;ZWNobw==",
    ("sandbox", "status"): "",
    ("sandbox", "start", "--class", "3", "--host", EVIL): START,
    ("sandbox", "start", "--class", "3", "--host", NO_NAME): NO_NAME,
    ("sandbox", "start", "--class", "3", "--tls", "--cert", EVIL, "--key", EVIL): START,
    ("env",): "",
    ("cloud-account",): "",
}
"""Each command, and how what others wrote begins there, if it is shown."""


def test_no_command_lets_what_others_wrote_act_on_the_terminal(
    lab: Lab, lab_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", "7")
    for step in ("rule_id", "host_subnet"):
        assert CliRunner().invoke(main, ["solve", step]).exit_code == 0
    event = {**connect_event(), "agent_id": LAB_AGENT_ID, "exe": f"/usr/bin/{EVIL}", "user": EVIL}
    odd = {**event, "connection": {**event["connection"], "dst_addr": EVIL}}
    sandbox = sandbox_process.find(lab_home)
    assert sandbox is not None
    for one in (odd, event):
        assert sandbox.control("POST", "/_lab/events", one)["raised"]
    files = {"NAMES": tmp_path / f"names{EVIL}", "BLOCK": tmp_path / f"block{EVIL}"}
    files["NAMES"].write_text(f'7,"{EVIL}"\n', newline="")
    files["BLOCK"].write_text(f"LABKIT_STUDENT={EVIL}\nAWS_ENDPOINT_URL={EVIL}\n", newline="")
    for words, shown in COMMANDS.items():
        said = CliRunner().invoke(main, [str(files.get(word, word)) for word in words], input="n\n", color=True)
        assert isinstance(said.exception, SystemExit | None), (words, said.exception)
        there = click.unstyle(said.output)
        assert not {one for one in there if not one.isprintable()} - {"\n"}, (words, there)
        assert shown in there, (words, there)
