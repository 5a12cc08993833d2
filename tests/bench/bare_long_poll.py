"""The least that a feed can be, in a process of its own: a peer of bench_protection.

Says where it answers, and `waiting` whenever a GET asks; a POST is what it waits for. Ends with its standard input.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.serving import serving

handed_over = threading.Semaphore(0)


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        handed_over.release()
    else:
        print("waiting", flush=True)
        handed_over.acquire()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"[]"]


if __name__ == "__main__":
    with serving(answer) as url:
        print(url, flush=True)
        sys.stdin.read()
