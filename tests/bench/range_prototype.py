"""The range's prototype as far as an apply goes: the peer of bench_range. `range_prototype.py DOOR`.

Entries come over a socket in AWS's form; the whole table is deleted and made anew in one transaction, with a counter in
each rule.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

from labkit.range.namespace import unshare_all
from labkit.range.packets.nft import open_nft


def ruleset(entries: list[dict[str, Any]]) -> str:
    chains = "".join(
        f"chain {way} {{\n{''.join(rule(entry) for entry in ordered(entries, egress))}"
        f'counter log prefix "deny *" group 5 drop comment "*"\n}}\n'
        for way, egress in (("egress", True), ("ingress", False))
    )
    hooks = "".join(
        f"chain {name} {{\ntype filter hook {hook} priority raw;\n{link} != \"vpc\" accept\nip {side} {{ 10.0.0.2, "
        f"169.254.169.254 }} accept\nicmpv6 type {{ 133, 134, 135, 136 }} accept\ngoto {way}\n}}\n"
        for name, hook, link, side, way in (
            ("leaving", "prerouting", "iifname", "daddr", "egress"),
            ("entering", "output", "oifname", "saddr", "ingress"),
        )
    )  # fmt: skip
    return f"table inet nacl {{}}\ndelete table inet nacl\ntable inet nacl {{\n{chains}{hooks}}}\n"


def ordered(entries: list[dict[str, Any]], egress: bool) -> list[dict[str, Any]]:
    return sorted((entry for entry in entries if entry["Egress"] == egress), key=lambda entry: entry["RuleNumber"])


def rule(entry: dict[str, Any]) -> str:
    number, way = entry["RuleNumber"], "daddr" if entry["Egress"] else "saddr"
    where = "" if entry["CidrBlock"] == "0.0.0.0/0" else f"ip {way} {entry['CidrBlock']} "
    end = "accept" if entry["RuleAction"] == "allow" else f'log prefix "deny {number}" group 5 drop'
    return f'meta nfproto ipv4 {where}counter {end} comment "{number}"\n'


if __name__ == "__main__":
    unshare_all()
    nft = open_nft()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sys.argv[1])
        door.listen()
        print("ready", flush=True)
        with door.accept()[0] as asked, asked.makefile() as lines:
            for line in lines:
                nft.run(ruleset(json.loads(line)))
                asked.sendall(b"done")
