"""The form for AWS keys. Secrets are taken out of their fields as they arrive, and never put into a widget by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from labkit.model.access_keys import received
from labkit.model.errors import CredentialsRefused, InvalidInput, LabError
from labkit.model.key_block import KEY_ID, SECRET, TOKEN
from labkit.model.settings import PROFILE
from labkit.views.forms.parts import LABEL_STYLE, LOCK, Form, LinkTo, area, field_layout, no_link, row
from labkit.views.panels.basic import Note
from labkit.views.render import render
from labkit.views.view import View

KEEP_WORDS = f"Keep for the other chapters and for the AWS CLI (profile {PROFILE})"
OVERWRITE_WORDS = "Overwrite the other keys that this profile holds"
SHOW_PAGE, HIDE_PAGE = "Show the sandbox’s Cloud Accounts page", "Hide that page"
SECRETS = {
    KEY_ID: ("API Key (access key id)", "20 characters"),
    SECRET: ("API Secret Key (secret access key)", "40 characters"),
    TOKEN: ("Session token", "only for temporary keys"),
}
_AT_FAULT = {
    "InvalidClientTokenId": KEY_ID,
    "UnrecognizedClientException": KEY_ID,
    "SignatureDoesNotMatch": SECRET,
    "InvalidToken": TOKEN,
}
"""The secret that is wrong, by AWS's error code."""

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
    secrets = [SecretField(description, hint, partial(received, name)) for name, (description, hint) in SECRETS.items()]
    form.fields.update(zip(SECRETS, (secret.widget for secret in secrets), strict=True))
    form.fields["region"] = Text(
        value=region, description="Region", style=WIDE_LABEL, layout=field_layout(), continuous_update=False
    )
    form.fields["keep"] = Checkbox(value=True, description=KEEP_WORDS, indent=False, layout=Layout(width="100%"))
    form.fields["overwrite"] = Checkbox(description=OVERWRITE_WORDS, indent=False, layout=Layout(width="100%"))
    overwrite = _Question(form.fields["overwrite"])

    def use() -> View:
        typed = [secret.typed for secret in secrets]
        ticks = form.fields["keep"].value, overwrite.answer()
        try:
            shown = submit(typed[0], typed[1], typed[2], form.fields["region"].value, *ticks)
        except LabError as error:
            if isinstance(error, InvalidInput) and error.field == "overwrite":
                overwrite.ask()  # the answer is all that is left to give
            for name, secret in zip(SECRETS, secrets, strict=True):
                if name in secrets_at_fault(error):
                    secret.clear()
            raise
        for secret in secrets:
            secret.clear()
        return shown

    buttons, page = [form.add_button("Check and use", "Checking…", use)], []
    if show_cloud_account is not None:
        show, hide, place = _page(form, show_cloud_account)
        buttons, page = [*buttons, show, hide], [place]
    shown = [field for name, field in form.fields.items() if name != "overwrite"]
    form.put(*shown, row(*buttons), *page, below=[form.fields["overwrite"]])
    return form


class SecretField:
    """A password field that keeps what was typed only until the kernel has received it.

    What arrives is removed from the widget at once, since the notebook may be saved with its widget state before the
    button is pressed. It may arrive after the click, when JupyterLab delivers the two in different threads.
    """

    def __init__(self, description: str, hint: str, words: Callable[[str], str] | None = None) -> None:
        """words: the placeholder that describes what arrived, without repeating any of it."""
        from ipywidgets import Password

        self.typed, self._hint, self._words = "", hint, words or _count
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
        """Keep what was typed until it has been used or turns out to be wrong."""
        self.typed = typed
        self.widget.placeholder = self._words(typed) if typed else self._hint

    def clear(self) -> None:
        """Forget what was typed, and show the hint again."""
        self.hold("")


def secrets_at_fault(error: LabError) -> frozenset[str]:
    """The names of the secrets that have to be typed again: all of them if AWS gives no reason.

    >>> sorted(secrets_at_fault(InvalidInput("Too short.", field="secret access key")))
    ['secret access key']
    """
    if isinstance(error, InvalidInput):
        return frozenset({error.field.replace("_", " ")})
    if isinstance(error, CredentialsRefused):
        return frozenset({_AT_FAULT[error.code]}) if error.code in _AT_FAULT else frozenset(SECRETS)
    return frozenset()


def _count(typed: str) -> str:
    return f"{len(typed)} characters received"


class _Question:
    """A checkbox that is hidden until it is needed, and whose tick counts once."""

    def __init__(self, tick: Any) -> None:
        self._tick = tick
        tick.layout.display = "none"

    def ask(self) -> None:
        self._tick.layout.display = None

    def answer(self) -> bool:
        """Whether it was ticked; then clear and hide it."""
        ticked, self._tick.value, self._tick.layout.display = bool(self._tick.value), False, "none"
        return ticked


def _page(form: Form, show_cloud_account: Callable[[], str]) -> tuple[Any, Any, Any]:
    """The buttons that open and close the sandbox's page, and its place. Closing it does not change the message."""
    from ipywidgets import Button, Layout

    page = area()

    def open_page() -> View:
        page.value = str(render("cloud_account_frame.html.j2", url=show_cloud_account()))
        return Note("The page is open", "Copy each key into its field.")

    def close_page(_: Button) -> None:
        with LOCK:
            page.value = ""

    hide = Button(description=HIDE_PAGE, layout=Layout(width="max-content"))
    hide.on_click(close_page)
    form.buttons[HIDE_PAGE] = hide
    show = form.add_button(SHOW_PAGE, "Opening…", open_page, lasting=False)
    return show, hide, page
