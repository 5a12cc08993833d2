"""The board's page: whom it admits, what it shows, and that it changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from labkit.classroom.board import TOKEN_HEADER
from labkit.classroom.board.page import create_app
from labkit.classroom.board.refresh import LatestBoard
from labkit.model.check import Outcome
from labkit.model.errors import ServiceUnreachable
from tests.classroom.unit.board_samples import ATTACK, a_board, changed

TOKEN = "the-token-of-this-test"
PATHS = ("/", "/state", "/board.css", "/board.js")
BOARD = a_board(students=3)


@dataclass
class Source:
    """What the page shows; a test may replace it."""

    latest: LatestBoard = field(default_factory=lambda: LatestBoard(BOARD))

    def __call__(self) -> LatestBoard:
        return self.latest


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def stranger(source: Source) -> FlaskClient:
    return create_app(source, TOKEN).test_client()


@pytest.fixture
def reader(source: Source) -> FlaskClient:
    """A browser that was opened with the whole address."""
    client = create_app(source, TOKEN).test_client()
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


@pytest.mark.parametrize("path", [*PATHS, "/?token=wrong", "/state?token=wrong", "/elsewhere"])
def test_without_the_token_it_shows_nothing(stranger: FlaskClient, path: str) -> None:
    reply = stranger.get(path)
    assert reply.status_code == 403
    assert "needs its token" in reply.text
    assert "Your VPC" not in reply.text and TOKEN not in reply.text


def test_the_token_in_the_address_is_replaced_by_a_cookie(stranger: FlaskClient) -> None:
    reply = stranger.get(f"/?token={TOKEN}")
    assert (reply.status_code, reply.headers["Location"]) == (303, "./")
    assert "HttpOnly" in reply.headers["Set-Cookie"] and "SameSite=Lax" in reply.headers["Set-Cookie"]
    assert TOKEN not in reply.headers["Set-Cookie"]
    assert "Your VPC" in stranger.get("/").text


def test_a_cookie_of_another_board_opens_nothing(stranger: FlaskClient, source: Source) -> None:
    other = create_app(source, "another-token").test_client()
    other.get("/?token=another-token")
    (cookie,) = [other.get_cookie("labkit-board-80")]
    stranger.set_cookie(cookie.key, cookie.value)
    assert stranger.get("/").status_code == 403


def test_a_proxy_sends_the_token_in_a_header_and_gets_no_cookie(stranger: FlaskClient) -> None:
    reply = stranger.get("/", headers={TOKEN_HEADER: TOKEN})
    assert reply.status_code == 200 and "Set-Cookie" not in reply.headers
    assert stranger.get("/").status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_changed(reader: FlaskClient, path: str, method: str) -> None:
    assert reader.open(path, method=method).status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_cached_or_fetched_from_elsewhere(reader: FlaskClient, path: str) -> None:
    reply = reader.get(path)
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert re.findall(r"(?:https?:)?//[a-z0-9]", reply.text) == []


def test_every_address_in_the_page_is_relative_and_without_the_token(reader: FlaskClient) -> None:
    page = reader.get("/").text
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert addresses and not [one for one in addresses if one.startswith("/")]
    assert TOKEN not in page and TOKEN not in reader.get("/state").text


def test_an_attackers_text_is_escaped(reader: FlaskClient, source: Source) -> None:
    source.latest = LatestBoard(a_board(students=1, found=ATTACK, outcome=Outcome.WRONG))
    for text in (reader.get("/").text, reader.get("/state").json["html"]):
        assert "&lt;script&gt;" in text and ATTACK not in text


def test_a_page_receives_only_what_changed(reader: FlaskClient, source: Source) -> None:
    first = reader.get("/state").json
    same = reader.get(f"/state?since={first['version']}").json
    assert "html" not in same and same["version"] == first["version"]
    source.latest = LatestBoard(changed(BOARD, student=2, step="vpc", outcome=Outcome.PASSED))
    then = reader.get(f"/state?since={first['version']}").json
    assert then["version"] != first["version"]
    assert then["news"] == "Student 2: Your VPC done"
    assert 'data-key="2"' in then["html"]


def test_a_new_time_alone_is_not_a_change(reader: FlaskClient, source: Source) -> None:
    first = reader.get("/state").json
    source.latest = LatestBoard(replace(BOARD, at=datetime(2026, 11, 25, 9, 42, 8, tzinfo=UTC)))
    then = reader.get(f"/state?since={first['version']}").json
    assert "html" not in then and then["at"] != first["at"]


def test_the_page_and_its_refresh_can_be_sorted_by_who_is_stuck_longest(reader: FlaskClient, source: Source) -> None:
    rows = [replace(row, step_since=BOARD.at - timedelta(minutes=row.student)) for row in BOARD.rows]
    source.latest = LatestBoard(replace(BOARD, rows=rows))
    page = reader.get("/?sort=stuck").text
    state = reader.get("/state?sort=stuck").json
    assert re.findall(r'data-key="(\d+)"', page) == re.findall(r'data-key="(\d+)"', state["html"]) == ["3", "2", "1"]
    assert state["version"] in page and 'data-sort="stuck"' in page and "At this step since" in page
    assert 'href="?sort=number"' in page and '<a href="?sort=stuck" aria-current="true">' in page


@pytest.mark.parametrize("sort", ["", "number", "%3Cscript%3E"])
def test_any_other_order_is_by_number(reader: FlaskClient, sort: str) -> None:
    page = reader.get(f"/?sort={sort}").text
    assert re.findall(r'data-key="(\d+)"', page) == ["1", "2", "3"]
    assert 'data-sort="number"' in page and "At this step since" not in page


def test_an_unknown_version_gets_the_whole_board_without_news(reader: FlaskClient) -> None:
    state = reader.get("/state?since=of-an-earlier-process").json
    assert "Your VPC" in state["html"] and state["news"] == ""


def test_without_an_answer_the_last_board_stays_with_a_warning(reader: FlaskClient, source: Source) -> None:
    since = datetime(2026, 11, 25, 10, 32, 7).astimezone()
    error = ServiceUnreachable("The sandbox is not running.", "", "Start it: labkit sandbox start")
    source.latest = LatestBoard(BOARD, since, error)
    state = reader.get("/state").json
    assert state["trouble"].startswith("No answer since 10:32:07, trying again. The sandbox is not running.")
    assert "Your VPC" in state["html"] and state["trouble"] in reader.get("/").text


def test_before_the_first_answer_the_page_says_so(reader: FlaskClient, source: Source) -> None:
    source.latest = LatestBoard(None, datetime.now().astimezone(), ServiceUnreachable("Nobody there."))
    assert "The board could not be read yet." in reader.get("/").text


def test_a_very_old_page_gets_the_whole_board(reader: FlaskClient, source: Source) -> None:
    first = reader.get("/state").json["version"]
    for number in range(60):
        source.latest = LatestBoard(a_board(students=1, found=f"{number}", outcome=Outcome.WRONG))
        reader.get("/state")
    assert reader.get(f"/state?since={first}").json["news"] == ""
