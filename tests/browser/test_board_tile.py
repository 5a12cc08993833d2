"""The board as a tile of JupyterLab's launcher, behind Jupyter's own login."""

from __future__ import annotations

import json

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from labkit import steps
from labkit.steps.session import LabSession
from tests.browser.running_lab import RunningLab
from tests.serving import serving
from tests.wait import PATIENCE_SECONDS


def test_the_tile_opens_the_board_in_a_tab_and_no_address_holds_its_token(
    page: Page, browser: Browser, lab: RunningLab, session: LabSession
) -> None:
    session.notes.save(student="7")
    list(steps.solve(session, steps.named("rule")))
    page.goto(f"http://127.0.0.1:{lab.port}/lab/workspaces/board?reset&token={lab.token}")
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_text("New Launcher", exact=True).click()
    page.locator(".jp-LauncherCard:visible").filter(has_text="Class board").click()

    board = page.frame_locator("iframe[src*='class-board']")
    expect(board.locator('tr[data-key="7"]')).to_be_visible(timeout=60_000)
    list(steps.solve(session, steps.named("rule_criteria")))
    expect(board.get_by_role("status")).to_contain_text("Student 7: The five criteria done")
    (address,) = [frame.url for frame in page.frames if "class-board" in frame.url]
    assert address == f"http://127.0.0.1:{lab.port}/class-board/"
    assert not [one for one in page.context.cookies() if "labkit" in one["name"]]

    with browser.new_context() as stranger:
        reply = stranger.request.get(address)
        assert "/login" in reply.url and "Student" not in reply.text()


@pytest.mark.parametrize("path", ["proxy/{port}/", "proxy/absolute/{port}/", "proxy/127.0.0.1:{port}/"])
def test_no_other_local_port_answers_in_jupyters_origin(page: Page, lab: RunningLab, path: str) -> None:
    """A page of another user's, served there, could run as whoever opens it."""
    page.goto(f"http://127.0.0.1:{lab.port}/lab?token={lab.token}")
    with serving(Flask("another_users")) as url:
        port = url.rpartition(":")[2]
        assert requests.get(url, timeout=PATIENCE_SECONDS).status_code == 404  # the program answers
        reply = page.request.get(f"http://127.0.0.1:{lab.port}/{path.format(port=port)}")
    assert reply.status == 404 and "Jupyter" in reply.text()


def test_jupyters_own_list_of_servers_does_not_tell_the_token(page: Page, lab: RunningLab) -> None:
    page.goto(f"http://127.0.0.1:{lab.port}/lab?token={lab.token}")
    told = page.request.get(f"http://127.0.0.1:{lab.port}/server-proxy/servers-info").json()
    (entry,) = [one for one in told["server_processes"] if one["name"] == "class-board"]
    assert "LABKIT_BOARD_TOKEN" not in json.dumps(told) and "Token" not in json.dumps(entry)
