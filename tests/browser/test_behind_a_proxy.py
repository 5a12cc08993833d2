"""The lab on a host without a screen, behind a proxy that ends TLS and shows it at another host and path."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labkit.services.notes import Notes
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import RunningLab
from tests.browser.tls_proxy import PATH, tls_proxy


@pytest.fixture(scope="module")
def page_options() -> dict[str, Any]:
    return {"viewport": {"width": 1400, "height": 1000}, "ignore_https_errors": True}


@pytest.fixture
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    top = tmp_path_factory.mktemp("proxied")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}{PATH}"
        lab = RunningLab(top, options=("--base-url", url), shown_at=url)
        lab.start()
        with tls_proxy(listener, top, lab.port):
            yield lab
        lab.stop()


def test_cells_run_the_sandboxs_page_shows_the_keys_and_the_tile_opens_the_board(
    proxied: RunningLab, page: Page
) -> None:
    Notes(proxied.home / "notes.json").save(student="7")
    chapter = NotebookPage(page)
    chapter.open(proxied, "02_create_environment.ipynb", "proxied")
    expect(chapter.run("from labkit import open_lab")).to_contain_text("The lab is open")
    form = chapter.run("lab.enter_aws_keys()")
    form.get_by_role("button", name=re.compile(r"Show .*Cloud Accounts")).click(delay=100)
    keys = chapter.cloud_account(form)
    expect(keys.locator("#api-key")).to_be_visible()
    shown = str(form.locator("iframe").get_attribute("src"))
    again = page.request.get(f"{proxied.shown_at}{shown.removeprefix(PATH)}")
    assert again.status == 403 and "opens once" in again.text()

    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_text("New Launcher", exact=True).click()
    page.locator(".jp-LauncherCard:visible").filter(has_text="Class board").click()
    expect(page.frame_locator("iframe[src*='class-board']").get_by_text("No students yet.")).to_be_visible()

    assert f"{proxied.shown_at}lab/tree/notebooks/00_start_here.ipynb?token={proxied.token}" in proxied.log()
    assert proxied.token not in page.url


def test_without_the_token_there_is_only_the_login(proxied: RunningLab, page: Page) -> None:
    reply = page.goto(f"{proxied.shown_at}lab")

    assert reply is not None
    assert "/login" in page.url
    assert page.request.get(f"{proxied.shown_at}api/contents").status == 403
    assert "/login" in page.request.get(f"{proxied.shown_at}labkit/cloud-account?ticket=x").url
