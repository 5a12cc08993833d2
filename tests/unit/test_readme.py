"""README.md says what is there: its generated tables are current, and it names each chapter."""

from __future__ import annotations

import re

from tests.readme import README, filled

ROOT = README.parent


def test_the_generated_tables_are_current_or_make_readme_was_forgotten():
    text = README.read_text(encoding="utf-8")

    assert filled(text) == text


def test_every_chapter_is_listed_in_order_and_no_other():
    listed = re.findall(r"\]\((notebooks/[^)]+)\)", README.read_text(encoding="utf-8"))

    assert listed == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_every_picture_is_there_and_has_words_for_those_who_do_not_see_it():
    shown = re.sub(r"^```.*?^```", "", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", shown)

    assert pictures
    assert [(words, path) for words, path in pictures if not words or not (ROOT / path).is_file()] == []
