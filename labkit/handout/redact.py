"""What must not leave this machine: every text of a handout goes through `Redactor.redact`."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

from labkit.model.errors import LabError
from labkit.services import sandbox_process
from labkit.services.environment import joined

LEFT_OUT = "[left out: a secret]"

SHAPES = (
    # Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (unique prefixes)
    r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    # An AWS secret access key; words of small letters and slashes, such as a path, are none.
    r"(?<![\w/+])(?=[a-z/]{0,39}[A-Z0-9+])[A-Za-z0-9/+]{40}(?![\w/+=])",
    # An AWS session token.
    r"(?<![\w/+])(?:IQoJ|FwoG|FQoG)[A-Za-z0-9/+=]{60,}",
    # An API key of the detection service.
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])",
)
"""What a key looks like, whoever it belongs to."""

NAMED = re.compile(
    r"""(?P<name>\b[\w-]*(?:secret|token|passw(?:or)?d|api_?key)[\w-]*["']?\s*[=:,]\s*)(?P<quote>["'])[^"'\s]{8,}(?P=quote)""",
    re.IGNORECASE,
)
"""A value in quotes behind a name that says it is secret: `api_key="…"`."""

IN_ADDRESS = re.compile(
    r"""(?P<name>[?&;][\w-]*(?:secret|token|ticket|passw(?:or)?d|api_?key)[\w-]*=)[^\s&"'<>#`)]{8,}""", re.IGNORECASE
)
"""A value in an address: `?token=…`."""

IN_ENVIRONMENT = re.compile(
    r"^(?P<name>(?:export )?(?![A-Z0-9_]*_(?:FILE|URI|URL|PATH)=)[A-Z0-9_]*"
    r"(?:SECRET|TOKEN|PASSWORD|API_?KEY|ACCESS_KEY)[A-Z0-9_]*=)[^\s\"'$<>()]{8,}$",
    re.MULTILINE,
)
"""A variable as `env` prints it."""

SECRET_VARIABLE = re.compile(r"(?:SECRET|TOKEN|PASSWORD|API_?KEY|ACCESS_KEY|CREDENTIAL)(?!.*_(?:FILE|URI|URL|PATH)$)")
"""Names of environment variables that hold a secret."""

SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Redactor:
    """Takes secrets and this machine's paths out of text.

    secrets: values that are known. folders: a path and the word to show for it.
    """

    secrets: frozenset[str] = frozenset()
    folders: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<Redactor of {len(self.secrets)} secrets>"

    def redact(self, text: str) -> str:
        """The text with words in place of each secret, and paths that mean nothing elsewhere shortened.

        >>> Redactor(folders=(("/home/kim", "~"),)).redact("/home/kim/x: AKIAIOSFODNN7EXAMPLE")
        '~/x: [left out: a secret]'
        """
        if self._known is not None:
            text = self._known.sub(LEFT_OUT, text)
        text = _SHAPE.sub(LEFT_OUT, text)
        text = NAMED.sub(rf"\g<name>\g<quote>{LEFT_OUT}\g<quote>", text)
        for named in (IN_ADDRESS, IN_ENVIRONMENT):
            text = named.sub(rf"\g<name>{LEFT_OUT}", text)
        if self._paths is None:
            return text
        return self._paths.sub(lambda found: self._words[found[0]], text)

    def redact_html(self, html: str) -> str:
        """The same for HTML, in which a letter may be written as its number: `&#x2F;`."""
        return self.redact(_REFERENCE.sub(_letter, html))

    @cached_property
    def _words(self) -> dict[str, str]:
        return dict(self.folders)

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        """Each secret as it is, and as it is written elsewhere; also where a line ends within it."""
        forms = {form for secret in self.secrets for form in _forms(secret)}
        patterns = (_AT_A_LINES_END.join(map(re.escape, form)) for form in sorted(forms, key=len, reverse=True))
        return re.compile("|".join(patterns)) if forms else None

    @cached_property
    def _paths(self) -> re.Pattern[str] | None:
        """The longest path first, so that a folder inside another has its own word."""
        paths = sorted(self._words, key=len, reverse=True)
        return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, paths))})(?![\w-])") if paths else None


_SHAPE = re.compile("|".join(SHAPES))


_AT_A_LINES_END = r"(?:\\?\n[ \t]*)?"
_REFERENCE = re.compile(r"&(?:#\w{1,8}|[A-Za-z]{2,8});")


def _letter(reference: re.Match[str]) -> str:
    """The ASCII letter that a reference encodes, unless HTML needs the reference."""
    letter = unescape(reference[0])
    return letter if letter.isascii() and letter.isprintable() and letter not in "<>&\"'" else reference[0]


def _forms(secret: str) -> set[str]:
    """As it is, and as it is written in an address, in HTML, in JSON, in hexadecimal and in base64."""
    written = json.dumps(secret)[1:-1]
    texts = {secret, quote(secret, safe=""), quote(secret), escape(secret), written, written.replace("/", "\\/")}
    return texts | {secret.encode().hex(), *_in_base64(secret)}


def _in_base64(secret: str) -> Iterator[str]:
    """The part of a secret in base64 that does not depend on its neighbours, for a shift of 0, 1 and 2 bytes."""
    raw = secret.encode()
    for shift in range(3):
        beginning = -(-shift * 8 // 6)
        yield b64encode(bytes(shift) + raw)[beginning : (shift + len(raw)) * 8 // 6].decode()


def redactor_of_this_machine(home: Path, clone: Path) -> Redactor:
    """A redactor that knows this machine's folders, and the secrets of this lab and of this process's environment.

    home: LABKIT_HOME. clone: the folder that holds `notebooks/`.
    """
    found = _of_environment() | _of_aws_files(home) | _of_class(home) | _of_sandbox(home)
    secrets = frozenset(value for value in found if len(value) >= SHORTEST_SECRET)
    return Redactor(secrets, tuple(_folders(home, clone).items()))


def _of_environment() -> set[str]:
    return {value for name, value in os.environ.items() if SECRET_VARIABLE.search(name)}


def _of_aws_files(home: Path) -> set[str]:
    """What AWS's credentials files hold: the lab's own, and the user's."""
    own = os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    found: set[str] = set()
    for file in (*home.glob("*aws/credentials"), Path(own).expanduser()):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # a file that cannot be read was not shown either
        found |= set(re.findall(r"^\s*aws_(?:access_key_id|secret_access_key|session_token)\s*=\s*(\S+)", text, re.M))
    return found


def _of_class(home: Path) -> set[str]:
    """The keys of the class that this home has joined."""
    try:
        return {value for name, value in joined(home).items() if SECRET_VARIABLE.search(name)}
    except LabError:  # damaged, so nothing of it was shown
        return set()


def _of_sandbox(home: Path) -> set[str]:
    """The keys that the sandbox of this home gives out, and what opens its control calls."""
    sandbox = sandbox_process.find(home)
    if sandbox is None:
        return set()
    try:
        keys = sandbox.credentials()
    except LabError:
        return {sandbox.token}  # it has just ended
    return {sandbox.token} | {value for one in keys.values() for name, value in one.items() if "key" in name}


def _folders(home: Path, clone: Path) -> dict[str, str]:
    """Each folder of this machine that an output might name, as typed and as resolved, and the word for it."""
    named = {
        Path(tempfile.gettempdir()): "TMP",
        Path(sys.prefix): "PYTHON",
        Path.home(): "~",
        clone: ".",
        home: "LABKIT_HOME",
    }
    words = {str(form): word for path, word in named.items() for form in (path, path.resolve())}
    inside = str(clone.resolve())
    return {
        path: word for path, word in words.items() if path != "/" and not (word == "PYTHON" and path.startswith(inside))
    }
