"""The sandbox's AWS side against moto's own server: its start, a call, and keeping 500 changes.

Run from the repository's folder: `python -m tests.bench.bench_aws_sandbox`. moto's own server checks no signature and
no value and keeps nothing; ours does all three.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from tests.bench.measure import Row, at_most, best_seconds, milliseconds, table

DENY = {"Protocol": "-1", "RuleAction": "deny", "CidrBlock": "203.0.113.9/32", "Egress": True}
ANY_KEYS = ("AKIAAAAAAAAAAAAAAAAA", "a" * 40)


class Started(NamedTuple):
    """A server: where it is, its keys, and the seconds from its start to its first answers."""

    url: str
    keys: tuple[str, str]
    answers: float
    first_ec2: float


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 starts each server three times and calls each 200 times a round."""
    starts = max(1, round(3 * scale))
    pairs = [(_started(sandbox), _started(moto_server)) for _ in range(starts)]
    ours, peer = zip(*pairs, strict=True)
    rows = [
        _faster(f"sandbox started → {what}", min(getattr(each, name) for each in ours),
                min(getattr(each, name) for each in peer), 1.1)
        for what, name in (("answers", "answers"), ("first EC2 answer", "first_ec2"))
    ]  # fmt: skip
    return [*rows, *_calls(max(10, round(200 * scale))), _keeping(max(50, round(500 * scale)))]


@contextmanager
def sandbox() -> Iterator[Started]:
    """The sandbox as the lab starts it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        start = time.perf_counter()
        _process(stack, [sys.executable, "-m", "labkit.sandbox.server", "--home", folder])
        _until((home / "sandbox.json").exists)
        url = json.loads((home / "sandbox.json").read_text())["url"]
        _until(lambda: _answers(f"{url}/_lab/health"))
        answers = time.perf_counter() - start
        keys = json.loads((home / "world" / "aws-keys.json").read_text())["student"]
        pair = (keys["access_key_id"], keys["secret_access_key"])
        client(url, pair).describe_vpcs()
        yield Started(url, pair, answers, time.perf_counter() - start)


@contextmanager
def moto_server() -> Iterator[Started]:
    """moto's own server, as it comes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        start = time.perf_counter()
        _process(stack, [sys.executable, "-m", "moto.server", "-p", str(port)])
        _until(lambda: _answers(f"{url}/moto-api/"))
        answers = time.perf_counter() - start
        client(url, ANY_KEYS).describe_vpcs()
        yield Started(url, ANY_KEYS, answers, time.perf_counter() - start)


def client(url: str, keys: tuple[str, str]) -> Any:
    """EC2 at this endpoint."""
    return boto3.client(
        "ec2", endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys[0], aws_secret_access_key=keys[1],
        config=Config(retries={"max_attempts": 0}, read_timeout=30),
    )  # fmt: skip


def _calls(count: int) -> list[Row]:
    rows = []
    with sandbox() as ours, moto_server() as peer:
        works = [_work(client(each.url, each.keys)) for each in (ours, peer)]
        for name in works[0]:
            mine, theirs = best_seconds(*(_repeat(work[name], count) for work in works), rounds=3)
            rows.append(_faster(f"a call: {name}", mine / count, theirs / count, 1.0))
    return rows


def _work(ec2: Any) -> dict[str, Callable[[], Any]]:
    acl = ec2.describe_network_acls()["NetworkAcls"][0]["NetworkAclId"]

    def create_and_delete() -> None:
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY)
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Egress=True)

    return {
        "describe VPCs": ec2.describe_vpcs,
        "describe one network ACL": lambda: ec2.describe_network_acls(NetworkAclIds=[acl]),
        "create and delete an entry (two calls)": create_and_delete,
    }


def _keeping(count: int) -> Row:
    """Keeping `count` changes and starting again from them: the journal against a snapshot after each change."""
    from moto.ec2.models import ec2_backends

    from labkit.sandbox.aws.keys import ACCOUNT, load_keys
    from labkit.sandbox.aws.requests import AwsRequests

    with tempfile.TemporaryDirectory() as folder:
        state = AwsRequests(Path(folder) / "journal", load_keys(Path(folder) / "keys")).state
        state.restore()
        changing = _seconds(lambda: _change(state, count))
        restoring = min(_seconds(state.restore) for _ in range(3))
        objects = ec2_backends[ACCOUNT]["us-east-1"].__dict__
        snapshot = pickle.dumps(objects)
        dumping, loading = best_seconds(lambda: pickle.dumps(objects), lambda: pickle.loads(snapshot))
        state.close()
    name = f"{count} changes kept, then a start from them ({milliseconds(restoring)} of it), against snapshots"
    return _faster(name, changing + restoring, count * dumping + loading, 1.0)


def _change(state: Any, count: int) -> None:
    """Make `count` changes that all stay."""
    from labkit.sandbox.aws.journal import Change
    from labkit.sandbox.aws.keys import ACCOUNT
    from labkit.sandbox.aws.strict.ec2 import StrictEC2Response

    def do(action: str, **params: Any) -> Any:
        response = StrictEC2Response.of_change(state, Change(0, ACCOUNT, "us-east-1", action, params))
        return state.change(response._check, response.act, response._record)

    vpc = do("CreateVpc", CidrBlock="10.1.0.0/16").result["Vpc"].id
    acl = ""
    for number in range(count - 1):
        if number % 20 == 0:
            acl = do("CreateNetworkAcl", VpcId=vpc).result["NetworkAcl"].id
        else:
            do("CreateNetworkAclEntry", NetworkAclId=acl, RuleNumber=number % 20, **DENY)


def _started(server: Callable[[], Any]) -> Started:
    with server() as started:
        return started


def _process(stack: ExitStack, command: list[str]) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    stack.callback(process.wait)
    stack.callback(process.kill)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


def _until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.perf_counter() + seconds
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.01)


def _repeat(work: Callable[[], Any], count: int) -> Callable[[], None]:
    def repeated() -> None:
        for _ in range(count):
            work()

    return repeated


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _faster(work: str, ours: float, peer: float, goal: float) -> Row:
    return at_most(work, milliseconds(ours), milliseconds(peer), ours / peer, goal)


if __name__ == "__main__":
    print(table(run()))
