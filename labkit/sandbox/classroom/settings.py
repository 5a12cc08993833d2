"""How a class is served from this machine, saved in the lab's home, so that every start serves the same class."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit.files import disk_errors, private_folder, write_private
from labkit.model.endpoint import is_loopback
from labkit.model.errors import LabError
from labkit.model.student import LAST_STUDENT

FIRST_PORT = 8443


@dataclass(frozen=True)
class ClassSettings:
    """A class. size: its students are 1 to size; 0 serves only this machine's own lab, with TLS.

    host, port: what the sandbox listens on for them.
    known_as: the name or address that students use, if it is not `host`. certificate, key: files for TLS, "" for none.
    own_certificate: the sandbox made them itself.
    """

    size: int
    host: str = "127.0.0.1"
    port: int = 0
    known_as: str = ""
    certificate: str = ""
    key: str = ""
    own_certificate: bool = False

    @property
    def tls(self) -> bool:
        """Whether students are served with TLS."""
        return bool(self.certificate)

    @property
    def beside(self) -> bool:
        """Whether the class has its own listener, beside the one for this machine, which never uses TLS."""
        return self.tls or self.host != "127.0.0.1"

    @property
    def name(self) -> str:
        """What students call the host."""
        return self.known_as or self.host

    @property
    def url(self) -> str:
        """Where students find the sandbox."""
        return f"{'https' if self.tls else 'http'}://{bracketed(self.name)}:{self.port}"

    @property
    def beyond_this_machine(self) -> bool:
        """Whether other machines can reach it, by themselves or, for a class, by a proxy that has the other name."""
        names = (self.host, self.name) if self.size else (self.host,)
        return not all(is_loopback(f"http://{bracketed(name)}") for name in names)


_ANY = ClassSettings(1)


def bracketed(host: str) -> str:
    """A host in the form for a URL.

    >>> bracketed("::1"), bracketed("127.0.0.1")
    ('[::1]', '127.0.0.1')
    """
    return f"[{host}]" if ":" in host else host


def class_folder(home: Path) -> Path:
    """The folder for the files of serving a class, 0700."""
    return home / "class-sandbox"


def load_class(home: Path) -> ClassSettings | None:
    """The class that is served from this home; None if it has no students. Raises LabError for an unreadable file."""
    served = load(home)
    return served if served and served.size else None


def load(home: Path) -> ClassSettings | None:
    """The class, or what else is served beside plain HTTP on 127.0.0.1; None if nothing is.

    Raises LabError for an unreadable file.
    """
    path = class_folder(home) / "settings.json"
    with disk_errors(home):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
    try:
        kept = ClassSettings(**json.loads(content))
        if [name for name, value in asdict(kept).items() if type(value) is not type(getattr(_ANY, name))]:
            raise TypeError("a value of another type")
        if kept.size not in range(LAST_STUDENT + 1) or kept.port not in range(65536):
            raise ValueError("a number that is too large or too small")
        return kept
    except (ValueError, TypeError, RecursionError) as error:
        raise LabError(
            f"The class's settings in {path} cannot be read.",
            f"{type(error).__name__}: the file is damaged, or of another version of the lab.",
            "Move it away, then run `labkit sandbox start --class …` again: the students and their keys are kept.",
        ) from error


def save(home: Path, settings: ClassSettings | None) -> None:
    """Save how the class is served; None removes the file."""
    path = private_folder(class_folder(home)) / "settings.json"
    if settings is None:
        path.unlink(missing_ok=True)
    else:
        write_private(path, json.dumps(asdict(settings), indent=1) + "\n")
