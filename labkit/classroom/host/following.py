"""What filters a student's host, as the class's sandbox tells it: as it changes, and after an outage."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labkit.files import write_private
from labkit.model.errors import LabError
from labkit.sandbox.host.location import HostLocation
from labkit.services.detection.api import DetectionApi

POLL_SECONDS = 10.0
"""How long one question waits at the class's sandbox for something to change."""

PAUSE_SECONDS = 0.25
"""Between two tries while it does not answer."""

log = logging.getLogger("labkit.classroom.host")


class Following:
    """Where the host lives now. What was told last is kept in a file, so it holds while nothing is told, too.

    trouble: why that may be out of date, in words; "" when it is not.
    """

    def __init__(self, api: DetectionApi, kept: Path) -> None:
        self._api, self._kept = api, kept
        self._told: Mapping[str, Any] | None = None
        self._is_known = self._read()
        self._asked = threading.Event()
        self._stop = threading.Event()
        self.trouble = ""

    def place(self) -> HostLocation | None:
        """The last that was told; waits until it was asked for at least once."""
        self._asked.wait()
        return HostLocation.of(self._told)

    def follow(self, changed: Callable[[], object]) -> None:
        """Ask until `stop`; each time something else is told, `changed` is called, which puts it in force."""
        after: int | None = None
        while not self._stop.is_set():
            try:
                answer = self._api.host_filter(after, POLL_SECONDS)
            except LabError as error:
                self._lose(error)
                self._stop.wait(PAUSE_SECONDS)
                continue
            self._take(answer["place"], changed)
            after = int(answer["after"])

    def stop(self) -> None:
        """End `follow`, soon."""
        self._stop.set()

    def _take(self, told: Mapping[str, Any] | None, changed: Callable[[], object]) -> None:
        if self.trouble:
            log.info("the class's sandbox answers again")
        is_news, first = told != self._told, not self._asked.is_set()
        self._told, self._is_known, self.trouble = told, True, ""
        self._asked.set()
        if is_news or first:
            changed()
            write_private(self._kept, json.dumps(told))

    def _lose(self, error: LabError) -> None:
        if not self.trouble:
            since = time.strftime("%H:%M:%S")
            known = "is what was last told" if self._is_known else "was never told"
            self.trouble = f"Since {since} nothing is heard from the class: {error.what} What filters the host {known}."
            log.warning("%s", self.trouble)
        self._asked.set()

    def _read(self) -> bool:
        """Take what was kept; False where nothing was, or what is damaged."""
        try:
            told = json.loads(self._kept.read_text(encoding="utf-8"))
            HostLocation.of(told)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        self._told = told
        return True
