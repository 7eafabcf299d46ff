"""Several operations at once, on one or more tables of one engine: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flyexpr.errors import ConditionFailed, DynamoError, FlyexprError, NoSuchTable, TransactionCancelled
from flyexpr.items import read_item, with_defaults
from flyexpr.lifecycle import named
from flyexpr.operations import ConditionCheck, DeleteItem, GetItem, PutItem, UpdateItem
from flyexpr.records import replace
from flyexpr.requests import Write, key_in, transact_get_request, transact_write_request
from flyexpr.responses import decoding, fields_of, plain_item
from flyexpr.run import explained
from flyexpr.tables import Engine, Table
from flyexpr.values import Item
from flyexpr.versions import versioned

Pair = tuple[Table, Write | ConditionCheck]


def transact_write(operations: Iterable[Pair], *, token: str | None = None) -> None:
    """Writes up to 100 items, in several tables of one engine, all or none; None.

    >>> transact_write([
    ...     (scores, update_item(("abc", "Comet Quest"), incr("wins", 1))),
    ...     (scores, condition_check(("abc", "Galaxy Invaders"), gt("top_score", 9000))),
    ... ])
    >>> transact_write([(scores, put_item({"userid": "abc", "title": "Comet Quest"}, condition=not_exists("userid")))])
    Traceback (most recent call last):
    ...
    flyexpr.errors.TransactionCancelled: operation 0 (put GameScores abc, Comet Quest): attribute_not_exists(userid) ...

    TransactionCancelled has one reason per operation. The `token` (36 characters at most; a new one by default) makes
    it safe to send the same transaction again within 10 minutes.
    """
    from uuid import uuid4  # here, because it is an eighth of `import flyexpr`

    pairs: Sequence[Pair] = list(operations)
    engine = _engine(pairs)
    pairs = [(table, _with_defaults(table, operation)) for table, operation in pairs]
    request = transact_write_request(pairs, token or str(uuid4()))
    try:
        engine(request.operation, request.body)
    except TransactionCancelled as error:
        raise _with_reasons(pairs, error) from None
    except NoSuchTable as error:
        raise named(error, [table for table, _ in pairs]) from None


def transact_get(operations: Iterable[tuple[Table, GetItem]]) -> list[Item | None]:
    """Up to 100 items as they were at one moment, in the order asked for; None for one that is not there.

    >>> transact_get([(scores, get_item(("abc", "Comet Quest"), project=["wins"])), (scores, get_item(("no", "one")))])
    [{'wins': 3}, None]
    """
    pairs = list(operations)
    engine = _engine(pairs)
    request = transact_get_request(pairs)
    try:
        body = engine(request.operation, request.body)
    except NoSuchTable as error:
        raise named(error, [table for table, _ in pairs]) from None
    with decoding:
        wires = [each.get("Item") for each in fields_of(body)["Responses"]]
        found = [None if wire is None else plain_item(wire) for _, wire in zip(pairs, wires, strict=True)]
    return [
        None if item is None else read_item(table, item, read.project, read.key)
        for (table, read), item in zip(pairs, found, strict=True)
    ]


def _with_defaults(table: Table, operation: Write | ConditionCheck) -> Write | ConditionCheck:
    if isinstance(operation, PutItem):  # once, as a default may be another one each time
        return replace(operation, item=with_defaults(table, operation.item))
    return operation


def _engine(pairs: Sequence[Any]) -> Engine:
    if not pairs:
        raise FlyexprError("a transaction needs at least one operation")
    for place, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Table):
            raise TypeError(f"a transaction takes pairs (table, operation); entry {place} is {type(pair).__name__}")
    engine: Engine = pairs[0][0].bound
    if any(table.bound != engine for table, _ in pairs):
        raise FlyexprError("the tables of a transaction have to be on one engine: bind them with the same connect(...)")
    return engine


def _with_reasons(pairs: Sequence[Pair], error: TransactionCancelled) -> TransactionCancelled:
    error.operations = tuple(_said(*pair) for pair in pairs)
    with decoding:
        reasons = [dict(reason) for reason in error.fields.get("CancellationReasons") or ()]
    error.reasons = tuple(_reason(pair, reason) for pair, reason in zip(pairs, reasons, strict=False))
    return error


def _said(table: Table, operation: Write | ConditionCheck) -> str:
    """An operation in few words: what it does, to which item of which table."""
    verb = {PutItem: "put", UpdateItem: "update", DeleteItem: "delete"}.get(type(operation), "check")
    return f"{verb} {table.name} {', '.join(str(value) for value in key_in(table, operation).values())}"


def _reason(pair: Pair, reason: dict[str, Any]) -> DynamoError | None:
    code = str(reason.get("Code", "None"))
    if code == "None":
        return None
    table, operation = pair
    found = DynamoError.of(code, reason.get("Message") or "", {k: v for k, v in reason.items() if k == "Item"})
    if isinstance(found, ConditionFailed):
        return explained(table, versioned(table, operation).condition, found)
    return found
