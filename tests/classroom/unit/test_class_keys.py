"""The block of keys that a student of a class is handed."""

from __future__ import annotations

import json

import pytest

from labkit.classroom.class_keys import ClassKeys
from labkit.model.errors import InvalidInput

SECRET, API_KEY = "s" * 40, "a" * 64
KEYS = ClassKeys(
    student=7,
    url="https://192.0.2.5:8443",
    access_key_id="AKIA" + "A" * 16,
    secret_access_key=SECRET,
    user_id="b" * 24,
    organization_id="c" * 24,
    api_key=API_KEY,
    fingerprint=":".join(["AB"] * 32),
)


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        ClassKeys.parse(text)
    assert SECRET not in str(refused.value)
    assert API_KEY not in str(refused.value)
    return str(refused.value)


def test_a_block_is_read_back_as_it_was_written() -> None:
    assert ClassKeys.parse(KEYS.block) == KEYS


def test_what_comes_along_when_a_block_is_pasted_does_no_harm() -> None:
    lines = [f'  export {name.lower()} = "{value}"  ' for name, value in KEYS.variables.items()]
    assert ClassKeys.parse("\ufeff# Student 7\r\n\r\n" + "\r\n".join(lines)) == KEYS


@pytest.mark.parametrize(
    "pasted",
    [
        "Hello, here are your keys:\n" + KEYS.block + "See you tomorrow!",
        KEYS.block.replace("\n", " "),
        "".join(f"> {line}\n" for line in KEYS.block.splitlines()),
        "".join(f">> > {line}\r\n" for line in KEYS.block.splitlines()),
        f"```bash\n{KEYS.block}```",
        "".join(f"`{line}`\n" for line in KEYS.block.splitlines()),
        "; ".join(f"export {line}" for line in KEYS.block.splitlines()),
        "".join(f'$Env:{name} = "{value}"\n' for name, value in KEYS.variables.items()),
        "".join(f"{name}\u00a0=\u200e {value}\u2028" for name, value in KEYS.variables.items()),
        json.dumps(KEYS.variables),
    ],
    ids=[
        "a letter",
        "one line",
        "a mail",
        "a mail's mail",
        "a fence",
        "code",
        "commands",
        "PowerShell",
        "blanks",
        "JSON",
    ],
)
def test_a_block_is_found_in_whatever_carried_it(pasted: str) -> None:
    assert ClassKeys.parse(pasted) == KEYS


def test_a_fingerprint_may_come_without_colons_and_in_small_letters() -> None:
    assert ClassKeys.parse(KEYS.block.replace(KEYS.fingerprint, "ab" * 32)) == KEYS


def test_without_tls_there_is_no_line_for_a_certificate() -> None:
    plain = ClassKeys.parse(KEYS.block.replace("https", "http").replace(KEYS.fingerprint, ""))
    assert "LABKIT_CERTIFICATE" not in plain.block
    assert ClassKeys.parse(plain.block) == plain


@pytest.mark.parametrize(
    "name", sorted(KEYS.variables.keys() - {"LABKIT_AWS", "LABKIT_DETECTION", "LABKIT_CERTIFICATE"})
)
def test_a_line_that_is_missing_is_named(name: str) -> None:
    without = "".join(f"{line}\n" for line in KEYS.block.splitlines() if not line.startswith(f"{name}="))
    assert f"lacks {name}." in refusal(without)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("", "No block of keys"),
        (KEYS.block.replace("STUDENT=7", "STUDENT=0"), "“0” was refused"),
        (KEYS.block.replace("https://", "ftp://"), "not an address"),
        (KEYS.block.replace("192.0.2.5", "[::1"), "not an address"),
        (KEYS.block.replace("192.0.2.5", ""), "not an address"),
        (KEYS.block.replace(":8443", ":84430"), "not an address"),
        (KEYS.block.replace(":8443", ":port"), "not an address"),
        (KEYS.block.replace(":8443", ":8443?a=b"), "not an address"),
        (KEYS.block.replace("URL=https://192.0.2.5", "URL=https://192.0.2.6", 1), "these are two"),
        (KEYS.block.replace("AB:AB", "AB", 1), "not a SHA-256 fingerprint"),
        (KEYS.block.replace("https", "http"), "There is a certificate, but"),
    ],
)
def test_what_cannot_be_right_is_said(wrong: str, words: str) -> None:
    assert words in refusal(wrong)


def test_the_blocks_of_two_students_at_once_are_distinguished_from_one() -> None:
    assert "two students" in refusal(KEYS.block + KEYS.block.replace("STUDENT=7", "STUDENT=8"))


def test_no_secret_is_in_a_repr() -> None:
    assert SECRET not in repr(KEYS)
    assert API_KEY not in repr(KEYS)
