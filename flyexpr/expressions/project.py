"""The part of an item that a projection asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flyexpr.expressions.nodes import Path
from flyexpr.values.refusals import path_text
from flyexpr.values.types import MISSING, Item, find


class Columns(tuple[Path, ...]):
    """The paths of a SELECT. Each value that they lead to stands alone, by the last name of its path."""


def project(paths: Iterable[Path], item: Mapping[str, Any]) -> Item:
    """The item with only what the paths lead to, and the parents of that; list elements keep their order, without gaps.

    >>> from flyexpr.expressions.terms import parse_path
    >>> project(map(parse_path, ["a.b[2].y", "a.b[0]", "z"]), {"a": {"b": [2, 4, {"x": 1, "y": 3}], "c": 5}})
    {'a': {'b': [2, {'y': 3}]}}
    >>> project(Columns(map(parse_path, ["a.b[1]", "a.c", "z"])), {"a": {"b": [2, 4], "c": 5}})
    {'b[1]': 4, 'c': 5}

    The key is not added, and a path that leads to nothing is left out.
    """
    if isinstance(paths, Columns):
        columns = {_column(path): find(path.parts, item) for path in paths}
        return {name: value for name, value in columns.items() if value is not MISSING}
    wanted: dict[str | int, Any] = {}
    for path in paths:
        level = wanted
        for part in path.parts:
            level = level.setdefault(part, {})
    picked = _pick(wanted, item)
    return {} if picked is _NOTHING else picked


def _column(path: Path) -> str:
    """The last name of a path, and the list indexes after it."""
    start = max(position for position, step in enumerate(path.parts) if isinstance(step, str))
    return path_text(path.parts[start:])


_NOTHING: Any = object()


def _pick(wanted: dict[str | int, Any], value: Any) -> Any:
    if not wanted:
        return value
    if isinstance(value, Mapping):
        picked = {name: _pick(below, value[name]) for name, below in wanted.items() if name in value}
        kept: Any = {name: below for name, below in picked.items() if below is not _NOTHING}
    elif isinstance(value, (list, tuple)):
        indexes = sorted(index for index in wanted if isinstance(index, int) and index < len(value))
        elements = [_pick(wanted[index], value[index]) for index in indexes]
        kept = [element for element in elements if element is not _NOTHING]
    else:
        return _NOTHING
    return kept or _NOTHING
