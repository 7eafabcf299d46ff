"""The planner case by case: which index, what goes where, how many requests, and where a read can be taken up again."""

import json
import pickle
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    ExpressionError,
    F,
    GlobalIndex,
    LocalIndex,
    PlanError,
    Table,
    ValidationError,
    any_of,
    batch_write,
    begins_with,
    between,
    connect,
    count,
    create_table,
    eq,
    exists,
    first,
    ge,
    gt,
    is_in,
    le,
    lt,
    ne,
    put_item,
    query,
    run,
    scan,
    show,
    size,
    template,
)
from flyexpr.expressions.nodes import Condition
from flyexpr.requests.operations import Query, Scan
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.reads import Turn

TABLE = Table(
    "scores",
    "user",
    "title",
    attributes={"score": int, "wins": int, "shard": int, "blob": bytes},
    indexes=[
        GlobalIndex("ByTitle", "title", "score"),
        GlobalIndex("ByLevel", "level", "score", project="keys"),
        GlobalIndex("ByShard", ("game", "shard"), ("year", "month", "day"), project=["note"]),
        LocalIndex("ByScore", "score"),
        LocalIndex("ByWins", "wins", project=["note"]),
    ],
)

U, T = eq("user", "u"), eq("title", "t")
LAST = "\U0010ffff"
TITLES, UP_TO = "user = 'u' AND begins_with(title, 't')", "user = 'u' AND title BETWEEN 't' AND 't!'"

# condition: how, index, key conditions, filter, residue
CASES: list[tuple[Condition, str, str | None, list[str], str, str]] = [
    (U, "Query", None, ["user = 'u'"], "", ""),
    (U & T, "GetItem", None, ["user = 'u' AND title = 't'"], "", ""),
    (T & U, "GetItem", None, ["user = 'u' AND title = 't'"], "", ""),
    (U & T & gt("note", "n"), "GetItem", None, ["user = 'u' AND title = 't'"], "", "note > 'n'"),
    (U & gt("title", "t"), "Query", None, ["user = 'u' AND title > 't'"], "", ""),
    (U & begins_with("title", "t"), "Query", None, ["user = 'u' AND begins_with(title, 't')"], "", ""),
    (U & between("title", "a", "b"), "Query", None, ["user = 'u' AND title BETWEEN 'a' AND 'b'"], "", ""),
    (U & ge("title", "a") & le("title", "b"), "Query", None, ["user = 'u' AND title BETWEEN 'a' AND 'b'"], "", ""),
    (
        U & gt("title", "a") & lt("title", "b"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 'a' AND 'b'"],
        "",
        "title > 'a' AND title < 'b'",
    ),
    (
        U & ge("title", "a") & lt("title", "b"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 'a' AND 'b'"],
        "",
        "title < 'b'",
    ),
    (U & gt("title", "a") & ge("title", "b"), "Query", None, ["user = 'u' AND title >= 'b'"], "", ""),
    (
        U & begins_with("title", "t") & gt("title", "tt"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 'tt' AND 'u'"],
        "",
        "begins_with(title, 't') AND title > 'tt'",
    ),
    (
        U & begins_with("title", "t") & ge("title", "tt") & le("title", "u"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 'tt' AND 'u'"],
        "",
        "begins_with(title, 't')",
    ),
    (U & begins_with("title", "t") & gt("title", "a") & lt("title", "u"), "Query", None, [TITLES], "", ""),
    (U & begins_with("title", "t") & lt("title", "t!"), "Query", None, [UP_TO], "", "title < 't!'"),
    (U & begins_with("title", "t") & ge("title", "u"), "Nothing", None, [], "", ""),
    (U & begins_with("title", "t") & lt("title", "t"), "Nothing", None, [], "", ""),
    (U & begins_with("title", LAST), "Query", None, [f"user = 'u' AND begins_with(title, '{LAST}')"], "", ""),
    (
        U & begins_with("title", LAST) & ge("title", LAST + "a"),
        "Query",
        None,
        [f"user = 'u' AND title >= '{LAST}a'"],
        "",
        "",
    ),
    (
        U & begins_with("title", "t") & begins_with("title", "tt"),
        "Query",
        None,
        ["user = 'u' AND begins_with(title, 'tt')"],
        "",
        "",
    ),
    (
        U & begins_with("title", "tt") & begins_with("title", "t") & begins_with("title", "s"),
        "Nothing",
        None,
        [],
        "",
        "",
    ),
    (
        U & begins_with("title", "t") & ge("title", "a") & lt("title", "tu"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 't' AND 'tu'"],
        "",
        "title < 'tu'",
    ),
    (U & lt("title", "t") & le("title", "t"), "Query", None, ["user = 'u' AND title < 't'"], "", ""),
    (U & gt("title", "t") & ge("title", "t"), "Query", None, ["user = 'u' AND title > 't'"], "", ""),
    (
        U & between("title", "a", "c") & gt("title", "b"),
        "Query",
        None,
        ["user = 'u' AND title BETWEEN 'b' AND 'c'"],
        "",
        "title > 'b'",
    ),
    (U & T & ne("title", "s"), "GetItem", None, ["user = 'u' AND title = 't'"], "", "title <> 's'"),
    (
        U & T & between("title", "s", "u"),
        "GetItem",
        None,
        ["user = 'u' AND title = 't'"],
        "",
        "title BETWEEN 's' AND 'u'",
    ),
    (U & T & begins_with("title", "t"), "GetItem", None, ["user = 'u' AND title = 't'"], "", "begins_with(title, 't')"),
    (U & T & between("title", "u", "v"), "Nothing", None, [], "", ""),
    (U & T & gt("title", "t"), "Nothing", None, [], "", ""),
    (U & ne("title", "t"), "Query", None, ["user = 'u'"], "", "title <> 't'"),
    (U & ~T, "Query", None, ["user = 'u'"], "", "title <> 't'"),
    (U & (T | eq("title", "s")), "Query", None, ["user = 'u'"], "", "title = 't' OR title = 's'"),
    (U & is_in("title", ["a", "b"]), "Query", None, ["user = 'u'"], "", "title IN ('a', 'b')"),
    (U & eq("title", F.note), "Query", None, ["user = 'u'"], "", "title = note"),
    (U & between("title", F.note, "z"), "Query", None, ["user = 'u'"], "", "title BETWEEN note AND 'z'"),
    (U & between("title", "a", F.note), "Query", None, ["user = 'u'"], "", "title BETWEEN 'a' AND note"),
    (U & gt(size("title"), 3), "Query", None, ["user = 'u'"], "", "size(title) > 3"),
    (U & begins_with("title", ""), "Query", None, ["user = 'u'"], "", "begins_with(title, '')"),
    (U & between("title", "", "b"), "Query", None, ["user = 'u' AND title <= 'b'"], "", ""),
    (U & gt("note", "n"), "Query", None, ["user = 'u'"], "note > 'n'", ""),
    (U & eq("note.title", "t"), "Query", None, ["user = 'u'"], "note.title = 't'", ""),
    (U & gt("note", "n") & ne("title", "t"), "Query", None, ["user = 'u'"], "note > 'n'", "title <> 't'"),
    (U & (gt("note", "n") | ne("title", "t")), "Query", None, ["user = 'u'"], "", "note > 'n' OR title <> 't'"),
    (U & gt("score", 5), "Query", "ByScore", ["user = 'u' AND score > 5"], "", ""),
    (U & gt("score", 5) & ne("title", "t"), "Query", "ByScore", ["user = 'u' AND score > 5"], "title <> 't'", ""),
    (U & eq("wins", 5) & eq("note", "n"), "Query", "ByWins", ["user = 'u' AND wins = 5"], "note = 'n'", ""),
    (U & eq("wins", 5) & eq("other", "n"), "Query", "ByWins", ["user = 'u' AND wins = 5"], "", "other = 'n'"),
    (T, "Query", "ByTitle", ["title = 't'"], "", ""),
    (T & gt("score", 5), "Query", "ByTitle", ["title = 't' AND score > 5"], "", ""),
    (T & gt("score", 5) & gt("user", "a"), "Query", "ByTitle", ["title = 't' AND score > 5"], "user > 'a'", ""),
    (is_in("user", ["a", "b"]), "Query", None, ["user = 'a'", "user = 'b'"], "", ""),
    (eq("user", "a") | eq("user", "b"), "Query", None, ["user = 'a'", "user = 'b'"], "", ""),
    (is_in("user", ["a", "a", ""]), "Query", None, ["user = 'a'"], "", ""),
    (
        is_in("user", ["a", "b"]) & T,
        "GetItem",
        None,
        ["user = 'a' AND title = 't'", "user = 'b' AND title = 't'"],
        "",
        "",
    ),
    (is_in("user", ["a", "b"]) & eq("user", "b"), "Query", None, ["user = 'b'"], "", "user IN ('a', 'b')"),
    (U & gt("user", "a"), "Query", None, ["user = 'u'"], "", "user > 'a'"),
    (U & eq("user", "v"), "Nothing", None, [], "", ""),
    (U & gt("title", "b") & lt("title", "a"), "Nothing", None, [], "", ""),
    (U & any_of(), "Nothing", None, [], "", ""),
    (eq("user", ""), "Nothing", None, [], "", ""),
    (U & eq("title", ""), "Nothing", None, [], "", ""),
]


def told(table: Table, read: Query | Scan) -> tuple[Any, ...]:
    found = access_of(table, read)
    return (
        found.operation,
        found.index.name if found.index else None,
        [show(key) for key in found.keys],
        show(found.filter) if found.filter is not None else "",
        show(found.residue) if found.residue is not None else "",
    )


@pytest.mark.parametrize(
    "condition, how, index, keys, filtered, residue", CASES, ids=[show(condition) for condition, *_ in CASES]
)
def test_what_goes_where(
    condition: Condition, how: str, index: str | None, keys: list[str], filtered: str, residue: str
) -> None:
    assert told(TABLE, query(condition)) == (how, index, keys, filtered, residue)


G, S = eq("game", "g"), eq("shard", 1)
SEVERAL: list[tuple[Condition, list[str], str, str]] = [
    (G & S, ["game = 'g' AND shard = 1"], "", ""),
    (S & G, ["game = 'g' AND shard = 1"], "", ""),
    (G & S & gt("year", "y"), ["game = 'g' AND shard = 1 AND year > 'y'"], "", ""),
    (G & S & eq("year", "y") & lt("month", "m"), ["game = 'g' AND shard = 1 AND year = 'y' AND month < 'm'"], "", ""),
    (G & S & eq("month", "m"), ["game = 'g' AND shard = 1"], "", "month = 'm'"),
    (
        G & S & gt("year", "y") & eq("month", "m"),
        ["game = 'g' AND shard = 1 AND year > 'y'"],
        "",
        "month = 'm'",
    ),
    (
        G & S & eq("year", "y") & eq("month", "m") & begins_with("day", "d") & eq("note", "n"),
        ["game = 'g' AND shard = 1 AND year = 'y' AND month = 'm' AND begins_with(day, 'd')"],
        "note = 'n'",
        "",
    ),
    (
        is_in("game", ["g", "h"]) & is_in("shard", [1, 2]),
        [f"game = '{game}' AND shard = {shard}" for game in "gh" for shard in (1, 2)],
        "",
        "",
    ),
]


@pytest.mark.parametrize("condition, keys, filtered, residue", SEVERAL, ids=[show(each[0]) for each in SEVERAL])
def test_keys_of_several_attributes(condition: Condition, keys: list[str], filtered: str, residue: str) -> None:
    assert told(TABLE, query(condition, project=["note"])) == ("Query", "ByShard", keys, filtered, residue)


def test_a_part_of_a_partition_key_is_not_enough() -> None:
    with raises(
        PlanError,
        "no index of 'scores' starts with `game`, and a query needs one partition key value\n"
        "  condition: game = 'g'\n"
        '  hint: add GlobalIndex("…", "game"), or use scan(...)',
    ):
        access_of(TABLE, query(G, project=["note"]))


def test_why_the_others_lost() -> None:
    found = access_of(TABLE, query(U & gt("score", 5)))
    assert dict(found.rejected) == {
        "the table": "the condition bounds less of its sort key",
        "ByTitle": "its partition key `title` has no value",
        "ByLevel": "its partition key `level` has no value",
        "ByShard": "its partition key `game` has no value",
        "ByWins": "the condition bounds less of its sort key",
    }


def test_an_index_by_name_is_taken() -> None:
    assert told(TABLE, query(U & T, index="ByScore")) == ("Query", "ByScore", ["user = 'u'"], "title = 't'", "")
    assert told(TABLE, scan(gt("score", 1), index="ByTitle")) == ("Scan", "ByTitle", [], "score > 1", "")


def test_a_scan_may_filter_by_anything() -> None:
    assert told(TABLE, scan(U | gt(size("title"), 3))) == ("Scan", None, [], "user = 'u' OR size(title) > 3", "")
    assert told(TABLE, scan()) == ("Scan", None, [], "", "")
    assert told(TABLE, scan(any_of())) == ("Nothing", None, [], "", "")


def test_an_index_that_lacks_what_is_wanted_is_not_chosen() -> None:
    level = eq("level", "l")
    with raises(
        PlanError,
        "no index of 'scores' can give what this query asks for (ByLevel: it does not project all attributes)\n"
        "  condition: level = 'l'\n"
        "  hint: ask for projected attributes with project=[...], or name the index with index=",
    ):
        access_of(TABLE, query(level))
    with raises(
        PlanError,
        "no index of 'scores' can give what this query asks for (ByLevel: it does not project `note`)\n"
        "  condition: level = 'l'\n"
        "  hint: ask for projected attributes with project=[...], or name the index with index=",
    ):
        access_of(TABLE, query(level, project=["note"]))
    with raises(
        PlanError,
        "no index of 'scores' can give what this query asks for (ByLevel: it does not project `note`)\n"
        "  condition: level = 'l' AND note = 'n'\n"
        "  hint: ask for projected attributes with project=[...], or name the index with index=",
    ):
        access_of(TABLE, query(level & eq("note", "n"), project=["score"]))
    assert told(TABLE, query(level, project=["score"]))[1] == "ByLevel"
    assert told(TABLE, query(level, index="ByLevel"))[1] == "ByLevel"


def test_consistent_reads_pass_by_global_indexes() -> None:
    with raises(
        PlanError,
        "no index of 'scores' can give what this query asks for (ByTitle: a global index has no consistent "
        "reads)\n"
        "  condition: title = 't'\n"
        "  hint: leave consistent=True out",
    ):
        access_of(TABLE, query(T, consistent=True))
    assert told(TABLE, query(U & gt("score", 1), consistent=True))[1] == "ByScore"


# the request


def body(read: Query | Scan, **turn: Any) -> dict[str, Any]:
    request = access_of(TABLE, read).request(TABLE, read, Turn(**turn))
    return {"operation": request.operation, **json.loads(request.body)}


def test_the_request_of_a_query() -> None:
    asked = query(U & gt("score", 5) & eq("note", "n"), reverse=True, consistent=True)
    assert body(asked, limit=7, start={"user": "u", "title": "t", "score": 9}) == {
        "operation": "Query",
        "TableName": "scores",
        "IndexName": "ByScore",
        "KeyConditionExpression": "#0 = :0 AND #1 > :1",
        "FilterExpression": "#2 = :2",
        "ExpressionAttributeNames": {"#0": "user", "#1": "score", "#2": "note"},
        "ExpressionAttributeValues": {":0": {"S": "u"}, ":1": {"N": "5"}, ":2": {"S": "n"}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": 7,
        "ExclusiveStartKey": {"user": {"S": "u"}, "title": {"S": "t"}, "score": {"N": "9"}},
        "ReturnConsumedCapacity": "TOTAL",
    }


def test_the_request_of_a_key() -> None:
    assert body(query(U & T & eq("note", "n"), project=["wins"])) == {
        "operation": "GetItem",
        "TableName": "scores",
        "Key": {"user": {"S": "u"}, "title": {"S": "t"}},
        "ProjectionExpression": "#0, #1, #2, #3",
        "ExpressionAttributeNames": {"#0": "wins", "#1": "user", "#2": "title", "#3": "note"},
        "ReturnConsumedCapacity": "TOTAL",
    }


def test_the_request_of_a_scan_says_nothing_that_it_need_not() -> None:
    assert body(scan()) == {"operation": "Scan", "TableName": "scores", "ReturnConsumedCapacity": "TOTAL"}


def test_a_local_index_fetches_what_it_does_not_hold() -> None:
    assert body(query(U & eq("wins", 5)))["Select"] == "ALL_ATTRIBUTES"
    assert "Select" not in body(query(U & eq("wins", 5), project=["other"]))
    assert "Select" not in body(query(U & eq("score", 5)))


def test_a_projection_brings_what_the_client_needs() -> None:
    found = access_of(TABLE, query(U & ne("title", "t"), project=["note.x", "wins"]))
    assert [show(path) for path in found.fetch or ()] == ["note.x", "wins", "user", "title"]
    assert found.trim
    whole = access_of(TABLE, query(U, project=["user", "title", "note"]))
    assert [show(path) for path in whole.fetch or ()] == ["user", "title", "note"]
    assert not whole.trim


# reading


@pytest.fixture(scope="module")
def filled() -> Iterator[Table]:
    with closing(connect("sqlite::memory:")) as engine:
        table = TABLE.on(engine)
        run(table, create_table())
        run(table, batch_write([put_item(item) for item in ITEMS]))
        yield table


ITEMS = [
    {"user": user, "title": f"t{n:02}", "score": n % 7, "wins": n % 3, "note": {"x": n, "y": 1}}
    for user in ("u", "v", "w")
    for n in range(20)
]

READS = [
    query(U),
    query(U, reverse=True),
    query(U & ne("title", "t03") & gt("title", "t01")),
    query(U & gt("score", 2)),
    query(U & eq("wins", 1) & eq("note.y", 1), index="ByWins", reverse=True),
    query(U & gt("note.x", 10)),
    query(is_in("user", ["w", "nobody", "u"])),
    query(is_in("user", ["w", "nobody", "u"]) & gt("score", 3), reverse=True),
    query(is_in("user", ["w", "nobody", "u"]) & eq("title", "t05")),
    query(U & eq("title", "t05")),
    query(eq("title", "t05"), project=["note.x"]),
    query(U, project=["note.x"], index="ByScore"),
    query(U & any_of()),
    scan(gt("score", 4)),
    scan(exists("note"), index="ByTitle", project=["user"]),
]


@pytest.mark.parametrize("page_size", [None, 1, 3, 7])
@pytest.mark.parametrize("read", READS, ids=[show(read.condition) for read in READS])
def test_a_cursor_anywhere(filled: Table, read: Query | Scan, page_size: int | None) -> None:
    whole = [*run(filled, read)]
    for stop in range(len(whole) + 1):
        begun = run(filled, paged(read, page_size))
        head = [next(begun) for _ in range(stop)]
        cursor = begun.cursor
        rest = [] if cursor is None else [*run(filled, paged(read, page_size, start=cursor))]
        assert head + rest == whole
    assert begun.cursor is None or [*begun] == []


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("read", READS, ids=[show(read.condition) for read in READS])
def test_a_limit_is_exact_and_can_be_gone_on_from(filled: Table, read: Query | Scan, limit: int) -> None:
    whole, found, cursor = [*run(filled, read)], [], None
    while True:
        part = run(filled, paged(read, None, start=cursor, limit=limit))
        items = [*part]
        assert len(items) <= limit
        found += items
        cursor = part.cursor
        if cursor is None:
            break
        assert len(items) == limit
    assert found == whole


def paged(read: Query | Scan, page_size: int | None, **others: Any) -> Query | Scan:
    return replace(read, page_size=page_size, **others)


def test_a_budget_stops_a_read_where_it_can_go_on(filled: Table) -> None:
    whole = [*run(filled, query(U))]
    begun = run(filled, query(U, page_size=3, budget={"requests": 2}))
    head = [*begun]
    assert head == whole[:6]
    assert begun.stats.requests == 2
    assert begun.cursor is not None
    assert [*head, *run(filled, query(U, start=begun.cursor))] == whole


@pytest.mark.parametrize("budget", [{"units": 0.5}, {"seconds": 1e-9}, {"requests": 1, "units": 1000}])
def test_every_budget_lets_one_request_pass(filled: Table, budget: dict[str, float]) -> None:
    begun = run(filled, scan(page_size=4, budget=budget))
    assert len([*begun]) in (0, 4)
    assert begun.stats.requests <= 1
    assert begun.cursor is not None


def test_stats_count_what_was_paid_for(filled: Table) -> None:
    read = run(filled, query(U & gt("note.x", 10), page_size=6))
    assert len([*read]) == 9
    assert (read.stats.requests, read.stats.examined, read.stats.returned) == (4, 20, 9)
    nothing = run(filled, query(U & any_of()))
    assert [*nothing] == []
    assert (nothing.stats.requests, nothing.cursor) == (0, None)
    assert (first(filled, query(U)) or {})["title"] == "t00"
    assert count(filled, query(U & gt("note.x", 10))) == 9


def test_reading_is_lazy(filled: Table) -> None:
    read = run(filled, scan(page_size=5))
    assert read.stats.requests == 0
    next(read)
    assert read.stats.requests == 1


def cursor_of(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


FOREIGN = [
    "nonsense",
    "é",
    "====",
    cursor_of("[]"),
    cursor_of("null"),
    cursor_of('[null,"x",null]'),
    cursor_of("[null,99,null]"),
    cursor_of("[null,-1,null]"),
    cursor_of("[null,0,5]"),
    cursor_of('[null,0,{"user":"u"}]'),
    cursor_of('["ByTitle",0,null]'),
    cursor_of("[" * 100_000),
]


@pytest.mark.parametrize("cursor", FOREIGN, ids=range(len(FOREIGN)))
def test_a_cursor_of_something_else(filled: Table, cursor: str) -> None:
    with pytest.raises(ValidationError, match=r"cursor"):
        run(filled, query(U, start=cursor))


def test_operations_are_values() -> None:
    for read in READS:
        assert pickle.loads(pickle.dumps(read)) == read
        assert hash(read) == hash(pickle.loads(pickle.dumps(read)))
        assert pickle.loads(pickle.dumps(access_of(TABLE, read))) == access_of(TABLE, read)


NEVER_TRUE = eq("note", 1) & eq("note", 2)
WRONG = gt("flag", True)
UNSENT: list[tuple[str, Query | Scan]] = [
    ("never true", scan(NEVER_TRUE & WRONG)),
    ("never true, beside another", query(U & (eq("note", 1) | (NEVER_TRUE & WRONG)))),
    ("always true", query(U & (exists("note") | ~exists("note") | WRONG))),
    ("an empty key", query(eq("user", "") & WRONG)),
    ("left to the client", query(U & T & WRONG)),
]


@pytest.mark.parametrize("read", [read for _, read in UNSENT], ids=[why for why, _ in UNSENT])
def test_what_is_not_sent_is_refused_as_if_it_were(read: Query | Scan) -> None:
    assert read.condition is not None
    with pytest.raises(ExpressionError) as error:
        access_of(TABLE, read)
    assert str(error.value) == (
        "Incorrect operand type for operator or function; operator or function: >, operand type: BOOL\n"
        f"  expression: {show(read.condition)}"
    )


def test_what_the_condition_says_itself_goes_before_what_it_implies() -> None:
    table = Table(
        "tasks",
        "id",
        attributes={"n": int, "rank": template("R#{n:05d}")},
        indexes=[GlobalIndex("ByRank", "kind", "rank"), GlobalIndex("ByN", "kind", "n")],
    )
    access = access_of(table, query(eq("kind", "k") & ge("n", 7)))
    assert (access.index and access.index.name, show(access.keys[0])) == ("ByN", "kind = 'k' AND n >= 7")
    assert dict(access.rejected)["ByRank"] == "serves as well, but only by a part of its sort key"
    alone = access_of(replace(table, indexes=table.indexes[:1]), query(eq("kind", "k") & ge("n", 7)))
    assert show(alone.keys[0]) == "kind = 'k' AND rank BETWEEN 'R#00007' AND 'R$'"
