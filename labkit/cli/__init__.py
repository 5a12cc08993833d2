"""The command `labkit`."""

import signal
import sys

ON_INTERRUPT = signal.getsignal(signal.SIGINT)
"""What Ctrl-C does, which `main` puts back: while the commands are imported it ends the process, without a trace."""

if ON_INTERRUPT is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from labkit import windows_error  # noqa: E402 - everything after what Ctrl-C does

if (_error := windows_error()) is not None:  # here, since the commands' own imports fail there
    sys.exit(f"labkit: {_error}")
