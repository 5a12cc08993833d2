"""Requests that would cost others their turn: without a key, too slow, too large, too many parameters."""

from __future__ import annotations

import itertools
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from labkit.sandbox import connections
from labkit.sandbox.aws.requests import CONCURRENT_REQUESTS, LARGEST_BODY, MOST_PARAMETERS
from labkit.sandbox.http import Server, listen
from labkit.sandbox.share import CREDIT_SECONDS, Share
from tests.sandbox.aws.fixtures import Aws, client
from tests.wait import PATIENCE_SECONDS, until

FORM = "application/x-www-form-urlencoded; charset=utf-8"
WELL_FORMED = (
    "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20261124/us-east-1/ec2/aws4_request, SignedHeaders=host, "
    "Signature=00"
)


@contextmanager
def _served(aws: Aws, most: int = connections.MOST_OF_A_CLIENT) -> Iterator[Server]:
    with listen("127.0.0.1", 0) as listener:
        server = Server(listener, aws.app)
        server._connections = connections.Connections(most)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served(aws: Aws, ec2: Any) -> Iterator[Server]:
    """The AWS side behind the sandbox's own server."""
    with _served(aws) as server:
        yield server


def signed_headers(aws: Aws, body: bytes, **more: str) -> dict[str, str]:
    keys = aws.app.keys
    request = AWSRequest("POST", "http://127.0.0.1/", {"Content-Type": FORM, "Host": "127.0.0.1", **more}, body)
    SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), "ec2", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def posted(server: Server, body: bytes, headers: dict[str, str]) -> tuple[requests.Response, float]:
    """The reply, and the seconds of a processor that it took."""
    start = time.process_time()
    reply = requests.post(f"http://127.0.0.1:{server.port}", body, headers=headers, timeout=PATIENCE_SECONDS)
    return reply, time.process_time() - start


def half_sent(server: Server, headers: dict[str, str]) -> socket.socket:
    """A connection with a request whose body stops after its first byte."""
    link = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    link.sendall(f"POST / HTTP/1.1\r\n{lines}Content-Length: 40\r\n\r\nA".encode())
    return link


@pytest.mark.parametrize("authorization", ["", WELL_FORMED])
def test_requests_whose_body_never_ends_hold_up_nobody(aws: Aws, served: Server, authorization: str) -> None:
    ec2 = client(f"http://127.0.0.1:{served.port}", "ec2", "us-east-1", aws.app.keys)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(half_sent(served, {"Host": "x", "Authorization": authorization}))
        start = time.monotonic()
        assert ec2.describe_vpcs()["Vpcs"]
        assert time.monotonic() - start < connections.ARRIVAL_SECONDS / 2


def test_a_malformed_signature_is_refused_before_the_body_is_read(served: Server) -> None:
    with half_sent(served, {"Host": "x", "Authorization": "Basic YTpi"}) as link:
        start = time.monotonic()
        assert link.recv(4000).startswith(b"HTTP/1.1 400")
        assert time.monotonic() - start < connections.ARRIVAL_SECONDS / 2


@pytest.mark.parametrize(
    "sent", [b"P", b"POST / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nA"]
)
def test_a_request_that_trickles_in_ends_with_its_deadline(
    served: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("labkit.sandbox.http.ARRIVAL_SECONDS", 1.0)
    with socket.create_connection(("127.0.0.1", served.port), timeout=0.1) as link:
        link.sendall(sent)
        start, ended = time.monotonic(), False
        while not ended and time.monotonic() - start < PATIENCE_SECONDS:
            try:
                link.sendall(b"a")  # a byte every tenth of a second
                ended = not link.recv(4000)
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
    assert ended


def test_beyond_its_share_a_client_loses_the_connection_that_waited_longest(aws: Aws, ec2: Any) -> None:
    with _served(aws, most=5) as server, ExitStack() as stack:
        links: list[socket.socket] = []
        while len(links) < 5:
            links.append(stack.enter_context(half_sent(server, {"Host": "x", "Authorization": WELL_FORMED})))
            until(lambda: len(server._connections._of.get("127.0.0.1", ())) == len(links))
        assert requests.post(f"http://127.0.0.1:{server.port}", timeout=PATIENCE_SECONDS).status_code == 403
        assert b" 200 " not in links[0].recv(4000)
        links[4].settimeout(0.2)
        with pytest.raises(TimeoutError):
            links[4].recv(1)


@pytest.mark.parametrize("authorization", ["", WELL_FORMED])
@pytest.mark.parametrize("count", [1000, 2000, 4000, 16_000])
def test_who_has_no_key_costs_nothing_however_many_parameters_they_send(
    served: Server, authorization: str, count: int
) -> None:
    body = urlencode({"Action": "DescribeVpcs"} | {f"Filter.{n}.Name": "x" * 30 for n in range(1, count + 1)}).encode()
    reply, seconds = posted(served, body, {"Content-Type": FORM, "Authorization": authorization})
    assert reply.status_code in {401, 403, 413}
    assert seconds < 1


@pytest.mark.parametrize("count", [100, MOST_PARAMETERS - 1, MOST_PARAMETERS, 1000, 2000, 4000])
@pytest.mark.parametrize("name", ["Filter.{}.Name", "Filter.{}", "VpcId.{}", "Filter.1.Value.{}", "X{}"])
def test_no_signed_request_costs_more_than_a_fixed_time(aws: Aws, served: Server, name: str, count: int) -> None:
    body = urlencode([("Action", "DescribeVpcs"), *((name.format(n), "a") for n in range(1, count + 1))]).encode()
    runs = [posted(served, body, signed_headers(aws, body)) for _ in range(3)]
    assert {reply.status_code for reply, _ in runs} <= {200, 400, 413}
    assert statistics.median(seconds for _, seconds in runs) < 1


def test_a_body_beyond_the_limit_is_refused(aws: Aws, served: Server) -> None:
    body = b"Action=DescribeVpcs&X=" + b"a" * LARGEST_BODY
    reply, _ = posted(served, body, signed_headers(aws, body))
    assert reply.status_code == 413
    assert "<Code>RequestEntityTooLarge</Code>" in reply.text


@pytest.mark.parametrize("digest", ["UNSIGNED-PAYLOAD", "0" * 64, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""])
def test_a_signature_that_leaves_out_the_body_is_refused(aws: Aws, served: Server, digest: str) -> None:
    body = b"Action=CreateVpc&CidrBlock=10.9.0.0/16&Version=2016-11-15"
    reply, _ = posted(served, body, signed_headers(aws, body, **{"X-Amz-Content-SHA256": digest}))
    assert reply.status_code in {401, 403}
    assert "<Code>AuthFailure</Code>" in reply.text


def test_a_body_changed_after_it_was_signed_is_refused(aws: Aws, served: Server) -> None:
    body = b"Action=DescribeVpcs&Version=2016-11-15"
    headers = signed_headers(aws, body)
    assert posted(served, body, headers)[0].status_code == 200
    for changed in (body + b"&", body.replace(b"=", b"%3D", 1), body + b"&Action=DescribeTags", b"x" + body[1:]):
        assert "<Code>AuthFailure</Code>" in posted(served, changed, headers)[0].text


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=a", "application/json", "text/plain"])
def test_parameters_in_another_form_are_refused(aws: Aws, served: Server, content_type: str) -> None:
    body = b'--a\r\nContent-Disposition: form-data; name="Action"\r\n\r\nDescribeVpcs\r\n--a--'
    reply, _ = posted(served, body, signed_headers(aws, body, **{"Content-Type": content_type}))
    assert "<Code>UnsupportedMediaType</Code>" in reply.text


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("DescribeVpcs&VpcIds.1=vpc-1", "UnknownParameter"),
        ("DescribeVpcs&VpcId=vpc-1", "UnknownParameter"),
        ("DescribeVpcs&VpcId.0=vpc-1", "UnknownParameter"),
        ("DescribeVpcs&VpcId.first=vpc-1", "UnknownParameter"),
        ("DescribeVpcs&filter.1.Name=vpc-id", "UnknownParameter"),
        ("DescribeVpcs&DryRun=yes", "InvalidParameterValue"),
        ("DeleteNetworkAclEntry&NetworkAclId={acl}&Egress=out&RuleNumber=100", "InvalidParameterValue"),
        ("DeleteNetworkAclEntry&NetworkAclId={acl}&Egress=true&RuleNumber=1_00", "InvalidParameterValue"),
        ("DeleteNetworkAclEntry&NetworkAclId={acl}&Egress=true&RuleNumber=١٠٠", "InvalidParameterValue"),
        ("DescribeVpcs&DryRun=FALSE&Version=2016-11-15", ""),
    ],
)
def test_a_parameter_that_moto_would_ignore_or_misread_is_refused(
    aws: Aws, served: Server, acl: str, parameters: str, code: str
) -> None:
    body = f"Action={parameters.format(acl=acl)}".encode()
    reply, _ = posted(served, body, signed_headers(aws, body))
    assert f"<Code>{code}</Code>" in reply.text if code else reply.status_code == 200, reply.text


def test_a_body_that_is_not_text_is_refused(aws: Aws, served: Server) -> None:
    body = b"Action=DescribeVpcs&X=\xff\xfe"
    assert "<Code>InvalidRequest</Code>" in posted(served, body, signed_headers(aws, body))[0].text


def test_one_account_leaves_turns_to_the_others(aws: Aws, ec2: Any) -> None:
    assert aws.app._requests is not None
    with aws.app._requests._shares.setdefault("000000000001", Share()):
        assert ec2.describe_vpcs()["Vpcs"]


def test_changes_that_wait_for_a_host_hold_up_nobody(aws: Aws, ec2: Any, acl: str, monkeypatch: Any) -> None:
    waiting, confirmed = list[str](), threading.Event()

    def never_acknowledged(account: str, region: str) -> None:
        waiting.append(account)
        confirmed.wait(PATIENCE_SECONDS)

    def add(number: int) -> None:
        deny = {"Egress": True, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "203.0.113.0/24"}
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **deny)

    monkeypatch.setattr(aws.state, "_on_change", never_acknowledged)
    with ThreadPoolExecutor(CONCURRENT_REQUESTS + 1) as pool:
        adding = [pool.submit(add, number) for number in range(50, 51 + CONCURRENT_REQUESTS)]
        until(lambda: len(waiting) == len(adding))
        assert ec2.describe_vpcs()["Vpcs"] and not any(one.done() for one in adding)
        confirmed.set()
    for one in adding:
        one.result()


@pytest.mark.parametrize(("slows", "sleeps"), [(True, [2.0, 4.0]), (False, [])])
def test_a_share_lets_a_credit_pass_and_then_a_part_of_the_time(
    monkeypatch: pytest.MonkeyPatch, slows: bool, sleeps: list[float]
) -> None:
    slept: list[float] = []
    used = itertools.count(0.0, 0.5)  # half a second of processor time for each request
    monkeypatch.setattr("labkit.sandbox.share.REQUEST_SECONDS", 0.0)
    clock = SimpleNamespace(monotonic=lambda: 1000.0, sleep=slept.append, thread_time=lambda: next(used))
    monkeypatch.setattr("labkit.sandbox.share.time", clock)
    own = Share(slows)
    for _ in range(int(CREDIT_SECONDS / 0.5) + 3):
        with own:
            pass
    assert slept == pytest.approx(sleeps)
