"""Every benchmark in one table: `python -m tests.bench [NAME …]`, such as `python -m tests.bench rule_filter`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from tests.bench.measure import Row, table


def main(wanted: list[str]) -> None:
    rows: list[Row] = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if not wanted or name in wanted:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += import_module(f"tests.bench.{path.stem}").run()
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
