"""The form for AWS keys. Secrets: read once, cleared in the same breath, and never put into a widget by code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.model.settings import PROFILE
from labkit.views.form_parts import LABEL_STYLE, LOCK, Form, LinkTo, area, field_layout, no_link, row, words
from labkit.views.forms import before
from labkit.views.panels import Note
from labkit.views.render import render
from labkit.views.shown import Shown

KEEP_WORDS = f"Keep for the other chapters and for the AWS CLI (profile {PROFILE})"
SHOW_PAGE, HIDE_PAGE = "Show the sandbox’s Cloud Accounts page", "Hide that page"
WIDE_LABEL = {**LABEL_STYLE, "description_width": "17em"}

Submit = Callable[[str, str, str, str, bool], Shown]
"""access key id, secret access key, session token, region, keep."""


def aws_keys_form(
    region: str,
    submit: Submit,
    show_cloud_account: Callable[[], str] | None = None,
    known: str = "",
    *,
    link_to: LinkTo = no_link,
) -> Form:
    """Fields for the two keys, the session token of temporary ones, and the region.

    region: the default. known: which keys are in use so far, in words, never the keys.
    show_cloud_account: gives a fresh address of the sandbox's page with the keys to copy, which shows them once. The
    notebook holds that address only, so a notebook saved while the page is open holds no key.
    """
    from ipywidgets import Checkbox, Layout, Text

    form = Form(before("AWS keys", known), link_to)
    form.fields["access key id"] = _secret("API Key (access key id)", "20 characters")
    form.fields["secret access key"] = _secret("API Secret Key (secret access key)", "40 characters")
    form.fields["session token"] = _secret("Session token", "only for temporary keys")
    form.fields["region"] = Text(
        value=region, description="Region", style=WIDE_LABEL, layout=field_layout(), continuous_update=False
    )
    form.fields["keep"] = Checkbox(value=True, description=KEEP_WORDS, indent=False, layout=Layout(width="100%"))
    page = _page_rows(form, show_cloud_account) if show_cloud_account is not None else []
    button = form.add_reading_button("Check and use", "Checking…", lambda: _take(form), lambda given: submit(*given))
    intro = [words(Note("In use", known))] if known else []
    form.put(*intro, *page, *form.fields.values(), button)
    return form


def _secret(description: str, placeholder: str) -> Any:
    """A password field that tells the kernel its value once, when left: typed character by character, the last ones
    could arrive after the field was cleared."""
    from ipywidgets import Password

    return Password(
        description=description,
        placeholder=placeholder,
        style=WIDE_LABEL,
        layout=field_layout(),
        continuous_update=False,
    )


def _take(form: Form) -> tuple[str, str, str, str, bool]:
    """The values of the form; the secret fields are empty afterwards."""
    secrets: list[str] = []
    for name in ("access key id", "secret access key", "session token"):
        secrets.append(form.fields[name].value)
        form.fields[name].value = ""
    key_id, secret, session_token = secrets
    return key_id, secret, session_token, form.fields["region"].value, form.fields["keep"].value


def _page_rows(form: Form, show_cloud_account: Callable[[], str]) -> list[Any]:
    """Buttons that open and close the sandbox's page inside the form."""
    from ipywidgets import Button, Layout

    page = area()

    def open_page() -> Shown:
        page.value = str(render("cloud_account_frame.html.j2", url=show_cloud_account()))
        return Note("The page is open above the fields", "Copy each key into its field, then hide the page.")

    def close_page(_: Button) -> None:
        with LOCK:
            page.value = form.message.value = ""

    hide = Button(description=HIDE_PAGE, layout=Layout(width="max-content"))
    hide.on_click(close_page)
    form.buttons[HIDE_PAGE] = hide
    show = form.add_button(SHOW_PAGE, "Opening…", open_page)
    show.button_style = ""
    return [row(show, hide), page]
