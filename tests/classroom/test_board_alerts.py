"""The board's alerts: complete after any change, with as few calls as possible."""

from __future__ import annotations

from labkit.classroom.board.source import AlertBook
from tests.http_count import requests_counted
from tests.sandbox.detection.fixtures import Service

LATER_MS = 1_796_000_000_000


def ids_and_calls(book: AlertBook, service: Service) -> tuple[list[str], int]:
    """The alerts that the board has now, and the calls they took."""
    with requests_counted() as sent:
        ids = [alert.id for alert in book.read(service.api())]
    return ids, len(sent)


def test_one_page_of_alerts_takes_one_call(detection_service: Service) -> None:
    made = detection_service.add_alerts(99)
    assert ids_and_calls(AlertBook(), detection_service) == (made, 1)


def test_many_known_alerts_take_two_calls_and_new_ones_are_shown(detection_service: Service) -> None:
    book, made = AlertBook(), detection_service.add_alerts(350)
    assert ids_and_calls(book, detection_service)[0] == made
    assert ids_and_calls(book, detection_service) == (made, 2)
    newer = detection_service.add_alerts(30, created_at=LATER_MS)
    assert ids_and_calls(book, detection_service) == ([*newer, *made], 2)


def test_a_dismissed_alert_is_gone_on_whatever_page_it_was(detection_service: Service) -> None:
    book, made = AlertBook(), detection_service.add_alerts(350)
    ids_and_calls(book, detection_service)
    for dismissed in (made[300], made[5]):
        detection_service.api().dismiss([dismissed], "MAINTENANCE")
        made.remove(dismissed)
        assert ids_and_calls(book, detection_service)[0] == made
    assert ids_and_calls(book, detection_service) == (made, 2)
