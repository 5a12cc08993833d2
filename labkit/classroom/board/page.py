"""The board as a page: read-only, behind its token, for this machine alone.

The token opens it as Jupyter's does: once in the address, from then on as a cookie. A proxy that has checked who asks
shows it in a header instead, so that no link of the page ever holds it. Every address in the page is relative.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from flask import Flask, Response, abort, jsonify, make_response, redirect, request
from markupsafe import Markup

from labkit.classroom.board import TOKEN_HEADER
from labkit.classroom.board.news import news
from labkit.classroom.board.table import Board
from labkit.classroom.board.watch import Snapshot
from labkit.views.render import render, style_sheet

REMEMBERED = 50
"""So many boards are kept to tell what is new since the one that a page shows."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
OWN = Path(__file__).parent


def create_app(look: Callable[[], Snapshot], token: str) -> Flask:
    """The WSGI application. look: what there is to see now. token: opens the page, and is not empty."""
    app = Flask("labkit.classroom.board", static_folder=None)
    boards = Remembered()
    app.before_request(lambda: _admit(token))
    app.after_request(_finish)
    app.register_error_handler(403, lambda _: (str(render("board_refused.html.j2")), 403))

    @app.get("/", provide_automatic_options=False)
    def page() -> Response:
        seen = look()
        body = fragment(seen.board)
        now = {"version": boards.add(seen.board, body), "at": at(seen), "trouble": trouble(seen)}
        return make_response(str(render("board_page.html.j2", body=body, **now)))

    @app.get("/state", provide_automatic_options=False)
    def state() -> Response:
        seen = look()
        body = fragment(seen.board)
        since, version = request.args.get("since", ""), boards.add(seen.board, body)
        changed = {"html": body, "news": boards.news(since, version)} if since != version else {}
        return jsonify({"version": version, "at": at(seen), "trouble": trouble(seen), **changed})

    @app.get("/board.css", provide_automatic_options=False)
    def style() -> Response:
        shared = style_sheet("style.css") + style_sheet(Board.own_style)
        return Response(shared + (OWN / "board.css").read_text("utf-8"), mimetype="text/css")

    @app.get("/board.js", provide_automatic_options=False)
    def script() -> Response:
        return Response((OWN / "board.js").read_bytes(), mimetype="text/javascript")

    return app


def _admit(token: str) -> Response | None:
    """Let a request through that shows the token; one that has it in its address gets the cookie instead."""
    cookie = f"labkit-board-{request.environ['SERVER_PORT']}"  # cookies know no port: two boards have two names
    kept = blake2b(b"cookie", key=token.encode(), digest_size=32).hexdigest()
    if _same(request.headers.get(TOKEN_HEADER, ""), token) or _same(request.cookies.get(cookie, ""), kept):
        return None
    if request.path != "/" or not _same(request.args.get("token", ""), token):
        abort(403)
    opened = redirect("./", 303)
    opened.set_cookie(cookie, kept, httponly=True, samesite="Lax")
    return make_response(opened)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _finish(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def fragment(board: Board | None) -> Markup:
    """What the page swaps: the table and what is listed below it; a word where nothing was read yet."""
    return board.__html__() if board is not None else Markup("<p>Nothing could be read yet.</p>")


def at(seen: Snapshot) -> str:
    """The time of what is shown."""
    return f"{seen.board.at.astimezone():%H:%M:%S}" if seen.board is not None else ""


def trouble(seen: Snapshot) -> str:
    """That nothing answers, since when and why; "" while all is well."""
    if seen.no_answer_since is None:
        return ""
    words = f"No answer since {seen.no_answer_since:%H:%M:%S}, trying again."
    return " ".join(filter(None, (words, *((seen.fault.what, seen.fault.next_step) if seen.fault else ()))))


class Remembered:
    """The last boards by their version, a name that follows from what is shown."""

    def __init__(self) -> None:
        self._boards: dict[str, Board | None] = {}

    def add(self, board: Board | None, body: Markup) -> str:
        """Keep a board; its version."""
        version = blake2b(body.encode(), digest_size=9).hexdigest()
        self._boards.pop(version, None)
        self._boards[version] = board
        while len(self._boards) > REMEMBERED:
            self._boards.pop(next(iter(self._boards)), None)
        return version

    def news(self, since: str, version: str) -> str:
        """What is new since a version; "" for one that is not known."""
        before, after = self._boards.get(since), self._boards.get(version)
        return news(before, after) if before is not None and after is not None else ""
