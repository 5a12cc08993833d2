"""The form for AWS keys: a secret is in no widget when anything else happens, and in no text ever."""

from __future__ import annotations

import pytest

from labkit.model.errors import CredentialsRefused, InvalidInput, ServiceUnreachable
from labkit.views.forms.keys import HIDE_PAGE, SECRETS, SHOW_PAGE, aws_keys_form
from labkit.views.forms.parts import Form
from labkit.views.panels.basic import Note
from tests.unit.views.form_driver import all_words, everything, press, saved_state

KEY_ID, SECRET, TOKEN = "AKIACANARYCANARYCANA", "canary-secret-access-key-0123456789abcdef", "canary-token"
CANARIES = (KEY_ID, SECRET, TOKEN)
USE = "Check and use"


def type_keys(form: Form) -> None:
    for name, value in zip(("access key id", "secret access key", "session token"), CANARIES, strict=True):
        form.fields[name].value = value


def everything_saved(form: Form) -> str:
    """Widget state, words and reprs: all that could reach a saved notebook."""
    parts = [saved_state(), repr(form), str(vars(form)), all_words(form), *map(repr, everything(form.box))]
    return " ".join(parts)


def test_both_keys_the_token_the_region_and_the_tick_are_handed_over():
    given = []
    form = aws_keys_form("us-east-1", lambda *values: given.append(values) or Note("Good"))
    type_keys(form)
    form.fields["region"].value = "eu-west-1"

    assert press(form, USE) == "Good"
    assert given == [(KEY_ID, SECRET, TOKEN, "eu-west-1", True, False)]


def test_secrets_are_out_of_the_widgets_as_soon_as_they_arrive_and_before_anything_is_called():
    def submit(*_: object) -> Note:
        assert not any(canary in everything_saved(form) for canary in CANARIES)
        return Note("Good")

    form = aws_keys_form("us-east-1", submit)
    type_keys(form)

    assert not any(canary in everything_saved(form) for canary in CANARIES)
    assert "✓ 20 characters received" in form.fields["access key id"].placeholder
    assert press(form, USE) == "Good"


@pytest.mark.parametrize(
    ("error", "typed_again"),
    [
        (InvalidInput("Too short.", field="secret access key"), ["secret access key"]),
        (CredentialsRefused("The secret is another one.", code="SignatureDoesNotMatch"), ["secret access key"]),
        (CredentialsRefused("Nobody has this key.", code="InvalidClientTokenId"), ["access key id"]),
        (CredentialsRefused("Another token.", code="InvalidToken"), ["session token"]),
        (CredentialsRefused("They have expired.", code="ExpiredToken"), list(SECRETS)),
        (ServiceUnreachable("Nothing answers."), []),
        (KeyError(SECRET), []),
    ],
)
def test_only_the_field_at_fault_is_emptied_and_what_is_kept_is_seen_nowhere(error, typed_again, caplog):
    given = []

    def submit(*values: object) -> Note:
        given.append(values[:3])
        raise error

    form = aws_keys_form("us-east-1", submit)
    type_keys(form)
    words = press(form, USE)
    press(form, USE)

    assert "✕" in words
    assert [name for name, value in zip(SECRETS, given[1], strict=True) if not value] == typed_again
    assert not any(canary in everything_saved(form) + caplog.text for canary in CANARIES)


def test_keys_that_were_accepted_are_forgotten():
    given = []
    form = aws_keys_form("us-east-1", lambda *values: given.append(values[:3]) or Note("Good"))
    type_keys(form)
    press(form, USE)
    press(form, USE)

    assert given == [CANARIES, ("", "", "")]


def test_whether_to_overwrite_other_keys_is_asked_when_it_matters_and_the_yes_counts_once():
    given = []

    def submit(*values: object) -> Note:
        given.append(values)
        if not values[-1]:
            raise InvalidInput("Other keys are there.", field="overwrite")
        return Note("Overwritten")

    form = aws_keys_form("us-east-1", submit)
    tick = form.fields["overwrite"]
    type_keys(form)
    assert tick.layout.display == "none"
    press(form, USE)
    assert tick.layout.display is None
    parts = everything(form.box)
    assert parts.index(form.buttons[USE]) < parts.index(form.message) < parts.index(tick)  # it moves no button away
    assert not any(canary in everything_saved(form) for canary in CANARIES)

    tick.value = True
    assert press(form, USE) == "Overwritten"
    assert given[1] == (KEY_ID, SECRET, TOKEN, "us-east-1", True, True)
    assert (tick.value, tick.layout.display) == (False, "none")


def test_a_secret_typed_again_replaces_the_one_before():
    form = aws_keys_form("us-east-1", lambda *values: Note("Good", values[0]))
    form.fields["access key id"].value = "first"
    form.fields["access key id"].value = "second"

    assert press(form, USE) == "Good second"


def test_the_form_of_secrets_uses_password_fields_that_are_sent_once():
    form = aws_keys_form("us-east-1", lambda *_: Note("Good"))
    secrets = [form.fields[name] for name in ("access key id", "secret access key", "session token")]

    assert {type(field).__name__ for field in secrets} == {"Password"}
    assert not any(field.continuous_update for field in secrets)


def test_the_labels_use_both_names_of_each_key_and_say_what_keeping_means():
    form = aws_keys_form("us-east-1", lambda *_: Note("Good"), known="the key that ends in WXYZ")
    labels = [field.description for field in form.fields.values()]

    assert labels[:2] == ["API Key (access key id)", "API Secret Key (secret access key)"]
    assert any("the AWS CLI (profile self-protecting-cloud)" in label for label in labels)
    assert form.fields["keep"].value is True
    assert "the key that ends in WXYZ" in all_words(form)


def test_without_a_sandbox_there_is_no_button_for_its_page():
    assert list(aws_keys_form("us-east-1", lambda *_: Note("Good")).buttons) == [USE]


def test_the_sandbox_page_is_framed_by_an_address_of_its_own_each_time_and_hidden_again():
    addresses = iter(["http://127.0.0.1:1/once/1", "http://127.0.0.1:1/once/2"])
    form = aws_keys_form("us-east-1", lambda *_: Note("Good"), lambda: next(addresses))

    for number in (1, 2):
        press(form, SHOW_PAGE)
        frames = [part.value for part in everything(form.box) if "<iframe" in str(getattr(part, "value", ""))]
        assert len(frames) == 1
        assert f'src="http://127.0.0.1:1/once/{number}" title="Cloud Accounts"' in frames[0]

    press(form, HIDE_PAGE)
    assert "<iframe" not in saved_state()


def test_opening_the_page_is_not_a_result_of_the_form():
    form = aws_keys_form("us-east-1", lambda *_: Note("Good"), lambda: "http://127.0.0.1:1/once/1")

    assert "The page is open" in press(form, SHOW_PAGE)
    assert "The page is open" not in repr(form)


@pytest.fixture(autouse=True)
def only_widgets_of_this_test():
    """ipywidgets keeps every widget for the saved state; those of other tests are closed."""
    from ipywidgets import Widget

    Widget.close_all()
