"""The process that holds the range: the network with its filter, the door that programs enter by, and their eyes.

Its life hangs on the process that started it, and every program's life hangs on its. Should it be killed itself, the
host's holder ends the programs; until then their network has no other end. Closed, never open.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from labkit.model.network_acl import Entry
from labkit.range import processes
from labkit.range.channel import Channel
from labkit.range.facts import Drop
from labkit.range.namespace import ENTERED, network_of
from labkit.range.packets import network
from labkit.range.packets.nft import NftError
from labkit.range.packets.packet_filter import PacketFilter
from labkit.range.paths import DOOR, remove_folder
from labkit.range.syscalls.leader import CallFilter
from labkit.range.syscalls.watch import Facts, follow


class Keeper:
    """A range in this process, for the one that holds the other end of `orders` and `news`."""

    def __init__(self, folder: Path, token: str, orders: Channel, news: Channel) -> None:
        self._folder, self._token, self._orders, self._news = folder, token, orders, news
        self._networks: set[str] = set()
        self.holder = 0
        self._filter: PacketFilter | CallFilter

    def set_up(self, tier: int, parent: int) -> None:
        """Make the range. Raises OSError, NftError."""
        lives_with = os.pidfd_open(parent)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if tier == 1:
            self.holder = network.build(self._folder, self._guard_in(os.pidfd_open(os.getpid())))
            self._networks = network.networks(self.holder)
            self._entrance = [os.open(f"/proc/{self.holder}/ns/{kind}", os.O_RDONLY) for kind in ENTERED]
            self._filter = PacketFilter(self._tell_drop)
        else:
            self._filter = CallFilter(self._tell_drop)
        door.bind(str(self._folder / DOOR))
        door.listen(256)
        threading.Thread(target=self._watch_over, args=(lives_with,), daemon=True).start()
        threading.Thread(target=self._open_door, args=(door,), daemon=True).start()

    def obey(self) -> NoReturn:
        """Carry out orders until there are none to come."""
        with contextlib.suppress(OSError):  # the owner has ended before it was answered
            while (order := self._orders.receive()) is not None:
                self._orders.send(self._carry_out(order))
        self.finish()

    def finish(self) -> NoReturn:
        """End every program, take away the folder, end the holder, and end.

        The holder is spared to the last: were this process killed meanwhile, it would do the rest.
        """
        if self.holder:
            in_networks = processes.in_networks(self._networks)
            processes.end_all(lambda pid: pid != self.holder and in_networks(pid))
        else:
            processes.end_all(processes.marked(self._token))
        remove_folder(self._folder)
        if self.holder:
            os.kill(self.holder, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # another thread is finishing too
                os.waitpid(self.holder, 0)
        os._exit(0)

    def _carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            if "entries" in order:
                self._filter.apply([Entry.from_aws(entry) for entry in order["entries"]])
                return {}
            return {"packets": [[egress, number, n] for (egress, number), n in self._filter.packets().items()]}
        except (NftError, ValueError) as error:
            return {"error": str(error)}

    # ---- programs ----

    def _open_door(self, door: socket.socket) -> None:
        while True:
            try:
                visitor, _ = door.accept()
            except OSError:  # given up before it was taken, or too many are open just now
                continue
            threading.Thread(target=self._receive, args=(visitor,), daemon=True).start()

    def _receive(self, visitor: socket.socket) -> None:
        try:
            if isinstance(self._filter, CallFilter):
                visitor.sendall(f"2 {self._token}".encode())
                self._advise(Channel(visitor), self._filter)
            else:
                socket.send_fds(visitor, [f"1 {self._token}".encode()], self._entrance)
                _, (listener,), _, _ = socket.recv_fds(visitor, 16, 1)
                visitor.sendall(b"watched")
                visitor.close()
                follow(listener, self._tell_connect)
        except (OSError, ValueError):  # the visitor changed its mind
            visitor.close()

    def _advise(self, program: Channel, calls: CallFilter) -> None:
        while (facts := program.receive()) is not None:
            leading = calls.lead(facts)
            self._tell_connect(facts)
            program.send(leading)
        program.close()

    def _tell_connect(self, facts: Facts) -> None:
        try:
            self._news.send({"connect": facts})
        except OSError:  # the owner has ended or is stuck; the program goes on
            return

    def _tell_drop(self, drop: Drop) -> None:
        try:
            self._news.send({"drop": vars(drop)}, wait=False)
        except OSError:  # a flood; connections matter more
            return

    # ---- life ----

    def _watch_over(self, lives_with: int) -> None:
        """Finish when the process that the range hangs on has ended, or the host's holder was killed."""
        ends = [lives_with] + ([os.pidfd_open(self.holder)] if self.holder else [])
        select.select(ends, [], [])
        self.finish()

    def _guard_in(self, keeper: int) -> Any:
        """What the host's holder does: wait for the keeper's end, however it comes, and leave nothing behind."""

        def guard() -> None:
            self._orders.socket.close()
            self._news.socket.close()
            select.select([keeper], [], [])
            processes.end_all(processes.in_networks({network_of("self")}))
            remove_folder(self._folder)

        return guard


def main(arguments: list[str]) -> None:
    """`FOLDER TIER TOKEN PARENT ORDERS NEWS`, the last two as descriptors; tells the other end when it is up."""
    folder, tier, token, parent, orders, news = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ours = Channel(socket.socket(fileno=int(orders)))
    keeper = Keeper(Path(folder), token, ours, Channel(socket.socket(fileno=int(news))))
    try:
        keeper.set_up(int(tier), int(parent))
    except (OSError, NftError) as error:
        ours.send({"error": str(error)})
        sys.exit(1)
    ours.send({"holder": keeper.holder})
    keeper.obey()
