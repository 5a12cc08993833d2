"""A student's progress: a native progress bar and the steps with their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from labkit.model.check import CheckResult
from labkit.views.panels.basic import SYMBOLS
from labkit.views.panels.chapter_map import ChapterMap, ChapterOnMap
from labkit.views.view import View, text_table

BACKEND_WORDS = {"sandbox": "sandbox on this machine", "live": "live, the real service"}


@dataclass(frozen=True, repr=False)
class Progress(View):
    """The steps and how many are done. links: maps a step's key to the address of its cell."""

    results: Sequence[CheckResult]
    links: Mapping[str, str] = field(default_factory=dict)

    template: ClassVar[str] = "progress.html.j2"

    @property
    def done(self) -> int:
        return sum(result.passed for result in self.results)

    @property
    def next(self) -> dict[str, str] | None:
        """The first step that is not done; None when all are, or where no step has a link."""
        rows = zip(self.results, self.steps(), strict=True)
        return next((row for result, row in rows if not result.passed and row["link"]), None)

    def steps(self) -> list[dict[str, str]]:
        """Each step as its template row: symbol, outcome in words, title, link."""
        return [
            {
                "symbol": SYMBOLS[result.outcome],
                "word": result.outcome.value,
                "title": result.title,
                "link": self.links.get(result.step, ""),
            }
            for result in self.results
        ]

    def text(self) -> str:
        rows = [[f"{step['symbol']} {step['word']}", step["title"]] for step in self.steps()]
        return f"{self.done} of {len(self.results)} steps done\n" + text_table(["Outcome", "Step"], rows)

    def records(self) -> list[dict[str, object]]:
        return [
            {"step": one.step, "title": one.title, "outcome": one.outcome.value, "found": one.found,
             "next_step": one.next_step}
            for one in self.results
        ]  # fmt: skip


@dataclass(frozen=True, repr=False)
class StatusLine(View):
    """The top of a chapter: who, where, and how far.

    aws, detection: `sandbox`, `live`, or other words. account: AWS account id; "" if no keys are entered.
    host: the tier of the host's range and the reason; "" to leave it out. remark: what to know before beginning.
    notice: what to know about the sandbox's files. chapters: all of them, for the map. follow: keeps it up to date
    where it is displayed.
    """

    student: int | None
    aws: str
    detection: str
    region: str
    account: str
    results: Sequence[CheckResult] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    remark: str = ""
    notice: str = ""
    chapters: Sequence[ChapterOnMap] = ()
    follow: Callable[[StatusLine], None] | None = field(default=None, compare=False)

    template: ClassVar[str] = "status_line.html.j2"
    own_style: ClassVar[str] = "chapter_map.css"

    def _ipython_display_(self) -> None:
        """Keep it up to date where it is displayed, if there is a `follow`."""
        if self.follow is None:
            raise NotImplementedError  # IPython then shows it as any other
        self.follow(self)

    @property
    def progress(self) -> Progress:
        return Progress(self.results, self.links)

    @property
    def map(self) -> ChapterMap:
        return ChapterMap(self.chapters)

    @property
    def onward(self) -> ChapterOnMap | None:
        """The next chapter, once nothing is left to do in this one."""
        return None if self.progress.next else self.map.onward

    def facts(self) -> list[tuple[str, str]]:
        """The student and the backends, as names and text."""
        aws = [BACKEND_WORDS.get(self.aws, self.aws)]
        if "account " not in self.aws:  # which a class's label contains already
            aws.append(f"account {self.account}" if self.account else "no keys yet")
        return [
            *([("Host", self.host)] if self.host else []),
            ("Student", str(self.student) if self.student is not None else "no number yet"),
            ("AWS", ", ".join([*aws, f"region {self.region}"])),
            ("Detection", BACKEND_WORDS.get(self.detection, self.detection)),
            *([("Alerts", self.remark)] if self.remark else []),
            *([("Sandbox", self.notice)] if self.notice else []),
        ]

    def text(self) -> str:
        lines = [f"{name}: {words}" for name, words in self.facts()]
        lines = [self.map.text(), *lines] if self.chapters else lines
        return "\n".join([*lines, self.progress.text()] if self.results else lines)

    def records(self) -> list[dict[str, object]]:
        return self.progress.records()


@dataclass(frozen=True, repr=False)
class Working(View):
    """Work in progress: `value` of `total` steps."""

    doing: str
    value: int
    total: int

    template: ClassVar[str] = "working.html.j2"

    def text(self) -> str:
        return f"{self.doing}: {self.value} of {self.total} steps"
