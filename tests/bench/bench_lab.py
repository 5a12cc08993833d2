"""What a student waits for: `import labkit`, JupyterLab answering, a check, chapter 2 run unattended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Row, at_most, best_seconds, milliseconds

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CHAPTER = REPOSITORY / "notebooks" / "02_create_environment.ipynb"
IMPORT_GOAL_SECONDS = 0.05
POLL_SECONDS = 0.01


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale: how many rounds, 1 for a few."""
    rounds = max(1, round(3 * scale))
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder, environment(Path(folder)):
        return [
            importing(rounds * 3),
            starting_jupyterlab(rounds),
            checking(rounds * 10),
            chapter_unattended(rounds),
        ]


@contextmanager
def environment(home: Path) -> Iterator[None]:
    """A home of its own, for the lab and for Jupyter, and a sandbox that is running and warm."""
    before = dict(os.environ)
    os.environ.update(
        LABKIT_HOME=str(home / "lab"),
        JUPYTER_CONFIG_DIR=str(home / "jupyter-config"),
        JUPYTER_RUNTIME_DIR=str(home / "jupyter-runtime"),
        IPYTHONDIR=str(home / "ipython"),
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else compiling everything at each start hides what differs
    try:
        yield
    finally:
        subprocess.run([BIN / "labkit", "sandbox", "stop"], check=True, capture_output=True)
        os.environ.clear()
        os.environ.update(before)


def importing(rounds: int) -> Row:
    ours, floor = best_seconds(lambda: python("import labkit"), lambda: python("pass"), rounds=rounds)
    over = ours - floor
    return Row(
        "import labkit, over an empty program",
        milliseconds(ours),
        milliseconds(floor),
        ours / floor,
        "≤ 50 ms over",
        over <= IMPORT_GOAL_SECONDS,
    )


def python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def starting_jupyterlab(rounds: int) -> Row:
    root = ["--allow-root"] if os.geteuid() == 0 else []
    pairs = [
        (
            until_it_answers(lambda port: [BIN / "labkit", "lab", "--no-browser", "--port", str(port)]),
            until_it_answers(lambda port: [BIN / "jupyter-lab", "--no-browser", f"--ServerApp.port={port}", *root]),
        )
        for _ in range(rounds)
    ]
    ours, peer = (min(times) for times in zip(*pairs, strict=True))
    return at_most("labkit lab until JupyterLab answers", milliseconds(ours), milliseconds(peer), ours / peer, 0.6)


def until_it_answers(command: Callable[[int], list]) -> float:
    """The seconds from the start of JupyterLab until its API answers; then it is ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    start = time.perf_counter()
    process = subprocess.Popen(command(port), cwd=REPOSITORY, **quiet)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5):
                    return time.perf_counter() - start
            except OSError:
                if process.poll() is not None:
                    raise
                time.sleep(POLL_SECONDS)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def checking(rounds: int) -> Row:
    """The check with the most calls, against those calls alone."""
    from labkit import steps
    from labkit.services import aws
    from labkit.steps.session import open_session

    session = open_session()
    list(steps.solve(session, steps.STEPS))
    ec2, student = session.aws.ec2, session.student

    def calls() -> None:
        (vpc,) = aws.find_student_vpcs(ec2, student)
        aws.describe_network_acls(ec2, vpc_id=vpc.id)

    step = steps.BY_KEY["network_acl_id"]
    ours, floor = best_seconds(lambda: steps.look(session, step), calls, rounds=rounds)
    return at_most("a check, against its API calls", milliseconds(ours), milliseconds(floor), ours / floor, 1.2)


def chapter_unattended(rounds: int) -> Row:
    """Chapter 2 from nothing in a fresh kernel, against one script with the same calls in a kernel of its own."""
    from labkit.jupyter import loading

    loading.skip_needless_imports()
    import nbformat
    from nbclient import NotebookClient

    os.environ["LABKIT_STUDENT"] = "1"
    keys = json.loads(subprocess.check_output([sys.executable, "-c", KEYS], text=True))
    os.environ.update(AWS_ACCESS_KEY_ID=keys["access_key_id"], AWS_SECRET_ACCESS_KEY=keys["secret_access_key"])

    def reset() -> None:
        subprocess.run([BIN / "labkit", "reset", "2", "--yes"], check=True, capture_output=True)

    def execute(notebook: nbformat.NotebookNode) -> float:
        reset()
        start = time.perf_counter()
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        return time.perf_counter() - start

    bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BARE_SCRIPT)])
    pairs = [(execute(nbformat.read(CHAPTER, 4)), execute(bare)) for _ in range(rounds)]
    ours, peer = (min(times) for times in zip(*pairs, strict=True))
    reset()
    return at_most(
        "chapter 2 unattended, against a bare script", milliseconds(ours), milliseconds(peer), ours / peer, 1.3
    )


KEYS = """
import json
from labkit.steps.session import open_session
keys = open_session().backend.aws.cloud_account()
print(json.dumps(vars(keys)))
"""

BARE_SCRIPT = """
import os, boto3, requests, pandas, ipywidgets
from labkit.steps.session import open_session
from labkit.services.detection.hawk import HawkAuth

backend = open_session().backend
login, where = backend.detection.login(), backend.aws.endpoint()
ec2, sts = (boto3.client(name, endpoint_url=where, region_name="us-east-1") for name in ("ec2", "sts"))
session = requests.Session()
session.auth = HawkAuth(login.user_id, login.api_key, login.organization_id)
v2 = login.url + "/v2"

def mine():
    return ec2.describe_vpcs(Filters=[{"Name": "tag:labkit:student", "Values": ["1"]}])["Vpcs"]

def rules():
    sets = session.get(f"{v2}/rulesets").json()["rulesets"]
    return session.get(f"{v2}/rulesets/{sets[0]['id']}/rules").json()["rules"]

for _ in range(5):
    sts.get_caller_identity(), ec2.describe_vpcs()
tags = [{"ResourceType": "vpc", "Tags": [{"Key": "labkit:student", "Value": "1"}, {"Key": "Name", "Value": "x"}]}]
ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)
for _ in range(12):
    mine(), ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [mine()[0]["VpcId"]]}])
ec2.describe_network_acls()
base = next(rule for rule in rules() if rule["name"].startswith("Self Protect: Network"))
base["name"] = base["name"].replace("Self Protect:", "Self Protect: Student1:", 1)
body = {key: base[key] for key in base if key not in ("id", "createdAt", "updatedAt")}
rule = session.post(f"{v2}/rulesets/{base['rulesetId']}/rules", json=body).json()
for enabled in (False, True):
    path = f"{v2}/rulesets/{base['rulesetId']}/rules/{rule['id']}"
    session.put(path, json={**body, "enabled": enabled}).raise_for_status()
for _ in range(24):
    rules()
"""
