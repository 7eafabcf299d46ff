"""Operations on a table, as values: nothing happens until `run`. flyexpr.requests.constructors makes them.

Refinements use DynamoDB's words. `limit` counts the items returned, `page_size` the items examined in one request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AnySet
from typing import Any, Generic, Literal, NamedTuple, NoReturn, TypedDict

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import ALWAYS, Condition, Path, Update
from flyexpr.records import later, record
from flyexpr.schema.table import Table
from flyexpr.values.types import Item, T

Key = Any  # a dict, a tuple or one value
Paths = list[Any] | tuple[Any, ...] | AnySet[Any] | Iterator[Any]  # not Iterable: a str is one, of its letters
PutReturns = Literal["NONE", "ALL_OLD", "NEW"]
UpdateReturns = Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]
DeleteReturns = Literal["NONE", "ALL_OLD"]
Part = tuple[int, int]  # which part of a read, and of how many: (0, 8) is the first of eight
Bad = Literal["keep"] | Callable[[ValidationError], Item | None] | None  # what becomes of an item that cannot be read


# Not by `class`: here that would compile its annotations from text, which takes a hundredth of `import flyexpr`.
Budget = TypedDict("Budget", {"requests": int, "units": float, "seconds": float}, total=False)  # noqa: UP013
Budget.__doc__ = """How much a read may take before it stops, with a cursor to go on from; `units` are read units.

>>> daily: Budget = {"requests": 100, "seconds": 2.5}
>>> query(eq("userid", "abc"), budget=daily).budget
{'requests': 100, 'seconds': 2.5}
"""


class Operation:
    """Anything that `run` can do to a table.

    >>> isinstance(describe_table(), Operation)
    True
    """

    __slots__ = ()

    __repr__ = later("flyexpr.requests.code", "code")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does nothing by itself; write run(table, ...)")

    def __getitem__(self, index: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does nothing by itself; write run(table, ...)")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does nothing by itself and has no truth value; write run(table, ...)")

    def __len__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does nothing by itself and has no length; write run(table, ...)")


class _Read(Operation):
    """A query or a scan, which people take for the items that it gives."""

    __slots__ = ()

    def __iter__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} reads nothing by itself; write run(table, ...)")

    def __getitem__(self, index: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} reads nothing by itself; write first(table, ...)")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} reads nothing by itself; write first(table, ...) is not None")

    def __len__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__.lower()} reads nothing by itself; write count(table, ...)")


@record
class Query(_Read):
    """A read of the items under one partition key of the table or an index; see `query`.

    >>> isinstance(query(eq("userid", "abc")), Query)
    True
    """

    condition: Condition
    index: str | None = None
    project: tuple[Path, ...] | None = None
    reverse: bool = False
    consistent: bool = False
    limit: int | None = None
    page_size: int | None = None
    start: str | None = None
    budget: Budget | None = None
    prefetch: bool = False
    bad: Bad = None
    part: Part | None = None


@record
class Scan(_Read):
    """A read of the whole table or index; see `scan`.

    >>> isinstance(scan(), Scan)
    True
    """

    condition: Condition = ALWAYS
    index: str | None = None
    project: tuple[Path, ...] | None = None
    consistent: bool = False
    limit: int | None = None
    page_size: int | None = None
    start: str | None = None
    budget: Budget | None = None
    segments: int | None = None
    prefetch: bool = False
    bad: Bad = None
    part: Part | None = None


@record
class GetItem(Operation):
    """A read of one item by its key; see `get_item`."""

    key: Key
    project: tuple[Path, ...] | None = None
    consistent: bool = False


@record
class Near:
    """The vector that a search looks for near ones to, and the attribute that holds them; see `near`.

    >>> near("embedding", [0.5, -1]).attribute
    'embedding'
    """

    attribute: str
    vector: tuple[Any, ...]

    instead_of_condition = "write search(near(...), condition)"  # in errors

    def __and__(self, other: NoReturn) -> NoReturn:
        raise TypeError(f"near(...) is not a condition; {self.instead_of_condition}")

    __or__ = __and__

    __repr__ = later("flyexpr.requests.code", "code")


MOST_FOUND = 100  # results of one search
MOST_SEGMENTS = 1_000_000  # of a scan
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""


@record
class Search(Operation):
    """A search of the items whose vectors are nearest; see `search`."""

    near: Near
    condition: Condition = ALWAYS
    top: int = 10
    index: str | None = None
    project: tuple[Path, ...] | None = None
    wide: bool = False
    wait: float = 0.0


class Found(NamedTuple):
    """A result of a search: an item, and how near its vector is.

    >>> item, score = Found({"id": "a"}, 0.25)
    """

    item: Any
    score: float


@record
class PutItem(Operation):
    """A write of one whole item; see `put_item`."""

    item: Mapping[str, Any]
    condition: Condition | None = None
    returns: str | None = None


@record
class UpdateItem(Operation):
    """A change of one item; see `update_item`."""

    key: Key
    update: Update
    condition: Condition | None = None
    returns: str | None = None


@record
class DeleteItem(Operation):
    """A removal of one item; see `delete_item`."""

    key: Key
    condition: Condition | None = None
    returns: str | None = None


@record
class ConditionCheck(Operation):
    """A condition on an item that a transaction does not change; see `condition_check`."""

    key: Key
    condition: Condition


@record
class BatchGet(Operation):
    """Reads of any number of items by their keys; see `batch_get`."""

    keys: Iterable[Key]
    project: tuple[Path, ...] | None = None
    consistent: bool = False
    bad: Bad = None


@record
class BatchWrite(Operation):
    """Any number of puts and deletes; see `batch_write`."""

    operations: Iterable[PutItem | DeleteItem]


Read = Query | Scan
"""What `first`, `one`, `count` and `update_matching` take."""

Write = PutItem | UpdateItem | DeleteItem | ConditionCheck
"""What a transaction does to one item."""

Pair = tuple[Table[Any], Write]  # what a transaction does to one item
Function = Callable[[T], Mapping[str, Any]]  # of `modify`, from an item to what it becomes
Functions = Callable[[list[T]], Iterable[Mapping[str, Any]]]  # of `transact_modify`


@record
class TransactWriteItems(Operation):
    """Writes and condition checks in several tables, all of them or none; see `transact_write_items`."""

    operations: tuple[Pair, ...]
    token: str | None = None


@record
class TransactGetItems(Operation, Generic[T]):
    """Reads in several tables, all of one moment; see `transact_get_items`."""

    operations: tuple[tuple[Table[T], GetItem], ...]


@record
class CreateTable(Operation):
    """The creation of the table; see `create_table`."""

    wait: bool = True
    if_missing: bool = False


@record
class DeleteTable(Operation):
    """The removal of the table with its items; see `delete_table`."""

    wait: bool = True


@record
class UpdateTable(Operation):
    """A change of the table to what its descriptor says; see `update_table`."""

    drop: bool = False
    dry_run: bool = False


@record
class DescribeTable(Operation):
    """A look at the table; see `describe_table`."""
