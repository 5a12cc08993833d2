"""The board as a page: read-only, protected by a token, on this machine only.

As with Jupyter, the token is in the first address, and then a cookie replaces it. A proxy that has authenticated the
user sends it in a header instead, so that no link contains it. Every address in the page is relative.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from flask import Flask, Response, abort, jsonify, make_response, redirect, request
from markupsafe import Markup

from labkit.classroom.board import TOKEN_HEADER
from labkit.classroom.board.refresh import LatestBoard
from labkit.classroom.board.table import TEMPLATES, Board, changes, clock_time
from labkit.views.render import render, style_sheet

MOST_BOARDS = 50
"""How many boards are kept, to say what has changed since the one that a page shows."""

ORDERS = {"number": "number", "stuck": "stuck longest"}
"""The orders of the rows, as the address has them and in words."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FOLDER = Path(__file__).parent


def create_app(latest: Callable[[], LatestBoard], token: str) -> Flask:
    """The WSGI application. token: opens the page; not empty."""
    app = Flask("labkit.classroom.board", static_folder=None)
    boards = RecentBoards()
    app.before_request(lambda: _admit(token))
    app.after_request(_finish)
    app.register_error_handler(403, lambda _: (str(render(f"{TEMPLATES}:refused.html.j2")), 403))

    @app.get("/", provide_automatic_options=False)
    def page() -> Response:
        shown, sort = latest(), request.args.get("sort", "")
        body = fragment(shown.board, sort)
        now = {"version": boards.add(shown.board, body), "at": at(shown), "trouble": trouble(shown)}
        order = {"orders": ORDERS, "sort": sort if sort in ORDERS else "number"}
        return make_response(str(render(f"{TEMPLATES}:page.html.j2", body=body, **now, **order)))

    @app.get("/state", provide_automatic_options=False)
    def state() -> Response:
        shown = latest()
        body = fragment(shown.board, request.args.get("sort", ""))
        since, version = request.args.get("since", ""), boards.add(shown.board, body)
        changed = {"html": body, "news": boards.changes(since, version)} if since != version else {}
        return jsonify({"version": version, "at": at(shown), "trouble": trouble(shown), **changed})

    @app.get("/board.css", provide_automatic_options=False)
    def style() -> Response:
        sheets = (style_sheet("style.css"), style_sheet(Board.own_style), (FOLDER / "board.css").read_text("utf-8"))
        return Response("".join(map(str, sheets)), mimetype="text/css")  # Markup + str would escape the quotes

    @app.get("/board.js", provide_automatic_options=False)
    def script() -> Response:
        return Response((FOLDER / "board.js").read_bytes(), mimetype="text/javascript")

    return app


def _admit(token: str) -> Response | None:
    """Admit a request with the token or the cookie; redirect one with the token in its address to set the cookie."""
    cookie = f"labkit-board-{request.environ['SERVER_PORT']}"  # cookies are shared between ports
    expected = blake2b(b"cookie", key=token.encode(), digest_size=32).hexdigest()
    if _same(request.headers.get(TOKEN_HEADER, ""), token) or _same(request.cookies.get(cookie, ""), expected):
        return None
    if request.path != "/" or not _same(request.args.get("token", ""), token):
        abort(403)
    opened = redirect("./", 303)
    opened.set_cookie(cookie, expected, httponly=True, samesite="Lax")
    return make_response(opened)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _finish(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def fragment(board: Board | None, sort: str = "") -> Markup:
    """The part of the page that changes: the table and the lists below it. sort: "stuck", or by number."""
    if board is None:
        return Markup("<p>The board could not be read yet.</p>")
    return (board.by_time_at_step() if sort == "stuck" else board).__html__()


def at(shown: LatestBoard) -> str:
    """The time of the board that is shown."""
    return clock_time(shown.board.at) if shown.board is not None else ""


def trouble(shown: LatestBoard) -> str:
    """Since when there has been no answer, and why; "" while all is well."""
    if shown.no_answer_since is None:
        return ""
    words = f"No answer since {shown.no_answer_since:%H:%M:%S}, trying again."
    return " ".join(filter(None, (words, *((shown.error.what, shown.error.next_step) if shown.error else ()))))


class RecentBoards:
    """The last boards by version, a hash of what is shown."""

    def __init__(self) -> None:
        self._boards: dict[str, Board | None] = {}

    def add(self, board: Board | None, body: Markup) -> str:
        """Keep a board, and return its version."""
        version = blake2b(body.encode(), digest_size=9).hexdigest()
        self._boards.pop(version, None)
        self._boards[version] = board
        while len(self._boards) > MOST_BOARDS:
            self._boards.pop(next(iter(self._boards)), None)
        return version

    def changes(self, since: str, version: str) -> str:
        """What has changed since a version; "" for an unknown one."""
        before, after = self._boards.get(since), self._boards.get(version)
        return changes(before, after) if before is not None and after is not None else ""
