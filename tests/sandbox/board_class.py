"""Students who share one AWS account, each with notes of their own, and every HTTP request that is made counted."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from labkit import backends, steps
from labkit.model.check import CheckResult
from labkit.steps.world import World


def students_own_world(folder: Path, number: int, keys: bool = True) -> World:
    """The world as it is for one student at a machine of their own. keys: whether they have entered them."""
    opened = backends.open_world().opened
    world = World(replace(opened, home=folder / f"student-{number}", student=""))
    world.notes.save(student=number)
    world.use_keys(world.opened.cloud_account() if keys else None)
    return world


def solved(world: World, what: str) -> World:
    """The world after the student did a step or a chapter."""
    for _, result in steps.solve(world, steps.named(what)):
        assert result.passed, str(result)
    return world


def own_status(world: World) -> list[CheckResult]:
    """What `lab.status()` says to that student."""
    return list(steps.status(world))


@contextmanager
def requests_counted() -> Iterator[list[str]]:
    """Every HTTP request that this process sends meanwhile, whichever library sends it, as `METHOD /path`."""
    sent: list[str] = []
    send = http.client.HTTPConnection.putrequest

    def counted(self: http.client.HTTPConnection, method: str, url: str, *more: bool, **options: bool) -> None:
        sent.append(f"{method} {url.partition('?')[0]}")
        send(self, method, url, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http.client.HTTPConnection, "putrequest", counted)
        yield sent
