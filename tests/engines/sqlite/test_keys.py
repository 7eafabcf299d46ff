"""Key bytes sort as the values do, part by part, and ranges hold exactly the keys they say."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyexpr.engines.sqlite.disk.keys import (
    entry_end,
    following,
    hashed_bytes,
    key_bytes,
    partition_bytes,
    prefix_bytes,
    prefix_range,
    segment_range,
)

DIGITS = st.integers(-(10**38) + 1, 10**38 - 1)
NUMBERS = st.one_of(
    st.integers(-300, 300),
    DIGITS,
    st.builds(lambda digits, exponent: Decimal(digits).scaleb(exponent), DIGITS, st.integers(-130, 88)).filter(
        lambda value: not value or -130 <= value.adjusted() <= 125
    ),
)
STRINGS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\0\x01aé｡😀")), max_size=6)
BINARIES = st.one_of(st.binary(max_size=6), st.lists(st.sampled_from([b"\0", b"\xff", b"\x01"])).map(b"".join))
KINDS = {"S": STRINGS, "N": NUMBERS, "B": BINARIES}


def order(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_sort_as_values(kind: str) -> None:
    @given(KINDS[kind], KINDS[kind])
    def law(left: Any, right: Any) -> None:
        assert order(key_bytes(kind, left), key_bytes(kind, right)) == order(left, right)

    law()


@given(st.tuples(NUMBERS, STRINGS, BINARIES), st.tuples(NUMBERS, STRINGS, BINARIES))
def test_several_parts_sort_in_turn(left: tuple[Any, ...], right: tuple[Any, ...]) -> None:
    def joined(parts: tuple[Any, ...]) -> bytes:
        return b"".join(key_bytes(kind, part) for kind, part in zip("NSB", parts, strict=True))

    assert order(joined(left), joined(right)) == order(left, right)


@pytest.mark.parametrize("kind", ["S", "B"])
def test_a_prefix_range_holds_what_starts_with_the_prefix(kind: str) -> None:
    @given(KINDS[kind], KINDS[kind])
    def law(value: Any, prefix: Any) -> None:
        start = partition_bytes("S", "p")
        low, high = prefix_range(start + prefix_bytes(kind, prefix))
        assert (low <= start + key_bytes(kind, value) < high) == value.startswith(prefix)

    law()


@pytest.mark.parametrize("one, other", [(1, Decimal("1.0")), (0, Decimal("-0")), (1000, Decimal("1E+3"))])
def test_equal_numbers_have_equal_bytes(one: int, other: Decimal) -> None:
    assert key_bytes("N", one) == key_bytes("N", other)


@given(BINARIES)
def test_the_key_after_a_prefix_is_the_next_one_without_it(prefix: bytes) -> None:
    start = b"\x7f" + prefix
    assert start + b"\xff" * 10 < following(start)
    assert following(start) <= start[: len(following(start)) - 1] + bytes((start[len(following(start)) - 1] + 1,))


@given(st.binary(max_size=20), st.integers(1, 1_000_000))
def test_segments_are_disjoint_and_complete(value: bytes, total: int) -> None:
    row = partition_bytes("B", value)
    segment = (int.from_bytes(row[:4], "big") >> 19) * total >> 12
    holding = [
        number
        for number in range(max(segment - 1, 0), min(segment + 2, total))
        if segment_range(number, total)[0] <= row < segment_range(number, total)[1]
    ]
    assert len(holding) == 1
    assert segment_range(0, total)[0] == b"\0\0\0\0"
    assert segment_range(total - 1, total)[1] > b"\x7f\xff\xff\xff"


@pytest.mark.parametrize("kinds", ["S", "N", "B", "SN", "NS", "NN", "BB", "SB", "NB"])
def test_an_entry_ends_with_a_hash_of_all_values_of_the_key(kinds: str) -> None:
    @given(st.tuples(*(KINDS[kind] for kind in kinds)))
    def law(values: tuple[Any, ...]) -> None:
        row = partition_bytes(kinds[0], values[0]) + b"".join(map(key_bytes, kinds[1:], values[1:]))
        assert entry_end(row, kinds) == hashed_bytes(kinds, *values)

    law()
