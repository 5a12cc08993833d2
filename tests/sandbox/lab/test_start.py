"""`labkit lab` finds a port of its own, and says where it is open only when it is."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import requests

from labkit.services import sandbox_process
from tests.wait import PATIENCE_SECONDS

LATE = """
import sys
from labkit.jupyter import options
from labkit.cli.main import main
taken = int(sys.argv[1])
options.free_port = lambda *_: taken  # it was free when the lab looked
main(["lab", "--no-browser"])
"""


def test_a_port_that_another_lab_took_a_moment_earlier_is_left_to_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    own = {"HOME": str(tmp_path), "LABKIT_HOME": str(home), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        command = [sys.executable, "-c", LATE, str(taken)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(command, env={**os.environ, **own}, text=True, **both) as lab:
            try:
                assert lab.stdout is not None
                said = list(itertools.takewhile(lambda line: "Keep this window" not in line, lab.stdout))
                assert not [line for line in said if line.startswith("[I ")]  # Jupyter's own story is no news
                address = next(line.strip() for line in said if "http://" in line)
                assert re.match(r"http://127\.0\.0\.1:\d+/lab/tree/notebooks/00_start_here", address), address
                assert f":{taken}/" not in address
                assert requests.get(address, timeout=PATIENCE_SECONDS).ok
            finally:
                lab.terminate()
    sandbox_process.stop(home)
