"""Refusals of the detection service's REST API: a status and the texts of `{"errors": [...]}`."""

from __future__ import annotations


class ApiError(Exception):
    """The request is answered with this status and these texts."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status, *errors)
        self.status, self.errors = status, errors
