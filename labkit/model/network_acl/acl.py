"""A network ACL as DescribeNetworkAcls returns it, and its quota."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.model.network_acl.entry import ENTRY_QUOTA, Entry, in_order


@dataclass(frozen=True)
class NetworkAcl:
    """A network ACL; `raw` is the reply it was parsed from.

    subnet_ids: the subnets whose traffic it filters.
    """

    id: str
    vpc_id: str
    is_default: bool
    entries: tuple[Entry, ...]
    subnet_ids: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_aws(cls, response: Mapping[str, Any]) -> NetworkAcl:
        """One element of `NetworkAcls`.

        >>> NetworkAcl.from_aws({"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": True, "Entries": []}).id
        'acl-1'
        """
        return cls(
            id=response["NetworkAclId"],
            vpc_id=response["VpcId"],
            is_default=response["IsDefault"],
            entries=tuple(Entry.from_aws(entry) for entry in response.get("Entries", ())),
            subnet_ids=tuple(association["SubnetId"] for association in response.get("Associations", ())),
            tags={tag["Key"]: tag["Value"] for tag in response.get("Tags", ())},
            raw=response,
        )

    def to_aws(self) -> dict[str, Any]:
        """The inverse of `from_aws`.

        >>> acl = NetworkAcl("acl-1", "vpc-1", True, (), ("subnet-1",), {"Name": "mine"})
        >>> NetworkAcl.from_aws(acl.to_aws()) == acl
        True
        """
        return {
            "NetworkAclId": self.id,
            "VpcId": self.vpc_id,
            "IsDefault": self.is_default,
            "Entries": [entry.to_aws() for entry in self.entries],
            "Associations": [{"NetworkAclId": self.id, "SubnetId": subnet_id} for subnet_id in self.subnet_ids],
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }

    @property
    def ingress(self) -> tuple[Entry, ...]:
        """The entries for traffic into the subnets, in the order AWS tries them."""
        return in_order(self.entries, egress=False)

    @property
    def egress(self) -> tuple[Entry, ...]:
        """The entries for traffic out of the subnets, in the order AWS tries them."""
        return in_order(self.entries, egress=True)

    def used(self, egress: bool, *, ipv6: bool = False) -> int:
        """The number of entries of one direction and address family; at most `ENTRY_QUOTA`."""
        return entries_used(self.entries, egress, ipv6=ipv6)

    def __str__(self) -> str:
        kind = "default network ACL" if self.is_default else "network ACL"
        return f"{self.id}: {kind} of {self.vpc_id}, {self.used(True)} of {ENTRY_QUOTA} egress entries used"


def entries_used(entries: Iterable[Entry], egress: bool, *, ipv6: bool = False) -> int:
    """The number of entries of one direction and address family, which the quota limits; it includes the `*` entry.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (Network ACLs).

    >>> entries_used([Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(101, True, "allow", "-1", "::/0"),
    ...               Entry(32767, True, "deny", "-1", "0.0.0.0/0")], egress=True)
    2
    """
    return sum(1 for entry in entries if entry.egress == egress and entry.ipv6 == ipv6)
