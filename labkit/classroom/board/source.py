"""Takes a reading: nine calls at most, however many students there are.

One to the sandbox, whether it serves a class and what that has made; without a class three of EC2; and five of the
detection service. Alerts come a hundred a page: what was on the older pages is remembered from the reading before, and
they are asked for again only when the number of active alerts no longer fits. Only agents cost a call for each hundred.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from labkit.classroom.board.reading import (
    AccountSnapshot,
    ClassSnapshot,
    Detection,
    students_of_a_class,
    students_of_one_account,
)
from labkit.model.detection.records import Alert
from labkit.model.detection.rule import BASE_RULE_SET
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.services import aws
from labkit.services.aws.account import CallerIdentity
from labkit.services.aws.errors import translate_aws_errors
from labkit.services.detection.api import DetectionApi
from labkit.steps.session import LabSession

PATIENCE_SECONDS = 2.0
"""Of one call to the detection service: who watches the board is told sooner that nothing answers."""

ALERTS_A_PAGE = 100
"""The service's own page: one more than these would ask for another."""


class Source:
    """The world of whoever runs the board, looked at with their own keys."""

    def __init__(self, session: LabSession) -> None:
        self._world = session
        self._caller: CallerIdentity | None = None
        self._alerts = AlertBook()
        self._api: DetectionApi | None = None

    def read(self) -> ClassSnapshot:
        """The world now. Raises ServiceUnreachable where a service does not answer; any other fault is in the reading,
        since the other service's half is worth seeing."""
        at = datetime.now(UTC)
        detection = self._detection()
        if served := self._world.backend.aws.class_view():
            return ClassSnapshot(at, students_of_a_class(served, detection), detection)
        return ClassSnapshot(at, students_of_one_account(self._account(), detection), detection)

    def _account(self) -> AccountSnapshot:
        session = self._world
        try:
            keys = session.keys or session.backend.aws.cloud_account()
            opened = session.account(keys, session.region) if keys is not None else session.aws
            if self._caller is None:
                self._caller = aws.caller(opened.sts)
            return AccountSnapshot(
                session.region,
                self._caller,
                tuple(vpc.raw for vpc in aws.describe_vpcs(opened.ec2)),
                tuple(network_acl.raw for network_acl in aws.describe_network_acls(opened.ec2)),
                _subnets(opened.ec2),
            )
        except ServiceUnreachable:
            raise
        except LabError as error:
            return AccountSnapshot(session.region, fault=_as_told(error))

    def _detection(self) -> Detection:
        try:
            api = self._opened_api()
            rulesets = api.rulesets()
            base = next((one for one in rulesets if one.name == BASE_RULE_SET), None)
            rules = api.rules(base.id) if base is not None else ()
            return Detection(rulesets, rules, self._alerts.read(api), tuple(api.agents("online")))
        except ServiceUnreachable:
            raise
        except LabError as error:
            return Detection(fault=_as_told(error))

    def _opened_api(self) -> DetectionApi:
        """A client of the board's own, as long as the login stays the same."""
        login = self._world.detection_login
        if self._api is None or self._api.url != login.url:
            self._api = DetectionApi(
                login.url, login.user_id, login.api_key, login.organization_id, patience_seconds=PATIENCE_SECONDS
            )
        return self._api


def _subnets(ec2: Any) -> tuple[dict[str, Any], ...]:
    with translate_aws_errors(ec2):
        pages = ec2.get_paginator("describe_subnets").paginate()
        return tuple(subnet for page in pages for subnet in page["Subnets"])


def _as_told(error: LabError) -> LabError:
    """The same words as a plain LabError: that the board's own keys are refused says nothing of a student's."""
    return LabError(error.what, error.why, error.next_step, code=error.code)


class AlertBook:
    """The active alerts, newest first."""

    def __init__(self) -> None:
        self._known: tuple[Alert, ...] = ()

    def read(self, api: DetectionApi) -> tuple[Alert, ...]:
        """Every active alert: one call where they are few, two where they are many and those behind the first page
        are known, all the pages else. Alerts are only added and dismissed, so their number tells whether they are."""
        pages = api.alerts("active")
        newest = tuple(islice(pages, ALERTS_A_PAGE))
        self._known = newest if len(newest) < ALERTS_A_PAGE else self._with_older(newest, api, pages)
        return self._known

    def _with_older(self, newest: tuple[Alert, ...], api: DetectionApi, pages: Any) -> tuple[Alert, ...]:
        last = (newest[-1].created_at, newest[-1].id)
        older = tuple(alert for alert in self._known if (alert.created_at, alert.id) < last)
        if len(newest) + len(older) == sum(api.severity_counts().values()):
            return (*newest, *older)
        return (*newest, *pages)
