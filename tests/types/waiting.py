"""The curried functions: what they wait for, and what they give."""

# pyright: strict

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from flyexpr import (
    Condition,
    Item,
    Items,
    Operation,
    Plan,
    Query,
    Read,
    Scan,
    Table,
    Update,
    curried,
    incr,
    query,
    scan,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


class Score(TypedDict):
    userid: str
    wins: int


def expressions() -> list[Condition]:
    over: Callable[[Any], Condition] = curried.gt("score")
    assert_type(curried.assign("a")(1), Update)
    assert_type(curried.assign("a", 1, parents=True), Update)
    assert_type(curried.apply(incr("n"))({"n": 1}), Item)
    assert_type(curried.matches(over(10))({"n": 1}), bool)
    assert_type(curried.diff({"a": 1}), Callable[[Mapping[str, Any]], Update])
    return [curried.eq("a", 1), curried.type_is("a")(str)]


def refinements(read: Query | Scan) -> None:
    assert_type(curried.limit(10)(query(curried.eq("a", 1))), Query)
    assert_type(curried.limit(10, scan()), Scan)
    assert_type(curried.project(["a"])(scan()), Scan)
    assert_type(curried.reverse(True)(read), Query | Scan)


def same(score: Score) -> Score:
    return score


def doors(scores: Table[Score], plain: Table) -> None:
    assert_type(curried.get(scores), Callable[[Any], Score | None])
    assert_type(curried.get(plain, ("abc", "x"), project=["wins"]), Item | None)
    assert_type(curried.first(scores), Callable[[Read], Score | None])
    assert_type(curried.first(scores)(scan()), Score | None)
    assert_type(curried.one(scores)(scan()), Score)
    assert_type(curried.count(scores)(scan()), int)
    assert_type(curried.run(scores, scan()), Items[Score])
    assert_type(curried.explain(scores), Callable[[Operation], Plan])
    assert_type(curried.request(scores)(scan()), tuple[str, dict[str, Any]])
    curried.put(scores)({"userid": "abc"})
    curried.update(scores, "abc")(incr("wins"))
    curried.update(scores, "abc", incr("wins"), returns="ALL_NEW")
    curried.modify(scores)("abc", same)
