"""Validates entries and VPCs as AWS does: the same refusals with the same error codes, and the same canonical forms.

The sandbox and the client both use it. Codes observed in replies of the real service: `InvalidParameterValue` for a
malformed CIDR block and for a protocol that is not a number, `MissingParameter` for a missing ICMP type,
`InvalidVpc.Range` for a VPC of the wrong size. The other codes follow the same pattern.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html and API_CreateVpc.html.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from labkit.model.errors import InvalidInput
from labkit.model.network_acl.entry import (
    ALL_PROTOCOLS,
    FIRST_RULE_NUMBER,
    ICMP,
    ICMPV6,
    LAST_RULE_NUMBER,
    PROTOCOL_NAMES,
    TCP,
    UDP,
    Entry,
)
from labkit.model.pasted import clean

_CIDR_FORM = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")  # ipaddress alone also takes netmasks, zones and bare addresses
_NUMBERS = {"all": ALL_PROTOCOLS, **{name: number for number, name in PROTOCOL_NAMES.items()}}


def validate_entry(request: Mapping[str, Any]) -> Entry:
    """The entry that AWS would store for these parameters of CreateNetworkAclEntry or ReplaceNetworkAclEntry.

    request: boto3's parameter names (RuleNumber, Protocol, RuleAction, Egress, CidrBlock or Ipv6CidrBlock, PortRange,
    IcmpTypeCode); None means not given; other parameters are ignored. Ports and ICMP types are dropped for a protocol
    where AWS ignores them. Raises InvalidInput with AWS's error code.

    >>> print(validate_entry({"RuleNumber": 50, "Protocol": "-1", "RuleAction": "deny", "Egress": True,
    ...                       "CidrBlock": "203.0.113.5/24"}))
    egress 50: deny all to 203.0.113.0/24
    """
    given = {name: value for name, value in request.items() if value is not None}
    for name in ("RuleNumber", "Protocol", "RuleAction", "Egress"):
        if name not in given:
            raise _missing(name)
    protocol = validate_protocol(given["Protocol"])
    cidr_block = _cidr_block_of(given)
    return Entry(
        rule_number=validate_rule_number(given["RuleNumber"]),
        egress=given["Egress"] in (True, "true", "True"),
        rule_action=_validate_rule_action(given["RuleAction"]),
        protocol=protocol,
        cidr_block=cidr_block,
        port_range=_validate_port_range(given.get("PortRange")) if protocol in (TCP, UDP) else None,
        icmp=_validate_icmp(given.get("IcmpTypeCode")) if _uses_icmp_type(protocol, cidr_block) else None,
    )


def new_entry(
    *,
    rule_number: int | str,
    rule_action: str,
    cidr_block: str,
    egress: bool = True,
    protocol: str | int = "all",
    ports: int | str | tuple[int, int] | None = None,
    icmp: tuple[int, int] | None = None,
) -> Entry:
    """An entry from a person's input: a protocol name or number, one port or (from, to), an IPv4 or IPv6 CIDR block.

    Numbers may be text, with quotes and spaces from copying. Like the AWS CLI it turns `tcp` into 6, since the EC2 API
    does not accept names. Raises InvalidInput.

    >>> print(new_entry(rule_number=50, rule_action="deny", cidr_block="203.0.113.0/24", protocol="tcp", ports=443))
    egress 50: deny tcp (6) 443 to 203.0.113.0/24
    """
    first, last = ports if isinstance(ports, tuple | list) else (ports, ports)
    cidr_block = clean(cidr_block).value
    return validate_entry({
        "RuleNumber": _cleaned(rule_number),
        "Protocol": protocol_number(protocol),
        "RuleAction": rule_action,
        "Egress": egress,
        "Ipv6CidrBlock" if ":" in cidr_block else "CidrBlock": cidr_block,
        "PortRange": None if ports is None else {"From": _cleaned(first), "To": _cleaned(last)},
        "IcmpTypeCode": {"Type": icmp[0], "Code": icmp[1]} if icmp else None,
    })  # fmt: skip


def _cleaned(value: object) -> object:
    return clean(value).value if isinstance(value, str) else value


def protocol_number(protocol: str | int) -> str:
    """The protocol's number as text, from its name or its number. Raises InvalidInput.

    >>> protocol_number("tcp"), protocol_number(17), protocol_number("all")
    ('6', '17', '-1')
    """
    text = str(protocol).strip().lower()
    return validate_protocol(_NUMBERS.get(text, text))


def validate_protocol(protocol: object) -> str:
    """The protocol as AWS stores it: "-1" or 0 to 255, as text. Raises InvalidInput for a name, as the API does."""
    number = whole_number(protocol)
    if number is None or not -1 <= number <= 255:
        raise InvalidInput(
            f"Invalid value '{protocol}' for IP protocol.",
            "The EC2 API takes a protocol number from 0 to 255, or -1 for all; the AWS CLI turns names into numbers.",
            "Use 6 for tcp, 17 for udp, 1 for icmp, -1 for all.",
            field="protocol",
            code="InvalidParameterValue",
            service_words=f"Invalid value '{protocol}' for IP protocol. Unknown protocol.",
        )
    return str(number)


def validate_rule_number(rule_number: object) -> int:
    """The rule number of an entry that can be created, changed or deleted: 1 to 32766. Raises InvalidInput."""
    number = whole_number(rule_number)
    if number is None or not FIRST_RULE_NUMBER <= number <= LAST_RULE_NUMBER:
        raise InvalidInput(
            f"Rule number {rule_number} was refused.",
            f"AWS accepts {FIRST_RULE_NUMBER} to {LAST_RULE_NUMBER} and reserves 32767 to 65535 (the * entry).",
            "Choose a free number in that range.",
            field="rule_number",
            code="InvalidParameterValue",
            service_words=f"Value ({rule_number}) for parameter ruleNumber is invalid. "
            f"Rulenumber must be in range {FIRST_RULE_NUMBER}..{LAST_RULE_NUMBER}",
        )
    return number


def validate_cidr_block(cidr_block: object, *, ipv6: bool = False) -> str:
    """The CIDR block in canonical form, as AWS stores it. Raises InvalidInput with `InvalidParameterValue`.

    >>> validate_cidr_block("203.0.113.5/24"), validate_cidr_block("2001:DB8:0:0::1/32", ipv6=True)
    ('203.0.113.0/24', '2001:db8::/32')
    """
    text, family = str(cidr_block), ipaddress.IPv6Network if ipv6 else ipaddress.IPv4Network
    try:
        if not _CIDR_FORM.fullmatch(text):
            raise ValueError(text)
        return str(family(text, strict=False))
    except ValueError:
        example = "2001:db8::/32" if ipv6 else "203.0.113.0/24"
        raise InvalidInput(
            f"CIDR block {cidr_block} is malformed.",
            f"A CIDR block is an IPv{6 if ipv6 else 4} address, a slash and a prefix length, without spaces.",
            f"Write it as {example}; one address is written with /{128 if ipv6 else 32}.",
            field="cidr_block",
            code="InvalidParameterValue",
        ) from None


def validate_vpc_cidr_block(cidr_block: object) -> str:
    """A VPC's IPv4 CIDR block in canonical form. Raises InvalidInput: malformed, or not /16 to /28.

    >>> validate_vpc_cidr_block("10.7.0.1/16")
    '10.7.0.0/16'
    """
    canonical = validate_cidr_block(cidr_block)
    if not 16 <= int(canonical.rpartition("/")[2]) <= 28:
        raise InvalidInput(
            f"The CIDR '{cidr_block}' is invalid.",
            "A VPC's CIDR block is between /16 (65,536 addresses) and /28 (16 addresses).",
            "The lab uses 10.0.0.0/16.",
            field="cidr_block",
            code="InvalidVpc.Range",
        )
    return canonical


def _cidr_block_of(given: Mapping[str, Any]) -> str:
    if "CidrBlock" in given and "Ipv6CidrBlock" in given:
        raise InvalidInput(
            "The entry has both CidrBlock and Ipv6CidrBlock.",
            "An entry is either for IPv4 or for IPv6.",
            "Create two entries with two rule numbers.",
            field="cidr_block",
            code="InvalidParameterCombination",
        )
    if "Ipv6CidrBlock" in given:
        return validate_cidr_block(given["Ipv6CidrBlock"], ipv6=True)
    if "CidrBlock" in given:
        return validate_cidr_block(given["CidrBlock"])
    raise _missing("CidrBlock")


def _uses_icmp_type(protocol: str, cidr_block: str) -> bool:
    return protocol == ICMP or (protocol == ICMPV6 and ":" in cidr_block)


def _validate_rule_action(rule_action: object) -> str:
    if rule_action in ("allow", "deny"):
        return str(rule_action)
    raise InvalidInput(
        f"Rule action '{rule_action}' was refused.",
        "AWS accepts allow or deny, in lower case.",
        "Use deny to block the traffic.",
        field="rule_action",
        code="InvalidParameterValue",
    )


def _validate_port_range(port_range: Mapping[str, Any] | None) -> tuple[int, int]:
    first, last = _pair(port_range, "PortRange", "From", "To")
    if not 0 <= first <= last <= 65535:
        raise InvalidInput(
            f"Port range {first} to {last} was refused.",
            "Ports are 0 to 65535, the lower one first.",
            "Use From=0,To=65535 for all ports, or one number twice for one port.",
            field="ports",
            code="InvalidParameterValue",
        )
    return first, last


def _validate_icmp(icmp: Mapping[str, Any] | None) -> tuple[int, int]:
    kind, code = _pair(icmp, "IcmpTypeCode", "Type", "Code")
    if not (-1 <= kind <= 255 and -1 <= code <= 255):
        raise InvalidInput(
            f"ICMP type {kind} with code {code} was refused.",
            "Both are 0 to 255, or -1 for all.",
            "Use Type=-1,Code=-1 for all ICMP traffic.",
            field="icmp",
            code="InvalidParameterValue",
        )
    return kind, code


def _pair(value: Mapping[str, Any] | None, name: str, first: str, second: str) -> tuple[int, int]:
    """Both whole numbers of a structure. The InvalidInput names the one that is missing or not a number."""
    numbers = []
    for part in (first, second):
        if value is None or value.get(part) is None:
            raise _missing(f"{name}.{part}")
        number = whole_number(value[part])
        if number is None:
            raise InvalidInput(
                f"Invalid value '{value[part]}' for {name}.{part}.",
                "It must be a whole number.",
                "Write it in digits.",
                field="ports" if name == "PortRange" else "icmp",
                code="InvalidParameterValue",
            )
        numbers.append(number)
    return numbers[0], numbers[1]


def whole_number(value: object) -> int | None:
    """The value as an int if it is one, or text with one in ASCII digits; else, also for a bool, None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value) else None


_FIELDS = {"RuleNumber": "rule_number", "Protocol": "protocol", "RuleAction": "rule_action", "Egress": "egress",
           "CidrBlock": "cidr_block"}  # fmt: skip


def _missing(name: str) -> InvalidInput:
    needed = {
        "PortRange": "Protocols 6 (tcp) and 17 (udp) need a port range; From=0,To=65535 is all ports.",
        "IcmpTypeCode": "Protocol 1 (icmp), and 58 (icmpv6) over IPv6, need a type and a code; -1 is all.",
        "CidrBlock": "An entry needs CidrBlock (IPv4) or Ipv6CidrBlock (IPv6).",
    }
    group = name.partition(".")[0]
    wire_name = ".".join(part[0].lower() + part[1:] for part in name.split("."))
    return InvalidInput(
        f"The parameter {name} is missing.",
        needed.get(group, "An entry needs it."),
        f"Add {group}.",
        field=_FIELDS.get(group, "ports" if group == "PortRange" else "icmp"),
        code="MissingParameter",
        service_words=f"The request must contain the parameter {wire_name}",
    )
