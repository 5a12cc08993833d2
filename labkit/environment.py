"""What this process's environment asks of the lab."""

from __future__ import annotations

import os

from labkit.model.settings import Settings


def settings() -> Settings:
    """What the environment asks for. Raises InvalidInput for a backend that nobody has."""
    import platformdirs

    return Settings.from_environment(os.environ, platformdirs.user_state_path("labkit"))
