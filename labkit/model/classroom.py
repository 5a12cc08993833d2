"""A class: many students at one sandbox, each with an AWS account of their own, and the block of keys each is handed.

A block is lines of NAME=value, so that it is an environment too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from labkit.model.errors import InvalidInput
from labkit.model.settings import parse_student_number

MOST_STUDENTS = 999
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){31}")
_COPY = "Copy the whole block that your instructor gave you, from LABKIT_STUDENT to its last line, and try again."


def account_of(student: int) -> str:
    """The AWS account of a student of a class.

    >>> account_of(7)
    '000000000007'
    """
    return f"{student:012d}"


def is_of_class(account: str) -> bool:
    """Whether an account is a student's of a class, and so nobody's real one.

    >>> is_of_class("000000000007"), is_of_class("123456789012")
    (True, False)
    """
    return re.fullmatch("0{9}[0-9]{3}", account) is not None


def user_of(student: int) -> str:
    """The name of a student's user, in AWS and in the detection service.

    >>> user_of(7)
    'student7'
    """
    return f"student{student}"


def host_of(student: int) -> str:
    """The name of the host that a student's agent is on.

    >>> host_of(7)
    'udf-host-7'
    """
    return f"udf-host-{student}"


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 fingerprint of a certificate (DER), as openssl writes it.

    >>> fingerprint(b"")[:11]
    'E3:B0:C4:42'
    """
    return hashlib.sha256(certificate).digest().hex(":").upper()


@dataclass(frozen=True)
class ClassKeys:
    """What a student of a class needs: where both services answer, and keys for them (in no repr).

    fingerprint: of the one certificate to trust there; "" where the web's ordinary ones count, or without TLS.
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
        named = {
            "LABKIT_STUDENT": str(self.student),
            "LABKIT_AWS": "live",
            "LABKIT_DETECTION": "live",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "LABKIT_DETECTION_URL": self.url,
            "TS_USER_ID": self.user_id,
            "TS_ORGANIZATION_ID": self.organization_id,
            "TS_API_KEY": self.api_key,
        }
        return named | ({"LABKIT_CERTIFICATE": self.fingerprint} if self.fingerprint else {})

    @property
    def block(self) -> str:
        """The lines to hand out.

        >>> print(ClassKeys(7, "https://10.0.0.5:8443", "AKIA", "secret", "id", "org", "key").block.splitlines()[0])
        LABKIT_STUDENT=7
        """
        return "".join(f"{name}={value}\n" for name, value in self.variables.items())

    @classmethod
    def parse(cls, text: str) -> ClassKeys:
        """The keys in a block as it was pasted; comments, blank lines, quotes and `export` do not matter.

        Raises InvalidInput, which never repeats a value that may be a key, for a line that is missing or cannot be
        right; two blocks at once are refused.
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


def _named(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().strip("\ufeff\u200b")
        if not line or line.startswith("#"):
            continue
        read = _LINE.fullmatch(line)
        if read is None:
            why = "A block is made of lines such as LABKIT_STUDENT=7."
            raise _refused(f"Line {number} is no line of a block.", why, "block")
        name, value = read[1].upper(), read[2].strip().strip("\"'“”")
        if found.setdefault(name, value) != value:
            raise _refused(f"{name} is there twice.", "These may be the blocks of two students.", name)
    if not found:
        raise _refused("There is no block of keys in what was pasted.", "It holds no line such as NAME=value.", "block")
    return found


def _checked_url(found: Mapping[str, str], name: str) -> str:
    url = found[name].rstrip("/")
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and not parts.username and not parts.path:
        return url
    raise _refused(f"{name} is no address.", "An address is such as https://10.0.0.5:8443", name)


def _checked_fingerprint(found: Mapping[str, str], url: str) -> str:
    given = found.get("LABKIT_CERTIFICATE", "").upper()
    colons = given if ":" in given else ":".join(given[n : n + 2] for n in range(0, len(given), 2))
    if given and not _FINGERPRINT.fullmatch(colons):
        why = "It is 32 pairs of the digits 0 to 9 and A to F, with colons between them."
        raise _refused("LABKIT_CERTIFICATE is no SHA-256 fingerprint.", why, "LABKIT_CERTIFICATE")
    if given and not url.startswith("https:"):
        why = "A certificate belongs to an address that begins with https:"
        raise _refused(f"There is a certificate, but the address is {url}.", why, "LABKIT_CERTIFICATE")
    return colons


def _refused(what: str, why: str, field_name: str) -> InvalidInput:
    return InvalidInput(what, why, _COPY, field=field_name)
