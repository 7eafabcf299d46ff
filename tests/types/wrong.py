"""Mistakes that type checkers find: each line with an `ignore` has to be an error, or the `ignore` is one."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import TypedDict

from flyexpr import (
    F,
    Table,
    aio,
    connect,
    curried,
    delete,
    eq,
    explain,
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
    transact_write,
    update,
    update_item,
)


def refinements() -> None:
    query("userid = 'abc'")  # type: ignore[arg-type]
    query(eq("userid", "abc"), limit="5")  # type: ignore[arg-type]
    query(eq("userid", "abc"), project="wins")  # type: ignore[arg-type]
    query(eq("userid", "abc"), budget={"request": 1})  # type: ignore[arg-type]
    query(eq("userid", "abc"), budget={"requests": "1"})  # type: ignore[arg-type]
    scan(budget=10)  # type: ignore[arg-type]
    scan(segment=1)  # type: ignore[arg-type]
    get_item("abc", project="wins")  # type: ignore[arg-type]
    put_item({"userid": "abc"}, returns="ALL_NEW")  # type: ignore[arg-type]
    update_item("abc", incr("wins", 1), returns="NEW")  # type: ignore[arg-type]


def doors(table: Table) -> None:
    get(table, "abc", projection=["wins"])  # type: ignore[arg-type]
    get(table, "abc", project="wins")  # type: ignore[arg-type]
    put(table, 3)  # type: ignore[call-overload]
    put(table, {"userid": "abc"}, returns="ALL_NEW")  # type: ignore[call-overload]
    put(table, {"userid": "abc"}, condition=F.wins)  # type: ignore[call-overload]
    update(table, "abc", incr("wins", 1), returns="NEW")  # type: ignore[call-overload]
    update(table, "abc", {"wins": 1})  # type: ignore[call-overload]
    delete(table, "abc", returns="UPDATED_OLD")  # type: ignore[call-overload]
    explain(query(eq("userid", "abc")))  # type: ignore[call-overload]
    request(table, eq("userid", "abc"))  # type: ignore[call-overload]
    run(table, "abc")  # type: ignore[call-overload]
    transact_write([(table, query(eq("userid", "abc")))])  # type: ignore[list-item]
    table.on(connect)  # type: ignore[arg-type]
    table.query(eq("userid", "abc"))  # type: ignore[attr-defined]


async def awaited(table: Table) -> None:
    with aio.connect("sqlite::memory:"):  # type: ignore[attr-defined]
        pass
    await aio.get(table, "abc", project="wins")  # type: ignore[arg-type]


class Score(TypedDict):
    userid: str
    wins: int


def typed(scores: Table[Score], item: dict[str, int], plain: Table) -> None:
    put(scores, {"userid": "abc", "win": 1})  # type: ignore[arg-type]
    put(scores, {"userid": "abc"})  # type: ignore[arg-type]
    put(scores, {"userid": "abc", "wins": "1"})  # type: ignore[arg-type]
    put_all(scores, [{"userid": "abc", "win": 1}])  # type: ignore[list-item]
    put(scores, item)  # type: ignore[arg-type]
    one(scores, scan())["win"]  # type: ignore[typeddict-item]
    get(scores, "abc")["wins"]  # type: ignore[index]
    for score in run(scores, scan()):
        score["wins"].lower()  # type: ignore[attr-defined]
    modify(scores, "abc", lambda score: {**score, "wins": score["win"]})  # type: ignore[typeddict-item]
    modify(scores, "abc", lambda score: None)  # type: ignore[arg-type, return-value]
    of_plain(scores)  # type: ignore[arg-type]
    Table.of(Player, "Players", "userid")  # type: ignore[type-var]
    Table.of(Score, "Scores", "userid", index=[])  # type: ignore[call-arg]


def of_plain(table: Table) -> None: ...


class Player:
    userid: str


def waiting(table: Table) -> None:
    curried.gt("score", 1, 2)  # type: ignore[call-overload]
    curried.limit("10")  # type: ignore[call-overload]
    curried.project("wins")  # type: ignore[call-overload]
    curried.get(3)  # type: ignore[call-overload]
    curried.first(table)("abc")  # type: ignore[arg-type]
    curried.matches(3)  # type: ignore[call-overload]
