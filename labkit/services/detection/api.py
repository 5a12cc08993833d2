"""A client of the detection service's REST API, version 2: a method for each call.

Every request is signed with Hawk, and every reply's signature is checked. Each try of a call gets its own signature: a
signed request that is sent twice is refused as a replay.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from labkit.model.detection.records import Agent, Alert, Ruleset
from labkit.model.detection.rule import Rule
from labkit.model.endpoint import is_loopback
from labkit.model.errors import InvalidInput, LabError
from labkit.services.detection import errors as detection_errors
from labkit.services.detection.hawk import HawkAuth, NotAuthentic
from labkit.services.unreachable import untrusted

if TYPE_CHECKING:
    from requests import Response, Session

CONNECT_SECONDS, READ_SECONDS = 3.05, 15
TRIES = 4
PATIENCE_SECONDS = 20.0


Json = Mapping[str, Any] | list[Mapping[str, Any]]


class _TryAgain(Exception):
    """A try that failed, perhaps only temporarily. error: what to raise if no other try succeeds."""

    def __init__(self, error: LabError, wait_seconds: float | None = None) -> None:
        super().__init__(error)
        self.error, self.wait_seconds = error, wait_seconds


class DetectionApi:
    """A user's access to one organization of the detection service at `url` (scheme, host and port).

    Raises InvalidInput for a malformed id or key. Every method may raise CredentialsRefused,
    ServiceUnreachable or ServiceError, whose `code` is the HTTP status, or `clock` when this machine's clock is wrong.
    patience_seconds: how long all tries of one call may take together. certificate: a file with the only certificate to
    trust there; "" for the system's.
    """

    def __init__(
        self,
        url: str,
        user_id: str,
        api_key: str,
        organization_id: str,
        patience_seconds: float = PATIENCE_SECONDS,
        certificate: str = "",
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v2")
        self.user_id, self.organization_id = user_id, organization_id
        self._auth = HawkAuth(user_id, api_key, organization_id)
        self._session: Session | None = None
        self._patience_seconds, self._certificate = patience_seconds, certificate

    def __repr__(self) -> str:
        return f"DetectionApi({self.url!r}, user_id={self.user_id!r}, organization_id={self.organization_id!r})"

    def self_test(self) -> None:
        """Check that the service accepts our signature."""
        self._call("GET", "/help/hawk/self-test")

    def rulesets(self) -> tuple[Ruleset, ...]:
        """Every rule set of the organization."""
        return tuple(map(Ruleset.from_api, self._pages("/v2/rulesets", "rulesets")))

    def rules(self, ruleset_id: str) -> tuple[Rule, ...]:
        """Every rule of a rule set, in its order."""
        return tuple(map(Rule.from_api, self._pages(f"/v2/rulesets/{_part(ruleset_id)}/rules", "rules")))

    def rule(self, ruleset_id: str, rule_id: str) -> Rule:
        """One rule."""
        return Rule.from_api(self._call("GET", _rule_path(ruleset_id, rule_id)))

    def create_rule(self, ruleset_id: str, rule: Rule) -> Rule:
        """Add a rule to a rule set; returns it as the service stored it, with its id."""
        return Rule.from_api(self._call("POST", f"/v2/rulesets/{_part(ruleset_id)}/rules", body=rule.to_api()))

    def update_rule(self, rule: Rule) -> Rule:
        """Replace a whole rule, found by its `ruleset_id` and `id`; returns it as the service stored it."""
        return Rule.from_api(self._call("PUT", _rule_path(rule.ruleset_id, rule.id), body=rule.to_api()))

    def delete_rule(self, ruleset_id: str, rule_id: str) -> None:
        """Remove a rule."""
        self._call("DELETE", _rule_path(ruleset_id, rule_id))

    def agents(self, status: Literal["online", "offline"] = "online", **query: str) -> Iterator[Agent]:
        """The agents of a status, newest first, fetched page by page; `query`: type, hostname."""
        return map(Agent.from_api, self._pages("/v2/agents", "agents", {"status": status, **query}))

    def agent(self, agent_id: str) -> Agent:
        """One agent."""
        return Agent.from_api(self._call("GET", f"/v2/agents/{_part(agent_id)}"))

    def alerts(self, status: Literal["active", "dismissed"] = "active", **query: str | int) -> Iterator[Alert]:
        """Alerts newest first, fetched page by page; `query`: severity, ruleId, rulesetId, agentId, from_, until."""
        named = {name.rstrip("_"): value for name, value in query.items()}
        return map(Alert.from_api, self._pages("/v2/alerts", "alerts", {"status": status, **named}))

    def alert_events(self, alert_id: str) -> tuple[dict[str, Any], ...]:
        """The raw events behind an alert, oldest first."""
        return tuple(self._pages(f"/v2/alerts/{_part(alert_id)}/events", "events"))

    def alert_changes(self, after: int | None, rule_id: str = "", wait_seconds: float = 0.0) -> dict[str, Any]:
        """One request to the alert feed, which only the lab's own service has; see `AlertFeed`."""
        given: dict[str, Any] = {"after": after, "rule": rule_id or None, "wait": round(wait_seconds, 3) or None}
        query = {name: value for name, value in given.items() if value is not None}
        return self._call("GET", "/lab/feed/alerts", query)

    def host_location(self, after: int | None, wait_seconds: float = 0.0, refused: str = "") -> dict[str, Any]:
        """Where the host of a class's student is, which the published API does not have: `{"after", "location"}`.

        With `after`, it waits until something changes after that number, and confirms that the answer with that number
        is in force; or `refused` says why it is not.
        """
        given = {"after": after, "wait": round(wait_seconds, 3), "refused": refused or None}
        query = {} if after is None else {name: value for name, value in given.items() if value is not None}
        return self._call("GET", "/lab/feed/network-acl", query)

    def send_events(self, events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Send events of a student's own host, which the published API cannot take; a repeated event counts once."""
        return self._call("POST", "/lab/events", body=list(events))

    def severity_counts(self) -> dict[int, int]:
        """How many active alerts there are of each severity."""
        counts = self._call("GET", "/v2/alerts/severity-counts")["severityCounts"]
        return {int(one["severity"]): int(one["count"]) for one in counts}

    def dismiss(self, alert_ids: Iterable[str], reason: str = "OTHER", text: str = "") -> None:
        """Dismiss alerts; `text` is required with the reason `OTHER` and refused with any other."""
        body: dict[str, Any] = {"ids": list(alert_ids), "dismissReason": reason}
        self._call("POST", "/v2/alerts/dismiss", body=body | ({"dismissReasonText": text} if text else {}))

    def _pages(self, path: str, noun: str, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list call, page after page."""
        parameters, token = dict(query or {}), None
        while True:
            page = self._call("GET", path, parameters | ({"token": token} if token else {}))
            yield from page[noun]
            token = page.get("token")
            if not token:
                return

    def _call(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Json | None = None
    ) -> dict[str, Any]:
        """The reply's JSON object, after as many tries as the call's patience allows."""
        began = time.monotonic()
        try:
            return self._try(method, path, query, body)
        except _TryAgain as first:
            failed = [first]

        def again() -> dict[str, Any]:
            if failed:
                raise failed.pop()  # the first try counts as the first of tenacity's
            return self._try(method, path, query, body)

        try:
            return _retrying(self._patience_seconds - (time.monotonic() - began))(again)
        except _TryAgain as last:
            raise last.error from last.__cause__

    def _try(self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None) -> dict[str, Any]:
        response = self._send(method, path, query, body)
        if response.status_code >= 400:
            error = detection_errors.refusal(response)
            if response.status_code == 429:
                raise _TryAgain(error, detection_errors.reset_seconds(response) + 0.01)
            raise _TryAgain(error) if response.status_code >= 500 and method == "GET" else error
        try:
            document = response.json()
        except ValueError as error:
            raise detection_errors.not_json(self.url) from error
        return document

    def _send(self, method: str, path: str, query: Mapping[str, Any] | None, body: Json | None) -> Response:
        from requests.exceptions import RequestException, SSLError

        try:
            return self._opened_session().request(
                method,
                self.url + path,
                params=query,
                data=None if body is None else json.dumps(body).encode(),
                headers=None if body is None else {"Content-Type": "application/json"},
                auth=self._auth,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                verify=self._certificate or None,  # the environment would override a session's
            )
        except NotAuthentic as error:
            raise detection_errors.not_authentic(self.url) from error
        except SSLError as error:
            raise untrusted(self.url) from error
        except RequestException as error:
            fault = detection_errors.unreachable(self.url, method)
            raise (_TryAgain(fault) if method == "GET" else fault) from error

    def _opened_session(self) -> Session:
        if self._session is None:
            from requests import Session

            self._session = Session()
            # A proxy from the environment must never see traffic to this machine.
            self._session.trust_env = not is_loopback(self.url)
        return self._session


def _retrying(patience_seconds: float) -> Any:
    """The policy for further tries. Called after a failure: importing tenacity takes 30 ms, with tornado 80 to 190."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay

    return Retrying(
        retry=retry_if_exception_type(_TryAgain),
        wait=_wait(),
        stop=stop_after_attempt(TRIES) | stop_before_delay(patience_seconds),
        reraise=True,
    )


def _wait() -> Callable[[Any], float]:
    """How long to wait before the next try: as long as the service asks, else longer each time."""
    from tenacity import wait_exponential_jitter

    longer_each_time = wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1)

    def wait(state: Any) -> float:
        asked: float | None = state.outcome.exception().wait_seconds
        return longer_each_time(state) if asked is None else asked

    return wait


def _part(identifier: str) -> str:
    """An id as one part of a path. Raises InvalidInput for any text that could change the path."""
    if not re.fullmatch(r"[0-9A-Za-z-]+", identifier):
        raise InvalidInput(
            f"“{identifier}” is not an id of the detection service." if identifier else "An id is empty.",
            "An id consists of digits, letters and hyphens, such as 448889bf-eb81-11ec-b41e-1734e5d9feb0.",
            "Copy the id again, whole.",
            field="id",
        )
    return identifier


def _rule_path(ruleset_id: str, rule_id: str) -> str:
    return f"/v2/rulesets/{_part(ruleset_id)}/rules/{_part(rule_id)}"
