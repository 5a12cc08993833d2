"""Filters, the ways to spell them, and events that they say something about, for property tests."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from labkit.model.rule_filter import And, Clause, Number, Or
from labkit.model.rule_filter.keys import KNOWN_KEYS

ADDRESSES = [
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "127.0.0.1",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::",
    "0.0.0.0",
    "203.0.113.9",
    "x.y",
]
NETWORKS = [
    "10.0.0.0/8",
    "10.1.2.3/24",
    "::ffff:10.0.0.0/104",
    "127.0.0.0/8",
    "::1/128",
    "fd00::/8",
    "0.0.0.0/0",
    "1.2.3.4/33",
]
WORDS = ["root", "audit", "winsec", "curl", "curl dadismad.com", "/usr/bin/curl", "", "true"]
WORDS += ["0", "80", "080", "1.5", "-1"]
ADDRESS_KEYS = ["connection.addr", "connection.dst_addr", "connection.src_addr", "src_ip", "dst_ip", "ip", "srcIpv6"]
KEYS = """event_type user group tty pid exit success exe command args arguments level path src_ip dst_ip ip
    port src_port dst_port connection.addr connection.dst_addr connection.src_addr connection.port
    connection hostname server agent account_id public_ip_address network_metadata.public_ip_address
    protocol srcIpv6 unknown un-known.key_2""".split()

_STRAIGHTENED = "“”„‟″‘’‚‛′\n\r\v\f\x85\u2028\u2029"
_IN_A_STRING = st.characters(exclude_categories=["Cs", "Zs"], exclude_characters=_STRAIGHTENED)
FREE_TEXT = st.text(_IN_A_STRING, max_size=12).filter(lambda text: not ('"' in text and "'" in text))
NUMBERS = st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,5})?", fullmatch=True).map(Number)
TEXTS = st.sampled_from(WORDS + ADDRESSES + NETWORKS)


def clauses(values: st.SearchStrategy[str | Number | None], keys: list[str]) -> st.SearchStrategy[Clause]:
    return st.builds(
        Clause, st.sampled_from(keys), st.sampled_from(["=", "!=", "like", "starts_with", "ends_with"]), values
    )


def trees(leaves: st.SearchStrategy[Clause]) -> st.SearchStrategy[And | Or | Clause]:
    def joined(terms: st.SearchStrategy[And | Or | Clause]) -> st.SearchStrategy[And | Or | Clause]:
        several = st.lists(terms, min_size=2, max_size=4).map(tuple)
        return st.builds(And, several) | st.builds(Or, several)

    return st.recursive(leaves, joined, max_leaves=10)


ANY_TREE = trees(clauses(FREE_TEXT | TEXTS | NUMBERS | st.none(), [*KNOWN_KEYS, *KEYS]))
BARE = st.sampled_from([Number("80"), Number("0"), Number("1.5"), None])
ABOUT_ADDRESSES = clauses(st.sampled_from([*ADDRESSES, *NETWORKS, "10.", ".3", ":"]) | BARE, ADDRESS_KEYS)
ABOUT_THE_REST = clauses(TEXTS | BARE | st.sampled_from(["r", "/", "curl", "8"]), KEYS)
TELLING_TREE = trees(ABOUT_ADDRESSES | ABOUT_THE_REST)


@st.composite
def spellings(draw: st.DrawFn, node: And | Or | Clause) -> str:
    """One of the texts that say what the node says: other spaces, case, quotes and redundant parentheses."""

    def space(least: int = 0) -> str:
        return draw(st.text(" \t\n\u00a0", min_size=least, max_size=2))

    def cased(word: str) -> str:
        return draw(st.sampled_from([word, word.upper(), word.capitalize()]))

    def value(wanted: str | Number | None) -> str:
        if wanted is None or isinstance(wanted, Number):
            return cased("null") if wanted is None else wanted.text
        ways = [f"{quote}{wanted}{quote}" for quote in "\"'" if quote not in wanted]
        if re.fullmatch(r"[A-Za-z/_.*][^\s(),\"']*", wanted) and not re.match(r"(and|or|null)$", wanted, re.IGNORECASE):
            ways.append(wanted)
        return draw(st.sampled_from(ways))

    def spelled(node: And | Or | Clause) -> str:
        if isinstance(node, Clause):
            least = 0 if node.operator in ("=", "!=") else 1
            text = f"{node.key}{space(least)}{cased(node.operator)}{space(least)}{value(node.value)}"
            return f"({space()}{text}{space()})" if draw(st.booleans()) else text
        word = "and" if isinstance(node, And) else "or"
        terms = [spelled(term) if isinstance(term, Clause) else f"({spelled(term)})" for term in node.terms]
        return f"{space(1)}{cased(word)}{space(1)}".join(terms)

    return space() + spelled(node) + space()


def _events() -> st.SearchStrategy[dict[str, object]]:
    addresses, ports = st.sampled_from([*ADDRESSES, "", None, 5]), st.sampled_from([80, 0, "80", None])
    text = st.sampled_from(WORDS)
    scalar = text | st.sampled_from([0, 80, -1, 1.5, True, False, None])
    connection = st.fixed_dictionaries(
        {},
        optional={"addr": addresses, "dst_addr": addresses, "src_addr": addresses, "dst_port": ports}
        | {"src_port": ports, "port": ports, "protocol": text},
    )
    interface = st.fixed_dictionaries({}, optional={"public_ip_address": st.lists(addresses, max_size=2)})
    optional = dict.fromkeys(["user", "group", "tty", "pid", "exit", "success", "level", "un-known.key_2"], scalar)
    optional |= dict.fromkeys(["src_ip", "dst_ip", "ip", "srcIpv6"], addresses) | {"port": ports, "exe": text}
    optional |= {"group": scalar | st.lists(scalar, max_size=3), "path": st.lists(text | st.none(), max_size=2)}
    optional |= {"args": st.lists(text, max_size=3) | text, "command": text | st.none(), "arguments": text}
    optional |= {"connection": connection | st.none() | text | st.lists(connection, max_size=2)}
    optional |= {"hostname": text, "host_metadata": st.fixed_dictionaries({}, optional={"hostname": text})}
    optional |= {"provider_metadata": st.fixed_dictionaries({}, optional={"account_id": text})}
    optional |= {"network_metadata": st.lists(interface, max_size=2)}
    optional |= {"event_type": st.sampled_from(["audit", "winsec", "host", None, ["audit"]])}
    return st.fixed_dictionaries({}, optional=optional)


EVENTS = _events()


SOURCES = {
    "ip": ["ip", "connection.dst_addr", "connection.src_addr", "connection.addr"],
    "connection.addr": ["connection.dst_addr", "connection.src_addr", "connection.addr"],
    "port": ["port", "connection.dst_port", "connection.src_port", "connection.port"],
    "connection.port": ["connection.dst_port", "connection.src_port", "connection.port"],
    "src_ip": ["src_ip", "connection.src_addr"],
    "dst_ip": ["dst_ip", "connection.dst_addr"],
    "server": ["server", "hostname", "host_metadata.hostname", "host_metadata.server_name"],
    "command": ["command", "exe"],
    "arguments": ["arguments", "args"],
}


@st.composite
def _meetings(draw: st.DrawFn) -> tuple[And | Or | Clause, dict[str, object]]:
    keys = draw(st.lists(st.sampled_from([*KEYS, *ADDRESS_KEYS]), min_size=1, max_size=2, unique=True))
    leaves: list[And | Or | Clause] = []
    event: dict[str, object] = draw(st.sampled_from([{}, {"event_type": "audit"}, {"event_type": "winsec"}]))
    event = dict(event)
    for key in keys:
        pool = [*ADDRESSES, *NETWORKS, "10."] if key in ADDRESS_KEYS else [*WORDS, "r", "/"]
        numbers = [Number("80"), Number("080"), Number("1.5")]
        wanted = st.sampled_from([*pool, *numbers, None])
        leaves += draw(st.lists(clauses(wanted, [key]), min_size=1, max_size=3))
        met = st.sampled_from([*pool, 80, 0, 1.5, True, None])
        met |= st.lists(st.sampled_from([*pool, 80]), max_size=2)
        for place in draw(st.lists(st.sampled_from(SOURCES.get(key, [key])), max_size=3)):
            put(event, place, draw(met))
    join = draw(st.sampled_from([And, Or]))
    return (leaves[0] if len(leaves) == 1 else join(tuple(leaves))), event


def put(event: dict[str, object], path: str, value: object) -> None:
    """Put a value into an event under a dotted path, unless something else is in the way."""
    *holders, last = path.split(".")
    place = event
    for holder in holders:
        inner = place.setdefault(holder, {})
        if not isinstance(inner, dict):
            return
        place = inner
    place[last] = value


MEETINGS = _meetings()
"""A few clauses on one or two keys, and an event that has those keys with values from the same few."""
