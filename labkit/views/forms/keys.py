"""The form for AWS keys. Secrets are taken out of their fields as they arrive, and never put into a widget by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labkit.model.errors import InvalidInput
from labkit.model.settings import PROFILE
from labkit.views.forms.parts import LABEL_STYLE, LOCK, Form, LinkTo, area, field_layout, no_link, row
from labkit.views.panels.basic import Note
from labkit.views.render import render
from labkit.views.view import View

KEEP_WORDS = f"Keep for the other chapters and for the AWS CLI (profile {PROFILE})"
OVERWRITE_WORDS = "Overwrite the other keys that this profile holds"
SHOW_PAGE, HIDE_PAGE = "Show the sandbox’s Cloud Accounts page", "Hide that page"
SECRETS = {
    "access key id": ("API Key (access key id)", "20 characters"),
    "secret access key": ("API Secret Key (secret access key)", "40 characters"),
    "session token": ("Session token", "only for temporary keys"),
}
WIDE_LABEL = {**LABEL_STYLE, "description_width": "20em"}

Submit = Callable[[str, str, str, str, bool, bool], View]
"""access key id, secret access key, session token, region, keep, overwrite."""


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

    form = Form(Note("AWS keys in use", known or "none yet"), link_to, head=bool(known))
    secrets = [SecretField(description, hint) for description, hint in SECRETS.values()]
    form.fields.update(zip(SECRETS, (secret.widget for secret in secrets), strict=True))
    form.fields["region"] = Text(
        value=region, description="Region", style=WIDE_LABEL, layout=field_layout(), continuous_update=False
    )
    form.fields["keep"] = Checkbox(value=True, description=KEEP_WORDS, indent=False, layout=Layout(width="100%"))
    form.fields["overwrite"] = Checkbox(description=OVERWRITE_WORDS, indent=False, layout=Layout(width="100%"))
    overwrite = _Question(form.fields["overwrite"])
    page = _page_rows(form, show_cloud_account) if show_cloud_account is not None else []

    def use() -> View:
        typed = key_id, secret_key, token = tuple(secret.take() for secret in secrets)
        try:
            return submit(
                key_id, secret_key, token, form.fields["region"].value, form.fields["keep"].value, overwrite.answer()
            )
        except InvalidInput as error:
            if error.field == "overwrite":
                overwrite.ask()
                for secret, value in zip(secrets, typed, strict=True):
                    secret.hold(value)  # so that the answer is all that is left to give
            raise

    button = form.add_button("Check and use", "Checking…", use)
    form.put(*page, *form.fields.values(), button)
    return form


class SecretField:
    """A password field that holds what was typed for no longer than its way to the kernel takes.

    What arrives is taken out of the widget at once, since a notebook may be saved, widget state and all, before the
    button is pressed; and taken later than the click, when JupyterLab delivers the two by different threads.
    """

    def __init__(self, description: str, hint: str) -> None:
        from ipywidgets import Password

        self._typed, self._hint = "", hint
        self.widget = Password(
            description=description,
            placeholder=hint,
            style=WIDE_LABEL,
            layout=field_layout(),
            continuous_update=False,  # sent once, when the field is left
        )
        self.widget.observe(self._arrived, names="value")

    def _arrived(self, change: Mapping[str, Any]) -> None:
        if change["new"]:
            typed, self.widget.value = change["new"], ""
            self.hold(typed)

    def hold(self, typed: str) -> None:
        """Keep what was typed until it is taken."""
        self._typed = typed
        self.widget.placeholder = f"✓ {len(typed)} characters received" if typed else self._hint

    def take(self) -> str:
        """What was typed, once: afterwards the field is as new."""
        typed, self._typed = self._typed, ""
        self.widget.placeholder = self._hint
        return typed


class _Question:
    """A tick that is not seen before it is asked for, and counts once."""

    def __init__(self, tick: Any) -> None:
        self._tick = tick
        tick.layout.display = "none"

    def ask(self) -> None:
        self._tick.layout.display = None

    def answer(self) -> bool:
        """Whether it was ticked; afterwards it is as new."""
        ticked, self._tick.value, self._tick.layout.display = bool(self._tick.value), False, "none"
        return ticked


def _page_rows(form: Form, show_cloud_account: Callable[[], str]) -> list[Any]:
    """Buttons that open and close the sandbox's page inside the form."""
    from ipywidgets import Button, Layout

    page = area()

    def open_page() -> View:
        page.value = str(render("cloud_account_frame.html.j2", url=show_cloud_account()))
        return Note("The page is open above the fields", "Copy each key into its field, then hide the page.")

    def close_page(_: Button) -> None:
        with LOCK:
            page.value = form.message.value = ""

    hide = Button(description=HIDE_PAGE, layout=Layout(width="max-content"))
    hide.on_click(close_page)
    form.buttons[HIDE_PAGE] = hide
    show = form.add_button(SHOW_PAGE, "Opening…", open_page, lasting=False)
    return [row(show, hide), page]
