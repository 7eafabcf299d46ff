"""Writes to everything that a read gives: once each, though the write moves what the read goes through."""

from dataclasses import replace
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises
from scripted import Recording, before

from flyexpr import (
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    Table,
    Update,
    assign,
    batch_write,
    between,
    count,
    create_table,
    delete_matching,
    eq,
    exists,
    ge,
    get,
    incr,
    is_in,
    lt,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    template,
    update,
    update_matching,
)
from flyexpr.requests.operations import Query, Scan
from flyexpr.steps.many.matching import moves

engine_name, engine = kept.engine_name, kept.engine
pytestmark = pytest.mark.engine_fault("dynalite", reason="knows no key of several attributes")

TABLE = Table(
    "Things",
    "pk",
    "sk",
    attributes={"sk": int, "n": int, "rank": template("R#{n:04d}"), "low": int, "v": int},
    indexes=[
        GlobalIndex("ByN", "kind", "n"),
        GlobalIndex("ByRank", "kind", "rank"),
        GlobalIndex("Several", ("kind", "group"), ("low", "n")),
        GlobalIndex("Keys", "group", "low", project="keys"),
        LocalIndex("ByLow", "low"),
    ],
)
KIND = eq("kind", "k")
AMOUNT = 30  # the time that moto takes for a read grows with its square


@pytest.fixture
def things(engine: Engine) -> Table:
    table = replace(TABLE, name=kept.unused("bulk")).on(engine)
    run(table, create_table())
    run(table, batch_write(put_item(thing(n)) for n in range(AMOUNT)))
    return table


def thing(n: int) -> dict[str, Any]:
    return {"pk": "p", "sk": n, "kind": "k", "group": "g", "n": n, "low": n, "seen": 0}


# the read, the update, whether it moves items in what the read goes through
MOVES: list[tuple[Query | Scan, Any, bool]] = [
    (query(KIND & ge("n", 0), page_size=7), incr("n", 25), True),
    (query(KIND & ge("n", 0), page_size=7), assign("n", 1000), True),
    (query(KIND & ge("n", 0), page_size=7, reverse=True), incr("n", -1), True),
    (query(KIND & ge("n", 0), page_size=7, prefetch=True), incr("n", 25), True),
    (query(KIND, index="ByRank", page_size=7), incr("n", 25), True),
    (query(is_in("kind", ["k", "l"]), index="ByN", page_size=7), assign("kind", "l"), True),
    (query(KIND & eq("group", "g"), index="Several", page_size=7), incr("low", 25), True),
    (query(eq("pk", "p") & ge("low", 0), page_size=7), incr("low", 25), True),
    (scan(index="ByN", page_size=7), incr("n", 25), True),
    (scan(index="ByN", page_size=7), assign("kind", "l"), True),
    (scan(index="ByN", segments=2, page_size=7), incr("n", 25), True),
    (query(KIND & ge("n", 0), page_size=7), incr("low", 25), False),
    (query(eq("pk", "p"), page_size=7), incr("n", 25), False),
    (scan(page_size=7), incr("n", 25), False),
    (scan(ge("n", 0), page_size=7, segments=2), incr("n", 25), False),
]


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("read, change, moved", MOVES, ids=range(len(MOVES)))
def test_no_item_is_updated_twice(things: Table, read: Query | Scan, change: Any, moved: bool, workers: int) -> None:
    assert moves(things, read, change) is moved
    recording = Recording(things.bound)
    assert update_matching(things.on(recording), read, change + incr("seen"), workers=workers) == AMOUNT
    assert [item["seen"] for item in run(things, scan())] == [1] * AMOUNT
    assert recording.names.count("UpdateItem") == AMOUNT
    if moved and not getattr(read, "prefetch", False):
        first = recording.names.index("UpdateItem")
        reads = {"Query", "Scan"}
        assert reads.isdisjoint(recording.names[first:])


def test_what_does_not_move_is_not_kept(things: Table) -> None:
    recording = Recording(things.bound)
    update_matching(things.on(recording), query(KIND & ge("n", 0), page_size=10), incr("seen"))
    assert recording.names[:3] == ["Query", "UpdateItem", "UpdateItem"]


def test_an_update_holds_while_the_item_still_matches(things: Table) -> None:
    engine = before(things.bound, "UpdateItem", lambda: update(things, ("p", 1), remove("kind") + assign("n", -5)))
    assert update_matching(things.on(engine), query(KIND & between("n", 0, 2)), incr("n", 10)) == 2
    assert (get(things, ("p", 1)) or {})["n"] == -5
    assert update_matching(things, query(KIND & lt("n", 0)), incr("n", 10)) == 0


def test_an_item_that_matches_no_more_is_not_read_again(things: Table) -> None:
    engine = Recording(before(things.bound, "UpdateItem", lambda: update(things, ("p", 1), remove("kind"))))
    assert update_matching(things.on(engine), scan(KIND & between("low", 0, 2)), incr("seen")) == 2
    assert engine.names == ["Scan", "UpdateItem", "UpdateItem", "UpdateItem"]


def test_an_item_that_comes_twice_is_updated_once(things: Table) -> None:
    """Another writer moves an item while the keys are read."""
    engine = before(things.bound, "Query", lambda: update(things, ("p", 0), assign("n", 500)), times=2)
    asked = [0]

    def second(operation: str, body: bytes) -> bytes:
        asked[0] += operation == "Query"
        return (engine if asked[0] > 1 else things.bound)(operation, body)

    read = query(KIND & ge("n", 0), page_size=10)
    assert update_matching(things.on(second), read, incr("n", 1) + incr("seen")) == AMOUNT
    assert {item["seen"] for item in run(things, scan())} == {1}


def test_the_index_is_that_of_the_read(things: Table) -> None:
    """The keys alone could come from other indexes, which hold other items."""
    put(things, {"pk": "q", "sk": 1, "group": "h", "low": 1})
    whole = query(eq("pk", "q") & eq("group", "h"))
    keys = query(eq("group", "h"))
    recording = Recording(things.bound)
    assert update_matching(things.on(recording), whole, incr("seen")) == 1
    assert "IndexName" not in recording.bodies[0]
    assert update_matching(things, keys, incr("seen")) == delete_matching(things, keys, dry_run=True) == 1
    alike = replace(things, indexes=[*things.indexes, GlobalIndex("More", "pk", "n", project="keys")])
    assert count(alike, query(eq("pk", "p") & ge("n", 0))) == len(list(run(alike, query(eq("pk", "p") & ge("n", 0)))))


def test_a_dry_run_counts_and_writes_nothing(things: Table) -> None:
    recording = Recording(things.bound)
    assert update_matching(things.on(recording), query(KIND & ge("n", 0)), incr("n"), dry_run=True) == AMOUNT
    assert delete_matching(things.on(recording), query(KIND & exists("n"), index="ByN"), dry_run=True) == AMOUNT
    assert {*recording.names} == {"Query"}


@pytest.mark.parametrize(
    "change, text",
    [
        (assign("pk", "x"), "`pk`"),
        (assign("low", "text"), "at `low`: expected int, got str"),
        (incr("other"), "is strict and does not declare `other`"),
    ],
)
def test_a_dry_run_refuses_what_the_update_would(things: Table, change: Update, text: str) -> None:
    strict, texts = replace(things, strict=True), []
    for dry_run in (True, False):
        with pytest.raises(FlyexprError) as caught:
            update_matching(strict, query(eq("pk", "p")), change, dry_run=dry_run)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert text in texts[0]
    assert update_matching(strict, query(eq("pk", "none")), change, dry_run=True) == 0


@pytest.mark.parametrize("write", [delete_matching, lambda table, read: update_matching(table, read, incr("n"))])
def test_only_reads_give_items(things: Table, write: Any) -> None:
    with raises(TypeError, "expected query(...) or scan(...), not the condition pk = 'p'; write query(...) around it"):
        write(things, eq("pk", "p"))
