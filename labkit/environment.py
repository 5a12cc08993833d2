"""What this process's environment asks of the lab."""

from __future__ import annotations

import os
from dataclasses import replace

from labkit.model.settings import Settings


def settings() -> Settings:
    """What the environment asks for. Raises InvalidInput for a backend that nobody has."""
    import platformdirs

    asked_for = Settings.from_environment(os.environ, platformdirs.user_state_path("labkit"))
    return replace(asked_for, home=asked_for.home.absolute())  # the sandbox works in a folder of its own


def open_chapter() -> str:
    """The file name of the notebook that this kernel was started for, as Jupyter tells it; "" where nobody does.

    Source: jupyter_server, `SessionManager.get_kernel_env`.
    """
    return os.path.basename(os.environ.get("JPY_SESSION_NAME", ""))
