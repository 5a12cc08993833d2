"""Permissions: moto's own authentication is on, and refuses with the codes of AWS."""

from __future__ import annotations

import re
import stat
import string
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest

from labkit.model.access_keys import AccessKeys
from labkit.sandbox.aws.keys import load_keys
from tests.sandbox.aws.fixtures import client, refusal

UNKNOWN = AccessKeys("AKIA" + "Z" * 16, "z" * 40)


def calls(aws, keys):
    return client(aws.url, "sts", "us-east-1", keys).get_caller_identity, client(
        aws.url, "ec2", "us-east-1", keys
    ).describe_vpcs


def test_the_students_keys_identify_the_student_and_may_use_ec2(aws, ec2):
    who = aws.client("sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/student")
    assert ec2.describe_vpcs()["Vpcs"]


def test_a_wrong_secret_gets_each_services_own_code(aws):
    identity, vpcs = calls(aws, AccessKeys(aws.app.keys.access_key_id, "x" * 40))
    assert refusal(identity) == "SignatureDoesNotMatch"
    assert refusal(vpcs) == "AuthFailure"


def test_an_unknown_key_gets_each_services_own_code(aws):
    identity, vpcs = calls(aws, UNKNOWN)
    assert refusal(identity) == "InvalidClientTokenId"
    assert refusal(vpcs) == "AuthFailure"


@pytest.mark.parametrize(
    ("secret", "codes"),
    [
        ("s" * 40, ("InvalidClientTokenId", "AuthFailure")),
        ("s" * 19 + "/" + "s" * 20, ("IncompleteSignature", "IncompleteSignature")),
    ],
    ids=["without a slash", "with a slash"],
)
def test_swapped_keys_are_refused_without_repeating_the_secret(aws, secret, codes):
    identity, vpcs = calls(aws, AccessKeys(secret, aws.app.keys.access_key_id))
    assert (refusal(identity), refusal(vpcs)) == codes
    for call in (identity, vpcs):
        with pytest.raises(Exception, match=r"Signature|token|credential") as refused:
            call()
        assert secret not in str(refused.value)


def test_valid_keys_without_permission_get_another_error_than_wrong_ones(aws):
    identity, vpcs = calls(aws, aws.reader_keys)
    assert identity()["Arn"].endswith(":user/reader-without-ec2")
    assert refusal(vpcs) == "UnauthorizedOperation"


def test_a_dry_run_without_permission_reports_that(aws):
    ec2 = client(aws.url, "ec2", "us-east-1", aws.reader_keys)
    assert refusal(ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True) == "UnauthorizedOperation"


def test_the_student_may_not_use_iam(aws):
    assert refusal(aws.client("iam").list_users) == "AccessDenied"
    assert refusal(aws.client("iam").create_user, UserName="another") == "AccessDenied"


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_wrong_clock_is_reported(aws, monkeypatch, minutes):
    identity, vpcs = calls(aws, aws.app.keys)
    shown = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: shown)
    assert refusal(identity) == "SignatureDoesNotMatch"
    assert refusal(vpcs) == "RequestExpired"


def test_keys_have_the_format_of_aws_and_are_generated_once(tmp_path):
    made = load_keys(tmp_path / "aws-keys.json")
    for keys in made.values():
        assert re.fullmatch("AKIA[A-Z2-7]{16}", keys.access_key_id)
        assert re.fullmatch("[A-Za-z0-9+/]{40}", keys.secret_access_key)
    assert load_keys(tmp_path / "aws-keys.json") == made
    assert stat.S_IMODE((tmp_path / "aws-keys.json").stat().st_mode) == 0o600


def test_a_secret_is_in_no_repr():
    assert "z" * 40 not in repr(UNKNOWN)


def test_no_key_is_a_formula_to_a_spreadsheet(tmp_path):
    keys = load_keys(tmp_path / "keys.json", users=[str(number) for number in range(500)])
    assert {pair.secret_access_key[0] for pair in keys.values()} <= {*string.ascii_letters}
