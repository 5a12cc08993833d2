"""How the sandbox's AWS side differs from AWS, and where it is stricter than moto, as one list.

The tables in this folder's README.md are written from it. "Not verified": nobody has tried it against a real account.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One call. moto: what moto alone does; aws: what AWS does; sandbox: what a student meets here.

    remains: the sandbox differs from AWS; otherwise moto did, and the sandbox closes it. verified: AWS's side is known
    from its documentation or from replies that people have published.
    """

    call: str
    moto: str
    aws: str
    sandbox: str
    remains: bool = False
    verified: bool = True


_SAME = "as AWS"

DIFFERENCES: tuple[Difference, ...] = (
    Difference("create-vpc, a sixth in one region", "made", "`VpcLimitExceeded`; the default VPC counts", _SAME),
    Difference("create-vpc 10.7.0.1/16", "kept as given", "stored as 10.7.0.0/16", _SAME, verified=False),
    Difference("create-network-acl-entry, beyond the quota", "made",
               "`NetworkAclEntryLimitExceeded` at 20 a direction and family, the `*` entry included", _SAME),
    Difference("an entry's rule number 0, -5, 32768 or 65535", "accepted", "refused: 1 to 32766", _SAME),
    Difference("an entry's CIDR block `banana`, or none", "accepted",
               "`InvalidParameterValue`, `MissingParameter`", _SAME),
    Difference("an entry for 203.0.113.5/24", "kept as given", "stored as 203.0.113.0/24", _SAME),
    Difference("an entry's rule action `block`", "accepted", "refused: allow or deny", _SAME),
    Difference("an entry's protocol `tcp`", "kept as given", "refused: the API takes numbers", _SAME),
    Difference("an entry for protocol 6 or 17 without ports", "accepted", "`MissingParameter`", _SAME),
    Difference("an entry's ICMP type and code", "forgotten", "kept", _SAME),
    Difference("any change with --dry-run", "most are done", "`DryRunOperation`, nothing is done", _SAME),
    Difference("delete or replace an entry that is not there", "HTTP 500", "`InvalidNetworkAclEntry.NotFound`", _SAME),
    Difference("delete or replace entry 32767", "done", "refused", _SAME),
    Difference("create-network-acl", "no entries", "two `*` entries that deny the rest", _SAME),
    Difference("describe-network-acls, an unknown id", "`InvalidRouteTableID.NotFound`",
               "`InvalidNetworkAclID.NotFound`", _SAME),
    Difference("an id of the wrong form", "`…NotFound`", "`InvalidVpcID.Malformed`, `InvalidNetworkAclId.Malformed`, …",
               _SAME),
    Difference("the order of a network ACL's entries", "as they were made", "no promise; egress first, by rule number",
               "egress first, by rule number"),
    Difference("delete-vpc", "leaves its network ACL, also a custom one",
               "the default network ACL goes too; a custom one is a `DependencyViolation`", _SAME),
    Difference("delete-vpc with an internet gateway or a security group of one's own", "done", "`DependencyViolation`",
               _SAME),
    Difference("delete-subnet", "its network ACL association stays for ever", "the association goes too", _SAME),
    Difference("delete-network-acl, a default one", "done", "refused", _SAME),
    Difference("replace-network-acl-association, an unknown association", "HTTP 500",
               "`InvalidAssociationID.NotFound`", _SAME),
    Difference("a filter name that does not exist", "HTTP 500, or not looked at", "`InvalidParameterValue`", _SAME,
               verified=False),
    Difference("create-tags on a network ACL that does not exist", "done", "`InvalidNetworkAclID.NotFound`", _SAME),
    Difference("delete-tags without --tags", "nothing is deleted", "all are deleted", _SAME),
    Difference("tags of deleted resources in describe-tags", "stay", "go", _SAME),
    Difference("wrong access keys", "accepted", "`AuthFailure` from EC2; `InvalidClientTokenId` or "
               "`SignatureDoesNotMatch` from STS", _SAME),
    Difference("key id and secret swapped", "an unreadable 403", "`IncompleteSignature` when the secret holds a slash, "
               "else as an unknown key", _SAME),
    Difference("a computer's clock more than 5 minutes off", "accepted", "`RequestExpired` from EC2, "
               "`SignatureDoesNotMatch` from STS", _SAME),
    Difference("EC2 without permission", "`AccessDenied`", "`UnauthorizedOperation`", _SAME, verified=False),
    Difference("an action that does not exist, or that moto does not have", "HTTP 500", "`InvalidAction`, or an answer",
               "`InvalidAction`", remains=True),
    Difference("the words of an error message", "moto's", "AWS's", "the code is AWS's, the words are often not",
               remains=True),
    Difference("delete-network-acl of a default one; an association of another VPC", "done",
               "refused, with a code that nobody here has seen", "`InvalidParameterValue`", remains=True,
               verified=False),
    Difference("describe-network-acls with a filter on an entry's ports, ICMP type or IPv6 CIDR block", "HTTP 500",
               "filters", "`InvalidParameterValue`", remains=True),
    Difference("IPv6 entries 101 and 32768 of a VPC with an IPv6 CIDR block", "absent", "there", "absent",
               remains=True),
    Difference("paging (--max-items, NextToken)", "everything in one page", "pages", "everything in one page",
               remains=True),
    Difference("an account's quotas", "none", "about 200, adjustable", "the VPC's and the entries'", remains=True),
    Difference("services", "all of moto", "all", "EC2, STS and IAM; other calls of EC2 answer as moto does, "
               "unchecked", remains=True),
    Difference("temporary keys from STS", "examples that open nothing", "work", "examples that open nothing",
               remains=True),
    Difference("create-vpc-peering-connection with a VPC of another account", "made", "waits for that account's yes",
               "`InvalidVpcID.NotFound`", remains=True),
    Difference("assume-role, in a student's account of a class", "opens any account", "as the role's policies say",
               "`AccessDenied`, as all of STS but get-caller-identity", remains=True),
    Difference("describe-images", "about 1,300", "many more", "none", remains=True),
    Difference("time", "–", "a change takes effect within seconds", "at once", remains=True),
    Difference("instances and key pairs after a restart of the sandbox", "gone", "stay",
               "the same ids; launch times and generated private keys are new", remains=True),
)  # fmt: skip


def remaining() -> tuple[Difference, ...]:
    """Where a student meets something else than on AWS."""
    return tuple(each for each in DIFFERENCES if each.remains)


def closed() -> tuple[Difference, ...]:
    """Where moto differs from AWS and the sandbox does not."""
    return tuple(each for each in DIFFERENCES if not each.remains)
