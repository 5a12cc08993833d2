"""The gallery: one page with every component that the lab shows, in every state and in both themes.

It is made of the real templates and views. A template that no sample shows is found by a test.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.gallery import boards, doings, panels, tables
from tests.gallery.component import Component

COMPONENTS: tuple[Component, ...] = (*panels.COMPONENTS, *tables.COMPONENTS, *doings.COMPONENTS, *boards.COMPONENTS)

_STYLE = re.compile(r"\s*<style>.*?</style>\s*", re.DOTALL)


def themes() -> dict[str, dict[str, str]]:
    """The values of JupyterLab's theme variables that the lab uses, by theme.

    Source: the CSS of @jupyterlab/theme-light-extension and @jupyterlab/theme-dark-extension 4.6; a test compares.
    """
    return dict(json.loads((Path(__file__).with_name("templates") / "themes.json").read_text(encoding="utf-8")))


def lifted(output: str) -> tuple[str, list[str]]:
    """An output without its style sheets, and the style sheets: a page has them once, in its head."""
    return _STYLE.sub("", output), [style.strip() for style in _STYLE.findall(output)]


def page() -> str:
    """The whole page, which needs no other file, no script and no network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    shown, styles = [], dict[str, None]()
    for component in COMPONENTS:
        states = []
        for state in component.make():
            html, own_styles = lifted(state.output)
            styles |= dict.fromkeys(own_styles)
            states.append((state.name, Markup(html)))
        shown.append((component, states))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    template = environment.get_template("page.html.j2")
    return template.render(shown=shown, styles=map(Markup, styles), themes=themes())
