"""The short edition of a chapter: its results and figures, with a sentence each."""

from __future__ import annotations

import re
from typing import Any

SHORT = "short"
"""The key in the metadata of a cell that the short edition shows; its value is the sentence, in Markdown."""

PICTURE = re.compile(r"^!\[.*$", re.MULTILINE)
"""A picture of a Markdown cell, on a line of its own."""


def shortened(notebook: Any) -> Any:
    """The notebook with its title and, of each marked cell, the sentence and the picture or result."""
    from nbformat.v4 import new_markdown_cell

    shown = [new_markdown_cell(cell.source.partition("\n")[0]) for cell in notebook.cells[:1]]
    for cell in notebook.cells:
        if sentence := str(cell.metadata.get(SHORT, "")):
            pictures = PICTURE.findall(cell.source) if cell.cell_type == "markdown" else []
            shown.append(new_markdown_cell("\n\n".join([sentence, *pictures]), attachments=cell.get("attachments", {})))
        if sentence and cell.cell_type == "code":
            shown.append(type(cell)({**cell, "source": "", "metadata": type(cell)(), "execution_count": None}))
    return type(notebook)({**notebook, "cells": shown})
