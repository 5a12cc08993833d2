"""Chapter 0, executed."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.steps.session import LabSession
from tests.notebooks.chapters import FOLDER, code_cells
from tests.notebooks.kernel import one_kernel


def test_chapter_0_runs_by_itself_shows_a_check_that_is_not_yet_passed_and_a_choice_of_backend(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, by_hand) as kernel:
        outputs = {cell.id: kernel.run(cell.source) for cell in code_cells(FOLDER / "00_start_here.ipynb")}
    assert {id: output.text for id, output in outputs.items() if output.error} == {}
    assert "sandbox on this machine" in outputs["status"].text
    assert "not yet" in outputs["check"].text
    assert outputs["backend"].has_widget
