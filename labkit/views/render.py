"""The one place where text becomes HTML: Jinja2 with autoescape, since an attacker writes the text of events."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from labkit.views.marks import mono, pill, tone
from labkit.views.measured import measured

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("labkit.views", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"mono": mono, "pill": pill, "tone": tone, "measured": measured}
    return environment


def render(template: str, /, **context: object) -> Markup:
    """The template filled in; every value is escaped but those that are markup already.

    >>> render("cloud_account_frame.html.j2", url='"><script>')[:37]
    Markup('<iframe src="&#34;&gt;&lt;script&gt;"')
    """
    return Markup(_environment().get_template(template).render(**context))
