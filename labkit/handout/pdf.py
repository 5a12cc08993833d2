"""Pages as PDF, printed by this machine's Chromium: tagged, with an outline, without network access."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from labkit.model.errors import LabError

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
TIMEOUT_SECONDS = 120
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no request leaves this machine
    "--no-pdf-header-footer",  # would name the file and the date
    "--generate-pdf-document-outline",
)

LOCAL_LINK = re.compile(r'(<a\b[^>]*?) href="(?!https?:|mailto:|#)[^"]*"')
"""A link to a file beside the page. In a PDF it would name a folder of this machine."""


def find_chromium() -> str:
    """The path of the browser. Raises LabError if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise LabError(
            "No PDF can be made: this machine has no Chromium.",
            "Looked for chromium, chromium-browser and google-chrome.",
            "Install it (Debian, Ubuntu: sudo apt install chromium), or omit --pdf and print the page from any "
            "browser.",
        )
    return found


def to_pdf(browser: str, page: bytes) -> bytes:
    """The HTML page as a PDF. Raises LabError if the browser does not print it."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="labkit-pdf-") as folder:
        source, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_bytes(LOCAL_LINK.sub(r"\1", page.decode()).encode())
        command = [browser, *OPTIONS, *as_root, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"]
        try:
            subprocess.run([*command, source.as_uri()], capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
            return printed.read_bytes()
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabError(
                "A page could not be printed as PDF.",
                f"{browser} made no file: {type(error).__name__}.",
                "Omit --pdf, and print the page from any browser.",
            ) from error
