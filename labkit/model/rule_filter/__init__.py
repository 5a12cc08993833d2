"""The rule filter language: read, compile, explain.

    parse(text) -> Filter          raises FilterError, with position, caret and advice
    compile(filter) -> Predicate   one fast callable per rule
    explain(filter, event)         true or false for each clause, with the value found and the reason
    straighten(text)               replaces typographic quotes and unusual spaces, and lists the changes

**Source:** no grammar was ever published; this one is inferred from 35 published filters.
"""

from labkit.model.rule_filter.evaluate import Predicate, compile
from labkit.model.rule_filter.explain import Explanation, explain
from labkit.model.rule_filter.grammar import parse
from labkit.model.rule_filter.straighten import Straightened, straighten
from labkit.model.rule_filter.tree import And, Clause, Filter, Number, Or, Remark

__all__ = [
    "And",
    "Clause",
    "Explanation",
    "Filter",
    "Number",
    "Or",
    "Predicate",
    "Remark",
    "Straightened",
    "compile",
    "explain",
    "parse",
    "straighten",
]
