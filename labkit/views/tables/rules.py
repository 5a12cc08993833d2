"""Views of a detection rule: in a list, on a card, and its filter explained for one event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.detection.criteria import Criteria
from labkit.model.detection.rule import Rule
from labkit.model.rule_filter import Explanation
from labkit.views.view import TableView, View

TRUTH_WORDS = {True: "✓ true", False: "– false"}


def enabled_words(rule: Rule) -> str:
    """Whether a rule is enabled, in a symbol and a word."""
    return "✓ enabled" if rule.enabled else "○ not enabled"


@dataclass(frozen=True, repr=False)
class RuleTable(TableView):
    """The rules of a rule set. yours: the name of the student's own rule."""

    rules: Sequence[Rule]
    ruleset: str = ""
    yours: str = ""

    kinds: ClassVar[tuple[str, ...]] = ("", "state", "n")
    headers: ClassVar[list[str]] = ["Rule name", "Enabled", "Severity", "RuleID"]

    @property
    def yours_enabled(self) -> bool | None:
        """Whether the student's own rule is enabled; None where there is none."""
        return next((rule.enabled for rule in self.rules if rule.name == self.yours), None)

    @property
    def caption(self) -> str:
        return f"Rules in the rule set {self.ruleset}" if self.ruleset else "Rules"

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each rule as cells, and whether it is the student's."""
        return [
            ([rule.name, enabled_words(rule), str(rule.severity), rule.id + (" ◀ yours" if mine else "")], mine)
            for rule in self.rules
            for mine in [rule.name == self.yours]
        ]

    def records(self) -> list[dict[str, object]]:
        return [
            {"name": rule.name, "enabled": rule.enabled, "severity": rule.severity, "rule_id": rule.id}
            for rule in self.rules
        ]


@dataclass(frozen=True, repr=False)
class RuleCard(View):
    """One rule with its five criteria and its settings. ruleset: the name of its rule set."""

    rule: Rule
    ruleset: str = ""

    template: ClassVar[str] = "rule_card.html.j2"

    @property
    def enabled_words(self) -> str:
        return enabled_words(self.rule)

    def facts(self) -> list[tuple[str, str]]:
        """The rule's fields except the filter, labelled as in the lab's text."""
        rule = self.rule
        facts = [
            ("Alert Title", rule.title),
            ("Alert Description", rule.alert_description),
            ("Aggregate Fields", ", ".join(rule.aggregate_fields)),
            ("Severity", f"{rule.severity} (1 is the highest)"),
            (
                "Threshold",
                f"{rule.threshold} event{'' if rule.threshold == 1 else 's'} within {rule.window_seconds} seconds",
            ),
            ("Suppressions", " · ".join(rule.suppressions) or "none"),
            ("Rule set", self.ruleset or rule.ruleset_id),
            ("RuleID", rule.id),
        ]
        return [(name, words) for name, words in facts if words]

    def text(self) -> str:
        facts = [*self.facts(), ("Rule Filter", self.rule.filter)]
        return "\n".join([f"{self.rule.name} ({self.enabled_words})", *(f"  {name}: {words}" for name, words in facts)])

    def records(self) -> list[dict[str, object]]:
        criteria = Criteria.of(self.rule)
        return [{**vars(criteria), "rule_id": self.rule.id, "enabled": self.rule.enabled}]


@dataclass(frozen=True, repr=False)
class ExplanationTree(View):
    """Why a filter is true or false for an event: a tree of results, values and reasons."""

    explanation: Explanation
    title: str = ""

    template: ClassVar[str] = "explanation.html.j2"
    truth_words: ClassVar[dict[bool, str]] = TRUTH_WORDS

    @property
    def outcome(self) -> str:
        """The result of the whole filter."""
        if self.explanation.verdict:
            return "✓ The filter matches: an enabled rule raises an alert."
        return "– The filter does not match: no alert."

    def text(self) -> str:
        lines = [self.title] if self.title else []
        lines.append(self.outcome)
        for depth, node in self._walk(self.explanation, 0):
            reason = f": {node.reason}" if node.reason else ""
            lines.append(f"{'  ' * depth}{TRUTH_WORDS[bool(node.verdict)]}  {node.label}{reason}")
        return "\n".join(lines)

    def _walk(self, node: Explanation, depth: int) -> Iterator[tuple[int, Explanation]]:
        yield depth, node
        for child in node.children:
            yield from self._walk(child, depth + 1)

    def records(self) -> list[dict[str, object]]:
        return [
            {"depth": depth, "clause": node.label, "verdict": bool(node.verdict), "reason": node.reason}
            for depth, node in self._walk(self.explanation, 0)
        ]
