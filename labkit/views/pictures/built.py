"""A drawing of what the student has built, with its ids: VPC, network ACL, host, rule and responder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import NetworkAcl
from labkit.model.response.messages import Message
from labkit.model.vpc import HOST_SUBNET_CIDR_BLOCK, LAB_CIDR_BLOCK
from labkit.views.measured import stand_in
from labkit.views.pictures.timeline import BY_HAND_SECONDS, took
from labkit.views.pictures.topology import address_lines
from labkit.views.view import View

MOST_ENTRIES = 3
"""The entries for which the drawing has lines."""


@dataclass(frozen=True, repr=False)
class BuiltCloud(View):
    """The parts that exist have solid lines, those that part 3 adds dashed ones.

    subnet_id: the host's; "" until it has one. answer: the newest entry of the responder that is in force, with what
    was measured of it; None if nothing was.
    """

    network_acl: NetworkAcl
    rule_id: str
    subnet_id: str = ""
    protects: bool = False
    answer: Message | None = None

    template: ClassVar[str] = "built_cloud.svg.j2"
    blocks: ClassVar[tuple[str, str]] = (LAB_CIDR_BLOCK, HOST_SUBNET_CIDR_BLOCK)

    @property
    def entries(self) -> list[str]:
        """The first egress entries, a line each."""
        egress = self.network_acl.egress
        shown = egress if len(egress) <= MOST_ENTRIES else egress[: MOST_ENTRIES - 1]
        lines = [f"{one.number_text} {'✓' if one.allows else '⊘'} {one.traffic_text}" for one in shown]
        return lines if len(egress) <= MOST_ENTRIES else [*lines, f"and {len(egress) - len(lines)} more"]

    @property
    def denied(self) -> list[str]:
        """The address of the newest answer, on as many lines as it needs."""
        return [*address_lines(self.answer.address), "⊘ denied"] if self.answer is not None else []

    @property
    def times(self) -> list[tuple[str, str]]:
        """What was measured of the newest answer: names and durations."""
        if self.answer is None:
            return []
        return [
            ("event → alert", took(self.answer.event_to_alert_ms)),
            ("alert → entry", took(self.answer.alert_to_entry_ms, BY_HAND_SECONDS)),
            ("total", took(self.answer.event_to_entry_ms, BY_HAND_SECONDS)),
        ]

    def description(self, words: Callable[[str], str] = str) -> str:
        """The drawing in sentences. words: what to say for a measured value."""
        acl = self.network_acl
        host = f"Your host is in {self.subnet_id}" if self.subnet_id else "Part 3 adds your host"
        responder = "the responder wrote deny entries" if self.protects else "a responder"
        parts = f"Your VPC {acl.vpc_id} has the network ACL {acl.id}. Your rule {self.rule_id} raises alerts."
        timed = ", ".join(f"{name} {words(value)}" for name, value in self.times)
        measured = f" {self.answer.address}: {timed}." if self.answer else ""
        return f"{parts} {host}, and {responder}.{measured}"

    def text(self) -> str:
        return self.description()

    @property
    def text_of_any_run(self) -> str:
        """The same with stand-ins for what was measured."""
        return self.description(stand_in)
