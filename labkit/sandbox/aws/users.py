"""The IAM users of the sandbox: those of its own account, and in a class one in each student's account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends

from labkit.model.access_keys import AccessKeys
from labkit.model.classroom import account_of, user_of
from labkit.model.settings import DEFAULT_REGION
from labkit.sandbox.aws.keys import ACCOUNT, CLASS_POLICY, POLICIES, STUDENT
from labkit.sandbox.aws.random_ids import ThreadRandom


@dataclass(frozen=True)
class Users:
    """keys: of the own account's users, by name. students: the keys of a class, by number."""

    keys: Mapping[str, AccessKeys]
    students: Mapping[int, AccessKeys] = field(default_factory=dict)
    _accounts: dict[str, str] = field(default_factory=dict)

    def install(self) -> None:
        """Let moto have these users and no others. Their ids derive from their keys, so they stay the same too."""
        iam_backends.clear()
        sts_backends.clear()
        with ThreadRandom.seeded(self.keys[STUDENT].access_key_id):
            for name, actions in POLICIES.items():
                self._make(ACCOUNT, name, actions, self.keys[name])
        for number, pair in self.students.items():
            with ThreadRandom.seeded(pair.access_key_id):
                self._make(account_of(number), user_of(number), CLASS_POLICY, pair)

    def account_of(self, access_key_id: str) -> str:
        """The account that a key acts in; moto would look through all of them for each request."""
        return self._accounts.get(access_key_id) or get_account_id_from(access_key_id)

    def _make(self, account: str, name: str, actions: list[str], pair: AccessKeys) -> None:
        backend = iam_backends[account]["aws"]
        backend.create_user(DEFAULT_REGION, name)
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            backend.put_user_policy(name, "lab", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        made = backend.create_access_key(name)
        del backend.access_keys[made.access_key_id]
        made.access_key_id, made.secret_access_key = pair.access_key_id, pair.secret_access_key
        backend.access_keys[made.access_key_id] = made
        self._accounts[made.access_key_id] = account
