"""The keys of a class, from its sandbox, for the instructor to hand out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from labkit.classroom.class_keys import ClassKeys
from labkit.model.errors import InvalidInput, LabError
from labkit.model.student import account_of
from labkit.services.running_sandbox import Sandbox


def class_keys(sandbox: Sandbox, student: int | None = None) -> tuple[ClassKeys, ...]:
    """The keys of all students or of one. Raises LabError without a class, InvalidInput for an unknown student."""
    reply = sandbox.control("GET", "/_lab/class/keys")
    keys = tuple(
        ClassKeys(
            student=one["number"],
            url=reply["url"],
            access_key_id=one["aws"]["access_key_id"],
            secret_access_key=one["aws"]["secret_access_key"],
            user_id=one["detection"]["user_id"],
            organization_id=one["detection"]["organization_id"],
            api_key=one["detection"]["api_key"],
            fingerprint=reply["fingerprint"],
        )
        for one in reply["students"]
    )
    if not keys:
        raise LabError(
            "The sandbox serves no class, so there are no keys to hand out.",
            "It was started for this machine alone.",
            "Start it for a class: labkit sandbox start --class 30",
        )
    chosen = tuple(one for one in keys if student in (None, one.student))
    if not chosen:
        raise InvalidInput(
            f"Student {student} is not in this class.",
            f"It has the students 1 to {len(keys)}.",
            f"Name one of them, or let the class grow: labkit sandbox start --class {student}",
            field="student number",
        )
    return chosen


def as_blocks(keys: Iterable[ClassKeys]) -> str:
    """Blocks to hand out, each below a line that names its student, separated by empty lines."""
    return "\n".join(f"{_heading(one)}\n{one.block}" for one in keys)


def _heading(keys: ClassKeys) -> str:
    account = account_of(keys.student)
    return f"# Student {keys.student}, AWS account {account}: paste all of this into `labkit join`"


def as_csv(keys: Iterable[ClassKeys]) -> str:
    """CSV with a row for each student. The columns have the names of a block's lines."""
    rows = [one.variables for one in keys]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
