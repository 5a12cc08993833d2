"""No secret, home folder, e-mail address or trace reaches a page, whatever kind of cell or output it came in."""

from __future__ import annotations

import base64
import html
import re
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from labkit.handout.cells import CellRenderer
from labkit.handout.page import HandoutExporter
from labkit.handout.redact import E_MAIL_LEFT_OUT, Redactor

KEY = "AKIACANARY7TYPED3KEY"
HALVES = KEY[:4], KEY[4:]
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
API_KEY = "0123456789abcdef" * 4
KNOWN = "correct horse/battery+staple"
WORD = "hunter22x"
MAIL = "kim.canary@corp.canary.io"
HOME = "/home/kim"
TRACED = "a secret line"
EXPORTER = HandoutExporter()
CANARIES = (
    KEY,
    SECRET,
    API_KEY,
    WORD,
    MAIL,
    MAIL.replace("@", "%40"),
    HOME,
    TRACED,
    "battery",
    "s3cr3",
    "of-somebody",
    "/root/",
)


def encoded(content: bytes | str) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def drawn(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'


def png(kind: bytes, words: bytes) -> str:
    chunks = ((b"IHDR", bytes(13)), (kind, words), (b"IEND", b""))
    return encoded(
        b"\x89PNG\r\n\x1a\n" + b"".join(len(data).to_bytes(4, "big") + name + data + bytes(4) for name, data in chunks)
    )


def jpeg(words: str) -> str:
    exif = b"Exif\0\0" + words.encode()
    return encoded(b"\xff\xd8\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + b"\xff\xda\0\2x\xff\xd9")


def data(kind: str, content: Any) -> Any:
    return new_code_cell("x", outputs=[new_output("display_data", {kind: content})])


DRAWN = drawn(f"<text>{KEY} {HOME}/x</text>")
HTML = [
    *(
        f"<p>{between.join(HALVES)}</p>"
        for between in ("<!-- x -->", "<blink>", "<script>1</script>", "<wbr>", "&shy;")
    ),
    f"<p>{HALVES[0]}<b>CANARY</b>7TYPED3KEY</p>",
    *("<p>&#65KIACANARY7TYPED3KEY</p>", "<p>&#x00000000041;KIACANARY7TYPED3KEY</p>"),
    drawn(f"<title>{SECRET}</title><desc>{HOME}/x</desc><text>{HALVES[0]}<tspan>{HALVES[1]}</tspan></text>"),
    f'<svg role="img" aria-label="{MAIL}"></svg><p class="{KEY}" id="{KEY}" title="{MAIL}" hidden>{MAIL}</p>',
    f'<img alt="{KEY}" src="data:image/svg+xml;base64,{encoded(DRAWN)}">',
    f'<img alt="a" src="data:image/svg+xml;utf8,{quote(DRAWN)}">',
    f'<img alt="a" src="data:image/svg+xml,{quote(drawn("<text>&#65KIACANARY7TYPED3KEY</text>"))}">',
    f"<p style='background:url(data:image/svg+xml;base64,{encoded(DRAWN)})'>x</p>",
    f"<style>p{{background:url(data:image/svg+xml;base64,{encoded(DRAWN)})}} i::before{{content:'{KEY}'}}</style>x",
    "<style>p::before{content:'\\41KIACANARY7TYPED3KEY'}</style>x",
    f"<textarea>{KEY}</textarea><select><option value='{WORD}'>{MAIL}</select><input type=password value='{WORD}'>",
    f"<table><tr><th>TS_API_KEY</th><td>{WORD}</td></tr></table>",
    f"<table><thead><tr><th>user</th><th>password</th></tr></thead><tr><td>kim</td><td>{WORD}</td></tr></table>",
    f"<pre>Traceback (most recent call last):\n  File x\n    {TRACED}\nKeyError: {WORD}</pre>",
    f"<a href='https://x.example/?p={quote(HOME + '/lab', safe='')}'>x</a> vscode://file{HOME}/x",
    "kim.canary&#64;corp.canary.io, kim.canary&commat;corp.canary.io, kim.canary@<wbr>corp.canary.io",
    "correct <i>horse</i>/battery+staple",
]
PRINTED = [
    *("\u200b".join(HALVES), "\x08\0".join(HALVES), "\x1b]0;title\x07".join(HALVES)),
    f"Your password: {WORD}\nwelcome",
    f"API key? {WORD}\n",
    f"Secret access key [None]: {WORD}\n",
    f"[default]\nts_key = {WORD}\nts_user=5f\n",
    f"db:\n  password: {WORD}\n",
    f"TS_API_KEY      {WORD}\nAWS_SECRET_ACCESS_KEY    {WORD}w\n",
    f"> Authorization: Bearer abc.{WORD}\n> Authorization: Basic {encoded('kim:' + KNOWN)}",
    f"Set-Cookie: session={WORD}; Path=/",
    f"http_proxy=http://kim:{WORD}@proxy:3128",
    f"{HOME}/x, file://{HOME}/x, {HOME.replace('/', chr(92) + '/')}/x, /Users/kim/x, /root/x, C:\\Users\\kim\\x",
    f"arn:aws:sts::123456789012:assumed-role/Admin/{MAIL} {MAIL.upper()}",
    *(repr(f"[a]\n{SECRET}\n{API_KEY}\n"), f"0x{API_KEY}"),
    f'"{{\\"SecretAccessKey\\": \\"{WORD}\\"}}"',
    *(KNOWN.encode().hex().upper(), quote(KNOWN, safe="").lower(), KNOWN.replace(" ", "+"), repr(KNOWN.encode())),
    KNOWN.replace("/", "\\u002f"),
    f"    Traceback (most recent call last):\n      File x\n        {TRACED}\n    KeyError: {WORD}\n",
    "  + Exception Group Traceback (most recent call last):\n  |   File x\n"
    f"  |     {TRACED}\n  | ExceptionGroup: x\n  +-+---- 1 ----\n"
    f"    | Traceback (most recent call last):\n    |   File x\n    |     {TRACED}\n    | ValueError: {WORD}\n",
    f"KeyError        Traceback (most recent call last)\nCell In[1], line 1\n----> 1 {TRACED}\n\nKeyError: {WORD}\n",
    f"╭─── Traceback (most recent call last) ───╮\n│ ❱ 1 {TRACED} │\n╰────╯\nKeyError: {WORD}\n",
]
SOURCES = [
    f'import os\nos.environ["TS_API_KEY"] = "{WORD}"',
    *(f"%env TS_API_KEY={WORD}", f"%set_env TS_API_KEY {WORD}", f"!export TS_API_KEY={WORD}"),
    *(f"!TS_API_KEY={WORD} aws sts get-caller-identity", f"!aws configure set aws_secret_access_key {WORD}"),
    *(f"!tool --password {WORD} --api-key={WORD}2", f"!curl -u kim:{WORD} https://x.example"),
    *(f'api_key = b"{WORD}"', f'password: str = "{WORD}"', f'secret = """{WORD}"""', 'password = "s3cr3"'),
    *('password = "correct horse battery"', f'keys = dict(secret_key="{WORD}")'),
    f'requests.get(url, headers={{"Authorization": "Bearer {WORD}", "X-Api-Key": "{WORD}"}})',
]
PROSE = [
    *(f"{HALVES[0]}**CANARY**7TYPED3KEY", "<!-- -->".join(HALVES), "# Head <!-- -->".join(HALVES)),
    *(f"![see {KEY}](none.png)", f"![{MAIL}](attachment:none.png)", f'[a](https://x.example "{MAIL}")', f"<{MAIL}>"),
    *(f"[a](mailto:{MAIL})", f"[a](mailto:{MAIL.replace('@', '%40')})"),
    "[a](https://x.example/#access_token=of-somebody-else)",
    f"[a](https://kim:{WORD}@x.example/)",
    *(f"```python\napi_key = '{WORD}'\n```", f"```\n{KEY} {HOME}/x\n```", f"| a |\n| --- |\n| {KEY} |"),
]
CELLS = [
    *(data("text/html", one) for one in HTML),
    *(new_code_cell("x", outputs=[new_output("stream", text=one)]) for one in PRINTED),
    *(new_code_cell(one) for one in SOURCES),
    *(new_markdown_cell(one) for one in PROSE),
    *(new_raw_cell(one) for one in (f"{MAIL} {KEY} {HOME}/x", f'api_key="{WORD}"')),
    *(data("image/svg+xml", one) for one in (DRAWN, drawn(f"<title>{MAIL}</title><!-- {KEY} -->&#65KIA{KEY[4:]}"))),
    data("image/png", png(b"tEXt", f"Source\0{HOME}/x {MAIL}".encode())),
    data("image/png", png(b"zTXt", b"Comment\0\0" + zlib.compress(f"{HOME}/x".encode()))),
    data("image/jpeg", jpeg(MAIL)),
    data("text/markdown", f"{'<!-- -->'.join(HALVES)} {MAIL}"),
    data("text/latex", SECRET),
    data("application/vnd.jupyter.widget-state+json", {"value": WORD}),
    new_markdown_cell("![a](attachment:p.svg)", attachments={"p.svg": {"image/svg+xml": encoded(DRAWN)}}),
    new_markdown_cell("![a](attachment:p)", attachments={"p": {"image/png": png(b"iTXt", MAIL.encode())}}),
    new_code_cell("x", outputs=[new_output("error", ename=f"E {KEY}", traceback=[f"Stopped here: {MAIL}"])]),
    new_code_cell("x", metadata={"form": {MAIL: KEY, "button": SECRET}, "name": MAIL}, outputs=[new_output("stream")]),
    new_code_cell("last = ...", metadata={"solution": f"last = login('{KEY}', '{MAIL}')"}),
]  # fmt: skip


def readings(page: str) -> Iterator[str]:
    """A page as it is written, as a browser shows it, and what is in its pictures."""
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    yield from (page, html.unescape(page), text, re.sub("[\u200b\u00ad\x00-\x08]", "", text))
    for kind, content in re.findall(r"data:(image/[^,\"]*),([^\"')]*)", page):
        raw = (base64.b64decode(content) if "base64" in kind else unquote(content).encode()).decode("latin-1")
        yield from (raw, html.unescape(re.sub("<[^>]*>", "", raw)))


@pytest.mark.parametrize("cell", CELLS, ids=range(len(CELLS)))
def test_nothing_that_must_stay_here_is_on_a_page(cell: Any) -> None:
    about = {"authors": [{"name": MAIL}], "kernelspec": {"name": "x", "display_name": MAIL}, "title": f"of {MAIL}"}
    redactor = Redactor(frozenset({KNOWN}), ((HOME, "~"),))
    page = EXPORTER.page("p", new_notebook(cells=[cell], metadata=about), CellRenderer(redactor), home="", note="")

    assert [one for one in (*CANARIES, "zTXt", "kim.canary") for text in readings(page.html) if one in text] == []


def test_a_link_with_a_secret_in_its_address_is_its_words() -> None:
    cell = new_markdown_cell(f"[write to me](mailto:{MAIL}), <{MAIL}>")
    (made,) = CellRenderer(Redactor()).render(new_notebook(cells=[cell])).cells
    assert made.source.strip() == f"<p>write to me, {E_MAIL_LEFT_OUT}</p>"


def test_a_picture_without_a_secret_stays_as_it_was() -> None:
    plain = png(b"IDAT", zlib.compress(b"\0\0"))
    (cell,) = CellRenderer(Redactor()).render(new_notebook(cells=[data("image/png", plain)])).cells
    assert plain in str(cell.outputs)


@pytest.mark.parametrize("unit", ["token", "TOKEN_", "a.", "://a:", "--token-", "curl ", "token ", 'token="', "a@b."])
def test_no_text_takes_long(unit: str) -> None:
    begun = time.process_time()
    Redactor().redact_output(unit * (20_000 // len(unit)))
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    "text",
    [
        "instructor@agility.example and kim@example.com are nobody",
        "token = token_of(name), api_key=key, password: str",
        "The API Secret Key: 40 characters expected",
        "Token: …",
        "aws_secret_access_key = ****************EKEY",
        "labkit board --token FILE",
        "git clone git@v4.1, x@2.0.1 and @pytest.fixture",
        "http://127.0.0.1:8888/lab and https://x.example:443/a@b",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Redactor().redact_output(text) == text
