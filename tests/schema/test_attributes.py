"""What a table declares of its attributes: rules for writes, and derived attributes that conditions find.

test_values.py tests each type by itself, stored and read back; test_parity.py does so on every engine.
"""

import enum
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from engines import Engine
from raised import raises
from scripted import Recording, scripted

from flyexpr import (
    Attribute,
    Codec,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    add,
    append,
    assign,
    batch_get,
    begins_with,
    between,
    computed,
    connect,
    contains,
    count,
    create_table,
    decr,
    delete,
    discard,
    epoch,
    eq,
    exists,
    explain,
    first,
    ge,
    get,
    gt,
    if_not_exists,
    incr,
    is_in,
    lt,
    modify,
    not_exists,
    put,
    put_item,
    query,
    remove,
    request,
    run,
    scan,
    size,
    template,
    type_is,
    update,
    update_item,
    where,
)


class Level(enum.Enum):
    """An Enum that is stored as numbers."""

    EASY = 1
    HARD = 2


@pytest.fixture
def engine() -> Iterator[Any]:
    with closing(connect("sqlite::memory:")) as engine:
        yield engine


def made(table: Table, engine: Any) -> Table:
    run(table.on(engine), create_table())
    return table.on(engine)


# --- rules

calls: list[int] = []


def next_number() -> int:
    calls.append(1)
    return len(calls)


ruled = Table(
    "ruled",
    "id",
    attributes={
        "mail": Attribute(str, required=True, check=lambda mail: "@" in mail),
        "tags": Attribute(list[str], default=list),
        "number": Attribute(int, default=next_number),
        "level": Attribute(Level, default=Level.EASY),
        "age": Attribute(int, check=range(150).__contains__),
        "zero": Attribute(int, default=0),
    },
)


def test_defaults_are_filled_in_where_nothing_is_given(engine: Any) -> None:
    table = made(ruled, engine)
    calls.clear()
    put(table, {"id": "a", "mail": "a@b"})
    put(table, {"id": "b", "mail": "a@b", "tags": ["x"], "number": 70, "level": Level.HARD, "zero": None})
    assert get(table, "a") == {
        "id": "a",
        "mail": "a@b",
        "tags": [],
        "number": 1,
        "level": Level.EASY,
        "zero": 0,
    }
    given = {"id": "b", "mail": "a@b", "tags": ["x"], "number": 70, "level": Level.HARD, "zero": None}
    assert get(table, "b") == given
    assert len(calls) == 1


def test_the_item_that_is_given_is_left_as_it_is(engine: Any) -> None:
    item = {"id": "a", "mail": "a@b"}
    put(made(ruled, engine), item)
    assert item == {"id": "a", "mail": "a@b"}


unsent = ruled.on(scripted([]))
BROKEN: list[tuple[Any, str]] = [
    (put_item({"id": "a"}), "at `mail`: an item of 'ruled' needs this attribute"),
    (put_item({"id": "a", "mail": None}), "at `mail`: an item of 'ruled' needs this attribute"),
    (put_item({"id": "a", "mail": "x"}), "at `mail`: 'x' fails the check of this attribute"),
    (put_item({"id": "a", "mail": "a@b", "age": 150}), "at `age`: 150 fails the check of this attribute"),
    (put_item({"id": "a", "mail": "a@b", "tags": ["x", 1]}), "at `tags`: expected str, got int"),
    (update_item("a", assign("mail", "x")), "at `mail`: 'x' fails the check of this attribute"),
    (update_item("a", assign("mail", None)), "at `mail`: a required attribute may not be None"),
    (update_item("a", remove("mail")), "`mail` is required and cannot be removed"),
    (update_item("a", assign("age", if_not_exists("age", 200))), "at `age`: 200 fails the check of this attribute"),
    (update_item("a", assign("level", 1)), "at `level`: expected Level, got int"),
    (update_item("a", append("tags", 1)), "at `tags`: expected str, got int"),
]


@pytest.mark.parametrize("operation, text", BROKEN, ids=[text for _, text in BROKEN])
def test_what_is_asked_of_an_attribute_is_held_to(operation: Any, text: str) -> None:
    with pytest.raises((ValidationError, ExpressionError)) as caught:
        run(unsent, operation)
    assert str(caught.value).splitlines()[0] == text


def test_a_check_is_not_asked_where_the_new_value_is_not_known(engine: Any) -> None:
    table = made(ruled, engine)
    put(table, {"id": "a", "mail": "a@b", "age": 149})
    assert update(table, "a", incr("age"), returns="UPDATED_NEW") == {"age": 150}


# --- operators

typed = Table(
    "typed",
    "id",
    attributes={
        "n": int,
        "d": Decimal,
        "flag": bool,
        "t": str,
        "raw": bytes,
        "tags": set[str],
        "nums": set[int],
        "log": list,
        "info": dict,
        "at": datetime,
        "until": epoch,
        "level": Level,
        "uid": UUID,
        "cents": Codec(round, float, int),
    },
).on(scripted([]))
IMPOSSIBLE: list[tuple[Any, str]] = [
    (begins_with("n", "1"), "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')"),
    (
        begins_with("tags", "1"),
        "begins_with cannot work on `tags`, which holds set[str]\n  expression: begins_with(tags, '1')",
    ),
    (
        begins_with("until", "2026"),
        "begins_with cannot work on `until`, which holds epoch\n  expression: begins_with(until, '2026')",
    ),
    (contains("n", 1), "contains cannot work on `n`, which holds int\n  expression: contains(n, 1)"),
    (contains("info", "a"), "contains cannot work on `info`, which holds dict\n  expression: contains(info, 'a')"),
    (size("n") > 1, "size cannot work on `n`, which holds int\n  expression: size(n) > 1"),
    (size("flag") > 1, "size cannot work on `flag`, which holds bool\n  expression: size(flag) > 1"),
    (gt("flag", True), "> cannot work on `flag`, which holds bool\n  expression: flag > true"),
    (lt("tags", {"a"}), "< cannot work on `tags`, which holds set[str]\n  expression: tags < <<'a'>>"),
    (ge("log", [1]), ">= cannot work on `log`, which holds list\n  expression: log >= [1]"),
    (
        between("info", "a", "b"),
        "BETWEEN cannot work on `info`, which holds dict\n  expression: info BETWEEN 'a' AND 'b'",
    ),
    (incr("t"), "ADD cannot work on `t`, which holds str\n  expression: ADD t 1"),
    (decr("at"), "ADD cannot work on `at`, which holds datetime\n  expression: ADD at -1"),
    (add("log", "x"), "ADD cannot work on `log`, which holds list\n  expression: ADD log <<'x'>>"),
    (incr("tags"), "ADD of a number cannot work on `tags`, a set\n  expression: ADD tags 1"),
    (discard("n", 1), "DELETE cannot work on `n`, which holds int\n  expression: DELETE n <<1>>"),
    (
        append("t", "x"),
        (
            "list_append cannot work on `t`, which holds str\n"
            "  expression: SET t = list_append(if_not_exists(t, []), ['x'])"
        ),
    ),
    (
        append("tags", "x"),
        (
            "list_append cannot work on `tags`, which holds set[str]\n"
            "  expression: SET tags = list_append(if_not_exists(tags, []), ['x'])"
        ),
    ),
    (assign("t", F.t + 1), "+ cannot work on `t`, which holds str\n  expression: SET t = t + 1"),
    (assign("log", F.log - 1), "- cannot work on `log`, which holds list\n  expression: SET log = log - 1"),
]


@pytest.mark.parametrize("expression, text", IMPOSSIBLE, ids=[text for _, text in IMPOSSIBLE])
def test_what_a_type_cannot_have_is_refused_before_it_is_sent(expression: Any, text: str) -> None:
    update_or_scan = update_item("a", expression) if hasattr(expression, "actions") else scan(expression)
    with pytest.raises(ExpressionError) as caught:
        list(run(typed, update_or_scan) or ())
    assert str(caught.value) == text


WRONG_TYPE = [
    (eq("n", "1"), "at `n`: expected int, got str"),
    (is_in("level", [Level.EASY, "hard"]), "at `level`: expected Level, got str"),
    (contains("tags", 1), "at `tags`: expected str, got int"),
    (between("at", datetime(2026, 1, 1), datetime(2026, 1, 2)), "at `at`: a datetime needs a time zone"),
    (eq("uid", "x"), "at `uid`: expected UUID, got str"),
    (add("nums", "x"), "at `nums`: expected int, got str"),
]


@pytest.mark.parametrize("expression, text", WRONG_TYPE, ids=[text for _, text in WRONG_TYPE])
def test_constants_are_of_the_type_that_they_meet(expression: Any, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        request(typed, update_item("a", expression) if hasattr(expression, "actions") else scan(expression))
    assert str(caught.value).splitlines()[0] == text


def test_type_and_presence_can_be_asked_of_anything() -> None:
    asked = type_is("n", str) & exists("tags") & not_exists("flag") & eq("n", None) & (F.n == F.d)
    assert request(typed, scan(asked))[0] == "Scan"


# --- times


def test_times_of_all_zones_are_one_line(engine: Any) -> None:
    table = made(Table("times", "kind", "at", attributes={"at": datetime, "until": epoch}), engine)
    zones = [timezone.utc, timezone(timedelta(hours=9)), timezone(timedelta(hours=-8, minutes=-30))]
    start = datetime(2026, 3, 29, 0, 59, 59, 999_998, tzinfo=timezone.utc)
    times = [start + timedelta(microseconds=step) for step in (0, 1, 2, 3)]
    for number, time in enumerate(times):
        put(table, {"kind": "x", "at": time.astimezone(zones[number % 3]), "until": time})
    assert [item["at"] for item in run(table, query(eq("kind", "x")))] == times
    assert [item["until"] for item in run(table, query(eq("kind", "x")))] == times
    bound = times[1].astimezone(zones[2])
    assert [item["at"] for item in run(table, query(eq("kind", "x") & gt("at", bound)))] == times[2:]
    assert count(table, scan(eq("until", bound))) == 1
    found = first(table, query(eq("kind", "x")))
    assert found is not None
    assert found["at"].tzinfo is timezone.utc
    delete(table, ("x", times[0].astimezone(zones[1])))
    assert count(table, query(eq("kind", "x"))) == 3


# --- derived attributes


def low(score: int) -> "str | None":
    return "low" if score < 10 else None


scores = Table(
    "scores",
    "user",
    "place",
    attributes={
        "user": template("USER#{name}"),
        "place": template("{game}:{level:03d}:{day}"),
        "level": int,
        "day": date,
        "mark": computed(low, "score"),
        "score": int,
        "double": computed(lambda score: score * 2, "score", type=int),
    },
    indexes=[GlobalIndex("ByMark", "mark", "double")],
)
DAY = date(2026, 1, 31)
ITEM = {"name": "ada", "game": "chess", "level": 7, "day": DAY, "score": 5}
WHOLE = {**ITEM, "user": "USER#ada", "place": "chess:007:2026-01-31", "mark": "low", "double": 10}


@pytest.fixture
def table(engine: Any) -> Table:
    return made(scores, engine)


def test_derived_attributes_are_filled_in(table: Table) -> None:
    put(table, ITEM)
    assert get(table, ("USER#ada", "chess:007:2026-01-31")) == WHOLE
    put(table, WHOLE)  # as it was read
    assert list(run(table, scan())) == [WHOLE]


def test_a_key_may_be_given_by_its_parts(table: Table) -> None:
    put(table, ITEM)
    parts = {"name": "ada", "game": "chess", "level": 7, "day": DAY}
    assert get(table, parts) == WHOLE
    assert run(table, batch_get([parts, {**parts, "level": 8}])) == [WHOLE, None]
    with raises(
        ValidationError,
        "the key of 'scores' lacks `place`: `place` is made of `game` and `level` and `day`; `level` and "
        "`day` are not given\n"
        "  hint: a key is (user, place) as a tuple, or a dict with these attributes",
    ):
        get(table, {"name": "ada", "game": "chess"})
    assert delete(table, parts, returns="ALL_OLD") == WHOLE


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"day": None}, "at `place`: `place` is made of `game` and `level` and `day`; `day` is not given"),
    ({"user": "ada"}, "at `user`: `name` makes it 'USER#ada', not 'ada'"),
    ({"game": "chess:x"}, "at `game`: a part of '{game}:{level:03d}:{day}' may not contain the ':' that ends it"),
    ({"score": "5"}, "'<' not supported between instances of 'str' and 'int'"),
]


@pytest.mark.parametrize("change, text", WRONG, ids=["missing part", "wrong", "separator", "wrong type"])
def test_what_no_derived_attribute_can_be(change: dict[str, Any], text: str) -> None:
    with pytest.raises((ValidationError, TypeError)) as caught:
        put(scores.on(scripted([])), {**ITEM, **change})
    assert str(caught.value).splitlines()[0] == text


FOUND: dict[str, tuple[Any, str, Any]] = {
    "all parts": (
        where(name="ada", game="chess", level=7, day=DAY),
        "GetItem",
        "user = 'USER#ada' AND place = 'chess:007:2026-01-31'",
    ),
    "the first two": (
        where(name="ada", game="chess", level=7),
        "Query",
        "user = 'USER#ada' AND begins_with(place, 'chess:007:')",
    ),
    "the first": (where(name="ada", game="chess"), "Query", "user = 'USER#ada' AND begins_with(place, 'chess:')"),
    "none": (where(name="ada"), "Query", "user = 'USER#ada'"),
    "not the first": (where(name="ada", level=7), "Query", "user = 'USER#ada'"),
    "the attribute itself": (eq("user", "USER#ada"), "Query", "user = 'USER#ada'"),
    "beside a bound": (
        where(name="ada") & gt("place", "d"),
        "Query",
        "user = 'USER#ada' AND place > 'd'",
    ),
    "computed": (where(mark="low") & gt("double", 3), "Query", "mark = 'low' AND double > 3"),
    "computed from its part": (where(score=5), "Query", "mark = 'low' AND double = 10"),
}


@pytest.mark.parametrize("name", FOUND)
def test_conditions_on_parts_find_the_key(table: Table, name: str) -> None:
    condition, operation, key = FOUND[name]
    plan = explain(table, query(condition))
    assert (plan.operation, plan.key_condition) == (operation, key)
    others = [{**ITEM, "level": 8}, {**ITEM, "game": "go"}, {**ITEM, "name": "bob", "score": 50}]
    for item in (ITEM, *others):
        put(table, item)
    items = list(run(table, query(condition)))
    wanted = [item for item in run(table, scan()) if flyexpr_matches(condition, item)]
    assert sorted(map(repr, items)) == sorted(map(repr, wanted))
    assert items


def flyexpr_matches(condition: Any, item: dict[str, Any]) -> bool:
    """Whether the stored item matches; enough for the types in these tests."""
    from flyexpr import matches
    from flyexpr.schema.stored_conditions import lower_condition

    return matches(lower_condition(scores, condition), {**item, "day": item["day"].isoformat()})


def test_a_part_that_contradicts_the_derived_attribute_finds_nothing(table: Table) -> None:
    put(table, ITEM)
    assert list(run(table, query(where(name="ada", user="USER#bob")))) == []
    assert [item["name"] for item in run(table, query(where(name="ada", user="USER#ada")))] == ["ada"]


def test_a_derived_key_of_an_index_filters_nothing(engine: Engine, fresh_name: str) -> None:
    made = Table(
        fresh_name, "id", attributes={"mark": template("O#{kind}#{n}")}, indexes=[GlobalIndex("ByMark", "mark")]
    ).on(engine)
    run(made, create_table())
    put(made, {"id": "1", "kind": "a"})
    put(made, {"id": "2", "kind": "a", "n": 1})
    put(replace(made, attributes={}), {"id": "3", "kind": "a", "n": 2})
    assert sorted(item["id"] for item in run(made, scan(eq("kind", "a")))) == ["1", "2", "3"]
    assert [item["id"] for item in run(made, scan(eq("kind", "a") & eq("n", 2)))] == ["3"]
    assert [item["id"] for item in run(made, query(eq("kind", "a") & eq("n", 1.0)))] == ["2"]


def test_one_number_makes_one_key_however_it_is_written() -> None:
    key = template("{user}#{n}")
    assert {key.value({"user": "a", "n": n}) for n in (1, 1.0, Decimal("1.00"))} == {"a#1"}
    assert key.value({"user": "a", "n": Decimal("1.50")}) == "a#1.5"
    with raises(
        ValidationError, "at `n`: the value does not fit '{n:05d}': Unknown format code 'd' for object of type 'str'"
    ):
        template("{n:05d}").value({"n": "x"})


def test_keys_that_could_collide_are_refused() -> None:
    with raises(ValidationError, "at `a`: a part of '{a}##{b}' may not contain the '##' that ends it"):
        template("{a}##{b}").value({"a": "x#", "b": "b"}, unique=True)
    with raises(FlyexprError, "template '{a}{b}': put a text between {a} and {b}, which runs into it"):
        template("{a}{b}")
    assert template("{first} {last}").value({"first": "Mary Ann", "last": "Evans"}) == "Mary Ann Evans"


def test_an_index_key_of_a_key_part_follows_an_update(engine: Engine, fresh_name: str) -> None:
    made = Table(
        fresh_name, "user", attributes={"state": template("{status}#{user}")}, indexes=[GlobalIndex("ByState", "state")]
    ).on(engine)
    run(made, create_table())
    put(made, {"user": "ada", "status": "new"})
    update(made, "ada", assign("status", "old"))
    assert get(made, "ada") == {"user": "ada", "status": "old", "state": "old#ada"}
    assert modify(made, "bob", lambda item: item | {"status": "new"}) == {
        "user": "bob",
        "status": "new",
        "state": "new#bob",
    }


def test_none_keeps_an_item_out_of_the_index(table: Table) -> None:
    put(table, ITEM)
    put(table, {**ITEM, "level": 8, "score": 50})
    assert [item["score"] for item in run(table, query(eq("mark", "low")))] == [5]
    assert count(table, scan(index="ByMark")) == 1
    key = {"name": "ada", "game": "chess", "level": 7, "day": DAY}
    update(table, key, assign("score", 70))
    found = get(table, key)
    assert found is not None
    assert ("mark" in found, found["double"]) == (False, 140)
    assert count(table, scan(index="ByMark")) == 0
    update(table, key, assign("score", 1) + assign("note", "x"))
    assert [item["double"] for item in run(table, query(eq("mark", "low")))] == [2]
    update(table, key, remove("score"))
    found = get(table, key)
    assert found is not None
    assert {"mark", "double", "score"}.isdisjoint(found)


REFUSED: list[tuple[Any, str]] = [
    (
        assign("mark", "low"),
        "`mark` is derived from `score` and cannot be set by itself\n  expression: SET mark = 'low'",
    ),
    (remove("double"), "`double` is derived from `score` and cannot be set by itself\n  expression: REMOVE double"),
    (
        assign("game", "go"),
        (
            "`game` makes up `place`, a part of the key of 'scores', and cannot be updated\n"
            "  expression: SET game = 'go'\n"
            "  hint: put the item under its new key and delete the old one"
        ),
    ),
    (
        incr("score"),
        (
            "`mark` is made of `score`, and the new value of `score` is not known\n"
            "  expression: ADD score 1\n"
            "  hint: assign a value to `score`, or use modify(...), which reads the item"
        ),
    ),
    (
        assign("score", F.other),
        (
            "`mark` is made of `score`, and the new value of `score` is not known\n"
            "  expression: SET score = other\n"
            "  hint: assign a value to `score`, or use modify(...), which reads the item"
        ),
    ),
]


@pytest.mark.parametrize("change, text", REFUSED, ids=[text for _, text in REFUSED])
def test_what_no_update_can_do_to_derived_attributes(change: Any, text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        update(scores.on(scripted([])), ("USER#ada", "chess:007:2026-01-31"), change)
    assert str(caught.value) == text


names = Table("names", "id", attributes={"full": template("{first} {last}"), "size": template("n={n:>4}")})


def test_an_update_says_what_becomes_of_all_parts_or_of_none(engine: Any) -> None:
    table = made(names, engine)
    put(table, {"id": "a", "first": "Ada", "last": "Rey", "n": 7})
    assert update(table, "a", assign("first", "Eda") + assign("last", "Lind"), returns="UPDATED_NEW") == {
        "first": "Eda",
        "last": "Lind",
        "full": "Eda Lind",
    }
    with raises(
        ExpressionError,
        "`full` is made of `first` and `last`, and the new value of `last` is not known\n"
        "  expression: SET first = 'Ida'\n"
        "  hint: assign a value to `last`, add eq('last', ...) to the condition, or use modify(...), which "
        "reads the item",
    ):
        update(table, "a", assign("first", "Ida"))
    update(table, "a", assign("first", "Ida") + remove("last"))
    assert get(table, "a") == {"id": "a", "first": "Ida", "n": 7, "size": "n=   7"}
    update(table, "a", remove("first", "n"))
    assert get(table, "a") == {"id": "a"}


def test_items_from_before_a_template_are_not_lost(engine: Any) -> None:
    table = made(names, engine)
    put(replace(table, attributes={}), {"id": "old", "first": "Ada", "n": 3})
    put(table, {"id": "new", "first": "Ada", "last": "Rey", "n": 3})
    assert {item["id"] for item in run(table, scan())} == {"old", "new"}
    assert {item["id"] for item in run(table, scan(eq("first", "Ada")))} == {"old", "new"}
    assert {item["id"] for item in run(table, scan(eq("n", 3)))} == {"old", "new"}


@pytest.mark.parametrize("text", ["{}:{id}", "{0}", "{a.b}", "{a[0]}"])
def test_a_template_is_of_names(text: str) -> None:
    with pytest.raises(FlyexprError, match="a part is the name of an attribute"):
        template(text)


@pytest.mark.parametrize("text", ["{a!r}", "{a!s:>6}", "{a:{width}}"])
def test_a_template_has_fixed_formats(text: str) -> None:
    with pytest.raises(FlyexprError, match=r"\{a\} takes a fixed format, such as \{a:05d\}, and no !"):
        template(text)


# --- several kinds of items in one table


def kind(name: str, sort_key: str, **attributes: Any) -> Table:
    return Table(
        "shop",
        "pk",
        "sk",
        attributes={
            "kind": Attribute(str, default=name, check=lambda found: found == name),
            "pk": template("C#{customer}"),
            "sk": template(sort_key),
            **attributes,
        },
    )


def test_kinds_share_a_table_and_a_query(engine: Any) -> None:
    customers = made(kind("customer", "A"), engine)
    orders = kind("order", "O#{order:04d}", order=int, placed=date).on(engine)
    lines = kind("line", "O#{order:04d}#L#{line:02d}", order=int, line=int).on(engine)
    put(customers, {"customer": "ada"})
    for order in (1, 2, 11):
        put(orders, {"customer": "ada", "order": order, "placed": DAY})
        put(lines, {"customer": "ada", "order": order, "line": 1})
        put(lines, {"customer": "ada", "order": order, "line": 2})
    put(orders, {"customer": "bob", "order": 1, "placed": DAY})
    assert count(orders, query(eq("customer", "ada"))) == count(lines, query(eq("customer", "ada"))) == 9
    assert count(orders, query(eq("pk", "C#ada"))) == count(lines, query(eq("customer", "ada") & exists("sk"))) == 10
    assert [item["order"] for item in run(orders, query(where(customer="ada", kind="order")))] == [1, 2, 11]
    recording = Recording(engine)
    asked = query(where(customer="ada", order=11))
    assert [item["line"] for item in run(lines.on(recording), asked)] == [1, 2]
    assert recording.names == ["Query"]
    assert recording.bodies[0]["ExpressionAttributeValues"][":1"] == {"S": "O#0011#L#"}
    assert first(orders, asked) == {
        "kind": "order",
        "pk": "C#ada",
        "sk": "O#0011",
        "customer": "ada",
        "order": 11,
        "placed": DAY,
    }
    assert get(customers, {"customer": "ada"}) == {"kind": "customer", "pk": "C#ada", "sk": "A", "customer": "ada"}
    with raises(ValidationError, "at `kind`: 'order' fails the check of this attribute"):
        put(customers, {"customer": "ada", "kind": "order"})
