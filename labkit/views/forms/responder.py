"""The responder's live panel: Start, Stop, and what it does meanwhile. The responder works in a daemon thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from labkit.model.errors import LabError
from labkit.model.network_acl import NetworkAcl
from labkit.model.response.messages import Message
from labkit.views.display import may_have_changed
from labkit.views.forms.parts import LABEL_STYLE, Form, LinkTo, area, field_layout, log_fault, no_link, row
from labkit.views.panels.basic import Note
from labkit.views.panels.responder import ResponderView
from labkit.views.view import View

START, STOP = "Start the responder", "Stop it"
REFRESH_SECONDS = 0.1
"""The shortest time between two drawings: a burst of alerts must not flood the page."""

Say = Callable[[Message], None]


class Works(Protocol):
    """A responder, as the panel knows it. network_acl: as it last saw it."""

    network_acl: NetworkAcl | None

    def run(self, stop: threading.Event) -> None: ...


Make = Callable[[Say, tuple[str, ...]], Works]
"""Makes a responder that passes its messages to `say`, with what the student lists as safe. Raises LabError."""


class ResponderPanel(Form):
    """One responder at a time. Both buttons answer at once; the page follows what the responder does.

    said: all its messages, also of earlier starts. warning: what to know before the first start.
    """

    def __init__(
        self,
        make: Make,
        region: str = "",
        safe: tuple[str, ...] = (),
        link_to: LinkTo = no_link,
        warning: str = "",
    ) -> None:
        from ipywidgets import Text

        super().__init__(ResponderView("not started", warning=warning), link_to, head=False)
        self._warning = warning
        self.said: list[Message] = []
        self._make, self._region = make, region
        self._works: Works | None = None
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._timer: threading.Timer | None = None
        self._stop.set()
        self._live = area()
        self.fields["safe"] = Text(
            value=", ".join(safe),
            description="Never deny",
            placeholder="addresses or CIDR blocks, with commas between",
            style=LABEL_STYLE,
            layout=field_layout(),
            continuous_update=False,
        )
        buttons = row(
            self.add_button(START, "Starting…", self.start, lasting=False),
            self.add_button(STOP, "Stopping…", self.stop, lasting=False),
        )
        self.buttons[START].button_style = "primary"
        self.enter = self.buttons[START]
        self.put(self.fields["safe"], buttons, below=[self._live])
        self.refresh()

    @property
    def running(self) -> bool:
        """Whether a responder works."""
        return self._thread is not None and self._thread.is_alive() and not self._stop.is_set()

    @property
    def view(self) -> ResponderView:
        """What it has done and said so far."""
        state = "running" if self.running else "stopped" if self.said else "not started"
        acl = self._works.network_acl if self._works is not None else None
        return ResponderView(
            state, tuple(self.said), acl, self._region, self._warning if state == "not started" else ""
        )

    def start(self) -> View:
        """Start a responder, unless one works. Raises LabError when it cannot be made."""
        if self.running:
            return Note("The responder is already running.")
        listed = tuple(filter(None, (text.strip() for text in self.fields["safe"].value.split(","))))
        self._works = self._make(self._take, listed)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run_until, args=(self._works, self._stop), name="responder", daemon=True
        )
        self._thread.start()
        self._refresh_soon()
        return Note("The responder works while you go on.", "Stop it here, or with lab.stop_responder().")

    def stop(self) -> View:
        """End the responder at once; it changes nothing any more. Its entries stay."""
        if not self.running:
            return Note("No responder is running.")
        self._stop.set()
        if self._thread is not None:
            self._thread.join(0.5)  # for its last message; a call under way may take longer, but changes nothing more
        self.refresh()
        return Note("The responder was stopped.", "Its entries stay.")

    def interrupt(self) -> None:
        """End the responder from wherever this is called, a signal's handler too: the thread does the rest."""
        self._stop.set()

    def refresh(self) -> None:
        """Draw what is known now, in the panel and in its static twin."""
        with self._lock:
            self._timer = None
            view = self.view
            self._live.value = view._repr_html_()
            self.shown, self._used = view, bool(view.said)
            if self._twin is not None:
                self._twin.update(self.twin)

    def _take(self, said: Message) -> None:
        self.said.append(said)
        self._refresh_soon()
        if said.kind == "added":
            may_have_changed()

    def _refresh_soon(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(REFRESH_SECONDS, self.refresh)
                self._timer.daemon = True
                self._timer.start()

    def _run_until(self, works: Works, stop: threading.Event) -> None:
        try:
            works.run(stop)
        except LabError:
            pass  # its last message says why
        except Exception as error:  # noqa: BLE001  a notebook shows no error of a thread
            log_fault(error)
            self._take(Message("ended", f"The responder failed ({type(error).__name__}). This is a bug in the lab."))
        finally:
            stop.set()
            self.refresh()
