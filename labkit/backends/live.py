"""Live services as backends: the student's own AWS account, and any URL that speaks the detection service's API."""

from __future__ import annotations

import os
from pathlib import Path

from labkit.backends.backend import AwsBackend, DetectionBackend
from labkit.model.access_keys import AccessKeys
from labkit.model.settings import PROFILE, Settings
from labkit.services.aws import own_settings
from labkit.services.aws.profile import load_profile
from labkit.services.detection.login import DetectionLogin, LoginIncomplete

LOGIN_VARIABLES = ("LABKIT_DETECTION_URL", "TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY")


def _file_of(variable: str, default: str) -> Path:
    """As botocore finds it: also without a home folder, where pathlib's `expanduser` raises."""
    return Path(os.path.expanduser(os.environ.get(variable, default)))


class LiveAws(AwsBackend):
    """A real account, with the student's own AWS files. A change in it waits for a yes."""

    asks_first = True

    def __init__(self, wanted: Settings, certificate: str = "") -> None:
        self._endpoint = wanted.aws_endpoint_url
        self.label = f"live, {self._endpoint or 'your own account'}"
        self.config_file = _file_of("AWS_CONFIG_FILE", "~/.aws/config")
        self.credentials_file = _file_of("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
        self.certificate = certificate

    def endpoint(self) -> str | None:
        return self._endpoint or own_settings.default_endpoint() or None

    def sts_endpoint(self) -> str | None:
        return own_settings.default_endpoint("sts") or None

    def trusted(self) -> str:
        return self.certificate or own_settings.default_ca_bundle()

    def own_region(self) -> str:
        return own_settings.default_region()

    def environment(self) -> dict[str, str]:
        kept = load_profile(self.config_file, self.credentials_file)
        trust = {"AWS_CA_BUNDLE": self.certificate} if self.certificate else {}
        return trust | ({"AWS_PROFILE": PROFILE} if kept is not None else {})

    def given_keys(self) -> AccessKeys | None:
        key_id, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        token = os.environ.get("AWS_SESSION_TOKEN", "")
        return own_settings.tidy(key_id, secret, token, self.endpoint()) if key_id and secret else None

    def own_keys(self) -> AccessKeys | None:
        return own_settings.default_keys(self.endpoint())


class LiveDetection(DetectionBackend):
    """The detection service at LABKIT_DETECTION_URL, with the key of the TS_ variables."""

    def __init__(self, wanted: Settings, certificate: str = "") -> None:
        self._given = {**os.environ, **wanted.joined}
        self._url, self._certificate = wanted.detection_url, certificate
        self.label = f"live, {self._url}"

    def login(self) -> DetectionLogin:
        user_id, organization_id, api_key = (self._given.get(name, "") for name in LOGIN_VARIABLES[1:])
        known = DetectionLogin(self._url, user_id, organization_id, api_key, self._certificate)
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
