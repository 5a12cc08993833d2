"""Values that the tests of the views show; the texts hold what an attacker might write."""

from __future__ import annotations

from labkit.model.check import CheckResult, Outcome
from labkit.model.criteria import DESCRIPTION, FILTER, TITLE_ENDING, Criteria, wanted_criteria
from labkit.model.detection import PRECREATED_RULE, Rule
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.vpc import Vpc, student_tags

ATTACK = "<script>alert('x')</script>"
REGION = "us-east-1"

RESULTS = (
    CheckResult("student", "Student number", Outcome.PASSED, "a number", "7"),
    CheckResult(
        "vpc",
        "Your VPC",
        Outcome.WRONG,
        "one VPC of student 7 in us-east-1",
        "2: vpc-1, vpc-2",
        "Delete one of them.",
        ("ec2 describe-vpcs",),
    ),
    CheckResult("acl", "NetworkAclId", Outcome.NOT_YET, "a NetworkAclId", "none", "Choose one."),
    CheckResult("rule", "Rule", Outcome.COULD_NOT_LOOK, "an answer", "nothing answered", "Start the sandbox."),
)

DEFAULT_ENTRIES = tuple(
    Entry(number, egress, action, "-1", "0.0.0.0/0")
    for egress in (True, False)
    for number, action in ((32767, "deny"), (100, "allow"))
)
ACL = NetworkAcl(
    "acl-7",
    "vpc-7",
    True,
    (
        *DEFAULT_ENTRIES,
        Entry(150, True, "deny", "-1", "198.51.100.0/24"),
        Entry(50, True, "deny", "6", "203.0.113.0/24", (443, 443)),
    ),
)
OTHER_ACL = NetworkAcl("acl-12", "vpc-12", True, DEFAULT_ENTRIES)
VPCS = (
    Vpc("vpc-7", "10.0.0.0/16", False, student_tags(7)),
    Vpc("vpc-12", "10.0.0.0/16", False, student_tags(12)),
    Vpc("vpc-0", "172.31.0.0/16", True),
)

WANTED = wanted_criteria(7)
THERE = Criteria(PRECREATED_RULE, PRECREATED_RULE + TITLE_ENDING, DESCRIPTION, ("exe", "user"), FILTER)
RULE = WANTED.put_on(
    Rule("", "", "", (), "", id="3e4c2a58-9a0d-11ee-8c90-0242ac120002", ruleset_id="rs-1", enabled=True)
)
EVENT = {
    "event_type": "audit",
    "syscall": "connect",
    "exe": ATTACK,
    "connection": {"dst_addr": "127.0.0.1"},
}
