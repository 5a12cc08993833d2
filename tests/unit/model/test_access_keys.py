"""Keys as typed: each way in which they cannot be right has its own words, and none of them repeats a key."""

from __future__ import annotations

import pickle
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labkit.model.access_keys import AccessKeys, examine, received
from labkit.model.errors import InvalidInput

KEY_ID = "AKIAQ3EGRTCANARY0001"
SECRET = "c4n4rySECRETc4n4rySECRETc4n4rySECRET0/+x"
TEMPORARY = "ASIAQ3EGRTCANARY0001"
TOKEN = "IQoJb3JpZ2luX2VjE" + "Ab/+9" * 30 + "=="
ID_FIELD, SECRET_FIELD, TOKEN_FIELD = "access key id", "secret access key", "session token"

PROBLEMS = {
    "nothing typed": (("", ""), [("Blank", ID_FIELD), ("Blank", SECRET_FIELD)]),
    "spaces only": (("  ", SECRET), [("Blank", ID_FIELD)]),
    "secret left out": ((KEY_ID, ""), [("Blank", SECRET_FIELD)]),
    "swapped": ((SECRET, KEY_ID), [("Swapped", ID_FIELD)]),
    "swapped, with a line break": ((SECRET + "\n", f" {KEY_ID}"), [("Swapped", ID_FIELD)]),
    "swapped, the secret cut": ((SECRET[:39], KEY_ID), [("Swapped", ID_FIELD)]),
    "key id cut": ((KEY_ID[:19], SECRET), [("Length", ID_FIELD)]),
    "secret with one more": ((KEY_ID, SECRET + "x"), [("Length", SECRET_FIELD)]),
    "the key id twice": ((KEY_ID, KEY_ID), [("Length", SECRET_FIELD)]),
    "space inside": ((KEY_ID[:5] + " " + KEY_ID[5:], SECRET), [("Inside", ID_FIELD)]),
    "wrapped line": ((KEY_ID, SECRET[:20] + "\n" + SECRET[20:]), [("Inside", SECRET_FIELD)]),
    "a quote inside": ((KEY_ID, SECRET[:20] + "”" + SECRET[20:]), [("Inside", SECRET_FIELD)]),
    "small letters": ((KEY_ID.lower(), SECRET), [("Form", ID_FIELD)]),
    "a user's id": (("AIDAQ3EGRTCANARY0001", SECRET), [("Form", ID_FIELD)]),
    "a strange character": ((KEY_ID, SECRET[:-1] + "!"), [("Form", SECRET_FIELD)]),
    "temporary, no token": ((TEMPORARY, SECRET), [("Temporary", TOKEN_FIELD)]),
    "long-term keys with a token": ((KEY_ID, SECRET, "token"), [("LongTerm", TOKEN_FIELD)]),
    "a token with a line break": ((TEMPORARY, SECRET, "to\nken"), [("Inside", TOKEN_FIELD)]),
}


@pytest.mark.parametrize(("typed", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_each_fault_is_distinguished_with_its_field(typed, expected):
    examined = examine(*typed)
    assert [(problem.code, problem.field) for problem in examined.problems] == expected
    assert all(problem.what and problem.why and problem.next_step for problem in examined.problems)
    with pytest.raises(InvalidInput):
        examined.require()


def test_every_kind_of_fault_has_words_of_its_own():
    said = {(p.code, p.field): p.what for typed, _ in PROBLEMS.values() for p in examine(*typed).problems}
    assert len({re.sub(r"\d+", "", what) for what in said.values()}) == len(said)


@pytest.mark.parametrize("typed", [typed for typed, _ in PROBLEMS.values()], ids=PROBLEMS)
def test_no_word_repeats_what_was_typed(typed):
    examined = examine(*typed)
    said = " ".join([*examined.cleaned, *map(str, examined.problems), repr(examined)])
    assert not [part for part in (KEY_ID[:16], KEY_ID.lower(), SECRET[:20], SECRET[20:]) if part in said]


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        (f" {SECRET}", "Spaces around the secret access key were removed."),
        (f"{SECRET}\r\n", "Line breaks around the secret access key were removed."),
        (f"“{SECRET}”", "Quotes around the secret access key were removed."),
        (f"\t'{SECRET}'\n", "Line breaks and spaces and quotes around the secret access key were removed."),
        (
            f"\ufeff{SECRET}",
            "An invisible character was removed from the secret access key: U+FEFF (ZERO WIDTH NO-BREAK SPACE).",
        ),
        (
            f"{SECRET[:20]}\u200e\u00ad{SECRET[20:]}\u3000\u2028\u202a",
            "Invisible characters were removed from the secret access key: U+200E (LEFT-TO-RIGHT MARK), "
            "U+00AD (SOFT HYPHEN), U+3000 (IDEOGRAPHIC SPACE).",
        ),
    ],
)
def test_what_was_pasted_along_with_a_key_is_removed_and_said(pasted, said):
    examined = examine(KEY_ID, pasted)
    assert examined.require() == AccessKeys(KEY_ID, SECRET)
    assert examined.cleaned == (said,)


PROFILE = f"[default] aws_access_key_id = {TEMPORARY} aws_secret_access_key = {SECRET} aws_session_token = {TOKEN}"


@pytest.mark.parametrize("place", range(3))
def test_a_whole_profile_may_be_pasted_into_any_field(place):
    typed = ["", "", ""]
    typed[place] = PROFILE
    examined = examine(*typed)

    assert examined.require() == AccessKeys(TEMPORARY, SECRET, TOKEN)
    assert [len(examined.cleaned), "session token were found" in examined.cleaned[0]] == [1, True]
    assert SECRET not in repr(examined.cleaned)


def test_a_profile_that_is_pasted_into_every_field_is_read_once():
    assert examine(PROFILE, PROFILE, PROFILE).require() == AccessKeys(TEMPORARY, SECRET, TOKEN)


def test_what_was_typed_into_its_own_field_counts_before_what_a_block_brings_unless_it_cannot_be_right():
    assert (
        examine(KEY_ID, f"aws_access_key_id={TEMPORARY} aws_secret_access_key={SECRET}").require().access_key_id
        == KEY_ID
    )
    assert examine("hello", f"{KEY_ID},{SECRET}").require() == AccessKeys(KEY_ID, SECRET)


def test_a_label_before_the_session_token_is_left_out():
    examined = examine(TEMPORARY, SECRET, f"aws_session_token={TOKEN}")

    assert examined.require() == AccessKeys(TEMPORARY, SECRET, TOKEN)
    assert examined.cleaned == ("Everything around the session token was removed.",)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        (ID_FIELD, KEY_ID, "✓ 20 characters received"),
        (ID_FIELD, f" '{KEY_ID}' ", "✓ 20 characters received"),
        (ID_FIELD, "hello", "5 characters received, 20 expected"),
        (ID_FIELD, KEY_ID.lower(), "20 characters received"),
        (SECRET_FIELD, SECRET, "✓ 40 characters received"),
        (SECRET_FIELD, SECRET[1:], "39 characters received, 40 expected"),
        (TOKEN_FIELD, TOKEN, "✓ 169 characters received"),
        (TOKEN_FIELD, "hello", "5 characters received"),
        (ID_FIELD, PROFILE, "✓ access key id, secret access key and session token received"),
        (SECRET_FIELD, f"aws_access_key_id = {KEY_ID[1:]}", "access key id received"),
    ],
)
def test_a_tick_means_that_what_arrived_has_the_right_form(field, typed, said):
    assert received(field, typed) == said


def test_right_keys_are_left_alone():
    examined = examine(KEY_ID, SECRET)
    assert (examined.keys, examined.cleaned, examined.problems) == (AccessKeys(KEY_ID, SECRET), (), ())
    assert examine(TEMPORARY, SECRET, "token==").require() == AccessKeys(TEMPORARY, SECRET, "token==")


def test_keys_show_the_last_four_of_the_key_id_and_nothing_of_the_secret():
    keys = AccessKeys(KEY_ID, SECRET, "a-session-token")
    for shown in (repr(keys), str(keys), f"{keys}", repr([keys]), repr(examine(KEY_ID, SECRET))):
        assert "…0001" in shown
        assert not [secret for secret in (SECRET, KEY_ID, "a-session-token") if secret in shown]
    assert pickle.loads(pickle.dumps(keys)) == keys


@given(
    st.from_regex(r"(AKIA|ASIA)[A-Z0-9]{16}", fullmatch=True),
    st.text(string.ascii_letters + string.digits + "/+", min_size=40, max_size=40),
)
def test_any_keys_of_aws_form_are_accepted_and_the_same_keys_swapped_are_not(key_id, secret):
    assume(not re.fullmatch("[A-Z0-9]+", secret))
    token = "token" if key_id.startswith("ASIA") else ""
    assert examine(key_id, secret, token).require() == AccessKeys(key_id, secret, token)
    assert [problem.code for problem in examine(secret, key_id).problems] == ["Swapped"]


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=10))
def test_any_text_is_either_keys_or_a_problem(key_id, secret, token):
    examined = examine(key_id, secret, token)
    assert (examined.keys is None) == bool(examined.problems)
