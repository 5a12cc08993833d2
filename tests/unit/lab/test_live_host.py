"""With live AWS the lab has no host, and nothing says that it has one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit.backends.sandbox import SandboxDetection
from labkit.lab.part_3_host import HostCells
from labkit.lab.part_3_topology import TopologyCells
from labkit.model.check import Outcome
from labkit.model.errors import LabError
from labkit.steps.host import check_ready


class Notes:
    """No chapter has chosen another backend."""

    def get(self, name: str) -> str:
        return ""


@pytest.fixture
def session() -> Any:
    aws = SimpleNamespace(host=None, assigned=None, label="live, your own account")
    detection = SandboxDetection(None)  # type: ignore[arg-type]
    backend = SimpleNamespace(aws=aws, detection=detection, student="", environment=dict)
    return SimpleNamespace(backend=backend, notes=Notes(), sees_programs=False)


def test_part_1_calls_no_host_ready_that_is_not_there(session: Any) -> None:
    result = check_ready(session)

    assert result.outcome is Outcome.WRONG
    assert "with live AWS the host is your own" in result.found
    assert "lab.choose_backend()" in result.next_step


@pytest.mark.parametrize("call", ["host", "terminal", "run"])
def test_each_cell_about_the_host_says_where_the_labs_host_lives_and_what_to_do(session: Any, call: str) -> None:
    with pytest.raises(LabError, match=r"AWS is live.*lives in the sandbox.*an instance of your own.*choose_backend"):
        getattr(HostCells(session), call)(*(["curl dadismad.com"] if call == "run" else []))


def test_so_does_the_picture_of_the_network(session: Any) -> None:
    with pytest.raises(LabError, match="AWS is live"):
        TopologyCells(session).topology()
