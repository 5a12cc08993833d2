"""Part 3, a terminal on the host, opened from a chapter."""

from __future__ import annotations

import sys

from labkit.lab.base import Cells
from labkit.services.jupyter_server import server_of_this_kernel
from labkit.views.panels.basic import Note
from labkit.views.panels.terminal_link import TerminalLink
from labkit.views.view import View

NAME = "host"
COMMAND = (sys.executable, "-m", "labkit", "shell")


class TerminalCells(Cells):
    """The prompt on the host."""

    def terminal(self) -> View:
        """How to get a prompt on the host: a button where the chapter is open in JupyterLab, and always in words."""
        host = self.session.backend.aws.host
        if host is None:
            return Note("The host is yours, somewhere else", "With live AWS, open a terminal on your own host.")
        status = host.status()
        if status.tier == 3:
            return Note("No terminal on the host here", f"{status.words} Use lab.run('curl dadismad.com') instead.")
        server = server_of_this_kernel()
        return TerminalLink(NAME if server is not None and server.open_terminal(NAME, COMMAND) else "")
