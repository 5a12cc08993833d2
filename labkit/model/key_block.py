"""Finds all keys in one piece of text, in any form in which they are stored or shown elsewhere.

The forms: a profile (`[default]` with its lines), `export`, `set` and `$Env:` lines, the line or the file that IAM
offers for download, the JSON of `aws sts` and `aws iam`, the Cloud Accounts page. Line breaks may be missing or be
spaces, as when pasted into a field of one line.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html (a profile)
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html (variables, in three shells)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from labkit.model.pasted import without_invisible

KEY_ID, SECRET, TOKEN = "access key id", "secret access key", "session token"
"""The names of the three, in AWS's words, which all fields and messages use."""

_PAIR = re.compile(r"(?P<id>(?:AKIA|ASIA)[A-Z0-9]{16})[\s,;:\"']*(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])")
_LABEL = re.compile(
    r"""(?:aws[_\s-]?)?
    (?: (?P<secret> secret[_\s-]?access[_\s-]?key | api[_\s-]?secret(?:[_\s-]?key)? | secret[_\s-]?key )
      | (?P<id> access[_\s-]?key(?:[_\s-]?id)? | api[_\s-]?key )
      | (?P<token> (?:session|security)[_\s-]?token )
      | (?P<other> (?:default[_\s-]?)?region | output | expiration )
    )
    (?: \s*\[[^\]]*\] )?            # what `aws configure` shows of the value before
    ["']? (?: \s*[=:]\s* | \s+ | (?<=\skey) ) ["']?""",
    re.IGNORECASE | re.VERBOSE,
)
_VALUE = re.compile(r"[A-Za-z0-9/+=%_.-]*")
_NEXT_COMMAND = re.compile(r"(?:export|setx?|set -gx|aws configure set)\s*$", re.IGNORECASE)
_LENGTHS = {"id": 20, "secret": 40}
_NAMES = {"id": KEY_ID, "secret": SECRET, "token": TOKEN}


def find_keys(text: str) -> Mapping[str, str]:
    """The keys in a text that labels them or has both side by side, by name; empty for any other text.

    >>> sorted(find_keys("[default] aws_access_key_id = AKIAIOSFODNN7EXAMPLE region = us-east-1"))
    ['access key id']
    """
    plain = without_invisible(text)
    labels = list(_LABEL.finditer(plain))
    ends = [*(label.start() for label in labels), len(plain)][1:]
    found: dict[str, str] = {}
    for label, end in zip(labels, ends, strict=bool(labels)):
        kind = label.lastgroup or ""
        value = _value(kind, plain[label.end() : end])
        if kind in _NAMES and value:
            found.setdefault(_NAMES[kind], value)
    if pair := _PAIR.search(plain):
        found |= {KEY_ID: pair["id"], SECRET: pair["secret"]}
    return found


def _value(kind: str, text: str) -> str:
    """The value that follows a label; without a line break, the command of the next line may be joined to it."""
    value, alone = _run(text), _run(_NEXT_COMMAND.sub("", text))
    return alone if len(alone) == _LENGTHS.get(kind, len(alone)) else value


def _run(text: str) -> str:
    match = _VALUE.match(text)
    return match[0] if match is not None else ""
