"""VPCs and subnets, created and deleted as AWS does."""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Network
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend

from labkit.model.network_acl import VPC_QUOTA, validate_cidr_block, validate_vpc_cidr_block
from labkit.sandbox.aws.errors import AwsError
from labkit.sandbox.aws.strict.tags import check_tag_specifications

OF_VPC_QUOTA, INTERNET_GATEWAY_QUOTA, SECURITY_GROUP_QUOTA = 200, 5, 200
"""Subnets, and network ACLs, of a VPC; internet gateways and security groups of a region. Sandbox: AWS allows 2,500
security groups.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""


class StrictVpcs:
    """Checks of the VPC actions, and what AWS deletes with a VPC."""

    params: dict[str, Any]
    current_account: str
    region: str
    ec2_backend: EC2Backend

    def as_aws_shows_vpcs(self, action: str, body: str) -> str:
        """A reply with the id of the region's DHCP options, and with the state that a VPC has at first."""
        body = body.replace("<dhcpOptionsId>default<", f"<dhcpOptionsId>{self._dhcp_options_id}<")
        if action == "CreateVpc":
            body = body.replace("<state>available<", "<state>pending<")
        return body

    @property
    def _dhcp_options_id(self) -> str:
        """The id of the options that all VPCs of a region have; from its name, so that it never changes."""
        return "dopt-" + hashlib.sha256(f"{self.current_account} {self.region}".encode()).hexdigest()[:17]

    def describe_dhcp_options(self) -> Any:
        """With the region's own options, of which moto knows only the name `default`."""
        wanted, own = self.params.get("DhcpOptionsIds", []), self._dhcp_options_id
        others = [each for each in wanted if each != own]
        found: list[Any] = self.ec2_backend.describe_dhcp_options(others) if others or not wanted else []
        if own in wanted or not wanted:
            domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
            values = {"domain-name": domain, "domain-name-servers": "AmazonProvidedDNS"}
            configurations = [{"Key": key, "Values": [{"Value": value}]} for key, value in values.items()]
            options = {"DhcpOptionsId": own, "OwnerId": self.current_account, "DhcpConfigurations": configurations}
            found = [*found, options | {"Tags": []}]
        return ActionResult({"DhcpOptions": found})

    def check_create_vpc(self) -> None:
        if "CidrBlock" not in self.params:
            raise AwsError("MissingParameter", "The request must contain the parameter CidrBlock.")
        self.params["CidrBlock"] = validate_vpc_cidr_block(self.params["CidrBlock"])
        check_tag_specifications(self.params, "vpc")
        self.check_create_default_vpc()

    def check_create_default_vpc(self) -> None:
        if len(self.ec2_backend.vpcs) >= VPC_QUOTA:
            raise AwsError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")

    def check_create_internet_gateway(self) -> None:
        check_tag_specifications(self.params, "internet-gateway")
        if len(self.ec2_backend.internet_gateways) >= INTERNET_GATEWAY_QUOTA:
            raise AwsError("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")

    def check_create_security_group(self) -> None:
        check_tag_specifications(self.params, "security-group")
        if sum(map(len, self.ec2_backend.groups.values())) >= SECURITY_GROUP_QUOTA:
            raise AwsError("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")

    def check_delete_security_group(self) -> None:
        if "GroupId" not in self.params:
            raise AwsError("MissingParameter", "The request must contain the parameter GroupId.")

    def check_describe_vpcs(self) -> None:
        for vpc_id in self.params.get("VpcIds", []):
            if vpc_id not in self.ec2_backend.vpcs:
                raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")

    def check_delete_vpc(self) -> None:
        backend, vpc_id = self.ec2_backend, self.params["VpcId"]
        backend.get_vpc(vpc_id)
        kept = [acl.id for acl in backend.network_acls.values() if acl.vpc_id == vpc_id and not acl.default]
        kept += [group.id for group in backend.groups[vpc_id].values() if group.name != "default"]
        gateways = backend.internet_gateways.values()
        kept += [gateway.id for gateway in gateways if gateway.vpc is not None and gateway.vpc.id == vpc_id]
        if kept:
            raise AwsError("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")

    def delete_vpc(self) -> Any:
        """moto deletes the default security group and the main route table; AWS also the default network ACL."""
        backend, vpc_id = self.ec2_backend, self.params["VpcId"]
        result = super().delete_vpc()  # type: ignore[misc]
        for acl_id in [acl.id for acl in backend.network_acls.values() if acl.vpc_id == vpc_id]:
            del backend.network_acls[acl_id]
            backend.tags.pop(acl_id, None)
        backend.tags.pop(vpc_id, None)
        return result


class StrictSubnets:
    """Checks of the subnet actions, and the removal of a deleted subnet's association."""

    params: dict[str, Any]
    region: str
    ec2_backend: EC2Backend

    def check_create_subnet(self) -> None:
        self.ec2_backend.get_vpc(self.params["VpcId"])
        if "CidrBlock" in self.params:
            cidr_block = validate_cidr_block(self.params["CidrBlock"])
            if not 16 <= int(cidr_block.rpartition("/")[2]) <= 28:
                raise AwsError("InvalidSubnet.Range", f"The CIDR '{cidr_block}' is invalid: /16 to /28 is accepted.")
            self.params["CidrBlock"] = cidr_block
        if (given := self.params.get("Ipv6CidrBlock")) is not None:
            try:
                IPv6Network(given)
            except ValueError:
                words = f"Value ({given}) for parameter ipv6CidrBlock is invalid. This is not a valid IPv6 CIDR block."
                raise AwsError("InvalidParameterValue", words) from None
        vpc_id = self.params["VpcId"]
        of_vpc = [one for zone in self.ec2_backend.subnets.values() for one in zone.values() if one.vpc_id == vpc_id]
        if len(of_vpc) >= OF_VPC_QUOTA:
            raise AwsError("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
        zone = self.params.get("AvailabilityZone")
        zones = [each.name for each in self.ec2_backend.describe_availability_zones()]
        if zone is not None and zone not in zones:
            raise AwsError("InvalidParameterValue", f"Availability zone '{zone}' is not one of {', '.join(zones)}.")
        check_tag_specifications(self.params, "subnet")

    def check_delete_subnet(self) -> None:
        subnet_id = self.params["SubnetId"]
        self.ec2_backend.get_subnet(subnet_id)
        if any(card.subnet.id == subnet_id for card in self.ec2_backend.enis.values()):
            raise AwsError("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")

    def delete_subnet(self) -> Any:
        """Remove the association too; moto keeps it, so the network ACL could never be deleted."""
        subnet_id = self.params["SubnetId"]
        result = super().delete_subnet()  # type: ignore[misc]
        for acl in self.ec2_backend.network_acls.values():
            for association in [each for each in acl.associations if each.subnet_id == subnet_id]:
                del acl._associations[association.id]
        self.ec2_backend.tags.pop(subnet_id, None)
        return result
