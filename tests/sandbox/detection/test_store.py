"""The detection service's file: private, consistent after a kill, shared between threads."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.alerts import NewAlert
from labkit.sandbox.detection.store.database import NoSuch, Selection
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.ids import new_id
from tests.sandbox.detection.fixtures import PRECREATED, RULES, Service, a_service, add_events, items
from tests.wait import until

ORGANIZATION, RULESET = seed_data.ORGANIZATION_ID, seed_data.BASE_RULE_SET_ID

WRITER = """
import itertools, sys
from pathlib import Path
from labkit.sandbox.detection.seed_data import ORGANIZATION_ID
from labkit.sandbox.detection.store.store import DetectionStore

store = DetectionStore(Path(sys.argv[1]))
for number in itertools.count():
    with store.transaction():
        ruleset = {"name": f"set {number}", "description": "", "ruleIds": []}
        ruleset_id = store.rules.create_ruleset(ORGANIZATION_ID, ruleset, number)["id"]
        for _ in range(3):
            store.rules.create_rule(ORGANIZATION_ID, ruleset_id, {"name": "x" * 500}, number)
    print(number, flush=True)
"""


def test_the_file_and_its_folder_are_the_owners_only(tmp_path: Path) -> None:
    store = DetectionStore(tmp_path / "world" / "detection.sqlite")
    assert (tmp_path / "world").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "world").iterdir())
    assert len(files) == 3 and {file.stat().st_mode & 0o777 for file in files} == {0o600}
    store.close()


def test_keys_are_generated_once_and_differ_between_sandboxes(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "one", "two"):
        store = DetectionStore(tmp_path / name / "detection.sqlite")
        keys.append(store.credentials())
        store.close()
    assert keys[0] == keys[1] != keys[2]
    assert (
        len(keys[0]["user_id"]) == 24 and len(keys[0]["api_key"]) == 64 and keys[0]["organization_id"] == ORGANIZATION
    )
    assert keys[0]["api_key"] not in repr(
        DetectionStore(tmp_path / "one" / "detection.sqlite").people.find_user(seed_data.STUDENT_EMAIL)
    )


def test_a_restarted_service_gives_the_same_replies(tmp_path: Path) -> None:
    with a_service(tmp_path) as service:
        rule = service.get(PRECREATED).json()
        made = service.post(RULES, rule | {"name": "Mine", "enabled": True}).json()
        service.delete(PRECREATED)
        before = [service.get(path).json() for path in (RULES, "/v2/auditlogs", "/v2/organizations/members")]
        credentials = service.store.credentials()
    with a_service(tmp_path) as service:
        assert service.store.credentials() == credentials
        assert [service.get(path).json() for path in (RULES, "/v2/auditlogs", "/v2/organizations/members")] == before
        assert service.get(f"{RULES}/{made['id']}").json() == made
        assert service.get(PRECREATED).status_code == 404, "what was deleted does not come back"


@pytest.mark.parametrize("after", [1, 4])
def test_a_kill_during_a_write_leaves_every_transaction_complete_or_absent(tmp_path: Path, after: int) -> None:
    path = tmp_path / "world" / "detection.sqlite"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        lines = itertools.islice(writer.stdout, after)
        assert len(list(lines)) == after
        writer.kill()
        told = after + len(writer.stdout.read().splitlines())
    store = DetectionStore(path)
    rulesets = [one for one in store.rules.rulesets(ORGANIZATION) if one["name"].startswith("set ")]
    assert [one["name"] for one in rulesets[:told]] == [f"set {number}" for number in range(told)], (
        "what was told is kept"
    )
    assert told <= len(rulesets) <= told + 1
    assert {len(store.rules.rules(ORGANIZATION, one["id"])) for one in rulesets} == {3}
    assert len(store.rules.rules(ORGANIZATION, RULESET)) == 13
    store.close()


def test_a_failed_transaction_is_rolled_back(tmp_path: Path) -> None:
    store = DetectionStore(tmp_path / "detection.sqlite")

    def delete_twice() -> None:
        with store.transaction():
            for _ in range(2):
                store.rules.delete_rule(ORGANIZATION, RULESET, seed_data.PRECREATED_RULE_ID)

    with pytest.raises(NoSuch):
        delete_twice()
    assert store.rules.rule(ORGANIZATION, RULESET, seed_data.PRECREATED_RULE_ID)
    store.close()


def test_threads_write_and_read_concurrently(tmp_path: Path) -> None:
    store = DetectionStore(tmp_path / "detection.sqlite")
    done = threading.Event()

    def write(thread: int) -> None:
        for number in range(20):
            alert = NewAlert(ORGANIZATION, "x", 3, seed_data.PRECREATED_RULE_ID, RULESET, thread * 100 + number)
            with store.transaction():
                alert_id = store.alerts.insert_alert(alert)
                add_events(store, alert_id, {"_id": new_id(), "timestamp": number})

    def read() -> int:
        looks = 0
        while not done.is_set():
            counts = store.alerts.severity_counts(ORGANIZATION, Selection({}))
            assert 0 <= counts[3] <= 160
            looks += 1
        return looks

    with ThreadPoolExecutor(10) as pool:
        reader = pool.submit(read)
        try:
            list(pool.map(write, range(8)))
        finally:
            done.set()
        assert reader.result() > 0
    assert store.alerts.severity_counts(ORGANIZATION, Selection({}))[3] == 160
    store.close()


def test_concurrent_clients_lose_nothing(detection_service: Service) -> None:
    rule = detection_service.get(PRECREATED).json()

    def work(number: int) -> set[int]:
        service = Service(
            detection_service.url, detection_service.store, detection_service.user_id, detection_service.api_key
        )
        codes = set()
        for turn in range(3):
            made = service.post(RULES, rule | {"name": f"{number}-{turn}"})
            path = f"{RULES}/{made.json()['id']}"
            codes |= {made.status_code, service.get(path).status_code, service.get(RULES).status_code}
            codes |= {service.put(path, rule | {"name": f"{number}-{turn}", "enabled": True}).status_code}
        service.session.close()
        return codes

    with ThreadPoolExecutor(12) as pool:
        assert set().union(*pool.map(work, range(12))) == {200}
    rules = items(detection_service.get(RULES), "rules")[13:]
    assert {rule["name"] for rule in rules} == {f"{number}-{turn}" for number in range(12) for turn in range(3)}
    assert len(rules) == 36 and all(rule["enabled"] for rule in rules)


def test_connections_end_with_their_threads(tmp_path: Path) -> None:
    store = DetectionStore(tmp_path / "detection.sqlite")
    for _ in range(20):
        thread = threading.Thread(target=store.credentials)
        thread.start()
        thread.join()
    until(lambda: len(store.database._handles) == 1)
    store.close()
