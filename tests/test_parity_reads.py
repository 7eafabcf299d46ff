"""Every way to read, on every engine: conditions, indexes, order, limits and cursors."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises

from flyexpr import (
    F,
    GlobalIndex,
    LocalIndex,
    NotFound,
    SeveralFound,
    Table,
    all_of,
    any_of,
    batch_write,
    begins_with,
    between,
    contains,
    count,
    create_table,
    delete_table,
    eq,
    exists,
    first,
    ge,
    gt,
    is_in,
    le,
    lt,
    ne,
    not_exists,
    one,
    parse_condition,
    put_item,
    query,
    run,
    scan,
    size,
    type_is,
    where,
)

engine_name, engine = kept.engine_name, kept.engine

# --- conditions, each on the same five items

ZOO: dict[str, dict[str, Any]] = {
    "comet": {
        "n": 5,
        "s": "comet quest",
        "tags": {"new", "hot"},
        "nums": {1, 2, Decimal("2.5")},
        "list": ["a", 1, None, "b"],
        "info": {"rating": Decimal("8.3"), "odd.name": 1, "size": 3},
        "flag": True,
        "raw": b"\x00\xff",
        "none": None,
        "twin": 5,
    },
    "alien": {"n": -7, "s": "alien", "list": [], "info": {}, "flag": False, "tags": {"old"}, "twin": 5},
    "star": {"n": Decimal("5.5"), "s": "", "raw": b"", "info": {"rating": 9}, "list": [["a"]]},
    "text": {"n": "5", "s": "été 𝄞", "info": "rating", "none": "none"},
    "bare": {},
}

CONDITIONS: dict[str, tuple[Any, str]] = {
    "eq": (eq("n", 5), "comet"),
    "eq of an equal number": (eq("n", Decimal("5.50")), "star"),
    "eq of text": (eq("n", "5"), "text"),
    "eq of a boolean": (eq("flag", False), "alien"),
    "eq of null": (eq("none", None), "comet"),
    "eq of bytes": (eq("raw", b""), "star"),
    "eq of a set": (eq("tags", {"hot", "new"}), "comet"),
    "eq of a list": (eq("list", ["a", 1, None, "b"]), "comet"),
    "eq of a map": (eq("info", {"rating": 9}), "star"),
    "eq of nothing empty": (eq("list", []), "alien"),
    "eq of two attributes": (F.n == F.twin, "comet"),
    "eq of two missing": (F.nope == F.nada, ""),
    "ne": (ne("n", 5), "alien star text bare"),
    "ne of a missing one": (ne("nope", 1), "comet alien star text bare"),
    "lt": (lt("n", 5), "alien"),
    "le": (le("n", 5), "comet alien"),
    "gt": (gt("n", 5), "star"),
    "ge": (ge("n", 5), "comet star"),
    "gt of text": (gt("s", "comet"), "comet text"),
    "gt by UTF-8": (gt("s", "é"), "text"),
    "lt of bytes": (lt("raw", b"\x00"), "star"),
    "not lt is not ge": (~lt("n", 5), "comet star text bare"),
    "gt of two attributes": (gt("twin", F.n), "alien"),
    "between": (between("n", -7, 5), "comet alien"),
    "between texts": (between("s", "a", "d"), "comet alien"),
    "between attributes": (between("twin", F.n, 5), "comet alien"),
    "is_in": (is_in("n", [5, "5", -8]), "comet text"),
    "is_in of 150": (is_in("n", range(150)), "comet"),
    "begins_with": (begins_with("s", "co"), "comet"),
    "begins_with nothing": (begins_with("s", ""), "comet alien star text"),
    "begins_with bytes": (begins_with("raw", b"\x00"), "comet"),
    "contains in text": (contains("s", "e"), "comet alien"),
    "contains in a set": (contains("tags", "new"), "comet"),
    "contains in a number set": (contains("nums", 2), "comet"),
    "contains no part of a member": (contains("tags", "ne"), ""),
    "contains in a list": (contains("list", "a"), "comet"),
    "contains null": (contains("list", None), "comet"),
    "contains a list": (contains("list", ["a"]), "star"),
    "exists": (exists("none"), "comet text"),
    "exists nested": (exists("info.rating"), "comet star"),
    "exists element": (exists("list[3]"), "comet"),
    "not_exists": (not_exists("n"), "bare"),
    "not_exists nested": (not_exists("info.rating"), "alien text bare"),
    "type_is": (type_is("n", int), "comet alien star"),
    "type_is null": (type_is("none", None), "comet"),
    "type_is set": (type_is("tags", "SS"), "comet alien"),
    "size of text": (size("s") == 6, "text"),
    "size of a list": (size("list") >= 1, "comet star"),
    "size of a map": (size("info") == 0, "alien"),
    "size of a set": (size("tags") < 2, "alien"),
    "size of bytes": (size("raw") == 2, "comet"),
    "size of a number": (size("n") >= 0, "text"),
    "nested": (F.info.rating > 8, "comet star"),
    "odd name": (F.info["odd.name"] == 1, "comet"),
    "reserved word": (F.info.size == 3, "comet"),
    "element": (F.list[1] == 1, "comet"),
    "element of element": (F.list[0][0] == "a", "star"),
    "and": (gt("n", 0) & exists("tags"), "comet"),
    "or": (lt("n", 0) | type_is("n", "S"), "alien text"),
    "not and": (~(gt("n", 0) & exists("tags")), "alien star text bare"),
    "and or": (exists("n") & (eq("flag", True) | eq("flag", False)), "comet alien"),
    "all_of": (all_of(exists("n"), exists("raw"), exists("tags")), "comet"),
    "any_of": (any_of([eq("s", "alien"), eq("s", "")]), "alien star"),
    "all_of nothing": (all_of(), "comet alien star text bare"),
    "any_of nothing": (any_of(), ""),
    "where": (where(n=5, flag=True), "comet"),
    "parsed": (parse_condition("n > :low AND size(s) < 3 OR none = null", low=0), "comet star"),
    "size of an empty text": (size("s") < 1, "star"),
    "size of one that is missing": (size("s") == F.n, ""),
}

FAULTS: list[tuple[str, str, set[str]]] = [
    ("dynalite", "no two lists or maps are equal", {"eq of a list", "eq of a map", "contains a list"}),
    (
        "dynalite",
        "two missing attributes are equal",
        {"eq of two attributes", "eq of two missing", "size of one that is missing"},
    ),
    ("dynalite", "a list contains no null", {"contains null"}),
    ("dynalite", "an empty text has no size", {"size of an empty text", "parsed"}),
    (
        "moto",
        "two missing attributes are equal, and null is missing",
        {"eq of null", "eq of two attributes", "eq of two missing"},
    ),
    (
        "moto",
        "breaks off where two types meet",
        {"lt", "le", "gt", "ge", "not lt is not ge", "between", "and", "or", "not and", "parsed"},
    ),
    ("moto", "begins_with of bytes is never true", {"begins_with bytes"}),
    (
        "moto",
        "breaks off at the size of what is missing or has none",
        {name for name in CONDITIONS if name.startswith("size of")},
    ),
]
FAULTS += [("moto-server", reason, names) for engine, reason, names in FAULTS if engine == "moto"]


def loaded(table: Table, items: Any) -> Table:
    """The table, new, with the items."""
    run(table, create_table())
    run(table, batch_write(map(put_item, items)))
    return table


@pytest.fixture(scope="module")
def zoo(engine: Engine) -> Iterator[Table]:
    """The five items, under one partition key."""
    table = Table(kept.unused("zoo"), "kind", "name").on(engine)
    yield loaded(table, ({"kind": "game", "name": name, **item} for name, item in ZOO.items()))
    run(table, delete_table())


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions(zoo: Table, known_fault: Any, name: str) -> None:
    for faulty, reason, names in FAULTS:
        if name in names:
            known_fault(faulty, reason=reason)
    condition, expected = CONDITIONS[name]
    wanted = set(expected.split())
    assert {item["name"] for item in run(zoo, scan(condition))} == wanted
    assert {item["name"] for item in run(zoo, query(eq("kind", "game") & condition))} == wanted


# --- what a query reads, and in which order


@pytest.fixture(scope="module")
def games(engine: Engine) -> Iterator[Table]:
    """Scores of three players in forty games; every fourth has no wins, so the index by wins lacks it."""
    table = Table(
        kept.unused("games"),
        "userid",
        "title",
        attributes={"top_score": int, "wins": int},
        indexes=[
            GlobalIndex("ByTitle", "title", "top_score"),
            GlobalIndex("ByWins", "wins", "top_score", project="keys"),
            GlobalIndex("ByLevel", "level", "wins", project=["top_score"]),
            LocalIndex("OwnByScore", "top_score", project="keys"),
        ],
    ).on(engine)
    yield loaded(table, SCORES)
    run(table, delete_table())


SCORES = [
    {
        "userid": user,
        "title": f"game {n:02}",
        "top_score": (n * 37 + 11 * ord(user)) % 1000,
        "level": "easy" if n % 3 else "hard",
        **({"wins": n % 5} if n % 4 else {}),
    }
    for user in "abc"
    for n in range(40)
]
OF_A = [score for score in SCORES if score["userid"] == "a"]


def pick(score: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: score[name] for name in names}


def number(score: dict[str, Any]) -> Any:
    return score["top_score"]


READS: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "partition": (query(eq("userid", "a")), OF_A),
    "partition reversed": (query(eq("userid", "a"), reverse=True), OF_A[::-1]),
    "nothing there": (query(eq("userid", "z")), []),
    "one item": (query(eq("userid", "a") & eq("title", "game 07")), [OF_A[7]]),
    "one item, not matching": (query(eq("userid", "a") & eq("title", "game 07") & eq("level", "hard")), []),
    "lt": (query(eq("userid", "a") & lt("title", "game 03")), OF_A[:3]),
    "le": (query(eq("userid", "a") & le("title", "game 03")), OF_A[:4]),
    "gt": (query(eq("userid", "a") & gt("title", "game 37")), OF_A[38:]),
    "ge": (query(eq("userid", "a") & ge("title", "game 37")), OF_A[37:]),
    "between": (query(eq("userid", "a") & between("title", "game 05", "game 09")), OF_A[5:10]),
    "begins_with": (query(eq("userid", "a") & begins_with("title", "game 1")), OF_A[10:20]),
    "two bounds": (query(eq("userid", "a") & gt("title", "game 05") & le("title", "game 09")), OF_A[6:10]),
    "not one": (query(eq("userid", "a") & ne("title", "game 05")), OF_A[:5] + OF_A[6:]),
    "some of them": (query(eq("userid", "a") & is_in("title", ["game 05", "game 01"])), [OF_A[1], OF_A[5]]),
    "filter": (query(eq("userid", "a") & eq("level", "hard")), OF_A[::3]),
    "filter and limit": (query(eq("userid", "a") & eq("level", "hard"), limit=3), OF_A[:9:3]),
    "limit": (query(eq("userid", "a"), limit=7), OF_A[:7]),
    "limit and pages": (query(eq("userid", "a"), limit=7, page_size=3), OF_A[:7]),
    "limit reversed": (query(eq("userid", "a"), limit=7, reverse=True), OF_A[:-8:-1]),
    "pages": (query(eq("userid", "a") & eq("level", "hard"), page_size=4), OF_A[::3]),
    "consistent": (query(eq("userid", "a"), consistent=True), OF_A),
    "several players": (
        query(is_in("userid", ["b", "a"]) & lt("title", "game 02")),
        [score for user in "ba" for score in SCORES if score["userid"] == user and score["title"] < "game 02"],
    ),
    "missing": (query(eq("userid", "a") & not_exists("wins")), OF_A[::4]),
    "global index": (
        query(eq("title", "game 07")),
        sorted((score for score in SCORES if score["title"] == "game 07"), key=number),
    ),
    "global index reversed": (
        query(eq("title", "game 07") & ge("top_score", 0), reverse=True),
        sorted((score for score in SCORES if score["title"] == "game 07"), key=number, reverse=True),
    ),
    "sparse index, keys only": (
        query(eq("wins", 3) & gt("top_score", 500), project=["userid", "title"]),
        [
            pick(score, "userid", "title")
            for score in sorted(SCORES, key=number)
            if score.get("wins") == 3 and score["top_score"] > 500
        ],
    ),
    "local index": (query(eq("userid", "a") & gt("top_score", 0)), sorted(OF_A, key=number)),
    "local index reversed, fetching": (
        query(eq("userid", "a") & between("top_score", 200, 600) & eq("level", "easy"), reverse=True, limit=5),
        [
            score
            for score in sorted(OF_A, key=number, reverse=True)
            if 200 <= score["top_score"] <= 600 and score["level"] == "easy"
        ][:5],
    ),
    "local index, consistent": (
        query(eq("userid", "a") & lt("top_score", 300), index="OwnByScore", consistent=True, project=["top_score"]),
        [{"top_score": score["top_score"]} for score in sorted(OF_A, key=number) if score["top_score"] < 300],
    ),
    "index by name": (
        query(eq("title", "game 07") & eq("userid", "a"), index="ByTitle"),
        [OF_A[7]],
    ),
    "projection": (
        query(eq("userid", "a") & eq("level", "hard"), project=["top_score"]),
        [{"top_score": score["top_score"]} for score in OF_A[::3]],
    ),
}
LOCAL = {"local index", "local index reversed, fetching"}


@pytest.mark.parametrize("name", READS)
def test_queries(games: Table, known_fault: Any, name: str) -> None:
    if name in LOCAL:
        known_fault("moto", "moto-server", reason="a local index gives only what it projects")
    read, expected = READS[name]
    assert list(run(games, read)) == expected


@pytest.mark.parametrize("name", READS)
def test_counts(games: Table, known_fault: Any, name: str) -> None:
    if name == "local index reversed, fetching":
        reason = "a local index does not fetch what a projection names"
        known_fault("moto", "moto-server", "dynalite", "dynoxide", reason=reason)
    read, expected = READS[name]
    assert count(games, read) == len(expected)


def test_the_order_within_one_sort_key_is_open(games: Table) -> None:
    found = run(games, query(where(level="hard", wins=2) & gt("top_score", 400), project=["title", "top_score"]))
    expected = [score for score in SCORES if (score["level"], score.get("wins")) == ("hard", 2)]
    same(found, [pick(score, "title", "top_score") for score in expected if score["top_score"] > 400])


def same(found: Any, expected: Any) -> None:
    """The same items, in any order."""
    assert sorted(sorted(item.items()) for item in found) == sorted(sorted(item.items()) for item in expected)


def test_scans(games: Table) -> None:
    same(run(games, scan()), SCORES)
    same(run(games, scan(page_size=7)), SCORES)
    same(run(games, scan(gt("top_score", 900))), (score for score in SCORES if score["top_score"] > 900))
    same(
        run(games, scan(index="ByWins", project=["title"])),
        ({"title": score["title"]} for score in SCORES if "wins" in score),
    )
    assert count(games, scan(eq("level", "hard"), limit=5)) == 5


def test_first_one_and_count(games: Table) -> None:
    assert first(games, query(eq("title", "game 07"), reverse=True)) == READS["global index reversed"][1][0]
    assert first(games, query(eq("title", "game 99"))) is None
    assert one(games, query(where(userid="a", title="game 07"))) == OF_A[7]
    assert one(games, query(eq("userid", "a") & gt("title", "game 38"))) == OF_A[39]
    with raises(NotFound, f"no item of {games.name!r} matches: userid = 'z'"):
        one(games, query(eq("userid", "z")))
    with raises(SeveralFound, f"more than one item of {games.name!r} matches: userid = 'a'"):
        one(games, query(eq("userid", "a")))
    assert count(games, query(is_in("userid", ["a", "b", "c"]))) == 120


CUT = {
    "pages": query(eq("userid", "a"), page_size=7),
    "reversed": query(eq("userid", "a"), page_size=7, reverse=True),
    "filter": query(eq("userid", "a") & eq("level", "hard"), page_size=7),
    "residue": query(eq("userid", "a") & ne("title", "game 05"), page_size=7),
    "global index": query(eq("title", "game 07"), page_size=2),
    "keys only": query(eq("wins", 3), project=["title"], page_size=4),
    "local index": query(eq("userid", "a") & gt("top_score", 0), page_size=7, project=["level"]),
    "several partitions": query(is_in("userid", ["c", "a"]) & lt("title", "game 12"), page_size=5),
    "one item": query(eq("userid", "a") & eq("title", "game 07")),
    "scan": scan(eq("level", "hard"), page_size=11),
}


@pytest.mark.parametrize("name", CUT)
def test_a_cursor_goes_on_anywhere(games: Table, name: str) -> None:
    read = CUT[name]
    whole = list(run(games, read))
    assert whole
    for taken in {0, 1, len(whole) // 2, len(whole) - 1, len(whole)}:
        items = run(games, read)
        before = list(islice(items, taken))
        cursor = items.cursor
        assert isinstance(cursor, str), "nothing says yet that the read is over"
        again = run(games, replace(read, start=cursor, page_size=3))
        assert before + list(again) == whole, taken
        assert again.cursor is None


def test_limited_reads_go_on_where_they_stopped(games: Table) -> None:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        items = run(games, query(eq("userid", "a") & eq("level", "easy"), limit=4, start=cursor))
        found += items
        cursor = items.cursor
    assert found == [score for score in OF_A if score["level"] == "easy"]


def test_stats_count_what_was_read(games: Table) -> None:
    items = run(games, query(eq("userid", "a") & eq("level", "hard"), page_size=10))
    assert (items.stats.requests, items.stats.returned) == (0, 0)
    next(items)
    assert (items.stats.requests, items.stats.returned) == (1, 1)
    list(items)
    assert items.stats.examined == 40
    assert items.stats.returned == len(OF_A[::3])
    assert items.stats.requests in (4, 5)  # if the last page is just full, it has a key to continue from
    assert items.stats.capacity >= 2


def test_a_budget_stops_a_read_that_can_go_on(games: Table) -> None:
    items = run(games, query(eq("userid", "a"), page_size=10, budget={"requests": 2}))
    some = list(items)
    assert (some, items.stats.requests) == (OF_A[:20], 2)
    assert some + list(run(games, query(eq("userid", "a"), start=items.cursor))) == OF_A


@pytest.mark.engine_fault("dynalite", reason="knows no index keys of several attributes")
def test_an_index_of_several_attributes(engine: Engine, fresh_name: str) -> None:
    index = GlobalIndex("Deep", ("a", "b"), ("c", "d"))
    table = Table(fresh_name, "id", attributes={"d": int}, indexes=[index]).on(engine)
    items = [
        {"id": f"{a}{b}{c}{d}", "a": f"a{a}", "b": f"b{b}", "c": f"c{c}", "d": d}
        for a in range(2)
        for b in range(2)
        for c in range(3)
        for d in range(3)
    ]
    loaded(table, items)
    under = [item for item in items if item["a"] == "a1" and item["b"] == "b0"]
    read = where(a="a1", b="b0")
    assert list(run(table, query(read))) == under
    assert list(run(table, query(read & eq("c", "c1") & ge("d", 1), reverse=True))) == under[5:3:-1]
    assert list(run(table, query(read & gt("c", "c0"), page_size=2))) == under[3:]
