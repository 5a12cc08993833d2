"""The lab's settings, from the environment and from the class that the home has joined."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labkit.files import disk_errors, refuse_foreign, refuse_long
from labkit.model.errors import LabError
from labkit.model.settings import Settings

CLASS_FILE = "class.json"

RUN_MODULE = (sys.executable, "-P", "-m")
"""Runs a module of this environment. Without `-P`, a file in the current folder, such as `requests.py`, could take the
place of a package."""

LABKIT = (*RUN_MODULE, "labkit")
"""The command `labkit` of this environment."""

_KEPT = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TERM TZ TMPDIR VIRTUAL_ENV LD_LIBRARY_PATH SSL_CERT_FILE SSL_CERT_DIR "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY".split()
)
_KEPT_PREFIXES = ("LABKIT_", "LC_", "XDG_", "PYTHON")
_NO_FILE = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG")
"""What names the files that AWS's libraries read."""


def own_environment() -> dict[str, str]:
    """The environment of the lab's own processes: what finds programs, files and the lab's home, and nothing of AWS's.

    moto makes a boto3 session when it is imported, which would fail on a profile that does not exist.
    """
    kept = {
        name: value for name, value in os.environ.items() if name.upper() in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return kept | dict.fromkeys(_NO_FILE, os.devnull)


def aws_unset() -> dict[str, str]:
    """Every variable of AWS's tools that is set here, and those that usually are; the empty value means: unset."""
    usual = (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_STS", "AWS_REGION", "AWS_DEFAULT_REGION"),
    )
    return dict.fromkeys([*usual, *(name for name in os.environ if name.startswith(("AWS_", "BOTO")))], "")


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
"""For each service: the variables with which the environment chooses it, and those that a class sets for it. They apply
together or not at all, since keys belong to one endpoint."""


def settings() -> Settings:
    """The settings of the environment and, for services that it does not choose, of the class that was joined.

    Raises InvalidInput for an unknown backend, LabError for a damaged file of a class.
    """
    found = _from(os.environ)
    home = found.home
    if given := _given(joined(home)):
        # The student number of a class is not passed on as one from the environment, which would disable the forms.
        sides = {name: value for name, value in given.items() if name != "LABKIT_STUDENT"}
        found = replace(_from({**os.environ, **sides}), joined=given)
    return found


def home_folder() -> Path:
    """The lab's home folder; does not read its contents."""
    return _from(os.environ).home


def _from(variables: Mapping[str, str]) -> Settings:
    import platformdirs

    try:
        default = Path(variables.get("LABKIT_HOME") or platformdirs.user_state_path("labkit"))
        found = Settings.from_environment(variables, default)
    except RuntimeError as error:  # of a user whom the system does not know, as in a container
        raise LabError(
            "The lab does not find your home folder.",
            f"The system says: {error}.",
            "Set HOME, or LABKIT_HOME, to the absolute path of a folder of yours.",
        ) from error
    home = found.home.absolute()  # the sandbox has another working directory
    refuse_long(home)
    refuse_foreign(home)
    return replace(found, home=home)


def joined(home: Path) -> dict[str, str]:
    """The variables of the class that this home has joined, if any. Raises LabError if the file is damaged."""
    path = home / CLASS_FILE
    with disk_errors(home):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return {}
    try:
        known = dict(json.loads(content).items())
        if not all(isinstance(value, str) for value in known.values()):
            raise TypeError("a value that is not text")
        return known
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise LabError(
            f"The keys of the class in {path} cannot be read.",
            f"{type(error).__name__}: the file is not what `labkit join` wrote.",
            "Join again with your block: labkit join. Or leave the class: labkit join --leave",
        ) from error


def _given(variables: Mapping[str, str]) -> dict[str, str]:
    """The class's variables for services that the environment does not choose."""
    counted = {
        name: variables[name]
        for asked, given in _SIDES.items()
        if not any(os.environ.get(name) for name in asked)
        for name in given
        if name in variables
    }
    others = ("LABKIT_STUDENT", "LABKIT_CERTIFICATE")
    return counted | {name: variables[name] for name in others if name in variables} if counted else {}


def open_chapter() -> str:
    """The file name of the notebook that this kernel was started for, as Jupyter sets it; "" elsewhere.

    Source: jupyter_server, `SessionManager.get_kernel_env`.
    """
    return os.path.basename(os.environ.get("JPY_SESSION_NAME", ""))
