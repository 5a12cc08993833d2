"""Hawk in both directions: what is accepted, what is refused, and how a client can tell why."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from mohawk.exc import HawkFail

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.hawk import NonceStore
from tests.sandbox.detection.fixtures import RULESETS, Service, errors, items
from tests.wait import PATIENCE_SECONDS

SELF_TEST = "/help/hawk/self-test"
JSON = "application/json"


def verify(sender: object, response: requests.Response) -> None:
    """Check the reply's signature with its payload, as the vendor's examples do."""
    sender.accept_response(
        response.headers["Server-Authorization"],
        content=response.content,
        content_type=response.headers.get("Content-Type", ""),
    )


def test_the_self_test_is_outside_v2_and_its_reply_is_signed(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", SELF_TEST)
    response = detection_unchanged.send(sender, "GET", SELF_TEST)
    assert response.status_code == 200 and response.json()
    verify(sender, response)
    assert detection_unchanged.get(f"/v2{SELF_TEST}").status_code == 404


def test_a_get_without_a_hash_is_accepted(detection_unchanged: Service) -> None:
    assert "hash=" not in detection_unchanged.sender("GET", RULESETS).request_header
    assert detection_unchanged.get(RULESETS).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_hash_of_an_empty_json_body_is_verified(detection_service: Service, method: str) -> None:
    path = RULESETS if method == "GET" else f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}"
    sender = detection_service.sender(method, path, content="", content_type=JSON)
    assert detection_service.send(sender, method, path, Content_Type=JSON).status_code == 200


def test_a_delete_that_signs_a_body_without_sending_it_is_refused(detection_unchanged: Service) -> None:
    path = f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}"
    sender = detection_unchanged.sender("DELETE", path, content='{"server_ids": []}', content_type=JSON)
    response = detection_unchanged.send(sender, "DELETE", path, Content_Type=JSON)
    assert response.status_code == 401 and errors(response) == ["Bad payload hash"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("content", [b"", b'{"name": "x", "description": "", "ruleIds": []}'])
def test_a_change_without_a_hash_is_refused(detection_unchanged: Service, method: str, content: bytes) -> None:
    sender = detection_unchanged.sender(method, RULESETS)
    response = detection_unchanged.send(sender, method, RULESETS, content, Content_Type=JSON)
    assert response.status_code == 401 and errors(response) == ["Missing required payload hash"]
    bare = detection_unchanged.send(detection_unchanged.sender(method, RULESETS), method, RULESETS)
    assert bare.status_code == 401


def test_a_body_changed_in_transit_is_refused_and_nothing_is_created(detection_unchanged: Service) -> None:
    content = b'{"name": "mine", "description": "", "ruleIds": []}'
    sender = detection_unchanged.sender("POST", RULESETS, content=content, content_type=JSON)
    tampered = content.replace(b"mine", b"evil")
    response = detection_unchanged.send(sender, "POST", RULESETS, tampered, Content_Type=JSON)
    assert response.status_code == 401 and errors(response) == ["Bad payload hash"]
    assert len(items(detection_unchanged.get(RULESETS), "rulesets")) == 1


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_is_compared_without_parameters_and_case(
    detection_service: Service, content_type: str
) -> None:
    content = '{"name": "Füße ✓", "description": "", "ruleIds": []}'.encode()
    sender = detection_service.sender("POST", RULESETS, content=content, content_type=JSON)
    response = detection_service.send(sender, "POST", RULESETS, content, Content_Type=content_type)
    assert response.status_code == 200 and response.json()["name"] == "Füße ✓"
    verify(sender, response)


@pytest.mark.parametrize(
    ("wrong", "error"), [({"id": "f" * 24}, "Unknown credentials"), ({"key": "f" * 64}, "Bad mac")]
)
def test_who_is_not_authentic_is_refused_before_the_body_comes(
    detection_unchanged: Service, wrong: dict[str, str], error: str
) -> None:
    sender = detection_unchanged.sender("POST", RULESETS, content="{}", content_type=JSON, **wrong)
    where = urlsplit(detection_unchanged.url)
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE_SECONDS) as link:
        link.sendall(
            f"POST {RULESETS} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: {JSON}\r\nContent-Length: 40\r\n"
            f"Authorization: {sender.request_header}\r\n\r\n".encode()
        )
        reply = b""
        while error.encode() not in reply:
            part = link.recv(4000)
            assert part, reply
            reply += part
    assert b" 401 " in reply


def test_a_repeated_request_is_refused_as_a_replay(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", RULESETS)
    assert detection_unchanged.send(sender, "GET", RULESETS).status_code == 200
    again = detection_unchanged.send(sender, "GET", RULESETS)
    assert again.status_code == 401 and errors(again) == ["Invalid nonce"]


def test_of_the_same_request_from_many_threads_one_is_accepted(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", RULESETS)
    headers = {"Authorization": sender.request_header}

    def send(_: int) -> int:
        return requests.get(detection_unchanged.url + RULESETS, headers=headers, timeout=PATIENCE_SECONDS).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, range(16)))
    assert sorted(codes) == [200] + [401] * 15


@pytest.mark.parametrize("seconds", [-90, 90])
def test_the_reply_to_a_clock_off_by_more_than_a_minute_contains_the_time(
    detection_unchanged: Service, seconds: int
) -> None:
    sender = detection_unchanged.sender("GET", RULESETS, _timestamp=int(time.time()) + seconds)
    response = detection_unchanged.send(sender, "GET", RULESETS)
    assert response.status_code == 401 and errors(response) == ["Stale timestamp"]
    challenge = response.headers["WWW-Authenticate"]
    told = re.fullmatch(r'Hawk ts="(\d+)", tsm="[^"]+", error="[^"]+"', challenge)
    assert told is not None and abs(int(told[1]) - time.time()) < PATIENCE_SECONDS


@pytest.mark.parametrize("seconds", [-40, 40])
def test_a_clock_off_by_less_than_a_minute_is_accepted(detection_unchanged: Service, seconds: int) -> None:
    sender = detection_unchanged.sender("GET", RULESETS, _timestamp=int(time.time()) + seconds)
    assert detection_unchanged.send(sender, "GET", RULESETS).status_code == 200


def test_an_unknown_user_and_a_wrong_key_get_different_errors(detection_unchanged: Service) -> None:
    unknown = detection_unchanged.send(detection_unchanged.sender("GET", RULESETS, id="f" * 24), "GET", RULESETS)
    wrong = detection_unchanged.send(detection_unchanged.sender("GET", RULESETS, key="f" * 64), "GET", RULESETS)
    assert (unknown.status_code, errors(unknown)) == (401, ["Unknown credentials"])
    assert (wrong.status_code, errors(wrong)) == (401, ["Bad mac"])
    assert "Server-Authorization" not in unknown.headers and "Server-Authorization" not in wrong.headers


def test_the_key_of_a_disabled_user_is_unknown(detection_unchanged: Service) -> None:
    former = detection_unchanged.as_member("former@agility.example")
    assert errors(former.get(RULESETS)) == ["Unknown credentials"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Hawk",
        "Hawk ",
        'Hawk id="a"',
        'Hawk id="a", id="b"',
        "Basic YTpi",
        "0123456789abcdef",
        'Hawk x="y"',
        "Hawk é",
    ],
)
def test_a_header_that_is_not_hawk_is_refused(detection_unchanged: Service, header: str) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    response = requests.get(detection_unchanged.url + RULESETS, headers=headers, timeout=PATIENCE_SECONDS)
    assert response.status_code == 401 and errors(response)
    assert response.headers["WWW-Authenticate"].startswith("Hawk")


def test_another_users_organization_gets_a_signed_403(detection_unchanged: Service) -> None:
    for ext in ("0" * 24, ""):
        sender = detection_unchanged.sender("GET", RULESETS, ext=ext)
        response = detection_unchanged.send(sender, "GET", RULESETS)
        assert response.status_code == 403 and "organization" in errors(response)[0]
        verify(sender, response)


@pytest.mark.parametrize("signed_for", ["http://api.example", "http://api.example:8080", "https://api.example:443"])
def test_the_host_and_port_that_the_client_signed_are_verified(detection_unchanged: Service, signed_for: str) -> None:
    sender = detection_unchanged.sender("GET", RULESETS, url=signed_for)
    host = signed_for.split("//")[1]
    assert detection_unchanged.send(sender, "GET", RULESETS, Host=host).status_code == 200


def test_behind_a_tls_proxy_the_port_of_https_is_used(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", RULESETS, url="https://api.example")
    response = detection_unchanged.send(sender, "GET", RULESETS, Host="api.example", X_Forwarded_Proto="https")
    assert response.status_code == 200
    verify(sender, response)


def test_another_host_than_the_signed_one_is_refused(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", RULESETS, url="http://elsewhere.example")
    assert errors(detection_unchanged.send(sender, "GET", RULESETS)) == ["Bad mac"]
    broken = detection_unchanged.send(detection_unchanged.sender("GET", RULESETS), "GET", RULESETS, Host="a:b:c")
    assert broken.status_code in {400, 401}


@pytest.mark.parametrize("query", ["?b=2&a=%2F+x%20y&a=", "?until=2026-11-24T10%3A00", "?"])
def test_the_path_and_query_are_verified_as_sent_undecoded(detection_unchanged: Service, query: str) -> None:
    assert detection_unchanged.get(RULESETS + query).status_code == 200


def test_refusals_to_an_authentic_request_are_signed_too(detection_unchanged: Service) -> None:
    for path in (f"{RULESETS}/not-an-id", f"{RULESETS}/{seed_data.PRECREATED_RULE_ID}", "/v2/nothing", "/v2/alerts"):
        sender = detection_unchanged.sender("GET", path)
        response = detection_unchanged.send(sender, "GET", path)
        assert response.status_code in {400, 404}
        verify(sender, response)


def test_a_reply_changed_in_transit_has_an_invalid_signature(detection_unchanged: Service) -> None:
    sender = detection_unchanged.sender("GET", RULESETS)
    response = detection_unchanged.send(sender, "GET", RULESETS)
    with pytest.raises(HawkFail):
        sender.accept_response(
            response.headers["Server-Authorization"], content=response.content + b" ", content_type=JSON
        )


def test_the_replies_of_a_removed_member_are_signed_with_an_empty_body(detection_service: Service) -> None:
    observer = detection_service.store.people.find_user(seed_data.OBSERVER_EMAIL)
    path = f"/v2/organizations/members/{observer.id}"
    sender = detection_service.sender("DELETE", path)
    response = detection_service.send(sender, "DELETE", path)
    assert response.status_code == 204 and response.content == b""
    verify(sender, response)


def test_the_nonce_store_drops_expired_nonces() -> None:
    now = 0.0
    nonces = NonceStore(clock=lambda: now)
    assert not nonces.seen("user", "a", "1") and nonces.seen("user", "a", "1")
    assert not nonces.seen("other", "a", "1"), "another user's nonce is another nonce"
    now = 120.0
    assert nonces.seen("user", "a", "1"), "dated a minute ahead, it would still be good"
    now = 122.0
    assert not nonces.seen("user", "b", "1")
    assert len(nonces) == 1


def test_the_nonce_store_is_bounded() -> None:
    nonces = NonceStore(most=10)
    for number in range(100):
        assert not nonces.seen("user", str(number), "1")
    assert len(nonces) == 10
