"""Runs a command of root's whose children become ordinary users: `shown.py COMMAND…`.

Where Python or the lab lies in a folder that only root may pass through, both are shown to those users all the same.
"""

from __future__ import annotations

import os
import sys

from tests.sandbox.as_user import NEEDED, show

if __name__ == "__main__":
    show(NEEDED)
    os.execvp(sys.argv[1], sys.argv[1:])
