"""The key of an item, cut out of the item's stored text."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.item_texts import read_first
from flyexpr.engines.sqlite.disk.key_schema import KeySchema, has_key
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.values.numbers import text_size
from flyexpr.values.sizes import item_size
from flyexpr.values.types import quote

KeyReader = Callable[[bytes], tuple[bytes, int]]


def key_reader(schema: KeySchema) -> KeyReader:
    """A function that gives the key of a stored item: its text, and its size.

    >>> from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute
    >>> key_of = key_reader(KeySchema((KeyAttribute("id", "S"),), (KeyAttribute("year", "N"),)))
    >>> key_of(b'{"id":{"S":"abc"},"year":{"N":"1959"},"genre":{"S":"jazz"}}')
    (b'{"id":{"S":"abc"},"year":{"N":"1959"}}', 12)

    DamagedFileError for an item that lacks its key.
    """
    names = sum([len(name.encode()) for name in schema.names])
    texts = [_ATTRIBUTE % (re.escape(quote(one.name)).encode(), one.kind.encode()) for one in schema.attributes]
    sizes = [_SIZES[one.kind] for one in schema.attributes]
    if not schema.sort:
        texts, sizes = [b"%b()" % texts[0]], [*sizes, len]
    match, (partition_size, sort_size) = re.compile(rb"(\{%b)[,}]" % b",".join(texts)).match, sizes

    def read(text: bytes) -> tuple[bytes, int]:
        # Most items begin with their key, and few keys have an escape in a string: this takes a sixth of the time.
        matched = match(text)
        if matched is None:
            return _read_key(schema, text)
        attributes, partition, sort = matched.groups()
        return attributes + b"}", names + partition_size(partition) + sort_size(sort)

    return read


def _read_key(schema: KeySchema, text: bytes) -> tuple[bytes, int]:
    key = read_first(text, schema.names)
    if not has_key(schema, key):
        raise DamagedFileError("a stored item lacks its key")
    return item_text(key), item_size(key)


def _number_size(text: bytes) -> int:
    return (len(text.rstrip(b"0")) + 3) // 2 if text.isdigit() else text_size(text.decode())


_ATTRIBUTE = rb'%b:\{"%b":"([^"\\]*)"\}'
_SIZES: dict[str, Callable[[bytes], int]] = {"S": len, "N": _number_size, "B": lambda text: len(a2b_base64(text))}
