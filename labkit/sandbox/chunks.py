"""Request bodies that come in chunks, as Node's HTTP client and `curl` from a pipe send them.

Source: RFC 9112, sections 6.1 and 7.1.
"""

from __future__ import annotations

import re
from typing import IO

LARGEST_CHUNKED = 100_000
"""Bytes; a larger body needs its Content-Length. It is read, and kept, before anybody knows who sends it."""

MOST_CHUNKS = 20_000
"""In one body. Clients send a few kilobytes at a time; a body in single bytes would cost much more than it holds."""

LONGEST_LINE = 4096
"""Bytes of the line before a chunk, and of a trailer."""

MOST_TRAILERS = 100

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class MalformedChunks(Exception):
    """What came is not a chunked body."""


class ChunkedTooLarge(Exception):
    """The body has more bytes or chunks than are accepted."""


def read_chunked(stream: IO[bytes]) -> bytes:
    """The content of a chunked body; trailers are dropped. Raises MalformedChunks and ChunkedTooLarge.

    >>> import io
    >>> read_chunked(io.BytesIO(bytes("4;x=y|Wiki|5|pedia|0|X: y||".replace("|", chr(13) + chr(10)), "ascii")))
    b'Wikipedia'
    """
    content = bytearray()
    for _ in range(MOST_CHUNKS):
        found = _SIZE.fullmatch(stream.readline(LONGEST_LINE))
        if found is None:
            raise MalformedChunks
        size = int(found[1], 16)
        if size == 0:
            _skip_trailers(stream)
            return bytes(content)
        if len(content) + size > LARGEST_CHUNKED:
            raise ChunkedTooLarge
        chunk = stream.read(size)
        if len(chunk) < size or stream.read(2) != b"\r\n":
            raise MalformedChunks
        content += chunk
    raise ChunkedTooLarge


def _skip_trailers(stream: IO[bytes]) -> None:
    for _ in range(MOST_TRAILERS):
        line = stream.readline(LONGEST_LINE)
        if line == b"\r\n":
            return
        if not line.endswith(b"\r\n"):
            break
    raise MalformedChunks
