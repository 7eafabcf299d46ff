"""An item as it stands in a table before or after a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.engines.sqlite.disk.item_texts import read_text
from flyexpr.records import record

Row = tuple[int, bytes]
"""The size and the text of a stored item."""


@record
class Image:
    """An item before or after a write: the attributes that are looked at, its size, and its stored text."""

    item: Mapping[str, Any]
    size: int
    text: bytes


def read_image(row: Row | None, names: frozenset[str]) -> Image | None:
    """The image of a stored row, with the attributes of these names.

    >>> read_image((9, b'{"id":{"S":"abc"},"wins":{"N":"12"}}'), frozenset({"id"})).item
    {'id': 'abc'}
    """
    return None if row is None else Image(read_text(row[1], names) if names else {}, *row)
