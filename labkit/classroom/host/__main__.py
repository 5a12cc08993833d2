"""`python -m labkit.classroom.host --home FOLDER`, started by `host_process`; its log is stderr."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from filelock import Timeout

from labkit.classroom.host.serving import serve


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="labkit.classroom.host")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=None)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        serve(arguments.home, arguments.parent)
    except Timeout:
        sys.exit("Another process already serves this host.")


if __name__ == "__main__":
    main()
