"""An open lab, as steps see it: the two services, however they were opened, and the notes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.backends.backend import Backend
from labkit.backends.choose import choose_backend
from labkit.backends.sandbox import FoundSandbox, LocalSandbox
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import ConsentNeeded, LabError, StepNotReady
from labkit.model.settings import DEFAULT_REGION, BackendName, Settings, parse_backend
from labkit.model.student import is_of_class, parse_student_number
from labkit.services import own_process
from labkit.services.aws.profile import check_region
from labkit.services.detection.login import DetectionLogin
from labkit.services.environment import settings
from labkit.services.notes import Notes, NotesInMemory

if TYPE_CHECKING:
    from labkit.services.aws.account import Account
    from labkit.services.detection.api import DetectionApi


def open_session(aws: BackendName | None = None, detection: BackendName | None = None, region: str = "") -> LabSession:
    """The lab with its backend chosen: by the argument, else the environment, else the notes; else the sandbox.

    An argument is noted for the other chapters. Raises LabError when a sandbox that is asked for does not start or the
    home cannot be used, InvalidInput for a region that AWS does not have.
    """
    own_process.leave()  # so that a live account is opened with the student's own settings
    wanted = settings()
    region = check_region(region) if region else ""
    notes = Notes(wanted.home / "notes.json")
    chosen = {name: value for name, value in (("aws", aws), ("detection", detection), ("region", region)) if value}
    if chosen:
        notes.save(**chosen)
    wanted = _with_noted(replace(wanted, aws=aws or wanted.aws, detection=detection or wanted.detection), notes)
    sandbox = LocalSandbox(wanted.home)
    if not (wanted.aws == wanted.detection == "live"):
        sandbox.ensure()
    return LabSession(choose_backend(wanted, sandbox))


def open_existing() -> LabSession:
    """The lab without starting a sandbox. Its services raise ServiceUnreachable if none is running."""
    wanted = settings()
    wanted = _with_noted(wanted, Notes(wanted.home / "notes.json"))
    return LabSession(choose_backend(wanted, FoundSandbox(wanted.home)))


def open_isolated(home: Path, student: str = "") -> LabSession:
    """The lab on a sandbox in this home, whatever the environment asks for; nothing else is touched."""
    return LabSession(choose_backend(Settings(home, student=student), LocalSandbox(home)))


def _with_noted(wanted: Settings, notes: Notes) -> Settings:
    """The settings, with the noted backend for each side of which they say nothing."""
    noted = {name: parse_backend(notes.get(name), name) for name in ("aws", "detection")}
    return replace(wanted, aws=wanted.aws or noted["aws"], detection=wanted.detection or noted["detection"])


class LabSession:
    """The two services and the notes. Keys that the student did not want to keep live here only, in memory.

    notes: those of somebody else; without it, the notes of the home.
    """

    sees_programs = True
    """Whether this is the student's machine, so that checks may look for its programs."""

    sees_notes = True
    """Whether these are the notes that the student's own cells write, so that a missing one means: not done."""

    def __init__(self, backend: Backend, notes: Notes | None = None) -> None:
        self.backend = backend
        self.notes = notes or Notes(backend.home / "notes.json")
        self._keys: AccessKeys | None = None
        self._login: DetectionLogin | None = None
        self._agreed_unasked = False
        self._accounts: dict[tuple[AccessKeys, str, str | None, str, str | None], Account] = {}
        self._detection: tuple[DetectionLogin, DetectionApi] | None = None

    def as_it_was(self, keys: AccessKeys | None = None) -> LabSession:
        """The same services, for the student whose number is noted, else for the one that was cleaned up last.

        Number, region and keys are in memory, and outlive a clean-up. keys: those to use where none are kept any more;
        in the sandbox, its own. Raises StepNotReady while there is no number.
        """
        noted = self.notes.all()
        student = noted.get("student") or noted.get("last_student") or self.student
        region = self.region if noted.get("student") else noted.get("last_region") or self.region
        copy = LabSession(
            self.backend, NotesInMemory(student=student, region=region, vpc_region=noted.get("vpc_region", ""))
        )
        copy.use_keys(self.keys or keys or self.backend.aws.cloud_account())
        copy.use_detection_login(self._login)
        return copy

    def creation_lock(self) -> AbstractContextManager[object]:
        """Hold it to create a VPC, a subnet or a rule: neither CreateVpc nor a rule's POST has a token that would keep
        two calls at once from creating two."""
        from filelock import FileLock

        return FileLock(self.backend.home / "making.lock")

    @property
    def first_number(self) -> int:
        """The lowest student number for one's own work; below it are the students of the class served from here."""
        return self.backend.detection.class_size + 1

    def require_own_number(self, number: int) -> int:
        """The number. Raises StepNotReady for that of a student in the class, whose work this session could undo."""
        if number >= self.first_number:
            return number
        raise StepNotReady(
            f"Student number {number} is taken: it is a student of your class.",
            f"Your sandbox serves students 1 to {self.first_number - 1}, and this lab could change their rules.",
            f"For your own work use {self.first_number} or higher: lab.enter_student_number(). "
            f"To do something for that student, add --student {number}.",
            step="student_number",
        )

    @property
    def student(self) -> int:
        """The student number: LABKIT_STUDENT, else the noted one.

        Raises StepNotReady when there is none yet, or when it is one of the class served from here.
        """
        noted = self.backend.student or self.notes.get("student")
        if not noted:
            raise StepNotReady(
                "Enter your student number first.",
                "Every name in this lab follows from it, and you have not entered one yet.",
                "Enter it: lab.enter_student_number()",
                step="student_number",
            )
        return self.require_own_number(parse_student_number(noted))

    @property
    def region(self) -> str:
        """The region in use: chosen in the lab, else that of the environment or the student's profile, else us-east-1.

        Raises LabError if the student's AWS files cannot be read.
        """
        return self.notes.get("region") or self.backend.region or self.backend.aws.own_region() or DEFAULT_REGION

    @property
    def keys(self) -> AccessKeys | None:
        """The AWS keys in use: typed and not kept, else the lab's profile's, else those of AWS's own tools; or None."""
        from labkit.services.aws.profile import load_profile

        if self._keys is not None:
            return self._keys
        kept = load_profile(self.backend.aws.config_file, self.backend.aws.credentials_file)
        return kept.keys if kept is not None else self.backend.aws.own_keys()

    @property
    def keys_in_memory(self) -> bool:
        """Whether the keys in use were typed and not kept, so that no other program has them."""
        return self._keys is not None

    def use_keys(self, keys: AccessKeys | None) -> None:
        """Use these keys, from memory; None forgets them."""
        self._keys = keys

    @property
    def aws(self) -> Account:
        """The AWS account of the keys in use; raises StepNotReady when there are none."""
        keys = self.keys
        if keys is None:
            raise StepNotReady(
                "Enter your AWS keys first.",
                "No AWS account is active yet: no keys were found.",
                "Enter them: lab.enter_aws_keys()",
                step="aws_account",
            )
        return self.account(keys, self.region)

    def account(self, keys: AccessKeys, region: str) -> Account:
        """The account that these keys open; its clients are made once."""
        from labkit.services.aws.account import Account

        aws = self.backend.aws
        key = (keys, region, aws.endpoint(), aws.trusted(), aws.sts_endpoint())
        if key not in self._accounts:
            self._accounts[key] = Account(*key)
        return self._accounts[key]

    @property
    def detection_login(self) -> DetectionLogin:
        """Where the detection service answers, and the key: the one that was typed, else the one the lab knows.

        Raises LoginIncomplete while there is none.
        """
        return self._login or self.backend.detection.login()

    def use_detection_login(self, login: DetectionLogin | None) -> None:
        """Use this key, from memory; None goes back to the one the lab knows."""
        self._login = login

    @property
    def detection(self) -> DetectionApi:
        """The detection service. Raises LoginIncomplete while its address or key is not known."""
        login = self.detection_login
        if self._detection is None or self._detection[0] != login:
            self._detection = login, login.open()
        return self._detection[1]

    @property
    def host_words(self) -> str:
        """How far the host's range reaches here and why, for the first line that a person sees."""
        host = self.backend.aws.host
        if host is None:
            return "Host: your own, since AWS is live."
        try:
            status = host.status()
        except LabError as error:
            return f"Host: unknown. {error.what}"
        return f"Host: not up. {status.fault}" if status.fault else status.sentence

    def require_agreement(self) -> None:
        """Raise ConsentNeeded before the first change in a live account, naming account and region."""
        if not self.backend.aws.asks_first or self._agreed_unasked:
            return
        account_and_region = self._account_and_region()
        account, region = account_and_region.split()
        if self.backend.agreed.split() == [account, region] or is_of_class(account):
            return
        if self.notes.get("agreed") != account_and_region:
            raise ConsentNeeded(
                f"The next change will be made in AWS account {account}, region {region}.",
                "This is a live account, not the sandbox. Nothing has been changed in it yet.",
                "If it is the right one, run `lab.agree()`; then run this cell again.",
            )

    def agree(self) -> str:
        """Note the yes to the account and region in use; returns `ACCOUNT REGION`."""
        account_and_region = self._account_and_region()
        self.notes.save(agreed=account_and_region)
        return account_and_region

    def agree_unasked(self) -> None:
        """Let changes happen without a question, for as long as this process lives."""
        self._agreed_unasked = True

    def _account_and_region(self) -> str:
        from labkit.services.aws.ec2 import caller

        return f"{caller(self.aws.sts).account} {self.region}"
