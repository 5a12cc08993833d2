"""The one place where text becomes HTML: Jinja2 with autoescape, since an attacker writes the text of events."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("labkit.views", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def render(template: str, /, **context: object) -> Markup:
    """The template filled in; every value is escaped but those that are markup already.

    >>> render("code.html.j2", text="<script>")
    Markup('<pre><code>&lt;script&gt;</code></pre>')
    """
    return Markup(_environment().get_template(template).render(**context))
