"""The picture of where a packet is stopped, in each of its states."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from labkit.model.network_acl import Entry, NetworkAcl
from labkit.views.pictures.topology import Observation, Stop, Topology

HOST, HOST_IPV6 = "10.0.1.10", "2001:db8:1234:1a01::10"
SITE, MIRROR, SIX = "203.0.113.10", "198.51.100.80", "2001:db8:bad::10"
OUT_1, IN_50 = Stop(True, 1), Stop(False, 50)
DENY = Entry(1, True, "deny", "-1", f"{SITE}/32")
NO_ANSWER = Entry(50, False, "deny", "6", f"{MIRROR}/32", (1024, 65535))


def network_acl(*entries: Entry) -> NetworkAcl:
    default = [Entry(100, egress, "allow", "-1", "0.0.0.0/0") for egress in (True, False)]
    return NetworkAcl("acl-7", "vpc-7", True, (*default, *entries))


NOT_PLACED = Topology(HOST, SITE, 80, "dadismad.com")
DROPPED_OUT = Topology(HOST, SITE, 80, "dadismad.com", network_acl(DENY), Observation(OUT_1, 3))
DROPPED_IN = Topology(HOST, MIRROR, 80, "mirror.example.net", network_acl(NO_ANSWER), Observation(IN_50, 4))
CAME_BACK = Topology(HOST, SITE, 80, "dadismad.com", network_acl(), Observation())
WOULD_STOP = Topology(HOST, SITE, 443, "", network_acl(DENY))
WOULD_STOP_IN = Topology(HOST, MIRROR, 80, "", network_acl(NO_ANSWER))
WOULD_PASS = Topology(HOST, SITE, 80, "", network_acl())
NO_IPV6_ENTRY = Topology(HOST_IPV6, SIX, 80, "six.dadismad.com", network_acl())
NEVER_FILTERED = Topology(HOST, "10.0.0.2", 53, "", network_acl(Entry(1, True, "deny", "-1", "0.0.0.0/0")))
ALL = {name: view for name, view in globals().items() if isinstance(view, Topology)}
each_state = pytest.mark.parametrize("view", ALL.values(), ids=ALL)


def drawing(view: Topology) -> ET.Element:
    found = re.search(r"<svg.*</svg>", view._repr_html_(), flags=re.DOTALL)
    assert found
    return ET.fromstring(found[0])


def written(view: Topology) -> list[str]:
    """The words in the drawing, a string a text."""
    return ["".join(text.itertext()).strip() for text in drawing(view).iter("text")]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (NOT_PLACED, ["no network ACL", "dadismad.com"]),
        (DROPPED_OUT, ["egress entry 1", "⊘ drops it here", "not reached", "⊘ 3 packets dropped"]),
        (DROPPED_IN, ["egress entry 100", "ingress entry 50", "⊘ drops the answer", "⊘ 4 packets dropped"]),
        (CAME_BACK, ["✓ lets it out", "✓ lets it in", "✓ came back"]),
        (WOULD_STOP, ["egress entry 1", "⊘ would be dropped"]),
        (WOULD_STOP_IN, ["egress entry 100", "ingress entry 50", "⊘ would be dropped"]),
        (WOULD_PASS, ["egress entry 100", "ingress entry 100", "✓ would come back"]),
        (NO_IPV6_ENTRY, ["egress entry *", "⊘ drops it here", "2001:db8:", "1234:1a01::10", SIX]),
        (NEVER_FILTERED, ["✓ never filtered", "✓ would come back"]),
    ],
    ids=ALL,
)
def test_the_drawing_names_the_entry_that_stops_the_packet_or_its_answer(view: Topology, words: list[str]) -> None:
    assert [one for one in words if one not in written(view)] == []


@each_state
def test_the_drawing_says_in_its_label_what_the_terminal_says(view: Topology) -> None:
    root = drawing(view)
    assert root.get("role") == "img" and root.get("aria-label") == repr(view) == view.text()
    assert view.address in view.text()
    assert view.network_acl is None or "acl-7" in view.text()


@each_state
def test_it_says_whether_it_was_measured_or_worked_out(view: Topology) -> None:
    assert ("Measured" in view.text()) == (view.met is not None)
    assert ("nothing was sent" in view.text()) == (view.met is None and view.network_acl is not None)


def test_a_number_that_was_measured_can_be_replaced_in_the_drawing_in_its_label_and_in_the_words() -> None:
    html = DROPPED_OUT._repr_html_()
    assert re.findall(r'<(\w+) data-as="([^"]+)">3 packets dropped<', html) == [
        ("tspan", "≥ 1 packet dropped"),
        ("span", "at least one packet dropped"),
    ]
    assert drawing(DROPPED_OUT).get("data-label-as") == DROPPED_OUT.text().replace("3 packets", "at least one packet")
    assert "data-" not in CAME_BACK._repr_html_()


def test_entries_that_changed_since_the_packet_are_reported_and_the_drawing_stays_with_the_packet() -> None:
    passed = Topology(HOST, SITE, 80, "dadismad.com", network_acl(DENY), Observation())
    assert "✓ it passed" in written(passed) and "✓ came back" in written(passed)
    assert "changed since: egress entry 1 would stop the next one." in passed.text()
    opened = Topology(HOST, SITE, 80, "dadismad.com", network_acl(), Observation(OUT_1, 3))
    assert "⊘ drops it here" in written(opened)
    assert "changed since: nothing would stop the next one." in opened.text()
    last_of_ipv6 = Topology(HOST_IPV6, SIX, 80, "", network_acl(), Observation(Stop(True, 32768), 2))
    assert [view for view in (DROPPED_OUT, DROPPED_IN, CAME_BACK, last_of_ipv6) if "changed" in view.text()] == []


@each_state
def test_colours_are_the_themes_and_no_size_is_in_pixels(view: Topology) -> None:
    picture = ET.tostring(drawing(view), encoding="unicode")
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|px|\sid=", picture)


def test_a_name_that_somebody_else_wrote_is_shown_as_text() -> None:
    assert "<script" not in Topology(HOST, SITE, 80, "<script>alert(1)</script>", network_acl())._repr_html_()
