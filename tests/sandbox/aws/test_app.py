"""The AWS side as a server: what it serves, what it never reveals, and how it handles internal errors."""

from __future__ import annotations

import errno
import gzip
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from moto.ec2.models import EC2Backend
from werkzeug.test import Client

from labkit.model.errors import LabError
from labkit.sandbox.aws import differences
from labkit.sandbox.aws.app import CONTROL_FLAG, AwsApp
from labkit.sandbox.aws.errors import as_aws_error
from tests.sandbox.aws.fixtures import DENY_ALL, everything, refusal
from tests.wait import PATIENCE_SECONDS


def test_a_request_that_is_not_signed_is_refused_in_xml(aws):
    for method in ("GET", "POST", "PUT"):
        reply = requests.request(method, aws.url, data={"Action": "DescribeVpcs"}, timeout=PATIENCE_SECONDS)
        assert reply.status_code == 403
        assert "<Code>MissingAuthenticationToken</Code>" in reply.text


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic c3R1ZGVudDpzZWNyZXQ=",
        "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA256 Credential=AKIAX/20261124/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00",
    ],
)
def test_a_malformed_signature_is_refused_in_xml(aws, authorization):
    reply = requests.post(
        aws.url, data={"Action": "DescribeVpcs"}, headers={"Authorization": authorization}, timeout=PATIENCE_SECONDS
    )
    assert reply.status_code in {400, 401}
    assert reply.text.startswith("<?xml")


@pytest.mark.parametrize("target", ["ConfirmSignUp", "GetUser", "ForgotPassword", "InitiateAuth", "SignUp"])
@pytest.mark.parametrize("key_id", ["", "AKIAAAAAAAAAAAAAAAAA"])
def test_no_header_spares_a_request_its_signature(aws, ec2, target, key_id):
    scope = f"{key_id or aws.app.keys.access_key_id}/20261124/us-east-1/ec2/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{target}",
        "X-Amz-Date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
    }
    form = {"Action": "CreateVpc", "CidrBlock": "10.9.0.0/16"}
    assert requests.post(aws.url, data=form, headers=headers, timeout=PATIENCE_SECONDS).status_code in {400, 401}
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2


def test_a_compressed_body_is_refused_without_unpacking(aws):
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=A/20261124/us-east-1/ec2/aws4_request, SignedHeaders=host, "
        "Signature=00",
        "Content-Encoding": "gzip",
    }
    reply = requests.post(aws.url, data=gzip.compress(bytes(10_000_000)), headers=headers, timeout=PATIENCE_SECONDS)
    assert reply.status_code == 415
    assert "<Code>UnsupportedMediaType</Code>" in reply.text


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/", "/moto-api/seed?a=1", "/favicon.ico", "/bucket/key"])
def test_motos_control_calls_are_not_reachable(aws, ec2, vpc, path):
    headers = {"labkit.control": "true", "Labkit-Control": "true", "X-Lab-Token": "guess"}
    for method in ("GET", "POST"):
        assert requests.request(method, aws.url + path, headers=headers, timeout=PATIENCE_SECONDS).status_code == 404
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_the_dispatcher_of_the_process_reaches_motos_control_calls_and_a_reset_makes_a_new_world(aws, ec2, vpc):
    inside = Client(aws.app)
    assert "batch" in inside.get("/moto-api/config", environ_overrides={CONTROL_FLAG: True}).json
    assert inside.post("/moto-api/reset", environ_overrides={CONTROL_FLAG: True}).status_code == 200
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2


def test_an_action_that_does_not_exist_or_that_the_lab_does_not_need_is_refused(aws, ec2):
    assert refusal(ec2.create_capacity_reservation_fleet, InstanceTypeSpecifications=[{}], TotalTargetCapacity=1) == (
        "InvalidAction"
    )
    for call in (ec2.describe_instance_types, ec2.describe_vpc_endpoint_services):
        assert refusal(call) == "UnauthorizedOperation"


def test_another_service_is_an_invalid_action(aws):
    assert refusal(aws.client("sns").list_topics) == "InvalidAction"


def raw(aws, **form: str) -> requests.Response:
    """A request that boto3 would not send, well signed."""
    from urllib.parse import urlencode

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = urlencode(form)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", aws.url + "/", headers, body)
    keys = aws.app.keys
    SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), "ec2", "us-east-1").add_auth(request)
    return requests.post(aws.url, data=body, headers=dict(request.headers.items()), timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "MissingAction"),
        ({"Action": "DoMagic"}, "InvalidAction"),
        ({"Action": "SetupClass"}, "InvalidAction"),
        ({"Action": "DeleteVpc"}, "MissingParameter"),
        ({"Action": "CreateNetworkAclEntry", "RuleNumber": "many"}, "InvalidParameterValue"),
        ({"Action": "DescribeVpcs", "Filter.1.Value.1": "x"}, "InvalidParameterValue"),
        ({"Action": "CreateTags", "Padding": "x" * 2_000_000}, "RequestEntityTooLarge"),
    ],
)
def test_a_request_that_no_client_would_send_is_refused_in_xml(aws, form, code):
    reply = raw(aws, **form)
    assert 400 <= reply.status_code < 500
    assert f"<Code>{code}</Code>" in reply.text


def test_an_exception_gives_an_internal_error_and_the_log_has_no_signature(aws, ec2, monkeypatch, caplog):
    def broken(*_: Any, **__: Any) -> None:
        raise StopIteration("somewhere deep in moto")

    monkeypatch.setattr(EC2Backend, "describe_regions", broken)
    with caplog.at_level(logging.DEBUG):
        assert refusal(ec2.describe_regions) == "InternalError"
    assert "somewhere deep in moto" in caplog.text
    served = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("labkit", "moto")))
    assert "AWS4-HMAC-SHA256" not in served
    assert aws.app.keys.secret_access_key not in caplog.text


def test_a_full_disk_is_named():
    assert "disk is full" in as_aws_error(OSError(errno.ENOSPC, "No space left on device")).message


def test_a_change_that_fails_half_way_leaves_nothing_behind(aws, ec2, vpc, monkeypatch):
    before = everything(ec2)

    def broken(*_: Any, **__: Any) -> None:
        monkeypatch.undo()
        raise KeyError("after the VPC was stored, before its security group was")

    monkeypatch.setattr(EC2Backend, "create_security_group", broken)
    assert refusal(ec2.create_vpc, CidrBlock="10.8.0.0/16") == "InternalError"
    assert everything(ec2) == before


def test_state_that_cannot_be_restored_refuses_changes(aws, ec2, monkeypatch):
    kept = (aws.folder / "aws-journal.ndjson").read_bytes()

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("every time")

    monkeypatch.setattr(EC2Backend, "create_security_group", broken)
    assert refusal(ec2.create_vpc, CidrBlock="10.8.0.0/16") == "InternalError"
    monkeypatch.undo()
    assert refusal(ec2.create_vpc, CidrBlock="10.8.0.0/16") == "ServiceUnavailable"
    aws.state.restore()
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2
    assert (aws.folder / "aws-journal.ndjson").read_bytes() == kept


def test_a_listener_that_fails_does_not_fail_the_change(aws, ec2, acl, monkeypatch):
    def broken(*_: str) -> None:
        raise OSError("no nftables here")

    monkeypatch.setattr(aws.state, "_on_change", broken)
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)

    [found] = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert 50 in [entry["RuleNumber"] for entry in found["Entries"]]


def test_a_change_that_cannot_be_put_in_force_fails_and_is_taken_back(aws, ec2, acl, monkeypatch):
    told = []

    def refuse(account: str, region: str) -> None:
        told.append(everything(ec2))
        if len(told) == 1:
            raise LabError("The range refused entry egress 50: no room.")

    before = everything(ec2)
    with monkeypatch.context() as patched:
        patched.setattr(aws.state, "_on_change", refuse)
        with pytest.raises(ClientError, match=r"egress 50: no room. The change was taken back"):
            ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    assert everything(ec2) == before == told[1] != told[0]
    aws.state.restore()
    assert everything(ec2) == before
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)


def test_concurrent_reads_and_changes_never_fail_and_never_show_half_a_change(aws, ec2, acl):
    stop = threading.Event()

    def read() -> list[int]:
        seen = []
        while not stop.is_set():
            [found] = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
            seen.append(len(found["Entries"]))
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for _ in range(15):  # moto replaces an entry by deleting it and making it anew
            ec2.replace_network_acl_entry(NetworkAclId=acl, RuleNumber=100, **DENY_ALL)
        stop.set()
        assert {count for reader in readers for count in reader.result()} == {4}


def test_a_request_that_comes_before_moto_is_loaded_waits_for_it(aws, ec2, tmp_path):
    early = AwsApp(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(Client(early).post, "/", data={"Action": "DescribeVpcs"})
        assert not reply.done()
        early._requests = aws.app._requests
        early._loaded.set()
        assert reply.result(timeout=PATIENCE_SECONDS).status_code == 403


def test_a_request_is_answered_when_moto_could_not_be_loaded(tmp_path):
    failed = AwsApp(tmp_path)
    failed._loaded.set()
    assert Client(failed).post("/", data={"Action": "DescribeVpcs"}).status_code == 503


def test_each_difference_is_listed_once_and_only_listed_ones_exist():
    calls = [each.call for each in differences.DIFFERENCES]
    assert len(set(calls)) == len(calls)
    assert differences.remaining()
    assert len(differences.remaining()) + len(differences.closed()) == len(calls)
