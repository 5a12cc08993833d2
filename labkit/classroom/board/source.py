"""Reads a snapshot with nine calls at most, however many students there are.

One to the sandbox for its class; without a class three to EC2; and five to the detection service. Alerts come a hundred
a page: older pages are remembered, and read again only when the number of active alerts does not fit. Agents take a
call for each hundred.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from labkit.classroom.board.snapshot import (
    AccountSnapshot,
    ClassSnapshot,
    DetectionSnapshot,
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
"""For one call to the detection service: the board soon says when nothing answers."""

ALERTS_A_PAGE = 100
"""The service's page size: asking for one more alert would request another page."""


class Source:
    """Reads the services with the keys of whoever runs the board."""

    def __init__(self, session: LabSession) -> None:
        self._session = session
        self._caller: CallerIdentity | None = None
        self._alerts = AlertBook()
        self._api: DetectionApi | None = None

    def read(self) -> ClassSnapshot:
        """A snapshot of now. Raises ServiceUnreachable if a service does not answer; any other error is part of the
        snapshot, so that the board still shows the other service's half."""
        at = datetime.now(UTC)
        detection = self._detection()
        if listed := self._session.backend.aws.class_view():
            return ClassSnapshot(at, students_of_a_class(listed, detection), detection)
        return ClassSnapshot(at, students_of_one_account(self._account(), detection), detection)

    def _account(self) -> AccountSnapshot:
        session = self._session
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
            return AccountSnapshot(session.region, error=_without_type(error))

    def _detection(self) -> DetectionSnapshot:
        try:
            api = self._own_api()
            rulesets = api.rulesets()
            base = next((one for one in rulesets if one.name == BASE_RULE_SET), None)
            rules = api.rules(base.id) if base is not None else ()
            return DetectionSnapshot(rulesets, rules, self._alerts.read(api), tuple(api.agents("online")))
        except ServiceUnreachable:
            raise
        except LabError as error:
            return DetectionSnapshot(error=_without_type(error))

    def _own_api(self) -> DetectionApi:
        """The board's own client, kept while the address stays the same."""
        login = self._session.detection_login
        if self._api is None or self._api.url != login.url:
            self._api = DetectionApi(
                login.url, login.user_id, login.api_key, login.organization_id, patience_seconds=PATIENCE_SECONDS
            )
        return self._api


def _subnets(ec2: Any) -> tuple[dict[str, Any], ...]:
    with translate_aws_errors(ec2):
        pages = ec2.get_paginator("describe_subnets").paginate()
        return tuple(subnet for page in pages for subnet in page["Subnets"])


def _without_type(error: LabError) -> LabError:
    """The same words as a plain LabError: that the board's own keys are refused says nothing about a student's."""
    return LabError(error.what, error.why, error.next_step, code=error.code)


class AlertBook:
    """The active alerts, newest first."""

    def __init__(self) -> None:
        self._known: tuple[Alert, ...] = ()

    def read(self, api: DetectionApi) -> tuple[Alert, ...]:
        """Every active alert. One call for less than a page of them; two when the alerts of the later pages are known,
        which their total number shows, since alerts are only added and dismissed; otherwise all pages."""
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
