"""What the operations that read items ask for."""

from __future__ import annotations

from typing import Any, NamedTuple

from flyexpr.engines.sqlite.request.clauses import Clause
from flyexpr.engines.sqlite.request.expressions import top_names
from flyexpr.engines.sqlite.request.intents import EXPRESSIONS
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.records import record
from flyexpr.values.types import Item


class GetAsked(NamedTuple):
    """What GetItem asks for, or one action of TransactGetItems; `paths` is None for a whole item."""

    table: str
    key: Item
    paths: tuple[Path, ...] | None = None
    consistent: bool = False
    capacity: str = "NONE"


@record
class GetsAsked:
    """What TransactGetItems asks for."""

    gets: tuple[GetAsked, ...]
    capacity: str


@record
class KeysAsked:
    """The items of one table that BatchGetItem asks for, by the name that the request has for the table.

    `wire` is that part of the request. A part of it is given back where keys are left unprocessed.
    """

    name: str
    table: str
    keys: tuple[Item, ...]
    paths: tuple[Path, ...] | None
    consistent: bool
    wire: dict[str, Any]


@record
class BatchAsked:
    """What BatchGetItem asks for."""

    tables: tuple[KeysAsked, ...]
    capacity: str


class Segment(NamedTuple):
    """A part of a parallel scan: its number, from zero, and how many there are."""

    number: int
    total: int


@record
class PageAsked:
    """What Query and Scan ask for: a page of a table or an index.

    `clauses` is None for a Scan, `limit` -1 for none. `tested` are the paths of the filter, and `filter_name` is what a
    refusal calls it.
    """

    table: str
    index: str | None
    clauses: tuple[Clause, ...] | None
    condition: Condition | None
    tested: tuple[Path, ...]
    paths: tuple[Path, ...] | None
    start: Item | None
    select: str | None = None
    limit: int = -1
    reverse: bool = False
    consistent: bool = False
    capacity: str = "NONE"
    segment: Segment | None = None
    filter_name: str = "Filter Expression"
    by: str = EXPRESSIONS

    @property
    def names(self) -> frozenset[str]:
        """The attributes that the filter and the projection name."""
        return top_names((*self.tested, *(self.paths or ())))


@record
class SearchAsked:
    """What SearchVectors asks for: the `top` nearest of the items for which the condition is true.

    `unused` refuses placeholders that no expression uses, which is said after all that is wrong with the condition.
    """

    table: str
    index: str
    vector: tuple[float, ...]
    top: int
    condition: Condition | None
    paths: tuple[Path, ...] | None
    capacity: str
    unused: DynamoError | None = None
