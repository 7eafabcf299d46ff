"""Items as DynamoDB JSON and as plain JSON, in the types of a table."""

import copy
import json
from collections import ChainMap, UserDict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
import typed
from hypothesis import given

from flyexpr import (
    Attribute,
    FlyexprError,
    Table,
    connect,
    create_table,
    epoch,
    from_json,
    from_wire,
    get,
    put,
    put_item,
    request,
    run,
    template,
    to_json,
    to_wire,
)
from flyexpr.values.foreign import meaning

ORDERS = Table(
    "Shop",
    "pk",
    "sk",
    attributes={
        "pk": template("CUSTOMER#{customer}"),
        "sk": template("ORDER#{order:04d}"),
        "order": int,
        "placed": datetime,
        "until": epoch,
        "status": Attribute(str, default="new"),
    },
)
NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


def test_an_item_is_written_as_a_put_sends_it() -> None:
    item = {"customer": "ada", "order": 7, "placed": NOON, "until": NOON, "photo": b"hi"}
    wire = to_wire(ORDERS, item)
    assert wire == request(ORDERS, put_item(item))[1]["Item"]
    assert wire["sk"] == {"S": "ORDER#0007"}
    assert wire["status"] == {"S": "new"}
    assert from_wire(ORDERS, wire) == {**item, "pk": "CUSTOMER#ada", "sk": "ORDER#0007", "status": "new"}


@pytest.fixture(scope="module")
def every() -> Iterator[Table]:
    with connect("sqlite::memory:") as engine:
        table = typed.EVERY.on(engine)
        run(table, create_table())
        yield table


@given(typed.typed_items())
def test_wire_items_read_as_the_table_reads_them(every: Table, item: dict[str, Any]) -> None:
    put(every, {**item, "pk": "k"})
    wire = to_wire(typed.EVERY, {**item, "pk": "k"})
    kept = copy.deepcopy(wire)
    assert from_wire(typed.EVERY, wire) == get(every, "k")
    assert wire == kept


def test_a_part_of_an_item_is_read_too() -> None:
    keys = {"pk": {"S": "CUSTOMER#ada"}, "sk": {"S": "ORDER#0007"}}
    assert from_wire(ORDERS, keys) == {"pk": "CUSTOMER#ada", "sk": "ORDER#0007", "customer": "ada", "order": 7}
    assert from_wire(ORDERS, {}) == {}


@pytest.mark.parametrize("wrap", [MappingProxyType, ChainMap, UserDict])
def test_every_mapping_is_an_object(wrap: Callable[[dict[str, Any]], Any]) -> None:
    info = wrap({"M": wrap({"a": wrap({"L": [wrap({"N": "1"})]})})})
    assert from_wire(Table("t", "id"), wrap({"id": wrap({"S": "a"}), "info": info})) == {"id": "a", "info": {"a": [1]}}


def test_bytes_of_botocore_are_read_too() -> None:
    assert from_wire(Table("t", "id"), {"id": {"S": "a"}, "b": {"B": b"hi"}, "c": {"B": "aGk="}}) == {
        "id": "a",
        "b": b"hi",
        "c": b"hi",
    }


@pytest.mark.parametrize(
    "image, text",
    [
        ({"placed": {"S": "x"}}, "at `placed`: the stored value cannot be read as datetime: 'x' is not a datetime"),
        ({"order": {"S": "7"}}, "at `order`: the stored value cannot be read as int: `order` is stored as S, not as N"),
        ({"order": "7"}, 'at `order`: an attribute value is an object such as {"S": "text"}'),
        ({"order": {"n": "7"}}, "at `order`: 'n' is not a type of DynamoDB"),
        ("x", "from_wire takes a table and an image, a dict, not 'x'"),
    ],
)
def test_what_cannot_be_read(image: object, text: str) -> None:
    with pytest.raises((FlyexprError, TypeError)) as caught:
        from_wire(ORDERS, image)  # type: ignore[arg-type]
    assert str(caught.value).split("\n")[0] == text


def test_to_wire_refuses_what_a_put_refuses() -> None:
    with pytest.raises(FlyexprError) as caught:
        to_wire(ORDERS, {"customer": "ada"})
    assert str(caught.value) == "at `sk`: `sk` is made of `order`; `order` is not given"


def test_json_of_every_type() -> None:
    item = {
        "id": "a",
        "day": date(2026, 1, 31),
        "at": NOON,
        "colour": typed.Colour.RED,
        "uuid": UUID(int=1),
        "n": [1.5, Decimal("0.10"), 10**30],
        "sets": [{2, 1}, {b"x"}, {"b", "a"}],
        "odd": {"$set": 1},
        "none": None,
    }
    text = to_json(item)
    assert text == (
        '{"id": "a", "day": "2026-01-31", "at": "2026-01-31T12:00:00.000000+00:00", "colour": "red", '
        '"uuid": "00000000-0000-0000-0000-000000000001", "n": [1.5, 0.1, 1000000000000000000000000000000], '
        '"sets": [{"$set": [1, 2]}, {"$set": [{"$bytes": "eA=="}]}, {"$set": ["a", "b"]}], '
        '"odd": {"$$set": 1}, "none": null}'
    )
    assert json.loads(text)["id"] == "a"
    assert meaning(from_json(text)) == meaning(item)


@pytest.mark.parametrize(
    "wrong, text",
    [
        (
            {"a": float("nan")},
            "at `a`: NaN is not a number that DynamoDB can store\n  hint: leave the attribute out, or store None",
        ),
        (
            {"a": {"b": object()}},
            (
                "at `a.b`: DynamoDB has no type for object\n"
                "  hint: declare the attribute's type on the table, or store a plain value"
            ),
        ),
        ([1], "to_json takes an item, a dict, not [1]"),
    ],
)
def test_what_cannot_be_written_as_json(wrong: object, text: str) -> None:
    with pytest.raises((FlyexprError, TypeError)) as caught:
        to_json(wrong)  # type: ignore[arg-type]
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "wrong, text",
    [
        ("[1]", "an item is a JSON object, not [1]"),
        ('{"a": 1', "not JSON: Expecting ',' delimiter at character 8"),
        ('{"a": {"$set": []}}', '{"$set": [...]} takes a list of strings, of numbers or of {"$bytes": ...}, not empty'),
        (b"{}", "from_json takes the text of an item, a str, not b'{}'"),
    ],
)
def test_what_cannot_be_read_as_json(wrong: object, text: str) -> None:
    with pytest.raises((FlyexprError, TypeError)) as caught:
        from_json(wrong)  # type: ignore[arg-type]
    assert str(caught.value) == text
