"""Values as Python code: what `repr` shows of the values in expressions, operations and tables.

What is long is cut. Then the code says so with `…`, and does not read back as another value.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

ROOM = 1000  # characters of a value that are shown
_START = 100  # of a text that is longer than that
_DEPTH = 40  # lists in lists; an item that DynamoDB stores has 32 at most


def code(value: Any, room: int = ROOM, depth: int = 0) -> str:
    """The value as Python code, of about `room` characters at most.

    >>> print(code({"a": [1, 0.5], "tags": {"new", "hot"}, "kind": int, "function": len}))
    {'a': [1, 0.5], 'tags': {'hot', 'new'}, 'kind': int, 'function': len}
    >>> print(code("x" * 5000, room=10), code(list(range(5000)), room=10), code(b"x" * 5000, room=10))
    'xxxxxxxxxx…' (5,000 characters) [0, 1, 2, … 4,997 more] b'xxxxxxxxxx…' (5,000 bytes)
    """
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}" if value.name else repr(value)
    if isinstance(value, (str, bytes)):
        return _text_code(value, room)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _members_code(value, room, depth) if depth < _DEPTH else "…"
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)) and not hasattr(value, "__origin__"):
        return value.__name__
    try:
        text = repr(value)
    except Exception:  # such as that of an int with more digits than Python prints
        return f"<{type(value).__name__}>"
    return text if len(text) <= room else f"{text[:_START]}…"


def _text_code(value: str | bytes, room: int) -> str:
    if len(value) <= room:
        return repr(value)
    unit = "characters" if isinstance(value, str) else "bytes"
    shown = repr(value[: min(room, _START)])
    return f"{shown[:-1]}…{shown[-1]} ({len(value):,} {unit})"


def _members_code(value: Any, room: int, depth: int) -> str:
    if isinstance(value, Mapping):
        texts: Iterator[str] = (
            f"{code(name, room, depth + 1)}: {code(member, room, depth + 1)}" for name, member in value.items()
        )
        return listed("{", texts, "}", len(value), room)
    if isinstance(value, (set, frozenset)):
        members = listed("{", (code(one, room, depth + 1) for one in _in_order(value)), "}", len(value), room)
        name = "" if type(value) is set else type(value).__name__
        return members if value and not name else f"{name or 'set'}({members if value else ''})"
    opening, closing = "[]" if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
    return listed(opening, (code(one, room, depth + 1) for one in value), closing, len(value), room)


def _in_order(members: Iterable[Any]) -> list[Any]:
    try:
        return sorted(members)
    except TypeError:
        return sorted(members, key=repr)


def listed(opening: str, texts: Iterable[str], closing: str, count: int, room: int = ROOM) -> str:
    """The texts of `count` members between brackets; those that do not fit are only counted.

    >>> listed("[", map(str, range(9)), "]", 9, room=12), listed("[", ["1"], "]", 1)
    ('[0, 1, 2, 3, … 5 more]', '[1]')
    """
    shown: list[str] = []
    for text in texts:
        room -= len(text) + 2
        if shown and room < 0:
            shown.append(f"… {count - len(shown):,} more")
            break
        shown.append(text)
    return f"{opening}{', '.join(shown)}{closing}"


def call_code(
    made: Any, name: str, positional: Container[str] = (), field_code: Callable[[str, Any], str | None] | None = None
) -> str:
    """The call of the function or class `name` that makes a record: fields that are at their default are left out.

    >>> call_code(GlobalIndex("ByTitle", "title", project="keys"), "GlobalIndex")
    "GlobalIndex('ByTitle', 'title', project='keys')"

    Fields without a default, and those named in `positional`, stand without their names. `field_code` may give the
    code of a field.
    """
    names: tuple[str, ...] = made.__match_args__
    defaults: tuple[Any, ...] = type(made).__init__.__defaults__ or ()
    required = names[: len(names) - len(defaults)]
    default_of = dict(zip(names[len(required) :], defaults, strict=True))
    shown = []
    for field in names:
        value = getattr(made, field)
        if field in required or not _is_same(value, default_of[field]):
            text = (field_code(field, value) if field_code else None) or code(value)
            shown.append(text if field in required or field in positional else f"{field}={text}")
    return f"{name}({', '.join(shown)})"


def _is_same(value: Any, default: Any) -> bool:
    """Whether a field is at its default; True is not 1, and a condition has no truth value."""
    return type(value) is type(default) and bool(value == default)
