"""The detection service's address, and the key for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labkit.model.errors import LabError

if TYPE_CHECKING:
    from labkit.services.detection.api import DetectionApi


@dataclass(frozen=True)
class DetectionLogin:
    """The address and the key (never shown). certificate: a file with the only certificate to trust there, "" for the
    system's."""

    url: str
    user_id: str
    organization_id: str
    api_key: str = field(repr=False)
    certificate: str = ""

    def open(self, patience_seconds: float | None = None) -> DetectionApi:
        """A client with this login. patience_seconds: the longest that a call may take; the client's own if None."""
        from labkit.services.detection.api import PATIENCE_SECONDS, DetectionApi

        return DetectionApi(
            self.url,
            self.user_id,
            self.api_key,
            self.organization_id,
            patience_seconds=PATIENCE_SECONDS if patience_seconds is None else patience_seconds,
            certificate=self.certificate,
        )


class LoginIncomplete(LabError):
    """The key of the detection service is not known yet. login: what is known."""

    def __init__(self, what: str, why: str, next_step: str, login: DetectionLogin) -> None:
        super().__init__(what, why, next_step)
        self.login = login
