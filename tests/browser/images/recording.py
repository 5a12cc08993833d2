"""A short moving picture of a page, and one of its frames as a still: no video, but moments, each as long as it takes
to read it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import FloatRect, Locator, Page

from tests.browser.notebook_page import PRESS_MILLISECONDS

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels of the page."""

DRAWING_MILLISECONDS = 300
"""A page that has been told something may draw it only at the screen's next frame, as a terminal does."""

POINTER = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))
"""The corners of an arrow, as a mouse's pointer has them, in pixels from its tip."""


@dataclass
class Recording:
    """What `clip` of the page showed. covered: where secrets were typed, which dots replace."""

    page: Page
    clip: FloatRect
    covered: list[tuple[Box, int]] = field(default_factory=list)
    _frames: list[Image.Image] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)

    def frame(self, seconds: float, pointer: tuple[float, float] | None = None, *, pressed: bool = False) -> None:
        """What the page shows now, for so long. pointer: where the mouse is, if that matters."""
        self.page.wait_for_timeout(DRAWING_MILLISECONDS)
        image = Image.open(io.BytesIO(self.page.screenshot(clip=self.clip, caret="initial"))).convert("RGB")
        draw = ImageDraw.Draw(image)
        for box, characters in self.covered:
            self._cover(image, draw, box, characters)
        if pointer is not None:
            x, y = self._at(*pointer)
            if pressed:
                ring = 14
                draw.ellipse((x - ring, y - ring, x + ring, y + ring), outline="#d81b60", width=3)
            arrow = [(x + right, y + down) for right, down in POINTER]
            draw.polygon(arrow, fill="black", outline="white")
        self._frames.append(image)
        self._seconds.append(seconds)

    def _cover(self, image: Image.Image, draw: ImageDraw.ImageDraw, box: Box, characters: int) -> None:
        left, top = self._at(*box[:2])
        right, bottom = self._at(*box[2:])
        draw.rectangle((left, top, right, bottom), fill=image.getpixel((int(right) + 3, int(top) + 1)))
        wide, middle, dot = (right - left) / characters, (top + bottom) / 2, 2
        for number in range(characters):
            x = left + (number + 0.5) * wide
            draw.ellipse((x - dot, middle - dot, x + dot, middle + dot), fill="#666")

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the page, in the picture."""
        return x - self.clip["x"], y - self.clip["y"]

    def press(self, target: Locator) -> None:
        """Move the mouse to where its words begin, or its middle, and press it as long as a person does."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box is not None
        self.press_at(box["x"] + min(box["width"] / 2, 60), box["y"] + box["height"] / 2)

    def press_at(self, x: float, y: float, times: int = 1) -> None:
        """The same at this place; two times is a double click."""
        self.page.mouse.move(x, y)
        self.frame(0.8, (x, y))
        self.page.mouse.down()
        self.page.wait_for_timeout(PRESS_MILLISECONDS)
        self.frame(0.4, (x, y), pressed=True)
        self.page.mouse.up()
        if times > 1:
            self.page.mouse.dblclick(x, y, delay=PRESS_MILLISECONDS / 2)

    def save(self, path: Path) -> None:
        """Write the moving picture as `path`.webp, and its last frame as `path`.png."""
        self._frames[-1].quantize(128).save(path.with_suffix(".png"), optimize=True)
        self._frames[0].save(
            path.with_suffix(".webp"),
            save_all=True,
            append_images=self._frames[1:],
            duration=[int(1000 * seconds) for seconds in self._seconds],
            loop=0,
            lossless=True,
            minimize_size=True,
            method=6,
        )
