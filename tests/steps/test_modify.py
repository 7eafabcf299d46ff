"""Read, change, write: what happens when another writer is there too, and an update that makes its parents."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises
from scripted import Recording, before

from flyexpr import (
    Attribute,
    Codec,
    ConditionFailed,
    DynamoError,
    ExpressionError,
    F,
    FlyexprError,
    Table,
    TransactionCancelled,
    ValidationError,
    assign,
    create_table,
    delete,
    eq,
    exists,
    get,
    gt,
    incr,
    modify,
    put,
    remove,
    run,
    show,
    template,
    transact_modify,
    update,
)

engine_name, engine = kept.engine_name, kept.engine

no_transactions = pytest.mark.engine_fault("dynalite", reason="has no transactions")
NO_OLD_ITEM = "knows no ReturnValuesOnConditionCheckFailure"
no_old_item = pytest.mark.engine_fault("dynalite", reason=NO_OLD_ITEM)
no_nested_equality = pytest.mark.engine_fault("dynalite", reason="no two lists or maps are equal")


@pytest.fixture
def table(engine: Engine, fresh_name: str) -> Table:
    made = Table(fresh_name, "id").on(engine)
    run(made, create_table())
    return made


def count_up(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "n": item.get("n", 0) + 1}


# --- conflicts


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("item", [{"id": "a", "n": 10}, {"id": "a"}, None], ids=["there", "without it", "missing"])
def test_another_writer_is_not_written_over(
    table: Table, pauses: list[float], times: int, item: "dict[str, Any] | None"
) -> None:
    if item:
        put(table, item)
    first = "UpdateItem" if item else "PutItem"  # what is not there is put whole
    engine = before(table.bound, first, lambda: update(table, "a", incr("n", 100)), times if item else 1)
    if not item:
        engine = before(engine, "UpdateItem", lambda: update(table, "a", incr("n", 100)), times - 1)
    recording = Recording(engine)
    seen: list[Any] = []

    def function(given: dict[str, Any]) -> dict[str, Any]:
        seen.append(given.get("n"))
        return count_up(given)

    start = (item or {}).get("n")
    made = modify(table.on(recording), "a", function)
    assert made == get(table, "a") == {"id": "a", "n": (start or 0) + 100 * times + 1}
    assert seen == [start, *((start or 0) + 100 * turn for turn in range(1, times + 1))]
    assert recording.names == ["GetItem", first, *["GetItem", "UpdateItem"] * times]
    assert all(body["ConsistentRead"] for name, body in recording.asked if name == "GetItem")
    assert len(pauses) == times


def test_a_conflict_that_does_not_end_is_told(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "n": 0})
    engine = before(table.bound, "UpdateItem", lambda: update(table, "a", incr("n", 1)), times=99)
    with pytest.raises(ConditionFailed):
        modify(table.on(engine), "a", count_up, attempts=4)
    assert get(table, "a") == {"id": "a", "n": 4}
    assert len(pauses) == 3


def test_a_forgotten_return_removes_nothing(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    with raises(TypeError, "the function has to return the new item, a dict ({} to remove it), not None"):
        modify(table, "a", lambda item: item.update(n=2))  # type: ignore[arg-type, func-returns-value]
    assert get(table, "a") == {"id": "a", "n": 1}


@pytest.mark.parametrize("attempts", [0, -1])
def test_attempts_is_a_number_from_one(table: Table, attempts: int) -> None:
    with raises(ValueError, f"attempts= takes a whole number from 1, not {attempts}"):
        modify(table, "a", count_up, attempts=attempts)
    with raises(ValueError, f"attempts= takes a whole number from 1, not {attempts}"):
        transact_modify([(table, "a")], lambda items: items, attempts=attempts)


def test_an_item_that_is_removed_meanwhile_is_given_as_its_key(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "n": 10})
    engine = before(table.bound, "UpdateItem", lambda: delete(table, "a"))
    assert modify(table.on(engine), "a", count_up) == get(table, "a") == {"id": "a", "n": 1}


def test_an_item_that_changed_meanwhile_is_not_removed(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "n": 1})
    engine = before(table.bound, "DeleteItem", lambda: update(table, "a", assign("n", 50)))
    assert modify(table.on(engine), "a", lambda item: {} if item["n"] < 9 else item) == {"id": "a", "n": 50}
    assert get(table, "a") == {"id": "a", "n": 50}


def test_nothing_is_written_where_nothing_changes(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    recording = Recording(table.bound)
    assert modify(table.on(recording), "a", dict) == {"id": "a", "n": 1}
    assert modify(table.on(recording), "new", dict) == {"id": "new"}
    assert modify(table.on(recording), "new", lambda item: {}) is None
    assert recording.names == ["GetItem"] * 3
    assert get(table, "new") is None


class Array:
    """A value like an array or NA: whether it equals another is no yes or no."""

    def __eq__(self, other: object) -> Any:
        class Unsure:
            def __bool__(self) -> bool:
                raise ValueError("the truth value is ambiguous")

        return Unsure()

    __hash__ = object.__hash__


def test_a_value_that_equals_nothing_clearly_is_refused_in_words(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    for new in (Array(), [Array()]):
        with pytest.raises(ValidationError, match=r"\Aat `n(\[0\])?`: DynamoDB has no type for .*Array\n"):
            modify(table, "a", lambda item, new=new: {**item, "n": new})
    assert get(table, "a") == {"id": "a", "n": 1}


def test_an_error_of_the_function_is_the_caller_s(table: Table) -> None:
    with raises(KeyError, "'nope'"):
        modify(table, "a", lambda item: item["nope"])
    assert get(table, "a") is None


@no_nested_equality
def test_a_function_may_change_what_it_is_given(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "log": [1], "info": {"x": {1, 2}}})

    def careless(item: dict[str, Any]) -> dict[str, Any]:
        item["log"].append(2)
        item["info"]["x"].discard(1)
        return item

    assert modify(table, "a", careless) == {"id": "a", "log": [1, 2], "info": {"x": {2}}}


@pytest.mark.parametrize("name", ["key", "required"])
def test_a_change_that_cannot_be_written_is_refused(engine: Engine, fresh_name: str, name: str) -> None:
    table = Table(fresh_name, "id", attributes={"mail": Attribute(str, required=True), "n": int}).on(engine)
    run(table, create_table())
    put(table, {"id": "a", "mail": "x"})
    recording = Recording(engine)
    change = {"key": {"id": "b"}, "required": {"mail": None}}[name]
    with pytest.raises(FlyexprError, match=r"`id` is part of the key|a required attribute may not be None"):
        modify(table.on(recording), "a", lambda item: {**item, **change})
    with raises(ExpressionError, "`mail` is required and cannot be removed\n  expression: REMOVE mail"):
        modify(table.on(recording), "a", lambda item: {"id": "a"})
    with raises(ValidationError, "at `n`: expected int, got str"):
        modify(table.on(recording), "a", lambda item: {**item, "n": "1"})
    assert {*recording.names} == {"GetItem"}


# --- what is declared


def test_items_come_and_go_in_their_types(engine: Engine, fresh_name: str) -> None:
    types = {"day": date, "at": datetime, "low": float, "name": template("{first} {last}")}
    table = Table(fresh_name, "day", attributes=types).on(engine)
    run(table, create_table())
    day, noon = date(2026, 1, 31), datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    put(table, {"day": day, "first": "Ada", "last": "Rey", "at": noon, "low": 0.5})
    given: list[Any] = []

    def marry(item: dict[str, Any]) -> dict[str, Any]:
        given.append(item)
        return {**item, "first": item["first"], "last": "Lind", "low": item["low"] * 2}

    made = modify(table, day, marry)
    assert (
        made
        == get(table, day)
        == {"day": day, "first": "Ada", "last": "Lind", "name": "Ada Lind", "at": noon, "low": 1.0}
    )
    made = modify(table, day, lambda item: {**marry(item), "first": "Eda"})
    expected = {"day": day, "first": "Eda", "last": "Lind", "name": "Eda Lind", "at": noon, "low": 2.0}
    assert made == get(table, day) == expected
    assert given[0]["at"] == noon
    assert modify(table, date(1999, 1, 1), lambda item: {**item, "low": 1.0}) == {"day": date(1999, 1, 1), "low": 1.0}


def test_what_others_wrote_in_other_words_is_no_conflict(table: Table) -> None:
    put(table, {"id": "a", "at": "2026-01-31T12:00:00Z", "low": Decimal("0.1234567890123456789012345678901234567")})
    typed = replace(table, attributes={"at": datetime, "low": float})
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    assert modify(typed, "a", count_up) == {"id": "a", "at": noon, "low": 0.12345678901234568, "n": 1}
    found = get(table, "a")
    assert found is not None
    assert found["at"] == "2026-01-31T12:00:00Z"


@no_old_item
def test_an_item_in_an_error_is_in_its_types(table: Table, pauses: list[float]) -> None:
    typed = replace(table, attributes={"day": date})
    put(typed, {"id": "a", "day": date(2026, 1, 31)})
    engine = before(table.bound, "UpdateItem", lambda: update(table, "a", incr("x")) or update(table, "a", incr("n")))
    with pytest.raises(ConditionFailed) as caught:
        modify(typed.on(engine), "a", count_up, attempts=1)
    assert caught.value.item == {"id": "a", "day": date(2026, 1, 31), "x": 1, "n": 1}


@no_transactions
@no_old_item
def test_the_items_of_a_cancelled_transaction_are_in_their_types(table: Table, pauses: list[float]) -> None:
    typed, day = replace(table, attributes={"day": date}), date(2026, 1, 31)
    for key in "abc":
        put(typed, {"id": key, "day": day, "n": 1})

    def others() -> None:
        for key in "bc":
            update(table, key, incr("n"))

    def count_two(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*map(count_up, items[:2]), items[2]]  # the third is only looked at

    bound = typed.on(before(table.bound, "TransactWriteItems", others))
    with pytest.raises(TransactionCancelled) as caught:
        transact_modify([(bound, key) for key in "abc"], count_two, attempts=1)
    seen = [getattr(reason, "item", None) for reason in caught.value.reasons]
    assert seen == [None, {"id": "b", "day": day, "n": 2}, {"id": "c", "day": day, "n": 2}]


def test_an_item_too_wide_to_be_guarded_wants_a_version(table: Table, pauses: list[float]) -> None:
    wide = {"id": "a", **{f"a{n}": n for n in range(149)}}
    put(table, wide)
    assert modify(table, "a", lambda item: {**item, "a7": -7}) == {**wide, "a7": -7}
    with pytest.raises(ExpressionError) as caught:
        modify(table, "a", lambda item: {**item, "more": 1})
    assert str(caught.value) == (
        "an item of 151 attributes is too much for one condition, which takes 150\n"
        f"  hint: declare a version, and it guards the item: Table({table.name!r}, ..., version='version')"
    )
    versioned = replace(table, version="version")
    engine = before(table.bound, "UpdateItem", lambda: update(versioned, "a", assign("a1", 100)))
    made = modify(versioned.on(engine), "a", lambda item: {**item, "more": item["a1"]})
    assert made == {**wide, "a7": -7, "a1": 100, "more": 100, "version": 2}


# --- versions


@pytest.fixture
def versioned(table: Table) -> Table:
    return replace(table, version="version")


def test_a_version_counts_every_write_and_is_the_guard(versioned: Table, pauses: list[float]) -> None:
    assert modify(versioned, "a", count_up) == {"id": "a", "n": 1, "version": 1}
    engine = Recording(before(versioned.bound, "UpdateItem", lambda: update(versioned, "a", incr("n", 10))))
    assert modify(versioned.on(engine), "a", count_up) == {"id": "a", "n": 12, "version": 3}
    writes = [body for name, body in engine.asked if name == "UpdateItem"]
    assert [{*body["ExpressionAttributeNames"].values()} for body in writes] == [{"n", "version"}] * 2
    update(versioned, "a", incr("n"), condition=eq("version", 3))
    with pytest.raises(ConditionFailed):
        update(versioned, "a", incr("n"), condition=eq("version", 3))
    assert get(versioned, "a") == {"id": "a", "n": 13, "version": 4}


def test_a_version_is_not_set_by_hand(versioned: Table) -> None:
    for change in (assign("version", 7), incr("version"), remove("version")):
        said = f"`version` counts the versions of {versioned.name!r} and cannot be updated by hand"
        with raises(ExpressionError, f"{said}\n  expression: {show(change)}"):
            update(versioned, "a", change)
    assert modify(versioned, "a", lambda item: {**item, "n": 1, "version": 70}) == {"id": "a", "n": 1, "version": 1}


def test_an_item_from_before_the_versions(table: Table, versioned: Table) -> None:
    put(table, {"id": "a", "n": 1})
    assert modify(versioned, "a", count_up) == {"id": "a", "n": 2, "version": 1}


# --- several items


def move(amount: int) -> Any:
    def function(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        giver, taker, *rest = items
        return [{**giver, "n": giver["n"] - amount}, {**taker, "n": taker.get("n", 0) + amount}, *rest]

    return function


@no_transactions
def test_several_items_are_written_together_or_not_at_all(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "n": 10})
    put(table, {"id": "c", "open": True})
    places = [(table, key) for key in "abc"]
    assert transact_modify(places, move(3)) == [{"id": "a", "n": 7}, {"id": "b", "n": 3}, {"id": "c", "open": True}]

    # the third is only looked at, and still nobody may have changed it
    engine = Recording(before(table.bound, "TransactWriteItems", lambda: update(table, "c", assign("open", False))))
    bound = [(table.on(engine), key) for _, key in places]
    seen: list[bool] = []

    def if_open(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        seen.append(items[2]["open"])
        return move(1)(items) if items[2]["open"] else items

    assert transact_modify(bound, if_open) == [{"id": "a", "n": 7}, {"id": "b", "n": 3}, {"id": "c", "open": False}]
    assert seen == [True, False]
    assert engine.names == ["TransactGetItems", "TransactWriteItems", "TransactGetItems"]
    assert len(pauses) == 1


@no_transactions
def test_several_items_may_come_and_go(table: Table) -> None:
    put(table, {"id": "a", "n": 1})
    made = transact_modify([(table, "a"), (table, "b")], lambda items: [{}, {**items[0], **items[1]}])
    assert made == [None, {"id": "b", "n": 1}]
    assert [get(table, "a"), get(table, "b")] == [None, {"id": "b", "n": 1}]


@no_transactions
def test_versions_and_derived_attributes_of_several_items(engine: Engine, fresh_name: str) -> None:
    table = Table(fresh_name, "id", version="v", attributes={"name": template("{first} {last}"), "day": date})
    table = table.on(engine)
    run(table, create_table())
    made = transact_modify(
        [(table, "a")], lambda items: [{**items[0], "first": "Ada", "last": "Rey", "day": date(2026, 1, 31)}]
    )
    expected = {"id": "a", "first": "Ada", "last": "Rey", "day": date(2026, 1, 31), "name": "Ada Rey", "v": 1}
    assert made == [get(table, "a")] == [expected]


@no_transactions
def test_what_is_no_conflict_is_not_tried_again(table: Table, pauses: list[float]) -> None:
    put(table, {"id": "a", "n": 1})
    with pytest.raises((TransactionCancelled, DynamoError)):
        transact_modify([(table, "a")], lambda items: [{**items[0], "t": "x" * 409_700}])
    assert pauses == []
    with raises(FlyexprError, "the function was given 1 items and returned 2"):
        transact_modify([(table, "a")], lambda items: items * 2)


def test_the_key_of_a_new_item_stays(table: Table) -> None:
    with pytest.raises(ExpressionError) as caught:
        modify(table, "new", lambda item: {**item, "id": "other", "n": 1})
    assert str(caught.value) == "the function changed the key of the item, which was {'id': 'new'}"
    assert (get(table, "new"), get(table, "other")) == (None, None)


def test_a_new_item_is_made_as_a_put_makes_it(table: Table) -> None:
    types = {"tags": Attribute(list[str], default=list), "low": float, "name": template("{first} {last}")}
    typed = replace(table, attributes=types, version="v")
    new = {"first": "Ada", "last": "Rey", "low": 1}
    made = modify(typed, "a", lambda item: {**item, **new})
    assert made == get(typed, "a") == {"id": "a", **new, "tags": [], "name": "Ada Rey", "v": 1}
    assert modify(typed, "b", lambda item: {**item, "tags": set()}) is not None


@no_transactions
def test_several_new_items_are_made_as_puts_make_them(table: Table) -> None:
    typed = replace(table, attributes={"tags": Attribute(list[str], default=list), "day": date})
    made = transact_modify([(typed, "a")], lambda items: [{**items[0], "day": date(2026, 1, 31)}])
    assert made == [get(typed, "a")] == [{"id": "a", "day": date(2026, 1, 31), "tags": []}]


@pytest.mark.parametrize("version", ["1", True, 1.0, Decimal("1.5")])
def test_a_version_is_a_whole_number(table: Table, version: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        put(replace(table, version="v"), {"id": "a", "v": version})
    assert str(caught.value) == f"at `v`: a version is a whole number, not {version!r}"


def test_parts_of_a_derived_attribute_that_do_not_change(table: Table) -> None:
    typed = replace(table, attributes={"place": template("{country}#{city}"), "day": date})
    put(typed, {"id": "a", "country": "DE", "city": "Bonn", "day": date(2026, 1, 31)})
    assert (modify(typed, "a", lambda item: {**item, "city": "Ulm"}) or {})["place"] == "DE#Ulm"
    dropped = modify(typed, "a", lambda item: {name: item[name] for name in item if name != "city"})
    assert dropped == {"id": "a", "country": "DE", "day": date(2026, 1, 31)}
    assert modify(typed, "a", lambda item: {**item, "country": "AT"}) == {**dropped, "country": "AT"}


# --- parents


def make(path: Any, value: Any = 1) -> Any:
    return assign(path, value, parents=True)


MADE: dict[str, tuple[dict[str, Any], Any, dict[str, Any], int]] = {  # before, update, after, requests
    "all there": ({"a": {"b": {}}}, make("a.b.c"), {"a": {"b": {"c": 1}}}, 1),
    "one missing": ({"a": {"x": 0}}, make("a.b.c"), {"a": {"x": 0, "b": {"c": 1}}}, 2),
    "all missing": ({}, make("a.b.c"), {"a": {"b": {"c": 1}}}, 2),
    "no parents needed": ({}, make("a"), {"a": 1}, 1),
    "two under one": ({}, make("a.b.c") + make("a.b.d", 2), {"a": {"b": {"c": 1, "d": 2}}}, 2),
    "one made, one there": ({"a": {}}, make("a.c") + make("b.d.e"), {"a": {"c": 1}, "b": {"d": {"e": 1}}}, 2),
    "beside others": ({"n": 1}, make("a.b") + incr("n") + remove("x"), {"n": 2, "a": {"b": 1}}, 2),
    "in a list": ({"l": [{}, {"x": 1}]}, make("l[1].a.b"), {"l": [{}, {"x": 1, "a": {"b": 1}}]}, 2),
    "an element": ({"a": {"l": [1]}}, make("a.m.l", [2]), {"a": {"l": [1], "m": {"l": [2]}}}, 2),
    "odd names": ({}, make(F["a.b"]["c d"], {1}), {"a.b": {"c d": {1}}}, 2),
}


LOOKED_UP = {"one missing", "one made, one there", "in a list", "an element"}  # in the item of the failed condition


@pytest.mark.parametrize("name", MADE)
def test_parents_are_made_in_as_few_requests_as_can_be(table: Table, known_fault: Any, name: str) -> None:
    if name in LOOKED_UP:
        known_fault("dynalite", reason=NO_OLD_ITEM)
    old, change, new, requests = MADE[name]
    put(table, {"id": "x", **old})
    recording = Recording(table.bound)
    assert update(table.on(recording), "x", change, returns="ALL_NEW") == {"id": "x", **new}
    assert recording.names == ["UpdateItem"] * requests
    assert get(table, "x") == {"id": "x", **new}


def test_parents_are_made_along_with_the_item(table: Table) -> None:
    recording = Recording(table.bound)
    update(table.on(recording), "new", make("a.b.c"))
    assert get(table, "new") == {"id": "new", "a": {"b": {"c": 1}}}
    assert recording.names == ["UpdateItem"] * 2


REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "text": ({"a": "x"}, make("a.b"), "`a` exists and is not a map"),
    "text on the way": (
        {"a": {"b": 1}},
        make("a.b.c.d"),
        "`a.b.c` cannot be made: what it would stand in is not a map",
    ),
    "null": ({"a": None}, make("a.b"), "`a` exists and is not a map"),
    "list": ({"a": [1]}, make("a.b"), "`a` exists and is not a map"),
    "no such element": ({"l": [1]}, make("l[3].a"), "`l[3]` cannot be made: what it would stand in is not a map"),
    "a list to be made": ({}, make("a.l[0].b"), "only maps are made on the way to a target, not lists"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_parent_that_is_no_map_is_left_as_it_is(table: Table, known_fault: Any, name: str) -> None:
    if name != "a list to be made":  # which is refused before a request
        known_fault("dynalite", reason=NO_OLD_ITEM)
    old, change, text = REFUSED[name]
    put(table, {"id": "x", **old})
    with pytest.raises(ExpressionError) as caught:
        update(table, "x", change)
    assert str(caught.value).splitlines()[0] == text
    assert get(table, "x") == {"id": "x", **old}


@no_old_item
def test_a_condition_of_one_s_own_holds_for_each_try(table: Table) -> None:
    put(table, {"id": "x", "n": 1})
    update(table, "x", make("a.b"), condition=eq("n", 1))
    assert get(table, "x") == {"id": "x", "n": 1, "a": {"b": 1}}
    recording = Recording(table.bound)
    with pytest.raises(ConditionFailed) as caught:
        update(table.on(recording), "x", make("c.d"), condition=gt("n", 1))
    assert str(caught.value) == "n > 1 was false: n is 1"
    assert len(recording.asked) == 1
    with pytest.raises(ConditionFailed, match="there is no such item, so attribute_exists"):
        update(table, "missing", make("c.d"), condition=exists("id"))
    assert get(table, "missing") is None


@no_old_item
def test_two_that_make_the_same_parents_lose_nothing(table: Table) -> None:
    put(table, {"id": "x"})
    engine = Recording(before(table.bound, "UpdateItem", lambda: None))
    racing = [lambda: update(table, "x", make("a.mine", 1)), lambda: update(table, "x", make("a.b.yours", 2))]

    def slow(operation: str, body: bytes) -> bytes:
        if len(slow.turns) > 0 and b"attribute_not_exists" in body:  # type: ignore[attr-defined]
            slow.turns.pop(0)()  # type: ignore[attr-defined]
        return engine(operation, body)

    slow.turns = racing  # type: ignore[attr-defined]
    update(table.on(slow), "x", make("a.b.c", 3))
    assert get(table, "x") == {"id": "x", "a": {"mine": 1, "b": {"yours": 2, "c": 3}}}
    assert len(engine.asked) == 4


@pytest.mark.engine_fault("dynalite", reason=NO_OLD_ITEM, sometimes=True)
@pytest.mark.engine_fault(
    "moto", "moto-server", reason="updates of several threads run into each other", sometimes=True
)
def test_many_threads_that_make_parents_lose_nothing(table: Table) -> None:
    gate = threading.Barrier(4)

    def work(thread: int) -> None:
        gate.wait()
        for turn in range(5):
            update(table, "x", make(f"a.b{turn}.c{thread}", thread))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    inside = {f"b{turn}": {f"c{thread}": thread for thread in range(4)} for turn in range(5)}
    assert get(table, "x") == {"id": "x", "a": inside}


def test_a_parent_is_made_for_a_constant_only(table: Table) -> None:
    with raises(ExpressionError, "parents=True needs a constant value\n  expression: SET a.b = n + 1"):
        update(table, "x", assign("a.b", F.n + 1, parents=True))


def test_what_is_stored_the_same_is_not_written(engine: Engine, fresh_name: str) -> None:
    plain = Table(fresh_name, "id").on(engine)
    run(plain, create_table())
    put(plain, {"id": "a", "name": "Ada"})
    watched = Recording(engine)
    table = replace(plain, attributes={"name": Codec(str, str.lower, str)}).on(watched)
    assert modify(table, "a", lambda item: item | {"name": "Ada"}) == {"id": "a", "name": "ada"}
    assert watched.names == ["GetItem"]


@pytest.mark.parametrize("change", [{"name": "x y"}, {"tags": set()}], ids=["derived", "empty set"])
def test_what_comes_back_is_what_is_stored(change: dict[str, Any], engine: Any, fresh_name: str) -> None:
    table = Table(fresh_name, "id", attributes={"name": template("{first} {last}")}).on(engine)
    run(table, create_table())
    put(table, {"id": "a", "first": "Ada", "last": "Lind"})
    assert modify(table, "a", lambda item: item | change) == get(table, "a")
