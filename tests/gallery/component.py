"""What a gallery is made of: components, each in several states."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from labkit.views.view import View


@dataclass(frozen=True)
class State:
    """A component in one state. shown: a view, or the output of one that is not shown whole."""

    name: str
    shown: View | Markup

    @property
    def output(self) -> str:
        """What a notebook would hold, style and all."""
        return str(self.shown) if isinstance(self.shown, Markup) else self.shown._repr_html_()


@dataclass(frozen=True)
class Component:
    """One thing that the lab shows. when: when it is used, in one line. template: its file in labkit/views/templates.

    make: gives its states; called once a page, since forms need ipywidgets.
    """

    name: str
    when: str
    template: str
    make: Callable[[], tuple[State, ...]]

    @property
    def anchor(self) -> str:
        """Its address in the page.

        >>> Component("The packet’s way", "", "", tuple).anchor
        'the-packets-way'
        """
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower().replace("’", "")).strip("-")
