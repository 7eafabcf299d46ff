"""The curried functions do the same as the plain ones, and wait for their last argument."""

import pickle
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from raised import raises
from toolz import compose, pipe
from toolz.curried import filter, map, pluck

import flyexpr
from flyexpr import F, GlobalIndex, Table, batch_write, connect, create_table, curried, exists, put_item, query, scan
from flyexpr.curried import limit, project, reverse, run


@pytest.fixture
def scores() -> Iterator[Table]:
    indexes = [GlobalIndex("ByTitle", "title", "score")]
    with closing(connect("sqlite::memory:")) as engine:
        table = Table("scores", "user", "title", attributes={"score": int}, indexes=indexes).on(engine)
        run(table, create_table())
        items = ({"user": user, "title": f"game {n}", "score": n * 10} for user in ("ada", "bob") for n in range(5))
        run(table, batch_write(map(put_item, items)))
        yield table


def test_a_pipeline_from_a_query_to_its_answers(scores: Table) -> None:
    best = pipe(query(flyexpr.eq("user", "ada")), reverse(True), limit(2), run(scores), pluck("title"), list)
    assert best == ["game 4", "game 3"]


def test_what_takes_a_table_waits_for_the_rest(scores: Table) -> None:
    assert pipe([("ada", "game 1"), ("zoe", "x")], map(curried.get(scores)), list) == [
        {"user": "ada", "title": "game 1", "score": 10},
        None,
    ]
    assert curried.count(scores)(scan()) == 10
    assert curried.first(scores)(query(flyexpr.eq("title", "game 4")))["user"] == "ada"
    assert curried.explain(scores)(query(flyexpr.eq("title", "game 4"))).index == "ByTitle"
    assert curried.request(scores)(scan())[0] == "Scan"
    assert curried.put(scores)({"user": "cy", "title": "x"}, returns="ALL_OLD") is None
    assert curried.update(scores, ("cy", "x"))(flyexpr.incr("score"), returns="ALL_NEW")["score"] == 1
    assert curried.modify(scores, ("cy", "x"))(lambda item: {**item, "seen": True})["seen"] is True
    assert curried.delete(scores)(("cy", "x"), returns="ALL_OLD")["score"] == 1
    key = {"user": "cy", "title": "x"}
    assert pipe([{**key, "score": 1}], map(curried.key_of(scores)), list) == [key]
    assert curried.one(scores)(query(flyexpr.where(user="ada", title="game 0")))["score"] == 0


def test_conditions_and_updates_wait_for_their_value() -> None:
    over = curried.gt("score")
    assert over(10) == (F.score > 10)
    assert pipe([{"n": 1}, {}], filter(curried.matches(exists("n"))), list) == [{"n": 1}]
    assert pipe({"n": 1}, curried.apply(flyexpr.incr("n"))) == {"n": 2}
    assert curried.assign("a")(1) == flyexpr.assign("a", 1)
    assert curried.diff({"a": 1})({"a": 2}) == flyexpr.assign("a", 2)


BINARY = ["eq", "ne", "lt", "le", "gt", "ge", "begins_with", "contains"]


@pytest.mark.parametrize("name", BINARY)
def test_a_twin_does_what_its_original_does(name: str) -> None:
    assert getattr(curried, name)("a")("x") == getattr(curried, name)("a", "x") == getattr(flyexpr, name)("a", "x")


def test_others_of_two_arguments() -> None:
    assert curried.is_in("a")([1, 2]) == flyexpr.is_in("a", [1, 2])
    assert curried.type_is("a")(str) == flyexpr.type_is("a", str)


REFINED: dict[str, tuple[Any, Any]] = {
    "limit": (10, 10),
    "page_size": (5, 5),
    "start": ("abc", "abc"),
    "index": ("ByTitle", "ByTitle"),
    "project": (["a.b", F.c], query(exists("x"), project=["a.b", F.c]).project),
    "reverse": (True, True),
    "consistent": (True, True),
}


@pytest.mark.parametrize("name", REFINED)
def test_refinements_are_functions_of_an_operation(name: str) -> None:
    given, expected = REFINED[name]
    before = query(exists("x"))
    after = getattr(curried, name)(given)(before)
    assert getattr(after, name) == expected
    assert after == query(exists("x"), **{name: given})
    assert before == query(exists("x"))


def test_refinements_of_writes() -> None:
    only_new = compose(curried.returns("ALL_OLD"), curried.condition(exists("x")))
    assert only_new(put_item({"id": "a"})) == put_item({"id": "a"}, condition=exists("x"), returns="ALL_OLD")


WRONG: list[tuple[str, Any, Any, str]] = [
    ("limit", 0, query(exists("x")), "limit= takes a whole number from 1, not 0"),
    (
        "limit",
        3,
        query(exists("x"), prefetch=True),
        "leave out prefetch= or limit=: limit= stops early, and what was read ahead is paid for",
    ),
    (
        "returns",
        "SOME",
        put_item({"id": "a"}),
        "returns= takes one of NONE ALL_OLD NEW, not 'SOME'",
    ),
    (
        "returns",
        "NEW",
        flyexpr.update_item("a", flyexpr.incr("n")),
        "returns= takes one of NONE ALL_OLD UPDATED_OLD ALL_NEW UPDATED_NEW, not 'NEW'",
    ),
    ("returns", "ALL_OLD", flyexpr.get_item("a"), "get_item has no option returns=; it has project=, consistent="),
    ("limit", 3, 3, "expected an operation such as query(...) or put_item(...), not 3"),
]


@pytest.mark.parametrize("name, value, operation, text", WRONG)
def test_refinements_are_checked(name: str, value: Any, operation: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(curried, name)(value)(operation)
    assert str(caught.value) == text


def test_a_refinement_that_an_operation_has_not_is_refused() -> None:
    with raises(
        TypeError,
        "scan has no option reverse=; it has index=, project=, consistent=, limit=, page_size=, start=, "
        "budget=, segments=, prefetch=, bad=, part=",
    ):
        reverse(True)(scan())
    with raises(TypeError, "project= takes a list of paths, such as ['title']"):
        project("title")(scan())


def test_every_twin_has_the_name_of_its_original() -> None:
    refinements = {"condition", "consistent", "index", "limit", "page_size", "project", "returns", "reverse", "start"}
    assert {*curried.__all__} - refinements <= {*flyexpr.__all__}
    for name in {*curried.__all__} - refinements:
        assert getattr(curried, name).__doc__ == getattr(flyexpr, name).__doc__


@pytest.mark.parametrize("name", curried.__all__)
def test_every_function_pickles_and_so_does_what_waits(name: str) -> None:
    """Processes of a pool are sent them."""
    function = getattr(curried, name)
    assert function.__name__ == name
    assert pickle.loads(pickle.dumps(function)) == function
    waiting = function("a")
    assert pickle.loads(pickle.dumps(waiting)) == waiting != function("b")
