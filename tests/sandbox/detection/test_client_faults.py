"""Our client against a service that fails or is not there, and against programs that imitate it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mohawk.util
import pytest
from werkzeug import Request, Response

from labkit.model.errors import ServiceError, ServiceUnreachable
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.services.detection.api import DetectionApi
from tests.sandbox.detection.fixtures import a_service
from tests.serving import serving

RULESET = seed_data.BASE_RULE_SET_ID
KEY = "0123456789abcdef" * 4


def a_client(url: str, **more: Any) -> DetectionApi:
    return DetectionApi(url, "a" * 24, KEY, seed_data.ORGANIZATION_ID, **more)


Answer = Callable[[Request], Response]


class Stub:
    """A program that answers as it is told, and counts."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests = answers, []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request.headers["Authorization"])
        return answer(request)(environ, start_response)


def signed(document: object) -> Answer:
    def answer(request: Request) -> Response:
        content = json.dumps(document).encode()
        receiver = mohawk.Receiver(
            lambda user_id: {"id": user_id, "key": KEY, "algorithm": "sha256"},
            request.headers["Authorization"],
            request.url,
            request.method,
            accept_untrusted_content=True,
            seen_nonce=lambda *_: False,
        )
        header = receiver.respond(content=content, content_type="application/json")
        return Response(content, 200, {"Server-Authorization": header}, mimetype="application/json")

    return answer


def failing(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response("no\n", status, named, mimetype="text/plain")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_get_is_retried_with_a_new_signature_after_a_temporary_fault(status: int) -> None:
    stub = Stub(failing(status), failing(status), signed({"rulesets": [], "token": ""}))
    with serving(stub) as url:
        assert a_client(url).rulesets() == ()
    assert len(stub.requests) == len(set(stub.requests)) == 3


def test_a_lasting_fault_is_reported_after_a_few_tries() -> None:
    stub = Stub(failing(503))
    with serving(stub) as url, pytest.raises(ServiceError) as caught:
        a_client(url).rulesets()
    assert caught.value.code == "503" and len(stub.requests) == 4


def test_a_change_is_never_sent_twice(detection_api: DetectionApi) -> None:
    rule = detection_api.rule(RULESET, seed_data.PRECREATED_RULE_ID)
    stub = Stub(failing(503))
    with serving(stub) as url:
        for change in (lambda api: api.create_rule(RULESET, rule), lambda api: api.delete_rule(RULESET, rule.id)):
            with pytest.raises(ServiceError) as caught:
                change(a_client(url))
            assert caught.value.code == "503"
    assert len(stub.requests) == 2


def test_at_the_rate_limit_the_client_waits_as_long_as_the_service_says(tmp_path: Path) -> None:
    with a_service(tmp_path, RateLimit(2, window_seconds=0.2)) as service:
        api = service.api()
        for _ in range(6):
            assert len(api.rulesets()) == 1


def test_a_wait_that_is_too_long_is_reported_at_once(tmp_path: Path) -> None:
    with a_service(tmp_path, RateLimit(1, window_seconds=50)) as service:
        api = service.api()
        api.rulesets()
        with pytest.raises(ServiceError) as caught:
            api.rulesets()
    assert caught.value.code == "429" and "Wait 50 seconds" in caught.value.next_step


def test_a_port_without_a_listener_is_unreachable(detection_api: DetectionApi) -> None:
    rule = detection_api.rule(RULESET, seed_data.PRECREATED_RULE_ID)
    nobody = a_client("http://127.0.0.1:9")
    with pytest.raises(ServiceUnreachable) as caught:
        nobody.self_test()
    assert "http://127.0.0.1:9" in caught.value.what and caught.value.next_step
    with pytest.raises(ServiceUnreachable) as caught:
        nobody.create_rule(RULESET, rule)
    assert "may have been made" in caught.value.why


@pytest.mark.parametrize("status", [200, 302, 400, 404])
def test_replies_of_another_program_are_not_trusted(status: int) -> None:
    stub = Stub(failing(status, Location="http://127.0.0.1:9/"))
    with serving(stub) as url, pytest.raises(ServiceError) as caught:
        a_client(url).rulesets()
    assert caught.value.code == "reply-not-authentic" and url in caught.value.what
    assert len(stub.requests) == 1


def test_a_signed_reply_with_a_changed_body_is_not_trusted() -> None:
    def tampered(request: Request) -> Response:
        response = signed({"rulesets": [], "token": None})(request)
        response.set_data(b'{"rulesets": [1], "token": null}')
        return response

    with serving(Stub(tampered)) as url, pytest.raises(ServiceError) as caught:
        a_client(url).rulesets()
    assert caught.value.code == "reply-not-authentic"
