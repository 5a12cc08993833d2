"""What a person may type where an address or an answer is wanted."""

from __future__ import annotations

import pytest

from labkit.lab.part_3_host import _address_to_suppress
from labkit.model.errors import InvalidInput
from labkit.model.exercise import EXERCISES
from labkit.model.network_acl import Entry

DEFAULT = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]


def test_only_an_address_can_be_suppressed_and_a_name_is_told_with_its_address() -> None:
    assert _address_to_suppress(" 198.51.100.7 ") == "198.51.100.7"
    with pytest.raises(InvalidInput, match=r"198\.51\.100\.7"):
        _address_to_suppress("example.com")


def test_one_host_and_nobody_else_is_one_address() -> None:
    check = EXERCISES["ipv6_block"].check
    assert check("2001:db8:bad::10/128").passed
    assert not check("2001:db8:bad::/64").passed


def test_a_number_may_be_written_as_text() -> None:
    assert EXERCISES["rule_number"].check("50", DEFAULT).passed
    assert EXERCISES["most_denies"].check("18", DEFAULT).passed
