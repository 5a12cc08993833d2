"""The AWS side as a process that a test may kill: `python -m tests.sandbox.aws.child FOLDER` prints its URL."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from labkit.sandbox.aws.app import AwsApp
from tests.serving import serving


def main() -> None:
    app = AwsApp(Path(sys.argv[1]))
    app.warm()
    with serving(app) as url:
        print(url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
