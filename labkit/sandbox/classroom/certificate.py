"""The certificate of the class sandbox: made here, or checked before it is used."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.files import write_private
from labkit.model.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

VALID_DAYS = 730
_CLOCKS_DIFFER = timedelta(days=1)


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 fingerprint of a certificate (DER), as openssl writes it.

    >>> fingerprint(b"")[:11]
    'E3:B0:C4:42'
    """
    return hashlib.sha256(certificate).digest().hex(":").upper()


def make(certificate: Path, key: Path, names: Iterable[str]) -> None:
    """Write a self-signed certificate for these names and addresses, and its key, 0600."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labkit class sandbox")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - _CLOCKS_DIFFER).not_valid_after(now + timedelta(days=VALID_DAYS))
    usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}
    for extension, critical in (
        (x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(**usage), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical)
    signed = builder.sign(private, hashes.SHA256())
    write_private(key, _pem_of_key(private))
    write_private(certificate, _pem(signed))


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _general_name(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _pem_of_key(private: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def check(certificate: Path, key: Path, name: str) -> None:
    """Raise InvalidInput unless the two files belong together and serve this name or address today."""
    first = _read(certificate)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise _refused(
            f"Certificate and key do not serve: {said}.",
            f"{certificate} must hold a certificate (PEM) and {key} its key, without a password.",
        ) from error
    now = datetime.now(UTC)
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        valid = f"{first.not_valid_before_utc:%Y-%m-%d} to {first.not_valid_after_utc:%Y-%m-%d}"
        raise _refused(f"The certificate in {certificate} is not valid today.", f"It is valid from {valid}.")
    named = names_of(certificate)
    if not any(_covers(each, name) for each in named):
        raise _refused(
            f"The certificate in {certificate} is not for {name}.", f"It is for {', '.join(named) or 'no name at all'}."
        )


def is_good(certificate: Path, key: Path, names: Iterable[str]) -> bool:
    """Whether the two files exist and are valid for each of these names for another month."""
    try:
        for name in names:
            check(certificate, key, name)
        return _read(certificate).not_valid_after_utc > datetime.now(UTC) + timedelta(days=30)
    except InvalidInput:
        return False


def names_of(certificate: Path) -> list[str]:
    """The names and addresses that a certificate is for."""
    from cryptography import x509

    try:
        found = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in found]


def pinned(certificate: Path) -> str:
    """The fingerprint that students have to be given; "" for a certificate that an authority has signed, which their
    own machines can judge."""
    from cryptography.hazmat.primitives.serialization import Encoding

    read = _read(certificate)
    return fingerprint(read.public_bytes(Encoding.DER)) if read.issuer == read.subject else ""


def _covers(named: str, name: str) -> bool:
    """A star matches one label, as in RFC 6125."""
    if named.startswith("*."):
        return name.partition(".")[2].lower() == named[2:].lower()
    return named.lower() == name.lower()


def _read(certificate: Path) -> Certificate:
    """The first certificate of a file, which is the server's own."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        why = f"{getattr(error, 'strerror', None) or 'It holds no certificate in PEM'}."
        raise _refused(f"The certificate in {certificate} cannot be read.", why) from error


def _refused(what: str, why: str) -> InvalidInput:
    next_step = "Give other files with --cert and --key, or neither: then a certificate is made for you."
    return InvalidInput(what, why, next_step, field="cert")
