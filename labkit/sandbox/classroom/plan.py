"""Turns the options of `labkit sandbox start` into a class's settings, on top of those of the last start."""

from __future__ import annotations

import contextlib
import secrets
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.model.endpoint import is_loopback
from labkit.model.errors import InvalidInput
from labkit.model.student import LAST_STUDENT
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom.settings import FIRST_PORT, ClassSettings, bracketed, class_folder
from labkit.sandbox.http import listen

ANY_ADDRESS = ("0.0.0.0", "::")


@dataclass(frozen=True)
class ClassOptions:
    """The given options; None or "" if not given. tls: use TLS on a loopback address too."""

    size: int | None = None
    host: str = ""
    port: int | None = None
    known_as: str = ""
    certificate: str = ""
    key: str = ""
    tls: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no option was given."""
        return self == ClassOptions()


def plan(home: Path, before: ClassSettings | None, options: ClassOptions) -> ClassSettings | None:
    """The settings of the class to serve; None without a class. Makes a certificate if needed and not given.

    Raises InvalidInput if the class would shrink, or if the address, port or certificate cannot be used.
    """
    if options.is_empty:
        return before if before is None else _as_before(home, before)
    wanted = _sized(before, options)
    if options.host and options.host != wanted.host:
        wanted = replace(wanted, host=options.host, port=0, known_as="")
    if options.known_as:
        wanted = replace(wanted, known_as=options.known_as)
    if wanted.host in ANY_ADDRESS and not wanted.known_as:
        wanted = replace(wanted, known_as=_address_of_this_machine())
    port = wanted.port if options.port is None else options.port
    if before is None or (wanted.host, port) != (before.host, before.port) or port == 0:
        port = _free_port(wanted.host, port)
    wanted = replace(wanted, port=port)
    return _with_certificate(home, wanted, options)


def _as_before(home: Path, before: ClassSettings) -> ClassSettings:
    """The class as before. A certificate made here is replaced if it is no longer valid.

    Raises InvalidInput if a given certificate is no longer valid.
    """
    try:
        if before.tls:
            certificate.check(Path(before.certificate), Path(before.key), before.name)
    except InvalidInput:
        if not before.own_certificate:
            raise
        return _with_certificate(home, before, ClassOptions())
    return before


def _sized(before: ClassSettings | None, options: ClassOptions) -> ClassSettings:
    size = options.size if options.size is not None else before.size if before else 0
    if options.size is None and not size and options.tls and _stays_here(options.host):
        return before or ClassSettings(0)
    if not 1 <= size <= LAST_STUDENT:
        not_given = options.size is None
        raise InvalidInput(
            "The size of the class is missing." if not_given else f"A class of {size} was refused.",
            f"A class has 1 to {LAST_STUDENT} students.",
            "For example: labkit sandbox start --class 30. For your own lab on this machine alone, give --tls instead.",
            field="class",
        )
    if before is not None and size < before.size:
        raise InvalidInput(
            f"The class cannot shrink from {before.size} to {size} students.",
            "Students with higher numbers would lose their accounts and everything in them.",
            f"Leave out --class, or use {before.size} or more. Unused student numbers do no harm.",
            field="class",
        )
    return replace(before, size=size) if before else ClassSettings(size)


def _stays_here(host: str) -> bool:
    return not host or is_loopback(f"http://{bracketed(host)}")


def _free_port(host: str, port: int) -> int:
    """The port if it is free; for 0, the default port or else any free one. Raises InvalidInput."""
    for wanted in (port,) if port else (FIRST_PORT, 0):
        try:
            with contextlib.closing(listen(host, wanted)) as listener:
                return int(listener.getsockname()[1])
        except (socket.gaierror, UnicodeError, TypeError) as error:  # no name at all
            raise _no_address(host) from error
        except (OSError, OverflowError) as error:
            fault: Exception = error
    if port:
        raise InvalidInput(
            f"Port {port} at {host} is not available: {getattr(fault, 'strerror', None) or fault}.",
            "Another program uses it, the address is not one of this machine, or the port is below 1024 and reserved.",
            f"Choose another with --port or --host. This machine's addresses: {', '.join(addresses()) or 'none'}.",
            field="port",
        )
    raise _no_address(host)


def _no_address(host: str) -> InvalidInput:
    return InvalidInput(
        f"{host} is not an address of this machine.",
        f"It has: 127.0.0.1, which only this machine reaches; {', '.join(addresses()) or 'no other'}.",
        "Choose one of them with --host. If students use another name for it, add --known-as.",
        field="host",
    )


def addresses() -> list[str]:
    """This machine's IPv4 addresses that other machines may reach."""
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
        "This machine has no address that students can reach.",
        "It is not connected to a network.",
        "Connect it, or give the name that students use for it: --known-as NAME",
        field="known-as",
    )


def _with_certificate(home: Path, wanted: ClassSettings, options: ClassOptions) -> ClassSettings:
    if bool(options.certificate) != bool(options.key):
        what = "A certificate and its key belong together."
        raise InvalidInput(what, "Only one of --cert and --key was given.", "Give both, or neither.", field="cert")
    if options.certificate:
        files = Path(options.certificate).absolute(), Path(options.key).absolute()
        certificate.check(*files, wanted.name)
        return replace(wanted, certificate=str(files[0]), key=str(files[1]), own_certificate=False)
    if wanted.certificate and not wanted.own_certificate:
        certificate.check(Path(wanted.certificate), Path(wanted.key), wanted.name)
        return wanted
    if not (wanted.beyond_this_machine or options.tls or wanted.tls):
        return wanted
    names = [wanted.name, *(addresses() if wanted.host in ANY_ADDRESS else [wanted.host]), "127.0.0.1", "localhost"]
    if wanted.own_certificate and certificate.is_good(Path(wanted.certificate), Path(wanted.key), names):
        return wanted
    # Never overwrite the one in use: students trust it, and the instructor may still cancel.
    name = secrets.token_hex(4)
    own = class_folder(home) / f"certificate-{name}.pem", class_folder(home) / f"certificate-{name}-key.pem"
    certificate.make(*own, names)
    return replace(wanted, certificate=str(own[0]), key=str(own[1]), own_certificate=True)
