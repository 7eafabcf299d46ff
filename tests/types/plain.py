"""A table of plain dicts: what type checkers see where nobody names a type."""

# pyright: strict

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flyexpr import (
    Budget,
    Condition,
    Connection,
    Engine,
    Item,
    Items,
    Operation,
    Plan,
    Query,
    Read,
    Scan,
    Table,
    Update,
    Write,
    aio,
    batch_get,
    batch_write,
    condition_check,
    connect,
    count,
    create_table,
    delete,
    delete_item,
    describe_table,
    eq,
    exists,
    explain,
    first,
    get,
    get_item,
    incr,
    modify,
    one,
    put,
    put_all,
    put_item,
    query,
    request,
    run,
    scan,
    transact_get,
    transact_write,
    update,
    update_item,
    update_table,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


def connected() -> None:
    engine = connect("sqlite:scores.db")
    assert_type(engine, Connection)
    with engine, connect("http://localhost:8000") as other:
        assert_type(other, Connection)
        engine.close()
    table = Table("GameScores", "userid", "title").on(engine)
    assert_type(table, Table)
    assert_type(table, Table[dict[str, Any]])
    assert_type(table.engine, Engine)
    assert_type(table.named("other"), Table[Item])


def answer(operation: str, body: bytes) -> bytes:
    return b"{}"


def a_function_is_an_engine() -> Engine:
    Table("GameScores", "userid").on(answer)
    return answer


def reads(table: Table) -> Iterator[Item]:
    assert_type(run(table, query(eq("userid", "abc"))), Items[Item])
    assert_type(run(table, scan()), Items)
    for item in run(table, scan()):
        assert_type(item, dict[str, Any])
        yield item
    assert_type(run(table, scan()).cursor, str | None)
    assert_type(first(table, query(eq("userid", "abc"))), dict[str, Any] | None)
    assert_type(one(table, query(eq("userid", "abc"))), dict[str, Any])
    assert_type(count(table, scan()), int)
    assert_type(get(table, "abc"), dict[str, Any] | None)
    assert_type(get(table, ("abc", "x"), project=["wins"], consistent=True), dict[str, Any] | None)
    assert_type(run(table, get_item("abc")), dict[str, Any] | None)
    assert_type(run(table, batch_get(["abc"])), list[dict[str, Any] | None])
    assert_type(transact_get([(table, get_item("abc"))]), list[dict[str, Any] | None])


def writes(table: Table, item: Item) -> None:
    put_all(table, [item, {"userid": "abc"}], condition=lambda item: exists(item["title"]))
    put(table, {"userid": "abc", "title": "Comet Quest"}, condition=exists("userid"))
    assert_type(put(table, item, returns="ALL_OLD"), dict[str, Any] | None)
    assert_type(put(table, item, returns="NEW"), dict[str, Any])
    update(table, "abc", incr("wins", 1))
    assert_type(update(table, "abc", incr("wins", 1), returns="ALL_NEW"), dict[str, Any])
    assert_type(update(table, "abc", incr("wins", 1), returns="UPDATED_NEW"), dict[str, Any] | None)
    assert_type(update(table, "abc", incr("wins", 1), returns="ALL_OLD"), dict[str, Any] | None)
    assert_type(delete(table, "abc", returns="ALL_OLD"), dict[str, Any] | None)
    assert_type(modify(table, "abc", lambda item: {**item, "wins": 1}), dict[str, Any] | None)
    assert_type(run(table, put_item(item)), dict[str, Any] | None)
    assert_type(run(table, batch_write([put_item(item), delete_item("abc")])), int)


def tables(table: Table) -> None:
    assert_type(run(table, describe_table()), Table)
    assert_type(run(table, update_table()), list[str])
    run(table, create_table())


def operations_have_names(table: Table, budget: Budget) -> Plan:
    ops: list[tuple[Table, Write]] = [(table, put_item({"userid": "abc"}))]
    ops.append((table, update_item("abc", incr("wins", 1))))
    ops += [(table, condition_check("abc", exists("wins"))), (table, delete_item("abc"))]
    transact_write(ops)
    changes = [(table, put_item({"userid": "abc"}))]
    transact_write(changes)
    read: Read = query(eq("userid", "abc"), budget=budget)
    both: list[Query | Scan] = [query(eq("userid", "abc")), scan(budget={"requests": 1, "units": 2.5})]
    operations: list[Operation] = [*both, get_item("abc"), create_table()]
    run(table, operations[0])
    run(table, read)
    assert_type(request(table, read), tuple[str, dict[str, Any]])
    return explain(table, read)


def projections(table: Table, names: list[str], fields: tuple[str, ...]) -> list[Read]:
    return [scan(project=names), scan(project=fields), scan(project={"a", "b"}), scan(project=(n for n in names))]


def expressions(condition: Condition, update: Update) -> tuple[Condition, Update]:
    return condition & exists("a"), update + incr("b", 1)


async def awaited(table: Table) -> None:
    async with aio.connect("sqlite::memory:") as engine:
        assert_type(engine, aio.Connection)
        assert_type(table.on(engine), Table)
        await engine.close()
    assert_type(aio.run(table, query(eq("userid", "abc"))), aio.Items[Item])
    async for item in aio.run(table, scan()):
        assert_type(item, dict[str, Any])
    assert_type(await aio.first(table, scan()), dict[str, Any] | None)
    assert_type(await aio.one(table, scan()), dict[str, Any])
    assert_type(await aio.get(table, "abc"), dict[str, Any] | None)
    assert_type(await aio.run(table, get_item("abc")), dict[str, Any] | None)
    assert_type(await aio.run(table, batch_get(["abc"])), list[dict[str, Any] | None])
    assert_type(await aio.put(table, {"userid": "abc"}, returns="NEW"), dict[str, Any])
    assert_type(await aio.update(table, "abc", incr("wins", 1), returns="ALL_NEW"), dict[str, Any])
    assert_type(await aio.delete(table, "abc", returns="ALL_OLD"), dict[str, Any] | None)
    assert_type(await aio.modify(table, "abc", lambda item: {**item, "wins": 1}), dict[str, Any] | None)
    await aio.run(table, create_table())
