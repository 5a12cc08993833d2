"""labkit's AWS client over real HTTP: whose keys they are, and what is said of keys that do not work."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import botocore.auth
import pytest
from werkzeug.wrappers import Response

from labkit.model.access_keys import AccessKeys
from labkit.model.errors import CredentialsRefused, ServiceError, ServiceUnreachable
from labkit.services.aws import errors as aws_errors
from labkit.services.aws.account import Account
from labkit.services.aws.ec2 import caller, describe_vpcs
from labkit.services.aws.profile import SavedProfile, save_profile, verify
from tests.ports import free_port
from tests.serving import serving

UNKNOWN = AccessKeys("AKIAQ3EGRTCANARY0001", "c4n4rySECRETc4n4rySECRETc4n4rySECRET0/+x")


def test_right_keys_are_verified_and_their_owner_named(account):
    owner = verify(account)
    assert (owner.account, owner.arn) == ("123456789012", "arn:aws:iam::123456789012:user/student")


@pytest.mark.parametrize(
    ("kind", "words", "codes"),
    [
        ("unknown", "does not know this access key id", ("InvalidClientTokenId", "AuthFailure")),
        ("wrong secret", "does not belong to this access key id", ("SignatureDoesNotMatch", "AuthFailure")),
        ("swapped", "swapped", ("IncompleteSignature", "IncompleteSignature")),
        ("swapped, no slash", "does not know this access key id", ("InvalidClientTokenId", "AuthFailure")),
    ],
)
def test_keys_that_do_not_work_get_each_services_own_error_without_the_secret(aws, kind, words, codes):
    right = aws.app.keys
    keys = {
        "unknown": UNKNOWN,
        "wrong secret": AccessKeys(right.access_key_id, UNKNOWN.secret_access_key),
        "swapped": AccessKeys(UNKNOWN.secret_access_key, UNKNOWN.access_key_id),
        "swapped, no slash": AccessKeys("s" * 40, UNKNOWN.access_key_id),
    }[kind]
    account = Account(keys, "us-east-1", aws.url)
    calls = (lambda: caller(account.sts), lambda: describe_vpcs(account.ec2), lambda: verify(account))
    for call, code in zip(calls, (*codes, codes[0]), strict=True):
        with pytest.raises(CredentialsRefused) as refused:
            call()
        assert refused.value.code == code
        assert keys.access_key_id not in str(refused.value) and right.secret_access_key not in str(refused.value)
        assert keys.secret_access_key not in str(refused.value)
    assert words in str(refused.value)


def test_valid_keys_without_permission_get_another_error_than_wrong_ones(aws):
    account = Account(aws.reader_keys, "us-east-1", aws.url)
    assert caller(account.sts).arn.endswith(":user/reader-without-ec2")
    with pytest.raises(CredentialsRefused, match="not allowed to call") as refused:
        verify(account)
    assert refused.value.code == "UnauthorizedOperation"


def test_nothing_listening_is_unreachable_and_names_the_endpoint():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceUnreachable, match=url) as unreachable:
        verify(Account(UNKNOWN, "us-east-1", url))
    assert "labkit sandbox start" in unreachable.value.next_step


@pytest.mark.parametrize(("hours", "said"), [(-2, "2 hours behind"), (3, "3 hours ahead of")])
@pytest.mark.parametrize("service", ["sts", "ec2"])
def test_a_wrong_clock_is_not_reported_as_wrong_keys(account, monkeypatch, hours, said, service):
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: (datetime.now(UTC) + timedelta(hours=hours)).replace(tzinfo=None)
    )
    monkeypatch.setattr(aws_errors, "time", SimpleNamespace(time=lambda: time.time() + hours * 3600))
    with pytest.raises(ServiceError, match=f"clock is wrong: it is {said}") as off:
        caller(account.sts) if service == "sts" else describe_vpcs(account.ec2)
    assert not isinstance(off.value, CredentialsRefused)
    assert off.value.code in {"SignatureDoesNotMatch", "RequestExpired"}


def canned(code: str, message: str, status: int = 400):
    """A service that answers every request with one error, in the form of EC2 and STS both."""
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error></Response>"
    )
    return lambda environ, start: Response(body, status, mimetype="text/xml")(environ, start)


@pytest.mark.parametrize(
    ("app", "kind", "words"),
    [
        (canned("ExpiredToken", "x"), CredentialsRefused, "temporary keys have expired"),
        (canned("InvalidToken", "x"), CredentialsRefused, "session token does not belong"),
        (canned("OptInRequired", "x"), CredentialsRefused, "cannot use EC2 in us-east-1"),
        (canned("UnauthorizedOperation", "x", 403), CredentialsRefused, "not allowed to call DescribeVpcs in EC2"),
        (canned("AuthFailure", "x", 401), CredentialsRefused, "does not accept these keys"),
        (canned("RequestExpired", "x"), ServiceError, "clock is wrong"),
        (canned("InvalidParameterValue", "Value is odd."), ServiceError, "Value is odd"),
        (Response("<html>", 200), ServiceError, "could not be read"),
        (Response("<Response/>", 403), CredentialsRefused, "rejected these keys"),
    ],
    ids=["expired token", "wrong token", "opt-in", "no permission", "auth failure", "request expired",
         "another code", "not xml", "403 without an error code"],
)  # fmt: skip
def test_each_refusal_of_a_service_has_its_own_message(app, kind, words):
    with serving(app) as url, pytest.raises(kind, match=words) as refused:
        describe_vpcs(Account(UNKNOWN, "us-east-1", url).ec2)
    assert refused.value.next_step
    assert "{" not in str(refused.value)


def test_a_refusal_is_explained_by_a_clock_that_is_days_off(monkeypatch):
    monkeypatch.setattr(aws_errors, "time", SimpleNamespace(time=lambda: time.time() - 3 * 86400))
    with serving(canned("AuthFailure", "x", 401)) as url, pytest.raises(ServiceError, match="3 days behind"):
        describe_vpcs(Account(UNKNOWN, "us-east-1", url).ec2)


def test_the_clients_are_made_once_and_read_no_profile_or_file_of_the_user(account, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "is-not-there")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent/config")
    fresh = Account(account.keys, account.region, account.endpoint_url)
    assert caller(fresh.sts).account == "123456789012"
    assert fresh.ec2 is fresh.ec2
    assert account.keys.secret_access_key not in repr(fresh)
    assert repr(fresh) == f"<Account {account.keys!r} in {account.region} at {account.endpoint_url}>"


def test_a_saved_profile_is_all_that_another_aws_tool_needs(account, tmp_path, monkeypatch):
    files = tmp_path / "config", tmp_path / "credentials"
    save_profile(SavedProfile(account.keys, account.region, account.endpoint_url), *files)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(files[0]))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files[1]))
    client = boto3.Session(profile_name="self-protecting-cloud").client("sts")
    assert client.get_caller_identity()["Account"] == "123456789012"
