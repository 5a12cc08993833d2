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
    Facts,
    Judged,
    judge_last_number,
    judge_network_acls,
    judge_new_entry,
    judge_program,
    judge_rule_sets,
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
from labkit.model.network_acl.validation import whole_number
from labkit.model.pasted import clean
from labkit.model.response.response import own_entries

MIRROR, SIX, GOOD_SIX = "198.51.100.80", "2001:db8:bad::10", "2001:db8:900d::20"
"""mirror.example.net, six.dadismad.com and updates.example.org in the range."""

FIRST_EPHEMERAL, LAST_EPHEMERAL = 32768, 60999
"""The ports to which an answer may come: the range of which Linux picks one for each connection.

Source: Linux, Documentation/networking/ip-sysctl.rst, ip_local_port_range.
"""

MOST_SHOWN = 80
"""Characters of an answer that are shown."""

BLANKS = ("", "...", "…", "None")
_SINGLE = re.compile(r"[\s\"'(\[]*(-?[0-9]{1,9})[\s\"'),\].]*")
_PAIR = re.compile(r"\D*([0-9]{1,9})\D+([0-9]{1,9})\D*")


@dataclass(frozen=True)
class Exercise:
    """title: for people. expected: in words. form: of an answer, with an example that is not it.

    judge: raises InvalidInput for a value that AWS refuses, TypeError or ValueError for another kind of value.
    """

    title: str
    expected: str
    form: str
    judge: Callable[[object, Facts], Judged]

    def check(self, answer: object, facts: Facts) -> CheckResult:
        """What becomes of an answer.

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
        """
        if _is_blank(answer):
            words = "Write your answer in place of the three dots, and run the cell again."
            return self._result(Outcome.NOT_YET, "the blank, still empty", words)
        try:
            right, found, next_step = self.judge(answer, facts)
        except InvalidInput as error:
            return self._result(Outcome.WRONG, error.what, f"{error.why} {error.next_step}".strip())
        except (TypeError, ValueError):
            return self._result(Outcome.WRONG, _shown(answer), f"Write {self.form}.")
        return self._result(Outcome.PASSED if right else Outcome.WRONG, found, next_step)

    def _result(self, outcome: Outcome, found: str, next_step: str) -> CheckResult:
        return CheckResult("exercise", self.title, outcome, self.expected, found.removesuffix("."), next_step)


def _is_blank(answer: object) -> bool:
    if isinstance(answer, tuple | list):
        return not answer or any(map(_is_blank, answer))
    return answer is ... or answer is None or (isinstance(answer, str) and clean(answer).value in BLANKS)


def _shown(answer: object) -> str:
    """The answer as Python writes it, or what kind of thing it is; an object may not be able to write itself."""
    try:
        return repr(answer)[:MOST_SHOWN]
    except Exception:  # noqa: BLE001 - whatever its own code raises
        return f"a value of the type {type(answer).__name__}"


def _number(answer: object) -> int:
    """A whole number, also as text and alone in a list. Raises TypeError for anything else."""
    if isinstance(answer, tuple | list) and len(answer) == 1:
        return _number(answer[0])
    if isinstance(answer, str) and (found := _SINGLE.fullmatch(answer)):
        return int(found[1])
    if isinstance(answer, float) and answer.is_integer():
        return int(answer)
    if (number := whole_number(answer)) is None:
        raise TypeError
    return number


def _two_numbers(answer: object) -> tuple[int, int]:
    """Two whole numbers, also as text. Raises TypeError or ValueError for anything else."""
    if isinstance(answer, str) and (found := _PAIR.fullmatch(answer)):
        return int(found[1]), int(found[2])
    if isinstance(answer, range) and len(answer):
        return answer[0], answer[-1]
    if not isinstance(answer, tuple | list):
        raise TypeError
    first, last = answer
    return _number(first), _number(last)


def _rule_number(answer: object, facts: Facts) -> Judged:
    if isinstance(answer, str) and re.search(r"[0-9][.:]|/", answer):
        return False, f"{_shown(answer)}, an address", f"The address is known: {MIRROR}. Write {EXAMPLE_NUMBER}."
    entry = new_entry(rule_number=_number(answer), rule_action="deny", cidr_block=f"{MIRROR}/32", egress=True)
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
        first, last = _two_numbers(answer)
    except (TypeError, ValueError):
        port = _number(answer)  # raises again for what is no number either
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
    if isinstance(answer, int | float) or (isinstance(answer, str) and _SINGLE.fullmatch(answer)):
        return (
            False,
            f"{_shown(answer)}, a number",
            f"A rule number says when an entry is tried. Write {EXAMPLE_BLOCK}.",
        )
    text = clean(str(answer) if isinstance(answer, IPV6) else _text(answer)).value[:MOST_SHOWN]
    if re.search(r"[g-z]", text, re.IGNORECASE) and "." in text:
        return False, f"{text}, a name", f"An entry holds addresses, not names. Write {EXAMPLE_BLOCK}."
    if ":" in text and "/" not in text:
        return False, f"{text}, without a prefix length", "Add it: a slash, and how many bits of the address count."
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


def _last_number(answer: object, facts: Facts) -> Judged:
    return judge_last_number(_number(answer), facts)


def _text(answer: object) -> str:
    """Text, also alone in a list. Raises TypeError for anything else."""
    if isinstance(answer, tuple | list) and len(answer) == 1:
        return _text(answer[0])
    if not isinstance(answer, str):
        raise TypeError
    return answer


def _most_denies(answer: object, facts: Facts) -> Judged:
    number, entries = _number(answer), facts.entries
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
EXAMPLE_NUMBER = "one whole number, such as 7000"
EXAMPLE_PORTS = "two whole numbers in parentheses, the first port and the last one, such as (20, 25)"
EXAMPLE_BLOCK = 'an IPv6 CIDR block in quotes, such as "2001:db8::/32"'

EXERCISES = {
    "own_network_acl": Exercise(
        "Asked with boto3",
        "AWS’s reply about your network ACL, and no other",
        "the call itself, such as ec2.describe_vpcs()",
        judge_network_acls,
    ),
    "last_number": Exercise(
        "The last entry", "the rule number that AWS gives to the entry *", EXAMPLE_NUMBER, _last_number
    ),
    "rule_sets": Exercise(
        "Asked with requests",
        "the service’s reply with the rule sets",
        'the call itself, such as hawk.get("/v2/agents")',
        judge_rule_sets,
    ),
    "new_entry": Exercise(
        "Written with boto3",
        "egress entry 150, which denies 198.51.100.80/32 for every protocol",
        "the call itself, ec2.create_network_acl_entry(…)",
        judge_new_entry,
    ),
    "busiest_program": Exercise(
        "The busiest program",
        "the program that connected to the most addresses",
        'its name in quotes, such as "/usr/bin/nc"',
        judge_program,
    ),
    "rule_number": Exercise(
        "A number that works", f"a rule number at which {MIRROR} is denied", EXAMPLE_NUMBER, _rule_number
    ),
    "answer_ports": Exercise("The ports of an answer", "ports that let every answer in", EXAMPLE_PORTS, _answer_ports),
    "ipv6_block": Exercise(
        "The other address", "an IPv6 CIDR block with that host, and not with others", EXAMPLE_BLOCK, _ipv6_block
    ),
    "most_denies": Exercise(
        "How many fit",
        "the most IPv4 addresses that the responder can deny here",
        "one whole number, such as 7",
        _most_denies,
    ),
}
