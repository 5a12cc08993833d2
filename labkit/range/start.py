"""Runs a module of the range as a process: `python -I -S start.py MODULE ARGUMENTS…`.

-I -S, because a program of the range begins in 11 ms so and in 70 with site and the whole package. For the same reason
`labkit` is put in place without running its `__init__`.
"""

import sys


def _package(name: str, folder: str) -> None:
    package = type(sys)(name)
    package.__path__ = [folder]
    sys.modules[name] = package


if __name__ == "__main__":
    here = __file__.rpartition("/")[0]
    _package("labkit", here.rpartition("/")[0])
    _package("labkit.range", here)
    module = f"labkit.range.{sys.argv[1]}"
    __import__(module)
    sys.modules[module].main(sys.argv[2:])
