"""The grammar of rule filters, inferred from 35 published filters, and the parser.

`and` binds tighter than `or`. The LALR parser is built on first use, since importing lark and building take 0.1 s.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from labkit.model.rule_filter.faults import Fault, fault_at, nesting_fault
from labkit.model.rule_filter.remarks import Mixture, remarks
from labkit.model.rule_filter.straighten import straighten
from labkit.model.rule_filter.tree import And, Clause, Filter, Node, Number, Or, Value

if TYPE_CHECKING:
    from lark import Lark, Token

_GRAMMAR = r"""
    start: any_of
    any_of: all_of (OR all_of)*
    all_of: _primary (AND _primary)*
    _primary: group | clause
    group: "(" any_of ")"
    clause: KEY OPERATOR (STRING | NUMBER | NULL | BAREWORD)

    AND.3: /and(?![\w.-])/i
    OR.3: /or(?![\w.-])/i
    OPERATOR.2: /!=|=|(like|starts_with|ends_with)(?![\w.-])/i
    KEY: /(?!(and|or|not|in|like|starts_with|ends_with|null)(?![\w.-]))[a-z_][a-z0-9_-]*(\.[a-z_][a-z0-9_-]*)*/i
    STRING.2: /"[^"]*"|'[^']*'/
    NUMBER.2: /-?[0-9]+(\.[0-9]+)?(?![^\s(),"'])/
    NULL.2: /null(?![^\s(),"'])/i
    BAREWORD: /(?!(and|or)(?![^\s(),"']))[a-z\/_.*][^\s(),"']*/i
    %ignore /\s+/
"""

DEEPEST_NESTING = 32
_BRACKETS = re.compile(r"""[()]|"[^"]*"?|'[^']*'?""")


def parse(text: str) -> Filter:
    """Parse a filter. Raises FilterError with the position in the text as typed.

    >>> str(parse("tty  != NULL AND (user = 'root')"))
    'tty != null and user = "root"'
    """
    straight = straighten(text)
    _refuse_deep_nesting(text, straight.text)
    tree, mixtures = _read(text, straight.text)
    return Filter(tree, remarks(tree, mixtures))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr")


def _read(typed: str, text: str) -> tuple[Node, list[Mixture]]:
    from lark import UnexpectedInput

    try:
        root = _parser().parse(text)
    except UnexpectedInput as refused:
        expected = getattr(refused, "accepts", None) or getattr(refused, "allowed", None) or set()
        ended = getattr(getattr(refused, "token", None), "type", "") == "$END"
        position = len(text.rstrip()) if ended else refused.pos_in_stream or 0
        raise fault_at(Fault(typed, text, position, frozenset(expected))) from None
    mixtures: list[Mixture] = []
    return _node(root.children[0], mixtures), mixtures


def _node(tree: Any, mixtures: list[Mixture]) -> Node:
    """The node for a lark tree; lark types each child as a tree or a token alike, hence Any."""
    children = tree.children
    if tree.data == "group":
        return _node(children[0], mixtures)
    if tree.data == "clause":
        key, operator, value = children
        return Clause(str(key), operator.lower(), _value(value), key.start_pos or 0)
    terms = tuple(_node(child, mixtures) for child in children[::2])
    if len(terms) == 1:
        return terms[0]
    if tree.data == "all_of":
        return And(terms)
    joined = Or(terms)
    if any(len(child.children) > 1 for child in children[::2]):
        mixtures.append(Mixture(children[1].start_pos, joined))
    return joined


def _value(token: Token) -> Value:
    if token.type == "NULL":
        return None
    if token.type == "NUMBER":
        return Number(str(token))
    return str(token) if token.type == "BAREWORD" else str(token[1:-1])


def _refuse_deep_nesting(typed: str, text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"(": 1, ")": -1}.get(found.group(), 0)
        if depth > DEEPEST_NESTING:
            raise nesting_fault(typed, found.start(), DEEPEST_NESTING)
