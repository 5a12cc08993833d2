"""The gallery shows everything that the lab can show, as it is shown, and needs nothing to be looked at."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from labkit.classroom import board
from labkit.views import render
from tests.gallery import page as gallery

TEMPLATES = {"": Path(render.__file__).parent, "labkit.classroom.board:": Path(board.__file__).parent}
"""The folder that has `templates`, by the prefix of its templates' names."""
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"


@pytest.fixture(scope="module")
def written() -> str:
    return gallery.page()


def test_the_page_loads_nothing_and_runs_only_what_is_in_it(written: str) -> None:
    policy = (
        "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'none'; object-src 'none'"
    )
    assert written.index(f'<meta http-equiv="Content-Security-Policy" content="{policy}">') < written.index("<style")


def parts() -> set[str]:
    """Every template of an output, without those of whole pages."""
    return {
        prefix + path.name
        for prefix, folder in TEMPLATES.items()
        for path in (folder / "templates").glob("*.j2")
        if not path.read_text("utf-8").startswith("<!doctype html>")
    }


def test_every_template_is_shown_or_a_sample_is_missing(monkeypatch: pytest.MonkeyPatch):
    used = set()
    get_template = Environment.get_template
    monkeypatch.setattr(
        Environment,
        "get_template",
        lambda self, name, *others: (used.add(name), get_template(self, name, *others))[1],
    )
    gallery.page()

    assert parts() - used == set()


def test_each_component_has_a_name_of_its_own_a_use_and_a_template_that_is_there():
    anchors = [component.anchor for component in gallery.COMPONENTS]

    assert len(set(anchors)) == len(anchors)
    assert all(component.when.endswith(".") for component in gallery.COMPONENTS)
    assert {component.template for component in gallery.COMPONENTS} <= parts()


def test_every_state_stands_in_both_themes_side_by_side(written: str):
    states = [state for component in gallery.COMPONENTS for state in component.make()]

    assert written.count('<div class="sample light">') == written.count('<div class="sample dark">') == len(states)
    assert len(states) > 2 * len(gallery.COMPONENTS)


def test_the_contents_lead_to_every_component(written: str):
    anchors = re.findall(r'<section id="([^"]+)">', written)

    assert re.findall(r'<li><a href="#([^"]+)">', written.split("</nav>")[0]) == anchors
    assert len(anchors) == len(gallery.COMPONENTS)


def test_the_page_needs_nothing_else_and_runs_nothing(written: str):
    assert not re.search(r"<script|<link|@import|url\(|src=.(?!about:blank)", written)
    assert written.count("<title>") == written.count("<h1>") == 1


def test_each_style_is_there_once_in_the_head(written: str):
    head, _, body = written.partition("</head>")

    assert head.count(render.style_sheet("style.css")) == 1
    assert "<style" not in body


def test_the_same_lab_gives_the_same_page(written: str):
    assert gallery.page() == written


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_jupyterlabs_own(theme: str):
    css = (THEMES / f"theme-{theme}-extension" / "index.css").read_text("utf-8")
    values = dict(re.findall(r"(--[\w-]+):([^;}]*)", css))

    def meant(value: str) -> str:
        variable = re.fullmatch(r"var\((--[\w-]+)(?:,(.*))?\)", value)
        return meant(values.get(variable[1], variable[2])) if variable else value

    assert gallery.themes()[theme] == {name: meant(values[name]) for name in gallery.themes()[theme]}


def test_every_theme_variable_that_the_styles_use_has_a_value(written: str):
    used = set(re.findall(r"var\((--jp-[\w-]+)", written))

    assert used <= gallery.themes()["light"].keys() == gallery.themes()["dark"].keys()


def test_what_an_attacker_wrote_is_seen_as_text(written: str):
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in written
