"""Compares one value of an event with the value of a clause.

Each test answers the positive question (equal? contains?) for one scalar; `!=` and lists build on it. Values are those
of JSON: text, numbers, booleans, objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from labkit.model.rule_filter.keys import ADDRESS_KEYS
from labkit.model.rule_filter.tree import EQUALITY, Clause, Number

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Test = Callable[[Any], bool]

_INTEGER = re.compile(r"-?[0-9]{1,300}")  # int() refuses more than 4300 digits, and no event has such a number
_DECIMAL = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?")
_LONGEST_ADDRESS = 64
_MAPPED_PREFIX = 96
_CIDR_FORM = re.compile(r"[^/]+/[0-9]{1,3}")


def network_of(text: object) -> Network | None:
    """The text as a CIDR block, host bits allowed; None if it is not one.

    >>> network_of("1.1.1.1/24")
    IPv4Network('1.1.1.0/24')
    """
    if not isinstance(text, str) or not _CIDR_FORM.fullmatch(text):
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network(f"{mapped}/{network.prefixlen - _MAPPED_PREFIX}")
    return network


@lru_cache(maxsize=4096)
def _address_of(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def address_of(text: object) -> Address | None:
    """The text as an address, `::ffff:10.1.2.3` as 10.1.2.3; None if it is not one."""
    return _address_of(text) if isinstance(text, str) and len(text) <= _LONGEST_ADDRESS else None


def plain_text(value: Any) -> str | None:
    """A scalar as text for comparison; None for an object.

    >>> plain_text(True)
    'true'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else None


def integer_of(text: str) -> int | None:
    """The text as an integer; None if it is not one."""
    return int(text) if _INTEGER.fullmatch(text) else None


def decimal_of(text: str) -> float | None:
    """The text as a number; None if it is not one."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def element_test(clause: Clause) -> Test:
    """The positive test of a clause for one scalar; `!=` gives the test of `=`.

    For a CIDR block, the test is membership; the caller decides whether the key accepts CIDR blocks.
    """
    wanted = clause.value
    if wanted is None:
        return lambda value: False
    if clause.operator not in EQUALITY:
        return _text_test(clause.operator, str(wanted))
    network = network_of(wanted)
    if network is not None:
        return lambda value: (found := address_of(value)) is not None and found in network
    address = address_of(wanted) if clause.key in ADDRESS_KEYS else None
    if address is not None:
        return lambda value: address_of(value) == address
    return _equals_number(wanted.text) if isinstance(wanted, Number) else _equals_string(wanted)


def _text_test(operator: str, wanted: str) -> Test:
    def test(value: Any) -> bool:
        text = value if value.__class__ is str else plain_text(value)
        if text is None:
            return False
        if operator == "like":
            return wanted in text
        return text.startswith(wanted) if operator == "starts_with" else text.endswith(wanted)

    return test


def _equals_string(wanted: str) -> Test:
    integer, decimal = integer_of(wanted), decimal_of(wanted)

    def test(value: Any) -> bool:
        if isinstance(value, int) and not isinstance(value, bool):
            return value == integer
        if isinstance(value, float):
            return value == decimal
        return plain_text(value) == wanted

    return test


def _equals_number(wanted: str) -> Test:
    integer, decimal = integer_of(wanted), decimal_of(wanted)

    def test(value: Any) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value == (decimal if integer is None else integer)
        if integer is not None and isinstance(value, str) and (found := integer_of(value)) is not None:
            return found == integer
        return plain_text(value) == wanted

    return test
