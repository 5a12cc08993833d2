"""The responder when services fail, other writers are faster and alerts come in floods."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.model.errors import CredentialsRefused, LabError
from labkit.model.response.response import Add, Refuse
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.services import aws, sandbox_process
from labkit.steps.responding import students_responder
from labkit.steps.rule import students_rule
from tests.sandbox.responder.fixtures import Scene, raise_alert, rate_limit, running, scene
from tests.serving import serving
from tests.wait import until

__all__ = ["rate_limit", "scene"]

DADISMAD = "203.0.113.10"


# --- services that fail ---


def test_a_service_that_fails_is_reported_once_waited_for_and_reported_again_when_it_answers(scene: Scene) -> None:
    with running(scene.responder()):
        until(lambda: scene.kinds("poll"))
        scene.faults.status = "500 Internal Server Error"
        raise_alert(scene.store, DADISMAD)
        asked = len(scene.faults.asked)
        until(lambda: len(scene.faults.asked) > asked + 12)
        scene.faults.status = ""
        until(scene.denied)
    assert len(scene.kinds("trouble")) == 1
    assert "500" in scene.kinds("trouble")[0].sentence and "Trying again." in scene.kinds("trouble")[0].sentence
    assert [one.sentence for one in scene.kinds("answers again")] == ["The detection service answers again."]
    assert scene.denied() == {1: f"{DADISMAD}/32"}


class TestPatience:
    """A service that lets an organization ask a few times a second only, and says how long to wait."""

    @pytest.fixture
    def rate_limit(self, window_seconds: int) -> RateLimit:
        return RateLimit(8, window_seconds)

    @pytest.mark.parametrize("window_seconds", [3])
    def test_it_waits_as_long_as_the_service_asks(self, scene: Scene) -> None:
        for number in range(1, 13):
            raise_alert(scene.store, f"198.51.100.{number}", aggregated=False)
        with running(scene.responder(patience_seconds=0)):
            until(lambda: scene.kinds("trouble"))
            asked = len(scene.faults.asked)
            assert len(scene.denied()) >= 5  # what was read before the refusal protects already
            until(lambda: len(scene.denied()) == 12)
            assert len(scene.faults.asked) < asked + 40
        assert "429" in scene.kinds("trouble")[0].sentence and "Asked to wait" in scene.kinds("trouble")[0].sentence

    @pytest.mark.parametrize("window_seconds", [600])
    def test_a_stop_does_not_wait_for_it(self, scene: Scene) -> None:
        for number in range(1, 13):
            raise_alert(scene.store, f"198.51.100.{number}", aggregated=False)
        with running(scene.responder(patience_seconds=0)) as stop:
            until(lambda: scene.kinds("trouble"))
            stop.set()
            until(lambda: scene.kinds("ended"))


def test_a_detection_service_that_went_away_and_came_back_is_found_again(scene: Scene) -> None:
    app = create_detection_app(scene.store, RateLimit(100_000))
    with serving(app) as url:
        scene.service.url = url
        responder = scene.responder()
    with running(responder):
        until(lambda: scene.kinds("trouble"))
        raise_alert(scene.store, DADISMAD)
        with serving(app, port=int(url.rsplit(":", 1)[1])):
            until(scene.denied)
    assert len(scene.kinds("trouble")) == len(scene.kinds("answers again")) == 1
    assert scene.kinds("trouble")[0].sentence.startswith("No answer from the detection service")


def test_keys_that_are_refused_end_it_at_once_in_words(scene: Scene) -> None:
    scene.service.api_key = "0" * 64
    with pytest.raises(CredentialsRefused), running(scene.responder()) as stop:
        until(stop.is_set)
    assert scene.said[-1].kind == "ended" and "API key" in scene.said[-1].sentence
    assert len(scene.faults.asked) == 1


def test_an_aws_that_is_gone_is_reported_once_and_waited_for(scene: Scene) -> None:
    with refusing(scene, "DescribeNetworkAcls", "ServiceUnavailable") as answers, running(scene.responder()):
        raise_alert(scene.store, DADISMAD)
        until(lambda: len(answers) > 4)
        answers.stop()
        until(scene.denied)
    assert len(scene.kinds("trouble")) == len(scene.kinds("answers again")) == 1


def test_a_network_acl_deleted_under_it_ends_it_clearly(scene: Scene, vpc: str) -> None:
    made = scene.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    scene.network_acl_id = made
    delete = scene.ec2.delete_network_acl

    def until_it_ends() -> None:
        with running(scene.responder()) as stop:
            until(lambda: scene.kinds("poll"))
            delete(NetworkAclId=made)
            until(stop.is_set)

    with pytest.raises(LabError, match=f"{made} does not exist"):
        until_it_ends()
    assert scene.said[-1].kind == "ended" and "Create your VPC again" in scene.said[-1].sentence


# --- other writers ---


def before_the_next(scene: Scene, operation: str, act: Callable[[], object]) -> None:
    """Do something at the last moment: when the request is about to be sent, once."""
    events, name = scene.ec2.meta.events, f"before-call.ec2.{operation}"

    def first(**_: Any) -> None:
        events.unregister(name, first)
        act()

    events.register(name, first)


def test_a_number_taken_at_the_last_moment_leads_to_the_next_one(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    before_the_next(scene, "CreateNetworkAclEntry", lambda: scene.make(1, "198.51.100.0/24", "allow"))
    scene.responder().run_once()
    assert scene.denied() == {2: f"{DADISMAD}/32"}


def test_the_same_deny_written_by_another_at_the_last_moment_is_kept_and_not_doubled(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    before_the_next(scene, "CreateNetworkAclEntry", lambda: scene.make(1, f"{DADISMAD}/32"))
    scene.responder().run_once()
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    assert scene.kinds("kept") and not scene.kinds("added")


def test_a_number_taken_each_time_is_left_to_the_next_round(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    taken = []

    def take(**_: Any) -> None:
        if len(taken) < 12:
            taken.append(len(taken) + 1)
            scene.ec2.meta.events.unregister("before-call.ec2.CreateNetworkAclEntry", take)
            scene.make(taken[-1], f"198.51.{taken[-1]}.0/24")
            scene.ec2.meta.events.register("before-call.ec2.CreateNetworkAclEntry", take)

    scene.ec2.meta.events.register("before-call.ec2.CreateNetworkAclEntry", take)
    try:
        with running(scene.responder()):
            until(scene.denied)
    finally:
        scene.ec2.meta.events.unregister("before-call.ec2.CreateNetworkAclEntry", take)
    assert scene.denied() == {13: f"{DADISMAD}/32"}
    assert len(scene.kinds("trouble")) >= 1


def test_the_last_place_taken_at_the_last_moment_makes_the_oldest_own_entry_go(scene: Scene) -> None:
    for number in range(1, 18):
        raise_alert(scene.store, f"198.51.100.{number}", at_ms=now_ms() - 60_000 + 1000 * number)
    responder = scene.responder()
    responder.run_once()
    raise_alert(scene.store, DADISMAD)
    before_the_next(scene, "CreateNetworkAclEntry", lambda: scene.make(90, "198.51.0.0/24"))
    responder.run_once()
    assert len(scene.denied()) == 17
    assert f"{DADISMAD}/32" in scene.denied().values() and "198.51.100.1/32" not in scene.denied().values()


def test_an_own_entry_whose_number_became_anothers_is_not_overwritten(scene: Scene) -> None:
    for number in range(1, 19):
        raise_alert(scene.store, f"198.51.100.{number}", at_ms=now_ms() - 60_000 + 1000 * number)
    responder = scene.responder()
    responder.run_once()
    raise_alert(scene.store, DADISMAD)
    looks = []

    def swap(**_: Any) -> None:
        looks.append(1)
        if len(looks) == 2:  # the look right before the change
            aws.delete_entry(scene.ec2, scene.network_acl_id, 18, egress=True)
            scene.make(18, "198.51.0.0/24")

    scene.ec2.meta.events.register("before-call.ec2.DescribeNetworkAcls", swap)
    try:
        responder.run_once()
    finally:
        scene.ec2.meta.events.unregister("before-call.ec2.DescribeNetworkAcls", swap)
    (other,) = [entry for entry in scene.entries() if entry.egress and entry.rule_number == 18]
    assert other.cidr_block == "198.51.0.0/24"
    assert f"{DADISMAD}/32" in scene.denied().values() and len(scene.denied()) == 17


# --- floods, and its own services ---


def test_a_burst_of_300_destinations_denies_the_newest_18_and_reports_each_of_the_others(scene: Scene) -> None:
    first = now_ms() - 60_000
    with running(scene.responder()):
        for number in range(300):
            raise_alert(scene.store, f"198.51.{number // 100}.{number % 100 + 1}", at_ms=first + number)
        until(lambda: f"198.51.2.{100}/32" in scene.denied().values() and len(scene.denied()) == 18)
        until(lambda: len({one.address for one in scene.kinds("added", "replaced", "refused", "kept")}) == 300)
    assert set(scene.denied().values()) == {f"198.51.2.{number}/32" for number in range(83, 101)}
    assert not scene.kinds("trouble")


def test_a_burst_met_at_once_writes_18_entries_and_no_more(scene: Scene) -> None:
    first = now_ms() - 60_000
    for number in range(300):
        raise_alert(scene.store, f"198.51.{number // 100}.{number % 100 + 1}", at_ms=first + number)
    made = scene.responder().run_once()
    kinds = [type(one) for one in made.outcomes]
    assert (kinds.count(Add), kinds.count(Refuse), len(kinds)) == (18, 282, 300)
    assert len(scene.denied()) == 18


def test_texts_that_are_not_addresses_are_harmless(scene: Scene) -> None:
    for text in ("/run/nscd/socket", "undefined", "203.0.113.10; rm -rf /", "0x7f.1", "<b>", "999.1.1.1"):
        raise_alert(scene.store, text)
    raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    assert len(scene.kinds("refused")) == 6


# --- a whole lab whose sandbox is killed ---


def test_a_sandbox_killed_and_started_again_loses_no_alert(lab: Lab, lab_home: Path) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    store = DetectionStore(lab_home / "world" / "detection.sqlite")
    scene_said: list[Any] = []
    rule_id = students_rule(lab._session).id
    responder = students_responder(lab._session, scene_said.append, interval_seconds=0.1)
    try:
        with running(responder):
            until(lambda: [one for one in scene_said if one.kind == "poll"])
            sandbox = sandbox_process.find(lab_home)
            assert sandbox is not None
            os.kill(sandbox.pid, signal.SIGKILL)
            raise_alert(store, DADISMAD, rule_id=rule_id)
            raise_alert(store, "127.0.0.1", rule_id=rule_id)
            sandbox_process.start(lab_home, parent=os.getpid())
            until(lambda: [one for one in scene_said if one.kind == "added"])
            until(lambda: [one for one in scene_said if one.kind == "refused"])
        assert [entry.cidr_block for entry in responder.own()] == [f"{DADISMAD}/32"]
        assert "where AWS (EC2) answers" in next(one.sentence for one in scene_said if one.kind == "refused")
    finally:
        store.close()


class refusing:  # noqa: N801  reads as a statement
    """EC2 answers one operation with an error meanwhile, until told to stop."""

    def __init__(self, scene: Scene, operation: str, code: str) -> None:
        self._events, self._name = scene.ec2.meta.events, f"before-call.ec2.{operation}"
        self._code, self._times = code, 0

    def __enter__(self) -> refusing:
        self._events.register(self._name, self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return self._times

    def stop(self) -> None:
        self._events.unregister(self._name, self._answer)

    def _answer(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        from botocore.awsrequest import AWSResponse

        self._times += 1
        reply = AWSResponse("http://127.0.0.1", 503, {}, None)
        error = {"Error": {"Code": self._code, "Message": "x"}, "ResponseMetadata": {"HTTPHeaders": {}}}
        return reply, error
