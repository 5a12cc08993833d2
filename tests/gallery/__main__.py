"""`make gallery`: writes test-results/gallery.html, the page to look at when changing how something looks."""

from __future__ import annotations

from pathlib import Path

from tests.gallery.page import page

OUT = Path(__file__).parents[2] / "test-results" / "gallery.html"

if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(page(), encoding="utf-8")
    print(f"Wrote {OUT}. It needs no network: open it in a browser.")
