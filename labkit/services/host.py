"""The client of the lab's host: its status, its connections and dropped packets, and running programs on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from labkit.model.errors import LabError
from labkit.model.host.records import Connection, DenyInForce, DroppedPacket, ProgramOutput, ProgramResult
from labkit.services.running_sandbox import Sandbox

RUN_SECONDS = 60.0
RUN_AGAIN = "Run the cell again: it starts the sandbox if it is not running."


def ignore(written: ProgramOutput) -> None:
    """Ignore what a program writes."""


@dataclass(frozen=True)
class HostStatus:
    """Where the host is and what filters it.

    tier: 1 real packets, 2 system calls, 3 evaluated only; `words` says so, with the reason and how to get tier 1.
    fault: why the range is not up; "" when it is. behind: why the entries in force may not be those that AWS has; ""
    when they are. subnet_id, network_acl_id, region: "" while the host is in no subnet.
    packets: how many packets each entry, as (egress, rule number), has decided.
    """

    tier: int
    words: str
    fault: str
    behind: str
    folder: Path
    region: str
    subnet_id: str
    network_acl_id: str
    packets: Mapping[tuple[bool, int], int]

    @property
    def sentence(self) -> str:
        """What matters most: what is wrong, else the range's tier."""
        return self.fault or " ".join(filter(None, (self.behind, self.words)))


class Host:
    """The host of the sandbox that `sandbox` finds or starts."""

    def __init__(self, sandbox: Callable[[], Sandbox]) -> None:
        self._sandbox = sandbox

    def status(self) -> HostStatus:
        """The host now. Raises ServiceUnreachable."""
        reply = self._sandbox().control("GET", "/_lab/range")
        packets = {(one["egress"], one["rule_number"]): one["packets"] for one in reply["packets"]}
        return HostStatus(**{**reply, "folder": Path(reply["folder"]), "packets": packets})

    def drops(self, since: float = 0.0) -> list[DroppedPacket]:
        """The packets that an entry denied after this time, in seconds since 1970; oldest first."""
        return [DroppedPacket(**one) for one in self._sandbox().control("GET", f"/_lab/range/drops?since={since!r}")]

    def denies(self, since: float = 0.0) -> list[DenyInForce]:
        """The deny entries for one address that came into force after this time, in seconds since 1970."""
        return [DenyInForce(**one) for one in self._sandbox().control("GET", f"/_lab/range/denies?since={since!r}")]

    def connections(self) -> list[Connection]:
        """The last connections that programs on the host asked for, oldest first."""
        return [Connection.from_json(one) for one in self._sandbox().control("GET", "/_lab/range/connections")]

    def run(
        self, argv: Sequence[str], seconds: float = RUN_SECONDS, on_output: Callable[[ProgramOutput], object] = ignore
    ) -> ProgramResult:
        """Run a program on the host to its end, for so many seconds at most.

        on_output: called with what the program writes as it writes it, and every quarter of a second of silence. When
        it raises, or this is interrupted, the program is ended. Raises LabError if it is not installed or the range is
        not up.
        """
        body = {"argv": list(argv), "seconds": seconds}
        with closing(self._sandbox().control_lines("/_lab/range/run", body)) as lines:
            for line in lines:
                if "result" in line:
                    return ProgramResult(**line["result"])
                if "refused" in line:
                    raise LabError(**line["refused"])
                on_output(ProgramOutput(**line))
        raise LabError("The program's result was lost.", "The sandbox stopped while the program ran.", RUN_AGAIN)
