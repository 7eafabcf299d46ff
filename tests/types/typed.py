"""A table of a TypedDict: what type checkers know of its items."""

# pyright: strict

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from typing_extensions import NotRequired

from flyexpr import (
    Condition,
    Connection,
    GlobalIndex,
    Items,
    Kinds,
    Table,
    aio,
    apply,
    batch_get,
    connect,
    delete,
    describe_table,
    diff,
    epoch,
    eq,
    explain,
    first,
    from_wire,
    get,
    get_item,
    incr,
    key_of,
    kinds,
    live,
    lt,
    matches,
    modify,
    one,
    put,
    put_all,
    put_item,
    query,
    request,
    run,
    scan,
    to_json,
    to_wire,
    transact_get,
    transact_get_items,
    transact_modify,
    transact_write,
    unchanged,
    update,
)
from flyexpr.testing import MakeTable

if TYPE_CHECKING:
    from typing_extensions import assert_type


class Score(TypedDict):
    userid: str
    title: str
    wins: int
    expires: NotRequired[Annotated[datetime, epoch]]


class Player(TypedDict):
    userid: str
    name: str | None


scores = Table.of(Score, "GameScores", "userid", "title", indexes=[GlobalIndex("ByTitle", "title", "wins")])
players = Table[Player]("Players", "userid", attributes={"name": str})


def tables() -> None:
    assert_type(scores, Table[Score])
    assert_type(players, Table[Player])
    assert_type(scores.on(connect("sqlite::memory:")), Table[Score])
    assert_type(scores.named("other"), Table[Score])
    assert_type(run(scores, describe_table()), Table)


def reads() -> Iterator[Score]:
    assert_type(run(scores, query(eq("userid", "abc"))), Items[Score])
    for item in run(scores, scan()):
        assert_type(item, Score)
        assert_type(item["wins"], int)
        yield item
    with run(scores, scan()) as items:
        assert_type(items, Items[Score])
        assert_type(items.page(20).items, list[Score])
    assert_type(first(scores, query(eq("userid", "abc"))), Score | None)
    assert_type(one(scores, query(eq("userid", "abc"))), Score)
    assert_type(get(scores, ("abc", "x"), project=["wins"]), Score | None)
    assert_type(run(scores, get_item(("abc", "x"))), Score | None)
    assert_type(run(scores, batch_get([("abc", "x")])), list[Score | None])
    assert_type(run(scores, put_item({"userid": "abc"}, returns="ALL_OLD")), Score | None)
    assert_type(transact_get([(scores, get_item(("abc", "x"))), (scores, get_item(("abc", "y")))]), list[Score | None])
    assert_type(run(transact_get_items([(scores, get_item(("abc", "x")))])), list[Score | None])


def several_types() -> None:
    score, player = transact_get([(scores, get_item(("abc", "x"))), (players, get_item("abc"))])
    found: Score | None = score
    who: Player | None = player
    assert found, who
    transact_write([(scores, put_item({"userid": "abc"})), (players, put_item({"userid": "abc"}))])


def writes(score: Score) -> None:
    put(scores, {"userid": "abc", "title": "x", "wins": 1})
    put(scores, score)
    put(scores, {**score, "wins": 2})
    assert_type(put(scores, {"userid": "abc", "title": "x", "wins": 1}, returns="NEW"), Score)
    assert_type(put(scores, score, returns="ALL_OLD"), Score | None)
    assert_type(update(scores, ("abc", "x"), incr("wins", 1), returns="ALL_NEW"), Score)
    assert_type(update(scores, ("abc", "x"), incr("wins", 1), returns="UPDATED_OLD"), Score | None)
    assert_type(delete(scores, ("abc", "x"), returns="ALL_OLD"), Score | None)


def of_a_higher_score(score: Score) -> Condition:
    return lt("wins", score["wins"])


def bulk(found: Iterator[Score]) -> int:
    put_all(scores, [{"userid": "abc", "title": str(n), "wins": n} for n in range(10)], workers=4)
    return put_all(
        scores, found, condition=of_a_higher_score, refused=lambda score, error: print(score["title"], error)
    )


def a_test(flyexpr_table: MakeTable, flyexpr_engine: Connection) -> None:
    table = flyexpr_table(scores, {"userid": "abc", "title": "x", "wins": 1})
    assert_type(table, Table[Score])
    flyexpr_engine.close()


def without_an_engine(old: Score, new: Score) -> None:
    assert_type(from_wire(scores, {"userid": {"S": "abc"}}), Score)
    to_wire(scores, old)
    to_json(old)
    key_of(scores, old)
    matches(live(scores) & unchanged(old, "wins"), new)
    apply(diff(old, new), old)
    explain(scores, scan())
    request(scores, scan())


class Customer(TypedDict):
    type: Literal["customer"]
    name: str


class Order(TypedDict):
    type: Literal["order"]
    total: float


def several_kinds() -> float:
    customers, orders = Table.of(Customer, "Shop", "pk"), Table.of(Order, "Shop", "pk")
    shop: Kinds[Customer | Order] = kinds({"customer": customers, "order": orders}, by="type")
    put(shop, {"type": "order", "total": 2.5})
    assert_type(kinds({"order": orders}, by="type").on(connect("sqlite::memory:")), Kinds[Order])
    total = 0.0
    for item in run(shop.named("Other"), scan()):
        total += item["total"] if item["type"] == "order" else len(item["name"])
    return total


def better(score: Score) -> Score:
    return {**score, "wins": score["wins"] + 1}


def swapped(items: list[Score]) -> list[Score]:
    one, other = items
    return [{**one, "wins": other["wins"]}, {**other, "wins": one["wins"]}]


def changes() -> None:
    assert_type(modify(scores, ("abc", "x"), better), Score | None)
    assert_type(modify(scores, ("abc", "x"), lambda score: {**score, "wins": score["wins"] + 1}), Score | None)
    assert_type(modify(scores, ("abc", "x"), lambda score: {}), Score | None)
    assert_type(transact_modify([(scores, ("abc", "x")), (scores, ("abc", "y"))], swapped), list[Score | None])


def of_any_table(table: Table[Any]) -> None:
    get(table, "abc")
    put(table, {"userid": "abc"})
    for item in run(table, scan()):
        print(item["anything"])


def any_table_fits(plain: Table) -> None:
    of_any_table(scores)
    of_any_table(plain)


async def awaited(score: Score) -> None:
    assert_type(aio.run(scores, scan()), aio.Items[Score])
    async for item in aio.run(scores, scan()):
        assert_type(item["wins"], int)
    assert_type(await aio.get(scores, ("abc", "x")), Score | None)
    assert_type(await aio.first(scores, scan()), Score | None)
    assert_type(await aio.one(scores, scan()), Score)
    assert_type(await aio.run(scores, batch_get([("abc", "x")])), list[Score | None])
    assert_type(await aio.transact_get([(scores, get_item(("abc", "x")))]), list[Score | None])
    assert_type(await aio.put(scores, {"userid": "abc", "title": "x", "wins": 1}, returns="NEW"), Score)
    assert_type(await aio.put(scores, score, returns="ALL_OLD"), Score | None)
    assert_type(await aio.update(scores, ("abc", "x"), incr("wins", 1), returns="ALL_NEW"), Score)
    assert_type(await aio.modify(scores, ("abc", "x"), better), Score | None)
