"""The lab that a chapter talks to."""

from __future__ import annotations

from labkit.lab.base import StatusCells, link_to
from labkit.lab.board import BoardCells
from labkit.lab.part_2_aws import EnvironmentCells
from labkit.lab.part_2_rule import RuleCells
from labkit.lab.part_3_exercises import ExerciseCells
from labkit.lab.part_3_host import HostCells
from labkit.lab.part_3_responder import ResponderCells
from labkit.lab.part_3_terminal import TerminalCells
from labkit.lab.part_3_topology import TopologyCells
from labkit.lab.part_4_clean_up import CleanUpCells
from labkit.model.errors import LabError, StepNotReady
from labkit.model.settings import parse_backend
from labkit.steps.session import open_session
from labkit.views import display


class Lab(
    StatusCells,
    EnvironmentCells,
    RuleCells,
    HostCells,
    ResponderCells,
    TerminalCells,
    TopologyCells,
    ExerciseCells,
    BoardCells,
    CleanUpCells,
):
    """One call a cell. Each requires the steps that it needs, and returns what the cell shows."""


def open_lab(aws: str = "", detection: str = "", region: str = "") -> Lab:
    """The lab, on the sandbox of this machine unless told otherwise.

    aws, detection: `sandbox` or `live`, noted for the other chapters; else LABKIT_AWS and LABKIT_DETECTION, else what
    was noted. region: the AWS region. Raises LabError when a backend cannot be opened.
    """
    LabError.panel = _show_panel
    return Lab(open_session(parse_backend(aws, "aws"), parse_backend(detection, "detection"), region))


def _show_panel(error: LabError) -> None:
    display.show_error(error, link_to(error.step) if isinstance(error, StepNotReady) else "")
