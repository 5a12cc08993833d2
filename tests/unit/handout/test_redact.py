"""What must not leave this machine is taken out of every text, and nothing else is."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest

from labkit.handout import redact
from labkit.handout.markup import Rules, Summary, rewrite
from labkit.handout.redact import LEFT_OUT, Redactor, redactor_of_this_machine
from tests.notebooks.chapters import PATHS

SECRET = "canary/typed+secret/0123456789abcdefghij"
NO_SHAPE = "correct horse/battery+staple"


def in_base64(before: str, text: str) -> str:
    return b64encode((before + text).encode()).decode()


FORMS = [
    *(str, quote, lambda text: quote(text, safe=""), escape, json.dumps),
    lambda text: text.replace("/", "\\/"),
    lambda text: f"{text[:15]}\n    {text[15:]}",
    lambda text: text.encode().hex(),
    *(partial(in_base64, "user:"[:length]) for length in range(4)),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_left_out_however_it_is_written(form) -> None:
    cleaned = Redactor(frozenset({NO_SHAPE})).redact(f"before {form(NO_SHAPE)} after")

    assert LEFT_OUT in cleaned and "battery" not in cleaned and form(NO_SHAPE)[4:-4] not in cleaned
    assert cleaned.startswith("before ") and cleaned.endswith(" after")


def test_in_html_a_secret_is_left_out_though_its_letters_are_written_as_numbers() -> None:
    for secret in (NO_SHAPE, SECRET):
        written = secret.replace("/", "&#x2F;").replace("+", "&plus;").replace("b", "&#98;")
        rules = Rules(str, str, redactor=Redactor(frozenset({NO_SHAPE})))
        assert rewrite(f"<b>{written}</b>", rules, Summary()) == f"<b>{LEFT_OUT}</b>"


@pytest.mark.parametrize(
    "text",
    [
        "AKIACANARY7TYPED3KEY",
        "id: ASIACANARY7TYPED3KEY.",
        SECRET,
        f"lab.enter_aws_keys('AKIACANARY7TYPED3KEY', '{SECRET}')",
        f"aws_secret_access_key = {SECRET}",
        f"export AWS_SECRET_ACCESS_KEY={SECRET}",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        f"key {'0123456789abcdef' * 4}",
        f"token IQoJb3JpZ2luX2VjE{'Ab9/' * 40}==",
        'lab.enter_detection_key(api_key="short-but-secret")',
        "PASSWORD = 'of_somebody'",
        '{"session_token": "of-somebody-else"}',
        "http://127.0.0.1:8888/lab?token=of-somebody-else",
        "http://127.0.0.1:1/_lab/cloud-account?a=b&amp;ticket=of-somebody-else",
        "HOME=/root\nMY_API_TOKEN=of-somebody-else\nSHELL=/bin/sh",
    ],
)
def test_what_looks_like_a_key_is_left_out_though_nobody_knows_it(text: str) -> None:
    cleaned = Redactor().redact(text)

    assert LEFT_OUT in cleaned
    assert not any(
        part in cleaned for part in ("CANARY", "canary", "wJalr", "0123456789", "b3JpZ2lu", 'secret"', "body")
    )


@pytest.mark.parametrize(
    "text",
    [
        "vpc-41d4af28b843c6335 in account 123456789012",
        "6fd31510-fc3c-11f0-a908-0242ac110002",
        "/usr/share/doc/somewhere/very/deep/below",
        "token = os.environ['TOKEN']",
        "api_key=''",
        "a_token=compute(token)",
        "export AWS_SECRET_ACCESS_KEY=…",
        "GET /v2/alerts?token=…, and CANARY_TOKEN_FILE=/a/path/of/somewhere",
        "user 19643937132ae13d138117cd",
        f"data:image/png;base64,iVBORw0KGgo{'AbC/0+xyz9' * 30}==",
        "AKIA and 16 capital letters or digits",
    ],
)
def test_what_is_not_a_key_stays(text: str) -> None:
    assert Redactor().redact(text) == text


def test_no_word_of_the_chapters_is_taken_for_a_secret() -> None:
    for path in PATHS:
        text = path.read_text(encoding="utf-8")
        assert Redactor().redact(text) == text


def test_folders_of_this_machine_are_shortened_the_innermost_first() -> None:
    redactor = Redactor(folders=(("/home/kim", "~"), ("/home/kim/lab", "."), ("/tmp", "TMP")))

    assert redactor.redact('File "/home/kim/lab/notebooks/x.py"') == 'File "./notebooks/x.py"'
    assert redactor.redact("/home/kim/.aws, file:///tmp/x and /home/kim.") == "~/.aws, file://TMP/x and ~."
    assert redactor.redact("/home/kimberley /srv/home/kim /tmpfiles") == "~ /srv/home/kim /tmpfiles"


def test_this_machines_secrets_are_found_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, own = tmp_path / "home", tmp_path / "own-credentials"
    (home / "aws").mkdir(parents=True)
    (home / "aws" / "credentials").write_text("[x]\naws_secret_access_key = kept-in-the-profile\n")
    own.write_text("[default]\naws_access_key_id = of-the-user\naws_session_token=token-of-the-user\n")
    (home / "class-aws").mkdir()
    (home / "class-aws" / "credentials").write_text("[x]\naws_secret_access_key = kept-of-a-class\n")
    (home / "class.json").write_text(
        '{"TS_API_KEY": "api-key-of-a-class", "LABKIT_DETECTION_URL": "https://x.example"}'
    )
    (tmp_path / "config").write_text("[profile x]\naws_secret_access_key = kept-in-the-config\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(own))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("TS_API_KEY", "key-of-the-service")
    monkeypatch.setenv("JUPYTER_TOKEN", "token-of-jupyter")
    monkeypatch.setenv("CANARY_TOKEN_FILE", "/no/secret/but/a/path")

    redactor = redactor_of_this_machine(home, tmp_path)

    assert {
        *("kept-in-the-profile", "kept-in-the-config", "of-the-user", "token-of-the-user"),
        *("key-of-the-service", "token-of-jupyter"),
        *("kept-of-a-class", "api-key-of-a-class"),
    } <= redactor.secrets
    assert "https://x.example" not in redactor.secrets
    assert "/no/secret/but/a/path" not in redactor.secrets
    assert "key-of" not in repr(redactor)


def test_this_machines_folders_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/kim")
    monkeypatch.setattr(redact.sys, "prefix", "/opt/python")
    redactor = redactor_of_this_machine(Path("/home/kim/.local/state/labkit"), Path("/home/kim/clone"))

    assert redactor.redact("/home/kim/.local/state/labkit/aws/config") == "LABKIT_HOME/aws/config"
    assert redactor.redact("/home/kim/clone/.venv/bin/aws") == "./.venv/bin/aws"
    assert redactor.redact("/home/kim/Desktop, /opt/python/bin/aws") == "~/Desktop, PYTHON/bin/aws"
