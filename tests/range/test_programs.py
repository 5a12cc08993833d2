"""Programs in the range: real curl, real connect(2), and packets that are really dropped."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.model.errors import LabError
from labkit.model.host.records import Connection
from labkit.model.network_acl import Entry
from labkit.range.program import SILENCE_SECONDS, _Written, program_command
from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL, DADISMAD, DENY_DADISMAD, Recorder
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.tier_1

CURL = ("curl", "-sS", "--connect-timeout", "1")
DRIP = """
import socket
with socket.create_connection(("203.0.113.10", 7777), 2) as open_one:
    open_one.recv(1)
    print("open", flush=True)
    try:
        while open_one.recv(1): pass
    except TimeoutError:
        print("stalled", flush=True)
    open_one.settimeout(20)
    print("again" if open_one.recv(1) else "closed", flush=True)
"""


def test_curl_answers_then_times_out_while_an_entry_denies_it_then_answers_again(network: Range):
    network.apply(ALLOW_ALL)
    before = network.run([*CURL, "dadismad.com"])
    network.apply([*ALLOW_ALL, DENY_DADISMAD])
    denied = network.run([*CURL, "dadismad.com"])
    network.apply(ALLOW_ALL)
    after = network.run([*CURL, "dadismad.com"])

    assert (before.code, denied.code, after.code) == (0, 28, 0)
    first, *face, last = before.out.splitlines()
    assert first == f"You reached dadismad.com at {DADISMAD}."
    assert "DAD IS MAD" in " ".join(face) and max(map(len, face)) < 40
    assert last == "From the range: nothing left this machine."


def test_without_any_flag_curl_gives_up_after_three_seconds(network: Range):
    network.apply([*ALLOW_ALL, DENY_DADISMAD])

    ran = network.run(["curl", "-sS", "dadismad.com"])

    assert ran.code == 28
    assert 2.5 < ran.seconds < PATIENCE_SECONDS


def test_before_any_entry_nothing_passes(folder, recorder: Recorder):
    built = Range(folder, recorder)
    built.up()
    try:
        assert built.run([*CURL, "dadismad.com"]).code == 28
    finally:
        built.down()


def test_the_resolver_is_never_filtered_so_names_always_resolve(network: Range):
    network.apply([])

    assert network.run(["getent", "ahostsv4", "dadismad.com"]).out.startswith(DADISMAD)


def test_a_name_that_does_not_exist_ends_curl_with_6(network: Range):
    assert network.run([*CURL, "nobody.example"]).code == 6


def test_every_address_answers_on_port_80_and_refuses_other_ports(network: Range):
    assert network.run([*CURL, "http://8.8.8.8/"]).code == 0
    assert network.run([*CURL, "http://8.8.8.8:81/"]).code == 7


def test_a_deny_of_the_ipv4_address_leaves_the_ipv6_one_open(network: Range):
    network.apply([*ALLOW_ALL, Entry(1, True, "deny", "-1", "203.0.113.66/32")])
    through = network.run([*CURL, "six.dadismad.com"])
    network.apply([*ALLOW_ALL, Entry(1, True, "deny", "-1", "203.0.113.66/32"), Entry(2, True, "deny", "-1", "::/0")])
    stopped = network.run([*CURL, "six.dadismad.com"])

    assert through.code == 0
    assert "2001:db8:bad::10" in through.out
    assert stopped.code == 28


def test_a_deny_after_the_allow_changes_nothing(network: Range):
    network.apply([*ALLOW_ALL, Entry(150, True, "deny", "-1", f"{DADISMAD}/32")])

    assert network.run([*CURL, "dadismad.com"]).code == 0


def test_stateless_means_that_the_replys_port_must_be_allowed_in(network: Range):
    out = Entry(100, True, "allow", "-1", "0.0.0.0/0")
    network.apply([out, Entry(100, False, "allow", "6", "0.0.0.0/0", (80, 80))])
    without = network.run([*CURL, "dadismad.com"])
    network.apply([out, Entry(100, False, "allow", "6", "0.0.0.0/0", (1024, 65535))])
    with_ephemeral = network.run([*CURL, "dadismad.com"])

    assert (without.code, with_ephemeral.code) == (28, 0)


def test_an_open_connection_stalls_and_continues_when_allowed_again(network: Range):
    script = [sys.executable, "-c", DRIP]
    with subprocess.Popen(program_command(network.folder, script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        network.apply([*ALLOW_ALL, Entry(1, False, "deny", "-1", f"{DADISMAD}/32")])
        assert process.stdout.readline() == "stalled\n"
        network.apply(ALLOW_ALL)
        assert process.stdout.readline() == "again\n"
        process.kill()


def test_a_program_keeps_its_user_and_has_no_privileges(network: Range):
    ran = network.run(["sh", "-c", "id -u; id -g; pwd; grep CapEff /proc/self/status; hostname"])

    uid, gid, folder, powers, name = ran.out.splitlines()
    assert (int(uid), int(gid), folder, name) == (os.getuid(), os.getgid(), os.getcwd(), "range")
    assert int(powers.split()[1], 16) & ~(1 << 13) == 0


def test_a_program_cannot_undo_the_filter(network: Range):
    nft = network.run(["/usr/sbin/nft", "list", "ruleset"])
    link = network.run(["ip", "link", "add", "more", "type", "dummy"])

    assert nft.code != 0 or nft.out == ""
    assert link.code != 0


def test_a_missing_program_gets_an_error_message(network: Range):
    with pytest.raises(LabError, match="no-such-program is not installed on this computer"):
        network.run(["no-such-program"])

    told = subprocess.run(
        program_command(network.folder, ["no-such-program"]), capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (127, "no-such-program is not installed on this computer.\n")


def test_a_program_that_takes_too_long_is_killed_with_its_children(network: Range):
    ran = network.run(["sh", "-c", "sleep 987 & sleep 987"], timeout_seconds=0.5)

    left = network.run(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'sleep 98[7]'"])
    assert ran.code == 124
    assert left.out == "0\n"


def test_what_a_program_writes_as_it_ends_is_kept_on_a_busy_machine(network: Range, monkeypatch: pytest.MonkeyPatch):
    def busy_meanwhile(written: _Written, wait_seconds: float) -> bool:
        return written._process.wait() is not None

    monkeypatch.setattr(_Written, "_has_ended", busy_meanwhile)

    assert network.run(["sh", "-c", f"sleep {2 * SILENCE_SECONDS}; echo late"]).out == "late\n"


def test_a_second_entry_from_inside_runs_in_the_same_range(network: Range, recorder: Recorder):
    ran = network.run(program_command(network.folder, [*CURL, "example.com"]))

    assert ran.code == 0
    assert len(recorder.wait_for(1, "198.51.100.7")) == 1


def test_a_program_does_not_inherit_pythons_ignored_sigpipe(network: Range):
    assert network.run(["bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]).out == "y\n141\n"


def test_a_connection_is_reported_with_the_details_of_the_program(network: Range, recorder: Recorder):
    network.run([*CURL, "dadismad.com"])

    (event,) = recorder.wait_for(1, DADISMAD)
    assert (event.port, event.protocol, event.program.uid, event.program.gid) == (80, "tcp", os.getuid(), os.getgid())
    assert event.program.user == getpass.getuser()
    assert event.program.exe.endswith("/curl")
    assert event.program.args == (*CURL, "dadismad.com")
    assert event.program.cwd == os.getcwd()
    assert event.program.pid > 1 and event.program.ppid > 1 and event.program.session > 1
    assert (event.program.tty, event.allowed) == ("", None)


def test_connections_are_reported_in_order(network: Range, recorder: Recorder):
    network.run([*CURL, "198.51.100.[101-122]"])

    recorder.wait_for(1, "198.51.100.122")
    told = [event.ip for event in recorder if event.ip.startswith("198.51.100.")]
    assert told == [f"198.51.100.{number}" for number in range(101, 123)]


def test_two_hundred_short_programs_at_once_are_all_seen(network: Range, recorder: Recorder):
    one = "bash -c 'exec 3<>/dev/tcp/198.51.100.80/80' &"
    network.run(["bash", "-c", f"for i in $(seq 200); do {one} done; wait"], timeout_seconds=120)

    events = recorder.wait_for(200, "198.51.100.80")
    assert len({event.program.pid for event in events}) == 200


def test_counts_and_drops_name_the_entry(network: Range):
    network.apply([*ALLOW_ALL, DENY_DADISMAD])
    began = network.drops()
    network.run([*CURL, "--max-time", "0.5", "dadismad.com"])

    until(lambda: network.drops())
    drop = network.drops()[0]
    assert began == []
    assert (drop.egress, drop.rule_number, drop.destination, drop.port) == (True, 1, DADISMAD, 80)
    assert network.packets()[True, 1] == len(network.drops())
    assert network.drops(since=network.drops()[-1].time) == []


def test_an_unchanged_entry_keeps_its_count_and_a_new_one_starts_at_zero(network: Range):
    network.run([*CURL, "dadismad.com"])
    first = network.packets()[True, 100]
    network.apply([*ALLOW_ALL, DENY_DADISMAD])
    kept = network.packets()
    network.apply([Entry(100, True, "allow", "6", "0.0.0.0/0", (0, 65535))])
    anew = network.packets()

    assert first > 0
    assert kept[True, 100] >= first  # the end of the connection may still be counted
    assert kept[True, 1] == 0
    assert anew[True, 100] == 0
    assert (True, 1) not in anew


def test_an_exception_in_a_listener_does_not_stop_it(folder: Path, caplog: pytest.LogCaptureFixture):
    told = []

    def listener(event: Connection) -> None:
        told.append(event.ip)
        raise ZeroDivisionError

    built = Range(folder, listener)
    built.up()
    try:
        built.apply(ALLOW_ALL)
        for host in ("http://198.51.100.7", "http://198.51.100.80"):
            built.run([*CURL, host])
        until(lambda: len(told) == 2)
    finally:
        built.down()

    assert told == ["198.51.100.7", "198.51.100.80"]
    assert "a connection was not reported" in caplog.text
