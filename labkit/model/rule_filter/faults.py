"""Errors in a filter: where, what was expected there, and how to correct it.

The table below lists typical mistakes of people who know other query languages. The help pages of the original never
showed `not`, `in`, `<` or regular expressions, so the parser rejects them: a rule that used one would not have run.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from labkit.model.errors import FilterError

EXAMPLE = 'event_type = "audit" and syscall = "connect"'
_WIDTH = 60
_LONGEST_WORD = 40
_NOT_SUPPORTED = "The original service did not support it."

_KEY, _OPERATOR, _VALUE, _JOIN = "a key", "an operator", "a value", "and or or"
_EXPECTED = {
    _KEY: "Expected here: a key, such as user or connection.dst_addr, or an opening parenthesis.",
    _OPERATOR: "Expected here: an operator, one of = != like starts_with ends_with.",
    _VALUE: 'Expected here: a value: a string in quotes, such as "root", a number, or null.',
    _JOIN: "Expected here: and, or, a closing parenthesis, or the end of the filter.",
}

_COMPARISONS = "Compare with = or !=; for a range of addresses write a CIDR block."
_MISTAKES: dict[str, tuple[tuple[str, str], ...]] = {
    _KEY: (
        (r"not\b|!(?!=)", f"{_NOT_SUPPORTED} Write != in the clause instead."),
        (r"&&|\|\|", "Write and or or, between two clauses."),
        (r"\)", "Write a clause before this parenthesis, or remove both."),
        (r"(and|or)\b", "Write a clause before this word, or remove the word."),
        (r"(like|starts_with|ends_with|=|!=)", "Write the key before the operator."),
        (r"in\b|null\b", "Choose another key: this word is reserved."),
        (r"[\"']", "Write the key without quotes."),
    ),
    _OPERATOR: (
        (r"<>", "Write != instead of <>."),
        (r"<=|>=|<|>", f"{_NOT_SUPPORTED} {_COMPARISONS}"),
        (r"starts?[ _-]?with|begins?[ _-]?with|prefix", "Write starts_with."),
        (r"ends?[ _-]?with|suffix", "Write ends_with."),
        (r"not\s+in\b", f"{_NOT_SUPPORTED} Write one != clause for each value, joined by and."),
        (r"in\b", f"{_NOT_SUPPORTED} Write one = clause for each value, joined by or, in parentheses."),
        (r"is\s+not\b|not\b|!", f"{_NOT_SUPPORTED} Write != instead."),
        (r"is\b|equals?\b|eq\b|:=?", "Write = instead."),
        (r"contains?\b|includes?\b|has\b|ilike\b", "Write like: it finds text anywhere in the value."),
        (r"matches\b|regexp?\b|=?~", f"{_NOT_SUPPORTED} Write like, starts_with or ends_with and plain text."),
        (r"[\"']|[0-9]", "Write = before the value."),
        (r"(and|or)\b|\)", "Write an operator and a value before it."),
        (r"≠", "Write != instead."),
        (r"[≤≥]", f"{_NOT_SUPPORTED} {_COMPARISONS}"),
        (r"\.", "Write a key with single dots between its parts and none at the end."),
    ),
    _VALUE: (
        (r"=", "Write = instead of ==."),
        (r"~", f"{_NOT_SUPPORTED} Write like, starts_with or ends_with and plain text."),
        (r"[<>]", f"{_NOT_SUPPORTED} {_COMPARISONS}"),
        (r"\(", "Write one clause for each value, joined by or: lists of values are not supported."),
        (r"(and|or)\b|\)", "Write a value after the operator."),
    ),
    _JOIN: (
        (r"&&?", "Write and."),
        (r"\|\|?", "Write or."),
        (r"[,;]", "Write and or or instead."),
        (r"\)", "Remove this parenthesis, or open one before it."),
        (r"not\b", f"{_NOT_SUPPORTED} Write != in the clause instead."),
    ),
}
_TERMINALS = {"KEY": _KEY, "OPERATOR": _OPERATOR, "STRING": _VALUE}
_WORD = re.compile(r"""["']|[\w.-]+|[^\w\s"'()]+|.""")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where parsing of the straightened text stopped. expected: the terminals that could have followed.

    typed: the text before straightening, which is shown with the caret.
    """

    typed: str
    text: str
    position: int
    expected: frozenset[str]

    @property
    def place(self) -> str:
        return next((place for name, place in _TERMINALS.items() if name in self.expected), _JOIN)

    @property
    def rest(self) -> str:
        return self.text[self.position :]


def fault_at(fault: Fault) -> FilterError:
    """The error for a fault, with its position, what was expected, and how to correct it."""
    if not fault.text.strip():
        return _error(fault, "The filter is empty.", f"Write a clause, such as {EXAMPLE}", position=0)
    if not fault.rest.strip():
        return _at_end(fault)
    if fault.place != _KEY and fault.rest[0] in "\"'" and fault.rest[0] not in fault.rest[1:]:
        return _unclosed(fault)
    position, found = _found(fault)
    return _error(fault, f"The filter cannot be read at character {position + 1}: {found}.", _advice(fault), position)


def nesting_fault(typed: str, position: int, deepest: int) -> FilterError:
    """The error for parentheses that are nested too deeply."""
    what = f"The filter's parentheses are nested more than {deepest} deep at character {position + 1}."
    why = "No published filter needs more than three."
    return FilterError(what, why, "Remove parentheses.", position=position, caret=caret(typed, position))


def _at_end(fault: Fault) -> FilterError:
    opened = _unmatched_parenthesis(fault.text)
    if fault.place == _JOIN and opened is not None:
        what = f"A closing parenthesis is missing at character {fault.position + 1}, for the one at {opened + 1}."
        return _error(fault, what, "Add ) where the group ends.")
    last = _short(fault.text.split()[-1])
    advice = {
        _KEY: f"Complete it after {last}, or remove {last}.",
        _OPERATOR: f'Complete the clause, such as {last} = "value".',
        _VALUE: f"Write a value after {last}.",
    }
    what = f"The filter ends at character {fault.position + 1}, where {fault.place} is missing."
    return _error(fault, what, advice[fault.place])


def _unclosed(fault: Fault) -> FilterError:
    quote = fault.rest[0]
    what = f"A closing quote is missing for the {quote} at character {fault.position + 1}."
    advice = (
        f"Add {quote} before the value, or remove it."
        if fault.place == _JOIN
        else f"Add {quote} where the string ends."
    )
    return _error(fault, what, advice)


def _found(fault: Fault) -> tuple[int, str]:
    """The position to point at, and a description of what is there."""
    before = fault.text[: fault.position]
    if fault.place == _VALUE and fault.rest[0] in "=~<>" and before.endswith(("=", "!=")):
        operator = "!=" if before.endswith("!=") else "="
        return fault.position - len(operator), f"{operator}{fault.rest[0]} is not an operator"
    word = _WORD.match(fault.rest)
    found = word.group() if word else fault.rest[0]
    if len(found) == 1 and not found.isascii():
        name = unicodedata.name(found, "a character without a name")
        return (
            fault.position,
            f"{'' if _is_invisible(found) else f'{found} '}(U+{ord(found):04X}, {name}) is not allowed there",
        )
    return fault.position, f"{_short(found)} is not allowed there"


def _advice(fault: Fault) -> str:
    for pattern, advice in _MISTAKES[fault.place]:
        if re.match(pattern, fault.rest, re.IGNORECASE):
            if fault.place == _VALUE and pattern == "=" and fault.text[: fault.position].endswith("!="):
                return "Write != instead of !==."
            return advice
    if _is_invisible(fault.rest[0]):
        return "Delete this invisible character."
    word = _short(fault.rest.split()[0].rstrip("()"))
    if fault.place == _VALUE:
        return f'Write the value in quotes: "{word}".' if '"' not in word else "Write the value in quotes."
    if fault.place == _OPERATOR:
        return "Write one of = != like starts_with ends_with after the key."
    if fault.place == _KEY:
        return "A key begins with a letter or _ and contains letters, digits, _, - and single dots."
    return _advice_after_clause(fault)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf"}


def _advice_after_clause(fault: Fault) -> str:
    before = fault.text[: fault.position]
    if any(before.count(quote) % 2 == 0 and fault.rest.count(quote) % 2 for quote in "\"'"):
        return "Join the clauses with and or or; or a closing quote may be missing in an earlier clause."
    return "Join two clauses with and or or; put a value with spaces in quotes."


def _unmatched_parenthesis(text: str) -> int | None:
    opened: list[int] = []
    for found in re.finditer(r"""[()]|"[^"]*"|'[^']*'""", text):
        if found.group() == "(":
            opened.append(found.start())
        elif found.group() == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"


def _error(fault: Fault, what: str, next_step: str, position: int | None = None) -> FilterError:
    at = fault.position if position is None else position
    return FilterError(what, _EXPECTED[fault.place], next_step, position=at, caret=caret(fault.typed, at))


def caret(text: str, position: int) -> str:
    """The text around the position on one line, cut to fit a narrow page, with ^ below the position.

    >>> print(caret("user == 1", 5))
    user == 1
         ^
    """
    start = max(0, position - _WIDTH // 2) if len(text) > _WIDTH else 0
    line = re.sub(r"\s", " ", text[start : start + _WIDTH])
    before, after = "…" if start else "", "…" if start + _WIDTH < len(text) else ""
    return f"{before}{line}{after}\n{' ' * (len(before) + position - start)}^"
