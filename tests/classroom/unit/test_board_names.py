"""The instructor's file of names, and the names on the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labkit.classroom.board.names import read_names
from labkit.model.errors import LabError
from tests.classroom.unit.board_samples import ATTACK, a_board


def test_names_are_read_with_quotes_a_header_empty_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text('\ufeffNumber,Name\r\n1,Ada\r\n\r\n 7 ,"Hopper, Grace"\r\n', encoding="utf-8")
    assert read_names(path) == {1: "Ada", 7: "Hopper, Grace"}


@pytest.mark.parametrize("line", ["Ada", "0,Ada", "x,Ada", "٧,Ada", "1000,Ada", "7,", "7,Ada,Lovelace", ",Ada"])
def test_a_bad_line_is_one_sentence(tmp_path: Path, line: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(f"1,Ada\n{line}\n", encoding="utf-8")
    with pytest.raises(LabError, match=r"^Line 2 of names\.csv is not a student number and a name"):
        read_names(path)


def test_a_missing_file_and_a_second_name_are_reported_and_latin_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    with pytest.raises(LabError, match=r"names\.csv cannot be read: No such file"):
        read_names(path)
    path.write_bytes("1,Jörg".encode("latin-1"))
    assert read_names(path) == {1: "Jörg"}
    path.write_text("1,Ada\n1,Grace\n", encoding="utf-8")
    with pytest.raises(LabError, match=r"Line 2 of names\.csv names student 1 again"):
        read_names(path)


def test_a_name_is_shown_escaped_beside_the_number() -> None:
    board = replace(a_board(students=2), names={1: "Ada", 2: ATTACK})
    html = str(board.__html__())
    assert '<th scope="row">1 Ada</th>' in html and "2 &lt;script&gt;" in html and ATTACK not in html
    assert "1 Ada" in board.text()
