"""A class of this lab on any JupyterHub: which user is which student, and each student's keys for that server only.

`jupyterhub_config.py`, The Littlest JupyterHub and Zero to JupyterHub all load this file, so it imports nothing of the
lab. Two variables of the hub's environment:

- LABKIT_CLASS_KEYS: the file that `labkit class keys` wrote, readable only by the hub. Without it each student
  has a sandbox and shares nothing with the others.
- LABKIT_CLASS_STUDENTS: how many students there are, named student1, student2, …; or their user names in the order of
  their numbers. Without it they are as many as there are keys.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ASSIGNMENT = re.compile(r"(?:export )?([A-Z][A-Z0-9_]*)=(.*)")


class NoPlace(Exception):
    """A user who gets no server. JupyterHub shows the message.

    Source: https://jupyterhub.readthedocs.io/en/stable/reference/spawners.html, "Spawner.start".
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.jupyterhub_message = words


def students() -> list[str]:
    """The user names in the order of the student numbers. Raises SystemExit with a message if none are configured."""
    said = os.environ.get("LABKIT_CLASS_STUDENTS", "").replace(",", " ").split()
    if said and not said[0].isdecimal():
        return said
    if not said and "LABKIT_CLASS_KEYS" not in os.environ:
        raise SystemExit(
            "Say who the students are: LABKIT_CLASS_STUDENTS=30, or their user names. Or LABKIT_CLASS_KEYS."
        )
    last = int(said[0]) if said else max((_number(one) for one in places(read_keys())), default=0)
    return [f"student{number}" for number in range(1, last + 1)]


def number_of(user: str) -> int | None:
    """A user's student number; None for anybody else.

    The whole name must match: the user another7 is not student 7.
    """
    named = students()
    return named.index(user) + 1 if user in named else None


def places(text: str) -> Iterator[dict[str, str]]:
    """Each student's variables, from lines of `NAME=value`, of which LABKIT_STUDENT is a student's first."""
    place: dict[str, str] = {}
    for line in text.splitlines():
        if found := ASSIGNMENT.fullmatch(line.strip()):
            if found[1] == "LABKIT_STUDENT" and place:
                yield place
                place = {}
            place[found[1]] = found[2].strip("'\"")
    if place:
        yield place


def _number(place: dict[str, str]) -> int:
    said = place.get("LABKIT_STUDENT", "")
    return int(said) if said.isdecimal() else 0


def read_keys() -> str:
    """The list of keys. Raises NoPlace if it cannot be read, or if everybody can read it."""
    path = Path(os.environ["LABKIT_CLASS_KEYS"])
    try:
        if path.stat().st_mode & stat.S_IRWXO:
            raise NoPlace(f"The class's keys lie open: everybody may read {path.name}. Instructor: chmod 600 it.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NoPlace(f"The class's keys cannot be read: {error.strerror}. Instructor: look at {path.name}.") from error


def place_of(number: int) -> dict[str, str]:
    """One student's variables, read for each new server, so that new keys need no restart. Raises NoPlace."""
    found = next((one for one in places(read_keys()) if _number(one) == number), None)
    if found is None:
        raise NoPlace(f"The class has no place for student {number}. Instructor: start it with more, or list its keys.")
    return found


def give_place(spawner: Any) -> None:
    """Put a student's keys into the environment of that student's server, and nowhere else.

    An administrator who is not a student gets a server with its own sandbox. Raises NoPlace for anybody else.
    """
    number = number_of(spawner.user.name)
    if number is None and not spawner.user.admin:
        raise NoPlace(f"{spawner.user.name} is not on the list of this class. Ask your instructor for your user name.")
    given = place_of(number) if number and "LABKIT_CLASS_KEYS" in os.environ else {}
    own = {"LABKIT_STUDENT": str(number)} if number else {}
    spawner.environment = {**spawner.environment, **own, **given}


def configure(c: Any) -> None:
    """Configure a hub for the class. Raises SystemExit with a message if no students are configured."""
    c.Spawner.pre_spawn_hook = give_place
    # In the student's environment, which may differ from the hub's. `-P`: the student's files are no modules of it.
    c.Spawner.cmd = ["python3", "-P", "-m", "labkit.classroom.hub"]
    # Thirty servers that start at once on a few cores are slow.
    c.Spawner.start_timeout = 180
    c.Spawner.http_timeout = 180
    try:
        c.Authenticator.allowed_users = set(students())
    except NoPlace as fault:
        raise SystemExit(str(fault)) from fault


if "c" in globals():  # a hub reads this file; `jupyterhub_config.py` imports it
    configure(globals()["c"])
