"""Part 3, the picture of where a packet is stopped: of the host's last connection, or of the one asked about."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from labkit.lab.base import Cells
from labkit.model.errors import InvalidInput
from labkit.model.host.records import Connection
from labkit.model.network_acl import NetworkAcl, Packet
from labkit.model.pasted import clean
from labkit.range import dns
from labkit.services import aws
from labkit.services.host import Host
from labkit.views.pictures.topology import Observation, Stop, Topology
from labkit.views.view import View

FIRST_SITE, FIRST_PORT = "dadismad.com", 80
"""The destination shown before the host has connected anywhere."""


class TopologyCells(Cells):
    """Where the host is, and how far its packets get."""

    def topology(self, destination: str = "", port: int | str | None = None) -> View:
        """Where the host's last connection, or its last one to this destination, was stopped.

        What was dropped is measured; if nothing was sent, the outcome is predicted from the entries in force. Raises
        InvalidInput for a destination that is not there.
        """
        host = self._lab_host()
        port = None if port is None else Packet.outbound(dns.addresses(FIRST_SITE)[0], "tcp", port).port
        status, asked = host.status(), _addresses(destination)
        network_acl = self._in_force(status.network_acl_id) if status.subnet_id else None
        last = _last_connection(host.connections(), asked, port)
        if last is not None:
            address, port = last.ip, last.port
        else:
            address, port = (asked or dns.addresses(FIRST_SITE))[0], port or FIRST_PORT
        measured = last is not None and status.tier < 3 and network_acl is not None
        return Topology(
            dns.HOST_IPV6 if ":" in address else dns.HOST,
            address,
            port,
            next((name for name in dns.NAMES if address in dns.addresses(name)), ""),
            network_acl,
            _met(host, last) if measured and last else None,
        )

    def _in_force(self, network_acl_id: str) -> NetworkAcl:
        (network_acl,) = aws.describe_network_acls(self._session.aws.ec2, ids=[network_acl_id])
        return network_acl


def _addresses(destination: str) -> tuple[str, ...]:
    """The addresses meant, IPv6 first as programs try them; none for "". Raises InvalidInput."""
    typed = clean(destination).value
    found = dns.addresses(typed)
    if found or not typed:
        return tuple(sorted(found, key=lambda address: ":" not in address))
    try:
        return (str(ipaddress.ip_address(typed)),)
    except ValueError:
        raise InvalidInput(
            f"“{destination}” is not in the lab's internet.",
            f"Its names are {', '.join(dns.NAMES)}.",
            "Give one of them, or an address such as 203.0.113.10.",
        ) from None


def _last_connection(made: Sequence[Connection], asked: Sequence[str], port: int | None) -> Connection | None:
    """The last tcp connection to one of these addresses and this port; without any, the last that left the subnet."""
    fitting = (
        one
        for one in reversed(made)
        if one.protocol == "tcp"
        and port in (None, one.port)
        and (one.ip in asked if asked else _is_filtered(one.ip, one.port))
    )
    return next(fitting, None)


def _is_filtered(ip: str, port: int) -> bool:
    return not ipaddress.ip_address(ip).is_loopback and not Packet.outbound(ip, "tcp", port).is_never_filtered


def _met(host: Host, last: Connection) -> Observation:
    """The entry that last dropped packets of the connection or of its answer, and how many it dropped."""
    dropped = [
        Stop(drop.egress, drop.rule_number)
        for drop in host.drops(last.time)
        if drop.remote == last.ip and (not drop.egress or drop.port == last.port)
    ]
    return Observation(dropped[-1], dropped.count(dropped[-1])) if dropped else Observation()
