"""The commonest pastes: several keys in one text, with its line breaks, without them, or with spaces in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.key_block import KEY_ID, SECRET, TOKEN, find_keys

LONG_TERM, TEMPORARY = "AKIAQ3EGRTCANARY0001", "ASIAQ3EGRTCANARY0001"
KEY = "c4n4rySECRETc4n4rySECRETc4n4rySECRET0/+x"
PASS = "IQoJb3JpZ2luX2VjE" + "Ab/+9" * 30 + "=="

PAIRS = {
    "a profile": "[default]\naws_access_key_id = {id}\naws_secret_access_key = {key}\nregion = us-east-1\n",
    "aws configure set": "aws configure set aws_access_key_id {id}\naws configure set aws_secret_access_key {key}",
    "setx": "setx AWS_ACCESS_KEY_ID {id}\nsetx AWS_SECRET_ACCESS_KEY {key}",
    "a line of IAM's file": "{id},{key}",
    "IAM's file": "Access key ID,Secret access key\r\n{id},{key}\r\n",
    "IAM's file, with its mark": "\ufeffAccess key ID,Secret access key\n{id},{key}",
    "IAM's file of a new user": "User name,Password,Access key ID,Secret access key,Login\nbob,,{id},{key},https://a.b/c",
    "aws iam": '{{"AccessKey": {{"UserName": "Bob", "AccessKeyId": "{id}", "Status": "Active", '
    '"SecretAccessKey": "{key}", "CreateDate": "2026"}}}}',
    "the Cloud Accounts page": "API Key\n{id}\nAPI Secret Key\n{key}",
    "what aws configure showed": "AWS Access Key ID [None]: {id}\nAWS Secret Access Key [****WXYZ]: {key}\n"
    "Default region name [None]: us-east-1",
    "both, a line each": "{id}\n{key}",
    "Terraform": 'access_key = "{id}"\nsecret_key = "{key}"',
    "a profile with unusual spaces": "aws_access_key_id\u00a0=\u00a0{id}\u2028aws_secret_access_key\u3000= \u200e{key}",
}
THREES = {
    "a profile": "[123456789012_Admin]\naws_access_key_id={id}\naws_secret_access_key={key}\n"
    "aws_session_token={token}\n",
    "export": 'export AWS_ACCESS_KEY_ID="{id}"\nexport AWS_SECRET_ACCESS_KEY="{key}"\n'
    'export AWS_SESSION_TOKEN="{token}"',
    "export without quotes": "export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={key}\n"
    "export AWS_SESSION_TOKEN={token}\nexport AWS_DEFAULT_REGION=us-east-1",
    "set": "SET AWS_ACCESS_KEY_ID={id}\nSET AWS_SECRET_ACCESS_KEY={key}\nSET AWS_SESSION_TOKEN={token}",
    "PowerShell": '$Env:AWS_ACCESS_KEY_ID="{id}"\n$Env:AWS_SECRET_ACCESS_KEY="{key}"\n$Env:AWS_SESSION_TOKEN="{token}"',
    "aws sts get-session-token": '{{\n "Credentials": {{\n  "AccessKeyId": "{id}",\n  "SecretAccessKey": "{key}",\n'
    '  "SessionToken": "{token}",\n  "Expiration": "2026-11-28T04:00:00+00:00"\n }}\n}}',
    "aws sts assume-role": '{{"Credentials": {{"AccessKeyId": "{id}", "SecretAccessKey": "{key}", "SessionToken": '
    '"{token}", "Expiration": "2026"}}, "AssumedRoleUser": {{"AssumedRoleId": "AROA:x", "Arn": "arn:aws:sts::1:x"}}}}',
}
BREAKS = {"as copied": "\n", "breaks gone": "", "breaks as spaces": " "}


@pytest.mark.parametrize("between", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("block", PAIRS.values(), ids=PAIRS)
def test_both_keys_are_found(block, between):
    text = block.format(id=LONG_TERM, key=KEY).replace("\r", "").replace("\n", between)

    assert find_keys(text) == {KEY_ID: LONG_TERM, SECRET: KEY}


@pytest.mark.parametrize("between", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("block", THREES.values(), ids=THREES)
def test_both_keys_and_the_session_token_are_found(block, between):
    text = block.format(id=TEMPORARY, key=KEY, token=PASS).replace("\n", between)

    assert find_keys(text) == {KEY_ID: TEMPORARY, SECRET: KEY, TOKEN: PASS}


@pytest.mark.parametrize("ending", ["set", "export", "aws"])
def test_a_secret_that_ends_like_a_command_is_whole(ending):
    key = KEY[: -len(ending)] + ending

    assert find_keys(f"aws_secret_access_key={key}\nexport AWS_SESSION_TOKEN={PASS}") == {SECRET: key, TOKEN: PASS}


def test_a_labelled_value_of_the_wrong_length_is_found_as_it_is():
    assert find_keys(f"aws_access_key_id = {LONG_TERM[:-1]}\naws_secret_access_key = {KEY}x") == {
        KEY_ID: LONG_TERM[:-1],
        SECRET: KEY + "x",
    }


@pytest.mark.parametrize("text", ["", "hello", LONG_TERM, KEY, PASS, "AWS_SESSION_TOKEN="])
def test_a_text_without_labels_is_not_a_block(text):
    assert find_keys(text) == {}


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text):
    assert set(find_keys(text)) <= {KEY_ID, SECRET, TOKEN}
