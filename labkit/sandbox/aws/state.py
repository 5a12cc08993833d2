"""moto's state, kept across restarts: one lock, repeatable ids, a journal of changes.

moto's state is global in its process, so only one MotoState is in use at a time: the last one restored.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import moto
from moto import settings
from moto.core.model_instances import reset_model_data
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.subnets import Subnet
from moto.moto_api._internal import mock_random

from labkit.model.settings import DEFAULT_REGION
from labkit.model.student import student_tags
from labkit.model.vpc import LAB_CIDR_BLOCK
from labkit.sandbox.aws.errors import EXPECTED, AwsError
from labkit.sandbox.aws.journal import Change, Journal
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.aws.random_ids import ThreadRandom
from labkit.sandbox.aws.users import Users
from labkit.sandbox.ids import Ids

log = logging.getLogger("labkit.sandbox.aws")
T = TypeVar("T")

OTHER_STUDENT = 1012
"""The invented other student's number. Nobody in the room can have it: student numbers end at 999."""


def start_of_account() -> list[tuple[str, dict[str, Any]]]:
    """The changes that a new account starts with, beyond each region's default VPC: the VPC of another student."""
    tags = [{"Key": key, "Value": value} for key, value in student_tags(OTHER_STUDENT).items()]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    return [("CreateVpc", {"CidrBlock": LAB_CIDR_BLOCK, "TagSpecifications": specification})]


class MotoState:
    """Reads and changes moto's state. perform: makes one Change in moto, for a new state and for the journal.

    on_change: called with (account, region) after each change and before its reply, outside the lock. ids: the source
    of a new state's seed.
    """

    def __init__(
        self,
        path: Path,
        users: Users,
        perform: Callable[[Change], object],
        on_change: Callable[[str, str], object] | None = None,
        ids: Ids | None = None,
    ) -> None:
        self._ids = ids or Ids()
        self._path, self.users, self._perform, self._on_change = path, users, perform, on_change
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._next = 0
        self._users_installed = False
        mock_random.__class__ = ThreadRandom
        # moto's switches: authenticate from the first request on; no public images, 1,301 a region (70 ms, 4 MB).
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

    def restore(self) -> None:
        """Replay the journal; begin a new one if there is none."""
        with self._lock:
            if not self._users_installed:
                self.users.install()
                self._users_installed = True
            journal = self._open_journal()
            try:
                self._replay(journal)
                journal.fold(
                    {
                        acl
                        for regions in ec2_backends.values()
                        for backend in regions.values()
                        for acl in backend.network_acls
                    }
                )
            except BaseException:
                self.close()  # moto's state differs from the journal: write no more changes to it
                raise

    def reset(self) -> None:
        """Discard the state and begin a new one, with the same keys."""
        with self._lock:
            self.close()
            self._path.unlink(missing_ok=True)
            self._users_installed = False
            self.restore()

    def close(self) -> None:
        """Close the journal; later changes are refused."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def backend(self, account: str, region: str) -> EC2Backend:
        """EC2 of an account and a region, made on first use. Its ids derive from the seed alone."""
        regions = ec2_backends[account]
        if not dict.__contains__(regions, region):
            if region not in regions:
                raise AwsError("InvalidRegion", f"There is no region '{region}'.")
            with self._lock, self._seeded(f"{account}:{region}"):
                is_new = not dict.__contains__(regions, region)
                made = regions[region]
                if is_new and account != ACCOUNT and region == DEFAULT_REGION:
                    # Not in the journal, since it is the same after every restart.
                    for action, params in start_of_account():
                        self._perform(Change(0, account, region, action, params))
                return made
        return regions[region]

    def read(self, answer: Callable[[], T]) -> T:
        """Run a reading request while nothing changes."""
        with self._lock:
            return answer()

    def change(self, check: Callable[[], object], answer: Callable[[], T], record: Callable[[int], Change]) -> T:
        """Run a changing request and write it to the journal. `check` may raise to refuse it before anything changes.

        record: the Change with that number, once `check` has made the parameters canonical.
        """
        with self._lock:
            check()
            self._next += 1
            change = record(self._next)
            try:
                with self._seeded(str(change.n)):
                    result = answer()
                self._append(change)
            except EXPECTED:
                raise
            except Exception:
                self._undo(change)
                raise
        self._announce(change)
        return result

    def _append(self, change: Change) -> None:
        if self._journal is None:
            raise AwsError("ServiceUnavailable", "The sandbox is stopping.", 503)
        self._journal.append(change)

    def _undo(self, change: Change) -> None:
        """Replay the journal after a request that failed half-way and left moto in an unknown state."""
        log.warning("%s failed half-way; replaying the journal", change.action)
        self.restore()

    def _announce(self, change: Change) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(change.account, change.region)
        except Exception:
            log.exception("the change listener failed")

    def _open_journal(self) -> Journal:
        self.close()
        try:
            journal = Journal.open(self._path, moto.__version__)
        except (ValueError, KeyError, IndexError, TypeError):
            aside = self._path.with_suffix(".damaged")
            self._path.replace(aside)
            log.warning("the journal is damaged: renamed to %s, starting with a new one", aside.name)
            journal = None
        if journal is None:
            changes = enumerate(start_of_account(), 1)
            start = [Change(n, ACCOUNT, DEFAULT_REGION, action, params) for n, (action, params) in changes]
            seed = self._ids.chance("AWS").randbytes(16).hex()
            journal = Journal.begin(self._path, moto.__version__, seed, start)
        self._journal = journal
        return journal

    def _replay(self, journal: Journal) -> None:
        for regions in ec2_backends.values():
            regions.clear()
        reset_model_data()  # moto remembers every object it ever made, for its dashboard,
        Subnet._base_avail_ip_iterator.cache_clear()  # and every subnet, for its addresses
        self.backend(ACCOUNT, DEFAULT_REGION)
        failed = sum(not self._replayed(change) for change in journal.changes)
        if failed:
            log.warning("%d of %d changes in the journal no longer apply", failed, len(journal.changes))
        self._next = max((change.n for change in journal.changes), default=0)

    def _replayed(self, change: Change) -> bool:
        try:
            with self._seeded(str(change.n)):
                self._perform(change)
        except Exception as error:  # noqa: BLE001 - a change that another moto refuses must not lose the others
            log.warning("%s (%d) does not apply: %s", change.action, change.n, type(error).__name__)
            return False
        return True

    def _seeded(self, what: str) -> AbstractContextManager[None]:
        """Let ids made inside derive from the journal's seed and `what`."""
        if self._journal is None:
            raise AwsError("ServiceUnavailable", "The sandbox is stopping.", 503)
        return ThreadRandom.seeded(f"{self._journal.seed}:{what}")
