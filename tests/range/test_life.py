"""The range ends with its owner, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.range.program import program_command
from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL, DENY_DADISMAD, Recorder, is_dead, keeper_pid, marked, python
from tests.wait import until

CURL = ("curl", "-sS", "--connect-timeout", "1")
KEEP_TRYING = """
import errno, socket, sys
def outcome(attempt):
    try: attempt()
    except OSError as error: return errno.errorcode[error.errno]
    return "open"
print("in", flush=True)
sys.stdin.readline()
four, six = (socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6))
print(outcome(lambda: socket.create_connection(("203.0.113.10", 80), 1)))
print(outcome(lambda: four.sendto(b"x", ("203.0.113.10", 9))))
print(outcome(lambda: six.sendto(b"x", ("2001:db8:bad::10", 9))), flush=True)
"""


class Owned:
    """A range owned by another process, with two programs in it that nobody ends: one has left its group and parent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = python("owner.py", str(folder), stdin=subprocess.PIPE)
        assert self.owner.stdout is not None
        who = json.loads(self.owner.stdout.readline())
        self.keeper, self.holder, self.token = who["keeper"], who["holder"], who["token"]
        stubborn = ["sh", "-c", "trap '' TERM HUP; setsid sleep 986 & echo in; exec sleep 986"]
        self.program = subprocess.Popen(program_command(folder, stubborn), stdout=subprocess.PIPE, text=True)
        assert self.program.stdout is not None
        assert self.program.stdout.readline() == "in\n"
        self.members = marked(self.token)

    def tell(self, word: str) -> None:
        assert self.owner.stdin is not None
        self.owner.stdin.write(word)
        self.owner.stdin.close()

    def clean(self) -> None:
        for process in (self.owner, self.program):
            process.kill()
            process.wait()


@pytest.fixture
def owned(folder: Path) -> Iterator[Owned]:
    one = Owned(folder)
    # Keeper, holder and both programs; while one of them execs, its environment, and so the mark, reads empty.
    known = {one.keeper, one.holder, one.program.pid}
    one.members = until(lambda: (found := marked(one.token)) and len(found) == 4 and known <= set(found) and found)
    yield one
    one.clean()


def links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def mounts_of(folder: Path) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]


ENDS = {
    "down": lambda owned: owned.tell("down\n"),
    "the owner ends without a word": lambda owned: owned.tell("leave\n"),
    "the owner is terminated": lambda owned: owned.owner.terminate(),
    "the owner is killed": lambda owned: owned.owner.kill(),
    "the keeper is killed": lambda owned: os.kill(owned.keeper, signal.SIGKILL),
    "the host's holder is killed": lambda owned: os.kill(owned.holder, signal.SIGKILL),
    "owner and keeper are killed": lambda owned: (owned.owner.kill(), os.kill(owned.keeper, signal.SIGKILL)),
}


@pytest.mark.tier_1
@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left_when(owned: Owned, end: str):
    before = links()
    assert {owned.keeper, owned.holder, owned.program.pid} <= set(owned.members)

    ENDS[end](owned)

    until(lambda: not marked(owned.token))
    until(lambda: not owned.folder.exists())
    until(lambda: all(is_dead(pid) for pid in owned.members))
    assert mounts_of(owned.folder) == []
    assert links() == before


@pytest.mark.tier_1
def test_the_next_up_cleans_up_after_everything_was_killed(owned: Owned):
    os.kill(owned.keeper, signal.SIGSTOP)
    os.kill(owned.holder, signal.SIGSTOP)
    owned.owner.kill()
    for pid in (owned.keeper, owned.holder):
        os.kill(pid, signal.SIGKILL)
    until(lambda: is_dead(owned.keeper) and is_dead(owned.holder))
    left = marked(owned.token)
    heir = Range(owned.folder)
    heir.up()
    heir.apply(ALLOW_ALL)
    try:
        assert owned.program.pid in left
        assert marked(owned.token) == []
        assert heir.run([*CURL, "dadismad.com"]).code == 0
    finally:
        heir.down()


@pytest.mark.tier_1
def test_without_its_keeper_the_range_is_closed_not_open(owned: Owned):
    inside = subprocess.Popen(
        program_command(owned.folder, [sys.executable, "-c", KEEP_TRYING]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert inside.stdin is not None and inside.stdout is not None
    assert inside.stdout.readline() == "in\n"
    os.kill(owned.holder, signal.SIGSTOP)  # else it would end the programs before they could try
    os.kill(owned.keeper, signal.SIGKILL)
    until(lambda: is_dead(owned.keeper))
    until(lambda: not has_link(inside.pid))

    out, _ = inside.communicate("try\n")
    os.kill(owned.holder, signal.SIGCONT)

    assert out.split() == ["ENOSYS", "ENETUNREACH", "ENETUNREACH"]


def has_link(pid: int) -> bool:
    return "eth0" in Path(f"/proc/{pid}/net/dev").read_text()


@pytest.mark.tier_1
def test_up_repairs_a_range_whose_keeper_was_killed_and_keeps_its_entries(network: Range, recorder: Recorder):
    network.apply([*ALLOW_ALL, DENY_DADISMAD])
    os.kill(keeper_pid(network), signal.SIGKILL)
    until(lambda: not network.is_up)

    network.up()

    assert network.run([*CURL, "dadismad.com"]).code == 28
    assert network.run([*CURL, "example.com"]).code == 0
    assert recorder.wait_for(1, "198.51.100.7")


@pytest.mark.tier_1
def test_entries_are_in_force_even_when_the_keeper_was_killed_just_before(network: Range):
    os.kill(keeper_pid(network), signal.SIGKILL)
    until(lambda: not network.is_up)

    network.apply([*ALLOW_ALL, DENY_DADISMAD])

    assert network.run([*CURL, "dadismad.com"]).code == 28


@pytest.mark.tier_1
def test_up_twice_is_one_range_and_down_twice_is_none(network: Range):
    keeper = keeper_pid(network)
    network.up()
    assert keeper_pid(network) == keeper
    network.down()
    network.down()
    assert not network.is_up


@pytest.mark.tier_1
def test_the_newest_owner_of_a_folder_has_the_range(owned: Owned):
    heir = Range(owned.folder)
    heir.up()
    heir.apply(ALLOW_ALL)
    try:
        assert heir.run([*CURL, "dadismad.com"]).code == 0
        assert marked(owned.token) == []
    finally:
        heir.down()


def test_a_program_that_cannot_enter_is_not_run(folder: Path, tmp_path: Path):
    proof = tmp_path / "ran"
    told = subprocess.run(program_command(folder, ["touch", str(proof)]), capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (125, "The range is not up. Start it with: labkit sandbox start\n")
    assert not proof.exists()


def test_a_program_that_would_not_be_in_the_hosts_network_is_not_run(folder: Path, tmp_path: Path):
    """A door that hands out descriptors which are no namespaces."""
    folder.mkdir()
    proof = tmp_path / "ran"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door, open("/dev/null") as nothing:
        door.bind(str(folder / "door"))
        door.listen()
        program = subprocess.Popen(
            program_command(folder, ["touch", str(proof)]), stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        visitor, _ = door.accept()
        socket.send_fds(visitor, [b"1 token"], [nothing.fileno()] * 4)
        _, told = program.communicate()
        visitor.close()

    assert program.returncode == 125
    assert told.startswith("The range cannot be entered: ")
    assert not proof.exists()


@pytest.mark.parametrize("text", ["", "a", "labkit-range-", "sh"])
def test_a_truncated_state_file_ends_no_process(folder: Path, text: str):
    bystander = subprocess.Popen(["sleep", "984"], env={**os.environ, "WORDS": "a labkit-range- sh"})
    folder.mkdir()
    (folder / "token").write_text(text)
    Range(folder).down()

    assert bystander.poll() is None
    assert not folder.exists()
    bystander.kill()
    bystander.wait()


@pytest.mark.parametrize("end", ["down", "the owner is killed", "the keeper is killed"])
def test_in_tier_2_no_program_is_left_when(folder: Path, monkeypatch: pytest.MonkeyPatch, end: str):
    monkeypatch.setenv("LABKIT_RANGE_TIER", "2")
    owned = Owned(folder)
    try:
        ENDS[end](owned)
        until(lambda: not marked(owned.token))
        until(lambda: all(is_dead(pid) for pid in owned.members))
    finally:
        owned.clean()
    Range(folder).down()
    assert not folder.exists()
