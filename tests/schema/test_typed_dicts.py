"""Tables of a TypedDict: what its annotations declare, and what cannot be read from them."""

from __future__ import annotations

import enum
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, Union
from uuid import UUID

import pytest
from raised import raises
from typing_extensions import NotRequired, ReadOnly, Required, TypeAliasType
from typing_extensions import TypedDict as TypedDictOfExtensions

from flyexpr import (
    Attribute,
    Codec,
    ExpressionError,
    FlyexprError,
    GlobalIndex,
    Table,
    Update,
    ValidationError,
    add,
    append,
    assign,
    begins_with,
    contains,
    create_table,
    epoch,
    eq,
    get,
    gt,
    incr,
    put,
    put_item,
    query,
    remove,
    request,
    run,
    scan,
    size,
    template,
    update,
    update_item,
)
from flyexpr.schema.options import TableOptions


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


def to_cents(euros: Decimal) -> int:
    return int(euros * 100)


def to_euros(cents: int) -> Decimal:
    return Decimal(cents) / 100


CENTS = Codec(to_cents, to_euros, int)
UserId = NewType("UserId", str)


class Address(TypedDict):
    city: str
    since: datetime
    height: NotRequired[float | None]
    seen: NotRequired[list[date]]


class Base(TypedDict):
    userid: UserId
    title: str


class Score(Base, total=False):
    wins: Required[int]
    price: Required[Annotated[Decimal, "in euros", CENTS]]
    level: Level
    expires: Annotated[datetime, epoch]
    tags: set[str]
    address: Address
    label: Annotated[str, template("{title}#{wins:03d}")]
    note: Any


class Node(TypedDict):
    id: str
    children: list[Node]


class Lost(TypedDict):
    id: str
    what: Nowhere  # type: ignore[name-defined]  # noqa: F821


def declared(annotation: Any) -> Any:
    """What an annotation declares an attribute to be."""
    kind = TypedDict("Some", {"id": str, "it": annotation}, total=False)  # type: ignore[operator]  # noqa: UP013
    return Table.of(kind, "Some", "id").attributes["it"]


@pytest.mark.parametrize(
    "annotation, meant",
    [
        *(
            (each, each)
            for each in (str, int, float, Decimal, bool, bytes, datetime, date, UUID, Level, list, dict, Any)
        ),
        *((each, each) for each in (set[str], set[int], list[float], dict[str, date], list[dict[str, UUID]], Address)),
        (Optional[int], int),  # noqa: UP045
        (Union[None, set[int]], set[int]),  # noqa: UP007
        (int | Decimal, int | Decimal),
        (int | Decimal | None, int | Decimal),
        (int | float, float),
        (float | None | int, float),
        (str | int, Any),
        (str | dict[str, Any] | None, Any),
        (object, Any),
        (list[object], list[Any]),
        (list[int | None], list[Any]),
        (dict[str, Any], dict[str, Any]),
        (Literal["a", "b"], str),
        (Literal["a", None], str),
        (Literal["a", 1], Any),
        (Literal[Level.LOW], Level),
        (list[Literal[1, 2]], list[int]),
        (UserId, str),
        (list[UserId], list[str]),
        (NewType("Ids", list[UserId]), list[str]),  # type: ignore[misc]
        (TypeAliasType("Ids", list[UserId]), list[str]),  # type: ignore[misc]
        (Annotated[int, "a word"], int),
        (Annotated[int | None, "a word"], int),
        (Annotated[datetime, epoch], epoch),
        (Annotated[datetime, epoch] | None, epoch),
        (Annotated[Decimal, "a word", CENTS], CENTS),
        (list[Annotated[Decimal, CENTS]], list[CENTS]),  # type: ignore[valid-type]
        (Annotated[str, template("{id}#")], template("{id}#")),
        (Annotated[int, Attribute(int, default=3)], Attribute(int, default=3)),
        (ReadOnly[int], int),
    ],
)
def test_what_an_annotation_declares(annotation: Any, meant: Any) -> None:
    assert declared(annotation) == meant


@pytest.mark.parametrize(
    "annotation, meant",
    [
        (int, Attribute(int, required=True)),
        (int | None, int),
        (NotRequired[int], int),
        (Required[int], Attribute(int, required=True)),
        (ReadOnly[NotRequired[int]], int),
        (Any, Attribute(Any, required=True)),
        (Annotated[str, template("{id}#")], template("{id}#")),
        (Annotated[int, Attribute(int, default=3)], Attribute(int, required=True, default=3)),
        (NotRequired[Annotated[int, Attribute(int)]], Attribute(int)),
        (Annotated[NotRequired[datetime], epoch], epoch),
        (Annotated[NotRequired[int], "a word"], int),
    ],
)
def test_what_a_put_needs(annotation: Any, meant: Any) -> None:
    kind = TypedDict("Some", {"id": str, "it": annotation})  # type: ignore[misc]  # noqa: UP013
    table = Table.of(kind, "Some", "id")
    assert table.attributes == {"id": str, "it": meant}


def test_annotations_that_are_texts_and_inherited() -> None:
    table = Table.of(Score, "Scores", "userid", "title", indexes=[GlobalIndex("ByLabel", "label")])
    assert {name: rule.type for name, rule in table.rules.items() if rule.required} == {"wins": int, "price": CENTS}
    assert {name: codec.kind for name, codec in table.codecs.items()} == {
        "userid": "S",
        "title": "S",
        "wins": "N",
        "price": "N",
        "level": "S",
        "expires": "N",
        "tags": "SS",
        "address": "M",
        "label": "S",
        "note": None,
    }
    assert pickle.loads(pickle.dumps(table)) == table


def test_attributes_go_before_the_typed_dict() -> None:
    table = Table.of(Address, "Addresses", "city", attributes={"since": epoch, "zip": str})
    assert (table.kind("since"), table.kind("zip"), table.kind("height")) == ("N", "S", "N")


def test_a_strict_table_knows_what_the_typed_dict_names() -> None:
    scores = Table.of(Score, "Scores", "userid", "title", strict=True)
    change = assign("note", 3) + assign("address.anything", 3)
    assert request(scores, update_item(("a", "b"), change)) == request(
        Table.of(Score, "Scores", "userid", "title"), update_item(("a", "b"), change)
    )
    with raises(
        ExpressionError,
        "'Scores' is strict and does not declare `note2`\n  expression: SET note2 = 3\n  hint: did you mean `note`?",
    ):
        request(scores, update_item(("a", "b"), assign("note2", 3)))


def test_it_takes_the_options_of_a_table() -> None:
    options = inspect.signature(Table).parameters
    known = {"name", "partition_key", "sort_key", "attributes", "unknown"}
    assert TableOptions.__annotations__.keys() == options.keys() - known
    assert Table.of(Address, "Addresses", "city", "since", version="v", ttl=None) == Table(
        "Addresses", "city", "since", version="v", attributes=Table.of(Address, "Addresses", "city", "since").attributes
    )
    with raises(TypeError, "table 'Addresses' has no option index=; did you mean indexes=?"):
        Table.of(Address, "Addresses", "city", index=[])  # type: ignore[call-arg]


STORABLE = (
    "use str int float Decimal bool bytes datetime date UUID list dict set[...], int | Decimal, "
    "an Enum, epoch, or a Codec"
)


@dataclass
class Player:
    userid: str


@pytest.mark.parametrize(
    "make, error, text",
    [
        (
            lambda: Table.of(Player, "Players", "userid"),  # type: ignore[type-var]
            TypeError,
            "Table.of takes a TypedDict first, such as Table.of(Score, 'GameScores', 'userid'), not the class Player; "
            "items are dicts, and a TypedDict says what is in them",
        ),
        (
            lambda: Table.of("Players", "userid"),  # type: ignore[arg-type, call-arg]
            TypeError,
            "Table.of() missing 1 required positional argument: 'partition_key'",
        ),
        (
            lambda: Table.of("Players", "userid", "title"),  # type: ignore[arg-type]
            TypeError,
            "Table.of takes a TypedDict first, such as Table.of(Score, 'GameScores', 'userid'), not 'Players'; "
            "items are dicts, and a TypedDict says what is in them",
        ),
        (
            lambda: declared(complex),
            FlyexprError,
            f"attribute 'it' of table 'Some': complex is not a type of an attribute\n  hint: {STORABLE}",
        ),
        (
            lambda: declared(float | str),
            FlyexprError,
            f"attribute 'it' of table 'Some': float | str is not a type of an attribute\n  hint: {STORABLE}",
        ),
        (
            lambda: Table.of(Lost, "Lost", "id"),
            FlyexprError,
            "the annotations of Lost cannot be read: name 'Nowhere' is not defined\n"
            "  hint: define its types in the module, not in a function or below `if TYPE_CHECKING`",
        ),
        (
            lambda: Table.of(Node, "Nodes", "id"),
            FlyexprError,
            "attribute 'children' of table 'Nodes': Node contains itself\n  hint: declare what repeats as dict",
        ),
        (
            lambda: declared(TypedDict("Inner", {"it": Annotated[int, Attribute(int)]})),  # type: ignore[operator]
            FlyexprError,
            "attribute 'it' of table 'Some': `it` of Inner lies inside an attribute, where there are no rules",
        ),
        (
            lambda: declared(TypedDict("Inner", {"it": Annotated[str, template("{a}")]})),  # type: ignore[operator]
            FlyexprError,
            "attribute 'it' of table 'Some': `it` of Inner lies inside an attribute, where there are no templates",
        ),
    ],
)
def test_what_cannot_be_declared(make: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value) == text


SINCE = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
SCORE: Score = {
    "userid": UserId("abc"),
    "title": "Comet Quest",
    "wins": 3,
    "price": Decimal("9.99"),
    "level": Level.HIGH,
    "expires": SINCE,
    "tags": {"new"},
    "address": {"city": "Rome", "since": SINCE, "height": 1.5, "seen": [date(2026, 1, 31)]},
    "note": [1, {"a": None}],
}


@pytest.mark.engine_fault("dynalite", reason="no two lists or maps are equal")
def test_items_come_back_as_they_were(engine: Any, fresh_name: str) -> None:
    scores = Table.of(Score, fresh_name, "userid", "title").on(engine)
    run(scores, create_table())
    put(scores, SCORE)
    key = ("abc", "Comet Quest")
    stored: Score = {**SCORE, "label": "Comet Quest#003"}
    assert get(scores, key) == stored
    assert list(run(scores, scan(eq("address.since", SINCE) & gt("address.height", 1.4)))) == [stored]
    assert list(run(scores, scan(contains("address.seen", date(2026, 1, 31))))) == [stored]
    assert list(run(scores, query(eq("userid", "abc") & eq("address", SCORE["address"])))) == [stored]
    assert get(scores, key, project=["address.since", "address.height"]) == {"address": {"since": SINCE, "height": 1.5}}
    later = datetime(2027, 1, 1, tzinfo=timezone.utc)
    change = assign("address.since", later) + append("address.seen", date(2027, 1, 1)) + incr("address.height", 1)
    new = update(scores, key, change + assign("note", "x"), returns="ALL_NEW")
    assert new["address"] == {
        "city": "Rome",
        "since": later,
        "height": 2.5,
        "seen": [date(2026, 1, 31), date(2027, 1, 1)],
    }
    assert isinstance(new["address"]["height"], float)
    assert new["note"] == "x"


@pytest.mark.parametrize(
    "item, text",
    [
        ({"price": Decimal(1)}, "at `wins`: an item of 'Scores' needs this attribute"),
        ({"price": Decimal(1), "wins": None}, "at `wins`: an item of 'Scores' needs this attribute"),
        (
            {"price": Decimal(1), "wins": 3, "tags": ["new"]},
            "at `tags`: expected set, got list\n  hint: write set(...)",
        ),
        (
            {"price": Decimal(1), "wins": 3, "address": {"city": 3}},
            "at `address`: expected str, got int, for its 'city'",
        ),
        (
            {"price": Decimal(1), "wins": 3, "address": {"seen": ["x"]}},
            "at `address`: expected date, got str, for its 'seen'\n  hint: write date.fromisoformat(...)",
        ),
        ({"price": Decimal(1), "wins": 3, "address": "Rome"}, "at `address`: expected dict, got str"),
    ],
)
def test_items_that_do_not_fit(item: dict[str, Any], text: str) -> None:
    scores: Table[Any] = Table.of(Score, "Scores", "userid", "title")
    with pytest.raises(ValidationError) as raised:
        request(scores, put_item({"userid": "abc", "title": "x", **item}))
    assert str(raised.value) == text


def test_a_typed_dict_of_typing_extensions() -> None:
    """Before Python 3.12 it is a class of its own, and pydantic takes no other."""

    class Own(TypedDictOfExtensions):
        id: str
        wins: int
        level: NotRequired[int]

    table = Table.of(Own, "Tab", "id")
    assert dict(table.attributes) == {"id": str, "wins": Attribute(int, required=True), "level": int}


@pytest.mark.parametrize(
    "address, text",
    [
        ('{"city":{"N":"1"}}', "`address.city` is stored as N, not as S"),
        ('{"seen":{"L":[{"S":"2026-01-31"},{"N":"1"}]}}', "`address.seen[1]` is stored as N, not as S"),
        ('{"since":{"S":"soon"}}', "'soon' is not a datetime"),
    ],
)
def test_what_others_stored_does_not_fit(address: str, text: str) -> None:
    body = f'{{"Item":{{"userid":{{"S":"a"}},"title":{{"S":"b"}},"address":{{"M":{address}}}}}}}'
    scores = Table.of(Score, "Scores", "userid", "title").on(lambda operation, asked: body.encode())
    with pytest.raises(ValidationError) as raised:
        get(scores, ("a", "b"))
    assert str(raised.value) == (
        f"at `address`: the stored value cannot be read as Address: {text}\n"
        "  item: {'userid': 'a', 'title': 'b'} of 'Scores'"
    )


def test_none_inside_and_what_is_not_declared_there() -> None:
    body = b'{"Item":{"address":{"M":{"height":{"NULL":true},"since":{"NULL":true},"zip":{"N":"1.5"}}}}}'
    scores = Table.of(Score, "Scores", "userid", "title").on(lambda operation, asked: body)
    assert get(scores, ("a", "b")) == {"address": {"height": None, "since": None, "zip": Decimal("1.5")}}
    wire = request(scores, update_item(("a", "b"), assign("address", {"height": None, "zip": Decimal("1.5")})))[1]
    assert wire["ExpressionAttributeValues"] == {":0": {"M": {"height": {"NULL": True}, "zip": {"N": "1.5"}}}}


class Moving(TypedDict):
    level: Annotated[int, Codec(str, int, int)]
    note: Any


@pytest.mark.parametrize("stored", ['{"N":"3"}', '{"S":"3"}'])
def test_members_that_read_several_types(stored: str) -> None:
    body = f'{{"Item":{{"move":{{"M":{{"level":{stored},"note":{stored}}}}}}}}}'
    table = Table("Moves", "id", attributes={"move": Moving}).on(lambda operation, asked: body.encode())
    assert get(table, "a") == {"move": {"level": 3, "note": 3 if "N" in stored else "3"}}


@pytest.mark.parametrize(
    "change, error, text",
    [
        (
            assign("address.since", "soon"),
            ValidationError,
            "at `address.since`: expected datetime, got str\n  hint: write datetime.fromisoformat(...)",
        ),
        (
            incr("address.since", 1),
            ExpressionError,
            "ADD cannot work on `address.since`, which holds Address\n  expression: ADD address.since 1",
        ),
        (
            remove("wins"),
            ExpressionError,
            "`wins` is required and cannot be removed\n  expression: REMOVE wins",
        ),
    ],
)
def test_updates_that_do_not_fit(change: Update, error: type[Exception], text: str) -> None:
    scores = Table.of(Score, "Scores", "userid", "title")
    with pytest.raises(error) as raised:
        request(scores, update_item(("a", "b"), change))
    assert str(raised.value) == text


def test_any_takes_what_an_attribute_takes_that_is_not_declared() -> None:
    table, plain = Table("Some", "id", attributes={"it": Any, "all": list[Any]}), Table("Some", "id")
    for operation in (
        update_item("a", incr("it", 1) + append("all", "x")),
        update_item("a", add("it", "x") + assign("all[0].b", [1, {"c"}])),
        query(eq("id", "a") & begins_with("it", "x") & gt(size("it"), 3) & contains("all", 3)),
        put_item({"id": "a", "it": {"b": [None, 1.5]}, "all": [1, "x"]}),
    ):
        assert request(table, operation) == request(plain, operation)
    with raises(ValidationError, "at `it`: DynamoDB has no type for date\n  hint: declare it: attributes={'it': date}"):
        request(table, update_item("a", assign("it", date(2026, 1, 31))))
