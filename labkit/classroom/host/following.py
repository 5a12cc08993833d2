"""Follows the location of a student's host: asks the class's sandbox, and survives its outages."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from labkit.classroom.host import RETRY_SECONDS, log
from labkit.files import write_private
from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation
from labkit.services.detection.api import DetectionApi

POLL_SECONDS = 10.0
"""How long one request waits at the class's sandbox for a change."""


class LocationFollower:
    """Where the host is now. The last known location is kept in a file, so it holds through outages and restarts.

    trouble: why it may be out of date, in words; "" when it is not.
    """

    def __init__(self, api: DetectionApi, file: Path) -> None:
        self._api, self._file = api, file
        self._location: HostLocation | None = None
        self._is_known = self._load()
        self._answered = threading.Event()
        self._stop = threading.Event()
        self.trouble = ""

    def location(self) -> HostLocation | None:
        """The last known location; waits for the first answer or failure."""
        self._answered.wait()
        return self._location

    def follow(self, on_change: Callable[[], object]) -> None:
        """Ask until `stop`; call `on_change`, which puts a new location in force, whenever it changes.

        If that raises LabError, the class's sandbox learns why, and the call that changed something fails.
        """
        after: int | None = None
        refused = ""
        while not self._stop.is_set():
            try:
                after, location = self._ask(after, refused)
            except LabError as error:
                self._note_outage(error)
                self._stop.wait(RETRY_SECONDS)
                continue
            refused = ""
            try:
                self._take(location, on_change)
            except LabError as error:
                refused = str(error)

    def stop(self) -> None:
        """Let `follow` end soon."""
        self._stop.set()

    def _ask(self, after: int | None, refused: str) -> tuple[int, HostLocation | None]:
        """The number and the location of the next reply. Raises LabError, also for one that is no location."""
        answer = self._api.host_location(after, POLL_SECONDS, refused)
        try:
            found = answer["location"]
            return int(answer["after"]), HostLocation.from_json(found) if found else None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LabError(f"Its reply is no location of a host: {type(error).__name__}: {error}.") from error

    def _take(self, location: HostLocation | None, on_change: Callable[[], object]) -> None:
        if self.trouble:
            log.info("the class's sandbox answers again")
        changed, first = location != self._location, not self._answered.is_set()
        self._location, self._is_known, self.trouble = location, True, ""
        self._answered.set()
        if changed or first:
            on_change()
            try:
                write_private(self._file, json.dumps(location.to_json() if location else None))
            except OSError as error:  # as on a full disk: it is in force, but a restart would not know it
                log.warning("the location was not saved: %s", error)

    def _note_outage(self, error: LabError) -> None:
        if not self.trouble:
            since = time.strftime("%H:%M:%S")
            known = "The last known entries filter the host." if self._is_known else "Nothing filters the host yet."
            self.trouble = f"No answer from the class since {since}: {error.what} {known}"
            log.warning("%s", self.trouble)
        self._answered.set()

    def _load(self) -> bool:
        """Read the file; False if it is missing or damaged."""
        try:
            saved = json.loads(self._file.read_text(encoding="utf-8"))
            self._location = HostLocation.from_json(saved) if saved else None
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return True
