"""Who calls the REST API, what they may change beyond what their role allows, and whose requests count together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit.sandbox.detection.store.people import ApiUser


@dataclass(frozen=True)
class Caller:
    """Who signed the request, for which organization, and their role there."""

    user: ApiUser
    organization_id: str
    role: str


class Permissions:
    """No limits beyond the role's. A class replaces this for its students (`sandbox.classroom.rights`).

    Each `check_…` raises ApiError (403) to refuse.
    """

    def note_authenticated(self, caller: Caller) -> None:
        """Called for each authentic request of a member."""

    def rate_limit_key(self, caller: Caller) -> str:
        """Requests with the same key share one rate limit."""
        return caller.organization_id

    def check_change(self, caller: Caller, endpoint: str) -> None:
        """Called before each changing request. endpoint: Flask's name of the view function."""

    def check_rule(self, caller: Caller, *names: str) -> None:
        """Called before a rule changes. names: what the rule is called, or will be."""

    def check_number_of_rules(self, caller: Caller) -> None:
        """Called before a rule is added, in the same transaction."""

    def check_alerts(self, caller: Caller, alert_ids: Iterable[str]) -> None:
        """Called before these alerts are dismissed."""
