"""How the tier of a machine is determined and reported."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest

from labkit.model.errors import LabError
from labkit.model.network_acl import Entry
from labkit.range import dns
from labkit.range.evaluated.simulated import Target, target_of
from labkit.range.packets import ruleset
from labkit.range.paths import make_folder, range_folder
from labkit.range.syscalls.watch import address
from labkit.range.tiers import TIER_NAMES, best_tier, detect

ALL_FOUND = {"calls": "", "missing": [], "packets": ""}
REFUSED = {**ALL_FOUND, "packets": "unshare: Operation not permitted"}


def test_with_everything_installed_it_is_tier_1_and_nothing_is_missing():
    found = best_tier(ALL_FOUND, {}, False)

    assert (found.tier, found.why, found.next_step) == (1, "", "")


@pytest.mark.parametrize(
    ("found", "values", "in_container", "tier", "why", "cure"),
    [
        ({**ALL_FOUND, "missing": ["ip", "nft"]}, {}, False, 2, "ip, nft", "sudo apt install iproute2 nftables"),
        (REFUSED, {"kernel/apparmor_restrict_unprivileged_userns": "1"}, False, 2, "Ubuntu 24.04", "userns=0"),
        (REFUSED, {"kernel/apparmor_restrict_unprivileged_userns": "0"}, False, 2, "not permitted", "README"),
        (REFUSED, {"kernel/unprivileged_userns_clone": "0"}, False, 2, "switched off", "userns_clone=1"),
        (REFUSED, {"user/max_user_namespaces": "0"}, False, 2, "switched off", "max_user_namespaces=15000"),
        (REFUSED, {}, True, 2, "container", "seccomp=unconfined"),
        ({**REFUSED, "calls": "seccomp: Invalid argument"}, {}, False, 3, "Invalid argument", "Linux 5.5"),
    ],
)
def test_what_is_missing_is_reported_with_what_to_do(found, values, in_container, tier, why, cure):
    judged = best_tier(found, values, in_container)

    assert judged.tier == tier
    assert why in judged.why
    assert cure in judged.next_step
    assert TIER_NAMES[tier] in str(judged)


def test_without_nft_and_ip_on_the_path_the_tier_is_2(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labkit.range.tiers._probe", lambda: {**ALL_FOUND, "missing": ["nft"]})

    assert str(detect()).endswith("Not installed: nft. For tier 1: sudo apt install nftables")


def test_outside_linux_the_tier_is_3(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "darwin")

    assert detect().tier == 3


def test_a_tier_can_be_chosen_but_not_a_better_one_than_available(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labkit.range.tiers._probe", lambda: {**ALL_FOUND, "missing": ["nft"]})
    monkeypatch.setenv("LABKIT_RANGE_TIER", "1")
    assert detect().tier == 2
    monkeypatch.setenv("LABKIT_RANGE_TIER", "3")
    assert detect().tier == 3


def test_a_long_home_has_its_range_under_tmp_and_a_short_one_inside():
    assert range_folder(Path("/home/ada/lab")) == Path("/home/ada/lab/range")
    long_one = range_folder(Path("/home") / ("a" * 100))
    assert str(long_one).startswith(f"/tmp/labkit-{os.getuid()}-")
    assert long_one != range_folder(Path("/home") / ("b" * 100))


def test_a_folder_is_private_and_a_link_is_refused(tmp_path: Path):
    make_folder(tmp_path / "range")
    assert (tmp_path / "range").stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "range")
    with pytest.raises(LabError, match="belongs to another user"):
        make_folder(tmp_path / "link")


def query(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "kind", "code", "address_told"),
    [
        ("dadismad.com", 1, 0, "203.0.113.10"),
        ("DADISMAD.com", 1, 0, "203.0.113.10"),
        ("dadismad.com", 28, 0, None),
        ("six.dadismad.com", 28, 0, "2001:db8:bad::10"),
        ("six.dadismad.com", 15, 0, None),
        ("nobody.example", 1, 3, None),
    ],
)
def test_the_resolver_knows_its_names_and_no_other(name: str, kind: int, code: int, address_told: str | None):
    reply = dns.answer(query(name, kind))

    identity, flags, _, answers, _, _ = struct.unpack_from(">HHHHHH", reply)
    assert (identity, flags & 0xF, answers) == (7, code, 1 if address_told else 0)
    if address_told:
        packed = socket.inet_pton(socket.AF_INET6 if kind == 28 else socket.AF_INET, address_told)
        assert reply.endswith(packed)


@pytest.mark.parametrize("blob", [b"", b"short", query("dadismad.com", 1)[:-4], bytes([255]) * 40])
def test_a_malformed_query_is_recognised(blob: bytes):
    with pytest.raises(ValueError):
        dns.answer(blob)


def test_dadismad_has_an_ipv4_address_only():
    assert dns.addresses("dadismad.com") == ("203.0.113.10",)
    assert dns.addresses("six.dadismad.com") == ("203.0.113.66", "2001:db8:bad::10")


def test_a_transaction_has_each_entry_with_its_counter_and_the_last_two():
    deny = Entry(1, True, "deny", "6", "203.0.113.10/32", (80, 443))
    text = ruleset.transaction([deny])

    (line,) = [line for line in text.splitlines() if "203.0.113.10" in line]
    assert line.startswith(
        "add rule inet network_acl egress meta nfproto ipv4 ip daddr 203.0.113.10/32 meta l4proto 6 th dport 80-443 "
    )
    assert line.endswith('log prefix "egress 1" group 5 drop')
    assert text.count("drop") == 5


def test_the_counter_of_a_removed_entry_is_deleted():
    deny = Entry(1, True, "deny", "-1", "203.0.113.10/32")
    (name,) = set(ruleset.counter_names([deny])) - set(ruleset.counter_names([]))

    assert f"delete counter inet network_acl {name}" in ruleset.transaction([], ruleset.counter_names([deny]))
    assert "delete" not in ruleset.transaction([deny], ruleset.counter_names([deny]))


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["curl", "-sS", "dadismad.com"], Target("dadismad.com", ("203.0.113.10",), 80)),
        (["wget", "-qO-", "http://example.com:8080/x"], Target("example.com", ("198.51.100.7",), 8080)),
        (["curl", "http://[2001:db8::1]/"], Target("2001:db8::1", ("2001:db8::1",), 80)),
        (["curl", "nobody.example"], Target("nobody.example", (), 80)),
        (["sh", "-c", "echo hello. there"], None),
        (["true"], None),
    ],
)
def test_the_target_of_a_command_line(argv: list[str], expected: Target | None):
    assert target_of(argv) == expected


def test_a_socket_address_is_parsed_as_the_kernel_does():
    ipv6 = struct.pack("H", socket.AF_INET6) + struct.pack(">HI", 443, 0)
    assert address(ipv6 + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + bytes(4)) == ("2001:db8::1", 443)
    assert address(ipv6 + socket.inet_pton(socket.AF_INET6, "::ffff:1.2.3.4") + bytes(4)) == ("1.2.3.4", 443)
    assert address(struct.pack("H", socket.AF_UNIX) + b"/run/nscd/socket") is None
    assert address(b"") is None
