"""The one place where text becomes HTML: Jinja2 with autoescape, since attackers control the text of events."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from labkit.views.copying import copies, copy_button
from labkit.views.marks import mono, pill, tone
from labkit.views.measured import measured

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["style_sheet"] = style_sheet
    environment.filters |= {"mono": mono, "pill": pill, "tone": tone, "measured": measured}
    environment.filters |= {"copies": copies, "copy_button": copy_button}
    return environment


def _source(template: str) -> str:
    """The source of a template in this folder, or, as `package:name`, in the folder `templates` of another package."""
    package, _, name = template.rpartition(":")
    folder = Path(import_module(package).__file__ or "") if package else Path(__file__)
    return (folder.parent / "templates" / name).read_text(encoding="utf-8")


def render(template: str, /, **context: object) -> Markup:
    """Fill in the template. Every value is escaped unless it is already markup.

    >>> render("cloud_account_frame.html.j2", url='"><script>')[:37]
    Markup('<iframe src="&#34;&gt;&lt;script&gt;"')
    """
    return Markup(_environment().get_template(template).render(**context))


@cache
def style_sheet(name: str) -> Markup:
    """A style sheet of the template folder, minified."""
    environment = _environment()
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return Markup(squeeze(source))


def squeeze(css: str) -> str:
    """Minify CSS: remove comments and optional white space.

    >>> squeeze("/* Text. */\\na > b, tbody :is(i) {\\n  margin: 0 auto;\\n}\\n")
    'a>b,tbody :is(i){margin:0 auto}'
    """
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL))
    return re.sub(r" ?([{};,>]) ?|(:) ", r"\1\2", text).replace(";}", "}").strip()
