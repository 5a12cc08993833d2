"""The responder for the student's own rule and network ACL, put together from the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from labkit.model.response.messages import Message
from labkit.model.response.safe_addresses import SafeNetwork, never_deny, parse_safe
from labkit.model.vpc import Vpc
from labkit.responder import INTERVAL_SECONDS, Responder
from labkit.services import aws
from labkit.services.detection.alert_feed import AlertFeed
from labkit.services.detection.api import DetectionApi
from labkit.services.endpoint_addresses import EndpointAddresses
from labkit.steps.network import filtering_network_acl, students_network_acl
from labkit.steps.rule import students_rule
from labkit.steps.session import LabSession

PATIENCE_SECONDS = 2.0
"""How long one call may take; for longer, the responder itself waits, which can be interrupted."""


def students_responder(
    session: LabSession,
    emit: Callable[[Message], None],
    listed: Iterable[str] = (),
    interval_seconds: float = INTERVAL_SECONDS,
) -> Responder:
    """The responder that watches the student's rule and writes to the student's network ACL.

    listed: addresses and CIDR blocks that the student lists as safe. Raises StepNotReady when rule or network ACL is
    not there yet, InvalidInput for a text that is no address.
    """
    listed = tuple(str(parse_safe(text)) for text in listed)
    rule, network_acl = students_rule(session), students_network_acl(session)
    if words := not_the_noted_one(session, network_acl.id):
        emit(Message("trouble", words))
    return Responder(
        session.aws.ec2,
        network_acl.id,
        _detection(session),
        rule.id,
        _safe(session, network_acl.vpc_id, listed),
        emit,
        interval_seconds=interval_seconds,
        look_back_seconds=rule.window_seconds,
        wait=AlertFeed(_detection(session), rule.id),
        find=lambda: filtering_network_acl(session, network_acl.vpc_id),
    )


def not_the_noted_one(session: LabSession, network_acl_id: str) -> str:
    """A sentence, if the network ACL that filters the host is not the one in the notes; "" else."""
    noted = session.notes.get("network_acl_id")
    if noted in ("", network_acl_id):
        return ""
    return f"{network_acl_id} filters the host, not {noted} from your notes: see lab.check('network_acl_id')."


def _detection(session: LabSession) -> DetectionApi:
    """A client of the responder's own: the notebook's cells go on using theirs meanwhile."""
    return session.detection_login.open(PATIENCE_SECONDS)


def _safe(session: LabSession, vpc_id: str, listed: tuple[str, ...]) -> Callable[[], tuple[SafeNetwork, ...]]:
    """What is never denied; the services' addresses are looked up anew in each round, since a name's may change."""
    (vpc,) = aws.describe_vpcs(session.aws.ec2, {"vpc-id": [vpc_id]})
    blocks = cidr_blocks(vpc)
    endpoints = EndpointAddresses(
        {
            "AWS (EC2)": session.aws.ec2.meta.endpoint_url,
            "AWS (STS)": session.aws.sts.meta.endpoint_url,
            "the detection service": session.detection_login.url,
        }
    )
    return lambda: never_deny(blocks, endpoints(), listed)


def cidr_blocks(vpc: Vpc) -> tuple[str, ...]:
    """Every range of a VPC, the ones that were added to it too.

    >>> cidr_blocks(Vpc("vpc-1", "10.0.0.0/16", False, raw={"Ipv6CidrBlockAssociationSet": [
    ...     {"Ipv6CidrBlock": "2001:db8::/56"}]}))
    ('10.0.0.0/16', '2001:db8::/56')
    """
    more = [each.get("CidrBlock") for each in vpc.raw.get("CidrBlockAssociationSet", ())]
    more += [each.get("Ipv6CidrBlock") for each in vpc.raw.get("Ipv6CidrBlockAssociationSet", ())]
    return tuple(dict.fromkeys([vpc.cidr_block, *filter(None, more)]))
