"""A student's server behind a JupyterHub: `python -m labkit.classroom.hub`."""

from __future__ import annotations

from labkit.classroom.hub.student_server import run

if __name__ == "__main__":
    run()
