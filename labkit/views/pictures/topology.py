"""A drawing of the host, its network ACL and the internet, and of the entry that stops a packet or its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from labkit.model.network_acl import CATCH_ALL, Decision, NetworkAcl, Packet, decide
from labkit.model.vpc import HOST_SUBNET_CIDR_BLOCK, LAB_CIDR_BLOCK
from labkit.views.view import View

ANSWER_PORT = 49152
"""An example of the port that an answer goes to: Linux picks one from 32768 to 60999 for each connection."""

LONGEST_LINE = 20
"""The number of characters that fit on a line in a box of the drawing."""


@dataclass(frozen=True)
class Stop:
    """The entry that stops a packet. rule_number: `*` is 32767 or more."""

    egress: bool
    rule_number: int

    def __str__(self) -> str:
        number = "*" if self.rule_number >= CATCH_ALL else str(self.rule_number)
        return f"{'egress' if self.egress else 'ingress'} entry {number}"


@dataclass(frozen=True)
class Observation:
    """What happened to the host's last connection: the entry that dropped packets, and how many; None and 0 if none."""

    stop: Stop | None = None
    packets: int = 0


@dataclass(frozen=True)
class Lane:
    """One direction of the network ACL in the drawing: its two lines of text, and what it does to the packet."""

    heading: str
    words: str
    state: Literal["passes", "stops", "not reached"]


@dataclass(frozen=True, repr=False)
class Topology(View):
    """A TCP packet's path from the host through the network ACL to an address, and the answer's path back.

    network_acl: the one in force; None while the host is in no subnet. met: what was measured; None if nothing was
    sent, in which case the outcome is predicted from the entries. name: the destination's name; "" if it has none.
    """

    host: str
    address: str
    port: int
    name: str = ""
    network_acl: NetworkAcl | None = None
    met: Observation | None = None

    template: ClassVar[str] = "topology.svg.j2"
    blocks: ClassVar[tuple[str, str]] = (LAB_CIDR_BLOCK, HOST_SUBNET_CIDR_BLOCK)

    @cached_property
    def decisions(self) -> dict[bool, Decision]:
        """What the current entries decide about the request (egress) and its answer (ingress)."""
        entries = self.network_acl.entries if self.network_acl else ()
        request = Packet.outbound(self.address, "tcp", self.port)
        answer = Packet.inbound(self.address, "tcp", ANSWER_PORT)
        return {True: decide(entries, request), False: decide(entries, answer)}

    @cached_property
    def next_stop(self) -> Stop | None:
        """Where a packet sent now would be stopped; None if it would be answered."""
        for egress, decision in self.decisions.items():
            if self.network_acl is not None and not decision.allowed:
                return Stop(egress, decision.deciding.rule_number if decision.deciding else CATCH_ALL)
        return None

    @property
    def stop(self) -> Stop | None:
        """Where the drawn packet is stopped: as measured, else as predicted."""
        return self.next_stop if self.met is None else self.met.stop

    # ---- the drawing ----

    @property
    def lanes(self) -> tuple[Lane, Lane]:
        """The egress lane and the ingress lane."""
        return self._lane(egress=True), self._lane(egress=False)

    def _lane(self, egress: bool) -> Lane:
        way, decision = "egress" if egress else "ingress", self.decisions[egress]
        if self.stop is not None and self.stop.egress == egress:
            return Lane(str(self.stop), "⊘ drops it here" if egress else "⊘ drops the answer", "stops")
        if self.stop is not None and self.stop.egress:
            return Lane(way, "not reached", "not reached")
        if decision.allowed and decision.deciding is not None:
            heading = str(Stop(egress, decision.deciding.rule_number))
            return Lane(heading, "✓ lets it out" if egress else "✓ lets it in", "passes")
        return Lane(way, "✓ never filtered" if decision.allowed else "✓ it passed", "passes")

    @property
    def host_lines(self) -> list[str]:
        return ["host", *address_lines(self.host)]

    @property
    def far_lines(self) -> list[str]:
        return [self.name or "a host", *address_lines(self.address), f"port {self.port}"]

    @property
    def mark(self) -> str:
        """The label beside the last lane that the packet reached, unless it is a number of packets.

        >>> Topology("10.0.1.10", "203.0.113.10", 80).mark
        ''
        """
        if self.network_acl is None or self.counted:
            return ""
        if self.stop is not None:
            return "⊘ would be dropped"
        return "✓ would come back" if self.met is None else "✓ came back"

    @property
    def counted(self) -> str:
        """How many packets were dropped, as text; empty if none, or if they were not counted."""
        if self.met is None or self.met.stop is None:
            return ""
        return f"{self.met.packets} packet{'' if self.met.packets == 1 else 's'} dropped"

    # ---- the words ----

    @property
    def far(self) -> str:
        """The destination in a sentence."""
        return f"{self.name}, {self.address}, port {self.port}" if self.name else f"{self.address}, port {self.port}"

    @property
    def title(self) -> str:
        """The outcome in a few words."""
        if self.network_acl is None:
            return "Nothing filters the host yet"
        would = self.met is None
        if self.stop is None:
            return (
                "It would go out, and its answer would come back" if would else "It went out, and its answer came back"
            )
        if self.stop.egress:
            return "It would be stopped on its way out" if would else "Stopped on its way out"
        return "Its answer would be stopped on its way in" if would else "The answer was stopped on its way in"

    @property
    def sentence(self) -> str:
        """What stopped the packet, or that nothing did."""
        if self.network_acl is None:
            return f"It is in no subnet, so there is no network ACL between {self.host} and {self.far}."
        acl, would = self.network_acl.id, self.met is None
        if self.stop is None:
            return (
                f"In {acl}, no entry {'would drop' if would else 'dropped'} packets between {self.host} and {self.far}."
            )
        way = f"from {self.host} to {self.far}" if self.stop.egress else f"to {self.host} from {self.far}"
        return f"In {acl}, {self.stop} {'would drop' if would else 'dropped'} packets {way}."

    @property
    def basis(self) -> str:
        """How that is known, without the number of packets if they were counted."""
        if self.network_acl is None:
            return ""
        if self.met is None:
            return "Predicted from the current entries; nothing was sent."
        return "Measured since the host’s last connection there: " + ("" if self.counted else "no packets dropped.")

    @property
    def change(self) -> str:
        """What the current entries would do differently; empty if nothing."""
        if self.network_acl is None or self.met is None or str(self.next_stop) == str(self.stop):
            return ""
        return f"The entries have changed since: {self.next_stop or 'nothing'} would stop the next one."

    def description(self, counted: str) -> str:
        """The whole picture in sentences. counted: the text for how many packets were dropped."""
        basis = f"{self.basis}{counted}." if self.counted else self.basis
        return " ".join(part for part in (f"{self.title}.", self.sentence, basis, self.change) if part)

    def text(self) -> str:
        return self.description(self.counted)


def address_lines(address: str) -> list[str]:
    """An address on one line, or on two if it is too long for the drawing.

    >>> address_lines("203.0.113.10"), address_lines("2001:db8:1234:1a01::10")
    (['203.0.113.10'], ['2001:db8:', '1234:1a01::10'])
    """
    if len(address) <= LONGEST_LINE:
        return [address]
    middle = len(address) / 2
    at = min((found.end() for found in re.finditer(r"(?<!:):(?!:)", address)), key=lambda end: abs(end - middle))
    return [address[:at], address[at:]]
