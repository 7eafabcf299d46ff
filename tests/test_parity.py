"""Every operation that writes, and what it stores, on every engine; the expected answers are DynamoDB's."""

import ast
import enum
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import kept
import pytest
from engines import Engine

import flyexpr
from flyexpr import (
    Attribute,
    Codec,
    ConditionFailed,
    DynamoError,
    F,
    GlobalIndex,
    LocalIndex,
    NoSuchTable,
    Table,
    TableExists,
    add,
    append,
    assign,
    batch_get,
    batch_write,
    begins_with,
    count,
    create_table,
    decr,
    delete,
    delete_item,
    delete_table,
    describe_table,
    discard,
    epoch,
    eq,
    exists,
    get,
    get_item,
    gt,
    if_not_exists,
    incr,
    lt,
    not_exists,
    prepend,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    size,
    update,
    update_item,
)

engine_name, engine = kept.engine_name, kept.engine

KEY = ("abc", "Comet Quest")
ITEM = {"userid": "abc", "title": "Comet Quest", "top_score": 150, "wins": 3}


@pytest.fixture
def scores(engine: Engine, fresh_name: str) -> Table:
    """A table of the shape that the examples use, new and empty."""
    table = Table(
        fresh_name,
        "userid",
        "title",
        attributes={"top_score": int, "wins": int},
        indexes=[GlobalIndex("GameTitleIndex", "title", "top_score"), LocalIndex("ByWins", "wins", "keys")],
    ).on(engine)
    run(table, create_table())
    return table


# --- the first example of the documentation

AS_WRITTEN = """
from datetime import datetime, timezone
from flyexpr import (F, GlobalIndex, Table, connect, eq, gt, incr, assign, query, run, update, put, first, count)

scores = Table(
    "GameScores", "userid", "title",                                # name, partition key, sort key
    attributes={"top_score": int, "top_score_time": datetime, "wins": int, "losses": int},
    indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")],
).on(connect("sqlite:scores.db"))                                    # or "dynamodb://eu-west-1", "http://localhost:8000"

put(scores, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001,
             "top_score_time": datetime.now(timezone.utc)})
run(scores, query(eq("userid", "abc") & gt("top_score", 9000)))      # lazy iterator of plain dicts
update(scores, ("abc", "Alien Adventure"), incr("wins", 1))          # atomic; starts from 0 when missing
first(scores, query(eq("title", "Galaxy Invaders"), reverse=True))   # finds GameTitleIndex by itself
run(scores, query((F.title == "Comet Quest") & (F.top_score > 9000)))  # operator sugar, the same value
"""


def values_of(code: str, names: dict[str, Any]) -> list[Any]:
    """The value of each expression statement in the code, with iterators as lists."""
    found = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.Expr):
            value = eval(ast.unparse(node), names)
            found.append(list(value) if hasattr(value, "cursor") else value)
        else:
            exec(ast.unparse(node), names)
    return found


def test_the_first_example_runs_as_written(engine: Engine, fresh_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(operation: str, body: bytes) -> bytes:
        return engine(operation, body.replace(b'"GameScores"', f'"{fresh_name}"'.encode()))

    index = GlobalIndex("GameTitleIndex", "title", "top_score")
    run(
        Table("GameScores", "userid", "title", attributes={"top_score": int}, indexes=[index]).on(renamed),
        create_table(),
    )
    monkeypatch.setattr(flyexpr, "connect", lambda url: renamed)
    names: dict[str, Any] = {}
    written, above, changed, best, none = values_of(AS_WRITTEN, names)
    assert [written, changed, none] == [None, None, []]
    assert above == [best]
    assert (best["top_score"], best["userid"]) == (9001, "abc")
    assert timedelta(0) <= datetime.now(timezone.utc) - best["top_score_time"] < timedelta(hours=1)
    assert get(names["scores"], ("abc", "Alien Adventure")) == {"userid": "abc", "title": "Alien Adventure", "wins": 1}


# --- tables


def test_a_table_is_described_as_it_was_created(engine: Engine, fresh_name: str) -> None:
    table = Table(
        fresh_name,
        "id",
        "at",
        attributes={"at": flyexpr.values.numbers.Number, "raw": bytes},
        indexes=[
            LocalIndex("Local", "raw", project=["a", "b"]),
            GlobalIndex("Keys", "raw", project="keys"),
            GlobalIndex("All", "at", "id"),
        ],
    ).on(engine)
    run(table, create_table())
    found = run(table, describe_table())
    assert (found.name, found.keys, {*found.indexes}) == (fresh_name, table.keys, {*table.indexes})
    assert [found.kind(name) for name in ("id", "at", "raw")] == ["S", "N", "B"]
    assert found.bound is engine
    put(found, {"id": "a", "at": 1})
    assert get(table, ("a", 1)) == {"id": "a", "at": 1}


def test_a_table_that_is_deleted_is_gone(scores: Table) -> None:
    run(scores, delete_table())
    for operation in (describe_table(), get_item(KEY), put_item(ITEM), delete_table()):
        with pytest.raises(NoSuchTable) as caught:
            run(scores, operation)
        assert caught.value.code == "ResourceNotFoundException"
        assert str(caught.value).startswith(f"there is no table {scores.name!r}")
        assert str(caught.value).endswith("\n  hint: run(table, create_table()) makes it")
    for read in (query(eq("userid", "abc")), scan(), scan(segments=2), scan(prefetch=True)):
        with pytest.raises(NoSuchTable, match=f"there is no table {scores.name!r}"):
            list(run(scores, read))
    for many in (batch_get([KEY]), batch_write([put_item(ITEM)])):
        with pytest.raises(NoSuchTable, match=f"there is no table {scores.name!r}"):
            run(scores, many)


def test_a_table_cannot_be_created_twice(scores: Table) -> None:
    with pytest.raises(TableExists) as caught:
        run(scores, create_table())
    assert caught.value.code == "ResourceInUseException"
    assert str(caught.value).startswith(f"there is already a table {scores.name!r}")
    assert str(caught.value).endswith("\n  hint: run(table, create_table(if_missing=True)) takes it as it is")


# --- one item


def test_an_item_is_written_read_and_removed(scores: Table) -> None:
    assert get(scores, KEY) is None
    assert put(scores, ITEM) is None
    assert get(scores, KEY) == ITEM
    assert get(scores, {"userid": "abc", "title": "Comet Quest"}, consistent=True) == ITEM
    assert put(scores, {"userid": "abc", "title": "Comet Quest"}) is None
    assert get(scores, KEY) == {"userid": "abc", "title": "Comet Quest"}
    assert delete(scores, KEY) is None
    assert get(scores, KEY) is None
    assert delete(scores, KEY) is None


def test_a_projection_gives_the_parts_asked_for(scores: Table) -> None:
    put(scores, {**ITEM, "info": {"rating": 8, "rank": 2}, "odd.name": 1, "size": 2})
    paths = ["wins", "info.rank", F["odd.name"], "size", "missing"]
    assert get(scores, KEY, project=paths) == {"wins": 3, "info": {"rank": 2}, "odd.name": 1, "size": 2}
    assert get(scores, KEY, project=["missing"]) == {}


@pytest.mark.engine_fault("moto", "moto-server", reason="takes the name before a list index for an unused one")
def test_a_projection_of_elements_gives_them_in_their_order(scores: Table) -> None:
    put(scores, {**ITEM, "info": {"actors": ["a", "b", "c"]}})
    assert get(scores, KEY, project=["info.actors[2]", "info.actors[0]"]) == {"info": {"actors": ["a", "c"]}}


@pytest.mark.parametrize(
    "operation, expected",
    [
        (put_item({**ITEM, "wins": 9}), None),
        (put_item({**ITEM, "wins": 9}, returns="ALL_OLD"), ITEM),
        (delete_item(KEY, returns="ALL_OLD"), ITEM),
        (delete_item(("abc", "missing"), returns="ALL_OLD"), None),
        (update_item(KEY, incr("wins")), None),
        (update_item(KEY, incr("wins"), returns="ALL_OLD"), ITEM),
        (update_item(KEY, incr("wins"), returns="ALL_NEW"), {**ITEM, "wins": 4}),
        (update_item(KEY, incr("wins") + assign("losses", 1), returns="UPDATED_OLD"), {"wins": 3}),
        (update_item(KEY, incr("wins") + assign("losses", 1), returns="UPDATED_NEW"), {"wins": 4, "losses": 1}),
    ],
    ids=lambda value: getattr(value, "returns", None) or "",
)
def test_a_write_returns_what_it_was_asked_for(scores: Table, operation: Any, expected: Any) -> None:
    put(scores, ITEM)
    assert run(scores, operation) == expected


@pytest.mark.engine_fault("dynoxide", reason="gives the key of an item that was not there")
def test_an_update_of_a_new_item_has_nothing_old_to_return(scores: Table) -> None:
    assert update(scores, KEY, incr("wins"), returns="ALL_OLD") is None
    assert update(scores, ("new", "x"), incr("wins"), returns="UPDATED_OLD") is None


@pytest.mark.engine_fault("moto", "moto-server", reason="gives the whole attribute for a nested path")
def test_a_nested_update_returns_only_what_it_changed(scores: Table) -> None:
    put(scores, {**ITEM, "info": {"rating": 8, "rank": 2}})
    change = assign("info.rating", 9)
    assert update(scores, KEY, change, returns="UPDATED_OLD") == {"info": {"rating": 8}}
    assert update(scores, KEY, change, returns="UPDATED_NEW") == {"info": {"rating": 9}}


# --- conditional writes

REFUSED = [
    (put_item({**ITEM, "wins": 9}, condition=not_exists("userid")), ITEM),
    (update_item(KEY, assign("top_score", 100), condition=lt("top_score", 100)), ITEM),
    (delete_item(KEY, condition=gt("wins", 3) | begins_with("title", "Alien")), ITEM),
    (update_item(("abc", "missing"), incr("wins"), condition=exists("userid")), None),
]


@pytest.mark.parametrize("operation, stored", REFUSED, ids=["put", "update", "delete", "missing"])
def test_a_false_condition_writes_nothing(scores: Table, operation: Any, stored: Any) -> None:
    put(scores, ITEM)
    with pytest.raises(ConditionFailed) as caught:
        run(scores, operation)
    assert caught.value.code == "ConditionalCheckFailedException"
    assert list(run(scores, scan())) == [ITEM]


@pytest.mark.parametrize("operation, stored", REFUSED, ids=["put", "update", "delete", "missing"])
def test_a_failed_condition_shows_the_item_as_it_stood(
    scores: Table, known_fault: Any, operation: Any, stored: Any
) -> None:
    if stored is not None:
        known_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")
    put(scores, ITEM)
    with pytest.raises(ConditionFailed) as caught:
        run(scores, operation)
    assert caught.value.item == stored


@pytest.mark.parametrize(
    "operation, expected",
    [
        (put_item({**ITEM, "wins": 9}, condition=eq("wins", 3)), {**ITEM, "wins": 9}),
        (update_item(KEY, incr("wins"), condition=F.top_score > F.wins), {**ITEM, "wins": 4}),
        (delete_item(KEY, condition=size("title") == 11), None),
    ],
    ids=["put", "update", "delete"],
)
def test_a_true_condition_lets_the_write_through(scores: Table, operation: Any, expected: Any) -> None:
    put(scores, ITEM)
    run(scores, operation)
    assert get(scores, KEY) == expected


@pytest.mark.engine_fault(
    "moto", "moto-server", reason="updates of several threads run into each other", sometimes=True
)
def test_increments_at_the_same_time_all_count(scores: Table) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: update(scores, KEY, incr("wins")), range(40)))
    assert get(scores, KEY) == {"userid": "abc", "title": "Comet Quest", "wins": 40}


# --- updates

BEFORE: dict[str, Any] = {
    "n": 5,
    "s": "text",
    "list": ["a", "b", "c", "d"],
    "tags": {"new", "hot"},
    "nums": {1, 2},
    "info": {"rating": Decimal("8.3"), "actors": ["x", "y"], "deep": {"er": 1}},
}

UPDATES: dict[str, tuple[Any, dict[str, Any]]] = {
    "assign": (assign("n", 6), {"n": 6}),
    "assign a new attribute": (assign("m", {"a": [1, None, {"x"}]}), {"m": {"a": [1, None, {"x"}]}}),
    "assign another type": (assign("n", "five"), {"n": "five"}),
    "assign null": (assign("n", None), {"n": None}),
    "assign empty": (assign("s", "") + assign("m", {}) + assign("list", []), {"s": "", "m": {}, "list": []}),
    "assign another attribute": (assign("m", F.info.deep), {"m": {"er": 1}}),
    "swap": (assign("n", F.s) + assign("s", F.n), {"n": "text", "s": 5}),
    "assign nested": (assign("info.rating", 9), {"info": {**BEFORE["info"], "rating": 9}}),
    "assign an element": (assign("list[1]", "B"), {"list": ["a", "B", "c", "d"]}),
    "assign past the end": (assign("list[9]", "e"), {"list": ["a", "b", "c", "d", "e"]}),
    "assign sum": (assign("n", F.n + 2), {"n": 7}),
    "assign difference": (assign("m", 10 - F.n), {"m": 5}),
    "assign two attributes' sum": (assign("m", F.n + F.info.deep.er), {"m": 6}),
    "incr": (incr("n", 2), {"n": 7}),
    "incr from missing": (incr("m"), {"m": 1}),
    "incr by a fraction": (incr("n", 0.1), {"n": Decimal("5.1")}),
    "incr nested": (incr("info.deep.er"), {"info": {**BEFORE["info"], "deep": {"er": 2}}}),
    "incr by another attribute": (incr("m", F.n), {"m": 5}),
    "decr": (decr("n", 7), {"n": -2}),
    "decr from missing": (decr("m"), {"m": -1}),
    "append": (append("list", "e", "f"), {"list": ["a", "b", "c", "d", "e", "f"]}),
    "append to missing": (append("m", 1), {"m": [1]}),
    "append another list": (append("list", F.info.actors), {"list": ["a", "b", "c", "d", "x", "y"]}),
    "prepend": (prepend("list", "y", "z"), {"list": ["y", "z", "a", "b", "c", "d"]}),
    "add": (add("tags", "new", "old"), {"tags": {"new", "hot", "old"}}),
    "add to missing": (add("m", 1, 2), {"m": {1, 2}}),
    "add numbers": (add("nums", 2, 3), {"nums": {1, 2, 3}}),
    "discard": (discard("tags", "hot", "gone"), {"tags": {"new"}}),
    "discard the last": (discard("tags", "hot", "new"), {"tags": None}),
    "discard from missing": (discard("m", "x"), {}),
    "remove": (remove("n", "m"), {"n": None}),
    "remove nested": (remove("info.deep.er"), {"info": {**BEFORE["info"], "deep": {}}}),
    "remove elements": (remove("list[0]", "list[2]"), {"list": ["b", "d"]}),
    "remove past the end": (remove("list[9]"), {}),
    "if_not_exists, there": (assign("n", if_not_exists("n", 0)), {}),
    "if_not_exists, missing": (assign("m", if_not_exists("n2", 0) + 5), {"m": 5}),
    "an element and another": (assign("list[0]", "A") + remove("list[1]"), {"list": ["A", "c", "d"]}),
    "all four": (
        assign("s", "new") + remove("n") + add("tags", "x") + discard("nums", 1),
        {"s": "new", "n": None, "tags": {"new", "hot", "x"}, "nums": {2}},
    ),
    "reserved words": (assign("size", 1) + assign("data.x", 2) + remove("status"), "no parent"),
    "nested, no parent": (assign("m.x", 1), "no parent"),
    "remove, no parent": (remove("m.x"), "no parent"),
    "incr of a string": (incr("s"), "wrong type"),
    "append to a string": (append("s", "x"), "wrong type"),
    "sum with missing": (assign("m", F.m2 + 1), "missing"),
    "add to another set": (add("tags", 1), "wrong type"),
}

UPDATE_FAULTS = {"remove elements": (("dynalite",), "removes one element after the other, each from what is left")}


@pytest.mark.parametrize("name", UPDATES)
def test_updates(scores: Table, known_fault: Any, name: str) -> None:
    if name in UPDATE_FAULTS:
        engines, reason = UPDATE_FAULTS[name]
        known_fault(*engines, reason=reason)
    change, expected = UPDATES[name]
    key = {"userid": "abc", "title": name}
    put(scores, key | BEFORE)
    if isinstance(expected, str):
        with pytest.raises(DynamoError) as caught:
            update(scores, key, change)
        assert caught.value.code == "ValidationException"
        assert get(scores, key) == key | BEFORE
    else:
        gone = () if "assign" in name else [path for path, value in expected.items() if value is None]
        after = {path: value for path, value in (key | BEFORE | expected).items() if path not in gone}
        assert update(scores, key, change, returns="ALL_NEW") == after
        assert get(scores, key) == after


def test_an_update_creates_the_item(scores: Table) -> None:
    change = assign("s", "x") + incr("wins") + add("tags", "new") + append("log", 1)
    expected = {"userid": "abc", "title": "Comet Quest", "s": "x", "wins": 1, "tags": {"new"}, "log": [1]}
    assert update(scores, KEY, change, returns="ALL_NEW") == expected


@pytest.mark.engine_fault(
    *("moto", "moto-server", "dynalite", "dynoxide"),
    reason="REMOVE or DELETE alone creates a missing item",
)
def test_an_update_that_only_removes_creates_nothing(scores: Table) -> None:
    update(scores, KEY, remove("wins"))
    update(scores, KEY, discard("tags", "x"))
    assert get(scores, KEY) is None


# --- types


class Level(enum.Enum):
    """What an Enum attribute holds."""

    EASY = "easy"
    HARD = "hard"


def cents(euros: Decimal) -> int:
    return int(euros * 100)


def euros(stored: int) -> Decimal:
    return Decimal(stored) / 100


PLAIN: dict[str, Any] = {
    "text": 'é 𝄞 "quoted" \\ \n\t\x00\x7f',
    "empty text": "",
    "long text": "x" * 10_000,
    "int": 42,
    "zero": 0,
    "negative": -1,
    "fraction": Decimal("0.1"),
    "38 digits": Decimal("0.12345678901234567890123456789012345678"),
    "big int": 12345678901234567890123456789012345678,
    "largest": 99999999999999999999999999999999999999 * 10**88,
    "smallest": Decimal("1E-130"),
    "true": True,
    "false": False,
    "null": None,
    "bytes": bytes(range(256)),
    "empty bytes": b"",
    "list": [1, "1", True, None, b"1", [], [[]], {}],
    "empty list": [],
    "map": {" ": 1, "odd.name": {"a": [{"b": {1, 2}}]}, "size": 1, "é": None},
    "empty map": {},
    "strings": {"a", "", "é"},
    "numbers": {1, Decimal("1.5"), -2},
    "binaries": {b"a", b"\x00"},
}


@pytest.mark.parametrize("name", PLAIN)
def test_every_type_comes_back_as_it_was(scores: Table, name: str) -> None:
    value = PLAIN[name]
    item = {"userid": "abc", "title": name, "value": value, "nested": {"in": [value]}}
    put(scores, item)
    found = get(scores, ("abc", name))
    assert found == item
    assert found is not None
    assert type(found["value"]) is type(value)
    assert list(run(scores, query(eq("userid", "abc")))) == [item]


def test_a_float_is_stored_by_its_shortest_text(scores: Table) -> None:
    put(scores, {**ITEM, "rating": 8.3, "third": 1 / 3, "whole": 2.0, "tiny": 5e-100})
    found = get(scores, KEY, project=["rating", "third", "whole", "tiny"])
    assert found == {
        "rating": Decimal("8.3"),
        "third": Decimal("0.3333333333333333"),
        "whole": 2,
        "tiny": Decimal("5E-100"),
    }


DECLARED: dict[str, tuple[Any, Any]] = {
    "str": (str, "x"),
    "int": (int, 3),
    "float": (float, 2.0),
    "Decimal": (Decimal, Decimal("2.5")),
    "bool": (bool, False),
    "bytes": (bytes, b"\x00"),
    "datetime": (datetime, datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=timezone.utc)),
    "epoch": (epoch, datetime(2026, 1, 31, 12, tzinfo=timezone.utc)),
    "date": (date, date(2026, 1, 31)),
    "uuid": (UUID, UUID(int=7)),
    "enum": (Level, Level.HARD),
    "codec": (Codec(cents, euros, int), Decimal("9.99")),
    "strings": (set[str], {"a", "b"}),
    "dates": (set[date], {date(2026, 1, 31), date(2025, 1, 1)}),
    "floats": (list[float], [1.0, 0.5]),
    "levels": (dict[str, Level], {"now": Level.EASY}),
    "list": (list, [1, "a"]),
    "dict": (dict, {"a": 1}),
    "default": (Attribute(int, default=7), 7),
    "required": (Attribute(str, required=True), "there"),
}


@pytest.fixture
def typed(engine: Engine, fresh_name: str) -> Table:
    """A table with every declared type, and one item."""
    table = Table(fresh_name, "id", attributes={name: kind for name, (kind, _) in DECLARED.items()}).on(engine)
    run(table, create_table())
    put(table, {"id": "a", **{name: value for name, (_, value) in DECLARED.items() if name != "default"}})
    return table


def test_declared_attributes_come_back_in_their_types(typed: Table) -> None:
    found = get(typed, "a")
    assert found == {"id": "a", **{name: value for name, (_, value) in DECLARED.items()}}
    assert [type(found[name]) for name in DECLARED] == [type(value) for _, value in DECLARED.values()]


SCALARS = [name for name, (_, value) in DECLARED.items() if not isinstance(value, list | dict)]


def test_conditions_on_declared_attributes_meet_what_is_stored(typed: Table) -> None:
    assert [name for name in SCALARS if count(typed, scan(eq(name, DECLARED[name][1]))) != 1] == []
    assert [name for name in SCALARS if count(typed, scan(F[name] != DECLARED[name][1])) != 0] == []


@pytest.mark.engine_fault("dynalite", reason="no two lists or maps are equal")
def test_conditions_on_declared_lists_and_maps_meet_what_is_stored(typed: Table) -> None:
    nested = DECLARED.keys() - {*SCALARS}
    assert [name for name in nested if count(typed, scan(eq(name, DECLARED[name][1]))) != 1] == []


def test_declared_attributes_are_encoded_in_updates_and_keys(engine: Engine, fresh_name: str) -> None:
    types = {"day": date, "at": datetime, "level": Level, "price": Codec(cents, euros, int), "seen": set[date]}
    table = Table(fresh_name, "day", "at", attributes=types).on(engine)
    run(table, create_table())
    key = (date(2026, 1, 31), datetime(2026, 1, 31, 12, tzinfo=timezone.utc))
    update(table, key, assign("level", Level.EASY) + assign("price", Decimal("9.99")) + add("seen", key[0]))
    expected = {"day": key[0], "at": key[1], "level": Level.EASY, "price": Decimal("9.99"), "seen": {key[0]}}
    assert get(table, key) == expected
    later = query(eq("day", key[0]) & gt("at", key[1] - timedelta(microseconds=1)) & eq("level", Level.EASY))
    assert list(run(table, later)) == [expected]
    assert list(run(table, query(eq("day", key[0]) & gt("at", key[1])))) == []


# --- batches


def test_a_batch_writes_everything_in_order(scores: Table) -> None:
    puts = [put_item({"userid": "abc", "title": f"game {n:03}", "n": n}) for n in range(60)]
    again = [put_item({"userid": "abc", "title": "game 007", "n": 700}), delete_item(("abc", "game 008"))]
    assert run(scores, batch_write([*puts, *again])) == 62
    found = {item["title"]: item["n"] for item in run(scores, query(eq("userid", "abc")))}
    assert found == {f"game {n:03}": n for n in range(60) if n != 8} | {"game 007": 700}


def test_a_batch_takes_an_iterator_and_nothing(scores: Table) -> None:
    assert run(scores, batch_write([])) == 0
    assert run(scores, batch_write(put_item({**ITEM, "title": f"{n}"}) for n in range(30))) == 30
    assert run(scores, batch_write(delete_item(("abc", f"{n}")) for n in range(30))) == 30
    assert count(scores, scan()) == 0


def test_a_batch_with_a_faulty_item_sends_nothing(scores: Table) -> None:
    with pytest.raises(flyexpr.ValidationError):
        run(scores, batch_write([put_item(ITEM), put_item({"userid": "abc"})]))
    assert count(scores, scan()) == 0


def test_the_answers_are_wire_json(scores: Table) -> None:
    put(scores, ITEM)
    body = scores.bound("Scan", json.dumps({"TableName": scores.name, "Select": "COUNT"}).encode())
    assert json.loads(body)["Count"] == 1
