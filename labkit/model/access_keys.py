"""AWS access keys as typed: cleaned of what was pasted with them, and checked before any service is called.

No message repeats what was typed: the field for the key id may hold the secret.

Source for the forms: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (unique prefixes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from labkit.model.errors import InvalidInput
from labkit.model.key_block import KEY_ID, SECRET, TOKEN, find_keys
from labkit.model.pasted import QUOTES, clean

_KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
_SECRET = re.compile(r"[A-Za-z0-9/+]{40}")
_TOKEN = re.compile(r"[A-Za-z0-9/+%_.-]+={0,2}")
_KEY_ID_LENGTH, _SECRET_LENGTH = 20, 40
_OTHER_PREFIXES = {"AIDA": "a user", "AROA": "a role", "AGPA": "a group", "ANPA": "a policy"}
_SHORTEST_TOKEN = 100
"""AWS's have several hundred characters; their length is not documented."""


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
    """Keys as typed, after a check of their form.

    keys: what to use; None if there are problems. cleaned: what was removed, one sentence each. problems: `field` is
    the form field, `code` one of Blank, Swapped, Inside, Length, Form, Temporary, LongTerm.
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
    """Check keys as typed: remove what surrounds them, and say in which way they are wrong.

    All three may have been pasted into any one of the fields, as a profile or in another form that `key_block` knows.

    >>> examined = examine(' "AKIAIOSFODNN7EXAMPLE"', "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    >>> examined.keys, examined.cleaned
    (<AccessKeys …MPLE>, ('Spaces and quotes around the access key id were removed.',))
    >>> examine("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE").problems[0].code
    'Swapped'
    """
    (key_id, secret, token), cleaned = _sort({KEY_ID: access_key_id, SECRET: secret_access_key, TOKEN: session_token})
    if _KEY_ID.fullmatch(secret) and not _KEY_ID.fullmatch(key_id) and key_id:
        problems: tuple[InvalidInput | None, ...] = (_swapped(),)
    else:
        problems = (_key_id_problem(key_id), _secret_problem(secret), _token_problem(key_id, token))
    found = tuple(problem for problem in problems if problem is not None)
    return Examined(None if found else AccessKeys(key_id, secret, token), cleaned, found)


def received(field: str, typed: str) -> str:
    """What a field received, in a few words that repeat nothing of it; ✓ only if its form is correct.

    >>> received("access key id", "hello")
    '5 characters received, 20 expected'
    >>> received("secret access key", "AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    '✓ access key id and secret access key received'
    """
    value = clean(typed).value
    if not _has_form(field, value) and (block := find_keys(typed)):
        right = all(_has_form(name, value) for name, value in block.items())
        return f"{'✓ ' if right else ''}{_listed(list(block))} received"
    expected = {KEY_ID: _KEY_ID_LENGTH, SECRET: _SECRET_LENGTH}.get(field)
    if _has_form(field, value):
        return f"✓ {len(value)} characters received"
    wanted = f", {expected} expected" if expected and len(value) != expected else ""
    return f"{len(value)} characters received{wanted}"


def _has_form(field: str, value: str) -> bool:
    if field == TOKEN:
        return len(value) >= _SHORTEST_TOKEN and _TOKEN.fullmatch(value) is not None
    return (_KEY_ID if field == KEY_ID else _SECRET).fullmatch(value) is not None


def _sort(typed: Mapping[str, str]) -> tuple[tuple[str, str, str], tuple[str, ...]]:
    """The key id, the secret and the token from the three fields, and what was done to find them."""
    own: dict[str, str] = {}
    blocks: dict[str, str] = {}
    sentences: list[str] = []
    for name, text in typed.items():
        pasted = clean(text)
        block = {} if _has_form(name, pasted.value) else find_keys(text)
        if block:
            blocks = {**block, **blocks}
            sentences.append(_taken(name, list(block)))
        else:
            own[name] = pasted.value
            sentences += pasted.sentences(name)
    chosen = [_better(name, own.get(name, ""), blocks.get(name, "")) for name in (KEY_ID, SECRET, TOKEN)]
    return (chosen[0], chosen[1], chosen[2]), tuple(sentences)


def _better(field: str, own: str, in_block: str) -> str:
    """What was typed into the field itself, unless only the value in another field has the right form."""
    if not own or (in_block and not _has_form(field, own) and _has_form(field, in_block)):
        return in_block
    return own


def _taken(field: str, names: list[str]) -> str:
    if names == [field]:
        return f"Everything around the {field} was removed."
    return f"The {_listed(names)} {'was' if len(names) == 1 else 'were'} found in what was pasted as the {field}."


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _key_id_problem(key_id: str) -> InvalidInput | None:
    problem = _blank(key_id, KEY_ID) or _inside(key_id, KEY_ID)
    if problem or _KEY_ID.fullmatch(key_id):
        return problem
    if len(key_id) != _KEY_ID_LENGTH:
        return _length(key_id, KEY_ID, _KEY_ID_LENGTH)
    other = _OTHER_PREFIXES.get(key_id[:4])
    why = f"It begins like the id of {other}." if other else "It does not begin with AKIA or ASIA, then capitals."
    return _problem(
        KEY_ID,
        "Form",
        "This is not an access key id.",
        f"{why} An access key id is AKIA (temporary: ASIA) and 16 capital letters or digits.",
        "Copy the access key id again: it is shown beside the secret access key.",
    )


def _secret_problem(secret: str) -> InvalidInput | None:
    problem = _blank(secret, SECRET) or _inside(secret, SECRET)
    if problem or _SECRET.fullmatch(secret):
        return problem
    if len(secret) != _SECRET_LENGTH:
        return _length(secret, SECRET, _SECRET_LENGTH)
    return _problem(
        SECRET,
        "Form",
        "This is not a secret access key.",
        "It contains a character other than letters, digits, / and +.",
        "Copy the secret access key again, whole and alone.",
    )


def _token_problem(key_id: str, token: str) -> InvalidInput | None:
    if token and key_id.startswith("AKIA"):
        return _problem(
            TOKEN,
            "LongTerm",
            "A session token was given with long-term keys.",
            "A key id that begins with AKIA has none, and AWS refuses the two together.",
            "Leave the session token blank, or give the key id that came with it, which begins with ASIA.",
        )
    if token:
        return _inside(token, TOKEN)
    if not key_id.startswith("ASIA") or not _KEY_ID.fullmatch(key_id):
        return None
    return _problem(
        TOKEN,
        "Temporary",
        "These are temporary keys without their session token.",
        "A key id that begins with ASIA works only together with the session token that came with it.",
        "Give the session token too (AWS_SESSION_TOKEN), or use long-term keys, which begin with AKIA.",
    )


def _swapped() -> InvalidInput:
    return _problem(
        KEY_ID,
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
        (f"[{re.escape(QUOTES)}]", "a quote"),
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
    cut = "part of it is missing" if len(value) < wanted else "something else was pasted with it"
    return _problem(
        name,
        "Length",
        f"The {name} has the wrong length: {len(value)} characters.",
        f"It has {wanted} characters, so {cut}.",
        f"Copy the {name} again, whole and alone.",
    )


def _problem(name: str, code: str, what: str, why: str, next_step: str) -> InvalidInput:
    return InvalidInput(what, why, next_step, field=name, code=code)
