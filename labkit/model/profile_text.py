"""The text of AWS's configuration files: changes one section and leaves every other line as it was.

configparser would lose a person's comments and blank lines when it writes. Source for the form:
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEADER = re.compile(r"\[\s*(?P<name>[^]]+?)\s*\]")
_OPTION = re.compile(r"(?P<key>[A-Za-z0-9_.-]+)\s*[=:]\s*(?P<value>.*)")  # an indented line belongs to the one above


def read_section(text: str, section: str) -> dict[str, str] | None:
    """The options of a section; None when there is no such section.

    >>> read_section("[default]\\nregion = us-east-1\\n", "default")
    {'region': 'us-east-1'}
    """
    lines = _lines(text)
    span = _span(lines, section)
    if span is None:
        return None
    options = (_OPTION.match(line) for line in lines[span[0] + 1 : span[1]])
    return {option["key"].lower(): option["value"].strip() for option in options if option}


def set_options(text: str, section: str, options: Mapping[str, str | None]) -> str:
    """The text with these options of a section set, None removes one; the section is added if absent.

    Raises ValueError for a value with a line break, which would begin a line of its own.

    >>> print(set_options("[default]\\nregion = us-east-1  \\n# mine\\n", "default", {"region": "eu-west-1"}))
    [default]
    region = eu-west-1
    # mine
    <BLANKLINE>
    """
    if any(set(str(value)) & set("\r\n") for value in (section, *options, *options.values())):
        raise ValueError("a line break in a section, an option or a value")
    lines = _lines(text)
    span = _span(lines, section)
    if span is None:
        lines += ([""] if lines and lines[-1].strip() else []) + [f"[{section}]"]
        span = (len(lines) - 1, len(lines))
    missing = {key: value for key, value in options.items() if value is not None}
    kept = [lines[span[0]]]
    for line in lines[span[0] + 1 : span[1]]:
        option = _OPTION.match(line)
        key = option["key"].lower() if option else ""
        if key not in options:
            kept.append(line)
        elif key in missing:
            kept.append(f"{key} = {missing.pop(key)}")
    kept += [f"{key} = {value}" for key, value in missing.items()]
    return _joined([*lines[: span[0]], *kept, *lines[span[1] :]])


def remove_section(text: str, section: str) -> str:
    """The text without a section; comments and blank lines after its last option stay.

    >>> remove_section("[a]\\nregion = x\\n# about b\\n[b]\\nregion = y\\n", "a")
    '# about b\\n[b]\\nregion = y\\n'
    """
    lines = _lines(text)
    span = _span(lines, section)
    if span is None:
        return text
    before = lines[: span[0]]
    if before and not before[-1].strip() and span[1] == len(lines):
        before.pop()  # the blank line that set_options put before it
    return _joined([*before, *lines[span[1] :]])


def _lines(text: str) -> list[str]:
    """The lines as configparser sees them: str.splitlines would also divide a line at U+2028 and its like."""
    return text.removesuffix("\n").split("\n") if text else []


def _span(lines: list[str], section: str) -> tuple[int, int] | None:
    """From the section's header line to after its last line that is neither blank nor a comment."""
    start: int | None = None
    end = 0
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header and start is not None:
            break
        if header and header["name"] == section:
            start, end = number, number + 1
        elif start is not None and line.strip() and not line.lstrip().startswith(("#", ";")):
            end = number + 1
    return None if start is None else (start, end)


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
