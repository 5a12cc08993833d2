"""Where AWS and the detection service answer: this machine's sandbox, a live service, or a class."""

from labkit.backends.choose import open_world, world_apart, world_as_found

__all__ = ["open_world", "world_apart", "world_as_found"]
