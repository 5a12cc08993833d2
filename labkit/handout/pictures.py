"""Pictures as a page embeds them: without what they say beside the picture, and none that shows a secret."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from html import escape, unescape
from urllib.parse import unquote_to_bytes

from labkit.handout.redact import Redactor

LARGEST_PICTURE = 4_000_000
"""Bytes. A larger picture would make the page too large to send."""

SVG = "image/svg+xml"
_DATA = re.compile(r"data:(?P<kind>image/[\w.+-]+)(?P<options>(?:;[^,]*)?),(?P<content>.*)", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_WORDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")
_JPEG_WORDS = (0xE1, 0xED, 0xFE)
"""Segments of a JPEG that hold Exif or XMP, IPTC, and a comment."""


def from_address(address: str, redactor: Redactor) -> str:
    """The picture in a data: address, embedded; "" for one that cannot be read or that shows a secret."""
    found = _DATA.fullmatch(address.strip())
    if found is None:
        return ""
    content = unquote_to_bytes(found["content"])
    if found["options"].lower().endswith(";base64"):
        try:
            content = base64.b64decode(re.sub(rb"\s", b"", content))
        except binascii.Error:
            return ""
    return embedded(found["kind"].lower(), content, redactor)


def embedded(kind: str, content: bytes, redactor: Redactor) -> str:
    """The picture as a data: address; "" for one that is too large or that shows a secret."""
    if kind == SVG:
        content = _svg(content, redactor)
    elif content.startswith(_PNG):
        content = _PNG + b"".join(_png_chunks(content))
    elif content.startswith(b"\xff\xd8"):
        content = b"\xff\xd8" + b"".join(_jpeg_segments(content))
    raw = content.decode("latin-1")
    if not content or len(content) > LARGEST_PICTURE or redactor.redact(raw) != raw:
        return ""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _svg(content: bytes, redactor: Redactor) -> bytes:
    """The drawing without secrets; nothing if one is left that its markup divides."""
    drawn = _COMMENT.sub("", content.decode(errors="replace"))
    drawn = redactor.redact(re.sub(r"&#\w+;?", lambda letter: escape(unescape(letter[0])), drawn))
    words = unescape(_TAG.sub("", drawn))
    return drawn.encode() if "\0" not in drawn and redactor.redact(words) == words else b""


def _png_chunks(content: bytes) -> Iterator[bytes]:
    """The chunks of a PNG but those of words and times (https://www.w3.org/TR/png-3/#5Chunk-layout)."""
    at = len(_PNG)
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] not in _PNG_WORDS:
            yield content[at:end]
        at = end


def _jpeg_segments(content: bytes) -> Iterator[bytes]:
    """The segments of a JPEG but those of words, and from its picture on all the rest."""
    at = 2
    while content[at : at + 1] == b"\xff" and content[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at + 1] not in _JPEG_WORDS:
            yield content[at:end]
        at = end
    yield content[at:]
