"""The network ACL in force on the range's packets: entries in, counts and drops out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from labkit.model.host.records import DroppedPacket
from labkit.model.network_acl import Entry
from labkit.range.packets import drops, ruleset
from labkit.range.packets.nft import open_nft
from labkit.range.packets.ruleset import Counter


class PacketFilter:
    """nftables at the subnet's edge, in the current network namespace. Nothing passes before the first entries.

    on_drop: called with each packet that an entry denied, in a thread of its own. Raises NftError, OSError.
    """

    def __init__(self, on_drop: Callable[[DroppedPacket], None]) -> None:
        self._nft = open_nft()
        self._nft.run(ruleset.base())
        self._counters: list[str] = []
        self._log = drops.open_log(ruleset.LOG_GROUP)
        threading.Thread(target=self._follow, args=(on_drop,), daemon=True).start()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Replace the entries in force, all at once. Raises NftError, and then nothing has changed."""
        self._nft.run(ruleset.transaction(entries, self._counters))
        self._counters = ruleset.counter_names(entries)

    def packets(self) -> dict[Counter, int]:
        """How many packets each entry has decided since it was created."""
        return ruleset.packets(self._nft.run(f"list counters table {ruleset.TABLE}"))

    def _follow(self, on_drop: Callable[[DroppedPacket], None]) -> None:
        for drop in drops.follow(self._log):
            on_drop(drop)
