"""moto's state, kept across restarts: a lock for each account, repeatable ids, a journal of changes.

moto's state is global in its process, so only one MotoState is in use at a time: the last one restored. Accounts share
nothing in it, so nobody waits for what another account reads or changes.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

import moto
from moto import settings
from moto.core.model_instances import reset_model_data
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.subnets import Subnet
from moto.moto_api._internal import mock_random

from labkit.model.errors import LabError
from labkit.model.settings import DEFAULT_REGION
from labkit.model.student import student_tags
from labkit.model.vpc import LAB_CIDR_BLOCK
from labkit.sandbox.aws.actions import CHANGES
from labkit.sandbox.aws.errors import EXPECTED, AwsError
from labkit.sandbox.aws.folding import Change
from labkit.sandbox.aws.journal import Journal
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.aws.random_ids import ThreadRandom
from labkit.sandbox.aws.users import Users
from labkit.sandbox.ids import Ids

log = logging.getLogger("labkit.sandbox.aws")
T = TypeVar("T")

MOST_CHANGES = 2000
"""In the journal of one account, without deleted things: what a failed call, or a start, replays at most."""

OTHER_STUDENT = 1012
"""The invented other student's number. Nobody in the room can have it: student numbers end at 999."""


def start_of_account() -> list[tuple[str, dict[str, Any]]]:
    """The changes that a new account starts with, beyond each region's default VPC: the VPC of another student."""
    tags = [{"Key": key, "Value": value} for key, value in student_tags(OTHER_STUDENT).items()]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    return [("CreateVpc", {"CidrBlock": LAB_CIDR_BLOCK, "TagSpecifications": specification})]


class MotoState:
    """Reads and changes moto's state. perform: makes one Change in moto, for a new state and for the journal.

    on_change: called with (account, region) by `announce`. ids: the source of a new state's seed.
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
        self._locks: dict[str, threading.RLock] = {}
        self._all = threading.RLock()  # taken before the lock of an account, never after it
        self._writing = threading.Lock()
        self._journal: Journal | None = None
        self._users_installed = False
        mock_random.__class__ = ThreadRandom
        # moto's switches: authenticate from the first request on; no public images, 1,301 a region (70 ms, 4 MB).
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

    def restore(self) -> None:
        """Replay the journal; begin a new one if there is none."""
        with self._everything():
            if not self._users_installed:
                self.users.install()
                self._users_installed = True
            journal = self._open_journal()
            try:
                self._clear_all()
                self._replay(journal.changes)
                journal.fold(existing_ids())
            except BaseException:
                self.close()  # moto's state differs from the journal: write no more changes to it
                raise

    def reset(self) -> None:
        """Discard the state and begin a new one, with the same keys."""
        with self._everything():
            self.close()
            self._path.unlink(missing_ok=True)
            self._users_installed = False
            self.restore()

    def close(self) -> None:
        """Close the journal; later changes are refused."""
        with self._writing:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def backend(self, account: str, region: str) -> EC2Backend:
        """EC2 of an account and a region, made on first use. Its ids derive from the seed alone."""
        regions = ec2_backends[account]
        if not dict.__contains__(regions, region):
            if region not in regions:
                raise AwsError("InvalidRegion", f"There is no region '{region}'.")
            with self._lock_of(account), self._seeded(f"{account}:{region}"):
                is_new = not dict.__contains__(regions, region)
                made = regions[region]
                if is_new and account != ACCOUNT and region == DEFAULT_REGION:
                    # Not in the journal, since it is the same after every restart.
                    for action, params in start_of_account():
                        self._perform(Change(0, account, region, action, params))
                return made
        return regions[region]

    def read(self, account: str, answer: Callable[[], T]) -> T:
        """Run a reading request while nothing of its account changes."""
        with self._lock_of(account):
            return answer()

    def change(
        self, account: str, check: Callable[[], object], answer: Callable[[], T], record: Callable[[int, T], Change]
    ) -> tuple[T, Change]:
        """Run a changing request and write it to the journal. `check` may raise to refuse it before anything changes.

        record: the Change with that number, once `check` has made the parameters canonical and there is an answer.
        """
        with self._lock_of(account):
            check()
            n = self._next_number(account)
            try:
                with self._seeded(str(n)):
                    result = answer()
                change = record(n, result)
                with self._writing:
                    self._open().append(change)
            except EXPECTED:
                raise
            except Exception:
                log.warning("a change in account %s failed half-way; replaying its journal", account)
                self._replay_account(account)
                raise
        return result, change

    def announce(self, change: Change) -> None:
        """Put a change in force where it is used. If that raises LabError, take it back and raise AwsError.

        Called without a lock or a turn, since it may wait for another machine."""
        if self._on_change is None:
            return
        try:
            self._on_change(change.account, change.region)
        except LabError as refused:
            with self._lock_of(change.account):
                with self._writing:
                    self._open().drop(change)
                self._replay_account(change.account)
            with suppress(LabError):  # nothing more is taken back
                self._on_change(change.account, change.region)
            raise AwsError("UnsupportedOperation", f"{refused} The change was taken back.") from refused
        except Exception:
            log.exception("the change listener failed")

    def _next_number(self, account: str) -> int:
        with self._writing:
            journal = self._open()
            if journal.count_of(account) >= MOST_CHANGES:
                journal.fold(existing_ids())
            if journal.count_of(account) >= MOST_CHANGES:
                raise AwsError(
                    "RequestLimitExceeded", "This account has made too many changes. Delete a VPC, then try again."
                )
            return journal.next_number()

    def _open(self) -> Journal:
        if self._journal is None:
            raise AwsError("ServiceUnavailable", "The sandbox is stopping.", 503)
        return self._journal

    def _replay_account(self, account: str) -> None:
        """Replay an account's changes, and no other's."""
        try:
            with self._writing:
                changes = [change for change in self._open().changes if change.account == account]
            ec2_backends[account].clear()
            if account == ACCOUNT:
                self.backend(ACCOUNT, DEFAULT_REGION)
            self._replay(changes)
        except BaseException:
            self.close()  # moto's state differs from the journal: write no more changes to it
            raise

    def _everything(self) -> ExitStack:
        """Locks every account."""
        stack = ExitStack()
        stack.enter_context(self._all)
        for _, lock in sorted(self._locks.items()):
            stack.enter_context(lock)
        return stack

    def _lock_of(self, account: str) -> threading.RLock:
        lock = self._locks.get(account)
        if lock is None:
            with self._all:
                lock = self._locks.setdefault(account, threading.RLock())
        return lock

    def _open_journal(self) -> Journal:
        self.close()
        journal = Journal.open(self._path, moto.__version__)
        if journal is None:
            changes = enumerate(start_of_account(), 1)
            start = [Change(n, ACCOUNT, DEFAULT_REGION, action, params) for n, (action, params) in changes]
            seed = self._ids.chance("AWS").randbytes(16).hex()
            journal = Journal.begin(self._path, moto.__version__, seed, start)
        self._journal = journal
        return journal

    def _clear_all(self) -> None:
        for regions in ec2_backends.values():
            regions.clear()
        reset_model_data()  # moto remembers every object it ever made, for its dashboard,
        Subnet._base_avail_ip_iterator.cache_clear()  # and every subnet, for its addresses
        self.backend(ACCOUNT, DEFAULT_REGION)

    def _replay(self, changes: list[Change]) -> None:
        failed = sum(not self._replayed(change) for change in changes)
        if failed:
            log.warning("%d of %d changes in the journal no longer apply", failed, len(changes))

    def _replayed(self, change: Change) -> bool:
        if change.action not in CHANGES:
            log.warning("%s (%d) is not replayed: the sandbox no longer offers it", change.action, change.n)
            return False
        try:
            with self._seeded(str(change.n)):
                self._perform(change)
        except Exception as error:  # noqa: BLE001 - a change that another moto refuses must not lose the others
            log.warning("%s (%d) does not apply: %s", change.action, change.n, type(error).__name__)
            return False
        return True

    def _seeded(self, what: str) -> AbstractContextManager[None]:
        """Let ids made inside derive from the journal's seed and `what`."""
        return ThreadRandom.seeded(f"{self._open().seed}:{what}")


def existing_ids() -> set[str]:
    """The ids of all VPCs, subnets, network ACLs, security groups and internet gateways that exist now."""
    found: set[str] = set()
    for regions in list(ec2_backends.values()):
        for backend in list(dict.values(regions)):
            found |= {*backend.vpcs, *backend.network_acls, *backend.internet_gateways}
            found |= {subnet for zone in backend.subnets.values() for subnet in zone}
            found |= {group for of_vpc in backend.groups.values() for group in of_vpc}
    return found
