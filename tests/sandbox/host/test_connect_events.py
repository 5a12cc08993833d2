"""A connect that the range saw, as an event: shaped like a captured one, and what the lab's rule is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from labkit.sandbox.detection.store.database import NoSuch
from labkit.sandbox.host.connect_events import NO_LOGIN, ConnectEvents
from tests.bench.realistic_events import events
from tests.sandbox.detection.engine_fixtures import Watched


@dataclass(frozen=True)
class Facts:
    """What a range tells, without the range."""

    time: float = 1_795_560_012.3456
    pid: int = 6315
    ppid: int = 6171
    session: int = 3
    tty: str = "pts0"
    uid: int = 4_000_000
    gid: int = 4_000_000
    user: str = "ubuntu"
    exe: str = "/usr/bin/curl"
    cwd: str = "/home/ubuntu"
    args: tuple[str, ...] = ("curl", "dadismad.com")
    ip: str = "203.0.113.10"
    port: int = 80
    protocol: str = "tcp"
    allowed: bool | None = None


def shape(value: Any, path: str = "") -> set[str]:
    """The keys of an event, dotted."""
    if isinstance(value, Mapping):
        return {one for key, inner in value.items() for one in shape(inner, f"{path}.{key}")}
    return {path}


def captured_shape() -> set[str]:
    mix = (event for event in events(500) if event.get("syscall") == "connect" and "tty" in event)
    return shape(next(event for event in mix if event["connection"]["protocol"] == "tcp"))


def test_the_event_has_the_shape_of_a_captured_one(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(Facts())
    # The kernel has chosen no source port yet, and the range does not look at the parent.
    unknown = {".connection.src_port", ".parent_metadata.exe", ".parent_metadata.timestamp"}
    assert captured_shape() - shape(event) == unknown
    assert shape(event) <= captured_shape()


def test_the_event_tells_who_connected_where_and_from_which_host(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(Facts())
    assert (event["timestamp"], event["header"]["timestamp"], event["header"]["milliseconds"]) == (
        1_795_560_012_345,
        1_795_560_012,
        345,
    )
    assert event["connection"] == {
        "addr": "203.0.113.10",
        "dst_addr": "203.0.113.10",
        "dst_port": 80,
        "port": 80,
        "src_addr": "10.0.1.10",
        "protocol": "tcp",
    }
    assert (event["command"], event["arguments"], event["auser"], event["tty"]) == (
        "curl",
        "curl dadismad.com",
        "ubuntu",
        "pts0",
    )
    assert event["host_metadata"]["hostname"] == "ip-10-0-1-10.ec2.internal"
    assert event["network_metadata"][0]["private_ip_address"] == ["10.0.1.10"]


def test_every_event_has_an_id_of_its_own_and_raises_the_labs_alert(watched: Watched) -> None:
    made = ConnectEvents.of_agent(watched.store, source_addresses=("10.0.1.10", "2001:db8::10"))
    now = watched.clock.now / 1000
    facts = [Facts(time=now), Facts(time=now), Facts(time=now, ip="2001:db8:bad::10"), Facts(time=now, ip="127.0.0.1")]
    sent = [made.event(one) for one in facts]
    assert [event["connection"]["src_addr"] for event in sent[1:3]] == ["10.0.1.10", "2001:db8::10"]
    assert watched.send(*sent) == {"events": 4, "matched": 3, "raised": 2, "joined": 1}
    titles = {alert["title"].rpartition(": ")[2] for alert in watched.alerts()}
    assert titles == {
        f"/usr/bin/curl ran by user ubuntu connected to {end}" for end in ("203.0.113.10", "2001:db8:bad::10")
    }


@pytest.mark.parametrize(("allowed", "success", "code"), [(None, True, "0"), (True, True, "0"), (False, False, "-110")])
def test_a_connection_that_the_range_refuses_itself_is_seen_all_the_same(
    watched: Watched, allowed: bool | None, success: bool, code: str
) -> None:
    event = ConnectEvents.of_agent(watched.store).event(Facts(time=watched.clock.now / 1000, allowed=allowed))
    assert (event["success"], event["exit"]) == (success, code)
    assert watched.send(event)["raised"] == 1


def test_without_a_terminal_there_is_no_login(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(Facts(tty=""))
    assert event["auid"] == event["session"] == NO_LOGIN and not {"tty", "auser"} & set(event)


def test_names_of_any_bytes_become_text(watched: Watched) -> None:
    facts = Facts(exe="/tmp/\udcff", cwd="/\udc80", args=("\udcfe", ""), user="\udcfd", time=watched.clock.now / 1000)
    event = ConnectEvents.of_agent(watched.store).event(facts)
    assert orjson.loads(orjson.dumps(event)) == event
    assert watched.engine.ingest([event]).raised == 1


def test_given_no_such_agent_then_that_is_said(watched: Watched) -> None:
    with pytest.raises(NoSuch):
        ConnectEvents.of_agent(watched.store, "nobody")
