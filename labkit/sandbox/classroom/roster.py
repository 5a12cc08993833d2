"""The students of the class that a sandbox serves: their AWS keys, and when each was last seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labkit.model.access_keys import AccessKeys
from labkit.model.student import account_of, is_of_class, user_of
from labkit.sandbox.aws.actions import OF_STUDENT
from labkit.sandbox.aws.keys import IamUser, load_keys
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids


@dataclass(frozen=True)
class Roster:
    """Empty without a class. keys: each student's AWS keys, by number. clock: milliseconds since 1970.

    When a student was last seen is kept in memory; after a restart the detection service's own note of it remains.
    """

    keys: Mapping[int, AccessKeys] = field(default_factory=dict)
    clock: Callable[[], int] = now_ms
    _seen: dict[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, size: int, ids: Ids) -> Roster:
        """The roster of a class of this size. Makes keys for new students; existing keys never change."""
        if not size:
            return cls()
        keys = load_keys(folder / "class-keys.json", ids, tuple(map(user_of, range(1, size + 1))))
        return cls({number: keys[user_of(number)] for number in range(1, size + 1)})

    def iam_users(self) -> list[IamUser]:
        """A user for each student, in the student's own account."""
        return [IamUser(account_of(number), user_of(number), OF_STUDENT, keys) for number, keys in self.keys.items()]

    def note_account(self, account: str) -> None:
        """Note an authentic AWS request of an account; those of other accounts do not count."""
        if is_of_class(account):
            self.note(int(account))

    def note(self, number: int) -> None:
        """Note an authentic request of a student, to either service."""
        if number in self.keys:
            self._seen[number] = self.clock()

    def last_seen(self, number: int) -> int | None:
        """When a student's last request came, in milliseconds since 1970; None if unknown."""
        return self._seen.get(number)
