"""Entries that the range refuses: the host says so until they are in force."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation
from labkit.model.host.records import ProgramResult
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.host import SOURCE_ADDRESSES, LabHost
from labkit.sandbox.ids import Ids

ALLOW, DENY = Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(1, True, "deny", "-1", "203.0.113.10/32")
ALLOW_IN = Entry(100, False, "allow", "-1", "0.0.0.0/0")


def place(*entries: Entry) -> HostLocation:
    return HostLocation("us-east-1", "subnet-1", NetworkAcl("acl-1", "vpc-1", True, entries))


def result_on(host: LabHost) -> ProgramResult:
    """The result of curl on the host."""
    *_, result = host.follow(["curl", "dadismad.com"], 1)
    assert isinstance(result, ProgramResult)
    return result


def test_an_update_that_the_range_refuses_is_reported_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_RANGE_TIER", "3")
    wanted = [place(ALLOW, ALLOW_IN)]
    host = LabHost(tmp_path, ConnectEvents(Ids(), SOURCE_ADDRESSES), lambda: wanted[0], lambda event: None)
    host.start()
    apply, full = host._range.apply, LabError("The range refused these entries.", "no room.", "")

    def refuse(entries: Sequence[Entry]) -> None:
        raise full

    monkeypatch.setattr(host._range, "apply", refuse)
    wanted[0] = place(DENY, ALLOW, ALLOW_IN)
    host.refresh()
    said = (
        "The range refused entry egress 1: deny all to 203.0.113.10/32: no room. "
        "Still in force: acl-1 as before, with egress 100 and ingress 100."
    )
    assert host.status()["behind"] == said
    assert result_on(host).code == 0
    assert result_on(host).behind == said
    monkeypatch.setattr(host._range, "apply", apply)
    host.ensure()
    assert host.status()["behind"] == ""
    assert result_on(host).code == 28
    host.close()
