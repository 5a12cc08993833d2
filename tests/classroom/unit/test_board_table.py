"""The class board: a symbol and a word in every cell, reasons, and totals."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from labkit.classroom.board.table import Board, BoardRow
from labkit.classroom.board.take import NOT_JOINED
from tests.gallery.boards import classroom
from tests.gallery.values import CHAPTERS, TITLES, WRONG, steps
from tests.unit.views.form_driver import visible_words

CLASS = classroom(30)


def cells(board: Board, student: int) -> list[str]:
    """The words of a student's steps."""
    row = re.search(rf'<tr data-key="{student}">(.*?)</tr>', str(board.__html__()), flags=re.DOTALL)
    assert row is not None
    return [visible_words(cell) for cell in re.findall(r"<td\b.*?</td>", row[1], flags=re.DOTALL)]


def test_each_step_of_each_student_has_a_cell_with_a_symbol_and_a_word():
    for row in CLASS.rows:
        for cell, result in zip(cells(CLASS, row.student), row.results, strict=False):
            assert re.match(r"[✓○✕?] ?", cell) and result.outcome.value in cell


def test_a_wrong_step_has_its_reason_and_can_be_opened_by_keyboard():
    html = str(CLASS.__html__())

    open_steps = [cell for row in CLASS.rows for cell in CLASS.cells(row) if cell.opens]
    assert html.count("<summary>") == len(open_steps) + 2  # and the two lists below
    assert "Student 3: The five criteria" in html
    assert WRONG.next_step in html


def test_steps_are_grouped_by_chapter():
    assert CLASS.groups() == [("Part 1", 1), ("Part 2", 8), ("Part 3", 3)]
    assert replace(CLASS, chapters={}).groups() == [("", 12)]


def test_students_who_have_not_joined_are_counted_apart_and_have_nothing_to_open():
    absent = tuple(replace(row, results=NOT_JOINED, joined=False) for row in CLASS.rows[3:])
    board = replace(CLASS, rows=(*CLASS.rows[:3], *absent))

    assert board.caption == f"3 of 30 students have joined, {sum(row.done for row in CLASS.rows[:3])} steps done"
    assert not any(cell.opens for row in absent for cell in board.cells(row))
    assert [one["joined"] for one in board.records()] == [True] * 3 + [False] * 27


def test_a_time_says_its_zone():
    assert re.search(r" at \d\d:\d\d:\d\d \w+", CLASS.text())


def test_totals_of_the_class():
    html = str(CLASS.__html__())

    assert CLASS.caption == f"30 students, {sum(row.done for row in CLASS.rows)} of 360 steps done"
    assert CLASS.done_by_step()[0] == 30
    assert f"{len(CLASS.denies)} deny entries" in html and f"{len(CLASS.alerts)} active alerts" in html
    assert "0 deny entries" in str(replace(CLASS, denies=()).__html__())


def test_the_html_does_not_depend_on_the_moment():
    assert replace(CLASS, at=CLASS.at + timedelta(seconds=9)).__html__() == CLASS.__html__()


def test_last_seen_is_a_time_a_date_or_unknown():
    assert CLASS.seen(CLASS.rows[0]) == "10:40:30"
    assert CLASS.seen(CLASS.rows[4]) == "2026-11-24"
    assert CLASS.seen(replace(CLASS.rows[0], last_seen=None)) == "–"


def test_the_text_has_a_legend_and_the_reasons():
    text = CLASS.text()

    assert [line.split()[0] for line in text.splitlines()[3:33]] == [str(row.student) for row in CLASS.rows]
    assert all(title in text for title in TITLES.values())
    assert "Student 3: not right: The five criteria." in text
    assert "203.0.113.10 of students" in text


def test_the_frame_has_a_row_for_each_student_and_a_column_for_each_step():
    frame = CLASS.frame

    assert list(frame["student"]) == list(range(1, 31))
    assert frame["vpc"][10] == "not right"


def test_an_empty_class():
    empty = Board((), (), (), CLASS.at)

    assert "No students yet." in empty.text() and "No students yet." in empty.__html__()


def test_there_are_no_style_attributes_and_an_attackers_text_is_escaped():
    attack = replace(WRONG, found="<script>alert('x')</script>")
    html = str(Board((BoardRow(1, (attack, *steps(3)[1:])),), (), (), CLASS.at, CHAPTERS).__html__())

    assert "style=" not in html
    assert "<script" not in html
