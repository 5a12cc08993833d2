"""nftables in this process's network namespace: by its library where that is found, else by its program.

The library takes about a millisecond for a ruleset, the program about sixteen. Source: libnftables(3).
"""

from __future__ import annotations

import ctypes
import subprocess
import threading
from typing import Protocol

from labkit.range.namespace import find_program


class NftError(Exception):
    """nftables refused a text; nothing of it is in force."""


class Nft(Protocol):
    """What runs a text of nft commands, all of it or nothing."""

    def run(self, text: str) -> str:
        """What the commands print. Raises NftError."""


def open_nft() -> Nft:
    """The quickest nftables there is. Raises NftError if there is none.

    It belongs to the network namespace that it is opened in.
    """
    try:
        return _NftLibrary()
    except OSError:
        return _NftProgram()


class _NftLibrary:
    def __init__(self) -> None:
        self._library = ctypes.CDLL("libnftables.so.1")
        self._library.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self._library, name).restype = ctypes.c_char_p
        self._context = ctypes.c_void_p(self._library.nft_ctx_new(0))
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._lock = threading.Lock()

    def run(self, text: str) -> str:
        with self._lock:
            failed = self._library.nft_run_cmd_from_buffer(self._context, text.encode())
            printed = self._library.nft_ctx_get_output_buffer(self._context) or b""
            complaint = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            raise NftError(complaint.decode(errors="replace"))
        return str(printed.decode())


class _NftProgram:
    def __init__(self) -> None:
        found = find_program("nft")
        if found is None:
            raise NftError("nft is not installed")
        self._path = found

    def run(self, text: str) -> str:
        ended = subprocess.run([self._path, "-f", "-"], input=text, text=True, capture_output=True, check=False)
        if ended.returncode:
            raise NftError(ended.stderr)
        return ended.stdout
