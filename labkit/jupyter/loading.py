"""Loading JupyterLab without what the lab does not use."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


def skip_needless_imports() -> None:
    """Keep jsonschema from building some 35 parsers that no notebook uses; call it before any Jupyter import.

    Saves over a second at each start. Source: python-jsonschema issue 1428.
    """
    for name in (
        *("rfc3987_syntax", "rfc3986_validator", "isoduration"),  # formats that no schema of Jupyter is held to
        "httpx._main",  # httpx's own command line, with rich and pygments
    ):
        sys.modules[name] = None  # type: ignore[assignment]


def load_jupyterlab() -> Any:
    """JupyterLab's application class, loaded without asking Node.js, where there is one, for yarn's registry.

    Only a build of JupyterLab needs that answer, and the lab builds nothing; it costs a quarter of a second.
    """
    skip_needless_imports()
    sys.modules.setdefault("aiohttp", _WhenUsed("aiohttp"))  # jupyter-server-proxy's, for when a tile is first opened
    from jupyterlab import commands

    commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}
    from jupyterlab.labapp import LabApp

    return LabApp


class _WhenUsed(ModuleType):
    """Stands in for a module until one of its attributes is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)
