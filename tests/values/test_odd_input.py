"""Values of unknown types, values nested too deep, answers with white space: wherever they can come in."""

import json
from array import array
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from flyexpr import (
    F,
    Table,
    ValidationError,
    connect,
    create_table,
    delete,
    diff,
    eq,
    from_json,
    get,
    if_not_exists,
    matches,
    modify,
    put,
    run,
    scan,
    show,
    size,
    to_json,
    transact_modify,
)
from flyexpr.schema.stored_items import stored_item
from flyexpr.values.encode import encode, encode_item
from flyexpr.values.refusals import Refused
from flyexpr.values.sizes import item_size, value_size


class Unhashable:
    """A type that DynamoDB lacks, and that cannot be hashed, as a constant of an expression has to be."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


def nested(levels: int, wrap: Any) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"k": value}])
def test_a_constant_that_cannot_be_hashed(wrap: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        eq("a", wrap(Unhashable()))
    assert caught.value.message == "DynamoDB has no type for tests.values.test_odd_input.Unhashable"


@pytest.mark.parametrize(
    "wrap, path",
    [
        (lambda value: [value], "[0]" * 31),
        (lambda value: {"k": value}, ".".join(["k"] * 31)),
        (lambda value: [{"k": [value]}], "[0].k[0]" * 10 + "[0]"),
    ],
    ids=["lists", "maps", "lists and maps"],
)
def test_a_constant_nested_too_deep(wrap: Any, path: str) -> None:
    per_wrap = 3 if path.count("k[0]") else 1
    deepest = 31 // per_wrap
    assert show(eq("a", nested(deepest, wrap)))
    with pytest.raises(ValidationError) as caught:
        eq("a", nested(deepest + 1, wrap))
    assert str(caught.value) == f"at `{path}`: nested more than 32 levels deep"
    assert encode(nested(deepest, wrap))
    with pytest.raises(ValidationError) as caught:
        encode(nested(deepest + 1, wrap))
    assert str(caught.value) == f"at `{path}`: nested more than 32 levels deep"


def test_an_item_that_cannot_be_stored_says_where() -> None:
    with pytest.raises(ValidationError) as caught:
        encode_item({"id": "k", "a": [{"b": set()}]})
    assert str(caught.value).splitlines()[0] == "at `a[0].b`: a set may not be empty"


class Text(str):
    pass


class Items(dict[str, Any]):
    pass


def test_the_size_of_what_only_behaves_like_a_value() -> None:
    assert value_size(Text("é")) == value_size("é") == 2
    assert item_size({"a": Items(b=Text("é"))}) == item_size({"a": {"b": "é"}}) == 8
    with pytest.raises(ValidationError) as caught:
        value_size(Unhashable())
    assert caught.value.message == "DynamoDB has no type for tests.values.test_odd_input.Unhashable"


@pytest.mark.parametrize("item", [None, "a", [("id", "a")], 3])
def test_an_item_that_is_no_dict(item: Any) -> None:
    with pytest.raises(TypeError) as caught:
        stored_item(Table("t", "id"), item)
    assert str(caught.value) == f"an item is a dict, not {item!r}"


def spaced(answer: Any) -> str:
    return json.dumps(answer, indent=2, separators=(" , ", " : "))


@pytest.mark.parametrize("written", [json.dumps, spaced, lambda answer: f" \n{spaced(answer)}\n "])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_answer_with_blanks_before_every_mark(written: Any, number: int) -> None:
    """Other engines and proxies may write answers with white space."""
    items = [{"id": {"S": str(place)}, "n": {"N": "1"}} for place in range(number)]
    answers = [{"Items": items, "Count": number, "ScannedCount": number}, {"Item": {"id": {"S": "one"}}}]
    bodies = [written(answer).encode() for answer in answers]
    table = Table("t", "id").on(lambda operation, body: bodies.pop(0))
    assert list(run(table, scan())) == [{"id": str(place), "n": 1} for place in range(number)]
    assert get(table, "one") == {"id": "one"}


class Shown(bytes):
    """Bytes whose own method says others."""

    def __bytes__(self) -> bytes:
        return b"other"


@pytest.mark.parametrize(
    "value, stored",
    [
        (memoryview(b"abcdef")[::2], b"ace"),
        (memoryview(array("H", [1, 2])), array("H", [1, 2]).tobytes()),
        (bytearray(b"ab"), b"ab"),
        (Shown(b"ab"), b"ab"),
        ({Shown(b"ab")}, {b"ab"}),
    ],
)
def test_bytes_that_are_shown_otherwise(value: Any, stored: Any) -> None:
    assert encode(value) == encode(stored)
    assert value_size(value) == value_size(stored)
    assert eq("a", value) == eq("a", stored)
    assert matches(eq("a", stored), {"a": value})


def test_the_deepest_item_is_given_back_by_every_write() -> None:
    """An item's attributes are the first level; the item itself is none."""
    deepest = {"id": "a", "v": nested(31, lambda value: [value])}
    with closing(connect("sqlite::memory:")) as engine:
        table = Table("deep", "id").on(engine)
        run(table, create_table())
        assert put(table, deepest, returns="NEW") == deepest
        delete(table, "a")
        assert modify(table, "a", lambda item: deepest) == deepest
        delete(table, "a")
        assert transact_modify([(table, "a")], lambda items: [deepest]) == [deepest]
    assert from_json(to_json(deepest)) == deepest


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
ENDLESS_MAP: dict[str, Any] = {}
ENDLESS_MAP["k"] = ENDLESS_MAP
BRANCHING: list[Any] = []
BRANCHING += [BRANCHING, {"k": BRANCHING, "l": BRANCHING}, date(2026, 1, 31)]


@pytest.mark.parametrize(
    "value",
    [ENDLESS, ENDLESS_MAP, nested(100_000, lambda value: [value]), BRANCHING, {"k": BRANCHING}],
    ids=["list", "map", "deep", "branching", "branching in a map"],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda item: matches(eq("a", 1), item),
        lambda item: matches(size("a") > 0, item),
        lambda item: to_json(item),
        lambda item: encode_item(item),
        lambda item: diff({}, item),
        lambda item: diff(item, {"id": "x", "a": 1}),
    ],
)
def test_an_item_without_an_end_is_nested_too_deep(value: Any, use: Any) -> None:
    with pytest.raises((ValidationError, Refused)) as caught:
        use({"id": "x", "a": value})
    assert "nested more than 32 levels deep" in str(caught.value)


def test_a_set_of_lists_is_refused_by_every_function() -> None:
    for use in (to_json, lambda item: matches(eq("a", 1), item)):
        for member in ((1,), frozenset([1])):
            with pytest.raises(ValidationError) as caught:
                use({"id": "x", "a": {member}})
            assert "a set holds only strings, only numbers or only bytes" in str(caught.value)


@pytest.mark.parametrize("value", [F.a, F.a[0], F.a + 1, size("a"), if_not_exists("a", 1)])
def test_a_part_of_an_expression_is_not_a_value_of_an_item(value: Any) -> None:
    hint = "an item holds values; update(table, key, assign(path, ...)) can use what is stored"
    with pytest.raises(ValidationError) as caught:
        to_json({"id": "x", "a": [value]})
    assert str(caught.value) == f"at `a[0]`: DynamoDB has no type for flyexpr.expressions.terms.Term\n  hint: {hint}"
    with pytest.raises(ValidationError) as caught:
        stored_item(Table("t", "id", attributes={"a": int}), {"id": "x", "a": value})
    assert str(caught.value) == f"at `a`: expected int, got flyexpr.expressions.terms.Term\n  hint: {hint}"
