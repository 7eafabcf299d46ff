"""Descriptors of tables: frozen values, and attribute types that come back from every engine as they went in."""

import enum
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from raised import raises

from flyexpr import (
    Attribute,
    Codec,
    Engine,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    NotBound,
    Table,
    ValidationError,
    add,
    assign,
    contains,
    create_table,
    describe_table,
    epoch,
    eq,
    get,
    gt,
    incr,
    is_in,
    put,
    put_item,
    query,
    request,
    run,
    scan,
    template,
    update,
    update_item,
)


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2


def to_cents(euros: Decimal) -> int:
    return int(euros * 100)


def from_cents(cents: int) -> Decimal:
    return Decimal(cents) / 100


def positive(value: int) -> bool:
    return value >= 0


MAKERS: list[Callable[[], Any]] = [
    lambda: Table("t", "id"),
    lambda: Table("t", "id", "at", attributes={"at": datetime, "tags": set[str], "level": Level, "u": UUID}),
    lambda: Table("t", "id", attributes={"wins": Attribute(int, default=0, check=positive), "until": epoch}),
    lambda: Table("t", "id", attributes={"price": Codec(to_cents, from_cents, int)}),
    lambda: Table("t", "id", "at", indexes=[GlobalIndex("G", ("a", "b"), ("c",), ["d"]), LocalIndex("L", "e", "keys")]),
    lambda: Table("t", "uid", attributes={"uid": template("{kind}:{id}")}),
    lambda: Table("t", "id", throughput=(5, 5), stream="both", tags={"team": "x"}, deletion_protection=True, ttl="u"),
    lambda: GlobalIndex("G", "a", "b", project=["c", "d"]),
    lambda: LocalIndex("L", "a"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_descriptor_is_a_value(make: Callable[[], Any]) -> None:
    one, other = make(), make()
    assert one == other == pickle.loads(pickle.dumps(one))
    assert hash(one) == hash(other) == hash(pickle.loads(pickle.dumps(one)))
    assert repr(one) == repr(other)
    with pytest.raises(FrozenInstanceError):
        one.name = "another"
    assert one != replace(one, name="another")


def test_what_a_table_was_given_can_change_without_it() -> None:
    attributes, indexes, project = {"a": int}, [GlobalIndex("G", "a")], ["b"]
    table = Table("t", "id", attributes=attributes, indexes=indexes)
    index = GlobalIndex("P", "a", project=project)
    attributes["b"] = str
    indexes.clear()
    project.clear()
    assert (dict(table.attributes), table.indexes, index.project) == ({"a": int}, (GlobalIndex("G", "a"),), ("b",))
    with pytest.raises(TypeError):
        table.attributes["b"] = str  # type: ignore[index]


def test_one_key_attribute_is_the_same_however_it_is_given() -> None:
    assert GlobalIndex("G", ("a",), ("b",)) == GlobalIndex("G", "a", "b")
    assert GlobalIndex("G", "a", ()) == GlobalIndex("G", "a")


def nowhere(operation: str, body: bytes) -> bytes:
    return b"{}"


def test_copies_bound_and_named() -> None:
    table = Table("scores", "id")
    bound = table.on(nowhere)
    assert (bound.engine, table.engine, bound) == (nowhere, None, table)
    assert pickle.loads(pickle.dumps(bound)).engine is nowhere
    assert bound.named("prod-{}").engine is nowhere
    assert bound.named("prod-{}").name == "prod-scores"
    with raises(NotBound, "table 'scores' has no engine; bind one with `table.on(connect('sqlite:scores.db'))`"):
        get(table, "a")


def test_the_type_of_the_items_is_only_for_type_checkers() -> None:
    typed = Table[dict[str, int]]("scores", "id")
    assert type(typed) is Table
    assert typed == Table("scores", "id") == pickle.loads(pickle.dumps(typed))
    assert hash(typed) == hash(Table("scores", "id"))
    with pytest.raises(FrozenInstanceError):
        typed.name = "other"  # type: ignore[misc]


def test_a_bound_table_s_engine_is_one_to_a_type_checker() -> None:
    assert get_type_hints(Table)["engine"] == Engine


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Table("t", "id", "id"), "table 't': partition key and sort key are both 'id'"),
        (lambda: Table("", "id"), "a table needs a name, a str, not ''"),
        (
            lambda: Table("t", "id", indexes=[LocalIndex("L", "a")]),
            "table 't' has no sort key, which a local index needs",
        ),
        (
            lambda: Table("t", "id", "at", indexes=[LocalIndex("L", "id")]),
            "table 't': a local index cannot sort by the partition key",
        ),
        (
            lambda: Table("t", "id", version="id"),
            "table 't': a version counts up, so 'id' cannot be in a key",
        ),
        (
            lambda: Table("t", "id", version="v", indexes=[GlobalIndex("G", "v")]),
            "table 't': a version counts up, so 'v' cannot be in a key",
        ),
        (
            lambda: Table("t", "id", indexes=[GlobalIndex("x", "a"), GlobalIndex("x", "b")]),
            "table 't' has two indexes of one name: x, x",
        ),
        (lambda: Table("t", "id").index("G"), "table 't' has no index 'G'; its indexes: none"),
        (
            lambda: Table("t", "id", attributes={"id": list}),
            "key attribute 'id' of table 't' must hold strings, numbers or bytes",
        ),
        (
            lambda: Table("t", "id", attributes={"a": bool}, indexes=[GlobalIndex("G", "a")]),
            "key attribute 'a' of table 't' must hold strings, numbers or bytes",
        ),
        (
            lambda: GlobalIndex("G", tuple("abcde")),
            "index 'G': each key has at most 4 attributes, and a partition key one",
        ),
        (lambda: GlobalIndex("G", ("a", "b"), "a"), "index 'G' names an attribute twice in its keys"),
        (
            lambda: GlobalIndex("G", "a", project="some"),  # type: ignore[arg-type]
            "project is 'all', 'keys' or a list of attribute names, not 'some'",
        ),
    ],
)
def test_what_no_table_can_be(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(FlyexprError) as caught:
        make()
    assert str(caught.value) == text


# attributes: defaults, checks, requirements


def test_defaults_are_filled_in_and_never_shared() -> None:
    sent: list[bytes] = []
    table = Table(
        "t", "id", attributes={"wins": Attribute(int, default=0), "log": Attribute(list, default=list), "x": int}
    ).on(lambda operation, body: sent.append(body) or b"{}")
    item = {"id": "a"}
    put(table, item)
    assert sent == [b'{"TableName":"t","Item":{"id":{"S":"a"},"wins":{"N":"0"},"log":{"L":[]}}}']
    assert item == {"id": "a"}


@pytest.mark.parametrize(
    "item, text",
    [
        ({"id": "a"}, "at `wins`: an item of 't' needs this attribute"),
        ({"id": "a", "wins": None}, "at `wins`: an item of 't' needs this attribute"),
        ({"id": "a", "wins": -1}, "at `wins`: -1 fails the check of this attribute"),
        ({"id": "a", "wins": "1"}, "at `wins`: '1' fails the check of this attribute"),
    ],
)
def test_what_an_attribute_asks_for(item: dict[str, Any], text: str) -> None:
    rule = Attribute(int, required=True, check=lambda wins: isinstance(wins, int) and wins >= 0)
    with pytest.raises(ValidationError) as caught:
        put(Table("t", "id", attributes={"wins": rule}).on(nowhere), item)
    assert str(caught.value) == text


# on every engine

NOON = datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=timezone.utc)
TYPED: dict[str, tuple[Any, list[Any]]] = {
    "text": (str, ["", "é😀", "a\x00b"]),
    "whole": (int, [0, -1, 10**38 - 1, 10**125]),
    "real": (float, [0.1, -2.5, 3.0, 1e100]),
    "exact": (Decimal, [Decimal("0.1"), Decimal("3"), Decimal("1.2345678901234567890123456789012345678")]),
    "flag": (bool, [True, False]),
    "blob": (bytes, [b"", b"\x00\xff"]),
    "when": (datetime, [NOON, NOON.replace(microsecond=0)]),
    "day": (date, [date(2026, 1, 31), date(1, 1, 1)]),
    "until": (epoch, [NOON, NOON.replace(microsecond=0)]),
    "uuid": (UUID, [UUID(int=7)]),
    "level": (Level, [Level.LOW]),
    "rank": (Rank, [Rank.SECOND]),
    "price": (Codec(to_cents, from_cents, int), [Decimal("9.99")]),
    "words": (set[str], [{"a", "é"}]),
    "days": (set[date], [{date(2026, 1, 31), date(2026, 2, 1)}]),
    "ranks": (set[Rank], [{Rank.FIRST, Rank.SECOND}]),
    "lines": (list[datetime], [[NOON], []]),
    "dates": (dict[str, date], [{"k": date(2026, 1, 31)}, {}]),
    "loose": (list, [[1, "a", None, {"k": [True]}]]),
    "map": (dict, [{"k": {"l": {1, 2}}}]),
}


@pytest.fixture
def typed(engine: Engine, fresh_name: str) -> Table:
    table = Table(fresh_name, "id", attributes={name: kind for name, (kind, _) in TYPED.items()}).on(engine)
    run(table, create_table())
    return table


def test_every_type_comes_back(typed: Table) -> None:
    for number in range(max(len(values) for _, values in TYPED.values())):
        item = {"id": str(number), **{name: values[number % len(values)] for name, (_, values) in TYPED.items()}}
        put(typed, item)
        found = get(typed, str(number))
        assert found == item
        assert {name: type(value) for name, value in found.items()} == {
            name: type(value) for name, value in item.items()
        }


@pytest.mark.engine_fault("dynalite", reason="finds no list equal to a list")
def test_every_type_is_found_by_its_values(typed: Table) -> None:
    put(typed, {"id": "a", **{name: values[0] for name, (_, values) in TYPED.items()}})
    for name, (_, values) in TYPED.items():
        assert [item["id"] for item in run(typed, scan(eq(name, values[0]), project=["id"]))] == ["a"], name
    assert [*run(typed, scan(contains("days", date(2026, 2, 1)), project=["id"]))] == [{"id": "a"}]
    assert [*run(typed, scan(is_in("level", [Level.LOW, Level.HIGH]) & gt("when", NOON)))] == []


def test_every_type_can_be_assigned(typed: Table) -> None:
    put(typed, {"id": "a"})
    for name, (_, values) in TYPED.items():
        update(typed, "a", assign(name, values[-1]))
    update(typed, "a", add("days", date(2026, 3, 1)) + incr("whole", 10**125))
    found = get(typed, "a") or {}
    expected = {name: values[-1] for name, (_, values) in TYPED.items()}
    expected["days"] = {*expected["days"], date(2026, 3, 1)}
    assert found == {"id": "a", **expected, "whole": 2 * 10**125}


CODED: list[tuple[str, Any, Any]] = [  # a value that looks like what is stored is encoded all the same
    ("price", 10, {"N": "1000"}),
    ("rank", Rank.SECOND, {"N": "2"}),
    ("ranks", {Rank.FIRST}, {"NS": ["1"]}),
    ("days", {date(2026, 1, 31)}, {"SS": ["2026-01-31"]}),
    ("dates", {"k": date(2026, 1, 31)}, {"M": {"k": {"S": "2026-01-31"}}}),
    ("real", 1, {"N": "1"}),
    ("whole", 1.0, {"N": "1"}),
]


@pytest.mark.parametrize("name, value, wire", CODED)
def test_constants_are_encoded_by_the_attribute_that_they_meet(name: str, value: Any, wire: Any) -> None:
    table = Table("t", "id", attributes={name: kind for name, (kind, _) in TYPED.items()})
    for operation in (
        update_item("k", assign(name, value)),
        update_item("k", assign("other", 1), condition=eq(name, value)),
        put_item({"id": "k"}, condition=is_in(name, [value])),
    ):
        _, found = request(table, operation)
        assert wire in found["ExpressionAttributeValues"].values()


@pytest.mark.parametrize("name, value", [("until", 7), ("when", "2026-01-31"), ("rank", 3), ("level", "low")])
def test_what_is_stored_is_not_what_is_written(name: str, value: Any) -> None:
    table = Table("t", "id", attributes={name: kind for name, (kind, _) in TYPED.items()})
    for expression in (eq(name, value), is_in(name, [value])):
        with pytest.raises(ValidationError, match=f"at `{name}`: expected "):
            request(table, put_item({"id": "k"}, condition=expression))


def test_typed_keys(engine: Engine, fresh_name: str) -> None:
    indexes = [GlobalIndex("ByDay", "day", "level")]
    kinds = {"id": UUID, "at": datetime, "day": date, "level": Level}
    table = Table(fresh_name, "id", "at", attributes=kinds, indexes=indexes).on(engine)
    run(table, create_table())
    item = {"id": UUID(int=1), "at": NOON, "day": date(2026, 1, 31), "level": Level.HIGH}
    put(table, item)
    assert get(table, (UUID(int=1), NOON)) == item
    assert [*run(table, query(eq("id", UUID(int=1)) & gt("at", NOON.replace(microsecond=0))))] == [item]
    assert [*run(table, query(eq("day", date(2026, 1, 31)) & eq("level", Level.HIGH)))] == [item]
    described = run(table, describe_table())
    assert (described.keys, described.index("ByDay").sort_keys) == (("id", "at"), ("level",))
