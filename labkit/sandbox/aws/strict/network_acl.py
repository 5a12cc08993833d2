"""Network ACLs and their entries, checked as AWS does."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.network_acls import NetworkAcl, NetworkAclEntry

from labkit.model.network_acl import CATCH_ALL, ENTRY_QUOTA, Entry, validate_entry, validate_rule_number
from labkit.sandbox.aws.errors import AwsError
from labkit.sandbox.aws.strict.tags import check_tag_specifications
from labkit.sandbox.aws.strict.vpc import OF_VPC_QUOTA

_OF_AN_ENTRY = ("RuleNumber", "Egress", "RuleAction", "Protocol", "CidrBlock", "Ipv6CidrBlock", "PortRange")

_REQUEST = "labkit_request"
"""The attribute of moto's network ACL with the parameters that made it."""


class StrictNetworkAcls:
    """Checks of the network ACL actions, and what moto lacks."""

    params: dict[str, Any]
    ec2_backend: EC2Backend

    def check_create_network_acl(self) -> None:
        self.ec2_backend.get_vpc(self.params["VpcId"])
        check_tag_specifications(self.params, "network-acl")
        if (
            self._made_before() is None
            and sum(acl.vpc_id == self.params["VpcId"] for acl in self.ec2_backend.network_acls.values())
            >= OF_VPC_QUOTA
        ):
            raise AwsError("NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached.")

    def create_network_acl(self) -> Any:
        """Add the entry that denies the rest, in both directions; moto adds it to default network ACLs only.

        For the token of an earlier request, return the network ACL of that request.
        """
        token = {name: self.params[name] for name in ("ClientToken",) if name in self.params}
        if (made := self._made_before()) is not None:
            return ActionResult({"NetworkAcl": made, **token})
        result = super().create_network_acl()  # type: ignore[misc]
        acl: NetworkAcl = result.result["NetworkAcl"]
        vars(acl)[_REQUEST] = dict(self.params)
        result.result.update(token)
        for egress in (True, False):
            self.ec2_backend.create_network_acl_entry(
                acl.id, CATCH_ALL, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None
            )
        return result

    def _made_before(self) -> NetworkAcl | None:
        """The network ACL that a request with the same token made. Raises AwsError if it asked for another one."""
        if "ClientToken" not in self.params:
            return None
        for acl in self.ec2_backend.network_acls.values():
            request = vars(acl).get(_REQUEST, {})
            if request.get("ClientToken") != self.params["ClientToken"]:
                continue
            if request != self.params:
                raise AwsError(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
                )
            return acl
        return None

    def check_describe_network_acls(self) -> None:
        for acl_id in self.params.get("NetworkAclIds", []):
            self.ec2_backend.get_network_acl(acl_id)

    def check_delete_network_acl(self) -> None:
        acl = self._acl()
        if acl.default:
            raise AwsError("InvalidParameterValue", f"cannot delete default network ACL {acl.id}")

    def delete_network_acl(self) -> Any:
        result = super().delete_network_acl()  # type: ignore[misc]
        self.ec2_backend.tags.pop(self.params["NetworkAclId"], None)
        return result

    def check_create_network_acl_entry(self) -> None:
        acl = self._acl()
        entry = self._make_entry_canonical()
        same = [each for each in map(entry_of, acl.entries) if (each.egress, each.ipv6) == (entry.egress, entry.ipv6)]
        if self._find(acl) is None and len(same) >= ENTRY_QUOTA:
            raise AwsError("NetworkAclEntryLimitExceeded", f"Network ACL {acl.id} has {ENTRY_QUOTA} entries already.")

    def create_network_acl_entry(self) -> Any:
        result = super().create_network_acl_entry()  # type: ignore[misc]
        self._sort()
        return result

    def check_replace_network_acl_entry(self) -> None:
        acl = self._acl()
        self._make_entry_canonical()
        self._must_find(acl)

    def replace_network_acl_entry(self) -> Any:
        result = super().replace_network_acl_entry()  # type: ignore[misc]
        self._sort()
        return result

    def check_delete_network_acl_entry(self) -> None:
        acl = self._acl()
        validate_rule_number(self.params["RuleNumber"])
        self._must_find(acl)

    def check_replace_network_acl_association(self) -> None:
        association_id, acl = self.params["AssociationId"], self._acl()
        owner = next(
            (each for each in self.ec2_backend.network_acls.values() if association_id in each._associations), None
        )
        if owner is None:
            raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")
        if owner.vpc_id != acl.vpc_id:
            raise AwsError("InvalidParameterValue", f"Network ACL {acl.id} belongs to another VPC than the subnet.")
        self.params["SubnetId"] = owner._associations[association_id].subnet_id

    def replace_network_acl_association(self) -> Any:
        """Find the association by its subnet: in a folded journal those in between are gone."""
        for acl in self.ec2_backend.network_acls.values():
            for each in acl.associations:
                if each.subnet_id == self.params.get("SubnetId"):
                    self.params["AssociationId"] = each.id
        return super().replace_network_acl_association()  # type: ignore[misc]

    def _acl(self) -> NetworkAcl:
        return self.ec2_backend.get_network_acl(self.params["NetworkAclId"])

    def _make_entry_canonical(self) -> Any:
        entry = validate_entry(self.params)
        for name in (*_OF_AN_ENTRY, "IcmpTypeCode"):
            self.params.pop(name, None)
        self.params.update(entry.to_aws())
        # moto reads this parameter by its wire name, although its parser has translated it
        self.params["Icmp"] = self.params.pop("IcmpTypeCode", {})
        return entry

    def _find(self, acl: NetworkAcl) -> NetworkAclEntry | None:
        number, egress = self.params["RuleNumber"], self.params["Egress"]
        return next((each for each in acl.entries if each.rule_number == number and each.egress == egress), None)

    def _must_find(self, acl: NetworkAcl) -> None:
        if self._find(acl) is None:
            direction = "egress" if self.params["Egress"] else "ingress"
            number = self.params["RuleNumber"]
            raise AwsError("InvalidNetworkAclEntry.NotFound", f"no {direction} entry with number {number}")

    def _sort(self) -> None:
        """Entries in the order of a new default network ACL: egress first, then by rule number."""
        self._acl().network_acl_entries.sort(key=lambda each: (not each.egress, each.rule_number))


def entry_of(stored: NetworkAclEntry) -> Entry:
    """An entry that moto stores, as a value."""
    return Entry(
        rule_number=int(stored.rule_number),
        egress=is_true(stored.egress),
        rule_action=stored.rule_action,
        protocol=str(stored.protocol),
        cidr_block=stored.ipv6_cidr_block or stored.cidr_block,
        port_range=_pair(stored.port_range_from, stored.port_range_to),
        icmp=_pair(stored.icmp_type, stored.icmp_code),
    )


def _pair(first: int | None, second: int | None) -> tuple[int, int] | None:
    return None if first is None or second is None else (int(first), int(second))


def is_true(value: object) -> bool:
    """A boolean as moto stores it: as the request had it, text or not."""
    return str(value).lower() == "true"
