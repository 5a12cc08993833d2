"""The tables of the sandbox's README, written from the code: `python -m tests.readme`. A unit test compares the two."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from labkit.sandbox.aws.differences import Difference, closed, remaining

README = Path(__file__).parents[1] / "labkit/sandbox/aws/README.md"


def differences() -> str:
    """Where the sandbox still differs from AWS."""
    return table(("call", "AWS", "sandbox"), [(each.call, on_aws(each), each.sandbox) for each in remaining()])


def closed_differences() -> str:
    """Where moto differs from AWS and the sandbox does not."""
    rows = [(each.call, each.moto, on_aws(each)) for each in closed()]
    return table(("call", "moto alone", "AWS and the sandbox"), rows)


def on_aws(difference: Difference) -> str:
    return difference.aws if difference.verified else f"{difference.aws} (not verified)"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str) -> str:
    """The README with each generated table in its place."""
    for name, content in {"differences": differences(), "closed differences": closed_differences()}.items():
        before, begin, rest = text.partition(f"<!-- {name}: written by `make readme` -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        assert begin and end, f"{README} has lost the markers of its table of {name}"
        text = f"{before}{begin}\n{content}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
