"""The board of a class of thirty on a projector: right within a second, by keyboard, in light and in dark."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from labkit.services import sandbox_process
from labkit.steps import rule
from labkit.steps.session import LabSession
from tests.browser.conftest import SCREENSHOTS
from tests.browser.running_board import a_board
from tests.classroom.board_class import SIZE, Class, a_class, at_different_steps, solved
from tests.html_validity import validity_errors

PROJECTOR = {"width": 1920, "height": 1080}
WRONG = [(29, "The five criteria"), (30, "The cloud denies the address")]


@dataclass
class Room:
    """The class, each student's world, and the address of its board."""

    students: Class
    worlds: dict[int, LabSession]
    address: str


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    home = tmp_path_factory.mktemp("class")
    with a_class(home, tmp_path_factory.mktemp("students")) as students:
        worlds = at_different_steps(students)
        with a_board(home) as address:
            yield Room(students, worlds, address)


@pytest.fixture(scope="module")
def page_options() -> dict:
    return {"viewport": PROJECTOR}


@pytest.fixture
def board(page: Page, room: Room) -> Iterator[Page]:
    """The page, opened with the whole address; it must say nothing to the console and ask nobody else."""
    said, asked = [], set()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.add(request.url.partition("?")[0].rpartition("/")[0]))
    page.goto(room.address)
    yield page
    assert said == []
    assert asked == {room.address.partition("/?")[0]}


def cell(page: Page, student: int, title: str) -> Locator:
    """The cell of a student under a step's title."""
    titles = page.locator("table.board thead tr").nth(1).locator("th").all_inner_texts()
    return page.locator(f'tr[data-key="{student}"] td').nth([" ".join(one.split()) for one in titles].index(title))


def test_thirty_students_fit_on_a_projector_each_at_their_own_step(board: Page) -> None:
    rows = board.locator("table.board tbody tr")
    expect(rows).to_have_count(SIZE)
    board.screenshot(path=SCREENSHOTS / "board.png")
    last = rows.last.bounding_box()
    assert last["y"] + last["height"] < PROJECTOR["height"]
    assert board.evaluate("document.documentElement.scrollWidth") <= PROJECTOR["width"]
    expect(cell(board, 9, "The cloud denies the address")).to_contain_text("done")
    expect(cell(board, 1, "Your VPC")).to_contain_text("not yet")
    for student, title in WRONG:
        expect(cell(board, student, title)).to_contain_text("not right")
    assert "token" not in board.url


def test_sorted_by_who_is_stuck_longest_it_stays_so_through_a_refresh(board: Page, room: Room) -> None:
    board.get_by_role("link", name="stuck longest").click(delay=100)
    times = board.locator("table.board tbody tr td:last-child")
    expect(times).to_have_count(SIZE)
    expect(times.first).to_have_text(re.compile(r"before \d\d:\d\d:\d\d"))
    first = times.first.inner_text()
    with board.expect_response(re.compile(r"/state\?.*sort=stuck")):
        board.reload()
    expect(times.first).to_have_text(first)
    expect(times.last).to_have_text("–")
    board.screenshot(path=SCREENSHOTS / "board-stuck-longest.png")
    assert board.evaluate("document.documentElement.scrollWidth") <= PROJECTOR["width"]


def test_a_students_step_is_there_one_second_later_and_shown_in_one_line(board: Page, room: Room) -> None:
    done = cell(board, 4, "Your detection rule")
    expect(done).to_contain_text("not yet")
    solved(room.worlds[4], "rule")
    began = time.monotonic()
    expect(done).to_contain_text("done", timeout=60_000)
    shown = time.monotonic()
    board.evaluate("fetch('state').then(reply => reply.text())")
    assert shown - began <= 1 + 10 * (time.monotonic() - shown)  # on a busy machine a call alone takes its time
    expect(board.get_by_role("status")).to_contain_text("Student 4: Your detection rule done")


def test_focus_an_open_reason_and_the_place_on_the_page_stay_when_something_changes(board: Page, room: Room) -> None:
    board.locator("#large").check()
    reason = cell(board, 30, "The cloud denies the address").locator("summary")
    reason.focus()
    board.keyboard.press("Enter")
    place = reason.bounding_box()
    assert board.evaluate("scrollY") > 0
    mine = rule.students_rule(room.worlds[7])
    room.worlds[7].detection.update_rule(replace(mine, enabled=False))
    expect(cell(board, 7, "The rule enabled")).to_contain_text("not yet")
    room.worlds[7].detection.update_rule(mine)
    expect(cell(board, 7, "The rule enabled")).to_contain_text("done")
    expect(reason).to_be_focused()
    expect(board.get_by_text("is never reached")).to_be_visible()
    assert reason.bounding_box() == place


def test_when_the_wrong_cell_that_has_the_focus_is_fixed_the_keyboard_goes_on_from_there(
    board: Page, room: Room
) -> None:
    mine = rule.students_rule(room.worlds[29])
    corrected = cell(board, 29, "The five criteria")
    corrected.locator("summary").focus()
    solved(room.worlds[29], "rule_criteria")
    expect(corrected).to_contain_text("done")
    expect(corrected).to_be_focused()
    board.keyboard.press("Tab")
    expect(cell(board, 30, "The cloud denies the address").locator("summary")).to_be_focused()
    room.worlds[29].detection.update_rule(mine)
    expect(corrected).to_contain_text("not right")


def test_tab_goes_from_one_unfinished_step_to_the_next_and_enter_shows_the_reason(board: Page) -> None:
    board.locator("#colours").focus()
    unfinished = board.locator("tbody summary")
    assert 2 * SIZE > unfinished.count() > board.locator("tbody td").filter(has_text="not right").count() >= 2
    for number in range(unfinished.count()):
        board.keyboard.press("Tab")
        expect(unfinished.nth(number)).to_be_focused()
        board.keyboard.press("Enter")
        shown = board.locator("details[open] .panel")
        expect(shown).to_contain_text("Expected")
        box = shown.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= PROJECTOR["height"]
    expect(shown).to_contain_text("Student 30: The cloud denies the address")
    expect(shown).to_contain_text("is never reached")
    board.screenshot(path=SCREENSHOTS / "board-reason.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("large", [False, True])
def test_axe_finds_nothing(browser: Browser, room: Room, scheme: str, large: bool) -> None:
    with browser.new_context(viewport=PROJECTOR, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(room.address)
        page.locator("#large").set_checked(large)
        cell(page, *WRONG[0]).locator("summary").click()
        expect(page.locator("details[open] .panel")).to_be_visible()
        page.screenshot(path=SCREENSHOTS / f"board-{scheme}{'-large' if large else ''}.png")
        found = Axe().run(page).response
        assert [(one["id"], one["nodes"][0]["target"]) for one in found["violations"]] == []
        assert "color-contrast" in [one["id"] for one in found["passes"]]


def test_colours_can_be_chosen_and_are_kept(board: Page) -> None:
    def ground() -> str:
        return board.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    board.locator("#colours").select_option("dark")
    dark = ground()
    assert dark != light
    board.reload()
    assert ground() == dark


def test_the_page_is_valid_html(browser: Browser, room: Room) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(room.address)
        source = context.request.get(page.url).text()
    assert "Student" in source
    assert validity_errors(source) == []


def test_without_script_the_page_loads_itself_again(browser: Browser, room: Room) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(room.address)
        at = page.locator("#at").inner_text()
        expect(page.locator("table.board tbody tr")).to_have_count(SIZE)
        expect(page.locator("#at")).not_to_have_text(at, timeout=60_000)


def test_a_stranger_is_shown_what_is_missing(browser: Browser, room: Room) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        refused = page.goto(room.address.partition("?")[0])
        assert refused is not None and refused.status == 403
        expect(page.get_by_role("heading")).to_have_text("No access to this board")
        expect(page.locator("table")).to_have_count(0)
        assert validity_errors(page.content()) == []


def test_a_sandbox_that_is_gone_is_reported_with_the_time_and_the_board_goes_on_when_it_is_back(
    page: Page, room: Room
) -> None:
    page.goto(room.address)
    sandbox_process.stop(room.students.home)
    trouble = page.locator("#trouble")
    expect(trouble).to_have_text(re.compile(r"No answer since \d\d:\d\d:\d\d, trying again\..*labkit sandbox start"))
    expect(page.locator("table.board tbody tr")).to_have_count(SIZE)
    page.screenshot(path=SCREENSHOTS / "board-no-answer.png")
    sandbox_process.start(room.students.home)
    expect(trouble).to_be_empty(timeout=60_000)
    expect(cell(page, 9, "The cloud denies the address")).to_contain_text("done")


def test_a_board_that_was_closed_is_reported_by_the_page_itself(page: Page, room: Room) -> None:
    with a_board(room.students.home) as address:
        page.goto(address)
        expect(page.locator("table.board")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The board itself does not answer since")
    with a_board(room.students.home, "--port", address.split(":")[2].split("/")[0]):
        expect(page.get_by_role("alert")).to_contain_text("The board was restarted. Open its new address.")
