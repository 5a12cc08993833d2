"""The world that steps look at: the two services, however they were opened, and the notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.model.access_keys import AccessKeys
from labkit.model.classroom import is_of_class
from labkit.model.errors import ConsentNeeded, LabError, StepNotReady
from labkit.model.settings import DEFAULT_REGION, parse_student_number
from labkit.services.host import Host
from labkit.services.notes import Notes

if TYPE_CHECKING:
    from labkit.services.aws.account import Account
    from labkit.services.detection.api import DetectionApi


@dataclass(frozen=True)
class DetectionLogin:
    """Where the detection service answers, and whose key opens it (never shown). certificate: a file with the one to
    trust there, "" for the ordinary ones."""

    url: str
    user_id: str
    organization_id: str
    api_key: str = field(repr=False)
    certificate: str = ""


@dataclass(frozen=True)
class Backend:
    """How the two backends were opened. This is the only seam: nothing below asks which backend it is.

    aws, detection: in words, for people. aws_endpoint: where AWS answers now; None for AWS itself.
    host: the lab's host, whose packets the network ACL filters; None where the student has one elsewhere.
    detection_login: where the detection service answers now, and the key. cloud_account: the keys that UDF's Cloud
    Accounts page would show; None where the lab cannot know. cloud_account_url: a page that shows them once.
    class_view: what each student of the class has made that this machine's sandbox serves, as its `GET /_lab/class`
    tells it, empty without a class; None where AWS is elsewhere.
    given_keys: keys that the environment gives, for unattended work. own_keys: keys that AWS's own tools would find.
    config_file, credentials_file: the AWS files of the lab's profile. point_aws_cli: lets the AWS CLI reach the same
    endpoint with that profile before it has keys. ask_first: a change waits for a yes.
    agreed: account and region that the environment agrees to, for unattended work. aws_certificate: a file with the one
    to trust where AWS answers, "" for the ordinary ones. assigned: the student number that a class's keys belong to.
    environment: the variables of a shell or JupyterLab; an empty value means that the variable is taken away.
    """

    aws: str
    detection: str
    home: Path
    config_file: Path
    credentials_file: Path
    aws_endpoint: Callable[[], str | None]
    detection_login: Callable[[], DetectionLogin]
    host: Host | None
    cloud_account: Callable[[], AccessKeys | None]
    cloud_account_url: Callable[[], str] | None
    given_keys: AccessKeys | None
    own_keys: Callable[[], AccessKeys | None]
    point_aws_cli: Callable[[], None]
    environment: Callable[[], dict[str, str]]
    ask_first: bool
    student: str = ""
    region: str = ""
    agreed: str = ""
    aws_certificate: str = ""
    assigned: str = ""
    class_view: Callable[[], Sequence[Mapping[str, Any]]] | None = None

    @property
    def sentence(self) -> str:
        """Both backends in one line."""
        return f"AWS: {self.aws}. Detection: {self.detection}."


class LoginIncomplete(LabError):
    """A detection service whose key nobody gave yet; login: what is known of it."""

    def __init__(self, what: str, why: str, next_step: str, login: DetectionLogin) -> None:
        super().__init__(what, why, next_step)
        self.login = login


def detection_of(login: DetectionLogin, patience_seconds: float | None = None) -> DetectionApi:
    """The service that a login opens. patience_seconds: the longest that a call may take; the client's own if None."""
    from labkit.services.detection.api import PATIENCE_SECONDS, DetectionApi

    return DetectionApi(
        login.url,
        login.user_id,
        login.api_key,
        login.organization_id,
        patience_seconds=PATIENCE_SECONDS if patience_seconds is None else patience_seconds,
        certificate=login.certificate,
    )


class LabSession:
    """The two services and the notes. Keys that the student did not want kept live here, in memory, only.

    notes: somebody else's, where they are not those of the home.
    """

    def __init__(self, opened: Backend, notes: Notes | None = None) -> None:
        self.backend = opened
        self.notes = notes or Notes(opened.home / "notes.json")
        self._keys: AccessKeys | None = None
        self._login: DetectionLogin | None = None
        self._agreed_unasked = False
        self._accounts: dict[tuple[AccessKeys, str, str | None, str], Account] = {}
        self._detection: tuple[DetectionLogin, DetectionApi] | None = None

    def alone(self) -> AbstractContextManager[object]:
        """Nobody else on this machine makes something of the lab meanwhile: neither CreateVpc nor a rule's POST has a
        token that would keep two at once from making two."""
        from filelock import FileLock

        return FileLock(self.backend.home / "making.lock")

    @property
    def student(self) -> int:
        """The student number: LABKIT_STUDENT, else the noted one; raises StepNotReady when there is none yet."""
        noted = self.backend.student or self.notes.get("student")
        if not noted:
            raise StepNotReady(
                "Your student number comes first.",
                "Every name in this lab follows from it, and nobody gave one yet.",
                "Go to “Your student number”, type it and press the button.",
                step="student_number",
            )
        return parse_student_number(noted)

    @property
    def region(self) -> str:
        """The region in use: chosen in the lab, else asked for by the environment, else us-east-1."""
        return self.notes.get("region") or self.backend.region or DEFAULT_REGION

    @property
    def keys(self) -> AccessKeys | None:
        """The AWS keys in use: typed and not kept, else of the lab's profile, else of AWS's own tools; or None."""
        from labkit.services.aws.profile import load_profile

        if self._keys is not None:
            return self._keys
        kept = load_profile(self.backend.config_file, self.backend.credentials_file)
        return kept.keys if kept is not None else self.backend.own_keys()

    def use_keys(self, keys: AccessKeys | None) -> None:
        """Take these keys in memory; None forgets them."""
        self._keys = keys

    @property
    def aws(self) -> Account:
        """The AWS account of the keys in use; raises StepNotReady when there are none."""
        keys = self.keys
        if keys is None:
            raise StepNotReady(
                "The AWS keys come first.",
                "No AWS account is active yet: no keys were found.",
                "Go to “AWS CLI Configuration”, enter the two keys and press the button.",
                step="aws_account",
            )
        return self.account(keys, self.region)

    def account(self, keys: AccessKeys, region: str) -> Account:
        """The account that these keys open, its clients made once."""
        from labkit.services.aws.account import Account

        place = (keys, region, self.backend.aws_endpoint(), self.backend.aws_certificate)
        if place not in self._accounts:
            self._accounts[place] = Account(*place)
        return self._accounts[place]

    @property
    def detection_login(self) -> DetectionLogin:
        """Where the detection service answers, and the key: the one that was typed, else the one the lab knows."""
        return self._login or self.backend.detection_login()

    def use_detection_login(self, login: DetectionLogin | None) -> None:
        """Take this key in memory; None goes back to the one the lab knows."""
        self._login = login

    @property
    def detection(self) -> DetectionApi:
        """The detection service; raises LabError when nobody said where it is."""
        login = self.detection_login
        if self._detection is None or self._detection[0] != login:
            self._detection = login, detection_of(login)
        return self._detection[1]

    @property
    def host_words(self) -> str:
        """How far the host's range reaches here and why, for the first line that a person sees."""
        if self.backend.host is None:
            return "Host: your own, since AWS is live."
        try:
            status = self.backend.host.status()
        except LabError as error:
            return f"Host: not known now. {error.what}"
        return f"Host: not up. {status.fault}" if status.fault else status.sentence

    def require_agreement(self) -> None:
        """Raise ConsentNeeded before the first change in a live account, naming account and region."""
        if not self.backend.ask_first or self._agreed_unasked:
            return
        place = self._place()
        if self.backend.agreed.split() == place.split() or is_of_class(place.split()[0]):
            return
        if self.notes.get("agreed") != place:
            account, region = place.split()
            raise ConsentNeeded(
                f"The next change happens in AWS account {account}, region {region}.",
                "This is a live account, not the sandbox, and nothing was changed in it yet.",
                "If it is the right one, run `lab.agree()`; then run this cell again.",
            )

    def agree(self) -> str:
        """Note the yes to the account and region in use; which ones."""
        place = self._place()
        self.notes.save(agreed=place)
        return place

    def agree_unasked(self) -> None:
        """Let changes happen without a question, for as long as this process lives."""
        self._agreed_unasked = True

    def _place(self) -> str:
        from labkit.services.aws.ec2 import caller

        return f"{caller(self.aws.sts).account} {self.region}"
