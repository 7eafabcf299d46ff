"""Key values as bytes that sort as DynamoDB sorts the values, and the ranges of such bytes that a read asks for.

A row key is `hash of the partition key ‖ partition key attributes ‖ sort key attributes`; in an index the table's
own row key follows, because index keys need not be unique. Every part ends itself, so joined parts compare part by
part, a partition is the range of one prefix, a sort key condition a range within it, and a scan the range of all.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from functools import lru_cache
from typing import Any

Range = tuple[bytes, bytes]
"""From the first key to, but not including, the second."""

HASH_BITS = 31
_END = b"\0\0"
_NEGATIVE, _ZERO, _POSITIVE = b"\x01", b"\x02", b"\x03"
_COMPLEMENT = bytes(range(255, -1, -1))
_PAIRS = {f"{pair:02}": pair + 1 for pair in range(100)}


def key_bytes(kind: str, value: Any) -> bytes:
    """The bytes of one key value of type S, N or B; they sort as the values do.

    >>> key_bytes("S", "é") < key_bytes("S", "｡") < key_bytes("S", "😀")
    True
    >>> key_bytes("N", -10) < key_bytes("N", Decimal("-9.5")) < key_bytes("N", 0) < key_bytes("N", 10**30)
    True

    Strings sort by their UTF-8 bytes and numbers by value, as the developer guide's "Data types" says.
    """
    return _number(value) if kind == "N" else prefix_bytes(kind, value) + _END


def prefix_bytes(kind: str, value: Any) -> bytes:
    """The bytes that every key value of type S or B starts with, if the value itself starts with `value`.

    >>> key_bytes("S", "EU-7").startswith(prefix_bytes("S", "EU-"))
    True

    A zero byte is written as 00 FF, so that 00 00 can end a value and still sort below everything that continues it.
    """
    raw: bytes = value.encode() if kind == "S" else value
    return raw.replace(b"\0", b"\0\xff")


@lru_cache(maxsize=4096)
def partition_bytes(parts: tuple[bytes, ...]) -> bytes:
    """The start of every row key of one partition: a hash of its key values, then the values.

    >>> partition_bytes((key_bytes("S", "abc"),)).hex()
    '3d7c83f16162630000'

    The hash decides the order of a scan and the segment of a parallel scan. Its top bit is 0, so no range of keys is
    ever without an upper end.
    """
    joined = b"".join(parts)
    digest = hashlib.blake2b(joined, digest_size=4).digest()
    return bytes((digest[0] & 0x7F,)) + digest[1:] + joined


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
    """The keys of one segment of a parallel scan: an equal share of the hashes.

    >>> segment_range(0, 1)
    (b'\\x00\\x00\\x00\\x00', b'\\x80\\x00\\x00\\x00')
    >>> segment_range(0, 2)[1] == segment_range(1, 2)[0]
    True
    """
    low, high = ((n << HASH_BITS) // total for n in (segment, segment + 1))
    return low.to_bytes(4, "big"), high.to_bytes(4, "big")


def _number(value: int | Decimal) -> bytes:
    """Sign, exponent, digits in pairs, end; all but the sign complemented for a negative number.

    The exponent of `0.digits * 10 ** exponent` lies between -129 and 126 (the guide's range for Number: 1E-130 to
    9.9...E+125), so it fits one byte.
    """
    if not value:
        return _ZERO
    digits, exponent = _digits(value)
    if len(digits) % 2:
        digits += "0"
    pairs = bytes([_PAIRS[digits[i : i + 2]] for i in range(0, len(digits), 2)])
    body = bytes((exponent + 129,)) + pairs + b"\0"
    return _POSITIVE + body if value > 0 else _NEGATIVE + body.translate(_COMPLEMENT)


def _digits(value: int | Decimal) -> tuple[str, int]:
    """The significant digits of a number that is not zero, and the exponent of `0.digits`."""
    if isinstance(value, int):
        text = str(abs(value))
        return text.rstrip("0"), len(text)
    _, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    return text.rstrip("0"), len(text) + int(exponent)
