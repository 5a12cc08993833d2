"""What filters is the network ACL that is associated with the host's subnet: everything looks at that one."""

from __future__ import annotations

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.model.errors import InvalidInput
from labkit.model.response.messages import Message
from labkit.model.response.response import own_entries
from labkit.services import aws
from labkit.steps.host import host_subnets
from labkit.steps.network import students_network_acl, students_vpc
from labkit.steps.protection import students_alerts
from labkit.steps.responding import students_responder
from tests.sandbox.lab.fixtures import outcome_of
from tests.wait import until


@pytest.fixture
def done(lab: Lab) -> Lab:
    """Everything is done."""
    assert all(result.passed for _, result in steps.solve(lab._session, steps.STEPS))
    return lab


def another_network_acl(lab: Lab) -> str:
    """A network ACL of the student's own that allows all."""
    ec2 = lab._session.aws.ec2
    made = ec2.create_network_acl(VpcId=students_vpc(lab._session).id)["NetworkAcl"]["NetworkAclId"]
    for egress in (True, False):
        ec2.create_network_acl_entry(
            NetworkAclId=made, RuleNumber=100, Protocol="-1", RuleAction="allow", Egress=egress, CidrBlock="0.0.0.0/0"
        )
    return str(made)


def filter_with(lab: Lab, network_acl_id: str) -> None:
    """Associate the host's subnet with this network ACL."""
    (subnet,) = host_subnets(lab._session)
    ec2 = lab._session.aws.ec2
    now = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet.id]}])
    association = next(
        each["NetworkAclAssociationId"]
        for each in now["NetworkAcls"][0]["Associations"]
        if each["SubnetId"] == subnet.id
    )
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=network_acl_id)


def test_nothing_is_done_while_another_network_acl_filters_than_the_noted_one(done: Lab) -> None:
    noted = students_network_acl(done._session).id
    other = another_network_acl(done)
    assert outcome_of(done, "deny_entry") == "done"
    filter_with(done, other)
    result = steps.check(done._session, steps.BY_KEY["network_acl_id"])
    assert result.outcome.value == "not right" and other in result.expected and noted in result.found
    assert outcome_of(done, "deny_entry") != "done"
    assert not any(one.passed for one in steps.status(done._session) if one.step in ("host_subnet", "deny_entry"))
    words = f"{other} filters the host, not {noted} from your notes"
    said: list[Message] = []
    students_responder(done._session, said.append)
    assert words in said[0].sentence
    until(lambda: words in repr(done.host()))
    done.choose_network_acl(other)
    assert outcome_of(done, "network_acl_id") == "done" and words not in repr(done.host())
    assert done.entries().acl.id == other
    assert done.topology().network_acl.id == other
    assert done.decide("203.0.113.10").decision.allowed


def test_a_responder_at_work_follows_to_the_network_acl_that_filters(done: Lab) -> None:
    said: list[Message] = []
    responder = students_responder(done._session, said.append)
    responder.run_once()
    other = another_network_acl(done)
    filter_with(done, other)
    responder.run_once()
    assert responder.network_acl_id == other
    assert [one for one in said if one.kind == "trouble" and other in one.sentence]
    done.choose_network_acl(other)
    assert outcome_of(done, "deny_entry") == "done"


def test_an_alert_that_meets_the_change_leaves_no_entry_in_the_network_acl_that_filters_no_more(done: Lab) -> None:
    done.reset("deny_entry")
    said: list[Message] = []
    responder = students_responder(done._session, said.append)
    responder.network_acl = first = students_network_acl(done._session)  # as last seen, before the change
    other = another_network_acl(done)
    filter_with(done, other)
    responder.run_once(list(students_alerts(done._session)))
    old, new = (aws.describe_network_acls(done._session.aws.ec2, ids=[one])[0] for one in (first.id, other))
    assert not own_entries(old.entries) and own_entries(new.entries)
    assert [one.kind for one in said].count("added") == len(own_entries(new.entries))


def test_the_students_own_other_network_acl_is_refused_for_what_it_is(done: Lab) -> None:
    other = another_network_acl(done)
    with pytest.raises(InvalidInput) as refused:
        done.choose_network_acl(other)
    assert "belongs to" not in str(refused.value) and "does not filter your host" in str(refused.value)


def test_undoing_takes_the_responders_entries_out_of_every_network_acl_of_the_vpc(done: Lab) -> None:
    first, other = students_network_acl(done._session).id, another_network_acl(done)
    filter_with(done, other)
    done.choose_network_acl(other)
    done.respond_once()
    done.reset("deny_entry")
    left = aws.describe_network_acls(done._session.aws.ec2, ids=[first, other])
    assert not [entry for each in left for entry in each.entries if entry.rule_number < 100]
