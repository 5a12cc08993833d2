"""The promises of the root conftest: no test can act on a real account."""

from __future__ import annotations

import os
import sys

import boto3
import pytest


def test_a_plain_aws_client_has_no_real_keys_and_talks_to_this_machine():
    client = boto3.client("ec2")

    assert client.meta.endpoint_url.startswith("http://127.0.0.1")
    assert boto3.Session().get_credentials().access_key == "none"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_a_connection_to_another_host_is_refused(host):
    with pytest.raises(PermissionError, match="tests stay on this machine"):
        sys.audit("socket.connect", None, (host, 80))


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("::1", 80), ("localhost", 80), "/run/some.socket"])
def test_a_connection_to_this_machine_is_let_through(address):
    assert sys.audit("socket.connect", None, address) is None


def test_nothing_of_the_users_own_choices_reaches_a_test():
    assert {name for name in os.environ if name.startswith(("LABKIT_", "TS_"))} == {"LABKIT_HOME"}
    assert "AWS_PROFILE" not in os.environ
