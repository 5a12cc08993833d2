"""The class's tests use the sandbox's fixtures."""

from __future__ import annotations

from tests.sandbox.conftest import *  # noqa: F403
