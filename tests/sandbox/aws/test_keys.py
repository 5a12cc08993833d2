"""Keys that the sandbox makes, and what they have no permission for."""

from __future__ import annotations

import re
import stat
import string

from labkit.model.access_keys import AccessKeys
from labkit.sandbox.aws.keys import load_keys
from tests.sandbox.aws.fixtures import client, refusal

UNKNOWN = AccessKeys("AKIA" + "Z" * 16, "z" * 40)


def test_a_dry_run_without_permission_reports_that(aws):
    ec2 = client(aws.url, "ec2", "us-east-1", aws.reader_keys)
    assert refusal(ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True) == "UnauthorizedOperation"


def test_the_student_may_not_use_iam(aws):
    assert refusal(aws.client("iam").list_users) == "AccessDenied"
    assert refusal(aws.client("iam").create_user, UserName="another") == "AccessDenied"


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
