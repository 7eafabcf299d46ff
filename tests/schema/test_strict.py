"""A strict table takes the attributes that it names, and no others; `explain` warns of them on any other table."""

import pickle
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises

from flyexpr import (
    Attribute,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    Table,
    ValidationError,
    aio,
    append,
    assign,
    batch_get,
    batch_write,
    computed,
    condition_check,
    connect,
    create_table,
    delete,
    delete_item,
    describe_table,
    epoch,
    eq,
    exists,
    explain,
    get,
    get_item,
    gt,
    if_not_exists,
    incr,
    is_in,
    live,
    modify,
    ne,
    not_exists,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    size,
    template,
    transact_get,
    transact_write,
    transact_write_items,
    unchanged,
    update,
    update_item,
    update_matching,
    update_table,
)

engine_name, engine = kept.engine_name, kept.engine


def total(a: int, b: int) -> int:
    return a + b


LOOSE = Table(
    "Strict",
    "pk",
    "sk",
    attributes={
        "pk": template("U#{user}"),
        "wins": int,
        "info": dict,
        "until": epoch,
        "sum": computed(total, "left", "right", type=int),
        "level": Attribute(int, default=1),
    },
    indexes=[GlobalIndex("ByLeague", "league", "wins", project=["info"]), LocalIndex("ByDay", "day")],
    ttl="until",
    version="version",
)
STRICT = replace(LOOSE, strict=True)
NAMES = ["pk", "sk", "league", "wins", "day", "info", "until", "sum", "level", "user", "left", "right", "version"]


def test_the_names_of_a_table() -> None:
    assert {*STRICT.names} == {*NAMES}
    assert len(STRICT.names) == len(NAMES)


def test_strictness_goes_with_the_table() -> None:
    engine = connect("sqlite::memory:")
    with closing(engine):
        for copy in (STRICT.on(engine), STRICT.named("prod-{}"), replace(STRICT, name="x")):
            assert copy.strict
    assert pickle.loads(pickle.dumps(STRICT)) == STRICT
    assert pickle.loads(pickle.dumps(STRICT)).strict
    assert hash(STRICT) == hash(replace(LOOSE, strict=True))
    assert STRICT != LOOSE
    assert not LOOSE.strict
    assert not STRICT.as_stored.strict


KEY = {"user": "ada", "sk": "a"}
ITEM = {**KEY, "wins": 3, "info": {"colour": "red"}, "left": 1, "right": 2}


@pytest.fixture
def table(engine: Engine, fresh_name: str) -> Table:
    table = STRICT.named(fresh_name).on(engine)
    run(table, create_table())
    put(table, ITEM)
    return table


@pytest.mark.engine_fault("dynalite", reason="has no time to live")
def test_what_is_named_goes_through(table: Table) -> None:
    read = get(table, KEY)
    assert read is not None
    assert {**read, **ITEM} == read
    assert update(table, KEY, incr("wins") + assign("info.any", 1), condition=gt("info.x", 1) | exists("level")) is None
    changed: Any = update(table, KEY, assign("left", 5) + assign("right", 6), returns="UPDATED_NEW")
    assert changed["sum"] == 11
    assert [item["wins"] for item in run(table, query(eq("user", "ada") & gt("wins", 3), project=["wins"]))] == [4]
    assert len([*run(table, scan(live(table) & ne("info.colour", "blue")))]) == 1
    assert modify(table, KEY, lambda item: {**item, "wins": 9}) == {**get(table, KEY), "wins": 9}  # type: ignore[dict-item]
    assert update_matching(table, scan(exists("wins")), incr("wins")) == 1
    assert run(table, update_table(dry_run=True)) == []
    described = run(table, describe_table())
    assert not described.strict, "the engine knows nothing of it, and not the other names"


@pytest.mark.engine_fault("dynalite", reason="has no time to live")
def test_items_that_hold_more_are_read(table: Table) -> None:
    loose = replace(table, strict=False)
    update(loose, KEY, assign("colour", "red"))
    item = get(table, KEY)
    assert item is not None
    assert item["colour"] == "red"
    assert [each["colour"] for each in run(table, scan())] == ["red"]
    assert modify(table, KEY, lambda item: {**item, "wins": 8}) is not None, "what it leaves alone stays"
    after = get(table, KEY)
    assert after is not None
    assert (after["wins"], after["colour"]) == (8, "red")
    with raises(
        ExpressionError,
        f"{table.name!r} is strict and does not declare `colour`\n"
        "  expression: SET colour = 'blue'\n"
        "  hint: declare it: attributes={'colour': ...}",
    ):
        modify(table, KEY, lambda item: {**item, "colour": "blue"})
    delete(table, KEY, condition=eq("wins", 8))


def nowhere(operation: str, body: bytes) -> bytes:
    raise AssertionError(f"{operation} was sent")


T = STRICT.on(nowhere)
WINS = "'Strict' is strict and does not declare `wons`\n  expression: {}\n  hint: did you mean `wins`?"
COLOUR = (
    "'Strict' is strict and does not declare `colour`\n  expression: {}\n"
    "  hint: declare it: attributes={{'colour': ...}}"
)
REFUSED: list[tuple[Any, str]] = [
    (lambda: run(T, query(eq("user", "ada") & gt("wons", 3))), WINS.format("wons > 3")),
    (lambda: run(T, scan(gt("wons", 3))), WINS.format("wons > 3")),
    (lambda: run(T, scan(~(exists("sk") & (gt(size("wons"), 3) | eq("sk", "a"))))), WINS.format("size(wons) > 3")),
    (lambda: run(T, scan(is_in("wins", [F.wons, 3]))), WINS.format("wins IN (wons, 3)")),
    (lambda: run(T, scan(eq("colour.deep[0]", 1))), COLOUR.format("colour.deep[0] = 1")),
    (lambda: run(T, scan(project=["wins", "wons.x"])), WINS.format("wins, wons.x")),
    (lambda: run(T, query(eq("user", "ada"), project=["wons"])), WINS.format("wons")),
    (lambda: get(T, KEY, project=["wons"]), WINS.format("wons")),
    (lambda: run(T, batch_get([KEY], project=["wons"])), WINS.format("wons")),
    (lambda: transact_get([(T, get_item(KEY, project=["wons"]))]), WINS.format("wons")),
    (lambda: put(T, ITEM, condition=not_exists("wons")), WINS.format("attribute_not_exists(wons)")),
    (lambda: delete(T, KEY, condition=not_exists("wons")), WINS.format("attribute_not_exists(wons)")),
    (lambda: update(T, KEY, incr("wons")), WINS.format("ADD wons 1")),
    (lambda: update(T, KEY, incr("wins") + assign("wons", 1)), WINS.format("SET wons = 1")),
    (lambda: update(T, KEY, assign("wins", F.wons)), WINS.format("SET wins = wons")),
    (
        lambda: update(T, KEY, assign("wins", if_not_exists("wons", 0) + 1)),
        WINS.format("SET wins = if_not_exists(wons, 0) + 1"),
    ),
    (lambda: update(T, KEY, remove("wons")), WINS.format("REMOVE wons")),
    (
        lambda: update(T, KEY, append("colour", 1)),
        COLOUR.format("SET colour = list_append(if_not_exists(colour, []), [1])"),
    ),
    (lambda: update(T, KEY, incr("wins"), condition=unchanged({"wons": 1})), WINS.format("wons = 1")),
    (
        lambda: transact_write([(T, condition_check(KEY, eq("wons", 1)))]),
        WINS.format("wons = 1"),
    ),
    (lambda: transact_write([(T, update_item(KEY, incr("wons")))]), WINS.format("ADD wons 1")),
    (lambda: transact_write([(T, delete_item(KEY, condition=eq("wons", 1)))]), WINS.format("wons = 1")),
]


@pytest.mark.parametrize("call, text", REFUSED, ids=[text.splitlines()[1].split(": ")[1] for _, text in REFUSED])
def test_refused_in_expressions(call: Any, text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "call",
    [
        lambda item: put(T, item),
        lambda item: run(replace(T, version=None), batch_write([put_item(item)])),
        lambda item: transact_write([(T, put_item(item))]),
    ],
)
def test_refused_in_items(call: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        call({**ITEM, "wons": 1})
    assert str(caught.value).removesuffix("\n  in operation 0 of the batch") == (
        "at `wons`: 'Strict' is strict and does not declare `wons`\n  hint: did you mean `wins`?"
    )
    with pytest.raises(ValidationError, match=r"hint: declare it: attributes=\{'colour': \.\.\.\}"):
        call({**ITEM, "colour": 1})


def test_refused_at_the_awaited_door() -> None:
    async def nowhere_awaited(operation: str, body: bytes) -> bytes:
        raise AssertionError(f"{operation} was sent")

    table = STRICT.on(nowhere_awaited)
    for call in (aio.put(table, {**ITEM, "wons": 1}), aio.update(table, KEY, incr("wons"))):
        with pytest.raises(FlyexprError, match="did you mean `wins`"):
            call.send(None)


def test_an_index_that_projects_what_is_not_declared() -> None:
    with pytest.raises(FlyexprError) as caught:
        Table("t", "id", attributes={"wins": int}, indexes=[GlobalIndex("x", "a", project=["wons"])], strict=True)
    assert str(caught.value) == (
        "index 'x' of the strict table 't' projects `wons`, which is not declared\n  hint: did you mean `wins`?"
    )


def warnings(table: Table, operation: Any) -> list[str]:
    words = ("declared", "NULL")
    return [warning for warning in explain(table, operation).warnings if any(word in warning for word in words)]


def test_explain_warns_of_what_is_not_declared() -> None:
    condition = eq("user", "ada") & gt("wons", 3) & eq("colour.deep", 1)
    told = ["`wons` is not declared; did you mean `wins`?", "`colour` is not declared"]
    assert warnings(LOOSE, query(condition)) == warnings(LOOSE, scan(condition)) == told
    assert (
        warnings(LOOSE, scan(project=["wons", "wins"])) == warnings(LOOSE, get_item(KEY, project=["wons"])) == told[:1]
    )
    assert warnings(LOOSE, update_item(KEY, incr("wons"), condition=eq("colour", 1))) == [told[1], told[0]]
    assert warnings(LOOSE, put_item(ITEM, condition=gt("wons", 3))) == told[:1]
    other = replace(LOOSE, name="Other")
    pairs = [(LOOSE, put_item(ITEM, condition=gt("wons", 3))), (other, update_item(KEY, incr("wons")))]
    assert [*explain(transact_write_items(pairs)).warnings] == told[:1] * 2
    assert warnings(LOOSE, query(eq("user", "ada") & gt("wins", 3) & exists("day") & eq("version", 1))) == []


def test_a_table_that_declares_only_keys_says_nothing() -> None:
    table = Table("t", "id", "n", attributes={"n": int})
    assert warnings(table, query(eq("id", "a") & gt("wons", 3))) == []


def test_explain_warns_of_null() -> None:
    text = "{} is true of a stored NULL; not_exists('{}') of a missing attribute"
    table = Table("t", "id")
    assert warnings(table, scan(F.a == None)) == [text.format("a = null", "a")]  # noqa: E711
    assert warnings(table, query(eq("id", "x") & ~(eq("b.c", None) | gt("n", 1)))) == [text.format("b.c = null", "b.c")]
    assert warnings(table, put_item({"id": "x"}, condition=eq("a", None))) == [text.format("a = null", "a")]
    told = ["a <> null is true of a missing attribute too; exists('a') is not"]
    assert [*explain(table, scan(ne("a", None))).warnings][:1] == told
    assert [*explain(table, scan(F.a != None)).warnings][:1] == told  # noqa: E711
    assert "null" not in str(explain(table, scan(ne("a", 1) | eq("a", "NULL"))).warnings)


def test_types_are_checked_after_names() -> None:
    with raises(
        ExpressionError,
        "'Strict' is strict and does not declare `whan`\n"
        "  expression: whan = <datetime>\n"
        "  hint: declare it: attributes={'whan': ...}",
    ):
        run(T, scan(eq("whan", datetime.now())))
