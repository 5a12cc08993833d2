"""How to open a terminal on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labkit.views.view import View


@dataclass(frozen=True, repr=False)
class TerminalLink(View):
    """name: of a terminal in this JupyterLab that is already on the host, for a button; "" for instructions only.

    The button runs one of JupyterLab's own commands, which JupyterLab allows only in an output of this session.
    Source: https://jupyterlab.readthedocs.io/en/stable/user/commands.html
    """

    name: str = ""

    template: ClassVar[str] = "terminal_link.html.j2"

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of the command `terminal:open`."""
        return {"name": self.name}

    def text(self) -> str:
        return "A terminal on the host: File > New > Terminal, then type: labkit shell"
