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
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

from labkit.model.errors import LabError
from labkit.services import sandbox_process
from labkit.services.environment import joined

LEFT_OUT = "[left out: a secret]"
E_MAIL_LEFT_OUT = "[left out: an e-mail address]"

SHAPES = re.compile(
    "|".join(
        (
            # Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (unique prefixes)
            r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
            # An AWS secret access key; words of small letters and slashes, such as a path, are none.
            r"(?:(?<![\w/+])|(?<=\\[nrt]))(?=[a-z/]{0,39}[A-Z0-9+])[A-Za-z0-9/+]{40}(?![\w/+=])",
            # An AWS session token.
            r"(?<![\w/+])(?:IQoJ|FwoG|FQoG)[A-Za-z0-9/+=]{60,}",
            # An API key of the detection service.
            r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt])|(?<=\b0x))[0-9A-Fa-f]{64}(?![0-9A-Za-z])",
            # Tokens of GitHub, GitLab, Slack, PyPI and others, a JSON Web Token, a private key.
            r"(?<![\w-])(?:gh[opsru]_|github_pat_|glpat-|xox[abeoprs]-|hf_|pypi-|sk-)[\w-]{16,}",
            r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        )
    )
)
"""What a key looks like, whoever it belongs to."""

_WORD = "(?:secret|token|passw(?:or)?d|passphrase|(?:api|private|ts)[-_]?key)"
_WORDS = _WORD.replace("[-_]", "[-_ ]")
_NAME = rf"[\w-]{{0,40}}{_WORD}[\w-]{{0,40}}"
_VARIABLE = (
    r"(?<![\w-])(?![A-Z0-9_]{0,40}_(?:FILE|URI|URL|PATH)\b)[A-Z0-9_]{0,40}"
    "(?:SECRET|TOKEN|PASSWORD|PASSPHRASE|API_?KEY|PRIVATE_KEY|ACCESS_KEY)[A-Z0-9_]{0,40}"
)
NAMED = tuple(
    re.compile(rf"(?P<name>{name}){value}")
    for name, value in (
        # A value in quotes: `api_key="…"`, `environ["API_KEY"] = b"…"`, `password: str = "…"`.
        (
            rf"""(?i:{_WORD}[\w-]{{0,40}}[\\"'\]]{{0,8}}(?:\s{{0,9}}:\s{{0,9}}\w{{1,40}})?\s{{0,9}}[=:,]\s{{0,9}}[bfru]{{0,2}}"""
            r"""(?P<quote>\"{3}|'{3}|\\{0,4}["']))""",
            r"(?:(?!(?P=quote))[^\n]){4,500}(?=(?P=quote))",
        ),
        # In an address: `?token=…`, `//user:…@`.
        (rf"(?i:[?&;#](?:{_NAME}|ticket)=)", r"""[^\s&"'<>#`)]{8,}"""),
        (r"""://[^\s/:@"'<>]{0,80}:""", r"""[^\s/@"'<>]{1,200}(?=@)"""),
        # A variable, as `env` prints it and as a shell or IPython sets it.
        (f"{_VARIABLE}=", r"""[^\s"'$<>()\[\]…]{8,}"""),
        (rf"%(?:set_)?env\s{{1,9}}{_VARIABLE}\s{{1,9}}", r"\S{4,}"),
        # A program's argument, and a header of HTTP.
        (rf"(?i:--{_NAME}[ =]|configure\s+set\s+{_NAME}\s+)", r"""(?=\S{0,80}[a-z0-9])[^\s"'$<>(-]\S{3,}"""),
        (r"""\bcurl\b[^\n]{0,500}?\s(?:-u|--user)[ =]["']?[^\s:"']{1,80}:""", r"""[^\s"']+"""),
        (r"""(?i:\bauthorization["']?\s{0,9}[:=,]\s{0,9}["']?(?:basic|bearer|token)\s{1,9})""", r"[\w.~+/=-]+"),
        (r"(?i:\b(?:set-)?cookie:\s{0,9})", r"[^\n<]+"),
    )
)
"""A name that says that a secret follows, and the secret. Lengths are bounded, else a long text takes minutes."""

SECRET_NAME = re.compile(rf"[\w -]{{0,40}}{_WORDS}[\w-]{{0,40}}", re.IGNORECASE)
"""The head of a column or row of secrets."""

PROMPTED = re.compile(
    rf"^(?P<name>(?:[^\n=:?]{{0,80}}[^\w\n])?[\w-]{{0,40}}{_WORDS}[\w-]{{0,40}}(?: access key)?"
    r"(?: \[[^\]\n]{0,40}\])?(?:\s{0,9}[=:?]\s{0,9}|[ \t]{2,40}))"
    r"""(?=[^\n]{0,80}[a-z0-9])[^\s"'$<>()\[\]…*]{5,200}[ \t]*$""",
    re.IGNORECASE | re.MULTILINE,
)
"""What was typed at a prompt, or stands in a file of settings: a name, and one word to the line's end."""

E_MAIL = re.compile(
    r"(?<![\w.+%-])[\w.+-]+(?:@|%40)(?![\w.-]*\bexample(?:\.(?:com|net|org))?(?![\w.-]))"
    r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w-])",
    re.IGNORECASE,
)
"""An e-mail address, but for those of domains that stand for none (RFC 2606)."""

FOREIGN_HOME = re.compile(
    r"(?:(?<![\w.])|(?<=://file))(?:(?:[A-Z]:)?(?P<slash>/|\\/|%2F)(?:home|Users)(?P=slash)|[A-Z]:\\+Users\\+)[\w.-]+"
    r"|(?<![\w.])/root(?=/)",
    re.IGNORECASE,
)
"""A home folder of another machine, in which a notebook was saved."""

INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Letters without a shape, which a key may have within it and a reader does not see."""

SECRET_VARIABLE = re.compile(
    r"(?:SECRET|TOKEN|PASSWORD|PASSPHRASE|API_?KEY|PRIVATE_KEY|ACCESS_KEY|CREDENTIAL)(?!.*_(?:FILE|URI|URL|PATH)$)"
)
"""Names of environment variables that hold a secret."""

SHORTEST_SECRET = 8


TRACE = "Traceback (most recent call last)"
DETAILS = "The notebook has the details."
_IN_A_TRACE = re.compile(r"[│╭╰]|Cell In|File |<ipython|-+> |\d+ |$")
"""How lines of a trace begin that are not indented."""


def without_traces(text: str) -> str:
    """The text with one line in place of each trace.

    >>> without_traces("a\\n  Traceback (most recent call last):\\n    File x\\n  my.Fault: words\\nb")
    'a\\n  my.Fault: The notebook has the details.\\nb'
    """
    kept: list[str] = []
    depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(" \t|+>")
        indent = len(line) - len(bare)
        if TRACE in line:
            depth = indent
        elif depth < 0:
            kept.append(line)
        elif indent <= depth and not _IN_A_TRACE.match(bare):
            name = re.sub(r"[^\w.].*", "", bare) or "An error"
            kept.append(f"{line[:indent]}{name}: {DETAILS}")
            depth = -1
    return "\n".join(kept)


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
        text = SHAPES.sub(LEFT_OUT, text)
        for named in NAMED:
            text = named.sub(rf"\g<name>{LEFT_OUT}", text)
        text = E_MAIL.sub(E_MAIL_LEFT_OUT, text)
        if self._paths is not None:
            text = self._paths.sub(lambda found: self._words[_unescaped(found[0])], text)
        text = FOREIGN_HOME.sub("~", text)
        bare = INVISIBLE.sub("", text)
        return text if bare == text or (cleaned := self.redact(bare)) == bare else cleaned

    def redact_output(self, text: str) -> str:
        """The same for what a program printed, in which a line may be a prompt and its answer."""
        return self.redact(PROMPTED.sub(rf"\g<name>{LEFT_OUT}", text))

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
        paths = [re.escape(path).replace("/", r"(?:/|\\/|%2F)") for path in sorted(self._words, key=len, reverse=True)]
        return re.compile(rf"(?:(?<![\w.])|(?<=://file))(?:{'|'.join(paths)})(?![\w-])") if paths else None


_AT_A_LINES_END = r"(?:\\?\n[ \t]*)?"


def _unescaped(path: str) -> str:
    return path.replace("\\/", "/").replace("%2F", "/")


def _forms(secret: str) -> set[str]:
    """As it is, and as it is written in an address, in HTML, in JSON, in hexadecimal and in base64."""
    written = json.dumps(secret)[1:-1]
    texts = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), secret.replace(" ", "+")}
    texts |= {re.sub("%..", lambda code: code[0].lower(), text) for text in texts}
    texts |= {escape(secret), written, written.replace("/", "\\/"), written.replace("/", "\\u002f")}
    coded = set(_in_base64(secret))
    coded |= {text.replace("+", "-").replace("/", "_") for text in coded}
    return texts | coded | {secret.encode().hex(), secret.encode().hex().upper()}


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
    """What AWS's two files hold: the lab's own, and the user's."""
    own = (
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
    )
    found: set[str] = set()
    for file in (*home.glob("*aws/credentials"), *(Path(os.path.expanduser(one)) for one in own)):
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
