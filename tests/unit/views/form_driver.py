"""Driving a form without a browser: what a person types and presses, and what they then read."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest.mock import patch

from ipywidgets import Widget

from labkit.views.forms import parts
from labkit.views.forms.parts import Form


def press(form: Form, label: str) -> str:
    """Press a button, some time after the last press; the words below the form afterwards."""
    with patch.object(parts, "SAME_PRESS_SECONDS", 0):
        form.buttons[label].click()
    return message(form)


def press_enter(form: Form, field: str) -> None:
    """Press the Enter key in a field, as JupyterLab tells the kernel of it."""
    form.fields[field]._handle_custom_msg({"event": "submit"}, [])


def message(form: Form) -> str:
    return visible_words(form.message.value)


def visible_words(html: str) -> str:
    """The words that a person sees, in one line."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    within_words = re.sub(r"</?(a|b|code|samp|span|strong|ins|del)\b[^>]*>", "", body)
    return " ".join(re.sub(r"<[^>]+>", " ", within_words).split())


def all_words(form: Form) -> str:
    """The words of every HTML part of a form, in one line."""
    return " ".join(visible_words(part.value) for part in everything(form.box) if type(part).__name__ == "HTML")


def everything(widget: Any) -> list[Any]:
    return [widget, *(below for child in getattr(widget, "children", ()) for below in everything(child))]


def saved_state() -> str:
    """What a notebook would save of all widgets."""
    return json.dumps(Widget.get_manager_state(drop_defaults=False), default=str)
