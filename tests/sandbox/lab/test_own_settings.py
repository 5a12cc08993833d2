"""Live AWS with the student's own settings: found as AWS's tools find them, and explained where they are wrong."""

from __future__ import annotations

import io
import os
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from labkit.backends.backend import Backend
from labkit.backends.live import LiveAws, LiveDetection
from labkit.model.errors import InvalidInput, LabError
from labkit.model.settings import Settings
from labkit.services.aws.profile import check_region
from labkit.services.notes import NotesInMemory
from labkit.steps.session import LabSession

KEYS = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CREDENTIALS = f"aws_access_key_id = {KEYS[0]}\naws_secret_access_key = {KEYS[1]}\n"


class Files:
    def __init__(self, folder: Path) -> None:
        self.config, self.credentials = folder / "config", folder / "credentials"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    written = Files(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(written.config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(written.credentials))
    return written


def live() -> LiveAws:
    return LiveAws(Settings(Path("/nowhere"), aws="live"))


def test_region_and_endpoint_are_those_of_the_profile(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.config.write_text(
        "[profile work]\nregion = eu-west-2\nendpoint_url = http://127.0.0.1:7\nservices = s\n"
        "[profile plain]\nregion = eu-west-3\n[services s]\nec2 =\n  endpoint_url = http://127.0.0.1:8\n"
    )
    files.credentials.write_text(f"[work]\n{CREDENTIALS}")
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert (live().own_region(), live().endpoint()) == ("eu-west-2", "http://127.0.0.1:8")
    keys = live().own_keys()
    assert keys is not None and keys.access_key_id == KEYS[0]
    monkeypatch.setenv("AWS_PROFILE", "plain")
    assert (live().own_region(), live().endpoint()) == ("eu-west-3", None)


def test_keys_of_a_process_are_found(files: Files) -> None:
    says = f'{{"Version": 1, "AccessKeyId": "{KEYS[0]}", "SecretAccessKey": "{KEYS[1]}"}}'
    (files.config.parent / "keys.json").write_text(says)
    files.config.write_text(f"[default]\ncredential_process = cat {files.config.parent}/keys.json\n")
    keys = live().own_keys()
    assert keys is not None and keys.secret_access_key == KEYS[1]


@pytest.mark.parametrize(
    "setting",
    [
        "credential_process = /nonexistent/program",
        "credential_process = /etc/hostname",
        "credential_process = echo hello",
        "credential_process = echo []",
        "credential_process = printf '\\377'",
        "credential_process = 'unclosed",
        "credential_process = false",
        "credential_process = echo '{\"Version\": 2}'",
        'credential_process = echo \'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "x", '
        '"SessionToken": "t", "Expiration": "2001-01-01T00:00:00Z"}\'',
        "metadata_service_timeout = soon",
        "services = s\n[services s]\nec2 = http://127.0.0.1:7",
        "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default",
        "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = nowhere",
        "role_arn = arn:aws:iam::123456789012:role/r\nweb_identity_token_file = /nonexistent/token",
        "sso_session = nowhere\nsso_account_id = 123456789012\nsso_role_name = r",
    ],
)
def test_settings_that_give_no_keys_are_reported_in_words(files: Files, setting: str) -> None:
    files.config.write_text(f"[default]\n{setting}\n")
    with pytest.raises(LabError, match="Your own AWS settings give no keys"):
        live().own_keys()


def test_a_role_is_assumed_with_the_keys_of_another_profile(files: Files) -> None:
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    role = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIA{KEYS[0][4:]}</AccessKeyId><SecretAccessKey>{KEYS[1]}</SecretAccessKey>
        <SessionToken>{"t" * 100}</SessionToken><Expiration>{until}</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>"""

    class Sts(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(role.encode())

    with HTTPServer(("127.0.0.1", 0), Sts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        files.config.write_text(
            "[default]\nregion = eu-west-2\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
            f"services = s\n[services s]\nsts =\n  endpoint_url = {url}\n"
        )
        files.credentials.write_text(f"[base]\n{CREDENTIALS}")
        keys = live().own_keys()
        server.shutdown()
    assert keys is not None and keys.access_key_id.startswith("ASIA") and keys.session_token
    assert (live().endpoint(), live().sts_endpoint()) == (None, url)


def test_the_endpoint_of_ec2_is_not_the_one_of_sts(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.config.write_text("[default]\nservices = s\n[services s]\nec2 =\n  endpoint_url = http://127.0.0.1:8\n")
    files.credentials.write_text(f"[default]\n{CREDENTIALS}")
    account = LabSession(
        Backend(live(), LiveDetection(Settings(files.config.parent)), files.config.parent), NotesInMemory()
    ).aws
    assert account.ec2.meta.endpoint_url == "http://127.0.0.1:8"
    assert account.sts.meta.endpoint_url.startswith("https://sts.")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    assert (live().endpoint(), live().sts_endpoint()) == ("http://127.0.0.1:8", "http://127.0.0.1:9")


@pytest.mark.parametrize("around", ["{}\r", '"{}"', "  {} "])
def test_what_surrounds_keys_in_the_environment_is_removed(
    files: Files, monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), KEYS, strict=True):
        monkeypatch.setenv(name, around.format(value))
    for keys in (live().given_keys(), live().own_keys()):
        assert keys is not None and (keys.access_key_id, keys.secret_access_key) == KEYS


def test_temporary_keys_without_their_token_are_refused_in_words(files: Files) -> None:
    files.credentials.write_text(f"[default]\n{CREDENTIALS}".replace("AKIA", "ASIA"))
    with pytest.raises(InvalidInput, match="session token"):
        live().own_keys()


@pytest.mark.parametrize("damage", ["[default\nx = 1\n", "[default]\nregion = a\nnonsense\n", "x = 1\n"])
def test_a_broken_file_is_named_with_its_line(files: Files, damage: str) -> None:
    files.config.write_text(damage)
    for look in (live().own_keys, live().own_region, live().endpoint):
        with pytest.raises(LabError, match=r"line \d") as refused:
            look()
        assert str(files.config) in str(refused.value)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.config.write_text("[profile other]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_PROFILE", "work-sso")
    with pytest.raises(LabError, match=r"no AWS profile “work-sso”.*other"):
        live().own_keys()


def test_a_login_that_is_missing_ends_in_how_to_log_in(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files.config.parent))
    files.config.write_text(
        "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n"
    )
    with pytest.raises(LabError, match="Log in: aws sso login"):
        live().own_keys()


def test_the_certificates_that_awss_tools_trust_are_trusted(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.config.write_text(f"[default]\nca_bundle = {files.credentials}\n")
    files.credentials.write_text(f"[default]\n{CREDENTIALS}")
    home = files.config.parent
    session = LabSession(Backend(live(), LiveDetection(Settings(home)), home), NotesInMemory())
    assert session.aws.ec2._endpoint.http_session._verify == str(files.credentials)
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent.pem")
    with pytest.raises(LabError, match=r"certificates that is not there.*/nonexistent\.pem"):
        live().trusted()


def test_a_profile_that_asks_for_an_mfa_code_is_explained_where_nobody_can_be_asked(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/u\n"
    files.config.write_text(f"[default]\n{role}")
    files.credentials.write_text(f"[base]\n{CREDENTIALS}")
    opened = os.open

    def no_terminal(path: str, *flags: int) -> int:
        if path == "/dev/tty":
            raise OSError
        return opened(path, *flags)

    monkeypatch.setattr("os.open", no_terminal)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(LabError, match="MFA code"):
        live().own_keys()


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_a_region_of_another_partition_is_not_supported_rather_than_unknown(region: str) -> None:
    with pytest.raises(InvalidInput, match="not supported"):
        check_region(region)
