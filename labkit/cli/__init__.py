"""The command `labkit`."""

import sys

from labkit import windows_error

if (_error := windows_error()) is not None:  # here, since the commands' own imports fail there
    sys.exit(f"labkit: {_error}")
