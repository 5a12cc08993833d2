"""The lab's host, as its sandbox tells of it: the range, the network ACL in force there, a program run in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.services.sandbox_process import Sandbox

RUN_SECONDS = 60.0


@dataclass(frozen=True)
class HostStatus:
    """Where the host lives and what filters it.

    tier: 1 real packets, 2 system calls, 3 evaluated only; `words` says it, with the reason and what gives tier 1.
    fault: why the range is not up; "" when it is. behind: why what is in force may not be what AWS has; "" when it is.
    subnet_id, network_acl_id, region: "" while it lives in no subnet.
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
        """What a person is to know first: what is wrong, else how far the range reaches."""
        return self.fault or " ".join(filter(None, (self.behind, self.words)))


@dataclass(frozen=True)
class Connection:
    """A connection that a program on the host asked for. protocol: `tcp`, `udp`, …; time: seconds since 1970."""

    time: float
    ip: str
    port: int
    protocol: str


@dataclass(frozen=True)
class Ran:
    """How a program in the range ended: exit code, what it wrote, how long it took; `really` False when none ran.

    behind: why what was in force may not be what AWS has; "" when it is.
    """

    code: int
    out: str
    err: str
    seconds: float
    really: bool
    behind: str = ""


class Host:
    """The host of the sandbox that `sandbox` finds, or starts."""

    def __init__(self, sandbox: Callable[[], Sandbox]) -> None:
        self._sandbox = sandbox

    def status(self) -> HostStatus:
        """The host now. Raises ServiceUnreachable."""
        told = self._sandbox().control("GET", "/_lab/range")
        return HostStatus(
            tier=told["tier"],
            words=told["words"],
            fault=told["fault"],
            behind=told["behind"],
            folder=Path(told["folder"]),
            region=told["region"] or "",
            subnet_id=told["subnet_id"] or "",
            network_acl_id=told["network_acl_id"] or "",
            packets={(one["egress"], one["rule_number"]): one["packets"] for one in told["packets"]},
        )

    def drops(self, since: float = 0.0) -> list[dict[str, Any]]:
        """The packets that an entry denied after this time, in seconds since 1970; oldest first."""
        return list(self._sandbox().control("GET", f"/_lab/range/drops?since={since!r}")["drops"])

    def connections(self) -> list[Connection]:
        """The connections that programs on the host asked for lately, oldest first."""
        return [Connection(**one) for one in self._sandbox().control("GET", "/_lab/range/connections")["connections"]]

    def run(self, argv: Sequence[str], seconds: float = RUN_SECONDS) -> Ran:
        """Run a program on the host to its end. Raises LabError when it is not installed or the range is not up."""
        body = {"argv": list(argv), "seconds": seconds}
        return Ran(**self._sandbox().control("POST", "/_lab/range/run", body, timeout_seconds=seconds + 10))
