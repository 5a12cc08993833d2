"""Events made of connections: shaped like captured ones, and matched by the lab's rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from labkit.model.detection.event import NO_LOGIN
from labkit.model.host.records import Connection, Program
from labkit.sandbox.detection.store.database import NoSuch
from labkit.sandbox.host.connect_events import ConnectEvents
from tests.bench.realistic_events import events
from tests.sandbox.detection.engine_fixtures import Watched

CURL = Program(
    *(6315, 6171, 3, "pts0", 4_000_000, 4_000_000, "ubuntu", "4000000", "/usr/bin/curl", "/home/ubuntu"),
    ("curl", "dadismad.com"),
)
CONNECTION = Connection(1_795_560_012.3456, "203.0.113.10", 80, "tcp", CURL)


def shape(value: Any, path: str = "") -> set[str]:
    """The keys of an event, dotted."""
    if isinstance(value, Mapping):
        return {one for key, inner in value.items() for one in shape(inner, f"{path}.{key}")}
    return {path}


def captured_shape() -> set[str]:
    mix = (event for event in events(500) if event.get("syscall") == "connect" and "tty" in event)
    return shape(next(event for event in mix if event["connection"]["protocol"] == "tcp"))


def test_the_event_has_the_shape_of_a_captured_one(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(CONNECTION)
    # The kernel has chosen no source port yet, and the range does not look at the parent.
    unknown = {".connection.src_port", ".parent_metadata.exe", ".parent_metadata.timestamp"}
    assert captured_shape() - shape(event) == unknown
    assert shape(event) <= captured_shape()


def test_the_event_states_who_connected_where_and_from_which_host(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(CONNECTION)
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
    connections = [
        CONNECTION._replace(time=now, ip=ip) for ip in ("203.0.113.10", "203.0.113.10", "2001:db8:bad::10", "127.0.0.1")
    ]
    sent = [made.event(one) for one in connections]
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
    event = ConnectEvents.of_agent(watched.store).event(
        CONNECTION._replace(time=watched.clock.now / 1000, allowed=allowed)
    )
    assert (event["success"], event["exit"]) == (success, code)
    assert watched.send(event)["raised"] == 1


def test_without_a_terminal_there_is_no_login(watched: Watched) -> None:
    event = ConnectEvents.of_agent(watched.store).event(CONNECTION._replace(program=CURL._replace(tty="")))
    assert event["auid"] == event["session"] == NO_LOGIN and not {"tty", "auser"} & set(event)


def test_names_of_any_bytes_become_text(watched: Watched) -> None:
    program = CURL._replace(exe="/tmp/\udcff", cwd="/\udc80", args=("\udcfe", ""), user="\udcfd", group="\udcfc")
    connection = CONNECTION._replace(program=program, time=watched.clock.now / 1000)
    event = ConnectEvents.of_agent(watched.store).event(connection)
    assert orjson.loads(orjson.dumps(event)) == event
    assert watched.engine.ingest([event]).raised == 1


def test_given_no_such_agent_then_that_is_said(watched: Watched) -> None:
    with pytest.raises(NoSuch):
        ConnectEvents.of_agent(watched.store, "nobody")
