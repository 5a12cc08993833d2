"""The names of a class's students, from a file of the instructor's: lines of `number,name`."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from labkit.files import readable
from labkit.model.errors import LabError

HEADER = ["number", "name"]


def read_names(path: Path) -> dict[int, str]:
    """Each name by its student number. Empty lines and a header are skipped. Raises LabError for any other line."""
    names: dict[int, str] = {}
    try:
        text = readable(path.read_bytes())
    except OSError as error:
        raise LabError(f"{path.name} cannot be read: {error.strerror}.") from error
    for place, line in enumerate(text.splitlines(), 1):
        fields = [field.strip() for field in next(csv.reader([line]), [])]
        if not any(fields) or (place == 1 and [field.lower() for field in fields] == HEADER):
            continue
        if len(fields) != len(HEADER) or not all(fields) or not re.fullmatch("[1-9][0-9]{0,2}", fields[0]):
            raise LabError(f"Line {place} of {path.name} is not a student number and a name, as in: 7,Ada Lovelace")
        if int(fields[0]) in names:
            raise LabError(f"Line {place} of {path.name} names student {fields[0]} again.")
        names[int(fields[0])] = fields[1]
    return names
