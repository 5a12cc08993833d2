"""Validates the body of a request that creates or replaces a rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from labkit.model.detection.alerting import compiled
from labkit.model.errors import FilterError
from labkit.model.rule_filter import parse, straighten
from labkit.sandbox.detection.api.errors import ApiError

KINDS = ("Host", "File", "CloudTrail", "ThreatIntel", "Winsec", "KubernetesAudit", "KubernetesConfig")

_CLOUD = ("cloudProvider", "accountId", "availabilityZone", "hostname")
_PROCESS = ("exe", "user", "arguments", "command", "session", "src_user", "dst_user", "filename")
AGGREGATE_FIELDS: Mapping[str, Collection[str]] = {
    "Host": (*_PROCESS, "ip", "port", "src_ip", "dst_ip", "auid", "auser", *_CLOUD),
    "File": (*_PROCESS, *_CLOUD),
    "CloudTrail": ("user", "eventName", "eventSource", "ip", "accountId"),
    "ThreatIntel": ("threatintel_source", "threatintel_reason", "threatintel_type", "ip", *_CLOUD),
    "KubernetesAudit": ("action", "node_name", "namespace", "resource", "name", "type"),
}
"""The aggregate fields that rules of a kind may use; kinds that are not listed accept any."""

FILE_EVENTS = ("ALL", "open", "modify", "delete", "create", "close")

MOST_FILTER_CHARACTERS = 10_000
"""In a rule's filter and suppressions together: compiling so many takes a tenth of a second."""

MOST_SUPPRESSIONS = 50
MOST_WORDS, LONGEST_WORD = 100, 300
"""In each other list of a rule, such as the paths that it watches."""


class _RuleCheck:
    """A request body under validation, which collects all errors instead of stopping at the first."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self.errors: list[str] = []

    def take(self, name: str, is_valid: Callable[[Any], bool], must: str, default: Any = None) -> Any:
        """The value of a field, or its default. An invalid value is an error, as is a missing one without default.

        The default itself is valid, so a rule can be sent as a reply gave it.
        """
        value = self._body.get(name)
        if default is not None and value in (None, default):
            return default
        if value is None or not is_valid(value):
            self.errors.append(f"Validation failed: body has invalid {name} value.  Must be {must}.")
        return value

    def text(self, name: str, most: int, default: str | None = None) -> Any:
        """A text field of 1 to `most` characters."""
        must = f"between 1 and {most} characters long"
        return self.take(name, lambda value: isinstance(value, str) and 1 <= len(value) <= most, must, default)

    def number(self, name: str, least: int, most: int, default: int | None = None) -> Any:
        """A field with a whole number, as a JSON number."""
        must = f"a whole number from {least} to {most}"
        return self.take(name, lambda value: type(value) is int and least <= value <= most, must, default)

    def words(self, name: str, choices: Collection[str] | None = None, default: list[str] | None = None) -> Any:
        """A field with a list of strings, all of them from `choices` if given."""
        must = "an array of strings" if choices is None else f"an array of: {', '.join(choices)}"
        return self.take(name, lambda value: _are_words(value, choices), must, default)

    def filter(self, name: str, text: str) -> str:
        """The filter with straight quotes, as it is stored; an error has the position and how to correct it.

        Sandbox: the real service refused typographic quotes.
        """
        straight = straighten(text).text
        try:
            compiled(straight)
        except FilterError:
            try:
                parse(text)  # whose error shows what was typed
            except FilterError as error:
                self.errors.append(f"Validation failed: body has invalid {name} value.  {error}")
        return straight


def _are_words(value: Any, choices: Collection[str] | None) -> bool:
    return isinstance(value, list) and all(
        isinstance(word, str) and (choices is None or word in choices) for word in value
    )


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_WORD


def checked_rule(body: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The rule in a request's body, ready to store. Raises ApiError (400) with every error found.

    stored: for an update, the rule to replace, whose kind cannot change. Fields that only replies have are ignored. An
    update that takes a rule's description away is refused, as by the real service, against its documentation.
    """
    check = _RuleCheck(body)
    kind = _kind(body, stored, check)
    may_lack_description = stored is None or not stored["alertDescription"]
    rule: dict[str, Any] = {
        "name": check.text("name", 200),
        "type": kind,
        "title": check.text("title", 1000),
        "severityOfAlerts": check.number("severityOfAlerts", 1, 3),
        "alertDescription": check.text("alertDescription", 300, "" if may_lack_description else None),
        "aggregateFields": _aggregate_fields(check, kind),
        "window": check.number("window", 1, 31 * 86400, 86400),
        "threshold": check.number("threshold", 1, 1_000_000, 1),
        "enabled": check.take("enabled", lambda value: isinstance(value, bool), "true or false", False),
    }
    if isinstance(rule["name"], str) and any(one.isdigit() and not one.isascii() for one in rule["name"]):
        check.errors.append("Validation failed: body has invalid name value.  Its digits must be 0 to 9.")
    rule |= _filters(check, kind)
    if kind == "File":
        rule |= _file_fields(check)
    if check.errors:
        raise ApiError(400, *check.errors)
    return rule


def _aggregate_fields(check: _RuleCheck, kind: str) -> Any:
    if kind in AGGREGATE_FIELDS:
        fields = check.words("aggregateFields", AGGREGATE_FIELDS[kind], [])
        return list(dict.fromkeys(fields)) if _are_words(fields, None) else fields
    return check.take("aggregateFields", _are_short, f"an array of at most {MOST_WORDS} strings", [])


def _kind(body: Mapping[str, Any], stored: Mapping[str, Any] | None, check: _RuleCheck) -> str:
    """The rule's kind as replies spell it; the vendor's own example sends it in lower case."""
    forms = {kind.lower(): kind for kind in KINDS}
    kind = forms.get(str(body.get("type", "")).lower(), "")
    if not kind:
        check.errors.append(f"Validation failed: body has invalid type value.  Must be one of {', '.join(KINDS)}.")
    elif stored and stored["type"] != kind:
        check.errors.append(f"Validation failed: the type of a rule cannot be changed from {stored['type']} to {kind}.")
    return kind


def _filters(check: _RuleCheck, kind: str) -> dict[str, Any]:
    """The filter and the suppressions; only a file rule may have no filter."""
    default = "" if kind == "File" else None
    text = check.take("filter", lambda value: isinstance(value, str) and value.strip() != "", "a filter", default)
    suppressions = check.words("suppressions", None, [])
    if not isinstance(text, str) or not _are_words(suppressions, None):
        return {"filter": text, "suppressions": suppressions}
    if len(suppressions) > MOST_SUPPRESSIONS or len(text) + sum(map(len, suppressions)) > MOST_FILTER_CHARACTERS:
        check.errors.append(
            f"Validation failed: a rule has at most {MOST_SUPPRESSIONS} suppressions, and its filter and suppressions "
            f"at most {MOST_FILTER_CHARACTERS} characters together."
        )
        return {"filter": text, "suppressions": suppressions}
    if text.strip():
        text = check.filter("filter", text)
    if suppressions:
        suppressions = [check.filter(f"suppressions[{n}]", one) for n, one in enumerate(suppressions)]
    return {"filter": text, "suppressions": suppressions}


def _file_fields(check: _RuleCheck) -> dict[str, Any]:
    return {
        "fileIntegrityPaths": check.take("fileIntegrityPaths", _are_paths, "an array of 1 to 100 {path, recursive}"),
        "ignoreFiles": check.take("ignoreFiles", _are_short, f"an array of at most {MOST_WORDS} strings", []),
        "eventsToMonitor": check.words("eventsToMonitor", FILE_EVENTS),
    }


def _are_short(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_WORDS and all(map(_is_word, value))


def _are_paths(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= MOST_WORDS
        and all(
            isinstance(one, dict) and _is_word(one.get("path")) and isinstance(one.get("recursive"), bool)
            for one in value
        )
    )
