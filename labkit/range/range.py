"""The range, as the process that owns it sees it: up and down, entries in, connections, counts and drops out."""

from __future__ import annotations

import logging
import os
import re
import secrets
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.model.errors import LabError
from labkit.model.network_acl import Entry
from labkit.range import evaluated, processes
from labkit.range.channel import Channel, pair
from labkit.range.facts import ConnectEvent, Drop, Ran, Reach, Tier
from labkit.range.packets.ruleset import Counter
from labkit.range.paths import LOG_FILE, TOKEN_FILE, make_folder, remove_folder
from labkit.range.program import run_program, shell_command
from labkit.range.reach import reach, start_command
from labkit.range.verdict import Evaluator

_DROPS_KEPT, _CONNECTIONS_KEPT = 10_000, 256
_END_SECONDS = 60
_TOKEN = re.compile(r"labkit-range-[0-9a-f]{16}")

log = logging.getLogger("labkit.range")


class Range:
    """A closed network, held by a process of its own whose life hangs on its parent's.

    on_connect: told each connection that a program asks for, while the kernel still holds the program; called in a
    thread of the range's, so it has to be quick.
    """

    def __init__(self, folder: Path, on_connect: Callable[[ConnectEvent], None] | None = None) -> None:
        self.folder, self._on_connect = folder, on_connect
        self._entries: tuple[Entry, ...] = ()
        self._lock = threading.RLock()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._orders: Channel | None = None
        self._drops: deque[Drop] = deque(maxlen=_DROPS_KEPT)
        self._connections: deque[ConnectEvent] = deque(maxlen=_CONNECTIONS_KEPT)
        self._evaluator = Evaluator()
        self._reach: Reach | None = None
        self._parent = os.getpid()
        self.holder_pid = 0

    # ---- life ----

    @property
    def reach(self) -> Reach:
        """How far it reaches; tried when first asked, and at each `up`."""
        if self._reach is None:
            self._reach = reach()
        return self._reach

    @property
    def tier(self) -> Tier:
        return self.reach.tier

    @property
    def why(self) -> str:
        """Why it is not tier 1, and what would make it so; empty in tier 1."""
        return " ".join(sentence for sentence in (self.reach.why, self.reach.next_step) if sentence)

    @property
    def is_up(self) -> bool:
        return self._reach is not None and (
            self.tier == 3 or (self._keeper is not None and self._keeper.poll() is None)
        )

    @property
    def keeper_pid(self) -> int:
        """The process that holds it, 0 if there is none."""
        return self._keeper.pid if self._keeper is not None else 0

    def up(self, parent_pid: int | None = None) -> None:
        """Bring it up with the entries last applied, or find it up; ends with the process `parent_pid`, else this one.

        Heals a range whose keeper was killed. Raises LabError when it cannot be had at the tier that was found.
        """
        with self._lock:
            self._parent = parent_pid or self._parent
            if self.is_up:
                return
            self.down()
            self._reach = reach()
            if self.tier < 3:
                self._start(self._parent)
            self._put_in_force(self._entries)
            log.info("%s", self.reach)

    def down(self) -> None:
        """End it, and every program in it; nothing is left behind."""
        with self._lock:
            if self._orders is not None:
                self._orders.close()
            if self._keeper is not None:
                try:
                    self._keeper.wait(_END_SECONDS)
                except subprocess.TimeoutExpired:
                    self._keeper.kill()
                    self._keeper.wait()
            if self.holder_pid:  # after a keeper that was killed, it clears up
                processes.wait_for_end(self.holder_pid, _END_SECONDS)
            self.holder_pid = 0
            self._keeper = self._orders = self._reach = None
            _clear_leftovers(self.folder)

    # ---- the network ACL ----

    def apply(self, entries: Sequence[Entry]) -> None:
        """Put these entries in force in place of all before, at once; they are in force when this returns.

        A range that is not up yet keeps them for `up`; one whose keeper was killed is brought up anew. Raises LabError,
        and then the entries before are in force.
        """
        with self._lock:
            self._heal()
            self._put_in_force(tuple(entries))

    def packets(self) -> dict[Counter, int]:
        """How many packets each entry, as (egress, rule number), has decided since it was made.

        `*` is 32767, for IPv6 32768. In tiers 2 and 3 a connection counts as one packet each way.
        """
        with self._lock:
            self._heal()
            if self._orders is None:
                return self._evaluator.packets()
            return {(egress, number): count for egress, number, count in self._order({})["packets"]}

    def drops(self, since: float = 0.0) -> list[Drop]:
        """The packets that entries denied after this time, oldest first; the last ten thousand are kept."""
        return [drop for drop in tuple(self._drops) if drop.time > since]

    def connections(self) -> list[ConnectEvent]:
        """The connections that programs asked for, oldest first; the last 256 are kept."""
        return list(self._connections)

    # ---- programs ----

    def run(self, argv: Sequence[str], timeout_seconds: float = 60) -> Ran:
        """Run a program in the range to its end. Raises LabError if it is not installed or the range is not up.

        In tier 3 none runs, and what is returned says so.
        """
        if self.tier == 3:
            return self._evaluate(argv)
        with self._lock:
            self._heal()
        return run_program(self.folder, argv, timeout_seconds)

    def terminal_command(self) -> list[str]:
        """The command that opens a prompt in the range. Raises LabError in tier 3."""
        if self.tier == 3:
            raise LabError("No terminal can be opened in the range.", self.reach.why, self.reach.next_step)
        return shell_command(self.folder)

    def _evaluate(self, argv: Sequence[str]) -> Ran:
        target, allowed = evaluated.aim(argv), True
        if target is not None and target.addresses:
            asked = evaluated.event(argv, target)
            with self._lock:
                verdict = self._evaluator.judge(asked.ip, asked.port, asked.protocol)
            allowed = verdict.allowed
            if verdict.drop:
                self._drops.append(verdict.drop)
            self._tell(replace(asked, allowed=allowed))
        return evaluated.outcome(target, allowed)

    # ---- the keeper ----

    def _heal(self) -> None:
        """Bring it up anew if it was up and its keeper has ended."""
        if self._keeper is not None and self._keeper.poll() is not None:
            log.warning("the range's keeper has ended; it is brought up anew")
            self.up()

    def _put_in_force(self, entries: tuple[Entry, ...]) -> None:
        if self._orders is None:
            self._evaluator.apply(entries)
        else:
            self._order({"entries": [entry.to_aws() for entry in entries]})
        self._entries = entries

    def _start(self, parent_pid: int) -> None:
        make_folder(self.folder)
        token = f"labkit-range-{secrets.token_hex(8)}"
        (self.folder / TOKEN_FILE).write_text(token)
        ours, theirs = zip(pair(), pair(), strict=True)
        arguments = [str(self.folder), str(self.tier), token, str(parent_pid), *(str(end.fileno()) for end in theirs)]
        with open(self.folder / LOG_FILE, "wb") as output:
            self._keeper = subprocess.Popen(
                start_command("keeper", *arguments),
                pass_fds=[end.fileno() for end in theirs],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        for end in theirs:
            end.close()
        self._orders, news = map(Channel, ours)
        self._greet(self._orders.receive())
        threading.Thread(target=self._listen, args=(news,), name="range news", daemon=True).start()

    def _greet(self, greeting: dict[str, Any] | None) -> None:
        """Note the pid of the host's holder, 0 in tier 2. Raise LabError unless the keeper says that it is up."""
        if greeting is not None and "error" not in greeting:
            self.holder_pid = greeting["holder"]
            return
        told = greeting["error"] if greeting else (self.folder / LOG_FILE).read_text().strip()[-500:]
        self.down()
        raise LabError(
            "The range could not be brought up.",
            f"Its network was refused: {told}.",
            "Try again: labkit sandbox start. LABKIT_RANGE_TIER=2 does without a network.",
        )

    def _listen(self, news: Channel) -> None:
        """Tell what the keeper tells, until it ends."""
        while (message := news.receive()) is not None:
            if "drop" in message:
                self._drops.append(Drop(**message["drop"]))
            else:
                facts = message["connect"]
                self._tell(ConnectEvent(**{**facts, "args": tuple(facts["args"])}))
        news.close()

    def _tell(self, event: ConnectEvent) -> None:
        self._connections.append(event)
        if self._on_connect is None:
            return
        try:
            self._on_connect(event)
        except Exception:  # a fault of whoever listens must not end the listening
            log.exception("nobody could be told of %s", event)

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._orders is not None
        try:
            self._orders.send(order)
            reply = self._orders.receive()
        except OSError:
            reply = None
        if reply is None:
            raise LabError(
                "The range has ended.",
                "Its process was killed just now, so nothing passes there any more.",
                "Do this again: the range is brought up anew.",
            )
        if "error" in reply:
            raise LabError("The range refused these entries.", reply["error"], "Nothing has changed; mend the entry.")
        return dict(reply)


def _clear_leftovers(folder: Path) -> None:
    """End what an earlier range in this folder has left, if its own processes were all killed at once."""
    try:
        token = (folder / TOKEN_FILE).read_text()
    except OSError:
        token = ""
    if _TOKEN.fullmatch(token):  # a file cut short would name processes of others
        processes.end_all(processes.marked(token))
    remove_folder(folder)
