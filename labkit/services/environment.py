"""What this process's environment asks of the lab, and the class that its home has joined."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labkit.model.errors import LabError
from labkit.model.settings import Settings

CLASS_FILE = "class.json"

_SIDES = {
    ("LABKIT_AWS", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"): (
        "LABKIT_AWS",
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ),
    ("LABKIT_DETECTION", "LABKIT_DETECTION_URL"): (
        "LABKIT_DETECTION",
        "LABKIT_DETECTION_URL",
        "TS_USER_ID",
        "TS_ORGANIZATION_ID",
        "TS_API_KEY",
    ),
}
"""Of each side: the variables by which the environment says where it is, and those that a class gives for it. They come
together or not at all, since keys belong to one place."""


def settings() -> Settings:
    """What the environment asks for and, where it says nothing of a side, what the class gives that was joined.

    Raises InvalidInput for a backend that nobody has, LabError for a damaged file of a class.
    """
    asked_for = _asked_for(os.environ)
    home = asked_for.home
    if given := _given(joined(home)):
        # The number of a class's student is no number that the environment gives: that would mean nobody is there.
        sides = {name: value for name, value in given.items() if name != "LABKIT_STUDENT"}
        asked_for = replace(_asked_for({**os.environ, **sides}), joined=given)
    return asked_for


def home_folder() -> Path:
    """The folder of everything that the lab keeps, whatever is in it."""
    return _asked_for(os.environ).home


def _asked_for(variables: Mapping[str, str]) -> Settings:
    import platformdirs

    asked_for = Settings.from_environment(variables, platformdirs.user_state_path("labkit"))
    return replace(asked_for, home=asked_for.home.absolute())  # the sandbox works in a folder of its own


def joined(home: Path) -> dict[str, str]:
    """The variables of the class that this home has joined; none without one. Raises LabError when they are damaged."""
    path = home / CLASS_FILE
    try:
        return {str(name): str(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise LabError(
            f"The keys of the class in {path} cannot be read.",
            f"{type(error).__name__}: the file is not what `labkit join` wrote.",
            "Join again with your block: labkit join. Or leave the class: labkit join --leave",
        ) from error


def _given(place: Mapping[str, str]) -> dict[str, str]:
    """What of a class counts here: the sides of which the environment says nothing."""
    counted = {
        name: place[name]
        for asked, given in _SIDES.items()
        if not any(os.environ.get(name) for name in asked)
        for name in given
        if name in place
    }
    others = ("LABKIT_STUDENT", "LABKIT_CERTIFICATE")
    return counted | {name: place[name] for name in others if name in place} if counted else {}


def open_chapter() -> str:
    """The file name of the notebook that this kernel was started for, as Jupyter tells it; "" where nobody does.

    Source: jupyter_server, `SessionManager.get_kernel_env`.
    """
    return os.path.basename(os.environ.get("JPY_SESSION_NAME", ""))
