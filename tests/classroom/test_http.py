"""The sandbox's HTTP server: keep-alive, isolation between clients, and TLS with the pinned certificate."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response, request

from labkit.classroom.pinned_certificate import WrongCertificate, fetch, pinned
from labkit.model.errors import InvalidInput, ServiceUnreachable
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom.certificate import fingerprint
from labkit.sandbox.http import OUTSIDE, Server, listen
from tests.ports import free_port
from tests.wait import PATIENCE_SECONDS

NAMES = ["127.0.0.1", "localhost", "lab.example.org"]


def application() -> Flask:
    app = Flask("test")
    app.config["MAX_CONTENT_LENGTH"] = 1000

    @app.route("/", methods=["GET", "POST", "HEAD"])
    def say() -> Response:
        return Response(f"{len(request.get_data())} {request.scheme} {request.environ[OUTSIDE]}")

    @app.post("/unread")
    def leave_unread() -> Response:
        return Response("not read")

    @app.get("/fault")
    def fail() -> Response:
        raise RuntimeError

    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


@contextmanager
def served(context: ssl.SSLContext | None = None, **more: Any) -> Iterator[Server]:
    with listen("127.0.0.1", 0) as listener:
        server = Server(listener, application(), context, **more)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with served() as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate.make(folder / "certificate.pem", folder / "key.pem", NAMES)
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def secured(files: tuple[Path, Path]) -> Iterator[Server]:
    """The same, with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    with served(context, outside=True) as server:
        yield server


def url(server: Server) -> str:
    return f"{'http' if server.context is None else 'https'}://127.0.0.1:{server.port}"


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    connection.request(method, path, body)
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def test_one_connection_serves_many_requests_whatever_was_left_of_them(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    connection.connect()
    own_port = connection.sock.getsockname()[1]
    assert asked(connection, "GET", "/") == (200, "0 http False")
    assert asked(connection, "POST", "/unread", b"x" * 100_000) == (200, "not read")
    assert asked(connection, "POST", "/", b"abc") == (200, "3 http False")
    assert asked(connection, "HEAD", "/") == (200, "")
    assert asked(connection, "POST", "/", b"x" * 2000)[0] == 413
    assert asked(connection, "GET", "/fault")[0] == 500
    assert asked(connection, "GET", "/absent")[0] == 404
    assert connection.sock.getsockname()[1] == own_port


def test_a_chunked_body_is_accepted_and_the_connection_kept(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    for parts in ([b"a", b"bc"], [], [b"x" * 1000]):
        connection.request("POST", "/", iter(parts), encode_chunked=True)
        reply = connection.getresponse()
        assert (reply.status, reply.read().decode()) == (200, f"{len(b''.join(parts))} http False")
        own_port = connection.sock.getsockname()[1]
    assert asked(connection, "POST", "/", b"abc") == (200, "3 http False")
    assert connection.sock.getsockname()[1] == own_port


@pytest.mark.parametrize("size", [1001, 1_000_001, 5_000_000])
def test_a_chunked_body_has_the_size_limit_of_any_other(server: Server, size: int) -> None:
    parts = (b"x" * min(65536, size - start) for start in range(0, size, 65536))
    assert requests.post(url(server), data=parts, timeout=PATIENCE_SECONDS).status_code == 413
    assert requests.get(url(server), timeout=PATIENCE_SECONDS).text == "0 http False"


def in_chunks(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers or (b"Transfer-Encoding: chunked",))
    return b"POST / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n" + body


SMUGGLED = b"0\r\n\r\nGET /unasked HTTP/1.1\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_not_a_number_is_refused(server: Server, length: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 411")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\nGET /unasked HTTP/1.1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 411),
        (b"GET http://[/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 200),
        (b"POST / HTTP/1.1\r\nX : y\r\nContent-Length: 31\r\n\r\nGET /unasked HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nnonsense\r\nHost: x\r\n\r\n", 400),
        (in_chunks(b"3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"), 200),
        (in_chunks(b"abc"), 400),
        (in_chunks(b"3\r\nab"), 400),
        (in_chunks(b"3\r\nabcd\r\n0\r\n\r\n"), 400),
        (in_chunks(b"3\nabc\n0\n\n"), 400),
        (in_chunks(b"-1\r\nabc\r\n0\r\n\r\n"), 400),
        (in_chunks(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
        (in_chunks(b"\r\n"), 400),
        (in_chunks(b"0\r\nX: y"), 400),
        (in_chunks(b"0\r\n" + b"X: y\r\n" * 200), 400),
        (in_chunks(b"1;" + b"a" * 5000 + b"\r\n"), 400),
        (in_chunks(b"ffffffff\r\n"), 413),
        (in_chunks(b"1\r\nx\r\n" * 30_000), 413),
        (in_chunks(SMUGGLED, CHUNKED, b"Content-Length: 5"), 411),
        (in_chunks(SMUGGLED, CHUNKED, CHUNKED), 501),
        (in_chunks(SMUGGLED, b"Transfer-Encoding: gzip, chunked"), 501),
        (in_chunks(SMUGGLED, b"Transfer-Encoding: identity"), 501),
        (in_chunks(SMUGGLED).replace(b"HTTP/1.1\r\nHost", b"HTTP/1.0\r\nHost"), 411),
    ],
)
def test_a_malformed_request_gets_one_reply_and_leaves_no_trace(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], sent: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: client.recv(1000), b""))
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert told.count(b"HTTP/1.1") == 1
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())


def test_headers_are_refused_before_they_cost_much_memory(server: Server) -> None:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
    with client, suppress(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(90):  # Python would wait for the hundredth
            client.sendall(b"X: " + b"a" * 60_000 + b"\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 431")
    assert requests.get(url(server), headers={"X": "a" * 60_000}, timeout=PATIENCE_SECONDS).status_code == 200


def test_the_log_has_little_of_what_a_client_sends_and_no_control_characters(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "labkit.sandbox")
    for sent in (b"GET /\x1b]52;c;AA\x07" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n", b"\x1b[2J" * 9000 + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as client:
            client.sendall(sent)
            assert client.recv(20)
    assert "GET /\\x1b]52" in caplog.text and "\x1b" not in caplog.text and len(caplog.text) < 2000


def test_a_client_that_goes_away_in_the_middle_leaves_the_others_alone(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")
    assert requests.get(url(server), timeout=PATIENCE_SECONDS).status_code == 200


def test_a_missing_handshake_blocks_no_other_client(secured: Server, files: tuple[Path, Path]) -> None:
    with socket.create_connection(("127.0.0.1", secured.port)), socket.create_connection(("127.0.0.1", secured.port)):
        assert requests.get(url(secured), verify=str(files[0]), timeout=PATIENCE_SECONDS).text == "0 https True"


def test_plain_http_to_the_port_of_tls_gets_no_answer(secured: Server, files: tuple[Path, Path]) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://127.0.0.1:{secured.port}", timeout=PATIENCE_SECONDS)
    assert requests.get(url(secured), verify=str(files[0]), timeout=PATIENCE_SECONDS).status_code == 200


def test_only_the_pinned_certificate_is_trusted_and_only_for_its_names(
    secured: Server, files: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    certificate.make(other, tmp_path / "key.pem", NAMES)
    for wrong in (True, str(other)):
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url(secured), verify=wrong, timeout=PATIENCE_SECONDS)
    strict = ssl.create_default_context(cafile=str(files[0]))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # which newer versions of Python ask for
    for name, good in (("127.0.0.1", True), ("lab.example.org", True), ("127.0.0.2", False), ("example.org", False)):
        with socket.create_connection(("127.0.0.1", secured.port), timeout=PATIENCE_SECONDS) as client:
            assert (
                _shakes_hands(lambda name=name, client=client: strict.wrap_socket(client, server_hostname=name)) is good
            )


def _shakes_hands(wrap: Callable[[], ssl.SSLSocket]) -> bool:
    try:
        wrap().close()
    except ssl.SSLCertVerificationError:
        return False
    return True


def test_the_certificate_is_fetched_once_and_compared_with_its_fingerprint(
    secured: Server, files: tuple[Path, Path], tmp_path: Path
) -> None:
    right, kept = certificate.pinned(files[0]), tmp_path / "kept.pem"
    assert pinned(url(secured), right, kept).read_text().strip() == files[0].read_text().strip()
    assert kept.stat().st_mode & 0o777 == 0o600
    nobody = f"https://127.0.0.1:{free_port()}"
    assert pinned(nobody, right, kept) == kept
    with pytest.raises(WrongCertificate, match="another certificate"):
        fetch(url(secured), right.replace("A", "B"))
    with pytest.raises(ServiceUnreachable):
        fetch(nobody, right)


def test_a_generated_certificate_has_a_private_key_and_the_fingerprint_that_every_tool_shows(
    files: tuple[Path, Path],
) -> None:
    assert files[1].stat().st_mode & 0o777 == 0o600
    der = ssl.PEM_cert_to_DER_cert(files[0].read_text())
    assert certificate.pinned(files[0]) == fingerprint(der)
    assert certificate.names_of(files[0]) == NAMES
    assert certificate.is_good(*files, NAMES)
    assert not certificate.is_good(*files, ["another.example.org"])


def test_unusable_files_are_refused_with_a_reason(files: tuple[Path, Path], tmp_path: Path) -> None:
    other_key, nothing = tmp_path / "key.pem", tmp_path / "nothing.pem"
    certificate.make(tmp_path / "certificate.pem", other_key, NAMES)
    nothing.write_text(json.dumps("no certificate"))
    for chosen, name, words in (
        ((files[0], other_key), "localhost", "do not serve"),
        ((nothing, other_key), "localhost", "certificate in .* cannot be read"),
        ((tmp_path / "absent.pem", other_key), "localhost", "No such file"),
        ((files[0], tmp_path / "absent.pem"), "localhost", "do not serve"),
        (files, "10.0.0.5", "is not for 10.0.0.5"),
    ):
        with pytest.raises(InvalidInput, match=words):
            certificate.check(*chosen, name)
