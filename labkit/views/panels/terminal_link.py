"""The way to a terminal on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labkit.views.view import View


@dataclass(frozen=True, repr=False)
class TerminalLink(View):
    """name: of a terminal of this JupyterLab that is on the host already, for a button; "" for the words alone.

    The button is one of JupyterLab's own commands, which it runs unasked only from an output that this session made.
    Source: https://jupyterlab.readthedocs.io/en/stable/user/commands.html
    """

    name: str = ""

    template: ClassVar[str] = "terminal_link.html.j2"

    @property
    def arguments(self) -> dict[str, str]:
        """Of the command `terminal:open`."""
        return {"name": self.name}

    def text(self) -> str:
        return "A terminal on the host: File > New > Terminal, then type: labkit shell"
