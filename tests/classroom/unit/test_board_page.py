"""The board's page: whom it lets in, what it says, and that it offers no change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from labkit.classroom.board import TOKEN_HEADER
from labkit.classroom.board.page import create_app
from labkit.classroom.board.watch import Snapshot
from labkit.model.check import Outcome
from labkit.model.errors import ServiceUnreachable
from tests.classroom.unit.board_samples import ATTACK, a_board, changed

TOKEN = "the-token-of-this-test"
PATHS = ("/", "/state", "/board.css", "/board.js")
BOARD = a_board(students=3)


@dataclass
class Shown:
    """What the page looks at; a test puts another in its place."""

    seen: Snapshot = field(default_factory=lambda: Snapshot(BOARD))

    def __call__(self) -> Snapshot:
        return self.seen


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def stranger(shown: Shown) -> FlaskClient:
    return create_app(shown, TOKEN).test_client()


@pytest.fixture
def reader(shown: Shown) -> FlaskClient:
    """A browser that was opened with the whole address."""
    client = create_app(shown, TOKEN).test_client()
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


@pytest.mark.parametrize("path", [*PATHS, "/?token=wrong", "/state?token=wrong", "/elsewhere"])
def test_without_the_token_it_says_so_and_shows_nothing(stranger: FlaskClient, path: str) -> None:
    reply = stranger.get(path)
    assert reply.status_code == 403
    assert "needs its token" in reply.text
    assert "Your VPC" not in reply.text and TOKEN not in reply.text


def test_the_token_is_spent_for_a_cookie_and_leaves_the_address(stranger: FlaskClient) -> None:
    reply = stranger.get(f"/?token={TOKEN}")
    assert (reply.status_code, reply.headers["Location"]) == (303, "./")
    assert "HttpOnly" in reply.headers["Set-Cookie"] and "SameSite=Lax" in reply.headers["Set-Cookie"]
    assert TOKEN not in reply.headers["Set-Cookie"]
    assert "Your VPC" in stranger.get("/").text


def test_a_cookie_of_another_board_opens_nothing(stranger: FlaskClient, shown: Shown) -> None:
    other = create_app(shown, "another-token").test_client()
    other.get("/?token=another-token")
    (cookie,) = [other.get_cookie("labkit-board-80")]
    stranger.set_cookie(cookie.key, cookie.value)
    assert stranger.get("/").status_code == 403


def test_a_proxy_shows_the_token_in_a_header_and_gets_no_cookie(stranger: FlaskClient) -> None:
    reply = stranger.get("/", headers={TOKEN_HEADER: TOKEN})
    assert reply.status_code == 200 and "Set-Cookie" not in reply.headers
    assert stranger.get("/").status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_changed(reader: FlaskClient, path: str, method: str) -> None:
    assert reader.open(path, method=method).status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_kept_or_fetched_elsewhere(reader: FlaskClient, path: str) -> None:
    reply = reader.get(path)
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert re.findall(r"(?:https?:)?//[a-z0-9]", reply.text) == []


def test_every_address_in_the_page_is_relative_and_the_token_is_in_none(reader: FlaskClient) -> None:
    page = reader.get("/").text
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert addresses and not [one for one in addresses if one.startswith("/")]
    assert TOKEN not in page and TOKEN not in reader.get("/state").text


def test_what_an_attacker_wrote_is_text(reader: FlaskClient, shown: Shown) -> None:
    shown.seen = Snapshot(a_board(students=1, found=ATTACK, outcome=Outcome.WRONG))
    for text in (reader.get("/").text, reader.get("/state").json["html"]):
        assert "&lt;script&gt;" in text and ATTACK not in text


def test_a_page_is_told_what_changed_and_nothing_else(reader: FlaskClient, shown: Shown) -> None:
    first = reader.get("/state").json
    same = reader.get(f"/state?since={first['version']}").json
    assert "html" not in same and same["version"] == first["version"]
    shown.seen = Snapshot(changed(BOARD, student=2, step="vpc", outcome=Outcome.PASSED))
    then = reader.get(f"/state?since={first['version']}").json
    assert then["version"] != first["version"]
    assert then["news"] == "Student 2: Your VPC done"
    assert 'data-key="2"' in then["html"]


def test_the_time_alone_is_no_change(reader: FlaskClient, shown: Shown) -> None:
    first = reader.get("/state").json
    shown.seen = Snapshot(replace(BOARD, at=datetime(2026, 11, 25, 9, 42, 8, tzinfo=UTC)))
    then = reader.get(f"/state?since={first['version']}").json
    assert "html" not in then and then["at"] != first["at"]


def test_a_version_that_nobody_knows_gets_the_whole_board_without_news(reader: FlaskClient) -> None:
    state = reader.get("/state?since=of-an-earlier-process").json
    assert "Your VPC" in state["html"] and state["news"] == ""


def test_when_nothing_answers_the_last_board_stays_and_since_when_is_said(reader: FlaskClient, shown: Shown) -> None:
    since = datetime(2026, 11, 25, 10, 32, 7).astimezone()
    fault = ServiceUnreachable("The sandbox is not running.", "", "Start it: labkit sandbox start")
    shown.seen = Snapshot(BOARD, since, fault)
    state = reader.get("/state").json
    assert state["trouble"].startswith("No answer since 10:32:07, trying again. The sandbox is not running.")
    assert "Your VPC" in state["html"] and state["trouble"] in reader.get("/").text


def test_before_the_first_answer_the_page_says_that_it_tries(reader: FlaskClient, shown: Shown) -> None:
    shown.seen = Snapshot(None, datetime.now().astimezone(), ServiceUnreachable("Nobody there."))
    assert "Nothing could be read yet." in reader.get("/").text


def test_many_boards_later_an_old_page_still_gets_all(reader: FlaskClient, shown: Shown) -> None:
    first = reader.get("/state").json["version"]
    for number in range(60):
        shown.seen = Snapshot(a_board(students=1, found=f"{number}", outcome=Outcome.WRONG))
        reader.get("/state")
    assert reader.get(f"/state?since={first}").json["news"] == ""
