"""Picks the two backends, each on its own: the sandbox of this machine, or a live service."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.classroom import backend as joined
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import ServiceUnreachable
from labkit.model.settings import PROFILE, BackendName, Settings
from labkit.sandbox.aws.cli_files import point_aws_cli_at
from labkit.services import sandbox_process
from labkit.services.aws.profile import check_region, load_profile
from labkit.services.environment import settings
from labkit.services.host import Host
from labkit.services.notes import Notes
from labkit.services.sandbox_process import Sandbox
from labkit.steps.session import Backend, DetectionLogin, LabSession, LoginIncomplete

REAL_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE")
LOGIN_VARIABLES = ("LABKIT_DETECTION_URL", "TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY")
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_STS")


def open_session(aws: BackendName | None = None, detection: BackendName | None = None, region: str = "") -> LabSession:
    """The world with its backends picked: the argument, else the environment, else the note, else the sandbox.

    An argument is noted for the other chapters. Raises LabError when a sandbox is wanted and does not start, or a
    live detection service is wanted and nobody said where; InvalidInput for a region that AWS does not have.
    """
    wanted = settings()
    region = check_region(region) if region else ""
    notes = Notes(wanted.home / "notes.json")
    chosen = {name: value for name, value in (("aws", aws), ("detection", detection), ("region", region)) if value}
    if chosen:
        notes.save(**chosen)
    aws_live = (aws or _wanted_aws(wanted, notes)) == "live"
    detection_live = (detection or _wanted_detection(wanted, notes)) == "live"
    local = LocalSandbox(wanted.home)
    if not (aws_live and detection_live):
        local.ensure()
    return LabSession(_open(wanted, local, aws_live, detection_live))


def open_existing() -> LabSession:
    """The same world for who only looks: a sandbox that does not run is not started, but ServiceUnreachable raised."""
    wanted = settings()
    notes = Notes(wanted.home / "notes.json")
    aws_live = _wanted_aws(wanted, notes) == "live"
    return LabSession(_open(wanted, FoundSandbox(wanted.home), aws_live, _wanted_detection(wanted, notes) == "live"))


def open_isolated(home: Path, student: str = "") -> LabSession:
    """The world of a sandbox of its own in this home, whatever the environment asks for; nothing else is touched."""
    return LabSession(_open(Settings(home, student=student), LocalSandbox(home), aws_live=False, detection_live=False))


def _wanted_aws(wanted: Settings, notes: Notes) -> str:
    return wanted.aws or notes.get("aws")


def _wanted_detection(wanted: Settings, notes: Notes) -> str:
    return wanted.detection or notes.get("detection")


class LocalSandbox:
    """This machine's sandbox, started again whenever it is found gone."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._sandbox: Sandbox | None = None
        self._detection: Mapping[str, str] = {}

    def ensure(self) -> Sandbox:
        """The running sandbox."""
        if self._sandbox is None or not self._sandbox.alive():
            self._sandbox, _ = sandbox_process.start(self.home)
        return self._sandbox

    def url(self) -> str:
        """Where it answers now."""
        return self.ensure().url

    def cloud_account(self) -> AccessKeys:
        """The keys of its AWS account."""
        return AccessKeys(**self.ensure().credentials()["aws"])

    def cloud_account_url(self) -> str:
        """A page that shows the keys once."""
        return self.ensure().cloud_account_url()

    def class_view(self) -> Sequence[Mapping[str, Any]]:
        """What each student of the class has made that it serves; none without a class."""
        return tuple(self.ensure().control("GET", "/_lab/class")["students"])

    def detection_login(self) -> DetectionLogin:
        """The address and the key of its detection service, which do not change while the world lives."""
        url = self.url()
        self._detection = self._detection or self.ensure().credentials()["detection"]
        return DetectionLogin(url, **self._detection)


class FoundSandbox(LocalSandbox):
    """This machine's sandbox where it runs; nothing starts it."""

    def ensure(self) -> Sandbox:
        if self._sandbox is None or not self._sandbox.alive():
            self._sandbox = sandbox_process.find(self.home)
        if self._sandbox is None:
            raise ServiceUnreachable("The sandbox is not running.", "It was stopped.", "Start it: labkit sandbox start")
        return self._sandbox


def _open(wanted: Settings, local: LocalSandbox, aws_live: bool, detection_live: bool) -> Backend:
    files = _aws_files(wanted.home, aws_live)
    certificate = joined.certificate_of(wanted) if aws_live or detection_live else ""
    login = _live_login(wanted, certificate) if detection_live else local.detection_login
    opened = Backend(
        aws=f"live, {wanted.aws_endpoint_url or 'your own account'}" if aws_live else "sandbox on this machine",
        detection=_detection_words(wanted) if detection_live else "sandbox on this machine",
        home=wanted.home,
        config_file=files[0],
        credentials_file=files[1],
        aws_endpoint=(lambda: wanted.aws_endpoint_url or None) if aws_live else local.url,
        detection_login=login,
        host=None if aws_live else Host(local.ensure),
        cloud_account=(lambda: None) if aws_live else local.cloud_account,
        cloud_account_url=None if aws_live else local.cloud_account_url,
        given_keys=_keys_of_environment(),
        own_keys=_keys_of_aws_tools if aws_live else lambda: None,
        point_aws_cli=(lambda: None) if aws_live else lambda: point_aws_cli_at(files[0], local.url()),
        environment=lambda: _environment(files, aws_live, login, certificate),
        ask_first=aws_live,
        student=wanted.student,
        region=wanted.region,
        agreed=wanted.agreed,
        class_view=None if aws_live else local.class_view,
        aws_certificate=certificate if aws_live else "",
    )
    return joined.with_aws_of_class(opened, wanted) if aws_live and joined.AWS in wanted.joined else opened


def _detection_words(wanted: Settings) -> str:
    is_class = joined.DETECTION in wanted.joined
    return f"{'class sandbox at' if is_class else 'live,'} {wanted.detection_url}"


def _aws_files(home: Path, aws_live: bool) -> tuple[Path, Path]:
    """The AWS configuration and credentials file: the student's own when live, else the lab's."""
    if not aws_live:
        return home / "aws" / "config", home / "aws" / "credentials"
    config = os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")
    credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    return Path(config).expanduser(), Path(credentials).expanduser()


def _keys_of_environment() -> AccessKeys | None:
    key_id, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    return AccessKeys(key_id, secret, os.environ.get("AWS_SESSION_TOKEN", "")) if key_id and secret else None


def _keys_of_aws_tools() -> AccessKeys | None:
    """What the AWS CLI would use without the lab's profile: environment, default profile, single sign-on."""
    from labkit.services.aws.default_keys import default_keys

    return default_keys()


def _live_login(wanted: Settings, certificate: str) -> Callable[[], DetectionLogin]:
    given = {**os.environ, **wanted.joined}

    def login() -> DetectionLogin:
        user_id, organization_id, api_key = (given.get(name, "") for name in LOGIN_VARIABLES[1:])
        known = DetectionLogin(wanted.detection_url, user_id, organization_id, api_key, certificate)
        values = (known.url, user_id, organization_id, api_key)
        missing = [name for name, value in zip(LOGIN_VARIABLES, values, strict=True) if not value]
        if missing:
            raise LoginIncomplete(
                f"The live detection service cannot be opened: {', '.join(missing)} not set.",
                "A live service needs its address and a user's API key, from the environment.",
                "Set them and open the lab again, or enter the key with lab.enter_detection_key(). Without "
                "LABKIT_DETECTION the sandbox is used.",
                known,
            )
        return known

    return login


def _environment(
    files: tuple[Path, Path], aws_live: bool, login: Callable[[], DetectionLogin], certificate: str
) -> dict[str, str]:
    variables = _detection_variables(login)
    if aws_live:
        kept, trust = load_profile(*files), {"AWS_CA_BUNDLE": certificate} if certificate else {}
        return variables | trust | ({"AWS_PROFILE": PROFILE} if kept is not None else {})
    loopback = [*filter(None, os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",")), "127.0.0.1"]
    return variables | {
        "NO_PROXY": ",".join(dict.fromkeys(loopback)),
        "no_proxy": ",".join(dict.fromkeys(loopback)),
        "AWS_CONFIG_FILE": str(files[0]),
        "AWS_SHARED_CREDENTIALS_FILE": str(files[1]),
        "AWS_PROFILE": PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys((*REAL_KEY_VARIABLES, *ENDPOINT_VARIABLES, "AWS_REGION", "AWS_DEFAULT_REGION"), ""),
    }


def _detection_variables(login: Callable[[], DetectionLogin]) -> dict[str, str]:
    """What other clients of the service look for; nothing while nobody gave a key."""
    try:
        detection = login()
    except LoginIncomplete as incomplete:
        return {"TS_API_ENDPOINT": incomplete.login.url} if incomplete.login.url else {}
    return {
        "TS_API_ENDPOINT": detection.url,
        "TS_USER_ID": detection.user_id,
        "TS_ORGANIZATION_ID": detection.organization_id,
        "TS_API_KEY": detection.api_key,
    }
