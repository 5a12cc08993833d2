"""A command that wants a shell says so, and how; a program that is missing gets the advice that fits it."""

from __future__ import annotations

import pytest

from labkit.model.command_line import missing_program, parse_command
from labkit.model.errors import InvalidInput


@pytest.mark.parametrize(
    "command",
    [
        "curl -s dadismad.com | head -1",
        "curl -s dadismad.com|head -1",
        "curl dadismad.com > page.html",
        "curl dadismad.com 2>/dev/null",
        "cd /tmp && ls",
        "curl dadismad.com; curl example.com",
        "curl dadismad.com &",
        "curl $SITE",
        'curl "http://$SITE/"',
        "curl `cat site`",
        "curl $(cat site)",
        "ls ~",
        "SITE=dadismad.com curl dadismad.com",
    ],
)
def test_a_command_that_wants_a_shell_is_refused_with_the_call_that_gives_it_one(command: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_command(command)

    assert "shell" in refused.value.why
    written = refused.value.next_step.removeprefix("Write: lab.run(").removesuffix(")")
    assert parse_command(eval(written)) == ["sh", "-c", command]


@pytest.mark.parametrize(
    "command",
    [
        "curl 'http://dadismad.com/?a=1&b=2'",
        "curl http://dadismad.com/?a=1&b=2",
        "curl -w '%{http_code} | $NAME' dadismad.com",
        r"echo a\|b",
        "curl -sS --max-time 2 198.51.100.[101-122]",
        'curl -H "Accept: a; b" dadismad.com',
        "echo 5$",
        "curl http://dadismad.com/~root",
    ],
)
def test_what_only_looks_like_it_runs(command: str) -> None:
    assert parse_command(command)[0] in ("curl", "echo")


def test_curly_quotes_are_reported_with_the_command_as_it_should_be() -> None:
    with pytest.raises(InvalidInput, match="curly quotes") as refused:
        parse_command("curl -H “Accept: text/html” dadismad.com")
    assert refused.value.next_step == """Write: lab.run('curl -H "Accept: text/html" dadismad.com')"""


def test_a_quote_that_is_not_closed_is_reported() -> None:
    with pytest.raises(InvalidInput, match="opened and not closed"):
        parse_command("curl 'dadismad.com")


def test_words_in_a_list_are_taken_as_they_are() -> None:
    assert parse_command(["curl", "a|b", "$X"]) == ["curl", "a|b", "$X"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cd", "a word of the shell"),
        ("export", "sh -c"),
        ("Curl", "Write: curl"),
        ("ping", "curl dadismad.com"),
        ("ping", "sudo apt install iputils-ping"),
        ("nslookup", "getent ahosts"),
        ("nslookup", "sudo apt install bind9-dnsutils"),
        ("jq", "sudo apt install jq"),
    ],
)
def test_a_program_that_is_missing_gets_the_advice_that_fits_it(name: str, said: str) -> None:
    assert said in str(missing_program(name, lambda other: other == "curl"))


def test_nobody_is_asked_to_install_a_word_of_the_shell() -> None:
    assert "apt" not in str(missing_program("cd", lambda _: False))
