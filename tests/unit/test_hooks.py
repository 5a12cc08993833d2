"""Whether other packages still have the private parts that the lab relies on, listed in `hooks.py`.

When a new release changes one, the test names it and where we use it: read the new source, adapt the lab if needed,
then put the new digest into the row.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.unit.hooks import HOOKS, Hook

LABKIT = Path(__file__).parents[2] / "labkit"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook.file}:{hook.name}")
def test_a_private_part_that_the_lab_relies_on_is_as_it_was(hook: Hook) -> None:
    used_in = list(_files_with(hook.use))
    assert used_in, f"Nothing in labkit contains {hook.use!r} any more: remove the row of {hook.name}."
    change = _change(hook, _definition(hook.file, hook.name))
    if change:
        name = f"{hook.name} in {hook.file} ({_release(hook.file)})"
        pytest.fail(f"{name} {change}. We rely on it in {', '.join(used_in)}: {hook.what}.", pytrace=False)


def _change(hook: Hook, source: str | None) -> str:
    """How a definition differs from the one that we read; "" if it does not."""
    if source is None:
        return "is gone"
    missing = [words for words in hook.contains if words not in source]
    if missing:
        return f"no longer contains {missing[0]!r}"
    return (
        f"has changed: its digest is {_digest(source)}" if not hook.contains and _digest(source) != hook.digest else ""
    )


@pytest.mark.parametrize(
    ("source", "change"),
    [(None, "is gone"), ("def f(): pass", "has changed: its digest is 3c70e068"), ("def f(a): pass", "")],
)
def test_each_kind_of_change_is_distinguished(source: str | None, change: str) -> None:
    hook = Hook("package/module.py", "f", "f(", "called", digest=_digest("def f(a): pass"))
    assert _change(hook, source) == change


def test_a_digest_depends_on_the_code_and_not_on_its_layout() -> None:
    assert _digest("def f(a,\n      b): pass") == _digest("def f(a, b): pass")
    assert _digest("def f(a, b): pass") != _digest("def f(a, b): return a")


def _files_with(words: str) -> Iterator[str]:
    for path, text in _labkit_sources().items():
        if words in text:
            yield f"labkit/{path.relative_to(LABKIT)}"


@cache
def _labkit_sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted(LABKIT.rglob("*.py"))}


def _release(file: str) -> str:
    package = file.removesuffix(".py").partition("/")[0]
    names = importlib.metadata.packages_distributions().get(package)
    return f"{names[0]} {importlib.metadata.version(names[0])}" if names else "the standard library"


@cache
def _source(file: str) -> tuple[list[str], ast.Module]:
    """The lines and the tree of a file, which is not imported: moto alone would take a second."""
    package, _, rest = file.removesuffix(".py").partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    folder = Path(spec.submodule_search_locations[0] if spec.submodule_search_locations else "")
    text = (folder / f"{rest}.py" if rest else Path(spec.origin or "")).read_text(encoding="utf-8")
    return text.splitlines(), ast.parse(text)


def _definition(file: str, name: str) -> str | None:
    """The source of a definition; None if there is none of that name."""
    lines, tree = _source(file)
    found: Any = tree
    for part in name.split("."):
        inner = next((node for node in _statements(found) if part in _names(node)), None)
        if inner is None:
            return None
        found = inner
    start = min([found.lineno, *(decorator.lineno for decorator in getattr(found, "decorator_list", ()))])
    return "\n".join(lines[start - 1 : found.end_lineno])


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a module or class, also those below `if`, `try` and `with`."""
    for statement in (*getattr(node, "body", ()), *getattr(node, "handlers", ())):
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.ExceptHandler | ast.With):
            yield from _statements(statement)


def _names(node: ast.AST) -> list[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _digest(source: str) -> str:
    return hashlib.sha256(" ".join(source.split()).encode()).hexdigest()[:8]
