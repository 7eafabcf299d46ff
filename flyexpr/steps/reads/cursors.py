"""Cursors: texts from which a read goes on, which no other read takes."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64, crc32
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from flyexpr.errors import BadCursor
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.show import show
from flyexpr.requests.operations import Query, Read
from flyexpr.requests.reads import Access
from flyexpr.schema.table import Table
from flyexpr.values.decode import decode_item
from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item

Mark = tuple[int, Item | None]  # where to go on: on which of the key conditions, and after which key

END = "bnVsbA"  # it holds the text null
"""The cursor of a part that is read to its end: the part gives nothing from there, and no other read takes it."""


class Cursors:
    """The cursors of one read.

    >>> from flyexpr.requests.reads import ScanPages
    >>> cursors = Cursors(Table("t", "id"), scan(), ScanPages(), ("id",))
    >>> cursors.mark(cursors.text((0, {"id": "a"})))
    (0, {'id': 'a'})
    """

    __slots__ = ("__dict__", "_access", "_keys", "_read", "_table")

    def __init__(self, table: Table, read: Read, access: Access, keys: tuple[str, ...]) -> None:
        self._table, self._read, self._access, self._keys = table, read, access, keys

    def text(self, mark: Mark) -> str:
        """The cursor for a mark; empty for the begin of the read."""
        branch, start = mark
        if not branch and start is None:
            return ""
        key = "null" if start is None else encode_item(start)
        return closed_cursor(f"[{json.dumps(self._index)},{branch},{self._sign},{key}]")

    def mark(self, cursor: str | None) -> Mark | None:
        """The mark that a cursor holds, None for the END of a part; BadCursor if it is not a cursor of this read."""
        if not cursor:
            return 0, None
        if cursor == END and self._read.part:
            return None
        match opened_cursor(cursor):
            case [str() | None as index, int(branch), int(sign), dict() | None as start] if type(branch) is int:
                self._check_read(index, branch, sign)
            case _:
                raise not_a_cursor("an earlier read", cursor)
        if start is not None and not self._is_key(start):
            raise not_a_cursor("an earlier read", cursor)
        with suppress(ValueError, LookupError, ArithmeticError):
            key = None if start is None else decode_item(start)
            # A number has several forms in JSON, and one in a cursor.
            if self.text((branch, key)) == cursor and self._leads_to(branch, key):
                return branch, key
        raise not_a_cursor("an earlier read", cursor)

    def _is_key(self, start: Mapping[str, Any]) -> bool:
        """Whether a wire item holds the keys of the table and the index, each in its type, and nothing else."""
        return start.keys() == {*self._keys} and all(_is_key_value(start[name], self._kinds(name)) for name in start)

    def _kinds(self, name: str) -> str:
        """The types that a key attribute may have: of one that is not declared, a scan takes what it finds."""
        declared = self._table.kind(name) if name in self._table.attributes else None
        return declared or "SNB"

    def _leads_to(self, branch: int, key: Item | None) -> bool:
        """Whether the read has such a place: the service refuses a key outside of the key condition."""
        return key is None or not self._access.keys or matches(self._access.keys[branch], key)

    def _check_read(self, index: str | None, branch: int, sign: int) -> None:
        if index != self._index:
            raise BadCursor(
                f"the cursor comes from another read: of {index or 'the table'}, "
                f"and this one reads {self._index or 'the table'}"
            )
        if sign != self._sign or branch not in range(max(len(self._access.keys), 1)):
            raise BadCursor(
                "the cursor comes from another read, of another table or with another condition or direction"
            )

    @cached_property
    def _sign(self) -> int:
        """A hash of the table, the condition and the direction, by which a cursor recognizes its read."""
        access, read = self._access, self._read
        shown = [show(part) for part in (*access.keys, access.filter, access.residue) if part is not None]
        direction = (read.reverse,) if isinstance(read, Query) else (read.part or (None, None))
        return _hash_of(self._table.name, access.operation, len(access.keys), *direction, *shown)

    @property
    def _index(self) -> str | None:
        return self._access.index.name if self._access.index else None


def sign_of(table: Table, read: Read) -> int:
    """A hash of what is read, the same on every machine, by which the parts of a read recognize each other."""
    reverse = isinstance(read, Query) and read.reverse
    return _hash_of(table.name, read.index, show(read.condition), reverse, repr(read.project))


def _hash_of(*facts: Any) -> int:
    return crc32(json.dumps(facts).encode())


_IN_URL = str.maketrans("+/", "-_")
_IN_BASE64 = str.maketrans("-_", "+/")


def closed_cursor(text: str) -> str:
    """A cursor that holds the text, as a word that needs no quoting in a URL.

    >>> opened_cursor(closed_cursor("[1]"))
    [1]
    """
    return b2a_base64(text.encode(), newline=False).decode().rstrip("=").translate(_IN_URL)


def opened_cursor(cursor: str) -> Any:
    """What the JSON in a cursor says; None for a text that is not a cursor."""
    try:
        return json.loads(a2b_base64(cursor.translate(_IN_BASE64) + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _is_key_value(value: Any, kinds: str) -> bool:
    match value:
        case {"S": str(text)} | {"N": str(text)} | {"B": str(text)}:
            return text != "" and len(value) == 1 and next(iter(value)) in kinds
    return False


def not_a_cursor(of: str, cursor: Any) -> BadCursor:
    """The error for a text that is not the cursor of such a read; it may be that of a read in parts.

    >>> print(not_a_cursor("an earlier read", closed_cursor('[null, "x"]')))
    start= takes the .cursor of an earlier read; this is that of a read in 2 parts, and goes on in as many
    """
    this = "this is not one"
    match opened_cursor(cursor):
        case [_, _, *_] as starts if all(isinstance(start, str | None) for start in starts):
            this = f"this is that of a read in {len(starts)} parts, and goes on in as many"
    return BadCursor(f"start= takes the .cursor of {of}; {this}")
