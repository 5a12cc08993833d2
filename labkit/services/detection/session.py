"""A `requests` session for calls by hand: it signs each with Hawk, and takes a path for an address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from requests import Response, Session

from labkit.model.endpoint import is_loopback
from labkit.services.detection.api import CONNECT_SECONDS, READ_SECONDS
from labkit.services.detection.errors import not_authentic
from labkit.services.detection.hawk import HawkAuth, NotAuthentic
from labkit.services.detection.login import DetectionLogin


class HawkSession(Session):
    """A session that signs with this login; `session.get("/v2/rulesets")` asks the login's service.

    Raises InvalidInput for a malformed login.
    """

    def __init__(self, login: DetectionLogin) -> None:
        super().__init__()
        self.auth = HawkAuth(login.user_id, login.api_key, login.organization_id)
        self.trust_env = not is_loopback(login.url)  # a proxy must never see traffic to this machine
        self.url, self._certificate = login.url, login.certificate

    def __repr__(self) -> str:
        return f"<HawkSession at {self.url}>"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> Response:
        """The reply, whatever its status; url: a path such as `/v2/rulesets`, or a whole address.

        Raises ServiceError for a reply that the detection service did not sign.
        """
        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        options.setdefault("verify", self._certificate or None)  # the environment would override a session's
        path = url.decode() if isinstance(url, bytes) else url
        try:
            return super().request(method, urljoin(self.url, path), *args, **options)
        except NotAuthentic as error:
            raise not_authentic(urljoin(self.url, path)) from error
