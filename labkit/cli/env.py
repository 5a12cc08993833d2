"""`labkit env`: the lab's variables for a shell; with TLS, also those by which other programs trust its certificate."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from labkit.model.endpoint import url_parts
from labkit.views.terminal import echo

ADDS_TO_TRUST = ("NODE_EXTRA_CA_CERTS",)
REPLACES_TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Read by requests, by curl, and by OpenSSL, Go and others; these trust what the file names and nothing else."""


def env() -> None:
    """Print shell exports that point the AWS CLI and detection-API clients at the lab.

    Use it as: eval "$(labkit env)". The output contains the API key of the detection service.
    """
    from labkit.steps.session import open_session

    backend = open_session().backend
    variables = backend.environment()
    url, certificate = backend.detection.tls_address()
    url, certificate = url or variables.get("TS_API_ENDPOINT", ""), certificate or variables.get("AWS_CA_BUNDLE", "")
    variables |= _tls_variables(url, certificate, backend.home)
    for name, value in variables.items():
        echo(f"export {name}={shlex.quote(value)}" if value else f"unset {name}")


def _tls_variables(url: str, certificate: str, home: Path) -> dict[str, str]:
    """The host for programs that take no scheme; with a certificate of our own, a bundle of it and all others."""
    endpoint = url_parts(url)
    found = {"TS_HOST": endpoint.netloc} if endpoint.scheme == "https" else {}
    if certificate:
        found |= dict.fromkeys(ADDS_TO_TRUST, certificate)
        found |= dict.fromkeys(REPLACES_TRUST, str(_bundle(Path(certificate), home / "ca-bundle.pem")))
    return found


def _bundle(certificate: Path, bundle: Path) -> Path:
    """The file with what the shell trusts already, and the certificate."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    from labkit.files import write_private

    own = next((own for name in REPLACES_TRUST if (own := os.environ.get(name)) and own != str(bundle)), None)
    texts = [Path(own or DEFAULT_CA_BUNDLE_PATH).read_text(encoding="utf-8"), certificate.read_text(encoding="utf-8")]
    write_private(bundle, "\n".join(texts))
    return bundle
