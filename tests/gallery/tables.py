"""Samples of tables: VPCs, network ACLs, entries, decisions, rules, readiness, alerts."""

from __future__ import annotations

from dataclasses import replace

from labkit.model.detection.criteria import compare
from labkit.model.network_acl import Entry, Packet, decide, what_if
from labkit.model.rule_filter import explain, parse
from labkit.views.panels.basic import ErrorPanel
from labkit.views.panels.readiness import Line, Readiness
from labkit.views.tables.criteria import CriteriaTable, FieldComparison
from labkit.views.tables.decision import DecisionTable, WhatIfTable
from labkit.views.tables.host import AlertTable
from labkit.views.tables.network import AclEntriesTable, NetworkAclTable, VpcTable
from labkit.views.tables.rules import ExplanationTree, RuleCard, RuleTable
from tests.gallery.component import Component, State
from tests.gallery.panels import filter_error
from tests.gallery.values import (
    ACL,
    ACL_ID,
    ALERTS,
    ATTACKED_ALERT,
    ATTACKED_RULE,
    BAD,
    CURL,
    DEFAULT_ACL,
    DENYING_ACL,
    EVENT,
    FULL_ACL,
    LOCAL_CURL,
    OTHER_ACL,
    OTHER_RULES,
    PACKETS,
    REGION,
    RULE,
    RULE_SET,
    SIX_ACL,
    STUDENT,
    THERE,
    VPCS,
    WANTED,
)

LIST_VPCS = f"aws ec2 describe-vpcs --region {REGION}"
SHOW_ACL = f"aws ec2 describe-network-acls --network-acl-ids {DEFAULT_ACL.id} --region {REGION}"
LIST_ACLS = f"aws ec2 describe-network-acls --query 'NetworkAcls[].[NetworkAclId,VpcId]' --region {REGION}"

WEB = Packet.outbound(BAD, "tcp", 80)


def _vpcs() -> tuple[State, ...]:
    return State("three, one of them yours", VpcTable(VPCS, REGION, STUDENT, LIST_VPCS)), State(
        "none", VpcTable((), REGION, create=f"aws ec2 create-vpc --cidr-block 10.0.0.0/16 --region {REGION}")
    )


def _network_acls() -> tuple[State, ...]:
    return (
        State("none is chosen yet", NetworkAclTable((ACL, OTHER_ACL), REGION, cli=LIST_ACLS)),
        State("one is chosen", NetworkAclTable((ACL, OTHER_ACL), REGION, ACL_ID, LIST_ACLS)),
    )


def _entries() -> tuple[State, ...]:
    return (
        State("as AWS makes it", AclEntriesTable(DEFAULT_ACL, REGION, cli=SHOW_ACL)),
        State("with counters", AclEntriesTable(DENYING_ACL, REGION, PACKETS)),
        State("an entry that is never reached", AclEntriesTable(ACL, REGION)),
        State("with IPv6", AclEntriesTable(SIX_ACL, REGION)),
        State("full: 20 of 20", AclEntriesTable(FULL_ACL, REGION, PACKETS)),
    )


def _decisions() -> tuple[State, ...]:
    nothing = decide([Entry(100, True, "allow", "6", "198.51.100.0/24", (443, 443))], WEB)
    return (
        State("allowed", DecisionTable(decide(DEFAULT_ACL.entries, WEB))),
        State("denied", DecisionTable(decide(DENYING_ACL.entries, WEB))),
        State(
            "after one that does not match",
            DecisionTable(decide(ACL.entries, Packet.outbound("198.51.100.9", "udp", 53))),
        ),
        State("no entry matches", DecisionTable(nothing)),
        State("never filtered", DecisionTable(decide(ACL.entries, Packet.outbound("169.254.169.254", "tcp", 80)))),
        State("an answer comes in", DecisionTable(decide(ACL.entries, Packet.inbound(BAD, "tcp", 49152)))),
        State("a long list", DecisionTable(decide(FULL_ACL.entries, WEB))),
    )


def _what_ifs() -> tuple[State, ...]:
    late, early = (Entry(number, True, "deny", "-1", f"{BAD}/32") for number in (150, 50))
    return (
        State("too late", WhatIfTable(what_if(DEFAULT_ACL.entries, late, WEB))),
        State("in time", WhatIfTable(what_if(DEFAULT_ACL.entries, early, WEB))),
    )


def _rules() -> tuple[State, ...]:
    return (
        State("yours among others", RuleTable((RULE, *OTHER_RULES), RULE_SET, RULE.name)),
        State("a name that an attacker wrote", RuleTable((ATTACKED_RULE,), RULE_SET, RULE.name)),
    )


def _cards() -> tuple[State, ...]:
    return (
        State("enabled", RuleCard(RULE, RULE_SET)),
        State("not enabled, with a suppression", RuleCard(
            replace(RULE, enabled=False, suppressions=('connection.dst_addr = "198.51.100.7"',)), RULE_SET)),
    )  # fmt: skip


def _criteria() -> tuple[State, ...]:
    nearly = replace(THERE, name=WANTED.name.replace("Student7", "Student 7"), filter=WANTED.filter.replace(" and", ""))
    return (
        State("all correct", CriteriaTable(compare(WANTED, WANTED))),
        State("some differ", CriteriaTable(compare(THERE, WANTED))),
        State("nearly right", CriteriaTable(compare(nearly, WANTED))),
    )


def _comparisons() -> tuple[State, ...]:
    differs, equal = compare(replace(WANTED, name=WANTED.name.replace("Student7", "Student 7")), WANTED)[:2]
    return (
        State("correct", FieldComparison(equal)),
        State("differs", FieldComparison(differs)),
        State("below its field, which shows what is there", FieldComparison(differs, with_there=False)),
        State("empty so far", FieldComparison(compare(replace(WANTED, title=""), WANTED)[1])),
    )


def _explanations() -> tuple[State, ...]:
    short = parse('exe = "x" or (user = null and syscall = "connect")')
    return (
        State("it matches", ExplanationTree(explain(parse(RULE.filter), CURL), f"curl connects to {BAD}, port 80")),
        State("it does not match", ExplanationTree(explain(parse(RULE.filter), LOCAL_CURL), "The event you gave")),
        State("values that an attacker wrote", ExplanationTree(explain(short, EVENT))),
        State("it cannot be read", ErrorPanel(filter_error('event_type = “audit and syscall = "connect"'))),
    )


def _readiness() -> tuple[State, ...]:
    lines = (
        Line("Agent", "ready", "udf-host is online", "GET /v2/agents?status=online"),
        Line("curl", "ready", "curl 8.14.1", "curl --version"),
        Line("AWS account", "remark", "active already: the key that ends in 4F2Q", "aws configure list",
             "Part 2 checks it; nothing to do here."),
        Line("Range", "missing", "The range did not start: nft is not there.", "the sandbox",
             "labkit sandbox stop, then run this again."),
    )  # fmt: skip
    agent = "GET /v2/agents/5f3a"
    services = [Line(name, "ready", "healthy", agent) for name in ("Threat Stack Agent", "auditd", "FIM")]
    services.append(Line("Container collector", "missing", "down", agent))
    return (
        State("something is missing", Readiness(lines)),
        State("ready", Readiness(lines[:3])),
        State("the agent’s services", Readiness(services, "Services of the agent on udf-host", agent)),
    )


def _alerts() -> tuple[State, ...]:
    return (
        State("two", AlertTable(ALERTS)),
        State("none", AlertTable(())),
        State("words that an attacker wrote", AlertTable((ATTACKED_ALERT,))),
    )


COMPONENTS = (
    Component("VPCs", "Before one is made: whose each is, and how much of the quota is used.", "one_table.html.j2",
              _vpcs),
    Component("Network ACLs", "To find the one that belongs to your VPC.", "one_table.html.j2", _network_acls),
    Component("Entries", "What a network ACL holds, in the order in which AWS tries it.", "entries_table.html.j2",
              _entries),
    Component("The packet’s way", "What the entries say of one packet, and which one decides.",
              "decision_table.html.j2", _decisions),
    Component("What if", "The same with one more entry, before it is written.", "what_if_table.html.j2", _what_ifs),
    Component("Rules", "The rules of the rule set.", "one_table.html.j2", _rules),
    Component("Rule", "One rule with all that it holds.", "rule_card.html.j2", _cards),
    Component("Criteria", "The five criteria: yours against the expected ones.", "criteria_table.html.j2", _criteria),
    Component("Difference", "One criterion: in the table above, and below its field in the form.",
              "field_comparison.html.j2", _comparisons),
    Component("Filter explained", "Why a filter is true or false for an event, clause by clause.",
              "explanation.html.j2", _explanations),
    Component("Readiness", "Part 1: a line for each thing that must be there.", "one_table.html.j2", _readiness),
    Component("Alerts", "The active alerts of your rule.", "one_table.html.j2", _alerts),
)  # fmt: skip
