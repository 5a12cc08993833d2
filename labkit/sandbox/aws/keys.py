"""The access keys of the sandbox's AWS account: made once, random, in AWS's own forms, kept in one 0600 file."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit.files import write_private
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import LabError
from labkit.sandbox.aws.actions import OF_STUDENT
from labkit.sandbox.ids import Ids

ACCOUNT = "123456789012"
STUDENT, READER = "student", "reader-without-ec2"
POLICIES: dict[str, tuple[str, ...]] = {STUDENT: OF_STUDENT, READER: ()}
"""Which actions each IAM user may take; the reader has valid keys and no permission at all."""

_ID_LETTERS = string.ascii_uppercase + "234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True)
class IamUser:
    """A user with one pair of keys. actions: what their policy allows, such as `ec2:DescribeVpcs`."""

    account: str
    name: str
    actions: tuple[str, ...]
    keys: AccessKeys


def own_users(keys: dict[str, AccessKeys]) -> list[IamUser]:
    """The users of the sandbox's own account, with their keys by name."""
    return [IamUser(ACCOUNT, name, actions, keys[name]) for name, actions in POLICIES.items()]


def load_keys(path: Path, ids: Ids | None = None, users: Iterable[str] = tuple(POLICIES)) -> dict[str, AccessKeys]:
    """The keys of these IAM users and of those already in the file, by user name. The first call makes the file; later
    calls add to it."""
    kept = _kept_keys(path)
    chance = (ids or Ids()).chance("AWS keys" if path.stem == "aws-keys" else path.stem)
    keys = kept | {user: _new_keys(chance) for user in users if user not in kept}
    if keys.keys() != kept.keys():
        write_private(path, json.dumps({user: pair.to_dict() for user, pair in keys.items()}, indent=1) + "\n")
    return keys


def _kept_keys(path: Path) -> dict[str, AccessKeys]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        keys = {str(user): AccessKeys(**pair) for user, pair in known.items()}
        if not all(isinstance(value, str) for pair in keys.values() for value in pair.to_dict().values()):
            raise TypeError
        return keys
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LabError(
            f"The keys in {path} cannot be read.",
            "The file is not what the sandbox wrote.",
            "Move it away: the next start makes new keys, which you then have to enter again.",
        ) from error


def _new_keys(chance: random.Random) -> AccessKeys:
    """New keys. The secret begins with a letter: a spreadsheet takes "+" for the start of a formula."""
    return AccessKeys(
        "AKIA" + "".join(chance.choice(_ID_LETTERS) for _ in range(16)),
        chance.choice(string.ascii_letters) + "".join(chance.choice(_SECRET_LETTERS) for _ in range(39)),
    )
