"""A secret that was typed or given is nowhere afterwards but where it is meant to be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
import psutil
import pytest

from labkit.model.access_keys import AccessKeys
from labkit.steps.session import LabSession
from tests.notebooks.chapters import CHAPTER_2
from tests.notebooks.kernel import STUDENT
from tests.wait import PATIENCE_SECONDS

# What a student does by hand, with values that are in no cell: the kernel reads them from its environment.
FILL_IN = """
import os
form = lab.enter_aws_keys()
form.fields["access key id"].value = os.environ["TYPED_KEY_ID"]
form.fields["secret access key"].value = os.environ["TYPED_SECRET"]
form.fields["session token"].value = os.environ.get("TYPED_TOKEN", "")
form.fields["keep"].value = {keep}
form.buttons["Check and use"].click()
form
"""


@pytest.fixture
def keys(session: LabSession) -> AccessKeys:
    found = session.backend.aws.cloud_account()
    assert found is not None
    return found


def executed(notebook: nbformat.NotebookNode, folder: Path, environment: Mapping[str, str]) -> str:
    """Execute with widget state stored, save, and export the saved one as HTML; the text of both files."""
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    NotebookClient(notebook, kernel_name="python3", timeout=PATIENCE_SECONDS, store_widget_state=True).execute(
        cwd=str(folder), env=dict(environment)
    )
    saved = folder / "saved.ipynb"
    nbformat.write(notebook, saved)
    html, _ = HTMLExporter().from_filename(str(saved))
    (folder / "saved.html").write_text(html, encoding="utf-8")
    return saved.read_text(encoding="utf-8") + html


def files_with(secret: str, folders: Iterable[Path]) -> set[str]:
    """Every file below these folders that holds the text, by its path below the lab's home or its name."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(paths) > 5
    return {f"{path.parent.name}/{path.name}" for path in paths if secret.encode() in path.read_bytes()}


def processes_with(secret: str) -> list[int]:
    return [one.pid for one in psutil.process_iter(["cmdline"]) if secret in " ".join(one.info["cmdline"] or [])]


def all_folders(session: LabSession, tmp_path: Path) -> list[Path]:
    """Where anything was written: the lab's home, Jupyter's and IPython's folders, the notebook's own."""
    return [session.backend.home, Path(os.environ["IPYTHONDIR"]).parent, tmp_path]


def form_notebook(keep: bool) -> nbformat.NotebookNode:
    sources = ["from labkit import open_lab\nlab = open_lab()", f"_ = lab.enter_student_number({STUDENT})"]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (*sources, FILL_IN.format(keep=keep))]
    )


def test_an_unattended_run_leaves_the_secret_in_the_kept_profile_and_nowhere_else(
    session: LabSession, unattended: Mapping[str, str], keys: AccessKeys, tmp_path: Path
) -> None:
    notebook = nbformat.read(CHAPTER_2, as_version=4)
    text = executed(notebook, tmp_path, unattended)
    assert "AWS answers: account" in text and "8 of 8 steps" in text
    secret = keys.secret_access_key
    assert files_with(secret, all_folders(session, tmp_path)) == {"world/aws-keys.json", "aws/credentials"}
    for path in (session.backend.home / "world" / "aws-keys.json", session.backend.aws.credentials_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert processes_with(secret) == []


def test_wrong_keys_typed_into_the_form_are_found_nowhere(
    session: LabSession, by_hand: Mapping[str, str], tmp_path: Path
) -> None:
    canaries = {
        "TYPED_KEY_ID": "AKIACANARY7TYPED3KEY",
        "TYPED_SECRET": "canary/typed+secret/0123456789abcdefghij",
        "TYPED_TOKEN": "canary-typed-session-token-" + 40 * "x",
    }
    text = executed(form_notebook(keep=True), tmp_path, {**by_hand, **canaries})
    assert "Check and use" in text and "application/vnd.jupyter.widget-state+json" in text
    for canary in canaries.values():
        assert files_with(canary, all_folders(session, tmp_path)) == set()
        assert processes_with(canary) == []


def test_right_keys_that_are_not_to_be_kept_stay_in_the_kernels_memory(
    session: LabSession, by_hand: Mapping[str, str], keys: AccessKeys, tmp_path: Path
) -> None:
    typed = {"TYPED_KEY_ID": keys.access_key_id, "TYPED_SECRET": keys.secret_access_key}
    text = executed(form_notebook(keep=False), tmp_path, {**by_hand, **typed})
    assert "AWS answers: account" in text
    assert files_with(keys.secret_access_key, all_folders(session, tmp_path)) == {"world/aws-keys.json"}
    assert processes_with(keys.secret_access_key) == []
