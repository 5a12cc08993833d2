"""What holds for everything that the lab shows: escaped, alone readable, the same for the same state."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import LabError
from labkit.views.panels.basic import ActionResult, CheckPanel, ErrorPanel, Note
from labkit.views.render import style_sheet
from labkit.views.tables.network import AclEntriesTable, VpcTable
from labkit.views.view import View
from tests.gallery.page import COMPONENTS, lifted
from tests.gallery.values import ACL, REGION, VPCS

STYLE = f"<style>{style_sheet('style.css')}</style>"
SHOWN = {f"{component.name}: {state.name}": state.shown for component in COMPONENTS for state in component.make()}
NAMES = [name for name, shown in SHOWN.items() if isinstance(shown, View)]


def html(name: str) -> str:
    """An output without its style."""
    return lifted(SHOWN[name]._repr_html_())[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_view_looks_as_it_did(name, snapshot):
    assert html(name) == snapshot(name="html")
    assert repr(SHOWN[name]) == snapshot(name="text")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_state_gives_the_same_text_and_no_ids(name):
    assert html(name) == html(name)
    assert not re.search(r"\sid=", html(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_view_holds_its_style_once_and_stands_alone(name):
    output = SHOWN[name]._repr_html_()

    assert output.count(STYLE) == 1
    assert html(name).startswith('<div class="labkit">')
    assert not re.search(r"(src|href)=.http|url\(", output)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_attacker_wrote_is_escaped(name):
    assert "<script" not in html(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_has_a_caption_and_headers_with_their_scope(name):
    for table in re.findall(r"<table.*?</table>", html(name), flags=re.DOTALL):
        assert "<caption>" in table
        assert len(re.findall(r'<th scope="col(group)?"', table)) == len(
            re.findall(r"<th\b", table.split("</thead>")[0])
        )
        assert all('scope="row"' in cell for cell in re.findall(r"<th\b[^>]*>", table.split("</thead>")[1]))


def test_the_attack_is_shown_as_text():
    assert "&lt;script&gt;" in html("Rules: a name that an attacker wrote")
    assert "&lt;script&gt;" in html("Filter explained: values that an attacker wrote")


def test_the_style_is_small_has_relative_sizes_and_a_fallback_for_every_theme_variable():
    assert len(STYLE.encode()) < 3.8 * 1024
    assert set(re.findall(r"[\d.]+px", STYLE)) == {"1px", "14px"}  # a line, and a picture's text in its own units
    assert re.findall(r"var\(--jp-[\w-]+\)", STYLE) == []
    assert "@media print" in STYLE


def test_a_view_inside_another_is_not_escaped_twice_and_brings_no_second_style():
    inner = VpcTable(VPCS, REGION, 7)
    outer = ActionResult("Your VPC was created.", table=inner)._repr_html_()

    assert isinstance(inner.__html__(), Markup)
    assert inner.__html__() in outer
    assert outer.count(STYLE) == 1


def test_a_view_in_a_list_is_read_in_plain_words():
    assert repr([Note("A remark", "words")]) == "[A remark: words]"


def test_a_frame_has_a_row_for_each_row_of_the_table():
    frame = AclEntriesTable(ACL, REGION).frame

    assert list(frame["rule_number"]) == [50, 100, 150, 32767, 100, 32767]
    assert Note("A remark").frame.empty


def test_equal_values_are_equal_views():
    result = CheckResult("vpc", "Your VPC", Outcome.PASSED, "a VPC", "vpc-7")

    assert CheckPanel(result) == CheckPanel(result)
    assert CheckPanel(result) != CheckPanel(result, "#Your-VPC")


def test_an_error_without_why_and_next_step_leaves_no_empty_lines():
    panel = ErrorPanel(LabError("It was refused."))

    assert panel.text() == "✕ It was refused."
    assert "Next" not in panel._repr_html_()
