"""The range as its owner uses it: start and stop it, apply entries, read connections, counts and drops."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from labkit.files import disk_errors
from labkit.model.errors import LabError
from labkit.model.host.records import Connection, DroppedPacket, ProgramOutput, ProgramResult
from labkit.model.network_acl import Entry
from labkit.range import processes
from labkit.range.channel import Channel, pair
from labkit.range.evaluated import simulated
from labkit.range.evaluated.evaluator import Evaluator
from labkit.range.packets.ruleset import Counter
from labkit.range.paths import LOG_FILE, PROMPT_FILE, TOKEN_FILE, make_folder, remove_folder
from labkit.range.program import follow_program
from labkit.range.tiers import Tier, TierStatus, detect, start_command

_DROPS_KEPT, _CONNECTIONS_KEPT = 10_000, 256
_END_SECONDS = 60
_MOST_PROMPT_BYTES = 1_000_000
_TOKEN = re.compile(r"labkit-range-[0-9a-f]{16}")

log = logging.getLogger("labkit.range")


class Range:
    """A closed network in its own process, the keeper, which ends when its parent ends.

    on_connect: called with each connection that a program asks for, while the kernel still holds the program; it runs
    in a thread of the range, so it must be quick.
    """

    def __init__(self, folder: Path, on_connect: Callable[[Connection], None] | None = None) -> None:
        self.folder, self._on_connect = folder, on_connect
        self._entries: tuple[Entry, ...] = ()
        self._lock = threading.RLock()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._orders: Channel | None = None
        self._drops: deque[DroppedPacket] = deque(maxlen=_DROPS_KEPT)
        self._connections: deque[Connection] = deque(maxlen=_CONNECTIONS_KEPT)
        self._evaluator = Evaluator()
        self._status: TierStatus | None = None
        self.holder_pid = 0

    # ---- life ----

    @property
    def status(self) -> TierStatus:
        """Its tier and why; detected at the first use and at each `up`."""
        if self._status is None:
            self._status = detect()
        return self._status

    @property
    def tier(self) -> Tier:
        return self.status.tier

    @property
    def is_up(self) -> bool:
        return self._status is not None and (
            self.tier == 3 or (self._keeper is not None and self._keeper.poll() is None)
        )

    def up(self) -> None:
        """Start it with the entries that were applied last. Does nothing if it is up. Raises LabError if it does not
        start."""
        with self._lock:
            if self.is_up:
                return
            self.down()
            self._status = detect()
            if self.tier < 3:
                with disk_errors(self.folder):
                    self._start()
            self._put_in_force(self._entries)
            log.info("%s", self.status)

    def down(self) -> None:
        """Stop it, end every program in it, and remove its files."""
        with self._lock:
            if self._orders is not None:
                self._orders.close()
            if self._keeper is not None:
                try:
                    self._keeper.wait(_END_SECONDS)
                except subprocess.TimeoutExpired:
                    self._keeper.kill()
                    self._keeper.wait()
            if self.holder_pid:  # it cleans up after a killed keeper
                processes.wait_for_end(self.holder_pid, _END_SECONDS)
            self.holder_pid = 0
            self._keeper = self._orders = self._status = None
            _clear_leftovers(self.folder)

    # ---- the network ACL ----

    def apply(self, entries: Sequence[Entry]) -> None:
        """Replace the entries in force, all at once; the new ones are in force when this returns.

        If the range is not up, they apply once it is; if its keeper was killed, the range is restarted. Raises LabError
        if it refuses them; the old entries then stay in force.
        """
        with self._lock:
            self._restart_if_killed()
            self._put_in_force(tuple(entries))

    def packets(self) -> dict[Counter, int]:
        """How many packets each entry, as (egress, rule number), has decided since it was created.

        `*` is 32767, for IPv6 32768. In tiers 2 and 3 a connection counts as one packet in each direction.
        """
        with self._lock:
            self._restart_if_killed()
            if self._orders is None:
                return self._evaluator.packets()
            return {(egress, number): count for egress, number, count in self._order({})["packets"]}

    def drops(self, since: float = 0.0) -> list[DroppedPacket]:
        """The packets that entries denied after this time, oldest first; the last 10,000 are kept."""
        return [drop for drop in tuple(self._drops) if drop.time > since]

    def connections(self) -> list[Connection]:
        """The connections that programs asked for, oldest first; the last 256 are kept."""
        return list(self._connections)

    def show_at_prompts(self, sentence: str) -> None:
        """Let each open shell show this sentence before its next prompt."""
        with contextlib.suppress(OSError), open(self.folder / PROMPT_FILE, "a", encoding="utf-8") as file:
            if file.tell() < _MOST_PROMPT_BYTES:
                file.write(f"{sentence}\n")

    # ---- programs ----

    def run(self, argv: Sequence[str], timeout_seconds: float = 60) -> ProgramResult:
        """Run a program in the range to its end. Raises LabError as `follow` does."""
        *_, result = self.follow(argv, timeout_seconds)
        assert isinstance(result, ProgramResult)
        return result

    def follow(
        self, argv: Sequence[str], timeout_seconds: float
    ) -> Generator[ProgramOutput | ProgramResult, None, None]:
        """Run a program in the range: its output as it is written, then its result; in tier 3, only the result that it
        would have had. Closing the iterator ends the program.

        Raises LabError if it is not installed or the range is not up.
        """
        if self.tier == 3:
            yield self._simulate(argv)
            return
        with self._lock:
            self._restart_if_killed()
        yield from follow_program(self.folder, argv, timeout_seconds)

    def _simulate(self, argv: Sequence[str]) -> ProgramResult:
        target, allowed = simulated.target_of(argv), True
        if target is not None and target.addresses:
            connection = simulated.connection_to(target, argv)
            with self._lock:
                verdict = self._evaluator.evaluate(connection.ip, connection.port, connection.protocol)
            allowed = verdict.allowed
            if verdict.drop:
                self._drops.append(verdict.drop)
            self._record(connection._replace(allowed=allowed))
        return simulated.result_of(target, allowed)

    # ---- the keeper ----

    def _restart_if_killed(self) -> None:
        if self._keeper is not None and self._keeper.poll() is not None:
            log.warning("the range's keeper has ended; starting it again")
            self.up()

    def _put_in_force(self, entries: tuple[Entry, ...]) -> None:
        if self._orders is None:
            self._evaluator.apply(entries)
        else:
            self._order({"entries": [entry.to_aws() for entry in entries]})
        self._entries = entries

    def _start(self) -> None:
        make_folder(self.folder)
        token = f"labkit-range-{secrets.token_hex(8)}"
        (self.folder / TOKEN_FILE).write_text(token)
        ours, theirs = zip(pair(), pair(), strict=True)
        arguments = [str(self.folder), str(self.tier), token, str(os.getpid()), *(str(end.fileno()) for end in theirs)]
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
        self._orders, reports = map(Channel, ours)
        self._check_start(self._orders.receive())
        threading.Thread(target=self._listen, args=(reports,), name="range reports", daemon=True).start()

    def _check_start(self, reply: dict[str, Any] | None) -> None:
        """Store the pid of the host's holder, 0 in tier 2. Raise LabError unless the keeper reports that it is up."""
        if reply is not None and "error" not in reply:
            self.holder_pid = reply["holder"]
            return
        error = reply["error"] if reply else (self.folder / LOG_FILE).read_text().strip()[-500:]
        self.down()
        raise LabError(
            "The range did not start.",
            f"The system refused its network: {error}.",
            "Try again: labkit sandbox start. If it fails again, set LABKIT_RANGE_TIER=2, which needs no network.",
        )

    def _listen(self, reports: Channel) -> None:
        """Record what the keeper reports, until it ends."""
        while (message := reports.receive()) is not None:
            if "drop" in message:
                self._drops.append(DroppedPacket(**message["drop"]))
            else:
                self._record(Connection.from_json(message["connection"]))
        reports.close()

    def _record(self, connection: Connection) -> None:
        self._connections.append(connection)
        if self._on_connect is None:
            return
        try:
            self._on_connect(connection)
        except Exception:  # an error in the callback must not end this thread
            log.exception("a connection was not reported: %s", connection)

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
                "Its process was killed, so no packet passes any more.",
                "Run the cell again: that restarts the range.",
            )
        if "error" in reply:
            raise LabError("The range refused these entries.", reply["error"], "Nothing has changed. Fix the entry.")
        return dict(reply)


def _clear_leftovers(folder: Path) -> None:
    """End what an earlier range in this folder left behind when all its own processes were killed at once."""
    try:
        token = (folder / TOKEN_FILE).read_text()
    except OSError:
        token = ""
    if _TOKEN.fullmatch(token):  # a truncated file could match other processes
        processes.end_all(processes.marked(token))
    remove_folder(folder)
