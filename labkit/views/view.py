"""The base class of every result: it renders itself in a notebook, in a terminal and as a pandas frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from markupsafe import Markup

from labkit.views.copying import THE_SAME
from labkit.views.render import render

if TYPE_CHECKING:
    import pandas


class View:
    """A result that a person looks at. Subclasses are frozen dataclasses with a template and `text()`.

    The template sees the object as `view`. Equal objects give the same HTML: no ids, no times.
    """

    template: ClassVar[str]
    own_style: ClassVar[str] = ""
    """A style sheet in addition to the one that every output has."""

    def text(self) -> str:
        """The result as plain text, for a terminal."""
        raise TypeError(f"{type(self).__name__} has no text()")

    def records(self) -> Sequence[Mapping[str, object]]:
        """The rows of its table, one mapping per row; empty if it has no table."""
        return ()

    @property
    def frame(self) -> pandas.DataFrame:
        """The rows of its table as a pandas frame."""
        import pandas

        return pandas.DataFrame(list(self.records()))

    def __html__(self) -> Markup:
        """The HTML without the style, for use inside another template (markupsafe's protocol)."""
        return render(self.template, view=self)

    def _repr_html_(self) -> str:
        return str(render("output.html.j2", body=self.__html__(), own_style=self.own_style))

    def __repr__(self) -> str:
        return self.text()


class TableView(View):
    """A result that is one table. kinds: of its columns, as `table.html.j2` takes them. cli: a command for the same."""

    template: ClassVar[str] = "one_table.html.j2"
    kinds: ClassVar[tuple[str, ...]] = ()
    cli_caption: ClassVar[str] = THE_SAME
    cli: str = ""

    @property
    def caption(self) -> str:
        raise NotImplementedError

    @property
    def headers(self) -> Sequence[str]:
        raise NotImplementedError

    def rows(self) -> Sequence[tuple[Sequence[str], bool]]:
        """Each row as cells, and whether it is marked."""
        raise NotImplementedError

    def text(self) -> str:
        table = f"{self.caption}\n{text_table(self.headers, [cells for cells, _ in self.rows()])}"
        return f"{table}\n{self.cli_caption}: {self.cli}" if self.cli else table


def text_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A plain-text table with aligned columns and no trailing spaces.

    >>> print(text_table(["Rule", "Action"], [[100, "allow"], ["*", "deny"]]))
    Rule  Action
    ----  ------
    100   allow
    *     deny
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(headers), *cells]) for column in range(len(headers))]
    lines = [list(headers), ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
