"""Part 3, the responder: watched live, or one round at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from labkit.lab.base import Cells
from labkit.lab.links import link_to
from labkit.model.response.messages import Message
from labkit.responder import Responder
from labkit.steps.rehearsal import earlier_alerts
from labkit.steps.responding import students_responder
from labkit.views.display import on_idle_interrupt
from labkit.views.forms.responder import ResponderPanel, Say
from labkit.views.panels.basic import Note
from labkit.views.panels.responder import LOOKED_ONCE, ResponderEnd, ResponderView
from labkit.views.view import View

FIRST_ROUND_SECONDS = 30.0


class ResponderCells(Cells):
    """The responder of the student's rule and network ACL."""

    _panel: ResponderPanel | None = None

    def responder(self, safe: Sequence[str] = (), start: bool | None = None) -> ResponderPanel:
        """The responder's panel, with Start and Stop; the running one, if there is one.

        safe: addresses and CIDR blocks that are never denied. start: start it at once, the default in an
        unattended run. Raises StepNotReady while rule or network ACL are not there.
        """
        at_once = start or (start is None and self._unattended)
        if self._panel is None or not self._panel.running:
            warning = "" if at_once else earlier_alerts(self._session)
            self._panel = ResponderPanel(self._make, self._session.region, tuple(safe), link_to, warning)
            on_idle_interrupt(self._panel.interrupt)
        if at_once:
            self._start(self._panel)
        return self._panel

    def stop_responder(self) -> View:
        """End the responder that `responder()` started."""
        if self._panel is None or not self._panel.running:
            return Note("No responder is running in this notebook.", "So there was nothing to stop.")
        self._panel.show(self._panel.stop(), lasting=False)
        return ResponderEnd(self._panel.view.said)

    def respond_once(self, safe: Sequence[str] = ()) -> View:
        """Look at the alerts once, deny what has to be denied, and show what was done and why."""
        said: list[Message] = []
        responder = self._make(said.append, tuple(safe))
        responder.run_once()
        return ResponderView(LOOKED_ONCE, tuple(said))

    def _make(self, say: Say, safe: tuple[str, ...]) -> Responder:
        self._session.require_agreement()
        return students_responder(self._session, say, safe)

    def _start(self, panel: ResponderPanel) -> None:
        """Start it and wait for its first round, so that the next cell finds it running."""
        panel.start()
        looked = threading.Event()
        for _ in range(int(FIRST_ROUND_SECONDS / 0.05)):
            if not panel.running or any(one.kind in ("poll", "trouble") for one in panel.said):
                break
            looked.wait(0.05)
