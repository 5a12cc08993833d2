"""What an account holds, read from moto's objects: VPCs, network ACLs and subnets in the shape of boto3's replies.

Reading a class this way takes milliseconds; through the API it would take seconds. The fields are those that the lab
reads.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends

from labkit.model.host.location import HostLocation
from labkit.model.network_acl import NetworkAcl
from labkit.model.vpc import HOST_TAG
from labkit.sandbox.aws.strict.network_acl import entry_of, is_true

Json = dict[str, Any]


def regions_of(account: str) -> dict[str, Json]:
    """What an account has, by region: only regions that somebody has looked at. Call it while nothing changes."""
    if account not in ec2_backends:
        return {}
    return {region: _region(backend) for region, backend in dict.items(ec2_backends[account])}


def location_of(account: str) -> HostLocation | None:
    """Where an account's host is: the subnet with the host's tag, the newest of several.

    Call it while nothing changes.
    """
    found = None
    for region, backend in dict.items(ec2_backends[account]) if account in ec2_backends else ():
        for subnet in _subnets(backend):
            if HOST_TAG in backend.tags.get(subnet.id, {}):
                found = HostLocation(region, subnet.id, _in_force(backend, subnet.id))
    return found


def _in_force(backend: EC2Backend, subnet_id: str) -> NetworkAcl:
    for acl in backend.network_acls.values():
        if any(each.subnet_id == subnet_id for each in acl.associations):
            return _network_acl(backend, acl)
    raise LookupError(f"{subnet_id} has no network ACL")


def _subnets(backend: EC2Backend) -> list[Any]:
    return [subnet for zone in backend.subnets.values() for subnet in zone.values()]


def _region(backend: EC2Backend) -> Json:
    return {
        "Vpcs": [_vpc(backend, vpc) for vpc in backend.vpcs.values()],
        "NetworkAcls": [_network_acl(backend, acl).to_aws() for acl in backend.network_acls.values()],
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


def _network_acl(backend: EC2Backend, acl: Any) -> NetworkAcl:
    return NetworkAcl(
        id=acl.id,
        vpc_id=acl.vpc_id,
        is_default=is_true(acl.default),
        entries=tuple(map(entry_of, acl.entries)),
        subnet_ids=tuple(each.subnet_id for each in acl.associations),
        tags=backend.tags.get(acl.id, {}),
    )


def _tags(backend: EC2Backend, resource_id: str) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in backend.tags.get(resource_id, {}).items()]
