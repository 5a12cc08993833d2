"""The recordings in the chapters: each is one that `make images` takes, is small, and stands behind its still."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.browser.images.__main__ import IMAGES
from tests.browser.images.recordings import RECORDINGS
from tests.notebooks.chapters import PATHS, cells, links

LARGEST_BYTES = 400_000
LONGEST_SECONDS = 40
PICTURES = [(Path(target).name, alt) for path in PATHS for cell in cells(path) for alt, target in links(cell)
            if target.startswith("../images/")]  # fmt: skip


def test_each_picture_of_a_chapter_exists_and_says_in_words_what_it_shows() -> None:
    assert [name for name, alt in PICTURES if not (IMAGES / name).is_file() or len(alt.split()) < 10] == []


def test_the_recordings_are_those_that_make_images_takes_each_after_its_still() -> None:
    names = [name for name, _ in PICTURES if not name.endswith(".svg")]
    assert names == [f"{name}.{kind}" for name in RECORDINGS for kind in ("png", "webp")]
    assert {path.name for path in IMAGES.iterdir() if path.suffix != ".svg"} == {"lab.png", *names}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_moves_is_small_and_short_and_ends_with_its_still(name: str) -> None:
    moving, still = (IMAGES / f"{name}.{kind}" for kind in ("webp", "png"))
    assert max(moving.stat().st_size, still.stat().st_size) < LARGEST_BYTES
    with Image.open(moving) as recording, Image.open(still) as shown:
        assert recording.size == shown.size
        milliseconds = 0
        for number in range(recording.n_frames):
            recording.seek(number)
            recording.load()
            milliseconds += recording.info["duration"]
    assert recording.n_frames >= 4
    assert 4 <= milliseconds / 1000 <= LONGEST_SECONDS
