"""The IAM users that moto knows: those of the sandbox's own account, and any that the caller adds in other accounts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends

from labkit.model.settings import DEFAULT_REGION
from labkit.sandbox.aws.keys import IamUser
from labkit.sandbox.aws.random_ids import ThreadRandom


class Users:
    """Puts the users into moto, and finds the account that a key belongs to."""

    def __init__(self, users: Sequence[IamUser]) -> None:
        self._users = users
        self._accounts = {user.keys.access_key_id: user.account for user in users}

    def install(self) -> None:
        """Replace moto's users with these. Their ids derive from a key, so they are the same after a restart."""
        iam_backends.clear()
        sts_backends.clear()
        for user in self._users:
            with ThreadRandom.seeded(user.keys.access_key_id):
                _create(user)

    def account_of(self, access_key_id: str) -> str:
        """The account that a key acts in. moto would search every account on each request."""
        return self._accounts.get(access_key_id) or get_account_id_from(access_key_id)


def _create(user: IamUser) -> None:
    backend = iam_backends[user.account]["aws"]
    backend.create_user(DEFAULT_REGION, user.name)
    if user.actions:
        statement = {"Effect": "Allow", "Action": list(user.actions), "Resource": "*"}
        backend.put_user_policy(user.name, "lab", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    key = backend.create_access_key(user.name)
    del backend.access_keys[key.access_key_id]
    key.access_key_id, key.secret_access_key = user.keys.access_key_id, user.keys.secret_access_key
    backend.access_keys[key.access_key_id] = key
