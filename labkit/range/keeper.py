"""The process that owns the range: its network and filter, and the socket at which programs ask to enter.

When the process that started it ends, it ends every program and itself. If it is killed, the process that holds the
host's namespaces ends the programs, and from that moment on their packets reach nothing.
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

from labkit.model.host.records import Connection, DroppedPacket
from labkit.model.network_acl import Entry
from labkit.range import processes
from labkit.range.channel import Channel
from labkit.range.namespace import ENTERED, network_of
from labkit.range.packets import network
from labkit.range.packets.nft import NftError
from labkit.range.packets.packet_filter import PacketFilter
from labkit.range.paths import ENTRY_SOCKET, remove_folder
from labkit.range.syscalls.redirect import CallFilter
from labkit.range.syscalls.watch import follow


class Keeper:
    """A range in this process. orders: the channel of requests and replies. reports: sends connections and drops."""

    def __init__(self, folder: Path, token: str, orders: Channel, reports: Channel) -> None:
        self._folder, self._token, self._orders, self._reports = folder, token, orders, reports
        self._networks: set[str] = set()
        self.holder = 0
        self._filter: PacketFilter | CallFilter

    def set_up(self, tier: int, parent: int) -> None:
        """Create the range. Raises OSError, NftError."""
        parent_fd = os.pidfd_open(parent)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if tier == 1:
            self.holder = network.build(self._folder, self._guard_in(os.pidfd_open(os.getpid())))
            self._networks = network.networks(self.holder)
            self._entrance = [os.open(f"/proc/{self.holder}/ns/{kind}", os.O_RDONLY) for kind in ENTERED]
            self._filter = PacketFilter(self._report_drop)
        else:
            self._filter = CallFilter(self._report_drop)
        listener.bind(str(self._folder / ENTRY_SOCKET))
        listener.listen(256)
        threading.Thread(target=self._finish_with, args=(parent_fd,), daemon=True).start()
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def serve(self) -> NoReturn:
        """Carry out orders until the owner closes the channel."""
        with contextlib.suppress(OSError):  # the owner ended before it got the reply
            while (order := self._orders.receive()) is not None:
                self._orders.send(self._carry_out(order))
        self.finish()

    def finish(self) -> NoReturn:
        """End every program, remove the folder, end the holder, and exit.

        The holder is ended last: if this process is killed before that, the holder does the rest.
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

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                program, _ = listener.accept()
            except OSError:  # it gave up before it was accepted, or too many are open
                continue
            threading.Thread(target=self._let_in, args=(program,), daemon=True).start()

    def _let_in(self, program: socket.socket) -> None:
        try:
            if isinstance(self._filter, CallFilter):
                program.sendall(f"2 {self._token}".encode())
                self._redirect_calls(Channel(program), self._filter)
            else:
                socket.send_fds(program, [f"1 {self._token}".encode()], self._entrance)
                _, (listener,), _, _ = socket.recv_fds(program, 16, 1)
                program.sendall(b"watched")
                program.close()
                follow(listener, self._report_connection)
        except (OSError, ValueError):  # the program has ended
            program.close()

    def _redirect_calls(self, program: Channel, calls: CallFilter) -> None:
        while (message := program.receive()) is not None:
            connection = Connection.from_json(message)
            redirect, allowed = calls.redirect(connection)
            self._report_connection(connection._replace(allowed=allowed))
            program.send(redirect)
        program.close()

    def _report_connection(self, connection: Connection) -> None:
        try:
            self._reports.send({"connection": connection.to_json()})
        except OSError:  # the owner has ended or is stuck; the program goes on
            return

    def _report_drop(self, drop: DroppedPacket) -> None:
        try:
            self._reports.send({"drop": drop._asdict()}, wait=False)
        except OSError:  # too many at once; connections matter more
            return

    # ---- life ----

    def _finish_with(self, parent_fd: int) -> None:
        """Finish when the parent has ended, or the host's holder was killed."""
        ends = [parent_fd] + ([os.pidfd_open(self.holder)] if self.holder else [])
        select.select(ends, [], [])
        self.finish()

    def _guard_in(self, keeper_fd: int) -> Any:
        """What the host's holder runs: it waits until the keeper has ended, for whatever reason, and cleans up."""

        def guard() -> None:
            self._orders.socket.close()
            self._reports.socket.close()
            select.select([keeper_fd], [], [])
            processes.end_all(processes.in_networks({network_of("self")}))
            remove_folder(self._folder)

        return guard


def main(arguments: list[str]) -> None:
    """FOLDER TIER TOKEN PARENT ORDERS REPORTS, the last two file descriptors; ORDERS gets a message once it is up."""
    folder, tier, token, parent, orders, reports = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ours = Channel(socket.socket(fileno=int(orders)))
    keeper = Keeper(Path(folder), token, ours, Channel(socket.socket(fileno=int(reports))))
    try:
        keeper.set_up(int(tier), int(parent))
    except (OSError, NftError) as error:
        ours.send({"error": str(error)})
        sys.exit(1)
    ours.send({"holder": keeper.holder})
    keeper.serve()
