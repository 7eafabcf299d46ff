"""Doing: the loop from request to engine to response, and what follows. Only here the outside world is touched."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, overload

from flyexpr import lifecycle
from flyexpr.errors import (
    ConditionFailed,
    ConnectionFailed,
    DynamoError,
    FlyexprError,
    NoSuchTable,
    NotFound,
    SeveralFound,
    ValidationError,
)
from flyexpr.interpret.evaluate import matches
from flyexpr.interpret.show import show
from flyexpr.items import loaded_item, read_item
from flyexpr.lifecycle import named, send
from flyexpr.lower import lower_condition
from flyexpr.nodes import Condition, Path, Update
from flyexpr.operations import (
    BatchGet,
    BatchWrite,
    ConditionCheck,
    CreateTable,
    DeleteItem,
    DeleteTable,
    DescribeTable,
    GetItem,
    Key,
    Operation,
    PutItem,
    Query,
    Scan,
    UpdateItem,
    UpdateTable,
    delete_item,
    get_item,
    put_item,
    update_item,
)
from flyexpr.parts import fill
from flyexpr.plan import Access, access_of_keys
from flyexpr.reasons import reason
from flyexpr.records import replace
from flyexpr.requests import Request, item_request
from flyexpr.responses import item_of, plain_item
from flyexpr.steps.batches import BatchGetting, BatchWriting, Pause
from flyexpr.steps.parents import ParentUpdating, makes_parents
from flyexpr.steps.reading import Reading, Stats
from flyexpr.tables import Engine, Table
from flyexpr.values import Item
from flyexpr.versions import versioned


class Items(Iterator[Item]):
    """The items of a query or scan, read page by page as they are taken.

    >>> run(scores, query(eq("userid", "abc"))).stats.requests
    0

    `.cursor` resumes after the last item taken, even in the middle of a page: `query(..., start=cursor)`; it is None
    once nothing is left. `.stats` says what the read has cost so far.

    A ValidationError for an item that does not read in its types ends the read: `.item` of the error is that item, and
    the cursor goes on after it.
    """

    __slots__ = ("_engine", "_items", "_reading", "_table")

    def __init__(self, table: Table, read: Query | Scan, counting: bool = False, way: Access | None = None) -> None:
        self._table, self._engine = table, table.bound
        if isinstance(read, Scan) and read.segments:
            from flyexpr.segments import Segments  # threads and queues, for those who want them

            self._reading: Reading | Segments = Segments(table, read, table.bound, counting)
            self._items = iter(self._reading)
        else:
            self._reading = Reading(table, read, time.monotonic, counting, way)
            self._items = self._pages(self._reading)
            if read.prefetch and read.limit is None and read.budget is None:
                from flyexpr.ahead import items_ahead

                self._items = items_ahead(self._reading, self._engine)

    def _pages(self, reading: Reading) -> Iterator[Item]:
        engine = self._engine
        while (request := reading.request()) is not None:
            yield from reading.feed(engine(request.operation, request.body))

    def __iter__(self) -> Items:
        return self

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except NoSuchTable as error:
            raise named(error, [self._table]) from None

    def __bool__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write `first(table, ...) is not None` or `count(table, ...)`")

    def __len__(self) -> NoReturn:
        raise TypeError("nothing is read yet; write count(table, ...), or len(list(run(table, ...)))")

    def __getitem__(self, place: object) -> NoReturn:
        raise TypeError("items come one by one; write first(table, ...) for the first, list(run(table, ...)) for all")

    @property
    def cursor(self) -> str | None:
        """Where to go on; None once nothing is left."""
        return self._reading.cursor

    @property
    def stats(self) -> Stats:
        """Requests, items examined and returned, read units."""
        return self._reading.stats


@overload
def run(table: Table, operation: Query | Scan) -> Items: ...
@overload
def run(table: Table, operation: GetItem | PutItem | UpdateItem | DeleteItem) -> Item | None: ...
@overload
def run(table: Table, operation: DescribeTable) -> Table: ...
@overload
def run(table: Table, operation: BatchGet) -> list[Item | None]: ...
@overload
def run(table: Table, operation: BatchWrite) -> int: ...
@overload
def run(table: Table, operation: UpdateTable) -> list[str]: ...
@overload
def run(table: Table, operation: CreateTable | DeleteTable) -> None: ...
@overload
def run(table: Table, operation: Operation) -> Any: ...
def run(table: Table, operation: Operation) -> Any:
    """Does an operation on a table and gives what comes of it.

    >>> [item["title"] for item in run(scores, query(eq("userid", "abc") & gt("top_score", 9000)))]
    ['Galaxy Invaders']
    >>> run(scores, get_item(("abc", "Comet Quest"), project=["wins"]))
    {'wins': 3}

    A query or scan gives `Items`, a lazy iterator; a read or write of one item gives an item or None, a batch of
    writes their number, `describe_table` a `Table`. DynamoError and its kin say what an engine refused.
    """
    try:
        does = _DOES[type(operation)]
    except KeyError:
        hint = "; only transact_write takes it" if isinstance(operation, ConditionCheck) else ""
        raise TypeError(
            f"run takes an operation such as query(...) or put_item(...), not {operation!r}{hint}"
        ) from None
    return does(table, operation)


def _read(table: Table, operation: Query | Scan) -> Items:
    return Items(table, operation)


def _get(table: Table, operation: GetItem) -> Item | None:
    item = item_of(send(table, item_request(table, operation)), "Item", table.forms)
    return None if item is None else read_item(table, item, operation.project, operation.key)


def _write(table: Table, operation: PutItem | UpdateItem | DeleteItem) -> Item | None:
    if isinstance(operation, UpdateItem) and makes_parents(operation):
        body = _make_parents(table, operation)
    else:
        body = _guarded(table, operation)
    written = item_of(body, "Attributes", table.forms) if operation.returns else None
    if written is None:
        return None
    key = operation.item if isinstance(operation, PutItem) else operation.key
    return loaded_after_write(table, written, key, whole=str(operation.returns).startswith("ALL"))


def _guarded(table: Table, operation: PutItem | UpdateItem | DeleteItem) -> bytes:
    request = item_request(table, operation)
    try:
        return send(table, request)
    except ConditionFailed as error:
        raise explained(table, versioned(table, operation).condition, error) from None
    except DynamoError as error:
        if isinstance(operation, UpdateItem) and "document path" in error.message:
            _say_which_path(operation.update, error)
        raise


def _say_which_path(update: Update, error: DynamoError) -> None:
    """Adds to the service's words the paths that they may mean."""
    inside = [action.path for action in update.actions if len(action.path.parts) > 1]
    parents = " or ".join(dict.fromkeys(f"`{show(Path(path.parts[:-1]))}`" for path in inside))
    if parents:
        text = f"{parents} is missing, or cannot hold what is put in it\n  expression: {show(update)}"
        error.args = (f"{error}: {text}\n  hint: assign(..., parents=True) makes the maps that are missing",)


def _make_parents(table: Table, operation: UpdateItem) -> bytes:
    updating = ParentUpdating(table, operation)
    while True:
        try:
            return send(table, updating.request())
        except ConditionFailed as error:
            updating.refused(explained(table, operation.condition, error))


def explained(table: Table, condition: Condition | None, error: ConditionFailed) -> ConditionFailed:
    """The error with the item as it stood, and with the part of the condition that was false.

    >>> item = {"id": {"S": "a"}, "wins": {"N": "1"}}
    >>> error = ConditionFailed("ConditionalCheckFailedException", "", {"Item": item})
    >>> str(explained(Table("t", "id"), gt("wins", 3), error)), error.item
    ('wins > 3 was false: wins is 1', {'id': 'a', 'wins': 1})
    """
    found, item = error.fields.get("Item"), None
    with suppress(ConnectionFailed):  # an item that is not on DynamoDB's wire at all: that the write failed is known
        item = plain_item(copy.deepcopy(found)) if found else None  # it is used up, and `.fields` stays as it came
    if condition is not None:
        error.reason = _reason(table, lower_condition(table, condition), item)
    error.item = item
    if item is not None:
        with suppress(ValidationError):  # one that does not read in its types is told as it is stored
            error.item = read_item(table, dict(item))
    return error


def _reason(table: Table, condition: Condition, item: Item | None) -> str:
    read = item and fill(table, dict(item))
    # Where the item as it is read matches, it failed as it is stored: a part that it lacks stands in an index's key.
    return reason(condition, item if read is None or matches(condition, read) else read)


def loaded_after_write(table: Table, item: Item, key: Key, *, whole: bool = True) -> Item:
    """The item that came back from a write, in place, in the table's types; or only the attributes that were updated.

    >>> loaded_after_write(Table("t", "id", attributes={"n": int}), {"n": "x"}, "a")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `n`: the write is done, but the stored value does not read as int: ...
      item: {'id': 'a'} of 't'
    """
    try:
        return read_item(table, item, key=key) if whole else loaded_item(table, item, key)
    except ValidationError as error:
        told = ValidationError(f"the write is done, but {error.message}", at=error.at)
        told.item = error.item
        raise told from error


def _batch_get(table: Table, operation: BatchGet) -> list[Item | None]:
    getting = BatchGetting(table, operation)
    _drive(table, getting)
    return getting.items


def _batch_write(table: Table, operation: BatchWrite) -> int:
    writing = BatchWriting(table, operation.operations)
    _drive(table, writing)
    return writing.written


def _drive(table: Table, batch: BatchGetting | BatchWriting) -> None:
    engine = table.bound
    while (step := batch.request()) is not None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
        else:
            batch.feed(_answered(engine, step, batch))


def _answered(engine: Engine, request: Request, batch: BatchGetting | BatchWriting) -> bytes:
    try:
        return engine(request.operation, request.body)
    except FlyexprError as error:  # also of keys that cannot be fetched again
        if isinstance(error, NoSuchTable):
            named(error, [batch.table])
        incomplete = batch.incomplete(why=str(error))
        if not incomplete.written:
            raise
        raise incomplete from error


_DOES: dict[type, Callable[[Table, Any], Any]] = {
    Query: _read,
    Scan: _read,
    GetItem: _get,
    PutItem: _write,
    UpdateItem: _write,
    DeleteItem: _write,
    BatchGet: _batch_get,
    BatchWrite: _batch_write,
    CreateTable: lifecycle.create_table,
    DeleteTable: lifecycle.delete_table,
    DescribeTable: lifecycle.describe_table,
    UpdateTable: lifecycle.update_table,
}


def get(table: Table, key: Key, **refinements: Any) -> Item | None:
    """The item with this key, or None.

    >>> get(scores, ("abc", "Comet Quest"), project=["wins"])
    {'wins': 3}

    A key is a dict, a tuple or one value. Refinements as of `get_item`.
    """
    return run(table, get_item(key, **refinements))


def put(
    table: Table, item: Mapping[str, Any], *, condition: Condition | None = None, returns: str | None = None
) -> Item | None:
    """Writes the item, in place of one with the same key; None, or the old item with `returns="ALL_OLD"`.

    >>> put(scores, {"userid": "new", "title": "Comet Quest"}, condition=not_exists("userid"))
    >>> put(scores, {"userid": "new", "title": "Comet Quest", "wins": 1}, returns="ALL_OLD")
    {'userid': 'new', 'title': 'Comet Quest'}

    ConditionFailed when the condition is false: then nothing is written.
    """
    return run(table, put_item(item, condition=condition, returns=returns))


def update(
    table: Table, key: Key, change: Update, *, condition: Condition | None = None, returns: str | None = None
) -> Item | None:
    """Changes the item with this key, atomically; None, or what `returns` asks for.

    >>> update(scores, ("abc", "Comet Quest"), incr("wins", 1), returns="UPDATED_NEW")
    {'wins': 4}

    ConditionFailed when the condition is false: then nothing is changed.
    """
    return run(table, update_item(key, change, condition=condition, returns=returns))


def delete(table: Table, key: Key, *, condition: Condition | None = None, returns: str | None = None) -> Item | None:
    """Removes the item with this key; None, or the old item with `returns="ALL_OLD"`.

    >>> delete(scores, ("abc", "Comet Quest"), returns="ALL_OLD")["wins"]
    3
    """
    return run(table, delete_item(key, condition=condition, returns=returns))


def first(table: Table, read: Query | Scan) -> Item | None:
    """The first item of a query or scan, or None.

    >>> first(scores, query(eq("userid", "abc")))["title"]
    'Comet Quest'
    """
    return next(run(table, replace(_whole(read), limit=1)), None)


def one(table: Table, read: Query | Scan) -> Item:
    """The only item of a query or scan.

    >>> one(scores, query(eq("userid", "abc") & eq("title", "Comet Quest")))["wins"]
    3

    NotFound when there is none, SeveralFound when there are more.
    """
    found = list(run(table, replace(_whole(read), limit=2)))
    if not found:
        raise NotFound(f"no item of {table.name!r} matches: {show(read.condition)}")
    if len(found) > 1:
        raise SeveralFound(f"more than one item of {table.name!r} matches: {show(read.condition)}")
    return found[0]


def count(table: Table, read: Query | Scan) -> int:
    """How many items a query or scan gives.

    >>> count(scores, query(eq("userid", "abc")))
    2

    The service counts, where it can, and sends no items; it costs as much as reading them.
    """
    items = keys_found(table, _whole(read), counting=True)
    for _ in items:
        pass
    return items.stats.returned


def keys_found(table: Table, read: Query | Scan, counting: bool = False) -> Items:
    """The keys of the items that a query or scan gives, by the index that it goes through.

    >>> list(keys_found(scores, query(eq("userid", "abc") & gt("top_score", 9000))))
    [{'userid': 'abc', 'title': 'Galaxy Invaders'}]
    """
    way = access_of_keys(table, read) if isinstance(read, Query) else None
    return Items(table, replace(read, project=tuple(Path((name,)) for name in table.keys)), counting, way)


def _whole(read: Query | Scan) -> Query | Scan:
    """The read, which has to be one, and to come to its end."""
    if not isinstance(read, (Query, Scan)):
        raise TypeError(f"expected query(...) or scan(...), not {read!r}")
    if read.budget is not None:
        raise FlyexprError("a read with budget= may stop before it knows the answer; go through run(...) instead")
    return read
