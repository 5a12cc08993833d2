"""The form for the detection service's application key. It is kept in memory only."""

from __future__ import annotations

from collections.abc import Callable

from labkit.model.errors import InvalidInput, ServiceError
from labkit.views.forms.keys import WIDE_LABEL, SecretField
from labkit.views.forms.parts import Form, LinkTo, field_layout, no_link
from labkit.views.panels.basic import Note
from labkit.views.view import View


def detection_key_form(
    user_id: str,
    organization_id: str,
    submit: Callable[[str, str, str], View],
    known: str,
    *,
    link_to: LinkTo = no_link,
) -> Form:
    """Fields for user id, API key and organization id; a blank key keeps the one that is known. known: in words."""

    form = Form(Note("The detection service's key", known), link_to, head=True)
    form.fields["user id"] = _text("User ID", user_id)
    secret = SecretField("API key", "leave it blank to use the one the lab knows")
    form.fields["api key"] = secret.widget
    form.fields["organization id"] = _text("Organization ID", organization_id)

    def use() -> View:
        try:
            shown = submit(form.fields["user id"].value, secret.typed, form.fields["organization id"].value)
        except (InvalidInput, ServiceError) as error:
            if not isinstance(error, InvalidInput) or error.field.replace("_", " ") == "api key":
                secret.clear()
            raise
        secret.clear()
        return shown

    button = form.add_button("Check and use", "Checking…", use)
    form.put(*form.fields.values(), button)
    return form


def _text(description: str, value: str) -> object:
    from ipywidgets import Text

    layout = field_layout()
    return Text(value=value, description=description, style=WIDE_LABEL, layout=layout, continuous_update=False)
