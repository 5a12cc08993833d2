"""The parts of every form: a box of widgets, a message below, one way to run a button, and a static twin.

JupyterLab may run a click in another thread, and shows nothing of an exception that escapes a callback. So every click
and every change goes through here: under one lock, and with its outcome shown.

Nothing moves under a person's mouse. Pressing a button leaves a field, which changes what a form shows, so everything
that changes is below the fields and buttons, and a button keeps its label, and so its width, while it works.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from labkit.model.errors import InvalidInput, LabError, StepNotReady, interrupted
from labkit.views.display import display_updatable, may_have_changed
from labkit.views.panels.basic import ErrorPanel, InternalError, Note
from labkit.views.render import render
from labkit.views.view import View

if TYPE_CHECKING:
    from ipywidgets import HTML, Button, Layout, Widget

LOCK = threading.RLock()
"""Held while a form's callback works; cells that touch the same things may take it too."""

SETTLE_SECONDS = 0.1
"""How long a click handled in a subshell waits for fields: JupyterLab may deliver their values by the main thread, and
was seen to do so 15 ms apart."""

SAME_PRESS_SECONDS = 0.7
"""A press on the same button this soon after the last one ended, with no field changed, is the rest of a double click
or was made while the button worked: whoever pressed has not read the result yet."""

RUN_THIS_CELL = "Run this cell to show the form."

logger = logging.getLogger("labkit")

Look = Callable[[str], View | None]
"""Returns what to say about a field's value; None for nothing."""

LinkTo = Callable[[str], str]
"""From a step's key to the address of its cell, such as `#Your-VPC`; "" where there is none."""


def no_link(step: str) -> str:
    """The LinkTo of a form outside a chapter."""
    return ""


@dataclass(frozen=True, repr=False)
class Twin(View):
    """A form's plain result, seen wherever the form itself is not: after a restart, in a saved page, on paper.

    used: whether the form has left this result; else it also says how to get the form.
    """

    inner: View
    used: bool

    template: ClassVar[str] = "twin.html.j2"
    own_style: ClassVar[str] = "twin_style.css"
    how: ClassVar[str] = RUN_THIS_CELL

    def text(self) -> str:
        return self.inner.text() if self.used else f"{self.inner.text()}\n{RUN_THIS_CELL}"


class Form:
    """A box of widgets to be displayed by a cell.

    before: what is known before anything is pressed; with head it is at the top of the box, else only in the twin.
    fields: the widgets that take values, by name. buttons: by name. message: where results and errors appear.
    enter: the button that the Enter key in a field presses, the first one that leaves a result unless told otherwise.
    remarks: what is said about a field, by its name. shown: what the form's static twin shows: `before`, then the last
    lasting result.
    """

    def __init__(self, before: View, link_to: LinkTo = no_link, *, head: bool = True) -> None:
        from ipywidgets import Layout, VBox

        self.shown, self._used = before, False
        self._head = [words(before)] if head else []
        self.fields: dict[str, Any] = {}
        self.buttons: dict[str, Button] = {}
        self.enter: Button | None = None
        self.message: HTML = area()
        self.message.add_class("labkit-answer")
        self.remarks: dict[str, HTML] = {}
        self._looks: dict[str, Look] = {}
        self._looked_at: dict[str, tuple[str, str]] = {}
        self.box = VBox(layout=Layout(align_items="flex-start", width="100%"))
        self.box.add_class("labkit-form")
        self._link_to = link_to
        self._twin: Any | None = None
        self._at_work = False
        self._pressed: tuple[Button, float] | None = None

    def put(self, *rows: Widget, below: Sequence[Widget] = ()) -> None:
        """The widgets of the form from top to bottom; below them the message, the remarks, and what may be opened."""
        self.box.children = (*self._head, *rows, self.message, *self.remarks.values(), *below)
        for field in self.fields.values():
            field.observe(self._changed, names="value")
            field.on_msg(self._heard)

    def restate(self, now: View) -> None:
        """Replace the text at the top, which is out of date."""
        for place in self._head:
            place.value = now._repr_html_()

    def watch(self, name: str, look: Look) -> None:
        """Show below the form what `look` says about a field, now and after each change."""
        self.remarks[name], self._looks[name] = area(), look
        self._remark(name)

    def add_button(self, description: str, doing: str, call: Callable[[], View], *, lasting: bool = True) -> Button:
        """A button that shows what `call` returns or raises.

        doing: the message meanwhile. lasting: whether the result is what the form leaves behind, in its static twin.
        """
        from ipywidgets import Button, Layout

        style = "primary" if lasting else ""
        button = Button(description=description, button_style=style, layout=Layout(width="max-content"))

        def clicked(_: Button) -> None:
            if threading.current_thread() is not threading.main_thread():
                threading.Event().wait(SETTLE_SECONDS)
            with LOCK:
                if not self._pressed_just_now(button):
                    self._run(button, doing, call, lasting)

        button.on_click(clicked)
        self.buttons[description] = button
        if self.enter is None and lasting:
            self.enter = button
        return button

    def show(self, result: View, *, lasting: bool = True) -> None:
        """Show a result below the form, and, when it is to last, in the static twin."""
        self.message.value = _spoken(result, "status")
        if lasting:
            self.shown, self._used = result, True
            if self._twin is not None:
                self._twin.update(self.twin)

    def show_error(self, error: LabError) -> None:
        """Show an expected fault below the form."""
        link = self._link_to(error.step) if isinstance(error, StepNotReady) else ""
        self.message.value = _spoken(ErrorPanel(error, link), "alert")

    def _run(self, button: Button, doing: str, call: Callable[[], View], lasting: bool) -> None:
        """Call, show the outcome, and restore the keyboard focus, which a disabled button loses."""
        focus, self._at_work = button, True
        button.disabled, self.message.value = True, _spoken(Note(doing), "status")
        try:
            self.show(call(), lasting=lasting)
            self._clear_remarks()
        except LabError as error:
            self.show_error(error)
            focus = self._field_at_fault(error) or button
        except KeyboardInterrupt:  # the kernel's: if it escaped, there would be a traceback in the log and nothing here
            self.show_error(interrupted(f"“{button.description}”", "Press the button again."))
        except Exception as error:  # noqa: BLE001  JupyterLab drops it, so nothing would be shown
            log_fault(error)
            self.message.value = _spoken(InternalError(type(error).__name__, button.description), "alert")
        finally:
            button.disabled, self._at_work = False, False
            self._pressed = button, time.monotonic()
            button.focus()  # scrolls its message into view
            if focus is not button:
                focus.focus()
            may_have_changed()

    def _pressed_just_now(self, button: Button) -> bool:
        if self._pressed is None:
            return False
        pressed, when = self._pressed
        return pressed is button and time.monotonic() - when < SAME_PRESS_SECONDS

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """The Enter key was pressed in a field. Its new value arrives right after this message, so a thread waits.

        ipywidgets has a method for it, deprecated in favour of observing the value; but leaving the field changes that.
        """
        if content.get("event") == "submit" and self.enter is not None:
            threading.Thread(target=self.enter.click, name="enter", daemon=True).start()

    def _changed(self, _: object = None) -> None:
        """A field has changed, so the message below is out of date."""
        with LOCK:
            if self._at_work:
                return
            self._pressed, self.message.value = None, ""
            for name in self._looks:
                self._remark(name)

    def _remark(self, name: str) -> None:
        """Show what `look` says about a field; `look` is called only if the value has changed."""
        field, before = self.fields[name], self._looked_at.get(name)
        if before is None or before[0] != field.value:
            self._at_work = True
            try:
                shown = self._looks[name](field.value)
            except LabError as error:
                shown = ErrorPanel(error)
            except Exception as error:  # noqa: BLE001  as in _run
                log_fault(error)
                shown = InternalError(type(error).__name__, "Looking at this field")
            finally:
                self._at_work = False
            before = self._looked_at[name] = field.value, "" if shown is None else shown._repr_html_()
        self.remarks[name].value = before[1]

    def _clear_remarks(self) -> None:
        """Remove the remarks after a result; the next change shows them again."""
        for remark in self.remarks.values():
            remark.value = ""

    def _field_at_fault(self, error: LabError) -> Any | None:
        if not isinstance(error, InvalidInput):
            return None
        return self.fields.get(error.field.replace("_", " "))

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self._twin = display_updatable(self.twin)
        view = self.box._repr_mimebundle_()
        if self._twin is not None and isinstance(view, Mapping):
            display({**view, "text/plain": ""}, raw=True)  # the twin has the text

    @property
    def twin(self) -> Twin:
        """The static twin as it is now."""
        return Twin(self.shown, self._used)

    def __repr__(self) -> str:
        return self.twin.text()


def _spoken(shown: View, role: str) -> str:
    return str(render("spoken.html.j2", role=role, body=shown._repr_html_()))


def log_fault(error: BaseException) -> None:
    """Log where an unexpected exception came from. Its message is left out: it may repeat a value, and so a secret."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("A form's callback failed with %s\n%s", type(error).__name__, frames)


def area() -> HTML:
    """An empty place for text below a field, in the font size of other outputs.

    It is as wide as the form: 100% would be wider, by the margins of a widget.
    """
    from ipywidgets import HTML, Layout

    style = {"font_size": "var(--jp-content-font-size1)"}
    return HTML(style=style, layout=Layout(width="auto", align_self="stretch"))


def words(shown: View) -> HTML:
    """Fixed text inside a form."""
    place = area()
    place.value = shown._repr_html_()
    return place


def field_layout(width: str = "42em", height: str | None = None) -> Layout:
    """The size of a field, never wider than the page: its margins of 2px come on top of its width."""
    from ipywidgets import Layout

    return Layout(width=width, max_width="calc(100% - 4px)", **({"height": height} if height else {}))


LABEL_STYLE: Mapping[str, str] = {"description_width": "12em"}


def row(*widgets: Widget) -> Widget:
    """Widgets side by side, wrapping where there is no room."""
    from ipywidgets import HBox, Layout

    children: Sequence[Widget] = widgets
    return HBox(children, layout=Layout(flex_flow="row wrap", align_items="center"))
