"""The values that the samples show: those of student 7, and what an attacker might write."""

from __future__ import annotations

from dataclasses import replace

from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.criteria import DESCRIPTION, FILTER, TITLE_ENDING, Criteria, wanted_criteria
from labkit.model.detection.event import connect_event
from labkit.model.detection.records import Alert
from labkit.model.detection.rule import PRECREATED_RULE, Rule
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Message, milliseconds
from labkit.model.student import student_tags
from labkit.model.vpc import Vpc

ATTACK = "<script>alert('x')</script>"
REGION, ACCOUNT, USER = "us-east-1", "123456789012", "arn:aws:iam::123456789012:user/student"
STUDENT, BAD, GOOD, NOW = 7, "203.0.113.10", "198.51.100.80", "2026-11-25T09:41:07.250Z"
TIER_WORDS = (
    "Range tier 1 of 3, packets: programs run in a closed network whose packets the network ACL really filters."
)

VPC_ID, OTHER_VPC_ID, DEFAULT_VPC_ID = "vpc-085fe60178af6388b", "vpc-0dd9571e9140835e0", "vpc-0622fe00e198bd3c4"
ACL_ID, OTHER_ACL_ID = "acl-0c76d7f3be5ae5e28", "acl-0916d3f1cec88f799"
VPCS = (
    Vpc(VPC_ID, "10.0.0.0/16", False, student_tags(STUDENT)),
    Vpc(OTHER_VPC_ID, "10.0.0.0/16", False, student_tags(12)),
    Vpc(DEFAULT_VPC_ID, "172.31.0.0/16", True),
)

DEFAULT_ENTRIES = tuple(
    Entry(number, egress, action, "-1", "0.0.0.0/0")
    for egress in (True, False)
    for number, action in ((32767, "deny"), (100, "allow"))
)
DENY = Entry(1, True, "deny", "-1", f"{BAD}/32")
DEFAULT_ACL = NetworkAcl(ACL_ID, VPC_ID, True, DEFAULT_ENTRIES)
DENYING_ACL = NetworkAcl(ACL_ID, VPC_ID, True, (*DEFAULT_ENTRIES, DENY))
ACL = NetworkAcl(
    ACL_ID,
    VPC_ID,
    True,
    (
        *DEFAULT_ENTRIES,
        Entry(150, True, "deny", "-1", "198.51.100.0/24"),
        Entry(50, True, "deny", "6", "203.0.113.0/24", (443, 443)),
    ),
)
MANY_DENIES = tuple(Entry(number, True, "deny", "-1", f"198.51.100.{100 + number}/32") for number in range(1, 19))
FULL_ACL = NetworkAcl(ACL_ID, VPC_ID, True, (*DEFAULT_ENTRIES, *MANY_DENIES))
SIX_ACL = NetworkAcl(
    ACL_ID,
    VPC_ID,
    True,
    (
        *DEFAULT_ENTRIES,
        Entry(101, True, "allow", "-1", "::/0"),
        Entry(32768, True, "deny", "-1", "::/0"),
        Entry(2, True, "deny", "-1", "2001:db8:bad::10/128"),
        Entry(50, False, "allow", "6", "198.51.100.0/24", (1024, 65535)),
    ),
)
OTHER_ACL = NetworkAcl(OTHER_ACL_ID, OTHER_VPC_ID, True, DEFAULT_ENTRIES)
PACKETS = {(True, 1): 3, (True, 100): 1205, (False, 100): 1198}

WANTED = wanted_criteria(STUDENT)
THERE = Criteria(PRECREATED_RULE, PRECREATED_RULE + TITLE_ENDING, DESCRIPTION, ("exe", "user"), FILTER)
RULE_ID, RULE_SET = "3e4c2a58-9a0d-11ee-8c90-0242ac120002", "Base Rule Set"
RULE = WANTED.apply_to(Rule("", "", "", (), "", id=RULE_ID, ruleset_id="rs-1", enabled=True))
OTHER_RULES = (
    Rule("User: Sudo by Others", "", "", (), "", id="0580fa93-e874-11f1-ad74-0242ac110002", severity=2),
    Rule("Exploit: Kernel Module Activity", "", "", (), "", id="0580fe3a-e874-11f1-9ddd-0242ac110002", severity=1),
)
ATTACKED_RULE = replace(OTHER_RULES[0], name=ATTACK)
EVENT = {
    "event_type": "audit",
    "syscall": "connect",
    "exe": ATTACK,
    "connection": {"dst_addr": "127.0.0.1"},
}
CURL, LOCAL_CURL = connect_event(BAD, 80), connect_event("127.0.0.1", 80)


def alert(number: int, destination: str, exe: str = "/usr/bin/curl", user: str = "ubuntu") -> Alert:
    """An alert of the student's rule."""
    title = f"{RULE.name}: {exe} ran by user {user} connected to {destination}"
    aggregates = (("user", user), ("exe", exe), ("dst_ip", destination))
    return Alert(
        f"0881647{number}-e874-11f1-8000-0242ac110002", title, 3, f"2026-11-25T09:41:0{number}.250Z", RULE_ID,
        aggregates=aggregates,
    )  # fmt: skip


ALERTS = (alert(7, BAD), alert(4, GOOD, "/usr/bin/wget"))
ATTACKED_ALERT = alert(9, "198.51.100.7", ATTACK, "root\u202e")


def added(number: int, address: str, after_ms: int = 0, alert_ms: int = 4, entry_ms: int = 20) -> Message:
    """What the responder says of an entry that it made, so many milliseconds after its alert."""
    entry, event = Entry(number, True, "deny", "-1", f"{address}/32"), milliseconds(NOW) + after_ms
    words = f"Added entry {number}: deny all to {address}/32."
    return Message("added", words, address, f"a{number}", entry, event, event + alert_ms, event + alert_ms + entry_ms)


STARTED = Message(
    "started",
    f"The responder writes to {ACL_ID}. It reads the alerts of rule {RULE_ID} every 10 s, and at once if the service "
    "announces them.",
)
POLLED = Message(
    "poll",
    f"Alert poll returned destination {{'{BAD}/32'}} source [{{'container': 'Host', 'address': '10.0.1.10'}}] to block "
    "at the firewall",
)
KEPT = Message("refused", "10.0.0.2 is not denied: it is your VPC’s resolver.", "10.0.0.2")
TROUBLE = Message("trouble", "The detection service did not answer; asked again in 2 s.")
ENDED = Message("ended", "The responder was stopped. Its entries stay.")
TRANSCRIPT = (STARTED, POLLED, added(1, BAD), KEPT)

TITLES = {
    "host_ready": "The host is ready",
    "student_number": "Your student number",
    "aws_account": "Your AWS account",
    "vpc": "Your VPC",
    "network_acl_id": "The NetworkAclId",
    "rule": "Your detection rule",
    "rule_criteria": "The five criteria",
    "rule_enabled": "The rule enabled",
    "rule_id": "The RuleID",
    "host_subnet": "Your host in your VPC",
    "first_alert": "An alert of your rule",
    "deny_entry": "The cloud denies the address",
}
CHAPTERS = {step: "1" if place == 0 else "2" if place < 9 else "3" for place, step in enumerate(TITLES)}


def passed(step: str, found: str = "it is there") -> CheckResult:
    """A step that is done."""
    return CheckResult(step, TITLES[step], Outcome.PASSED, "it", found, looked_at=("ec2 describe-vpcs",))


PASSED = CheckResult(
    "student_number", TITLES["student_number"], Outcome.PASSED, "a number", "7; the name of your rule: “Self Protect: "
    "Student7: Network: Outbound Connection (Connects) to WAN”", looked_at=("your notes",),
)  # fmt: skip
WRONG = CheckResult(
    "vpc",
    TITLES["vpc"],
    Outcome.WRONG,
    f"one VPC of student 7 in {REGION}",
    f"2: {VPC_ID}, vpc-0a1b2c3d4e5f60718",
    "Delete the one that you do not use.",
    ("aws ec2 describe-vpcs --filters Name=tag:labkit:student,Values=7",),
)
CRITERIA_WRONG = CheckResult(
    "rule_criteria", TITLES["rule_criteria"], Outcome.WRONG, "the five criteria of the text", "3 of 5 correct",
    "Fix them in the form above: lab.set_criteria()", ("GET /v2/rulesets", "GET /v2/rulesets/{id}/rules"),
)  # fmt: skip
NOT_YET = CheckResult(
    "network_acl_id", TITLES["network_acl_id"], Outcome.NOT_YET, f"the NetworkAclId of {VPC_ID}", "none in your notes",
    "Choose it in the cell above.", ("your notes",),
)  # fmt: skip
COULD_NOT_LOOK = CheckResult(
    "rule", TITLES["rule"], Outcome.COULD_NOT_LOOK, "an answer of the detection service",
    "nothing answered at http://127.0.0.1:32787", "Start the sandbox: labkit sandbox start",
)  # fmt: skip
RESULTS = (PASSED, WRONG, NOT_YET, COULD_NOT_LOOK)


def steps(done: int, wrong: str = "") -> tuple[CheckResult, ...]:
    """All twelve steps, the first of them done; wrong: the one that is there and not right."""
    return tuple(
        replace(WRONG, step=step, title=title)
        if step == wrong
        else passed(step)
        if place < done
        else replace(NOT_YET, step=step, title=title)
        for place, (step, title) in enumerate(TITLES.items())
    )


LINKS = {step: f"#step-{step}" for step in TITLES}
