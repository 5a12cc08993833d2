"""What each kind of cell and output becomes on a page."""

from __future__ import annotations

from labkit.jupyter.loading import skip_needless_imports

skip_needless_imports()

import base64  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell  # noqa: E402

from labkit.handout.cells import CellRenderer, link_of_page  # noqa: E402
from labkit.handout.questions import shortened  # noqa: E402
from labkit.handout.redact import LEFT_OUT, Redactor  # noqa: E402

KEY = "AKIACANARY7TYPED3KEY"
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": f"Text(value='{KEY}')"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def shown(*outputs: Any) -> list[str]:
    """The HTML of a cell with these outputs."""
    notebook = new_notebook(cells=[new_code_cell("x", outputs=list(outputs))])
    (cell,) = CellRenderer(Redactor(folders=(("/home/kim", "~"),))).render(notebook).cells
    assert all(output.data.keys() == {"text/html"} for output in cell.outputs)
    return [output.data["text/html"] for output in cell.outputs]


def displayed(**data: str) -> Any:
    return new_output("display_data", {name.replace("__", "/").replace("_", "+"): text for name, text in data.items()})


def error(name: str, *traceback: str) -> Any:
    return new_output("error", ename=name, evalue=KEY, traceback=list(traceback))


def test_an_exception_is_one_line_and_its_trace_is_not_shown() -> None:
    trace = ("-----", f"\x1b[31mNameError\x1b[0m  Traceback (most recent call last)\nFile /home/kim/x.py {KEY}")

    assert shown(error("NameError", *trace)) == [
        '<p class="stopped">The cell stopped with <code>NameError</code>. The notebook has the details.</p>'
    ]


def test_where_the_lab_stopped_by_itself_its_own_words_stay() -> None:
    assert shown(error("StepNotReady", "Stopped here: “Your VPC” is not done yet.")) == [
        '<p class="stopped">Stopped here: “Your VPC” is not done yet.</p>'
    ]


def test_a_trace_within_text_is_one_line_too() -> None:
    printed = (
        "begun\nTraceback (most recent call last):\n"
        '  File "/home/kim/x.py", line 1, in <module>\n    boom()\nmy.own.Fault: secret words\nended\n'
    )
    assert shown(new_output("stream", name="stderr", text=printed)) == [
        "<pre>begun\nmy.own.Fault: The notebook has the details.\nended</pre>"
    ]


def test_text_is_as_a_terminal_would_leave_it() -> None:
    assert shown(new_output("stream", text=f"10 %\r100 %\n\x1b[1m<b>\x1b[0m /home/kim/x {KEY}\n")) == [
        f"<pre>100 %\n&lt;b&gt; ~/x {LEFT_OUT}</pre>"
    ]


def test_a_widget_is_left_out_and_the_static_twin_beside_it_stays() -> None:
    twin = displayed(text__html='<div class="labkit-twin">the form</div>')
    assert shown(twin, new_output("display_data", WIDGET)) == ['<div class="labkit-twin">the form</div>']


def test_a_widget_with_no_twin_is_reported() -> None:
    (words,) = shown(new_output("display_data", WIDGET))
    assert "shows a control here" in words and KEY not in words


def test_the_state_of_widgets_is_not_kept() -> None:
    notebook = new_notebook(cells=[new_code_cell("x")], metadata={"widgets": {"state": {"1": KEY}}, "title": KEY})
    assert KEY not in str(CellRenderer(Redactor()).render(notebook))


def test_of_several_forms_the_best_one_is_shown() -> None:
    (html,) = shown(displayed(text__html="<i>html</i>", text__plain="plain", image__png="AAAA"))
    (markdown,) = shown(displayed(text__markdown="*md* <script>1</script>", text__plain="plain"))
    (drawn,) = shown(displayed(image__svg_xml=SVG, text__plain="plain"))
    (picture,) = shown(displayed(image__png="AA\nAA", text__plain="<Figure>"))
    assert html == "<i>html</i>" and markdown.strip() == "<p><em>md</em> </p>"
    assert base64.b64encode(SVG.encode()).decode() in drawn and 'alt="A picture that this cell drew' in drawn
    assert 'src="data:image/png;base64,AAAA"' in picture
    assert shown(displayed(application__javascript="x()", text__plain="<x>")) == ["<pre>&lt;x&gt;</pre>"]
    assert shown(displayed(application__json="{}")) == []


def test_sources_and_prose_are_clean() -> None:
    cells = [new_markdown_cell(f"# A\nkey `{KEY}`"), new_code_cell(f"enter('{KEY}')"), new_raw_cell(KEY)]
    read = CellRenderer(Redactor()).render(new_notebook(cells=cells))

    assert [KEY in cell.source for cell in read.cells] == [False] * 3
    assert all(LEFT_OUT in cell.source for cell in read.cells)
    assert [dict(cell.metadata) for cell in read.cells] == [{}, {}, {}]


def test_a_key_that_is_written_in_another_way_is_not_a_key_on_the_page() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    (cell,) = CellRenderer(Redactor()).render(new_notebook(cells=[new_markdown_cell(secret.replace("/", "\\/"))])).cells
    assert LEFT_OUT in cell.source
    html = secret.replace("/", "&#x2F;")
    assert shown(displayed(text__html=f"<b>{html}</b>"), error(f"My {KEY}")) == [
        f"<b>{LEFT_OUT}</b>",
        '<p class="stopped">The cell stopped with <code>Myleftoutasecret</code>. The notebook has the details.</p>',
    ]


def test_pictures_come_along_if_they_lie_in_the_clone(tmp_path: Path) -> None:
    (tmp_path / "clone" / "images").mkdir(parents=True)
    (tmp_path / "clone" / "images" / "a b.svg").write_text(SVG)
    (tmp_path / "private.svg").write_text(SVG)
    renderer = CellRenderer(Redactor(), tmp_path / "clone" / "notebooks", tmp_path / "clone")
    sources = (
        "../images/a%20b.svg",
        "../../private.svg",
        "../images/none.svg",
        "https://x.example/a.svg",
        "/etc/passwd",
    )
    cells = [new_markdown_cell(f"![words]({source})") for source in sources]

    inside, *outside = [cell.source for cell in renderer.render(new_notebook(cells=cells)).cells]

    assert base64.b64encode(SVG.encode()).decode() in inside and 'alt="words"' in inside
    assert all("<em>[words]</em>" in one and "<img" not in one for one in outside)


def test_a_recording_is_left_out_and_its_still_stays(tmp_path: Path) -> None:
    for name in ("a.png", "a.webp"):
        (tmp_path / name).write_bytes(b"a picture")
    source = "![still](a.png)\n\n<details><summary>Play</summary>\n\n![moving](a.webp)\n\n</details>\n\nOn."
    (cell,) = CellRenderer(Redactor(), tmp_path).render(new_notebook(cells=[new_markdown_cell(source)])).cells
    assert 'alt="still"' in cell.source and "On." in cell.source
    assert "moving" not in cell.source and "Play" not in cell.source


def test_a_picture_pasted_into_a_cell_comes_along() -> None:
    cell = new_markdown_cell("![words](attachment:p.png)", attachments={"p.png": {"image/png": "AAAA"}})
    (read,) = CellRenderer(Redactor()).render(new_notebook(cells=[cell])).cells
    assert '<img alt="words" src="data:image/png;base64,AAAA">' in read.source


def test_a_cell_that_is_of_no_use_to_a_reader_is_left_out() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("a", metadata={"notebook-only": True}), new_code_cell("b")])
    assert [cell.source for cell in CellRenderer(Redactor()).render(notebook).cells] == ["b"]


def test_the_short_edition_shows_of_a_cell_its_sentence_and_the_results_that_it_names() -> None:
    outputs = [displayed(text__plain=word) for word in "abc"]
    metadata = {"short": "What came out.", "short-results": [0, 2]}
    cells = [new_markdown_cell("# T\nmore"), new_code_cell("x", metadata=metadata, outputs=outputs), new_code_cell("y")]
    title, sentence, results = shortened(new_notebook(cells=cells)).cells
    assert (title.source, sentence.source, results.source) == ("# T", "What came out.", "")
    assert [output.data["text/plain"] for output in results.outputs] == ["a", "c"]


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("02_create_environment.ipynb", "02_create_environment.html"),
        ("02_create_environment.ipynb#Your-VPC", "02_create_environment.html#Your-VPC"),
        ("#Your-VPC", "#Your-VPC"),
        ("https://docs.example/a?b#c", "https://docs.example/a?b#c"),
        ("../README.md", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("//x.example/a.ipynb", ""),
        ("/home/kim/a.ipynb", ""),
        ("http://[", ""),
    ],
)
def test_links_lead_to_pages_and_never_to_files_of_this_machine(address: str, leads_to: str) -> None:
    assert link_of_page(address) == leads_to
