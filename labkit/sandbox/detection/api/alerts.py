"""The REST API's alerts, the events behind them, and dismissing alerts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.paging import Question, checked_id, span
from labkit.sandbox.detection.api.request import body, caller, note, organization_id, permissions, reply, store
from labkit.sandbox.detection.store.alerts import Dismissal
from labkit.sandbox.detection.store.database import Selection
from labkit.sandbox.detection.timestamps import now_ms

blueprint = Blueprint("alerts", __name__)

PAGE = 100
MOST_IDS = 512
LONGEST_REASON = 1000
REASONS = ("BUSINESS_OP", "COMPANY_POLICY", "MAINTENANCE", "OTHER")


@blueprint.get("/alerts")
def list_alerts() -> Response:
    """A page of alerts, newest first."""
    question = Question.of("alerts", request.args)
    status = question.choice("status", ("active", "dismissed"), required=True)
    severity = question.choice("severity", ("1", "2", "3"))
    selection = question.selection(
        is_dismissed=int(status == "dismissed"),
        severity=None if severity is None else int(severity),
        agent_id=question.id("agentId"),
        rule_id=question.id("ruleId"),
        ruleset_id=question.id("rulesetId"),
    )
    return reply(question.reply(*store().alerts.page(organization_id(), selection, question.after, PAGE)))


@blueprint.get("/alerts/severity-counts")
def count_severities() -> Response:
    """How many active alerts there are of each severity."""
    counts = store().alerts.severity_counts(
        organization_id(), Question.of("severityCounts", request.args).selection(is_dismissed=0)
    )
    return reply({"severityCounts": [{"severity": one, "count": counts[one]} for one in sorted(counts)]})


@blueprint.get("/alerts/<alert_id>")
def show_alert(alert_id: str) -> Response:
    """One alert, not wrapped."""
    return reply(store().alerts.alert(organization_id(), checked_id(alert_id)))


@blueprint.get("/alerts/<alert_id>/events")
def list_events(alert_id: str) -> Response:
    """The events behind an alert, whole and in snake_case; with a token only if there are more than a page.

    Sandbox: the published list has no token.
    """
    question = Question.of("events", request.args)
    events, rest = store().alerts.events(organization_id(), checked_id(alert_id), question.after, PAGE)
    return reply({"events": events} if rest is None else question.reply(events, rest))


@blueprint.post("/alerts/dismiss")
def dismiss() -> Response:
    """Dismiss alerts, by id or by query."""
    given = body()
    reason, text = _checked_reason(given)
    why = Dismissal(reason, text, caller().user.id, now_ms())
    if "ids" in given:
        ids = _checked_ids(given["ids"])
    else:
        ids = store().alerts.selected_ids(organization_id(), _checked_selection(given))
    permissions().check_alerts(caller(), ids)
    number = 0
    for start in range(0, len(ids), MOST_IDS):  # a query may select any number, and others wait for a transaction
        with store().transaction():
            number += store().alerts.dismiss(organization_id(), ids[start : start + MOST_IDS], why)
    note("update", "alert.dismiss", f"dismissed {number} alerts", {"dismissReason": reason})
    return reply({"dismissed": number})


def _checked_reason(given: dict[str, Any]) -> tuple[str, str | None]:
    """The reason, and its text, which `OTHER` requires and other reasons must not have."""
    reason, text = given.get("dismissReason"), given.get("dismissReasonText")
    if reason not in REASONS:
        raise ApiError(400, f"dismissReason must be one of {', '.join(REASONS)}")
    if reason == "OTHER" and not (isinstance(text, str) and text.strip() and len(text) <= LONGEST_REASON):
        raise ApiError(
            400, f"dismissReasonText, of at most {LONGEST_REASON} characters, is required when dismissReason is OTHER"
        )
    if reason != "OTHER" and text is not None:
        raise ApiError(400, f"dismissReasonText is refused when dismissReason is {reason}")
    return reason, text


def _checked_ids(ids: Any) -> list[str]:
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or not 1 <= len(ids) <= MOST_IDS:
        raise ApiError(400, f"ids must be an array of 1 to {MOST_IDS} alert ids")
    return [checked_id(one) for one in ids]


def _checked_selection(given: dict[str, Any]) -> Selection:
    """The active alerts that a body selects by time and by severity, rule or agent; here names end in capital ID."""
    texts = {name: given.get(name) for name in ("from", "until", "ruleID", "agentID")}
    if not all(value is None or isinstance(value, str) for value in texts.values()):
        raise ApiError(400, "from, until, ruleID and agentID must be strings")
    severity, start, end, rule_id, agent_id = given.get("severity"), *texts.values()
    if not start or not end:
        raise ApiError(400, "either ids, or from and until are required")
    if severity is None and not rule_id and not agent_id:
        raise ApiError(400, "at least one of severity, ruleID and agentID is required")
    if severity not in (None, 1, 2, 3):
        raise ApiError(400, "severity must be 1, 2 or 3")
    columns = {
        "is_dismissed": 0,
        "severity": severity,
        "rule_id": checked_id(rule_id, "ruleID") if rule_id else None,
        "agent_id": checked_id(agent_id, "agentID") if agent_id else None,
    }
    return Selection(columns, *span(start, end))
