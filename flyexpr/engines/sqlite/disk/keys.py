"""Key values as bytes that sort as DynamoDB sorts the values, and the ranges of such bytes that a read asks for.

A row key is `hash of the partition key ‖ partition key attributes ‖ sort key attributes`. In an index
`hash of the table's key ‖ attributes of the table's key` follows, because index keys need not be unique. Every part
ends itself, so joined parts compare part by part, a partition is the range of one prefix, a sort key condition a range
within it, and a scan the range of all.

The hash is the service's: MD5 of the word Outliers and the values. So a scan, the parts of a parallel scan, and the
items with one key of an index come in the service's order.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from struct import Struct
from typing import Any

try:
    from _md5 import md5  # type: ignore[import-not-found]  # OpenSSL's, which hashlib has, makes a put 3 % slower
except ImportError:
    from hashlib import md5

Range = tuple[bytes, bytes]
"""From the first key to, but not including, the second."""

HASH_BITS, _HASH_BYTES = 31, 4
BUCKET_BITS = 12  # a parallel scan divides this many bits of the hash
_SALT = b"Outliers"
_BITS = Struct(">I")
_END = b"\0\0"
_ZERO, _EXPONENT = b"\x80", 192
_MOST_PAIRS, _NEGATIVE_END = 20, b"\x66"
_PAIRS = [(packed >> 4) * 10 + (packed & 15) for packed in range(256)]  # the numbers of two decimal digits in a byte
_POSITIVE = bytes((pair + 1) % 256 for pair in _PAIRS)
_NEGATIVE = bytes((101 - pair) % 256 for pair in _PAIRS)


def key_bytes(kind: str, value: Any) -> bytes:
    """The bytes of one key value of type S, N or B; they sort as the values do.

    >>> key_bytes("S", "é") < key_bytes("S", "｡") < key_bytes("S", "😀")
    True
    >>> key_bytes("N", -10) < key_bytes("N", Decimal("-9.5")) < key_bytes("N", 0) < key_bytes("N", 10**30)
    True

    Strings sort by their UTF-8 bytes and numbers by value, as the developer guide's "Data types" says.
    """
    return _ended(kind, _PLAIN[kind](value))


def prefix_bytes(kind: str, value: Any) -> bytes:
    """The bytes that every key value of type S or B starts with, if the value itself starts with `value`.

    >>> key_bytes("S", "EU-7").startswith(prefix_bytes("S", "EU-"))
    True

    A zero byte is written as 00 FF, so that 00 00 can end a value and still sort below everything that continues it.
    """
    return _PLAIN[kind](value).replace(b"\0", b"\0\xff")


def hashed_bytes(kinds: str, *values: Any) -> bytes:
    """A hash of key values of these types, and then the values.

    >>> hashed_bytes("S", "A").hex(), hashed_bytes("S", "B").hex()
    ('065addf2410000', '152fde1e420000')

    The hash has the first 31 bits of MD5, so the top bit is 0, and no range of keys is ever without an upper end.
    """
    plain = row = b""
    for kind, value in zip(kinds, values, strict=True):
        part = _PLAIN[kind](value)
        plain, row = plain + part, row + _ended(kind, part)
    return _hash(plain) + row


partition_bytes = lru_cache(maxsize=4096)(hashed_bytes)
"""The start of every row key of one partition, from the values of its key; the last ones are remembered."""


@lru_cache(maxsize=16)  # the old and the new entry of an item have one, and so have its entries in several indexes
def entry_end(row: bytes, kinds: str) -> bytes:
    """The end of the row keys of an item's entries: its own row key, with a hash of all values in place of the first.

    `kinds` are the types of the key attributes.

    >>> row = partition_bytes("S", "A") + key_bytes("N", 1)
    >>> entry_end(row, "SN") == hashed_bytes("SN", "A", 1)
    True
    """
    if len(kinds) == 1:
        return row
    plain, start = b"", _HASH_BYTES
    for kind in kinds:
        part, start = _PARTS[kind](row, start)
        plain += part
    return _hash(plain) + row[_HASH_BYTES:]


def _text_part(row: bytes, start: int) -> tuple[bytes, int]:
    """The string or binary value that begins there in a row key, and where the next value begins."""
    end = row.index(_END, start)
    return row[start:end].replace(b"\0\xff", b"\0"), end + len(_END)


def _number_part(row: bytes, start: int) -> tuple[bytes, int]:
    """The number that begins there in a row key, and where the next value begins."""
    if row[start] >= _ZERO[0]:
        end = row.index(b"\0", start)
        return row[start:end], end + 1
    most = start + 1 + _MOST_PAIRS
    end = row.find(_NEGATIVE_END, start + 1, most) + 1 or most
    return row[start:end], end


_PARTS: dict[str, Callable[[bytes, int], tuple[bytes, int]]] = {"S": _text_part, "N": _number_part, "B": _text_part}


def _hash(plain: bytes) -> bytes:
    (bits,) = _BITS.unpack_from(md5(_SALT + plain, usedforsecurity=False).digest())
    return _BITS.pack(bits >> 1)


def _ended(kind: str, plain: bytes) -> bytes:
    """A part of a row key, with an end that sorts below everything that may continue it; a negative number has one."""
    if kind != "N":
        return plain.replace(b"\0", b"\0\xff") + _END
    return plain if plain < _ZERO else plain + b"\0"


def following(prefix: bytes) -> bytes:
    """The first key after all keys that start with `prefix`.

    >>> following(b"ab"), following(b"a\\xff")
    (b'ac', b'b')
    """
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,))


def prefix_range(prefix: bytes) -> Range:
    """All keys that start with `prefix`.

    >>> prefix_range(b"ab")
    (b'ab', b'ac')
    """
    return prefix, following(prefix)


def segment_range(segment: int, total: int) -> Range:
    """The keys of one segment of a parallel scan: an equal share of the 4096 values that the hash begins with.

    >>> segment_range(0, 1)
    (b'\\x00\\x00\\x00\\x00', b'\\x80\\x00\\x00\\x00')
    >>> segment_range(0, 2)[1] == segment_range(1, 2)[0]
    True

    Of more than 4096 segments some are empty.
    """
    first, end = (-((-n << BUCKET_BITS) // total) << HASH_BITS - BUCKET_BITS for n in (segment, segment + 1))
    return first.to_bytes(4, "big"), end.to_bytes(4, "big")


def _number(value: int | Decimal) -> bytes:
    """The service's own form of a number: an exponent of 100, then digits in pairs; those of a negative number are
    complemented, and 102 ends them, unless there are 20.

    The exponent of `0.digits * 100 ** exponent` lies between -64 and 63 (the guide's range for Number: 1E-130 to
    9.9...E+125), so it fits one byte with the sign.
    """
    if not value:
        return _ZERO
    digits, exponent = _digits(value)
    if exponent % 2:
        digits, exponent = "0" + digits, exponent + 1
    if len(digits) % 2:
        digits += "0"
    first, pairs = exponent // 2 + _EXPONENT, bytes.fromhex(digits)
    if value > 0:
        return bytes((first,)) + pairs.translate(_POSITIVE)
    end = _NEGATIVE_END if len(pairs) < _MOST_PAIRS else b""
    return bytes((255 - first,)) + pairs.translate(_NEGATIVE) + end


def _digits(value: int | Decimal) -> tuple[str, int]:
    """The significant digits of a number that is not zero, and the exponent of `0.digits`."""
    if isinstance(value, int):
        text = str(abs(value))
        return text.rstrip("0"), len(text)
    _, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    return text.rstrip("0"), len(text) + int(exponent)


_PLAIN: dict[str, Callable[[Any], bytes]] = {"S": str.encode, "N": _number, "B": bytes}
"""What makes the bytes of a value as the service hashes them, by its type."""
