"""Where AWS and the detection service answer: this machine's sandbox, a live service, or a class."""

from labkit.backends.choose import open_existing, open_isolated, open_session

__all__ = ["open_existing", "open_isolated", "open_session"]
