"""The functions that make operations: query, scan, get_item, put_item and the others.

They check what they are given, so that an operation that exists is well formed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, overload

from flyexpr.errors import ValidationError
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import ALWAYS, Condition, Update
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import path_of
from flyexpr.requests.mistakes import checked_pairs, not_an_operation, with_table, wrong_arguments
from flyexpr.requests.operations import (
    MOST_FOUND,
    MOST_SEGMENTS,
    Bad,
    BatchGet,
    BatchWrite,
    Budget,
    ConditionCheck,
    CreateTable,
    DeleteItem,
    DeleteReturns,
    DeleteTable,
    DescribeTable,
    GetItem,
    Key,
    Near,
    Operation,
    Pair,
    Part,
    Paths,
    PutItem,
    PutReturns,
    Query,
    Scan,
    Search,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
    UpdateReturns,
    UpdateTable,
)
from flyexpr.requests.refinements import (
    DELETE_RETURNS,
    PUT_RETURNS,
    UPDATE_RETURNS,
    checked_bad,
    checked_budget,
    checked_condition,
    checked_count,
    checked_counts,
    checked_name,
    checked_part,
    checked_paths,
    checked_prefetch,
    checked_returns,
)
from flyexpr.schema.table import Table
from flyexpr.schema.vectors import check_dimensions
from flyexpr.values.types import T
from flyexpr.values.vectors import compared_numbers


def query(
    condition: Condition,
    *more: NoReturn,
    index: str | None = None,
    project: Paths | None = None,
    reverse: bool = False,
    consistent: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    start: str | None = None,
    budget: Budget | None = None,
    prefetch: bool = False,
    bad: Bad = None,
    part: Part | None = None,
    **unknown: NoReturn,
) -> Query:
    """A read of the items under one partition key that match, in the order of their sort keys.

    >>> query(eq("userid", "abc") & gt("top_score", 9000), limit=10).limit
    10

    The condition decides which index is read, unless `index` names one; PlanError if none serves. `limit` counts items
    returned, `page_size` those examined per request. `start` is the `.cursor` of an earlier read; `part=(0, 8)` is one
    of the `segments`. `budget={"requests": 10, "units": 500, "seconds": 2.5}` ends it early. An item that does not fit
    the types ends it; `bad="keep"` gives it as stored; a function gets the error, and gives an item or None.
    """
    _check_read(query, condition, "eq('userid', 'abc')", more, unknown)
    return Query(
        condition,
        checked_name(index),
        checked_paths(project),
        bool(reverse),
        bool(consistent),
        *checked_counts(limit, page_size),
        start,
        checked_budget(budget),
        checked_prefetch(prefetch, limit=limit, budget=budget),
        checked_bad(bad),
        checked_part(part),
    )


def scan(
    condition: Condition = ALWAYS,
    *more: NoReturn,
    index: str | None = None,
    project: Paths | None = None,
    consistent: bool = False,
    limit: int | None = None,
    page_size: int | None = None,
    start: str | None = None,
    budget: Budget | None = None,
    segments: int | None = None,
    prefetch: bool = False,
    bad: Bad = None,
    part: Part | None = None,
    **unknown: NoReturn,
) -> Scan:
    """A read of the items that match, in the whole table or index: it pays for every item there is.

    >>> scan(contains("tags", "new"), limit=10).limit
    10

    The partition keys come in no useful order. `segments` is the number of parts that are read at the same time, in
    threads; `part=(0, 8)` reads the first of eight parts alone. `consistent` sees every acknowledged write, and costs
    twice as much. `prefetch` asks for each page of up to 1 MB ahead. The others mean what they mean in `query`.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    """
    _check_read(scan, condition, "eq('wins', 3)", more, unknown)
    return Scan(
        condition,
        checked_name(index),
        checked_paths(project),
        bool(consistent),
        *checked_counts(limit, page_size),
        start,
        checked_budget(budget),
        checked_count("segments", segments, MOST_SEGMENTS),
        checked_prefetch(prefetch, limit=limit, budget=budget, segments=segments),
        checked_bad(bad),
        checked_part(part, segments),
    )


def near(attribute: Any, vector: Any) -> Near:
    """What a search looks for: items whose vector, in this attribute, is near to the given one.

    >>> near("embedding", [0.5, -1])
    near('embedding', [0.5, -1])

    The vector is a list, a tuple, an `array`, an array of numpy, or anything else with the buffer protocol: numbers up
    to 3.4028235E38, of which the service keeps 32 bits.
    """
    path = path_of(attribute)
    if len(path.parts) != 1:
        raise ValidationError("a vector is a whole attribute", at=show(path))
    numbers = compared_numbers(vector)
    check_dimensions(len(numbers))
    return Near(str(path.parts[0]), tuple(numbers))


def search(
    near: Near,
    condition: Condition = ALWAYS,
    *more: NoReturn,
    top: int = 10,
    index: str | None = None,
    project: Paths | None = None,
    wide: bool = False,
    wait: float = 0.0,
    **unknown: NoReturn,
) -> Search:
    """A search of a vector index: `run` gives up to `top` items with their scores, best first, as a list of `Found`.

    >>> from flyexpr import near
    >>> search(near("embedding", [0.5, -1]), eq("lang", "en"), top=3).top
    3

    What the service can check is sent: equality of the index's partition key and filters, or with `wide` all
    comparisons of filters, which not all Regions take. The rest of the condition is checked on up to 100 results, so
    fewer than `top` may be left. `top` is 1 to 100. Items come as the index projects them, without their vectors
    unless `project` names the vector. `wait` is how many seconds to try again while a new index does not answer yet.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SearchVectors.html
    """
    if more or unknown:
        raise wrong_arguments(search, condition, more, unknown)
    need(near, Near, "search takes near('embedding', vector) first")
    if type(top) is not int or not 1 <= top <= MOST_FOUND:
        raise ValueError(f"top= is 1 to {MOST_FOUND}, not {top!r}")
    if not wait >= 0:
        raise ValueError(f"wait= is a number of seconds, not {wait!r}")
    need(condition, Condition, "search takes a condition such as eq('lang', 'en')")
    return Search(near, condition, top, checked_name(index), checked_paths(project), bool(wide), float(wait))


def _check_read(
    function: Callable[..., Any], condition: Condition, example: str, more: tuple[Any, ...], unknown: Mapping[str, Any]
) -> None:
    if more or unknown:
        raise wrong_arguments(function, condition, more, unknown)
    _need(function, condition, Condition, f"{function.__name__} takes a condition such as {example}")


def get_item(
    key: Key, *more: NoReturn, project: Paths | None = None, consistent: bool = False, **unknown: NoReturn
) -> GetItem:
    """A read of the item with this key.

    >>> get_item(("abc", "Comet Quest"), project=["wins"]).project
    (F.wins,)

    A key is a dict, a tuple or one value. `project` gives only these attributes; the whole item is paid for, 0.5 read
    units for each 4 KB. `consistent` sees every acknowledged write, and costs twice as much.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
    if more or unknown:
        raise wrong_arguments(get_item, key, more, unknown)
    return GetItem(key, checked_paths(project), bool(consistent))


def put_item(
    item: Mapping[str, Any],
    *more: NoReturn,
    condition: Condition | None = None,
    returns: PutReturns | None = None,
    **unknown: NoReturn,
) -> PutItem:
    """A write of the item, which replaces one with the same key.

    >>> put_item({"userid": "abc"}, condition=not_exists("userid")).returns is None
    True

    `returns="ALL_OLD"` gives the item that was replaced, `returns="NEW"` the item as it is stored, with its version,
    its defaults and its derived attributes; no request is needed for that. The operation holds your dict, not a copy:
    what you change in it before `run` is written too. `run` raises ConditionFailed if the condition is false, and
    ValidationError for an item that cannot be stored, such as one of more than 400 KB.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    if more or unknown:
        raise wrong_arguments(put_item, item, more, unknown)
    if not isinstance(item, (dict, Mapping)):  # for a dict, the first test is quick
        _need(put_item, item, Mapping, "put takes an item, a dict")
    return PutItem(item, checked_condition(condition), checked_returns(returns, PUT_RETURNS))


def update_item(
    key: Key,
    update: Update,
    *more: NoReturn,
    condition: Condition | None = None,
    returns: UpdateReturns | None = None,
    **unknown: NoReturn,
) -> UpdateItem:
    """A change of the item with this key; an item that does not exist is created.

    >>> update_item(("abc", "Comet Quest"), incr("wins", 1), returns="ALL_NEW").returns
    'ALL_NEW'

    `returns` is one of ALL_OLD UPDATED_OLD ALL_NEW UPDATED_NEW. An update that only removes and discards creates no
    item. `run` raises ConditionFailed if the condition is false, and ExpressionError for an update that does not fit
    the table or the item.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    if more or unknown:
        raise wrong_arguments(update_item, key, more, unknown)
    if not isinstance(update, Update):
        if isinstance(key, Update):
            raise TypeError("the key comes before the change: update(table, key, change)")
        _need(
            update_item,
            key if isinstance(key, Table) else update,
            Update,
            "update takes an update such as incr('wins', 1)",
        )
    return UpdateItem(
        key,
        update,
        checked_condition(condition),
        checked_returns(returns, UPDATE_RETURNS),
    )


def delete_item(
    key: Key,
    *more: NoReturn,
    condition: Condition | None = None,
    returns: DeleteReturns | None = None,
    **unknown: NoReturn,
) -> DeleteItem:
    """A removal of the item with this key; if there is none, nothing happens.

    >>> delete_item("abc", returns="ALL_OLD").key
    'abc'

    `returns="ALL_OLD"` gives the removed item, or None. `run` raises ConditionFailed if the condition is false.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    if more or unknown:
        raise wrong_arguments(delete_item, key, more, unknown)
    return DeleteItem(key, checked_condition(condition), checked_returns(returns, DELETE_RETURNS))


def condition_check(key: Key, condition: Condition, *more: NoReturn, **unknown: NoReturn) -> ConditionCheck:
    """A condition on an item that the transaction does not change, but depends on.

    >>> condition_check("abc", exists("userid")).key
    'abc'

    Only `transact_write` and `transact_write_items` take it; it is one of their 100 operations.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConditionCheck.html
    """
    if more or unknown:
        raise wrong_arguments(condition_check, key, more, unknown)
    _need(condition_check, condition, Condition, "condition_check takes a condition such as exists('userid')")
    return ConditionCheck(key, condition)


def batch_get(
    keys: Iterable[Key],
    *more: NoReturn,
    project: Paths | None = None,
    consistent: bool = False,
    bad: Bad = None,
    **unknown: NoReturn,
) -> BatchGet:
    """Reads of any number of items by their keys, sent 100 per request.

    >>> run(scores, batch_get([("abc", "Comet Quest"), ("no", "one")], project=["wins"]))
    [{'wins': 3}, None]

    The items come in the order of the keys, with None for an item that does not exist. A key may be given several
    times. `bad` says what comes in place of an item that cannot be read in the table's types, as for `query`. What the
    service leaves out is asked for again (an answer holds 16 MB); BatchIncomplete if it leaves some out each time, or
    if a request fails after others: `.items` has what was read, and `.failed` the keys that were not.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    if more or unknown:
        raise wrong_arguments(batch_get, keys, more, unknown)
    if isinstance(keys, (str, bytes, Mapping, Operation)) or not isinstance(keys, Iterable):
        raise TypeError(f"batch_get takes a list of keys, not {keys!r}")
    return BatchGet(tuple(keys), checked_paths(project), bool(consistent), checked_bad(bad))


def batch_write(operations: Iterable[PutItem | DeleteItem], *more: NoReturn, **unknown: NoReturn) -> BatchWrite:
    """Any number of puts and deletes without conditions, sent 25 per request; not a transaction.

    >>> len(batch_write([put_item({"userid": "a"}), delete_item("b")]).operations)
    2

    A request may hold a key only once, so a later operation on the same key goes with the next request. What the
    service leaves undone is sent again; BatchIncomplete if it leaves some each time.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    if more or unknown:
        raise wrong_arguments(batch_write, operations, more, unknown)
    if isinstance(operations, (str, bytes, Mapping, Operation)) or not isinstance(operations, Iterable):
        raise TypeError(f"batch_write takes a list of put_item(...) and delete_item(...), not {operations!r}")
    return BatchWrite(tuple(operations) if isinstance(operations, (list, tuple)) else operations)


def transact_write_items(
    operations: Iterable[Pair], *more: NoReturn, token: str | None = None, **unknown: NoReturn
) -> TransactWriteItems:
    """Up to 100 writes and condition checks in tables of one engine: all of them are done, or none.

    >>> move = transact_write_items([
    ...     (scores, update_item(("abc", "Comet Quest"), incr("wins", 1))),
    ...     (scores, condition_check(("abc", "Galaxy Invaders"), gt("top_score", 9000))),
    ... ])
    >>> run(move)
    >>> explain(move).operation
    'TransactWriteItems'

    It names its tables, so `run`, `explain` and `request` take it without a table. The `token` (at most 36 characters;
    by default a new one each time) makes it safe to send the same transaction again within 10 minutes. It has to be the
    very same: with another `datetime.now(...)` in an item, or another result of a `default=` function, the service
    refuses it (IdempotentParameterMismatchException). So make such values once, before the first try.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    if more or unknown:
        raise wrong_arguments(transact_write_items, operations, more, unknown)
    if token is not None:
        need(token, str, "token= takes a text of up to 36 characters")
    return TransactWriteItems(checked_pairs("a transaction", operations), token)


@overload
def transact_get_items(operations: Iterable[tuple[Table[T], GetItem]]) -> TransactGetItems[T]: ...
@overload
def transact_get_items(operations: Iterable[tuple[Table[Any], GetItem]]) -> TransactGetItems[Any]: ...
def transact_get_items(
    operations: Iterable[tuple[Table[Any], GetItem]], *more: NoReturn, **unknown: NoReturn
) -> TransactGetItems[Any]:
    """Reads of up to 100 items in tables of one engine, all as they were at one moment.

    >>> run(transact_get_items([(scores, get_item(("abc", "Comet Quest"), project=["wins"])),
    ...                         (scores, get_item(("no", "one")))]))
    [{'wins': 3}, None]

    It names its tables, so `run`, `explain` and `request` take it without a table. It is a consistent read and costs
    twice as much as one.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    if more or unknown:
        raise wrong_arguments(transact_get_items, operations, more, unknown)
    return TransactGetItems(checked_pairs("a transaction", operations))


def create_table(*more: NoReturn, wait: bool = True, if_missing: bool = False, **unknown: NoReturn) -> CreateTable:
    """The creation of the table and its indexes; with `wait`, `run` returns when the table can be used.

    >>> run(scores, create_table(if_missing=True))
    >>> run(scores.named("New"), create_table(if_missing=True))

    With `if_missing`, a table of that name is taken as it is: it may have other indexes and settings, which
    `update_table` changes. Only if the descriptor has `ttl=` and the table's items do not expire, expiry is turned on,
    since a program may have ended just after it made the table. TableExists for one with other keys, and without
    `if_missing` for any. A program that has no permission for CreateTable can use a table that is there, for it is
    looked for first.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """
    if more or unknown:
        raise wrong_arguments(create_table, None, more, unknown)
    return CreateTable(wait, if_missing)


def delete_table(*more: NoReturn, wait: bool = True, **unknown: NoReturn) -> DeleteTable:
    """The removal of the table with all of its items; with `wait`, `run` returns when the table is gone.

    >>> delete_table(wait=False).wait
    False

    NoSuchTable if there is none; DynamoError for a table with deletion protection.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    """
    if more or unknown:
        raise wrong_arguments(delete_table, None, more, unknown)
    return DeleteTable(wait)


def update_table(*more: NoReturn, drop: bool = False, dry_run: bool = False, **unknown: NoReturn) -> UpdateTable:
    """A change of the table to what its descriptor says: indexes, throughput, stream, protection, time to live.

    >>> run(scores, update_table(dry_run=True))
    []

    `run` returns what was done, in words; with `dry_run`, what would be done. Missing indexes are added; indexes that
    the descriptor does not name are removed only with `drop`. `run` waits until the table is ready. A local index can
    only be made with its table.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    if more or unknown:
        raise wrong_arguments(update_table, None, more, unknown)
    return UpdateTable(drop, dry_run)


def describe_table(*more: NoReturn, **unknown: NoReturn) -> DescribeTable:
    """A look at the table: `run` returns a `Table` as the engine describes it.

    >>> run(scores, describe_table()).keys
    ('userid', 'title')

    It has the keys, the indexes and the settings; DynamoDB does not know the types of other attributes. NoSuchTable if
    there is none.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
    """
    if more or unknown:
        raise wrong_arguments(describe_table, None, more, unknown)
    return DescribeTable()


_CONSTRUCTORS: dict[type, Callable[..., Any]] = {
    Query: query,
    Scan: scan,
    GetItem: get_item,
    PutItem: put_item,
    UpdateItem: update_item,
    DeleteItem: delete_item,
    ConditionCheck: condition_check,
    BatchGet: batch_get,
}


def refined(operation: Any, name: str, value: Any) -> Any:
    """The operation with another refinement, which its constructor checks.

    >>> refined(query(eq("userid", "abc")), "limit", 10)
    query(eq('userid', 'abc'), limit=10)
    >>> refined(get_item("abc"), "limit", 10)
    Traceback (most recent call last):
    ...
    TypeError: get_item has no option limit=; it has project=, consistent=
    """
    constructor = _CONSTRUCTORS.get(type(operation))
    if constructor is None:
        raise not_an_operation(operation)
    fields = {field: getattr(operation, field) for field in operation.__match_args__}
    return constructor(**fields | {name: value})


def _need(function: Callable[..., Any], value: Any, kind: type, message: str) -> None:
    """None for a value of the kind; else a TypeError with what to write, also where the value is the table."""
    if not isinstance(value, kind):
        if isinstance(value, Table):
            raise with_table(function)
        need(value, kind, message)
