"""The block of keys that each student of a class is handed: lines of NAME=value, so that it is an environment too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from labkit.model.errors import InvalidInput
from labkit.model.pasted import without_invisible
from labkit.model.student import parse_student_number

_FINGERPRINT = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){31}")
_COPY = "Copy the whole block that your instructor gave you, from LABKIT_STUDENT to its last line, and try again."


@dataclass(frozen=True)
class ClassKeys:
    """What a student of a class needs: where both services answer, and keys for them (in no repr).

    fingerprint: of the one certificate to trust there; "" for the usual ones, or without TLS.
    """

    student: int
    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    user_id: str
    organization_id: str
    api_key: str = field(repr=False)
    fingerprint: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """The block's names and values, in its order."""
        return {
            "LABKIT_STUDENT": str(self.student),
            "LABKIT_AWS": "live",
            "LABKIT_DETECTION": "live",
            **({"LABKIT_CERTIFICATE": self.fingerprint} if self.fingerprint else {}),  # the last line is always needed
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "LABKIT_DETECTION_URL": self.url,
            "TS_USER_ID": self.user_id,
            "TS_ORGANIZATION_ID": self.organization_id,
            "TS_API_KEY": self.api_key,
        }

    @property
    def block(self) -> str:
        """The lines to hand out.

        >>> print(ClassKeys(7, "https://10.0.0.5:8443", "AKIA", "secret", "id", "org", "key").block.splitlines()[0])
        LABKIT_STUDENT=7
        """
        return "".join(f"{name}={value}\n" for name, value in self.variables.items())

    @classmethod
    def parse(cls, text: str) -> ClassKeys:
        """The keys in a block as it was pasted; what is around its names and values does not matter.

        Raises InvalidInput for a value that is missing or malformed, and for two blocks at once. The error never
        repeats a value that may be a key.
        """
        found = _named(text)
        missing = [name for name in _NEEDED if not found.get(name)]
        if missing:
            raise _refused(f"The block lacks {', '.join(missing)}.", "Every line of it is needed.", missing[0])
        url, other = (_checked_url(found, name) for name in ("AWS_ENDPOINT_URL", "LABKIT_DETECTION_URL"))
        if url != other:
            why = "A class has one sandbox for AWS and detection, and these are two."
            raise _refused(f"AWS_ENDPOINT_URL is {url}, and LABKIT_DETECTION_URL is {other}.", why, "AWS_ENDPOINT_URL")
        return cls(
            student=parse_student_number(found["LABKIT_STUDENT"]),
            url=url,
            access_key_id=found["AWS_ACCESS_KEY_ID"],
            secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
            user_id=found["TS_USER_ID"],
            organization_id=found["TS_ORGANIZATION_ID"],
            api_key=found["TS_API_KEY"],
            fingerprint=_checked_fingerprint(found, url),
        )


_NEEDED = (
    "LABKIT_STUDENT", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LABKIT_DETECTION_URL",
    "TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY",
)  # fmt: skip

_NAMES = (*_NEEDED, "LABKIT_AWS", "LABKIT_DETECTION", "LABKIT_CERTIFICATE")
_ASSIGNMENT = re.compile(
    rf"(?<![A-Z0-9_])({'|'.join(_NAMES)})[\"']?[ \t]*[=:][ \t]*[\"'“”`<]*([^\s\"'“”`<>,;]*)", re.IGNORECASE
)


def _named(text: str) -> dict[str, str]:
    """The names and values in a text. Mail quotes them with `>`, and a chat may join the lines or fence them."""
    found: dict[str, str] = {}
    for name, value in _ASSIGNMENT.findall(without_invisible(text)):
        if found.setdefault(name.upper(), value) != value:
            raise _refused(f"{name.upper()} appears twice.", "These may be the blocks of two students.", name.upper())
    if not found:
        raise _refused("No block of keys was found.", "It has no line such as LABKIT_STUDENT=7.", "block")
    return found


def _checked_url(found: Mapping[str, str], name: str) -> str:
    url = found[name].rstrip("/")
    with suppress(ValueError):  # half a bracket, or a port beyond 65535
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0 and not re.search(r"[\s\x00-\x1f]", url)
        if parts.scheme in ("http", "https") and named and not (parts.username or parts.path or parts.query):
            return url
    raise _refused(f"{name} is not an address.", "An address looks like https://10.0.0.5:8443", name)


def _checked_fingerprint(found: Mapping[str, str], url: str) -> str:
    given = found.get("LABKIT_CERTIFICATE", "").upper()
    colons = given if ":" in given else ":".join(given[n : n + 2] for n in range(0, len(given), 2))
    if given and not _FINGERPRINT.fullmatch(colons):
        why = "A fingerprint is 32 pairs of hexadecimal digits, separated by colons."
        raise _refused("LABKIT_CERTIFICATE is not a SHA-256 fingerprint.", why, "LABKIT_CERTIFICATE")
    if given and not url.startswith("https:"):
        why = "Only an address that begins with https: has a certificate."
        raise _refused(f"There is a certificate, but the address is {url}.", why, "LABKIT_CERTIFICATE")
    return colons


def _refused(what: str, why: str, field_name: str) -> InvalidInput:
    return InvalidInput(what, why, _COPY, field=field_name)
