"""`labkit status`: a line a step, and the command for the next one."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from labkit.model.check import CheckResult, Outcome
from labkit.views.terminal import columns, echo, in_terminal, one_line, prose, styled, wrapped

SIGNS = {Outcome.PASSED: "✓", Outcome.NOT_YET: "○", Outcome.WRONG: "✕", Outcome.COULD_NOT_LOOK: "?"}
NEXT = "▶"
COLOURS = {"✓": "green", "✕": "red", "?": "yellow", NEXT: "cyan"}
PATIENCE_SECONDS = 1.0
"""What takes longer is named meanwhile."""

NARROW = 40
"""Columns below which what was found stands below the key."""


@click.argument("what", default="", metavar="[STEP|CHAPTER]")
@click.option("-v", "--verbose", is_flag=True, help="Each step in full: expected, to do, calls made.")
@click.option("--json", "as_json", is_flag=True, help='As JSON: {"steps": [{key, chapter, title, passed, …}]}.')
def status(what: str, verbose: bool, as_json: bool) -> None:
    """Show how far you are: run every step's check now.

    ✓ done, ▶ next, ○ not yet, ✕ not right, ? could not look.
    """
    from labkit import steps
    from labkit.cli.steps import chosen_steps

    if not (chosen := chosen_steps(what, "look at", as_json)):
        return
    with _patience() as wait_for:
        wait_for("the sandbox")
        from labkit.steps.rehearsal import earlier_alerts
        from labkit.steps.session import open_session

        session = open_session()
        if not as_json:
            wait_for("the host")
            _head("\n".join((session.host_words, session.backend.sentence)))
        results = list[CheckResult]()
        for result in _awaited(steps.status(session, chosen), [step.title for step in chosen], wait_for):
            is_next = all(one.passed for one in results)
            results.append(result)
            if not as_json:
                _say(result, is_next, verbose)
        if not as_json:
            wait_for("the alerts")
            if any(one.step == "host_subnet" and one.passed for one in results) and (words := earlier_alerts(session)):
                _head(words)
            _head(session.backend.aws.notice())  # known once its files were read, as the checks have
            unseen = sum(one.outcome is Outcome.COULD_NOT_LOOK for one in results)
            more = f", {unseen} could not be looked at" if unseen else ""
            echo(f"{sum(one.passed for one in results)} of {len(results)} steps done{more}.")
    if as_json:
        echo(json.dumps({"steps": [_as_json(steps.BY_KEY[one.step].chapter, one) for one in results]}))


def _awaited(results: Iterator[CheckResult], titles: Sequence[str], wait_for: Any) -> Iterator[CheckResult]:
    """The results, naming the step that is waited for."""
    for title in titles:
        wait_for(title)
        yield next(results)


def _say(result: CheckResult, is_next: bool, verbose: bool) -> None:
    sign = NEXT if is_next and result.outcome is Outcome.NOT_YET else SIGNS[result.outcome]
    width = columns()
    found = _found(result)
    if verbose:
        _wrapped(sign, f"{result.title} ({result.step}): {result.outcome.value}")
        details = [f"Found: {found}"]
        if not result.passed:
            details += [f"Expected: {result.expected}", in_terminal(result.next_step)]
        for line in filter(None, [*details, *(f"Looked at: {call}" for call in result.looked_at)]):
            _wrapped(" ", line)
    elif width < NARROW:
        _wrapped(sign, f"{result.step}: {found}")
    else:
        words = f"{result.step:<15} {found}"
        room = max(width, NARROW) - 3
        echo(_signed(sign), " ", words if len(words) <= room else f"{words[: room - 1].rstrip()}…")
    if is_next and not result.passed:
        _wrapped(" ", f"→ {_command(result)}")


def _found(result: CheckResult) -> str:
    return one_line(in_terminal(result.found if result.found != "skipped" else result.next_step))


def _command(result: CheckResult) -> str:
    """What does the step. Where something is wrong or was not seen, doing it again may not help: the check knows."""
    if result.outcome is Outcome.NOT_YET:
        return in_terminal(f"labkit solve {result.step}")
    return in_terminal(result.next_step)


def _signed(sign: str) -> str:
    return styled(sign, fg=COLOURS.get(sign))


def _wrapped(sign: str, words: str) -> None:
    """A sign, and words beside it over as many lines as they need; an id is not broken while it fits on a line."""
    first, *rest = wrapped(words, 3)
    echo(_signed(sign), " ", first)
    for line in rest:
        echo("  ", line)


def _head(words: str) -> None:
    if words:
        echo(prose(in_terminal(words)))


@contextmanager
def _patience() -> Iterator[Any]:
    """Say on the error output what is waited for, once it has taken a second. Yields what to call with its name."""
    now, ended = [""], threading.Event()

    def watch() -> None:
        said = before = ""
        while not ended.wait(PATIENCE_SECONDS):
            if (name := now[0]) == before != said:
                echo(f"… waiting for: {name}", err=True)
                sys.stderr.flush()
                said = name
            before = name

    now[0] = ""
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield lambda name: now.__setitem__(0, name)
    finally:
        ended.set()


def _as_json(chapter: str, result: CheckResult) -> dict[str, Any]:
    return {
        "key": result.step,
        "chapter": chapter,
        "title": result.title,
        "passed": result.passed,
        "outcome": result.outcome.value,
        "found": in_terminal(result.found),
        "expected": result.expected,
        "next_step": in_terminal(result.next_step),
    }
