"""AWS access keys as typed: cleaned of what was pasted along, and looked at before any service is asked.

No word said here repeats what was typed: the field for the key id may hold the secret.

Source for the forms: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (unique prefixes).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field

from labkit.model.errors import InvalidInput

_KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
_SECRET = re.compile(r"[A-Za-z0-9/+]{40}")
_KEY_ID_LENGTH, _SECRET_LENGTH = 20, 40
_QUOTES = "\"'`“”„‘’‚«»"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_OTHER_PREFIXES = {"AIDA": "a user", "AROA": "a role", "AGPA": "a group", "ANPA": "a policy"}
_KEY_ID_NAME, _SECRET_NAME, _TOKEN_NAME = "access key id", "secret access key", "session token"


@dataclass(frozen=True)
class AccessKeys:
    """A pair of access keys, with the session token if they are temporary; repr shows the key id's last four only.

    >>> AccessKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    <AccessKeys …MPLE>
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def __repr__(self) -> str:
        return f"<AccessKeys …{self.access_key_id[-4:]}>"

    __str__ = __repr__

    def to_dict(self) -> dict[str, str]:
        """The values that are set, by name: what `AccessKeys(**values)` takes."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Examined:
    """Keys as typed, after a look at their form.

    keys: what to use; None when there are problems. cleaned: what was taken away, a sentence each.
    problems: a mend each; `field` is the form field, `code` one of Blank, Swapped, Inside, Length, Form, Temporary,
    LongTerm.
    """

    keys: AccessKeys | None
    cleaned: tuple[str, ...]
    problems: tuple[InvalidInput, ...]

    def require(self) -> AccessKeys:
        """The keys; raises the first problem."""
        if self.keys is None:
            raise self.problems[0]
        return self.keys


def examine(access_key_id: str, secret_access_key: str, session_token: str = "") -> Examined:
    """Look at keys as typed: clean what surrounds them, and tell apart each way in which they cannot be right.

    >>> examined = examine(' "AKIAIOSFODNN7EXAMPLE"', "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    >>> examined.keys, examined.cleaned
    (<AccessKeys …MPLE>, ('Spaces and quotes around the access key id were taken away.',))
    >>> examine("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE").problems[0].code
    'Swapped'
    """
    key_id, key_id_cleaned = _clean(access_key_id, _KEY_ID_NAME)
    secret, secret_cleaned = _clean(secret_access_key, _SECRET_NAME)
    token, token_cleaned = _clean(session_token, _TOKEN_NAME)
    cleaned = tuple(sentence for sentence in (key_id_cleaned, secret_cleaned, token_cleaned) if sentence)
    if _KEY_ID.fullmatch(secret) and not _KEY_ID.fullmatch(key_id) and key_id:
        problems: tuple[InvalidInput | None, ...] = (_swapped(),)
    else:
        problems = (_key_id_problem(key_id), _secret_problem(secret), _token_problem(key_id, token))
    found = tuple(problem for problem in problems if problem is not None)
    return Examined(None if found else AccessKeys(key_id, secret, token), cleaned, found)


def _clean(typed: str, name: str) -> tuple[str, str]:
    """The value without what surrounds it, and a sentence that says what that was; empty when there was nothing."""
    value = typed.strip(_QUOTES + _INVISIBLE + " \t\r\n\v\f\u00a0\u202f")
    before, _, after = typed.partition(value) if value else ("", "", "")
    around = before + after
    kinds = [
        word
        for word, found in (
            ("line breaks", set(around) & set("\r\n")),
            ("spaces", set(around) - set(_QUOTES) - set("\r\n")),
            ("quotes", set(around) & set(_QUOTES)),
        )
        if found
    ]
    return value, f"{' and '.join(kinds).capitalize()} around the {name} were taken away." if kinds else ""


def _key_id_problem(key_id: str) -> InvalidInput | None:
    problem = _blank(key_id, _KEY_ID_NAME) or _inside(key_id, _KEY_ID_NAME)
    if problem or _KEY_ID.fullmatch(key_id):
        return problem
    if len(key_id) != _KEY_ID_LENGTH:
        return _length(key_id, _KEY_ID_NAME, _KEY_ID_LENGTH)
    other = _OTHER_PREFIXES.get(key_id[:4])
    why = f"It begins as the id of {other} does." if other else "It does not begin with AKIA or ASIA, then capitals."
    return _problem(
        _KEY_ID_NAME,
        "Form",
        "This is not an access key id.",
        f"{why} An access key id is AKIA (temporary: ASIA) and 16 capital letters or digits.",
        "Copy the access key id again: it stands beside the secret access key.",
    )


def _secret_problem(secret: str) -> InvalidInput | None:
    problem = _blank(secret, _SECRET_NAME) or _inside(secret, _SECRET_NAME)
    if problem or _SECRET.fullmatch(secret):
        return problem
    if len(secret) != _SECRET_LENGTH:
        return _length(secret, _SECRET_NAME, _SECRET_LENGTH)
    return _problem(
        _SECRET_NAME,
        "Form",
        "This is not a secret access key.",
        "It holds a character that no secret access key has; they are letters, digits, / and +.",
        "Copy the secret access key again, whole and alone.",
    )


def _token_problem(key_id: str, token: str) -> InvalidInput | None:
    if token and key_id.startswith("AKIA"):
        return _problem(
            _TOKEN_NAME,
            "LongTerm",
            "A session token was given with long-term keys.",
            "A key id that begins with AKIA has none, and AWS refuses the two together.",
            "Leave the session token blank, or give the key id that came with it, which begins with ASIA.",
        )
    if token:
        return _inside(token, _TOKEN_NAME)
    if not key_id.startswith("ASIA") or not _KEY_ID.fullmatch(key_id):
        return None
    return _problem(
        _TOKEN_NAME,
        "Temporary",
        "These are temporary keys without their session token.",
        "A key id that begins with ASIA works only together with the session token that came with it.",
        "Give the session token too (AWS_SESSION_TOKEN), or use long-term keys, which begin with AKIA.",
    )


def _swapped() -> InvalidInput:
    return _problem(
        _KEY_ID_NAME,
        "Swapped",
        "The two keys are swapped.",
        "The field for the secret access key holds an access key id (AKIA…).",
        "Put the access key id, 20 characters, into the first field and the secret, 40 characters, into the second.",
    )


def _blank(value: str, name: str) -> InvalidInput | None:
    if value:
        return None
    return _problem(name, "Blank", f"The {name} is blank.", "Both keys are needed.", f"Paste the {name}.")


def _inside(value: str, name: str) -> InvalidInput | None:
    kinds = (
        (r"[\r\n\v\f]", "a line break"),
        (r"\s", "a space"),
        (f"[{re.escape(_QUOTES)}]", "a quote"),
        (f"[{_INVISIBLE}]", "an invisible character"),
    )
    found = next((what for pattern, what in kinds if re.search(pattern, value)), None)
    if found is None:
        return None
    return _problem(
        name,
        "Inside",
        f"The {name} has {found} inside.",
        "Perhaps both keys, or a label, were pasted into one field, or a line was wrapped.",
        f"Copy the {name} again, whole and alone.",
    )


def _length(value: str, name: str, wanted: int) -> InvalidInput:
    cut = "part of it is missing" if len(value) < wanted else "something was pasted along"
    return _problem(
        name,
        "Length",
        f"The {name} has the wrong length: {len(value)} characters.",
        f"It has {wanted} characters, so {cut}.",
        f"Copy the {name} again, whole and alone.",
    )


def _problem(name: str, code: str, what: str, why: str, next_step: str) -> InvalidInput:
    return InvalidInput(what, why, next_step, field=name, code=code)
