"""A class behind a JupyterHub: until a student's server is ready, alone and five at once, and memory a student."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from labkit.services.running_sandbox import Sandbox
from tests.bench.measure import Row, at_most, table
from tests.hub import class_keys
from tests.hub.at_the_hub import AtTheHub, RemoteKernel
from tests.hub.class_keys import class_sandbox
from tests.hub.running_hub import CONFIG, RunningHub

PASSWORD = "known-to-the-class"
STOCK = "load_subconfig({config!r})\nc.Spawner.cmd = [{command!r}]\n"
FIVE = 5
MEGABYTE = 2**20


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale: how many students come alone, 1 for a few."""
    alone = max(1, round(3 * scale))
    folder = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
    with class_sandbox(folder, alone + FIVE) as sandbox, hub(sandbox) as ours, hub(sandbox, stock=True) as peer:
        pairs = [(ready(ours, [number]), ready(peer, [number])) for number in range(1, alone + 1)]
        mine, stock = (min(times) for times in zip(*pairs, strict=True))
        five = range(alone + 1, alone + FIVE + 1)
        together = ready(ours, five)
        shared, hosts = memory(ours, five)
        own = shared - hosts + uss(psutil.Process(sandbox.pid))  # which has its host, too
    shutil.rmtree(folder)
    in_turn = FIVE * mine
    return [
        at_most("a student's server until ready, against stock", seconds(mine), seconds(stock), mine / stock, 1),
        at_most(
            "five at once, against one after the other", seconds(together), seconds(in_turn), together / in_turn, 1
        ),
        at_most("memory a student, against a sandbox each", megabytes(shared), megabytes(own), shared / own, 0.65),
    ]


@contextmanager
def hub(sandbox: Sandbox, stock: bool = False) -> Iterator[RunningHub]:
    """The lab's hub; or one that starts JupyterHub's own server for a student."""
    top = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
    top.chmod(0o711)
    keys = top / "class-keys"
    class_keys.write(keys, sandbox)
    config = top / "stock.py"
    command = str(Path(sys.executable).with_name("jupyterhub-singleuser"))
    config.write_text(STOCK.format(config=str(CONFIG), command=command))
    variables = {"LABKIT_HUB_PASSWORD": PASSWORD, "LABKIT_CLASS_KEYS": str(keys)}
    running = RunningHub(top, variables, config if stock else CONFIG)
    running.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(top)


def ready(hub: RunningHub, numbers: Iterable[int]) -> float:
    """The seconds until all of these students, who logged in before, have their first page."""
    students = [AtTheHub(hub.url, f"student{number}") for number in numbers]
    for student in students:
        assert student.log_in(PASSWORD)
    start = time.perf_counter()
    with ThreadPoolExecutor(len(students)) as at_once:
        list(at_once.map(AtTheHub.open_server, students))
    return time.perf_counter() - start


def memory(hub: RunningHub, numbers: Iterable[int]) -> tuple[float, float]:
    """The private bytes of a student's server, host, and kernel that has solved part 2, and those of the process of the
    host alone: the mean of these students."""
    names = [f"student{number}" for number in numbers]
    kernels = [solved(AtTheHub(hub.url, name)) for name in names]
    servers = [one for one in psutil.Process(hub.process.pid).children() if "labkit.classroom.hub" in one.cmdline()]
    mine = [one for one in servers if one.environ().get("JUPYTERHUB_USER") in names]
    theirs = [*mine, *(below for server in mine for below in server.children(recursive=True))]
    hosts = [one for one in theirs if "labkit.classroom.host" in one.cmdline()]
    assert len(mine) == len(hosts) == len(names) and len(theirs) >= 3 * len(names), theirs
    for kernel in kernels:
        kernel.close()
    return sum(map(uss, theirs)) / len(names), sum(map(uss, hosts)) / len(names)


def solved(student: AtTheHub) -> RemoteKernel:
    """A kernel of the student's in which part 2 was solved."""
    assert student.log_in(PASSWORD)
    student.open_server()
    kernel = student.start_kernel()
    assert "8 of 8 steps done" in kernel.run('from labkit import open_lab\nlab = open_lab()\nlab.solve("2")').text
    assert "The lab's host" in kernel.run("lab.host()").text
    return kernel


def uss(process: psutil.Process) -> int:
    """The bytes that would be free if this process ended."""
    return int(process.memory_full_info().uss)


def seconds(duration: float) -> str:
    return f"{duration:.3g} s"


def megabytes(size: float) -> str:
    return f"{size / MEGABYTE:.0f} MiB"


if __name__ == "__main__":
    print(table(run()))
