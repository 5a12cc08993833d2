"""A student of a class as a benchmark needs one: 42 signed calls to EC2 and STS, each answer looked at, at little cost.

Signing and reading by hand, since boto3 takes more time for a call than the server that is measured.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

REGION = "us-east-1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
VERSIONS = {"ec2": "2016-11-15", "sts": "2011-06-15"}
ENTRIES = 9
CALLS = 42


class WrongAnswer(AssertionError):
    """A reply that is not the one this student has to get."""


class Seat(NamedTuple):
    """A student's number, where AWS answers (host and port), and the keys. account: named in a header where a server
    tells accounts apart by that. certificate: the one to trust; "" for plain HTTP."""

    number: int
    host: str
    port: int
    keys: tuple[str, str]
    account: str = ""
    certificate: str = ""


def _connection(seat: Seat) -> http.client.HTTPConnection:
    if not seat.certificate:
        return http.client.HTTPConnection(seat.host, seat.port, timeout=120)
    context = ssl.create_default_context(cafile=seat.certificate)
    return http.client.HTTPSConnection(seat.host, seat.port, timeout=120, context=context)


class Aws:
    """One kept connection, as long as the server keeps it."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._connection = _connection(seat)
        self._signing: dict[tuple[str, str], bytes] = {}

    def call(self, action: str, refused: str = "", **parameters: str | int) -> str:
        """The XML of a reply. refused: the error code that it has to be. Raises WrongAnswer."""
        service = "sts" if action == "GetCallerIdentity" else "ec2"
        named = {name.replace("_", "."): value for name, value in parameters.items()}
        body = urlencode({"Action": action, "Version": VERSIONS[service], **named})
        self._connection.request("POST", "/", body, self._headers(service, body))
        reply = self._connection.getresponse()
        text = reply.read().decode()
        if f"<Code>{refused}</Code>" not in text if refused else reply.status != 200:
            raise WrongAnswer(f"{action}: {reply.status} {text[:400]}")
        return text

    def close(self) -> None:
        self._connection.close()

    def _headers(self, service: str, body: str) -> dict[str, str]:
        """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        seat, moment = self._seat, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        host, scope = f"{seat.host}:{seat.port}", f"{moment[:8]}/{REGION}/{service}/aws4_request"
        names = "content-type;host;x-amz-date"
        canonical = f"POST\n/\n\ncontent-type:{FORM}\nhost:{host}\nx-amz-date:{moment}\n\n{names}\n{_digest(body)}"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{_digest(canonical)}"
        signature = hmac.new(self._key(moment[:8], service), to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"AWS4-HMAC-SHA256 Credential={seat.keys[0]}/{scope}"
        headers = {"Host": host, "Content-Type": FORM, "X-Amz-Date": moment}
        headers["Authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
        return headers | ({"X-Moto-Account-Id": seat.account} if seat.account else {})

    def _key(self, day: str, service: str) -> bytes:
        if (day, service) not in self._signing:
            key = f"AWS4{self._seat.keys[1]}".encode()
            for part in (day, REGION, service, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._signing[day, service] = key
        return self._signing[day, service]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def work(seat: Seat) -> tuple[str, list[float]]:
    """Part 2 of the lab and entries as the responder writes them: the student's VPC and each call's seconds.

    Raises WrongAnswer when anything is not as this student alone has made it.
    """
    aws, seconds = Aws(seat), []
    try:
        steps = _part_2(aws, seat.number)
        vpc_id = ""
        while True:
            start = time.perf_counter()
            try:
                vpc_id = next(steps) or vpc_id
            except StopIteration:
                break
            seconds.append(time.perf_counter() - start)
    finally:
        aws.close()
    if len(seconds) != CALLS:
        raise WrongAnswer(f"{len(seconds)} calls, not {CALLS}")
    return vpc_id, seconds


def _part_2(aws: Aws, number: int) -> Iterator[str]:
    """One call a step."""
    aws.call("GetCallerIdentity")
    yield ""
    at_first = _ids("vpc", aws.call("DescribeVpcs"))
    yield ""
    mine = {"Filter_1_Name": "tag:labkit:student", "Filter_1_Value_1": str(number)}
    _same(_ids("vpc", aws.call("DescribeVpcs", **mine)), set(), "VPCs of mine before there is one")
    yield ""
    tags: Mapping[str, str] = {
        "TagSpecification_1_ResourceType": "vpc",
        "TagSpecification_1_Tag_1_Key": "labkit:student", "TagSpecification_1_Tag_1_Value": str(number),
        "TagSpecification_1_Tag_2_Key": "Name", "TagSpecification_1_Tag_2_Value": f"Self Protect Student{number}",
    }  # fmt: skip
    (vpc_id,) = _ids("vpc", aws.call("CreateVpc", CidrBlock="10.0.0.0/16", **tags))
    yield vpc_id
    _same(_ids("vpc", aws.call("DescribeVpcs", VpcId_1=vpc_id)), {vpc_id}, "the VPC that was made")
    yield ""
    _same(_ids("vpc", aws.call("DescribeVpcs", **mine)), {vpc_id}, "VPCs of mine")
    yield ""
    _same(_ids("vpc", aws.call("DescribeVpcs")), at_first | {vpc_id}, "all VPCs")
    yield ""
    of_vpc = {"Filter_1_Name": "vpc-id", "Filter_1_Value_1": vpc_id}
    (acl_id,) = _ids("acl", aws.call("DescribeNetworkAcls", **of_vpc))
    yield ""
    aws.call("DescribeNetworkAcls")
    yield ""
    yield from _entries(aws, vpc_id, acl_id)
    for _ in range(3):  # what checks and the board's cells ask again and again
        _same(_ids("vpc", aws.call("DescribeVpcs", **mine)), {vpc_id}, "VPCs of mine")
        yield ""
        _same(_ids("acl", aws.call("DescribeNetworkAcls", **of_vpc)), {acl_id}, "network ACLs of my VPC")
        yield ""


def _entries(aws: Aws, vpc_id: str, acl_id: str) -> Iterator[str]:
    of_vpc = {"Filter_1_Name": "vpc-id", "Filter_1_Value_1": vpc_id}
    entry: Mapping[str, str] = {"NetworkAclId": acl_id, "Egress": "true"}
    wanted: set[str] = set()
    for number in range(1, ENTRIES + 1):
        block = f"203.0.113.{number}/32"
        aws.call("CreateNetworkAclEntry", RuleNumber=number, Protocol="-1", RuleAction="deny", CidrBlock=block, **entry)
        wanted.add(block)
        yield ""
        _same(_denied(aws.call("DescribeNetworkAcls", NetworkAclId_1=acl_id)), wanted, "denied blocks")
        yield ""
        if number % 3 == 0:
            aws.call("DeleteNetworkAclEntry", RuleNumber=number, **entry)
            wanted.remove(block)
            yield ""
            _same(_denied(aws.call("DescribeNetworkAcls", **of_vpc)), wanted, "denied blocks")
            yield ""
    for _ in range(3):
        _same(_denied(aws.call("DescribeNetworkAcls", NetworkAclId_1=acl_id)), wanted, "denied blocks")
        yield ""


def finds_nothing(seat: Seat, vpc_id: str) -> None:
    """Raise WrongAnswer when a student finds another's VPC."""
    aws = Aws(seat)
    try:
        aws.call("DescribeVpcs", refused="InvalidVpcID.NotFound", VpcId_1=vpc_id)
    finally:
        aws.close()


def _ids(kind: str, text: str) -> set[str]:
    name = {"vpc": "vpcId", "acl": "networkAclId"}[kind]
    return set(re.findall(f"<{name}>({kind}-[0-9a-f]+)</{name}>", text))


def _denied(text: str) -> set[str]:
    return set(re.findall(r"<cidrBlock>(203\.0\.113\.[0-9]+/32)</cidrBlock>", text))


def _same(found: set[str], wanted: set[str], what: str) -> None:
    if found != wanted:
        raise WrongAnswer(f"{what}: {sorted(found)}, not {sorted(wanted)}")
