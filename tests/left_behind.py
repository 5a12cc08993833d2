"""A notebook as a student left it: a form half filled, a step that failed, keys typed into a cell, a mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat

from tests.wait import PATIENCE_SECONDS

KEY_ID, SECRET = "AKIACANARY7TYPED3KEY", "canary/typed+secret/0123456789abcdefghij"
HALF_FILLED = "canary-half-filled-field"
OF_THE_STUDENT = "canary-in-a-widget-of-the-student"
CANARIES = (KEY_ID, SECRET, HALF_FILLED, OF_THE_STUDENT)

STEP_FAILED = "lab.create_vpc()"
SOURCES = (
    "from labkit import open_lab\n\nlab = open_lab()",
    # A person types this; here it comes from another text, so that no cell holds it.
    f'form = lab.enter_aws_keys()\nform.fields["region"].value = "-".join({HALF_FILLED.split("-")!r})\nform',
    STEP_FAILED,
    f'lab.enter_aws_keys("{KEY_ID}", "{SECRET}")',
    'open("/no/such/file/of/mine")',
    f'import ipywidgets\n\nipywidgets.Text("-".join({OF_THE_STUDENT.split("-")!r}), description="Mine")',
)
OF_THE_LAB = SOURCES[:3]
"""The cells in which nothing is the student's own."""


def left_behind(folder: Path, environment: Mapping[str, str]) -> nbformat.NotebookNode:
    """The notebook, its cells run one after another past every fault, saved with the state of its widgets."""
    from nbclient import NotebookClient

    title = nbformat.v4.new_markdown_cell("# My work\n\nHow far I came. [On to part 3](03_self_protecting_cloud.ipynb)")
    notebook = nbformat.v4.new_notebook(cells=[title, *map(nbformat.v4.new_code_cell, SOURCES)])
    NotebookClient(
        notebook, kernel_name="python3", timeout=PATIENCE_SECONDS, store_widget_state=True, allow_errors=True
    ).execute(cwd=str(folder), env=dict(environment))
    return notebook


def is_safe_and_readable(page: str) -> None:
    """Assert that a page made of it shows what was to be seen, and nothing that was not."""
    for canary in CANARIES:
        assert canary not in page
    assert "Traceback" not in page and "Cell In[" not in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "Stopped here: Complete “Your AWS account” first" in text
    assert "Go to that step" in text, "the panel of the step that failed"
    assert "labkit-twin" in page and "Run this cell to show the form." not in text, "the form's static twin"
    assert "[left out: a secret]" in text
    assert "The cell stopped with FileNotFoundError. The notebook has the details." in text
    assert "The notebook shows a control here." in text
