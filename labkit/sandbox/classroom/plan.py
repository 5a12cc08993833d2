"""From what an instructor asks for to a class's settings: what is kept, what is new, and what cannot be."""

from __future__ import annotations

import contextlib
import secrets
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.model.errors import InvalidInput
from labkit.model.student import LAST_STUDENT
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom.settings import FIRST_PORT, ClassSettings, class_folder
from labkit.sandbox.http import listen

ANY_ADDRESS = ("0.0.0.0", "::")


@dataclass(frozen=True)
class ClassOptions:
    """What was asked for; None or "" where nothing was said. tls: also on this machine's own address."""

    size: int | None = None
    host: str = ""
    port: int | None = None
    known_as: str = ""
    certificate: str = ""
    key: str = ""
    tls: bool = False

    @property
    def says_nothing(self) -> bool:
        """Whether a plain start was asked for."""
        return self == ClassOptions()


def plan(home: Path, before: ClassSettings | None, wish: ClassOptions) -> ClassSettings | None:
    """The class as it is to be served; None for none. A certificate is made where one is needed and none was given.

    Raises InvalidInput for a class that would be smaller than it was, and for an address, port or certificate that
    cannot be used.
    """
    if wish.says_nothing:
        return before if before is None else _as_before(home, before)
    wanted = _sized(before, wish)
    if wish.host and wish.host != wanted.host:
        wanted = replace(wanted, host=wish.host, port=0, known_as="")
    if wish.known_as:
        wanted = replace(wanted, known_as=wish.known_as)
    if wanted.host in ANY_ADDRESS and not wanted.known_as:
        wanted = replace(wanted, known_as=_address_of_this_machine())
    port = wanted.port if wish.port is None else wish.port
    if before is None or (wanted.host, port) != (before.host, before.port) or port == 0:
        port = _free_port(wanted.host, port)
    wanted = replace(wanted, port=port)
    return _with_certificate(home, wanted, wish)


def _as_before(home: Path, before: ClassSettings) -> ClassSettings:
    """The class as it was, but with a new certificate where one that was made here serves no more.

    Raises InvalidInput where a given one does not.
    """
    try:
        if before.tls:
            certificate.check(Path(before.certificate), Path(before.key), before.name)
    except InvalidInput:
        if not before.own_certificate:
            raise
        return _with_certificate(home, before, ClassOptions())
    return before


def _sized(before: ClassSettings | None, wish: ClassOptions) -> ClassSettings:
    size = wish.size if wish.size is not None else before.size if before else 0
    if not 1 <= size <= LAST_STUDENT:
        unsaid = wish.size is None
        raise InvalidInput(
            "How many students the class has was not said." if unsaid else f"A class of {size} was refused.",
            f"A class has 1 to {LAST_STUDENT} students.",
            "Say, for example: labkit sandbox start --class 30",
            field="class",
        )
    if before is not None and size < before.size:
        raise InvalidInput(
            f"The class was not made smaller: it has {before.size} students, and {size} were asked for.",
            "Those above would lose their accounts and all that is in them.",
            f"Leave --class out, or say {before.size} or more. Who is not there does no harm.",
            field="class",
        )
    return replace(before, size=size) if before else ClassSettings(size)


def _free_port(host: str, port: int) -> int:
    """That port, if it can be had; for 0 the first choice, else any. Raises InvalidInput."""
    for wanted in (port,) if port else (FIRST_PORT, 0):
        try:
            with contextlib.closing(listen(host, wanted)) as listener:
                return int(listener.getsockname()[1])
        except socket.gaierror as error:
            raise _no_address(host) from error
        except (OSError, OverflowError) as error:
            fault: Exception = error
    if port:
        raise InvalidInput(
            f"Port {port} at {host} cannot be had: {getattr(fault, 'strerror', None) or fault}.",
            "Another program listens there, the address is none of this machine's, or ports below 1024 are not yours.",
            f"Choose another with --port or --host. This machine's addresses: {', '.join(addresses()) or 'none'}.",
            field="port",
        )
    raise _no_address(host)


def _no_address(host: str) -> InvalidInput:
    return InvalidInput(
        f"{host} is no address of this machine.",
        f"It has: 127.0.0.1, for this machine alone; {', '.join(addresses()) or 'no other'}.",
        "Choose one of them with --host. What students call it, if that differs, is --known-as.",
        field="host",
    )


def addresses() -> list[str]:
    """This machine's IPv4 addresses that others may reach."""
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = [each.address for name, of in psutil.net_if_addrs().items() for each in of
             if name in up and each.family == socket.AF_INET]  # fmt: skip
    return [address for address in found if not address.startswith(("127.", "169.254."))]


def _address_of_this_machine() -> str:
    found = addresses()
    if found:
        return found[0]
    raise InvalidInput(
        "No address was found under which students could reach this machine.",
        "It has no network but its own.",
        "Connect it, or say what students call it: --known-as NAME",
        field="known-as",
    )


def _with_certificate(home: Path, wanted: ClassSettings, wish: ClassOptions) -> ClassSettings:
    if bool(wish.certificate) != bool(wish.key):
        what = "A certificate needs its key, and a key its certificate."
        raise InvalidInput(what, "Only one of --cert and --key was given.", "Give both, or neither.", field="cert")
    if wish.certificate:
        files = Path(wish.certificate).absolute(), Path(wish.key).absolute()
        certificate.check(*files, wanted.name)
        return replace(wanted, certificate=str(files[0]), key=str(files[1]), own_certificate=False)
    if wanted.certificate and not wanted.own_certificate:
        certificate.check(Path(wanted.certificate), Path(wanted.key), wanted.name)
        return wanted
    if not (wanted.beyond_this_machine or wish.tls or wanted.tls):
        return wanted
    names = [wanted.name, *(addresses() if wanted.host in ANY_ADDRESS else [wanted.host]), "127.0.0.1", "localhost"]
    if wanted.own_certificate and certificate.is_good(Path(wanted.certificate), Path(wanted.key), names):
        return wanted
    # Never over the one in use: students trust that one, and the plan may yet be given up.
    name = secrets.token_hex(4)
    own = class_folder(home) / f"certificate-{name}.pem", class_folder(home) / f"certificate-{name}-key.pem"
    certificate.make(*own, names)
    return replace(wanted, certificate=str(own[0]), key=str(own[1]), own_certificate=True)
