"""How the sandbox's AWS side differs from AWS, and where it is stricter than moto, as one list.

The tables in this folder's README.md are written from it. "Not verified": nobody has tried it against a real account.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One call. moto: what moto alone does; aws: what AWS does; sandbox: what the sandbox does.

    remains: the sandbox differs from AWS; otherwise only moto did. verified: AWS's behaviour is known from its
    documentation or from published replies.
    """

    call: str
    moto: str
    aws: str
    sandbox: str
    remains: bool = False
    verified: bool = True


_SAME = "as AWS"

DIFFERENCES: tuple[Difference, ...] = (
    Difference("create-vpc, the sixth in a region", "created", "`VpcLimitExceeded`; the default VPC counts", _SAME),
    Difference("create-vpc 10.7.0.1/16", "stored as given", "stored as 10.7.0.0/16", _SAME, verified=False),
    Difference("create-network-acl-entry, beyond the quota", "created",
               "`NetworkAclEntryLimitExceeded` at 20 per direction and address family, including the `*` entry", _SAME),
    Difference("an entry's rule number 0, -5, 32768 or 65535", "accepted", "refused: 1 to 32766", _SAME),
    Difference("an entry's CIDR block `banana`, or none", "accepted",
               "`InvalidParameterValue`, `MissingParameter`", _SAME),
    Difference("an entry for 203.0.113.5/24", "stored as given", "stored as 203.0.113.0/24", _SAME),
    Difference("an entry's rule action `block`", "accepted", "refused: allow or deny", _SAME),
    Difference("an entry's protocol `tcp`", "stored as given", "refused: the API takes numbers", _SAME),
    Difference("an entry for protocol 6 or 17 without ports", "accepted", "`MissingParameter`", _SAME),
    Difference("an entry's ICMP type and code", "lost", "stored", _SAME),
    Difference("any change with --dry-run", "most are made", "`DryRunOperation`, nothing is changed", _SAME),
    Difference("delete or replace an entry that does not exist", "HTTP 500",
               "`InvalidNetworkAclEntry.NotFound`", _SAME),
    Difference("delete or replace entry 32767", "done", "refused", _SAME),
    Difference("create-network-acl", "no entries", "two `*` entries that deny the rest", _SAME),
    Difference("describe-network-acls, an unknown id", "`InvalidRouteTableID.NotFound`",
               "`InvalidNetworkAclID.NotFound`", _SAME),
    Difference("a malformed id", "`…NotFound`", "`InvalidVpcID.Malformed`, `InvalidNetworkAclId.Malformed`, …",
               _SAME),
    Difference("the order of a network ACL's entries", "creation order", "not guaranteed; egress first, by rule number",
               "egress first, by rule number"),
    Difference("delete-vpc", "keeps its network ACLs, even custom ones",
               "deletes the default network ACL too; `DependencyViolation` if there is a custom one", _SAME),
    Difference("delete-vpc with an internet gateway or a custom security group", "done", "`DependencyViolation`",
               _SAME),
    Difference("delete-subnet", "keeps its network ACL association", "deletes the association too", _SAME),
    Difference("delete-network-acl, the default one", "done", "refused", _SAME),
    Difference("replace-network-acl-association, an unknown association", "HTTP 500",
               "`InvalidAssociationID.NotFound`", _SAME),
    Difference("a filter name that does not exist", "HTTP 500, or ignored", "`InvalidParameterValue`", _SAME,
               verified=False),
    Difference("create-tags on a network ACL that does not exist", "done", "`InvalidNetworkAclID.NotFound`", _SAME),
    Difference("delete-tags without --tags", "nothing is deleted", "all are deleted", _SAME),
    Difference("tags of deleted resources in describe-tags", "stay", "are removed", _SAME),
    Difference("wrong access keys", "accepted", "`AuthFailure` from EC2; `InvalidClientTokenId` or "
               "`SignatureDoesNotMatch` from STS", _SAME),
    Difference("key id and secret swapped", "403 without an error code",
               "`IncompleteSignature` if the secret contains a slash, "
               "otherwise as for an unknown key id", _SAME),
    Difference("a clock that is more than 5 minutes off", "accepted", "`RequestExpired` from EC2, "
               "`SignatureDoesNotMatch` from STS", _SAME),
    Difference("EC2 without permission", "`AccessDenied`", "`UnauthorizedOperation`", _SAME, verified=False),
    Difference("an action that does not exist, or that moto does not implement", "HTTP 500",
               "`InvalidAction`, or a result",
               "`InvalidAction`", remains=True),
    Difference("create-vpc", "`available`, DHCP options `default`", "`pending` at first, a `dopt-…`", _SAME),
    Difference("create-network-acl, a client token twice", "two network ACLs",
               "one; `IdempotentParameterMismatch` with other parameters", _SAME),
    Difference("the text of an error message", "moto's", "AWS's", "AWS's error code, often with other text",
               remains=True),
    Difference("delete-network-acl, the default one; an association of another VPC", "done",
               "refused; the error code is not known", "`InvalidParameterValue`", remains=True,
               verified=False),
    Difference("the values of a filter", "joined by OR or by AND, with the wildcards of a shell",
               "joined by OR; `*`, `?` and `\\`", _SAME),
    Difference("describe-availability-zones by group-name; describe-security-groups by ip-permission.group-name",
               "HTTP 500", "filters", "`InvalidParameterValue`", remains=True),
    Difference("IPv6 entries 101 and 32768 of a VPC with an IPv6 CIDR block", "absent", "present", "absent",
               remains=True),
    Difference("paging (MaxResults, NextToken)", "everything in one page", "pages",
               "pages of the lists that have filters; elsewhere everything in one page", remains=True),
    Difference("account quotas", "none", "about 200, adjustable", "those for VPCs and what is in them", remains=True),
    Difference("services and calls", "all of moto", "all", "EC2 calls about VPCs, subnets, network ACLs, tags, "
               "security groups and internet gateways, and sts get-caller-identity; others are refused with "
               "`UnauthorizedOperation` or `AccessDenied`", remains=True),
    Difference("describe-images", "about 1,300 images", "many images", "no images", remains=True),
    Difference("when a change takes effect", "at once", "within seconds", "at once", remains=True),
)  # fmt: skip


def remaining() -> tuple[Difference, ...]:
    """The calls where the sandbox differs from AWS."""
    return tuple(each for each in DIFFERENCES if each.remains)


def closed() -> tuple[Difference, ...]:
    """The calls where moto differs from AWS and the sandbox does not."""
    return tuple(each for each in DIFFERENCES if not each.remains)
