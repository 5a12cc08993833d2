"""From a connection to its entry in force the prototype's way, a peer of bench_protection: `protection_peer.py FOLDER`.

The range's connection as a line of a file that somebody looks at, an entry by boto3 in a moto of this very process, a
description, and the whole table put in force anew. Each line on its standard input says how many entries are to be
there; each connection to port 80 is told with the time at which its entry was in force, and how long its line waited.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from labkit.model.host.records import Connection
from labkit.model.network_acl import Entry
from labkit.range.range import Range
from tests.bench.bench_range import prototype
from tests.bench.measure import now

ALLOW_ALL = [Entry(100, egress, "allow", "-1", "0.0.0.0/0") for egress in (True, False)]
KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
OWN = {"Protocol": "-1", "RuleAction": "deny", "Egress": True}
NEXT_NUMBER, LOOK_SECONDS = 99, 0.01


class Peer:
    """One network ACL, in force through the prototype's door."""

    def __init__(self, ec2: Any, door: socket.socket) -> None:
        self._ec2, self._door = ec2, door
        self._vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        (self._acl,) = self._described()

    def fill(self, present: int) -> None:
        """Let so many egress entries be there, `*` left out."""
        for entry in self._described()[0]["Entries"]:
            if entry["Egress"] and entry["RuleNumber"] < 100:
                self._delete(entry["RuleNumber"])
        for number in range(1, present):
            self._create(number, f"203.0.113.{number}/32")

    def protect(self, ip: str, happened: float) -> None:
        waited = now() - happened
        self._create(NEXT_NUMBER, f"{ip}/32")
        (acl,) = self._described()
        self._door.sendall(
            json.dumps([entry for entry in acl["Entries"] if entry["RuleNumber"] < 32767]).encode() + b"\n"
        )
        assert self._door.recv(16) == b"done"
        print(now(), waited, flush=True)
        self._delete(NEXT_NUMBER)

    def _create(self, number: int, cidr_block: str) -> None:
        self._ec2.create_network_acl_entry(
            NetworkAclId=self._acl["NetworkAclId"], RuleNumber=number, CidrBlock=cidr_block, **OWN
        )

    def _delete(self, number: int) -> None:
        self._ec2.delete_network_acl_entry(NetworkAclId=self._acl["NetworkAclId"], RuleNumber=number, Egress=True)

    def _described(self) -> list[dict[str, Any]]:
        return self._ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [self._vpc]}])["NetworkAcls"]


def follow(path: Path, peer: Peer) -> None:
    """Look at the events' file again and again."""
    with path.open() as lines:
        while True:
            if line := lines.readline():
                ip, happened = line.split()
                peer.protect(ip, float(happened))
            else:
                time.sleep(LOOK_SECONDS)


def main(folder: Path) -> None:
    path = folder / "events"
    with mock_aws(), prototype(folder / "prototype") as door, path.open("w", buffering=1) as events:

        def tell(event: Connection) -> None:
            if event.port == 80:
                events.write(f"{event.ip} {now()}\n")

        peer = Peer(boto3.client("ec2", **KEYS), door)
        network = Range(folder / "r", tell)
        network.up(os.getppid())
        network.apply(ALLOW_ALL)
        threading.Thread(target=follow, args=(path, peer), daemon=True).start()
        try:
            for line in sys.stdin:
                peer.fill(int(line))
                print("filled", flush=True)
        finally:
            network.down()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
