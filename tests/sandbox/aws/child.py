"""The AWS side as a process that a test may kill: `python -m tests.sandbox.aws.child FOLDER` prints its port."""

from __future__ import annotations

import sys
from pathlib import Path

from werkzeug.serving import make_server

from labkit.sandbox.aws.app import AwsApp
from tests.sandbox.aws.fixtures import SilentHandler


def main() -> None:
    app = AwsApp(Path(sys.argv[1]))
    app.warm()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=SilentHandler)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
