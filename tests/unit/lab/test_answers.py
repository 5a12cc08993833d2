"""What a person may type where an address or an answer is wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from labkit.lab.part_3_host import _address_to_suppress
from labkit.model.by_hand import Facts
from labkit.model.check import Outcome
from labkit.model.detection.records import Alert
from labkit.model.errors import InvalidInput
from labkit.model.exercise import EXERCISES
from labkit.model.network_acl import Entry

DEFAULT = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]


def test_only_an_address_can_be_suppressed_and_a_name_is_reported_with_its_address() -> None:
    assert _address_to_suppress(" 198.51.100.7 ") == "198.51.100.7"
    with pytest.raises(InvalidInput, match=r"198\.51\.100\.7"):
        _address_to_suppress("example.com")


SIX = "2001:db8:bad::10"
HAND_WRITTEN = [*DEFAULT, Entry(100, False, "allow", "-1", "0.0.0.0/0"), Entry(32767, False, "deny", "-1", "0.0.0.0/0")]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *(("rule_number", one) for one in (50, 1, 99, "50", " '50' ", [50], (50,), "[50]", 50.0)),
        *(("answer_ports", one) for one in ((32768, 60999), [1024, 65535], (0, 65535), ("32768", "60999"))),
        *(("answer_ports", one) for one in ("(32768, 60999)", "1024-65535", "[1024, 65535]", range(32768, 61000))),
        *(("ipv6_block", one) for one in (f"{SIX}/128", f" '{SIX}/128' ", "2001:DB8:BAD::10/128", [f"{SIX}/128"])),
        *(("most_denies", one) for one in (18, "18", " 18. ", [18], 18.0)),
    ],
)
def test_a_right_answer_is_right_in_any_form(name: str, answer: object) -> None:
    result = EXERCISES[name].check(answer, Facts(tuple(HAND_WRITTEN)))
    assert result.passed, result


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("answer", [..., None, "", " ", "...", "…", "None", (), [], (..., ...), [None], (1, ...)])
def test_a_blank_is_not_yet_answered(name: str, answer: object) -> None:
    result = EXERCISES[name].check(answer, Facts(tuple(HAND_WRITTEN)))
    assert (result.outcome, result.found) == (Outcome.NOT_YET, "the blank, still empty")


class Unspeakable:
    def __repr__(self) -> str:
        raise OSError


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize(
    "answer",
    [True, False, "first", ("first", "last"), {1, 2}, {"a": 1}, object(), int, print, Unspeakable(), b"50",
     float("nan"), float("inf"), 10**5000, [1, 2, 3], [[1], [2]], "x" * 100_000, "9" * 30, 2.5,
     -1, 1j, ("", ""), "１２"],
    ids=lambda answer: type(answer).__name__,
)  # fmt: skip
def test_anything_else_is_not_right_and_the_form_or_the_range_is_reported(name: str, answer: object) -> None:
    result = EXERCISES[name].check(answer, Facts(tuple(HAND_WRITTEN)))
    assert not result.passed and (result.next_step or result.outcome is Outcome.NOT_YET), result
    assert len(str(result)) < 700


@pytest.mark.parametrize(
    ("name", "answer", "help_given"),
    [
        ("rule_number", 150, "Which number comes before"),
        ("rule_number", 101, "Which number comes before"),
        ("rule_number", 100, "Choose another number"),
        ("rule_number", 0, "AWS accepts 1 to 32766"),
        ("rule_number", 32767, "AWS accepts 1 to 32766"),
        ("rule_number", "fifty", "one whole number"),
        ("rule_number", "198.51.100.80", "The address is known"),
        ("rule_number", "198.51.100.80/32", "The address is known"),
        ("rule_number", (1, 2), "one whole number"),
        ("answer_ports", 80, "any of many ports"),
        ("answer_ports", "80", "any of many ports"),
        ("answer_ports", (41234,), "any of many ports"),
        ("answer_ports", (80, 80), "where the answer comes from"),
        ("answer_ports", (1, 1023), "where the answer comes from"),
        ("answer_ports", (32769, 60999), "Too few ports"),
        ("answer_ports", (32768, 60998), "Too few ports"),
        ("answer_ports", (41234, 41234), "Too few ports"),
        ("answer_ports", (60999, 32768), "the lower one first"),
        ("answer_ports", (1024, 65536), "Ports are 0 to 65535"),
        ("answer_ports", (-1, 60999), "Ports are 0 to 65535"),
        ("answer_ports", ("first", "last"), "two whole numbers"),
        ("answer_ports", (1024, 32768, 60999), "two whole numbers"),
        ("answer_ports", "first, last", "two whole numbers"),
        ("ipv6_block", SIX, "Add it"),
        ("ipv6_block", f"{SIX}/64", "128 bits"),
        ("ipv6_block", f"{SIX}/127", "128 bits"),
        ("ipv6_block", f"{SIX}/32", "128 bits"),
        ("ipv6_block", f"{SIX}/129", "one address is written with /128"),
        ("ipv6_block", "::/0", "128 bits"),
        ("ipv6_block", "2001:db8:bad::11/128", "Which address answered"),
        ("ipv6_block", "2001:db8:900d::20/128", "Which address answered"),
        *(("ipv6_block", one, "Which address answered") for one in ("203.0.113.66", "203.0.113.66/32")),
        ("ipv6_block", "six.dadismad.com", "not names"),
        ("ipv6_block", 101, "says when an entry is tried"),
        ("ipv6_block", "101", "says when an entry is tried"),
        ("ipv6_block", (SIX, 128), "in quotes"),
        ("most_denies", 19, "Count * too"),
        ("most_denies", 20, "used by entries that are not the responder’s"),
        ("most_denies", "20", "used by entries that are not the responder’s"),
        ("most_denies", 22, "More than the quota"),
        ("most_denies", 40, "More than the quota"),
        ("most_denies", 16, "a quota of their own"),
        ("most_denies", 17, "More fit"),
        ("most_denies", 0, "More fit"),
        ("most_denies", "eighteen", "one whole number"),
    ],
)
def test_a_wrong_answer_gets_the_help_that_fits_it(name: str, answer: object, help_given: str) -> None:
    result = EXERCISES[name].check(answer, Facts(tuple(HAND_WRITTEN)))
    assert result.outcome is Outcome.WRONG and help_given in result.next_step, result


WRONG = {
    "own_network_acl": {"Vpcs": []},
    "last_number": 100,
    "rule_sets": "/v2/rulesets",
    "new_entry": {},
    "busiest_program": "wget",
    "rule_number": 150,
    "answer_ports": 80,
    "ipv6_block": "203.0.113.66/32",
    "most_denies": 20,
}


@pytest.mark.parametrize("name", EXERCISES)
def test_the_help_grows_with_each_wrong_answer_from_what_fits_it_to_a_hint_to_the_solution(name: str) -> None:
    exercise, facts = EXERCISES[name], Facts(tuple(HAND_WRITTEN))
    first, second, third, fourth = (exercise.check(WRONG[name], facts, before).next_step for before in range(4))
    assert first and exercise.hint not in first and exercise.solution not in first
    assert second == f"{first} Hint: {exercise.hint}" and exercise.solution not in second
    assert third == fourth == f"The solution is: {exercise.solution}"
    assert exercise.check(..., facts, 2).next_step == exercise.check(..., facts).next_step


def test_a_number_that_works_is_right_although_the_responder_denied_the_address_meanwhile() -> None:
    entries = [*DEFAULT, Entry(2, True, "deny", "-1", "198.51.100.80/32")]
    assert EXERCISES["rule_number"].check(50, Facts(tuple(entries))).passed
    assert "taken" in EXERCISES["rule_number"].check(2, Facts(tuple(entries))).found


MINE, OTHER = {"NetworkAclId": "acl-0a"}, {"NetworkAclId": "acl-0b"}
DENY_150 = Entry(150, True, "deny", "-1", "198.51.100.80/32")


def alert(exe: str, address: str) -> Alert:
    return Alert("1", "Self Protect", 1, "", aggregates=(("exe", exe), ("dst_ip", address)))


FACTS = Facts(
    (*DEFAULT, DENY_150),
    "acl-0a",
    (alert("/usr/bin/curl", "203.0.113.10"), alert("/usr/bin/curl", "203.0.113.11"), alert("/usr/bin/nc", "10.0.0.2")),
)


class Reply:
    """A reply of requests, as far as an exercise looks at it."""

    def __init__(self, status_code: int, document: object) -> None:
        self.status_code, self._document = status_code, document

    def json(self) -> object:
        return self._document


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *(("own_network_acl", one) for one in ({"NetworkAcls": [MINE]}, [MINE], MINE)),
        *(
            ("rule_sets", one)
            for one in (
                Reply(200, {"rulesets": [{"name": "Base Rule Set"}]}),
                {"rulesets": [{"name": "Base Rule Set"}]},
            )
        ),
        *(("last_number", one) for one in (32767, "32767", numpy.int64(32767), numpy.float64(32767))),
        ("new_entry", {"ResponseMetadata": {}}),
        *(("busiest_program", one) for one in ("/usr/bin/curl", "curl", " curl ", ["curl"])),
    ],
)
def test_a_reply_of_a_bare_library_is_judged_by_what_it_says_or_left_behind(name: str, answer: object) -> None:
    assert EXERCISES[name].check(answer, FACTS).passed


@pytest.mark.parametrize(
    ("name", "answer", "facts", "words"),
    [
        ("own_network_acl", {"NetworkAcls": [MINE, OTHER]}, FACTS, "in quotes: acl-0a"),
        ("own_network_acl", {"NetworkAcls": [OTHER]}, FACTS, "acl-0b, not yours"),
        ("own_network_acl", {"Vpcs": []}, FACTS, "Call describe_network_acls"),
        ("own_network_acl", "acl-0a", FACTS, "Write the call itself"),
        ("own_network_acl", dict.copy, FACTS, "Write parentheses"),
        ("rule_sets", Reply(401, {}), FACTS, "HTTP status 401"),
        ("rule_sets", Reply(200, {"agents": []}), FACTS, "Ask for /v2/rulesets"),
        ("rule_sets", "/v2/rulesets", FACTS, "Write the call itself"),
        ("last_number", 100, FACTS, "tried last"),
        ("last_number", 7, FACTS, "no entry"),
        ("new_entry", {}, Facts(DEFAULT), "RuleNumber=150"),
        ("new_entry", {}, Facts((replace(DENY_150, egress=False),)), "set Egress=True"),
        ("new_entry", {}, Facts((replace(DENY_150, rule_action="allow"),)), "lab.remove_entry(150)"),
        ("busiest_program", "nc", FACTS, "Count the different addresses"),
        ("busiest_program", "wget", FACTS, "column exe"),
        ("busiest_program", "curl", Facts(), "Let a program connect first"),
    ],
)
def test_a_reply_that_is_not_what_was_asked_for_says_what_it_is(
    name: str, answer: object, facts: Facts, words: str
) -> None:
    result = EXERCISES[name].check(answer, facts)
    assert result.outcome is Outcome.WRONG and words in f"{result.found}. {result.next_step}", result
