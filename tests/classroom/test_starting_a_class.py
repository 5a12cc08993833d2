"""An instructor starts a class on the command line: once, again, larger, elsewhere, with TLS of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from mohawk import Sender

from labkit.backends.live import LOGIN_VARIABLES
from labkit.classroom.class_keys import ClassKeys
from labkit.cli.main import main
from labkit.ready.own_work import class_line
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.services import sandbox_process
from labkit.services.detection.login import DetectionLogin
from tests.classroom.fixtures import UNSIGNED
from tests.ports import free_port


def labkit(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed)


@pytest.fixture
def instructor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of an instructor's machine."""
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    sandbox_process.stop(tmp_path / "home")


def test_a_class_is_started_shown_handed_out_and_restarted_without_options(instructor: Path) -> None:
    port = str(free_port())
    said = labkit("sandbox", "start", "--class", "3", "--port", port)
    assert said.exit_code == 0, said.output
    assert f"a class of 3 at http://127.0.0.1:{port}" in said.output
    keys = labkit("class", "keys").output
    assert [ClassKeys.parse(block).student for block in keys.split("\n\n")] == [1, 2, 3]
    assert ClassKeys.parse(labkit("class", "keys", "2").output).student == 2
    rows = list(csv.DictReader(io.StringIO(labkit("class", "keys", "--csv").output)))
    assert [row["LABKIT_STUDENT"] for row in rows] == ["1", "2", "3"]
    assert "not in this class" in labkit("class", "keys", "4").output
    labkit("sandbox", "stop")
    assert "not running" in labkit("class", "keys").output
    assert f"When started, it serves the class of 3 at http://127.0.0.1:{port}." in labkit("sandbox", "status").output
    assert f"a class of 3 at http://127.0.0.1:{port}" in labkit("sandbox", "start").output
    assert labkit("class", "keys").output == keys
    facts = json.loads(labkit("sandbox", "status", "--json").output)
    assert facts["class"]["size"] == 3
    assert f"a class of 3 at http://127.0.0.1:{port}" in labkit("sandbox", "status").output


def test_an_expired_certificate_is_replaced_and_students_must_join_again(
    instructor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as at_first:
        at_first.setattr(certificate, "VALID_DAYS", -1)
        at_first.setattr(certificate, "_CLOCKS_DIFFER", timedelta(days=9))
        assert labkit("sandbox", "start", "--class", "2", "--tls", "--port", str(free_port())).exit_code == 0
    before = class_settings.load(instructor)
    assert before is not None
    line = class_line(before, running=True)
    assert line.state == "missing" and "is not valid today" in line.found

    said = labkit("sandbox", "start")
    after = class_settings.load(instructor)

    assert said.exit_code == 0 and "must run `labkit join` again" in said.output
    assert after is not None and after.certificate != before.certificate
    assert class_line(after, running=True).state == "ready"


def test_ones_own_keys_open_the_sandbox_at_its_name_with_tls(instructor: Path) -> None:
    port = str(free_port())
    start = ("sandbox", "start", "--class", "1", "--tls", "--known-as", "localhost", "--port", port)
    assert labkit(*start).exit_code == 0
    lines = labkit("env").output.splitlines()
    given = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
    assert given["TS_HOST"] == f"localhost:{port}"
    ran = subprocess.run([sys.executable, "-c", UNSIGNED], env=os.environ | given, capture_output=True, text=True)
    assert ran.stdout.split() == ["401", "401"], ran.stderr
    certificate = given["NODE_EXTRA_CA_CERTS"]
    login = DetectionLogin(f"https://localhost:{port}", *(given[name] for name in LOGIN_VARIABLES[1:]), certificate)
    assert login.open().rulesets()


def test_a_class_grows_and_cannot_shrink(instructor: Path) -> None:
    port = str(free_port())
    labkit("sandbox", "start", "--class", "2", "--port", port)
    keys = labkit("class", "keys").output
    refused = labkit("sandbox", "start", "--class", "1")
    assert refused.exit_code == 1
    assert "cannot shrink from 2 to" in refused.output
    grown = labkit("sandbox", "start", "--class", "4")
    assert f"a class of 4 at http://127.0.0.1:{port}" in grown.output
    assert labkit("class", "keys").output.startswith(keys)


def test_listening_beyond_this_machine_needs_confirmation_and_a_no_changes_nothing(instructor: Path) -> None:
    words = ("sandbox", "start", "--class", "2", "--host", "127.0.0.1", "--known-as", "lab.example.org")
    said = labkit(*words, typed="n\n")
    assert said.exit_code == 1
    for part in ("other machines", "firewall", "TLS", "signed", "no secret key is ever sent", "Continue?"):
        assert part in said.output
    assert class_settings.load(instructor) is None
    assert sandbox_process.find(instructor) is None
    said = labkit(*words, typed="y\n")
    assert "a class of 2 at https://lab.example.org:" in said.output
    assert "Certificate (SHA-256): " in said.output
    assert "Continue?" not in labkit("sandbox", "start").output
    assert ClassKeys.parse(labkit("class", "keys", "1").output).fingerprint in said.output


def test_a_class_that_moves_asks_students_to_join_again_and_a_no_keeps_its_certificate(instructor: Path) -> None:
    labkit("sandbox", "start", "--class", "2", "--tls", "--port", str(free_port()))
    before = labkit("class", "keys").output
    assert labkit("sandbox", "start", "--known-as", "lab.example.org", typed="n\n").exit_code == 1
    labkit("sandbox", "stop")
    assert "join` again" not in labkit("sandbox", "start").output
    assert labkit("class", "keys").output == before
    assert "join` again" not in labkit("sandbox", "start", "--class", "3").output
    moved = labkit("sandbox", "start", "--known-as", "lab.example.org", "--yes")
    assert "must run `labkit join` again" in moved.output
    assert ClassKeys.parse(labkit("class", "keys", "1").output).fingerprint not in before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--class", "0"), "A class of 0 was refused"),
        (("--class", "1000"), "1 to 999"),
        (("--host", "127.0.0.1"), "size of the class is missing"),
        (("--class", "3", "--host", "198.51.100.1"), "not an address of this machine"),
        (("--class", "3", "--host", "no.such.host.invalid"), "not an address of this machine"),
        (("--class", "3", "--cert", "a.pem"), "its key belong together"),
        (("--class", "3", "--cert", "a.pem", "--key", "b.pem"), "cannot be read"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_started(
    instructor: Path, words: tuple[str, ...], said: str
) -> None:
    refused = labkit("sandbox", "start", *words)
    assert refused.exit_code == 1
    assert said in refused.output
    assert class_settings.load(instructor) is None
    assert sandbox_process.find(instructor) is None


def test_a_lab_of_ones_own_answers_with_tls_at_a_fixed_name_without_a_class(instructor: Path) -> None:
    started = labkit("sandbox", "start", "--tls", "--known-as", "api.threatstack.com")
    served = class_settings.load(instructor)
    assert started.exit_code == 0 and served is not None
    assert "127.0.0.1 api.threatstack.com" in started.output and "for this machine only." in started.output
    assert "other machines" not in started.output and "class" not in started.output
    exports = labkit("env").output.replace("export ", "").splitlines()
    variables = dict(line.split("=", 1) for line in exports if "=" in line)
    assert variables["TS_HOST"] == f"api.threatstack.com:{served.port}"
    key = {"id": variables["TS_USER_ID"], "key": variables["TS_API_KEY"], "algorithm": "sha256"}
    url = f"https://{variables['TS_HOST']}/help/hawk/self-test"
    signed = Sender(key, url, "GET", content="", content_type="", ext=variables["TS_ORGANIZATION_ID"]).request_header
    headers = {"Host": variables["TS_HOST"], "Authorization": signed, "Content-Type": ""}
    here, bundle = url.replace("api.threatstack.com", "127.0.0.1"), variables["SSL_CERT_FILE"]
    assert requests.get(here, headers=headers, verify=bundle, timeout=60).status_code == 200
    assert "also answers at https://api.threatstack.com" in labkit("sandbox", "status").output
    assert labkit("solve", "vpc", "--yes").exit_code == 0
    grown = labkit("sandbox", "start", "--class", "2", "--yes")
    assert "a class of 2 at https://api.threatstack.com" in grown.output and "join` again" not in grown.output


def test_a_given_certificate_is_used_and_its_fingerprint_handed_out(instructor: Path, tmp_path: Path) -> None:
    files = tmp_path / "given.pem", tmp_path / "given-key.pem"
    certificate.make(*files, ["127.0.0.1"])
    given = ("--cert", str(files[0]), "--key", str(files[1]))
    assert labkit("sandbox", "start", "--class", "2", *given).exit_code == 0
    assert ClassKeys.parse(labkit("class", "keys", "1").output).fingerprint == certificate.pinned(files[0])


def test_a_port_in_use_is_reported_at_the_next_start(instructor: Path) -> None:
    from labkit.sandbox.http import listen

    port = free_port()
    labkit("sandbox", "start", "--class", "2", "--port", str(port))
    labkit("sandbox", "stop")
    with listen("127.0.0.1", port):
        refused = labkit("sandbox", "start")
        assert refused.exit_code == 1
        assert f"port {port}" in refused.output
    assert labkit("sandbox", "start").exit_code == 0


def test_without_a_class_there_are_no_keys_to_hand_out(instructor: Path) -> None:
    labkit("sandbox", "start")
    said = labkit("class", "keys")
    assert said.exit_code == 1
    assert "serves no class" in said.output


@pytest.mark.parametrize("wrong", [{"size": -1}, {"size": 10**9}, {"size": True}, {"port": 70000}, {"host": 1}])
def test_settings_of_wrong_types_or_sizes_are_reported_in_a_sentence(
    instructor: Path, wrong: dict[str, object]
) -> None:
    class_settings.save(instructor, replace(ClassSettings(3), **wrong))
    for command in (("sandbox", "start"), ("status",)):
        said = labkit(*command)
        assert said.exit_code == 1
        assert "The class's settings in" in said.output and "Move it away" in said.output
