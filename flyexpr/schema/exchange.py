"""Items as JSON, and back: DynamoDB's own, which streams and exports have, and plain JSON.

How the two are written and read is imported where it is used, to keep `import flyexpr` quick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_items import read_item, stored_item
from flyexpr.schema.table import Table, check_table
from flyexpr.values.encode import encode_item
from flyexpr.values.foreign import standard
from flyexpr.values.freeze import read_back
from flyexpr.values.refusals import Refused, explained, verify_text
from flyexpr.values.types import Item, T


def to_wire(table: Table[Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as DynamoDB JSON, as a put would send it: with defaults and derived attributes, in stored types.

    >>> from datetime import date
    >>> to_wire(Table("t", "id", attributes={"day": date}), {"id": "a", "day": date(2026, 1, 31), "tags": {1, 2}})
    {'id': {'S': 'a'}, 'day': {'S': '2026-01-31'}, 'tags': {'NS': ['1', '2']}}

    Nothing is sent. ValidationError for an item that a put would refuse. A version stays as it is.
    """
    check_table(table)
    by = table.of_new(item) if isinstance(table, Kinds) and isinstance(item, Mapping) else table
    text = encode_item(stored_item(by, item))
    try:
        verify_text(text)
    except Refused as refused:
        raise explained(refused, "") from None
    wire: dict[str, Any] = json.loads(text)
    return wire


def from_wire(table: Table[T], image: Mapping[str, Any]) -> T:
    """The item in DynamoDB JSON, such as an image of a stream record, in the table's types.

    >>> image = {"userid": {"S": "abc"}, "top_score": {"N": "9001"}, "tags": {"SS": ["new"]}}
    >>> from_wire(scores, image)
    {'userid': 'abc', 'top_score': 9001, 'tags': {'new'}}
    >>> from_wire(scores, {"userid": {"S": "abc"}, "top_score": {"N": 9001}})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `top_score`: N takes a number in a string

    The image stays as it is; it may lack attributes, as the `Keys` of a record do. Parts of derived keys are filled in,
    as on reading. ValidationError for what is not DynamoDB JSON, and for a value that is not of its declared type.
    """
    from flyexpr.values.wire_json import item_of_wire

    check_table(table)
    if not isinstance(image, Mapping):
        raise TypeError(f"from_wire takes a table and an image, a dict, not {image!r}")
    return read_item(table, item_of_wire(image))  # type: ignore[return-value]  # of the type that the table has


def to_json(item: Mapping[str, Any]) -> str:
    """An item as one line of JSON, as the command line writes it; `from_json` reads it back.

    >>> to_json({"id": "a", "wins": 3, "tags": {"new", "old"}, "photo": b"hi"})
    '{"id": "a", "wins": 3, "tags": {"$set": ["new", "old"]}, "photo": {"$bytes": "aGk="}}'
    >>> from datetime import date
    >>> to_json({"id": "a", "day": date(2026, 1, 31), "ratio": 0.5})
    '{"id": "a", "day": "2026-01-31", "ratio": 0.5}'

    Numbers keep all of their digits. What JSON and DynamoDB both lack (datetime, date, UUID, an Enum) is written as a
    declared attribute of that type is stored; ValidationError for a value that cannot be stored.
    """
    from flyexpr.values.plain_json import item_text

    if not isinstance(item, Mapping):
        raise TypeError(f"to_json takes an item, a dict, not {item!r}")
    try:
        stored = read_back(item)
    except ValidationError:
        stored = read_back(standard(item))
    return item_text(stored)


def from_json(text: str) -> Item:
    """The item in a JSON text that `to_json` or the command line wrote.

    >>> from_json('{"id": "a", "tags": {"$set": ["new"]}, "ratio": 0.50}')
    {'id': 'a', 'tags': {'new'}, 'ratio': Decimal('0.50')}
    >>> from_json('{"id": NaN}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: not JSON: NaN is not a number

    A datetime that was written stays text: JSON does not say that it was one.
    """
    from flyexpr.values.plain_json import read_item

    if not isinstance(text, str):
        raise TypeError(f"from_json takes the text of an item, a str, not {text!r}")
    return read_item(text)
