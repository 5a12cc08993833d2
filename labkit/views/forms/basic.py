"""The lab's forms. Thin: each collects values, calls one function, and shows what comes back.

Every function returns a Form for the cell to display. `submit` returns a result to show; a LabError that it raises is
shown below the form, and the field that it names gets the keyboard focus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

from labkit.model.errors import InvalidInput
from labkit.model.student import LAST_STUDENT, parse_student_number, rule_name, vpc_name
from labkit.views.forms.parts import LABEL_STYLE, Form, LinkTo, field_layout, no_link, words
from labkit.views.panels.basic import Note
from labkit.views.view import View

Value = TypeVar("Value")


@dataclass(frozen=True, repr=False)
class NamesPreview(View):
    """The names that follow from a student number."""

    student: int

    template: ClassVar[str] = "names_preview.html.j2"

    @property
    def names(self) -> list[tuple[str, str]]:
        return [("Your VPC", vpc_name(self.student)), ("Your rule", rule_name(self.student))]

    def text(self) -> str:
        return "\n".join(f"{label}: {name}" for label, name in self.names)


MINE = "Yes, that is my own earlier work"


def student_number_form(
    known: int | None,
    submit: Callable[[str], View],
    warn: Callable[[str], str] = lambda typed: "",
    *,
    link_to: LinkTo = no_link,
) -> Form:
    """A field for the student number, with the names that follow from it. known: the number so far.

    warn: the warning before a number is taken, if any; the student then confirms with a button below.
    """
    from ipywidgets import Text

    so_far = f"So far: {known}." if known is not None else ""
    form = Form(Note("Your student number", so_far), link_to, head=False)
    field = Text(
        value="" if known is None else str(known),
        description="Student number",
        placeholder=f"1 to {LAST_STUDENT}",
        style=LABEL_STYLE,
        layout=field_layout("20em"),
        continuous_update=False,  # else a click right after typing overtakes the last characters
    )
    form.fields["student number"] = field
    form.watch("student number", _names)

    asked: list[str] = []

    def use() -> View:
        warning, asked[:] = warn(field.value), [field.value]
        sure.layout.display = None if warning else "none"
        return Note("Is this number yours?", warning, "wait") if warning else submit(field.value)

    def take() -> View:
        if asked != [field.value]:  # another number was typed meanwhile
            return use()
        sure.layout.display = "none"
        return submit(field.value)

    use_button = form.add_button("Use this number", "Checking…", use)
    sure = form.add_button(MINE, "Checking…", take)
    sure.button_style, sure.layout.display = "warning", "none"
    form.put(field, use_button, below=[sure])
    return form


def _names(typed: str) -> NamesPreview | None:
    """The names for what was typed; None if it is no student number: the button then says what is wrong."""
    try:
        return NamesPreview(parse_student_number(typed))
    except InvalidInput:
        return None


def choice_form(
    title: str,
    options: Sequence[tuple[str, Value]],
    submit: Callable[[Value], View],
    *,
    link_to: LinkTo = no_link,
) -> Form:
    """A choice of one option: a button for each, whose label says what it does.

    Buttons, because JupyterLab takes the arrow keys that a group of radio buttons needs: by keyboard none but the first
    could be chosen (tried, 4.6).
    """
    form = Form(Note(title), link_to)
    buttons = [form.add_button(label, "Checking…", partial(submit, value)) for label, value in options]
    for button in buttons:
        button.button_style = ""
    form.put(*buttons)
    return form


def action_button(
    label: str, doing: str, action: Callable[[], View], *, known: str = "", link_to: LinkTo = no_link
) -> Form:
    """A single button: enable the rule, take this VPC, solve, reset.

    doing: the message while it works. known: the text above it.
    """
    form = Form(Note(label, known), link_to, head=bool(known))
    form.put(form.add_button(label, doing, action))
    return form


def backend_form(
    now: Callable[[], View],
    options: Sequence[tuple[str, Value]],
    submit: Callable[[Value], View],
    *,
    ask: Value,
    question: View,
    yes: str,
    link_to: LinkTo = no_link,
) -> Form:
    """A choice of one option; the top of the form always shows what is in use.

    now: what is in use, asked again after each choice. ask: the option that needs a confirmation, with the button `yes`
    below the question.
    """
    form = Form(now(), link_to)

    def use(value: Value) -> View:
        shown = submit(value)
        form.restate(now())
        sure.layout.display = "none"
        return shown

    def choose(value: Value) -> View:
        if value != ask:
            return use(value)
        sure.layout.display = None
        return question

    sure = form.add_button(yes, "Switching…", partial(use, ask))
    sure.button_style, sure.layout.display = "warning", "none"
    buttons = [
        form.add_button(label, "Checking…", partial(choose, value), lasting=value != ask) for label, value in options
    ]
    for button in buttons:
        button.button_style = ""
    form.put(words(Note("Where should AWS be?")), *buttons, below=[sure])
    return form
