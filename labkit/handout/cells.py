"""The cells of a notebook as safe HTML and source without secrets; everything else in it is removed."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from labkit.handout import pictures, questions
from labkit.handout.markup import Rules, Summary, rewrite, without_secrets
from labkit.handout.redact import DETAILS, INVISIBLE, Redactor, without_traces

WIDGET = "application/vnd.jupyter.widget-view+json"
TWIN = "labkit-twin"
"""The class of the static copy that each of the lab's forms has beside it."""
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_ANSI_TITLE = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
"""What sets a terminal's title or makes a link: it is not shown."""


@dataclass
class CellRenderer:
    """Renders the cells of a notebook.

    folder: where the notebook is, for the paths of its pictures. inside: the folder that a picture must be in. rounded:
    whether measured values are replaced by their order of magnitude, which is the same in every run.
    """

    redactor: Redactor
    folder: Path | None = None
    inside: Path | None = None
    rounded: bool = False
    summary: Summary = field(default_factory=Summary)

    def render(self, notebook: Any) -> Any:
        """The notebook itself, changed in place: the source of markdown cells and all outputs are HTML."""
        notebook.metadata.pop("widgets", None)
        notebook.metadata["title"] = self.redactor.redact(str(notebook.metadata.get("title", "")))
        notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get(questions.NOTEBOOK_ONLY)]
        for cell in notebook.cells:
            metadata, cell.metadata = cell.metadata, type(cell.metadata)()
            if cell.cell_type == "markdown":
                cell.source = self._markdown(cell.source, cell.pop("attachments", {}))
            elif cell.cell_type == "code":
                self._code(cell, metadata)
            else:
                cell.source = self.redactor.redact(cell.source)
        return notebook

    def _code(self, cell: Any, metadata: Any) -> None:
        """Show source and results, folded if they answer an exercise or a guess."""
        source, solution, solved = questions.exercise(metadata, cell.source)
        cell.source = self.redactor.redact(source)
        shown = [html for html in self._outputs(cell.outputs) if html.strip()] if solved or not solution else []
        if shown and not any(TWIN in html for html in shown):
            shown.insert(0, without_secrets(questions.filled_form(metadata.get(questions.FORM)), self.redactor))
        if solution:
            shown = [questions.folded(questions.answer(self.redactor.redact(solution)), *shown)]
        elif questions.ANSWERS_A_GUESS.search(source) and shown:
            shown = [questions.folded(*shown)]
        cell.outputs = [_as_html(cell, html) for html in shown if html]

    # --- markdown ---

    def _markdown(self, source: str, attachments: Any = None) -> str:
        renderer = IPythonRenderer(escape=False, attachments=Attachments(attachments or {}), exclude_anchor_links=True)
        return rewrite(MarkdownWithMath(renderer=renderer).render(source), self._rules(anchored=True), self.summary)

    def _rules(self, anchored: bool = False) -> Rules:
        return Rules(link_of_page, self._picture, anchored=anchored, rounded=self.rounded, redactor=self.redactor)

    def _picture(self, source: str) -> str:
        """The picture as a data: address; "" for one on another machine, outside the lab's folder, or with a secret."""
        if source.lower().startswith("data:"):
            return pictures.from_address(source, self.redactor)
        parts = parts_of(source)
        if self.folder is None or parts.scheme or "\0" in unquote(parts.path):
            return ""
        path = (self.folder / unquote(parts.path)).resolve()
        kind = mimetypes.guess_type(path.name)[0] or ""
        allowed = path.is_relative_to((self.inside or self.folder).resolve()) and kind.startswith("image/")
        if not allowed or not path.is_file() or path.stat().st_size > pictures.LARGEST_PICTURE:
            return ""
        return pictures.embedded(kind, path.read_bytes(), self.redactor)

    # --- outputs ---

    def _outputs(self, outputs: Any) -> Iterator[str]:
        has_twin = any(TWIN in _text(output.get("data", {}).get("text/html")) for output in outputs)
        for output in outputs:
            if output.output_type == "stream":
                yield self._text(_text(output.text))
            elif output.output_type == "error":
                yield self._error(output)
            elif WIDGET in output.get("data", {}):
                if not has_twin:
                    yield '<p class="remark">The notebook shows a control here.</p>'
            else:
                yield self._data(output.get("data", {}))

    def _data(self, data: Any) -> str:
        """The best of an output's formats that a page can show."""
        if "text/html" in data:
            return rewrite(_text(data["text/html"]), self._rules(), self.summary)
        if "text/markdown" in data:
            return self._markdown(_text(data["text/markdown"]))
        if pictures.SVG in data:
            drawn = _text(data[pictures.SVG]).encode(errors="replace")
            return _picture_of_cell(pictures.embedded(pictures.SVG, drawn, self.redactor))
        for kind in PICTURES:
            if kind in data:
                return _picture_of_cell(self._picture(f"data:{kind};base64,{_text(data[kind])}"))
        return self._text(_text(data.get("text/plain")))

    def _text(self, text: str) -> str:
        """Plain text as a terminal would show it; a traceback in it becomes one line."""
        lines = re.sub(r"^.*\r(?!\n)", "", strip_ansi(_ANSI_TITLE.sub("", text)), flags=re.M)
        shown = self.redactor.redact_output(without_traces(INVISIBLE.sub("", lines))).strip("\n")
        return f"<pre>{escape(shown)}</pre>" if shown else ""

    def _error(self, error: Any) -> str:
        """One line: the lab's own message, or the name of any other exception."""
        lines = [strip_ansi(line) for line in error.get("traceback", [])]
        if len(lines) == 1 and lines[0].startswith("Stopped here: "):
            return f'<p class="stopped">{escape(self.redactor.redact(lines[0]))}</p>'
        name = re.sub(r"[^\w.]", "", self.redactor.redact(str(error.get("ename", "")))) or "An error"
        return f'<p class="stopped">The cell stopped with <code>{name}</code>. {DETAILS}</p>'


def link_of_page(address: str) -> str:
    """The address of a link on a page: a chapter's page for its notebook; "" for a file that is not beside the page."""
    parts = parts_of(address)
    if parts.scheme in ("http", "https", "mailto") or (not parts.scheme and not parts.path and parts.fragment):
        return address
    if parts.scheme or parts.netloc or "/" in parts.path or not parts.path.endswith(".ipynb"):
        return ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.path.removesuffix('.ipynb')}.html{fragment}"


def parts_of(address: str) -> SplitResult:
    """The parts of an address. One that cannot be parsed gets the scheme `unreadable`."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("unreadable", "", "", "", "")


class Attachments(dict[str, Any]):
    """The attachments of a cell. One that is missing has no content, instead of an error."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return {"": ""}


def _as_html(cell: Any, html: str) -> Any:
    return type(cell)(output_type="display_data", data=type(cell)({"text/html": html}), metadata=type(cell)())


def _picture_of_cell(source: str) -> str:
    if not source:
        return '<p class="remark">A picture that cannot be shown here.</p>'
    return f'<img src="{source}" alt="A picture that this cell drew, without a description.">'


def _text(value: Any) -> str:
    """Text, which a notebook may store as a list of lines."""
    return "".join(value) if isinstance(value, list) else str(value or "")
