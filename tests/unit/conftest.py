"""How many examples a property test tries: few by default, more under CI, many with `--hypothesis-profile=many`.

None has a deadline: a busy machine is not a fault of the code.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("few", max_examples=20, deadline=None)
settings.register_profile("ci", settings.get_profile("ci"), max_examples=100, deadline=None)
settings.register_profile("many", max_examples=2_000, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    default = "ci" if os.environ.get("CI") == "true" else "few"
    settings.load_profile(config.getoption("--hypothesis-profile") or default)
