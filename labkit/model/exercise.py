"""The exercises: whether a student's answer is right for the entries that exist now.

A blank that is still `...` is not answered yet. An answer is judged by the code that decides about packets; it is not
compared with a stored one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from labkit.model.by_hand import (
    MOST_SHOWN,
    SINGLE,
    Facts,
    Judged,
    as_written,
    is_blank,
    judge_last_number,
    judge_network_acls,
    judge_new_entry,
    judge_program,
    judge_rule_sets,
    number_in,
    text_in,
    two_numbers_in,
)
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import InvalidInput
from labkit.model.network_acl import (
    ENTRY_QUOTA,
    Packet,
    decide,
    entries_used,
    new_entry,
    validate_cidr_block,
    what_if,
)
from labkit.model.pasted import clean
from labkit.model.response.response import own_entries

MIRROR, SIX, GOOD_SIX = "198.51.100.80", "2001:db8:bad::10", "2001:db8:900d::20"
"""mirror.example.net, six.dadismad.com and updates.example.org in the range."""

FIRST_EPHEMERAL, LAST_EPHEMERAL = 32768, 60999
"""The ports to which an answer may come: the range of which Linux picks one for each connection.

Source: Linux, Documentation/networking/ip-sysctl.rst, ip_local_port_range.
"""


@dataclass(frozen=True)
class Exercise:
    """title: for people. expected: in words. form: of an answer, with an example that is not it.

    hint: after the second wrong answer. solution: the line that solves it, after the third.
    judge: raises InvalidInput for a value that AWS refuses, TypeError or ValueError for another kind of value.
    """

    title: str
    expected: str
    form: str
    judge: Callable[[object, Facts], Judged]
    hint: str
    solution: str

    def check(self, answer: object, facts: Facts, wrong_before: int = 0) -> CheckResult:
        """What becomes of an answer. wrong_before: how many wrong ones came before it; the help grows with them.

        >>> from labkit.model.network_acl import Entry
        >>> allow, deny = (Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0"))
        >>> default = Facts((allow, deny))
        >>> print(EXERCISES["rule_number"].check(..., default))
        not yet: A number that works. Expected a rule number at which 198.51.100.80 is denied; found the blank, still \
empty. Next: Write your answer in place of the three dots, and run the cell again.
        >>> EXERCISES["rule_number"].check(150, default).found
        'Entry 150 is never reached for this packet: 100 allows all'
        >>> EXERCISES["rule_number"].check(50, default).passed
        True
        >>> EXERCISES["rule_number"].check(150, default, wrong_before=2).next_step
        'The solution is: number = 60'
        """
        if is_blank(answer):
            words = "Write your answer in place of the three dots, and run the cell again."
            return self._result(Outcome.NOT_YET, "the blank, still empty", words)
        try:
            right, found, help_given = NOT_CALLED if callable(answer) else self.judge(answer, facts)
        except InvalidInput as error:
            right, found, help_given = False, error.what, f"{error.why} {error.next_step}".strip()
        except (TypeError, ValueError):
            right, found, help_given = False, as_written(answer), f"Write {self.form}."
        if right:
            return self._result(Outcome.PASSED, found, "")
        growing = (help_given, f"{help_given} Hint: {self.hint}", f"The solution is: {self.solution}")
        return self._result(Outcome.WRONG, found, growing[min(wrong_before, 2)])

    def _result(self, outcome: Outcome, found: str, next_step: str) -> CheckResult:
        return CheckResult("exercise", self.title, outcome, self.expected, found.removesuffix("."), next_step)


def _rule_number(answer: object, facts: Facts) -> Judged:
    if isinstance(answer, str) and re.search(r"[0-9][.:]|/", answer):
        return False, f"{as_written(answer)}, an address", f"The address is known: {MIRROR}. Write {EXAMPLE_NUMBER}."
    entry = new_entry(rule_number=number_in(answer), rule_action="deny", cidr_block=f"{MIRROR}/32", egress=True)
    packet = Packet.outbound(MIRROR, "tcp", 80)
    what_if(facts.entries, entry, packet)  # refuses a number that is taken
    by_hand = tuple(
        one for one in facts.entries if one not in own_entries(facts.entries)
    )  # the responder may have denied it since
    tried = what_if(by_hand, entry, packet)
    right = tried.after.deciding == entry
    return right, tried.sentence, "" if right else "Which number comes before the entry that decides now?"


def _answer_ports(answer: object, facts: Facts) -> Judged:
    try:
        first, last = two_numbers_in(answer)
    except (TypeError, ValueError):
        port = number_in(answer)  # raises again for what is no number either
        return False, f"one port, {port}", f"An answer may come to any of many ports. Write {EXAMPLE_PORTS}."
    entry = new_entry(
        rule_number=50, rule_action="allow", cidr_block="0.0.0.0/0", egress=False, protocol="tcp", ports=(first, last)
    )
    ends = [decide([entry], Packet.inbound(MIRROR, "tcp", port)) for port in (FIRST_EPHEMERAL, LAST_EPHEMERAL)]
    dropped = [decision.packet for decision in ends if not decision.allowed]
    if not dropped:
        return True, f"answers from port 80 get in, to {FIRST_EPHEMERAL} as to {LAST_EPHEMERAL}", ""
    found = f"an answer is dropped: {dropped[0]}"
    if last < FIRST_EPHEMERAL:
        return False, found, "Port 80 is where the answer comes from. Where does it go?"
    return False, found, f"Too few ports: the system picks any from {FIRST_EPHEMERAL} to {LAST_EPHEMERAL}."


def _ipv6_block(answer: object, facts: Facts) -> Judged:
    if isinstance(answer, int | float) or (isinstance(answer, str) and SINGLE.fullmatch(answer)):
        return (
            False,
            f"{as_written(answer)}, a number",
            f"A rule number says when an entry is tried. Write {EXAMPLE_BLOCK}.",
        )
    text = clean(str(answer) if isinstance(answer, IPV6) else text_in(answer)).value[:MOST_SHOWN]
    if re.search(r"[g-z]", text, re.IGNORECASE) and "." in text:
        return False, f"{text}, a name", f"An entry holds addresses, not names. Write {EXAMPLE_BLOCK}."
    if ":" in text and "/" not in text:
        return False, f"{text}, without a prefix length", "Add it: a slash, and how many bits of the address count."
    if re.fullmatch(r"\d+(\.\d+){3}", text):
        text += "/32"
    network = ipaddress.ip_network(validate_cidr_block(text, ipv6=":" in text))
    if network.version == 4:
        return False, f"{network}, which is IPv4: it does not hold the address that answered", READ_AGAIN
    if ipaddress.ip_address(SIX) not in network:
        return False, f"{network} does not hold the address that answered", READ_AGAIN
    one_alone = "Name one address alone: an IPv6 address has 128 bits."
    if ipaddress.ip_address(GOOD_SIX) in network:
        return False, f"{network} also holds updates.example.org, {GOOD_SIX}", one_alone
    if network.num_addresses > 1:
        return False, f"{network} also holds other hosts than {SIX}", one_alone
    return True, f"{network} is that host and nobody else", ""


def _most_denies(answer: object, facts: Facts) -> Judged:
    number, entries = number_in(answer), facts.entries
    own = [entry for entry in own_entries(entries) if not entry.ipv6]
    others = entries_used(entries, egress=True) - len(own)
    most = ENTRY_QUOTA - others
    if number == most:
        return True, f"{ENTRY_QUOTA} less the {others} egress IPv4 entries that are not the responder’s", ""
    return False, str(number), _why_not(number, most, both=most - entries_used(entries, egress=False))


def _why_not(number: int, most: int, both: int) -> str:
    """What a wrong number of deny entries overlooks. both: the number that counts ingress entries, too."""
    if number > ENTRY_QUOTA:
        return f"More than the quota: {ENTRY_QUOTA} entries for each direction, whoever wrote them."
    if number == most + 1:
        return f"Count * too: it uses one of the {ENTRY_QUOTA}."
    if number > most:
        return f"Some of the {ENTRY_QUOTA} are used by entries that are not the responder’s: see lab.entries()."
    if number == both:
        return "Ingress entries have a quota of their own. Count the egress ones."
    return "More fit. Count the egress entries for IPv4 that are not the responder’s, in lab.entries()."


IPV6 = ipaddress.IPv6Address | ipaddress.IPv6Network
READ_AGAIN = "Which address answered? Read the output of curl again."
NOT_CALLED = (False, "a method that was not called", "Write parentheses after its name, with the arguments in them.")
EXAMPLE_NUMBER = "one whole number, such as 7000"
EXAMPLE_PORTS = "two whole numbers in parentheses, the first port and the last one, such as (20, 25)"
EXAMPLE_BLOCK = 'an IPv6 CIDR block in quotes, such as "2001:db8::/32"'

EXERCISES = {
    "own_network_acl": Exercise(
        "Asked with boto3",
        "AWS’s reply about your network ACL, and no other",
        "the call itself, such as ec2.describe_vpcs()",
        judge_network_acls,
        "The check above names your network ACL; its id goes into NetworkAclIds=[…], in quotes.",
        "reply = ec2.describe_network_acls(NetworkAclIds=[lab.entries().acl.id])",
    ),
    "last_number": Exercise(
        "The last entry",
        "the rule number that AWS gives to the entry *",
        EXAMPLE_NUMBER,
        judge_last_number,
        "It is the largest number in the column RuleNumber, one more than the largest that you may use.",
        "last = 32767",
    ),
    "rule_sets": Exercise(
        "Asked with requests",
        "the service’s reply with the rule sets",
        'the call itself, such as hawk.get("/v2/agents")',
        judge_rule_sets,
        "It is hawk.get(…), with the path /v2/rulesets in quotes and nothing else.",
        'reply = hawk.get("/v2/rulesets")',
    ),
    "new_entry": Exercise(
        "Written with boto3",
        "egress entry 150, which denies 198.51.100.80/32 for every protocol",
        "the call itself, ec2.create_network_acl_entry(…)",
        judge_new_entry,
        'Six arguments: NetworkAclId, RuleNumber=150, Egress=True, RuleAction="deny", Protocol="-1" and CidrBlock.',
        "reply = ec2.create_network_acl_entry(\n"
        '    NetworkAclId=lab.entries().acl.id, RuleNumber=150, Egress=True, RuleAction="deny", Protocol="-1",\n'
        '    CidrBlock="198.51.100.80/32",\n'
        ")",
    ),
    "busiest_program": Exercise(
        "The busiest program",
        "the program that connected to the most addresses",
        'its name in quotes, such as "/usr/bin/nc"',
        judge_program,
        "Count each program’s different addresses, not its rows: getent asked the resolver only.",
        'busiest = "curl"',
    ),
    "rule_number": Exercise(
        "A number that works",
        f"a rule number at which {MIRROR} is denied",
        EXAMPLE_NUMBER,
        _rule_number,
        "Entry 100 allows the packet, so the number must be lower than 100, and free.",
        "number = 60",
    ),
    "answer_ports": Exercise(
        "The ports of an answer",
        "ports that let every answer in",
        EXAMPLE_PORTS,
        _answer_ports,
        f"An answer comes to the port that the request was sent from: any from {FIRST_EPHEMERAL} to {LAST_EPHEMERAL}.",
        "ports = (1024, 65535)",
    ),
    "ipv6_block": Exercise(
        "The other address",
        "an IPv6 CIDR block with that host, and not with others",
        EXAMPLE_BLOCK,
        _ipv6_block,
        f"The host is {SIX}, and every one of the 128 bits counts.",
        'block = "2001:db8:bad::10/128"',
    ),
    "most_denies": Exercise(
        "How many fit",
        "the most IPv4 addresses that the responder can deny here",
        "one whole number, such as 7",
        _most_denies,
        f"It is {ENTRY_QUOTA} less the egress entries for IPv4 that the responder did not write, 100 and *.",
        "most = 18",
    ),
}
"""The exercises of the chapters, each by the name that its cell uses; the cell keeps the solution, too."""
