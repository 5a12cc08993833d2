"""The exercises of part 3: whether a student's answer is right for the entries that exist now.

A blank that is still `...` is not answered yet. An answer is judged by the code that decides about packets; it is not
compared with a stored one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import EllipsisType

from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import InvalidInput
from labkit.model.network_acl import (
    ENTRY_QUOTA,
    Decision,
    Entry,
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

EPHEMERAL_PORTS = (32768, 44444, 60999)
"""Ports that a reply may be sent to: the ends of Linux's range, and one between.

Source: Linux, Documentation/networking/ip-sysctl.rst, ip_local_port_range.
"""

Judged = tuple[bool, str, str]
"""Whether it is right, what was found, what to do next."""


@dataclass(frozen=True)
class Exercise:
    """title: for people. expected: in words. judge: raises InvalidInput or TypeError for a malformed answer."""

    title: str
    expected: str
    judge: Callable[[object, tuple[Entry, ...]], Judged]

    def check(self, answer: object, entries: Iterable[Entry] = ()) -> CheckResult:
        """Judge an answer.

        >>> default = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]
        >>> print(EXERCISES["rule_number"].check(..., default))
        not yet: A number that works. Expected a rule number at which 198.51.100.80 is denied; found the blank, still \
empty. Next: Write your answer in place of the three dots, and run the cell again.
        >>> EXERCISES["rule_number"].check(150, default).found
        'Entry 150 is never reached for this packet: 100 allows all'
        >>> EXERCISES["rule_number"].check(50, default).passed
        True
        """
        if isinstance(answer, EllipsisType):
            words = "Write your answer in place of the three dots, and run the cell again."
            return self._result(Outcome.NOT_YET, "the blank, still empty", words)
        try:
            right, found, next_step = self.judge(answer, tuple(entries))
        except InvalidInput as error:
            return self._result(Outcome.WRONG, error.what, f"{error.why} {error.next_step}".strip())
        except (TypeError, ValueError):
            return self._result(Outcome.WRONG, repr(answer)[:80], "Write it in the form that the text asks for.")
        return self._result(Outcome.PASSED if right else Outcome.WRONG, found, next_step)

    def _result(self, outcome: Outcome, found: str, next_step: str) -> CheckResult:
        return CheckResult("exercise", self.title, outcome, self.expected, found.removesuffix("."), next_step)


def _rule_number(answer: object, entries: tuple[Entry, ...]) -> Judged:
    if not isinstance(answer, int | str):
        raise TypeError
    entry = new_entry(rule_number=answer, rule_action="deny", cidr_block=f"{MIRROR}/32", egress=True)
    tried = what_if(entries, entry, Packet.outbound(MIRROR, "tcp", 80))
    right = tried.after.deciding == entry
    return right, tried.sentence, "" if right else "Which number comes before the entry that decides now?"


def _answer_ports(answer: object, entries: tuple[Entry, ...]) -> Judged:
    if not isinstance(answer, tuple | list):
        raise TypeError
    first, last = answer
    entry = new_entry(
        rule_number=50, rule_action="allow", cidr_block="0.0.0.0/0", egress=False, protocol="tcp", ports=(first, last)
    )
    decisions: list[Decision] = [decide([entry], Packet.inbound(MIRROR, "tcp", port)) for port in EPHEMERAL_PORTS]
    dropped = [decision.packet for decision in decisions if not decision.allowed]
    if not dropped:
        return True, f"answers from port 80 get in, to {EPHEMERAL_PORTS[0]} as to {EPHEMERAL_PORTS[-1]}", ""
    return False, f"an answer is dropped: {dropped[0]}", "Port 80 is where the answer comes from. Where does it go?"


def _ipv6_block(answer: object, entries: tuple[Entry, ...]) -> Judged:
    if not isinstance(answer, str):
        raise TypeError
    network = ipaddress.ip_network(validate_cidr_block(answer, ipv6=":" in answer))
    if network.version == 4 or ipaddress.ip_address(SIX) not in network:
        return False, f"{network} does not contain the address that answered", "Read curl’s output again."
    if ipaddress.ip_address(GOOD_SIX) in network:
        return False, f"{network} also contains updates.example.org, {GOOD_SIX}", "Write a single address: /128."
    if network.num_addresses > 1:
        return False, f"{network} also contains other hosts than {SIX}", "Write a single address: /128."
    return True, f"{network} is that host alone", ""


def _most_denies(answer: object, entries: tuple[Entry, ...]) -> Judged:
    own = [entry for entry in own_entries(entries) if not entry.ipv6]
    others = entries_used(entries, egress=True) - len(own)
    right = (whole_number(clean(answer).value) if isinstance(answer, str) else answer) == ENTRY_QUOTA - others
    found = f"{ENTRY_QUOTA} less the {others} egress IPv4 entries that are not the responder’s"
    return right, found if right else repr(answer)[:80], "" if right else "Count * too: it uses one of the 20."


EXERCISES = {
    "rule_number": Exercise("A number that works", f"a rule number at which {MIRROR} is denied", _rule_number),
    "answer_ports": Exercise("The ports of an answer", "ports that let every answer in", _answer_ports),
    "ipv6_block": Exercise("The other address", "an IPv6 CIDR block with that host, and not with others", _ipv6_block),
    "most_denies": Exercise("How many fit", "the most IPv4 addresses that the responder can deny here", _most_denies),
}
