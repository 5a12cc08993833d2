"""One round of the lab in a range, told as JSON: `round.py FOLDER`. Standard library only: any user's Python does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from labkit.model.host.records import Connection
from labkit.model.network_acl import Entry
from labkit.range import processes
from labkit.range.range import Range

ALLOW_ALL = tuple(
    Entry(number, egress, "allow", "-1", block)
    for egress in (True, False)
    for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
)
DENY = Entry(1, True, "deny", "-1", "203.0.113.10/32")
NO_ANSWERS = Entry(1, False, "deny", "6", "0.0.0.0/0", (32768, 65535))


def main(folder: Path) -> None:
    events: list[Connection] = []
    network = Range(folder, events.append)
    network.up()
    token = (folder / "token").read_text() if network.tier < 3 else "no token, for no process"
    codes, counts = [], {}
    for entries in ((), ALLOW_ALL, (*ALLOW_ALL, DENY), (*ALLOW_ALL, NO_ANSWERS), ALLOW_ALL):
        network.apply(entries)
        codes.append(network.run(["curl", "-sS", "--connect-timeout", "1", "dadismad.com"]).code)
        counts.update({key: count for key, count in network.packets().items() if count})
    hosts = ("six.dadismad.com", "nobody.example", "example.com:81")
    codes += [network.run(["curl", "-sS", host]).code for host in hosts]
    blocking = "import socket; socket.create_connection(('203.0.113.10', 80)); print('answered')"
    python = network.run([sys.executable, "-c", blocking])
    who = network.run(["id", "-u"])
    network.apply((*ALLOW_ALL, DENY))
    denied = network.run([sys.executable, "-c", blocking])
    drops = network.drops()
    tier, why = network.tier, network.status.why
    network.down()
    ours = processes.marked(token)
    left = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_ours(ours, pid)]
    tcp = [event for event in events if event.protocol == "tcp"]
    told = {
        "tier": tier,
        "why": why,
        "codes": codes,
        "python": python.out,
        "python denied": denied.err.strip().splitlines()[-1:],
        "ran": who.out.strip(),
        "really": who.ran,
        "uid": os.getuid(),
        "event": tcp[0].to_json(),
        "addresses": sorted({event.ip for event in tcp}),
        "denied by 1": counts[True, 1],
        "drops": sorted({(drop.egress, drop.rule_number) for drop in drops}),
        "left": left,
        "folder": folder.exists(),
    }
    print(json.dumps(told))


def is_ours(ours: object, pid: int) -> bool:
    try:
        return pid != os.getpid() and bool(ours(pid))  # type: ignore[operator]
    except OSError:
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
