"""Two VPCs and what is in them, and what the filters of Describe calls find of it."""

from __future__ import annotations

import re
from typing import Any

from botocore import xform_name

from labkit.model.settings import DEFAULT_REGION
from labkit.sandbox.aws.folding import Change
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.aws.strict.ec2 import StrictEC2Response
from tests.sandbox.aws.fixtures import Aws

DESCRIBED = {
    "DescribeVpcs": ("Vpcs", "VpcId"),
    "DescribeSubnets": ("Subnets", "SubnetId"),
    "DescribeNetworkAcls": ("NetworkAcls", "NetworkAclId"),
    "DescribeRouteTables": ("RouteTables", "RouteTableId"),
    "DescribeInternetGateways": ("InternetGateways", "InternetGatewayId"),
    "DescribeSecurityGroups": ("SecurityGroups", "GroupId"),
    "DescribeDhcpOptions": ("DhcpOptions", "DhcpOptionsId"),
    "DescribeRegions": ("Regions", "RegionName"),
    "DescribeAvailabilityZones": ("AvailabilityZones", "ZoneName"),
    "DescribeTags": ("Tags", "ResourceId"),
}


class World:
    """Two VPCs and what is in them; `ids` by the names that the rows use."""

    def __init__(self, aws: Aws) -> None:
        aws.state.reset()
        self._state, self.ec2, self.ids = aws.state, aws.client("ec2"), {}
        ec2 = self.ec2
        self.ids["A"] = self._vpc("10.7.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        self.ids["B"] = self._vpc("10.8.0.0/16")
        self.tag("A", Name="alpha", team="blue")
        self.tag("B", Name="be*ta?", team="red")
        self.ids["a1"] = self._subnet("A", "10.7.1.0/24", "us-east-1a")
        self.ids["a2"] = self._subnet("A", "10.7.2.0/25", "us-east-1b")
        self.ids["b1"] = self._subnet("B", "10.8.1.0/24", "us-east-1b")
        ec2.modify_subnet_attribute(SubnetId=self.ids["a2"], MapPublicIpOnLaunch={"Value": True})
        self._network_acl()
        self._routes()
        self._security_groups()
        for noun, described in (("vpc", "Vpcs"), ("subnet", "Subnets"), ("acl", "NetworkAcls")):
            listed = getattr(ec2, xform_name(f"Describe{described}"))()[described]
            self.ids |= self._details(noun, listed)

    def tag(self, name: str, **tags: str) -> None:
        self.ec2.create_tags(Resources=[self.ids[name]], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])

    def found(self, action: str, *filters: tuple[str, list[str]], **more: Any) -> set[str]:
        """The names of what a call finds; what has no name of ours is left out."""
        asked = [{"Name": name, "Values": [self.fill(each) for each in values]} for name, values in filters]
        listed, key = DESCRIBED[action]
        reply = getattr(self.ec2, xform_name(action))(Filters=asked, **more)
        names = {value: name for name, value in self.ids.items()}
        return {names.get(item[key], item[key] if "Name" in key else "other") for item in reply[listed]} - {"other"}

    def fill(self, text: str) -> str:
        return re.sub(r"<(\w+)>", lambda name: self.ids[name[1]], text)

    def _vpc(self, cidr_block: str, **more: Any) -> str:
        return self.ec2.create_vpc(CidrBlock=cidr_block, **more)["Vpc"]["VpcId"]

    def _subnet(self, vpc: str, cidr_block: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.ids[vpc], CidrBlock=cidr_block, AvailabilityZone=zone)
        return made["Subnet"]["SubnetId"]

    def _network_acl(self) -> None:
        self.ids["n"] = self.ec2.create_network_acl(VpcId=self.ids["A"])["NetworkAcl"]["NetworkAclId"]
        deny = {"NetworkAclId": self.ids["n"], "RuleAction": "deny"}
        tcp = {"Protocol": "6", "PortRange": {"From": 443, "To": 444}, "CidrBlock": "203.0.113.0/24"}
        icmp = {"Protocol": "58", "IcmpTypeCode": {"Type": 128, "Code": 7}, "Ipv6CidrBlock": "2001:db8::/32"}
        self.ec2.create_network_acl_entry(**deny, RuleNumber=50, Egress=True, **tcp)
        self.ec2.create_network_acl_entry(**deny, RuleNumber=60, Egress=True, **icmp)
        acls = self.ec2.describe_network_acls()["NetworkAcls"]
        of_a1 = next(each for acl in acls for each in acl["Associations"] if each["SubnetId"] == self.ids["a1"])
        self.ec2.replace_network_acl_association(
            AssociationId=of_a1["NetworkAclAssociationId"], NetworkAclId=self.ids["n"]
        )
        [self.ids["nB"]] = [acl["NetworkAclId"] for acl in acls if acl["VpcId"] == self.ids["B"]]
        self.tag("n", Name="custom")

    def _routes(self) -> None:
        ids, ec2 = self.ids, self.ec2
        ids["g"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ids["g0"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=ids["g"], VpcId=ids["A"])
        self.tag("g", Name="door")
        ids["r"] = self._in_moto("CreateRouteTable", VpcId=ids["A"])["RouteTable"].id
        self._in_moto("CreateRoute", RouteTableId=ids["r"], DestinationCidrBlock="0.0.0.0/0", GatewayId=ids["g"])
        ids["rassoc"] = self._in_moto("AssociateRouteTable", RouteTableId=ids["r"], SubnetId=ids["a1"])["AssociationId"]
        self.tag("r", Name="out")
        tables = ec2.describe_route_tables()["RouteTables"]
        ids["rB"] = next(table["RouteTableId"] for table in tables if table["VpcId"] == ids["B"])

    def _security_groups(self) -> None:
        ids, ec2 = self.ids, self.ec2
        for name, vpc in (("s", "A"), ("t", "B")):
            ids[name] = ec2.create_security_group(GroupName=f"web-{name}", Description=f"Of {name}", VpcId=ids[vpc])[
                "GroupId"
            ]
        rule = {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 444,
            "IpRanges": [{"CidrIp": "192.168.0.0/16"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
            "UserIdGroupPairs": [{"GroupId": ids["s"]}],
            "PrefixListIds": [{"PrefixListId": "pl-63a5400a"}],
        }
        for direction in ("Ingress", "Egress"):
            self._in_moto(f"AuthorizeSecurityGroup{direction}", GroupId=ids["s"], IpPermissions=[rule])
        self.tag("s", Name="web")

    def _in_moto(self, action: str, **params: Any) -> Any:
        """The result of a call that the sandbox has no permission for."""
        change = Change(0, ACCOUNT, DEFAULT_REGION, action, params)
        return StrictEC2Response.of_change(self._state, change).act().result

    def _details(self, noun: str, listed: list[dict[str, Any]]) -> dict[str, str]:
        if noun == "vpc":
            vpc = next(each for each in listed if each["VpcId"] == self.ids["A"])
            [own, six] = [vpc["CidrBlockAssociationSet"][0], vpc["Ipv6CidrBlockAssociationSet"][0]]
            return {"cidr4": own["AssociationId"], "cidr6": six["AssociationId"], "six": six["Ipv6CidrBlock"]} | {
                "dopt": vpc["DhcpOptionsId"]
            }
        if noun == "subnet":
            subnet = next(each for each in listed if each["SubnetId"] == self.ids["a1"])
            return {"arn": subnet["SubnetArn"], "zone": subnet["AvailabilityZoneId"]}
        acl = next(each for each in listed if each["NetworkAclId"] == self.ids["n"])
        return {"assoc": acl["Associations"][0]["NetworkAclAssociationId"]}
