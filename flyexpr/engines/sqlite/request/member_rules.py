"""Rules for the members of a request: each reads a JSON value, and says which constraints it breaks.

A value of the wrong JSON type does not break a constraint. It is a SerializationException, which ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.request.json_types import INTEGER, ITEM, STRING, STRINGS, TIMESTAMP, read_bool, wrong_type
from flyexpr.engines.sqlite.request.known.put_patterns import KnownItem

Rule = Callable[[Any], tuple[Any, list[str]]]


class ObjectRules(NamedTuple):
    """The rules for the members of an object, and which of them it must have."""

    members: Mapping[str, Rule]
    required: Iterable[str] = ()
    below: Mapping[str, ObjectRules] = {}
    """Those of members that only this object has, or whose names stand for others elsewhere."""


INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_PATTERN = f"Member must satisfy regular expression pattern: {_NAME.pattern}"
TABLE_ARN = r"arn:[^:]*:dynamodb:[^:]*:[^:]*:table/([^/]+)"  # its group is the name of the table
_ARN = re.compile(TABLE_ARN)


def name_rule(raw: Any) -> tuple[str, list[str]]:
    """The name of a table or index: 3 to 255 of the characters a-z, A-Z, 0-9, `_`, `.` and `-`.

    >>> name_rule("no spaces")
    ('no spaces', ['Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+'])
    """
    name, _ = text_rule(raw)
    return name, [] if len(name) <= 255 and _is_name(name) else _name_problems(name)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return not _name_problems(name)


def _name_problems(name: str) -> list[str]:
    if not name:
        return ["Member must have length greater than or equal to 1"]
    problems = length_problems(len(name), 3, 255)
    if not _NAME.fullmatch(name):
        problems.append(_PATTERN)
    return problems


def start_name_rule(raw: Any) -> tuple[str, list[str]]:
    """The name that a list of tables starts after. Here the rule for the characters comes before that for the length.

    >>> start_name_rule("")[1][0]
    'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+'
    """
    name, _ = text_rule(raw)
    unlike = [] if _NAME.fullmatch(name) else [_PATTERN]
    return name, unlike + length_problems(len(name), 3, 255)


def table_rule(raw: Any) -> tuple[str, list[str]]:
    """The name of a table, also from its ARN.

    >>> table_rule("arn:aws:dynamodb:local:000000000000:table/scores")
    ('scores', [])
    """
    arn = _ARN.fullmatch(raw) if type(raw) is str and raw.startswith("arn:") else None
    return name_rule(arn[1] if arn else raw)


def text_rule(raw: Any) -> tuple[str, list[str]]:
    """Any string."""
    if type(raw) is not str:
        raise wrong_type(raw, STRING)
    return raw, []


def sized_text_rule(low: int, high: int) -> Rule:
    """A string of `low` to `high` characters.

    >>> sized_text_rule(1, 3)("four")
    ('four', ['Member must have length less than or equal to 3'])
    """

    def rule(raw: Any) -> tuple[str, list[str]]:
        text, _ = text_rule(raw)
        return text, length_problems(len(text), low, high)

    return rule


def boolean_rule(raw: Any) -> tuple[bool, list[str]]:
    """True or false."""
    return read_bool(raw), []


def map_rule(raw: Any) -> tuple[dict[str, Any], list[str]]:
    """A JSON object, whose members the rule does not read."""
    if type(raw) is not dict:
        raise wrong_type(raw, ITEM)
    return raw, []


def item_rule(raw: Any) -> tuple[dict[str, Any] | KnownItem, list[str]]:
    """A JSON object; or an item that was read already."""
    return (raw, []) if type(raw) is KnownItem else map_rule(raw)


def list_rule(low: int = 0, high: int = INT_MAX) -> Rule:
    """A JSON array of `low` to `high` elements, which the rule does not read.

    >>> list_rule(1)([])
    ([], ['Member must have length greater than or equal to 1'])
    """

    def rule(raw: Any) -> tuple[list[Any], list[str]]:
        if type(raw) is not list:
            raise wrong_type(raw, STRINGS)
        return raw, length_problems(len(raw), low, high)

    return rule


def texts_rule(low: int = 0, high: int = INT_MAX) -> Rule:
    """A JSON array of `low` to `high` strings.

    >>> texts_rule(1)(["a"])
    (['a'], [])
    """

    def rule(raw: Any) -> tuple[list[str], list[str]]:
        texts, problems = list_rule(low, high)(raw)
        return [text_rule(text)[0] for text in texts], problems

    return rule


def integer_rule(low: int, high: int = INT_MAX, largest: int = INT_MAX) -> Rule:
    """A number of 32 bits, or of 64: the service saturates larger ones, and cuts off fractions.

    >>> integer_rule(1)(1.5), integer_rule(1)(2**40), long_rule(1)(2**40)
    ((1, []), (2147483647, []), (1099511627776, []))
    """

    def rule(raw: Any) -> tuple[int, list[str]]:
        if type(raw) not in (int, float):
            raise wrong_type(raw, INTEGER)
        value = int(max(min(raw, largest), -largest - 1))
        if value < low:
            return value, [f"Member must have value greater than or equal to {low}"]
        if value > high:
            return value, [f"Member must have value less than or equal to {high}"]
        return value, []

    return rule


def long_rule(low: int) -> Rule:
    """A number of 64 bits."""
    return integer_rule(low, LONG_MAX, LONG_MAX)


def timestamp_rule(raw: Any) -> tuple[float, list[str]]:
    """A time in seconds since 1970, with or without a fraction.

    >>> timestamp_rule(1.25)
    (1.25, [])
    """
    if type(raw) not in (int, float):
        raise wrong_type(raw, TIMESTAMP)
    return float(max(min(raw, INT_MAX * 1000), 0)), []


def choice_rule(*options: str) -> Rule:
    """One of the words of an enumeration, which are all upper case.

    >>> choice_rule("ALL_OLD", "NONE")("none")
    ('none', ['Member must satisfy enum value set: [ALL_OLD, NONE]'])
    """

    def rule(raw: Any) -> tuple[str, list[str]]:
        word, _ = text_rule(raw)
        return word, [] if word in options else [f"Member must satisfy enum value set: [{', '.join(options)}]"]

    return rule


def length_problems(length: int, low: int, high: int) -> list[str]:
    """What is wrong with a length.

    >>> length_problems(2, 3, 255)
    ['Member must have length greater than or equal to 3']
    """
    if length < low:
        return [f"Member must have length greater than or equal to {low}"]
    if length > high:
        return [f"Member must have length less than or equal to {high}"]
    return []
