"""Document paths that cannot stand together in one update or projection, each given by its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Parts = tuple[str | int, ...]


def find_overlap(paths: Iterable[Parts]) -> str | None:
    """The service's words for two paths that cannot stand in one update or projection; None where there are none.

    >>> find_overlap([("a", "b"), ("c",), ("a",)])
    'Two document paths overlap with each other; ...; path one: [a, b], path two: [a]'
    >>> find_overlap([("a", "b"), ("a", 1)]).split(";")[0]
    'Two document paths conflict with each other'

    Paths overlap when one leads to, or through, the other. They conflict when one goes into a map where the other goes
    into a list.
    """
    root: dict[str | int, Any] = {}
    for path in paths:
        clash = _add_path(root, path)
        if clash:
            other, problem = clash
            return (
                f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
                f"path one: {brackets(other)}, path two: {brackets(path)}"
            )
    return None


def _add_path(root: dict[str | int, Any], path: Parts) -> tuple[Parts, str] | None:
    """Adds a path to the tree of those seen; gives the earlier path that it clashes with, and how."""
    level: Any = root
    for step in path[:-1]:
        conflict = _conflict(level, step)
        if conflict:
            return conflict
        level = level.setdefault(step, {})
        if isinstance(level, tuple):
            return level, "overlap"
    last = path[-1]
    conflict = _conflict(level, last)
    if conflict:
        return conflict
    if last in level:
        return next(_leaves(level[last])), "overlap"
    level[last] = path
    return None


def _conflict(level: dict[str | int, Any], step: str | int) -> tuple[Parts, str] | None:
    """A path that has a list index where this step is a name, or the reverse."""
    for other, below in level.items():
        if isinstance(other, int) is not isinstance(step, int):
            return next(_leaves(below)), "conflict"
        break
    return None


def _leaves(level: Any) -> Iterator[Parts]:
    if isinstance(level, tuple):
        yield level
    else:
        for below in level.values():
            yield from _leaves(below)


def brackets(path: Parts) -> str:
    """A path as the service's messages print it.

    >>> brackets(("a", "b", 0))
    '[a, b, [0]]'
    """
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in path) + "]"
