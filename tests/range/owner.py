"""Owns a range until told `down` or `leave` by a line, or killed: `owner.py FOLDER`. Says who is who as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL, keeper_pid

if __name__ == "__main__":
    owned = Range(Path(sys.argv[1]))
    owned.up()
    owned.apply(ALLOW_ALL)
    token = (owned.folder / "token").read_text()
    print(json.dumps({"keeper": keeper_pid(owned), "holder": owned.holder_pid, "token": token}), flush=True)
    if sys.stdin.readline() == "down\n":
        owned.down()
        print("down", flush=True)
