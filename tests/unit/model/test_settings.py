"""What the environment asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.model.errors import InvalidInput
from labkit.model.settings import Settings

HOME = Path("/somewhere")


def test_nothing_asked_for_leaves_both_backends_to_the_sandbox() -> None:
    found = Settings.from_environment({}, HOME)
    assert (found.home, found.aws, found.detection) == (HOME, None, None)


def test_a_detection_url_alone_makes_the_detection_side_live() -> None:
    found = Settings.from_environment({"LABKIT_DETECTION_URL": "http://127.0.0.1:1/"}, HOME)
    assert (found.detection, found.detection_url) == ("live", "http://127.0.0.1:1")


def test_a_backend_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="sandbox or live") as refused:
        Settings.from_environment({"LABKIT_AWS": "clouds"}, HOME)
    assert "clouds" in refused.value.what
