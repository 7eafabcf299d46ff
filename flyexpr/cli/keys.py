"""Keys, as people write them on a command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.parse import parse_condition
from flyexpr.schema.table import Table
from flyexpr.values.numbers import number
from flyexpr.values.plain_json import item_text, read_item
from flyexpr.values.types import Item

_MORE = "what has spaces in it takes quotes"
_NONE = "for all items that match write --where CONDITION"
_CONDITION = "a condition is for query, and for --where of update and delete"
_SUCH = "values that begin like this go into a JSON object"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_BYTES = re.compile(r"[xX]'([0-9a-fA-F]{2})*'")


def key_text(table: Table, item: Item) -> str:
    """The key of an item as one line of JSON.

    >>> key_text(Table("Movies", "year", "title"), {"title": "Rush", "year": 2013, "stars": 4})
    '{"year": 2013, "title": "Rush"}'
    """
    return item_text(table.key_in(item))


def key_words(table: Table, words: Sequence[str]) -> Any:
    """A key, from a word for each of its attributes, or from one JSON object.

    >>> movies = Table("Movies", "year", "title", attributes={"year": int})
    >>> key_words(movies, ["2013", "Rush"]) == key_words(movies, ['{"year": 2013, "title": "Rush"}'])
    True

    A binary key is written x'6869', as in conditions. Words such as `year=2013` are refused: a write would make a new
    item of them.
    """
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return read_item(words[0])
    if len(words) != len(table.keys):
        wanted = " ".join(f"{name}:{table.kind(name)}" for name in table.keys)
        raise ValidationError(
            f"the key of {table.name!r} is {wanted}, and {len(words)} of {len(table.keys)} are given",
            hint=_in_place_of_a_key(table, words),
        )
    if all(word.startswith(f"{name}=") for name, word in zip(table.keys, words, strict=True)):
        values = " ".join(shlex.quote(word.partition("=")[2]) for word in words)
        raise ValidationError("a key is written without the names of its attributes", hint=f"write {values}; {_SUCH}")
    return {name: _word(name, table.kind(name), word) for name, word in zip(table.keys, words, strict=True)}


def _in_place_of_a_key(table: Table, words: Sequence[str]) -> str | None:
    """What somebody meant who gave another number of words than the key has."""
    if any(map(_is_condition, words)):
        return _CONDITION
    return _MORE if len(words) > len(table.keys) else None if words else _NONE


def _is_condition(word: str) -> bool:
    try:
        parse_condition(word)
    except ExpressionError:
        return False
    return True


def _word(name: str, kind: str | None, word: str) -> Any:
    if kind == "S":
        return word
    if kind == "N":
        if not _NUMBER.fullmatch(word):
            raise ValidationError(f"{word!r} is not a number", at=name)
        return number(word)
    if not _BYTES.fullmatch(word):
        raise ValidationError(f"{word!r} is not a binary value; write one as x'6869'", at=name)
    return bytes.fromhex(word[2:-1])
