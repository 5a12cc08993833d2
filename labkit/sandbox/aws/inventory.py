"""What a class has made, straight from moto's objects, in the shape of boto3's replies: VPCs, network ACLs, subnets.

All accounts at once, since a board that asked for each with the calls of the API would take seconds for what takes
milliseconds here. The fields are those that the lab reads.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends

from labkit.model.vpc import HOST_TAG

Json = dict[str, Any]


def regions_of(account: str) -> dict[str, Json]:
    """What an account has, by region: only regions that somebody has looked at. Call it while nothing changes."""
    if account not in ec2_backends:
        return {}
    return {region: _region(backend) for region, backend in dict.items(ec2_backends[account])}


def place_of(account: str) -> Json | None:
    """Where an account's host lives: `region`, `subnet_id`, and the `network_acl` in force there; None for nowhere.

    It is the subnet with the host's tag, the last one that was made where there are several. Call it while nothing
    changes.
    """
    found = None
    for region, backend in dict.items(ec2_backends[account]) if account in ec2_backends else ():
        for subnet in _subnets(backend):
            if HOST_TAG in backend.tags.get(subnet.id, {}):
                found = {"region": region, "subnet_id": subnet.id, "network_acl": _in_force(backend, subnet.id)}
    return found


def _in_force(backend: EC2Backend, subnet_id: str) -> Json:
    for acl in backend.network_acls.values():
        if any(each.subnet_id == subnet_id for each in acl.associations):
            return _network_acl(backend, acl)
    raise LookupError(f"{subnet_id} has no network ACL")


def _subnets(backend: EC2Backend) -> list[Any]:
    return [subnet for zone in backend.subnets.values() for subnet in zone.values()]


def _region(backend: EC2Backend) -> Json:
    return {
        "Vpcs": [_vpc(backend, vpc) for vpc in backend.vpcs.values()],
        "NetworkAcls": [_network_acl(backend, acl) for acl in backend.network_acls.values()],
        "Subnets": [_subnet(backend, subnet) for subnet in _subnets(backend)],
    }


def _vpc(backend: EC2Backend, vpc: Any) -> Json:
    return {
        "VpcId": vpc.id,
        "CidrBlock": vpc.cidr_block,
        "IsDefault": vpc.is_default,
        "State": vpc.state,
        "OwnerId": backend.account_id,
        "Tags": _tags(backend, vpc.id),
    }


def _subnet(backend: EC2Backend, subnet: Any) -> Json:
    return {
        "SubnetId": subnet.id,
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr_block,
        "AvailabilityZone": subnet.availability_zone,
        "OwnerId": backend.account_id,
        "Tags": _tags(backend, subnet.id),
    }


def _network_acl(backend: EC2Backend, acl: Any) -> Json:
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc_id,
        "IsDefault": _truth(acl.default),
        "OwnerId": backend.account_id,
        "Entries": [_entry(entry) for entry in acl.entries],
        "Associations": [_association(each) for each in acl.associations],
        "Tags": _tags(backend, acl.id),
    }


def _association(association: Any) -> Json:
    return {
        "NetworkAclAssociationId": association.id,
        "NetworkAclId": association.network_acl_id,
        "SubnetId": association.subnet_id,
    }


def _entry(entry: Any) -> Json:
    shown: Json = {
        "RuleNumber": int(entry.rule_number),
        "Egress": _truth(entry.egress),
        "RuleAction": entry.rule_action,
        "Protocol": str(entry.protocol),
    }
    if entry.ipv6_cidr_block:
        shown["Ipv6CidrBlock"] = entry.ipv6_cidr_block
    else:
        shown["CidrBlock"] = entry.cidr_block
    if entry.port_range_from is not None and entry.port_range_to is not None:
        shown["PortRange"] = {"From": int(entry.port_range_from), "To": int(entry.port_range_to)}
    if entry.icmp_type is not None and entry.icmp_code is not None:
        shown["IcmpTypeCode"] = {"Type": int(entry.icmp_type), "Code": int(entry.icmp_code)}
    return shown


def _tags(backend: EC2Backend, resource_id: str) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in backend.tags.get(resource_id, {}).items()]


def _truth(value: Any) -> bool:
    """moto keeps what a request said, as text or as a boolean."""
    return str(value).lower() == "true"
