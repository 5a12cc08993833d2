"""The form that asks before everything of the student's is removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from labkit.views.forms.parts import Form, LinkTo, no_link
from labkit.views.panels.clean_up import CleanUpQuestion
from labkit.views.view import View

REMOVE = "Yes, remove everything of mine"


def clean_up_form(
    before: CleanUpQuestion,
    untagged: Sequence[tuple[str, str]],
    submit: Callable[[tuple[str, ...]], View],
    *,
    link_to: LinkTo = no_link,
) -> Form:
    """A button that removes all, with a tick for each VPC that may be the student's.

    before: what would be removed. untagged: ids of these VPCs, and their labels.
    submit: called with the ticked ids.
    """
    from ipywidgets import Checkbox, Layout

    form = Form(before, link_to)
    for vpc_id, name in untagged:
        words = f"{name} has no tag. I made it, with the AWS CLI: delete it too"
        form.fields[vpc_id] = Checkbox(description=words, indent=False, layout=Layout(width="100%"))

    def remove() -> View:
        shown = submit(tuple(vpc_id for vpc_id, tick in form.fields.items() if tick.value))
        form.restate(replace(before, asked=False))
        return shown

    button = form.add_button(REMOVE, "Removing…", remove)
    button.button_style = "warning"
    form.put(*form.fields.values(), button)
    return form
