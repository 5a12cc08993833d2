"""Queries of list calls and the tokens between their pages.

A token contains its query: some clients repeat their parameters with it, others drop them, and both see the same pages.
It names the last row seen, so rows added between two pages are neither repeated nor skipped.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import orjson

from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.store.database import After, Selection
from labkit.sandbox.detection.timestamps import parse_time

# Published samples hold ids that only look like UUIDs, and very old agents have 24 hex digits: never be strict here.
_ID = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+){4}|[0-9A-Fa-f]{24}")


def checked_id(text: str, name: str = "id") -> str:
    """An id as it was received. Raises ApiError (400) if it cannot be one."""
    if _ID.fullmatch(text) is None:
        raise ApiError(400, f"{name} {text!r} is not a UUID")
    return text


@dataclass(frozen=True)
class Question:
    """The parameters of one list call, from its query or from its token; unknown ones are ignored."""

    noun: str
    parameters: Mapping[str, str]
    after: After | None = None

    @classmethod
    def of(cls, noun: str, query: Mapping[str, str]) -> Question:
        """The parameters of a request. Raises ApiError (400) for an invalid token, or one of another list."""
        token = query.get("token")
        if not token:
            return cls(noun, dict(query.items()))
        try:
            made_for, parameters, (created_at, identifier) = orjson.loads(base64.urlsafe_b64decode(token + "=="))
        except (binascii.Error, ValueError, TypeError):
            made_for = None
        if made_for != noun or not isinstance(parameters, dict) or not _is_time(created_at):
            raise ApiError(400, "token is not one that this list issued")
        texts = {str(name): str(value) for name, value in parameters.items()}
        return cls(noun, texts, (created_at, str(identifier)))

    def token(self, after: After | None) -> str | None:
        """The token of the page after that row; None if there is no row."""
        if after is None:
            return None
        packed = orjson.dumps([self.noun, {**self.parameters}, after])
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def reply(self, items: Sequence[Any], after: After | None = None) -> dict[str, Any]:
        """The list under its noun, and the token. A published client accepts no third field."""
        return {self.noun: items, "token": self.token(after)}

    def text(self, name: str) -> str | None:
        """A parameter, None if it is absent or empty."""
        return self.parameters.get(name) or None

    def id(self, name: str) -> str | None:
        """A parameter that is an id."""
        text = self.text(name)
        return None if text is None else checked_id(text, name)

    @overload
    def choice(self, name: str, choices: Collection[str], *, required: Literal[True]) -> str: ...

    @overload
    def choice(self, name: str, choices: Collection[str]) -> str | None: ...

    def choice(self, name: str, choices: Collection[str], *, required: bool = False) -> str | None:
        """A parameter with a limited choice of words."""
        text = self.text(name)
        if text is None and not required:
            return None
        if text not in choices:
            given = "is missing" if text is None else f"has invalid value {text!r}"
            raise ApiError(400, f"parameter {name} {given}; it must be one of {', '.join(choices)}")
        return text

    def selection(self, **columns: object) -> Selection:
        """The rows with these values, None for any, between the parameters `from` and `until`."""
        return Selection(columns, *span(self.text("from"), self.text("until")))


def _is_time(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**63  # sqlite holds no larger number


def span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Two optional times of the API in milliseconds. Raises ApiError (400) for another form or the wrong order."""
    try:
        from_ms = None if start is None else parse_time(start)
        until_ms = None if end is None else parse_time(end)
    except ValueError as error:
        raise ApiError(400, str(error)) from error
    if from_ms is not None and until_ms is not None and from_ms > until_ms:
        raise ApiError(400, "from is later than until")
    return from_ms, until_ms
