"""A student's server behind a JupyterHub, as `labkit lab` would open it: `python -m labkit.classroom.hub`."""

from __future__ import annotations

from labkit.classroom.hub.student_server import run

if __name__ == "__main__":
    run()
