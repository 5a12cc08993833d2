"""The sandbox's control calls, under `/_lab/`: health without a token, the rest with the token of the state file.

The Cloud Accounts page needs a ticket that is valid once, so that a notebook saved while it shows the page contains
nothing that opens it again.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Mapping

from flask import Flask, Response, abort, jsonify, request

TOKEN_HEADER = "X-Lab-Token"
CLOUD_ACCOUNT_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Cloud Accounts</title>
<meta name="color-scheme" content="light dark"><style>
body{{font:.9rem/1.4 system-ui,sans-serif;margin:.6rem 1rem}}h1{{font-size:1.05rem;margin:0 0 .5rem}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1rem;align-items:baseline;margin:0}}
dt{{font-weight:600}}dd{{margin:0}}p{{margin:.6rem 0 0}}code{{font-size:1.05rem;user-select:all;overflow-wrap:anywhere}}
button{{font:inherit;min-width:5rem;margin-inline-start:.6rem}}</style></head>
<body><h1>Cloud Accounts: the sandbox's AWS account</h1><dl>
<dt>API Key</dt><dd><code id="api-key">{access_key_id}</code>
<button type="button" aria-label="Copy the API Key">Copy</button></dd>
<dt>API Secret Key</dt><dd><code id="api-secret-key">{secret_access_key}</code>
<button type="button" aria-label="Copy the API Secret Key">Copy</button></dd></dl>
<p>These keys work in this sandbox only. To see this page again, ask for it in the form.</p>
<script>
// A form shows this page in a frame, which knows the system's theme, and not JupyterLab's.
try {{
  const light = parent.document.body.dataset.jpThemeLight;
  if (light) document.documentElement.style.colorScheme = light === "true" ? "light" : "dark";
}} catch {{}}
for (const button of document.querySelectorAll("button")) button.onclick = async () => {{
  const key = button.previousElementSibling;
  getSelection().selectAllChildren(key);
  try {{ await navigator.clipboard.writeText(key.textContent); }} catch {{ document.execCommand("copy"); }}
  button.textContent = "Copied";
  setTimeout(() => button.textContent = "Copy", 2000);
}};
</script>
</body></html>
"""


class Tickets:
    """One-time tickets. Only the newest hundred are valid."""

    def __init__(self) -> None:
        self._valid: dict[str, None] = {}
        self._lock = threading.Lock()

    def issue(self) -> str:
        """A new ticket."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._valid[ticket] = None
            while len(self._valid) > 100:
                self._valid.pop(next(iter(self._valid)))
        return ticket

    def spend(self, ticket: str) -> bool:
        """True the first time an issued ticket is used."""
        with self._lock:
            return self._valid.pop(ticket, ticket) is None


def create_control_app(
    token: str, health: Callable[[], Mapping[str, object]], credentials: Callable[[], Mapping[str, Mapping[str, str]]]
) -> Flask:
    """The control app. health: whether the sandbox is warm. credentials: the keys of both services,
    `{"aws": {access_key_id, secret_access_key}, "detection": {user_id, api_key, organization_id}}`."""
    app = Flask("labkit.sandbox.control")
    tickets = Tickets()

    @app.get("/_lab/health")
    def show_health() -> Response:
        return jsonify(health())

    @app.get("/_lab/credentials")
    def show_credentials() -> Response:
        admit_with_token(token)
        return _private(jsonify(credentials()))

    @app.post("/_lab/tickets")
    def issue_ticket() -> Response:
        admit_with_token(token)
        return _private(jsonify({"path": f"/_lab/cloud-account?ticket={tickets.issue()}"}))

    @app.get("/_lab/cloud-account")
    def show_cloud_account() -> Response:
        if not tickets.spend(request.args.get("ticket", "")):
            abort(
                Response(
                    "This page opens once and has been opened. Ask for it again in the form.\n",
                    403,
                    mimetype="text/plain",
                )
            )
        return _private(Response(CLOUD_ACCOUNT_PAGE.format(**credentials()["aws"]), mimetype="text/html"))

    return app


def refuse_without_token(token: str) -> Response | None:
    """The refusal of a request without the token; None if it has the token."""
    if same_token(request.headers.get(TOKEN_HEADER, ""), token):
        return None
    return Response("This call needs the sandbox's own token.\n", 403, mimetype="text/plain")


def admit_with_token(token: str) -> None:
    """Abort the request with that refusal if it lacks the token."""
    if refusal := refuse_without_token(token):
        abort(refusal)


def same_token(given: str, token: str) -> bool:
    """Compare tokens in constant time."""
    return hmac.compare_digest(given.encode(), token.encode())


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
