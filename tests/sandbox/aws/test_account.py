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


@pytest.mark.parametrize("kind", ["unknown", "wrong secret", "no permission", "swapped"])
def test_keys_that_do_not_work_get_different_errors(aws, kind):
    right = aws.app.keys
    keys, words, codes = {
        "unknown": (UNKNOWN, "does not know this access key id", {"InvalidClientTokenId"}),
        "wrong secret": (
            AccessKeys(right.access_key_id, UNKNOWN.secret_access_key), "does not belong to this access key id",
            {"SignatureDoesNotMatch"},
        ),
        "no permission": (
            aws.reader_keys, "not allowed to call",
            {"UnauthorizedOperation", "AccessDenied"},
        ),
        "swapped": (
            AccessKeys(UNKNOWN.secret_access_key, UNKNOWN.access_key_id), "swapped", {"IncompleteSignature"},
        ),
    }[kind]  # fmt: skip
    with pytest.raises(CredentialsRefused, match=words) as refused:
        verify(Account(keys, "us-east-1", aws.url))
    assert refused.value.code in codes
    assert not [part for part in (keys.secret_access_key, right.secret_access_key) if part in str(refused.value)]


def test_wrong_keys_are_refused_by_ec2_too(aws):
    with pytest.raises(CredentialsRefused) as refused:
        describe_vpcs(Account(UNKNOWN, "us-east-1", aws.url).ec2)
    assert refused.value.code == "AuthFailure"


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
