"""The lab that a chapter talks to."""

from __future__ import annotations

from labkit.backends.wing import classroom
from labkit.lab.base import StatusCells
from labkit.lab.calls import around_public_calls, interruptible
from labkit.lab.closing import CleanUpCells, ClosingCells
from labkit.lab.exercises import ExerciseCells
from labkit.lab.experiments import ExperimentCells
from labkit.lab.links import link_of
from labkit.lab.live_progress import moves_progress
from labkit.lab.part_2_aws import EnvironmentCells
from labkit.lab.part_2_rule import RuleCells
from labkit.lab.part_3_host import HostCells
from labkit.lab.part_3_topology import TopologyCells
from labkit.lab.requirements import requires_steps
from labkit.model.errors import LabError, StepNotReady
from labkit.model.settings import parse_backend
from labkit.steps.session import open_session
from labkit.views import display
from labkit.views.view import View


@around_public_calls(interruptible, moves_progress)
@requires_steps
class Lab(
    StatusCells,
    EnvironmentCells,
    RuleCells,
    HostCells,
    ExperimentCells,
    TopologyCells,
    ExerciseCells,
    CleanUpCells,
    ClosingCells,
):
    """One call per cell. Each first checks the steps that it needs, and returns what the cell shows."""

    def board(self) -> View:
        """How far every student of the class is now; `labkit board` shows the same live."""
        view: View = classroom().board(self._session)
        return view


@interruptible
def open_lab(aws: str = "", detection: str = "", region: str = "") -> Lab:
    """The lab, by default on the sandbox of this machine.

    aws, detection: `sandbox` or `live`, noted for the other chapters; else LABKIT_AWS and LABKIT_DETECTION, else what
    was noted. region: the AWS region. In a notebook it shows who uses the lab, and where.
    Raises LabError when a backend cannot be opened.
    """
    LabError.panel = _show_panel
    opened = Lab(open_session(parse_backend(aws, "aws"), parse_backend(detection, "detection"), region))
    opened._remember_keys()
    opened._note_chapter()
    if display.in_notebook():
        display.show(opened._opening())
    return opened


def _show_panel(error: LabError) -> None:
    display.show_error(error, link_of(error) if isinstance(error, StepNotReady) else "")
