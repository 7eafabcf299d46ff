"""Items as plain JSON over several lines, as people read and edit them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.values.plain_json import unmistakable, value_text
from flyexpr.values.types import quote

_WIDTH = 90


def pretty_text(item: Mapping[str, Any]) -> str:
    """An item as JSON for people: a line for each attribute, and more for one that does not fit on its line.

    >>> print(pretty_text({"id": "a", "tags": {"new", "old"}}))
    {
      "id": "a",
      "tags": {"$set": ["new", "old"]}
    }
    """
    return _spread("{", [f"{quote(name)}: {_pretty(value, 1, len(name))}" for name, value in item.items()], "}", 0)


def _pretty(value: Any, depth: int, before: int = 0) -> str:
    text = value_text(value)
    if len(text) + before + 2 * depth <= _WIDTH or not isinstance(value, (list, dict)) or not value:
        return text
    if isinstance(value, list):
        return _spread("[", [_pretty(member, depth + 1) for member in value], "]", depth)
    members = [
        f"{quote(name)}: {_pretty(member, depth + 1, len(name))}" for name, member in unmistakable(value).items()
    ]
    return _spread("{", members, "}", depth)


def _spread(begin: str, lines: list[str], end: str, depth: int) -> str:
    inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    return f"{begin}{inner if lines else ''}{f',{inner}'.join(lines)}{outer}{end}"
