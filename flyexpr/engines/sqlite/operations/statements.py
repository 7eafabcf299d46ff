"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction.

A statement becomes the read or the write that it is, and that is carried out as any other; what comes of it is put into
the form of these operations.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.answers import answer, json_text, optional
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import NoKeyType, UnusableKey, WrongKeyType, invalid, not_found
from flyexpr.engines.sqlite.operations.items import write_item
from flyexpr.engines.sqlite.operations.pages import Page, find_target
from flyexpr.engines.sqlite.operations.reads import get_item, take_page
from flyexpr.engines.sqlite.operations.transactions import (
    cancelled,
    cancelled_by,
    transact_get_items,
    transact_write_items,
)
from flyexpr.engines.sqlite.request.batches import DUPLICATES
from flyexpr.engines.sqlite.request.intents.reads import GetAsked, GetsAsked
from flyexpr.engines.sqlite.request.intents.statements import (
    ActionsAsked,
    ExecutionAsked,
    StatementAsked,
    StatementsAsked,
)
from flyexpr.engines.sqlite.request.intents.writes import Returns, Write, WriteAsked, WritesAsked
from flyexpr.engines.sqlite.request.next_tokens import write_token
from flyexpr.engines.sqlite.request.statements import invalid_action
from flyexpr.engines.sqlite.rules.capacity import write_units
from flyexpr.engines.sqlite.rules.keys import MISMATCH, check_item_key, key_row
from flyexpr.engines.sqlite.rules.statement_reads import find_index, get_of, selected_page
from flyexpr.engines.sqlite.rules.statement_writes import write_of
from flyexpr.engines.sqlite.rules.writes import write_row
from flyexpr.errors import DynamoError
from flyexpr.expressions.parse.statements import Exists, Insert, Select, Statement, UpdateOrDelete

Wire = dict[str, Any]


def execute_statement(storage: Storage, asked: ExecutionAsked, now: float) -> bytes:
    """The answer to ExecuteStatement: the items of a SELECT, or what RETURNING asks of a write."""
    if isinstance(asked.single.statement, Select):
        return _select(storage, asked.single.statement, asked)
    write = write_of(_table(storage, asked.single), asked.single)
    written = _written(storage, asked.single, write, asked.capacity, now)
    items = [written["Attributes"]] if "Attributes" in written else []
    return answer(Items=json_text(items), ConsumedCapacity=optional(written.get("ConsumedCapacity")))


def _select(storage: Storage, select: Select, asked: ExecutionAsked) -> bytes:
    def take() -> Page:
        table = storage.table(select.table)
        index = find_index(table, select, consistent=asked.single.consistent)
        page, ranges = selected_page(table, index, select, asked)
        find_target(storage, page)  # for an index that is being filled
        return Page(storage, table, index, ranges, page)

    page = take_page(storage, select.table, take)
    key = page.last_key()
    token = None if key is None else write_token(asked.digest or b"", key)
    return answer(
        Items=page.items(),
        NextToken=optional(token),
        LastEvaluatedKey=key,
        ConsumedCapacity=page.capacity(),
    )


def _written(storage: Storage, asked: StatementAsked, write: Write, capacity: str, now: float) -> Wire:
    """The answer to a write, read back."""
    returning = asked.statement.returning if isinstance(asked.statement, UpdateOrDelete) else "NONE"
    written: Wire = json.loads(write_item(storage, WriteAsked(write, Returns(returning, capacity)), now))
    return written


def _table(storage: Storage, asked: StatementAsked) -> StoredTable:
    """The table that a statement names."""
    table = _find_table(storage, asked)
    if table is None:
        raise not_found()
    return table


def _find_table(storage: Storage, asked: StatementAsked) -> StoredTable | None:
    statement = asked.statement
    if storage.read_only and not isinstance(statement, Select):
        raise storage.refusal("this statement")
    with storage.transaction("DEFERRED"):
        return storage.find(_name(statement))


def _name(statement: Statement) -> str:
    return statement.select.table if isinstance(statement, Exists) else statement.table


# Batches


class Prepared(NamedTuple):
    """A statement of a batch that can be carried out: its read or write, and the row that it is about."""

    asked: StatementAsked
    table: StoredTable
    work: GetAsked | Write
    row: bytes


class Rejected(NamedTuple):
    """A statement of a batch that cannot be done: why, and its table if that is known."""

    error: DynamoError
    table: StoredTable | None


def batch_execute_statement(storage: Storage, asked: StatementsAsked, now: float) -> bytes:
    """The answer to BatchExecuteStatement: one response for each statement, which may fail alone."""
    members = [_prepared(storage, statement, asked.capacity) for statement in asked.statements]
    rows = [(member.table.store, member.row) for member in members if isinstance(member, Prepared)]
    if len(set(rows)) < len(rows):
        raise invalid(DUPLICATES)
    responses = [_response(storage, member, asked.capacity, now) for member in members]
    totals: dict[str, Wire] = {}
    for response in responses:
        if "ConsumedCapacity" in response:
            _add(totals.setdefault(response["TableName"], {}), response.pop("ConsumedCapacity"))
    for member, response in zip(members, responses, strict=True):
        wrote_nothing = response.get("Error", {}).get("Code") in _FOR_THE_ITEM
        if wrote_nothing and isinstance(member, Prepared) and member.table.name in totals:
            _add(totals[member.table.name], {"CapacityUnits": _attempted(storage, member)})
    return answer(Responses=json_text(responses), ConsumedCapacity=optional([*totals.values()] or None))


def _prepared(storage: Storage, asked: StatementAsked | DynamoError, capacity: str) -> Prepared | Rejected:
    table = None
    try:
        if isinstance(asked, DynamoError):
            raise asked
        table = _table(storage, asked)
        if isinstance(asked.statement, Select):
            get = get_of(table, asked.statement, asked, "BatchExecuteStatement", capacity)
            return Prepared(asked, table, get, key_row(table, get.key))
        write = write_of(table, asked)
        return Prepared(asked, table, write, write_row(table, write))
    except DynamoError as error:
        return Rejected(error, table)


def _response(storage: Storage, member: Prepared | Rejected, capacity: str, now: float) -> Wire:
    """What comes of a statement, with the capacity that it consumed beside the members of a response."""
    if isinstance(member, Rejected):
        return _failed(*member)
    try:
        done = _done(storage, member, capacity, now)
    except DynamoError as error:
        return _failed(error, member.table)
    item = done.get("Item", done.get("Attributes"))
    return _present(TableName=member.table.name, Item=item, ConsumedCapacity=done.get("ConsumedCapacity"))


def _done(storage: Storage, member: Prepared, capacity: str, now: float) -> Wire:
    if isinstance(member.work, Write):
        return _written(storage, member.asked, member.work, capacity, now)
    got: Wire = json.loads(get_item(storage, member.work, now))
    return got


def _failed(error: DynamoError, table: StoredTable | None) -> Wire:
    code = _SHORT_CODES.get(error.code, error.code.removesuffix("Exception"))
    response: Wire = {"Error": {"Code": code, "Message": error.message, **error.fields}}
    if table is not None and (code in _FOR_THE_ITEM or isinstance(error, UnusableKey)):
        response["TableName"] = table.name
    return response


_FOR_THE_ITEM = ("ConditionalCheckFailed", "DuplicateItem")  # refused for the item as it is
_SHORT_CODES = {"ValidationException": "ValidationError", "ThrottlingException": "ThrottlingError"}


def _attempted(storage: Storage, member: Prepared) -> float:
    """The units of a write that was refused for the item as it is: what it would have cost.

    They count in the sum alone, neither for the table nor for an index.
    """
    table, work = member.table, member.work
    with storage.transaction("DEFERRED"):
        stored = storage.get(table.store, member.row) if storage.find(table.name) == table else None
    image = work.image if isinstance(work, Write) else None
    return write_units(*[size for size in (stored and stored[0], image and image.size) if size])


def _add(total: Wire, part: Wire) -> None:
    """Adds a ConsumedCapacity to another one of the same table."""
    for name, value in part.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        else:
            total[name] = value + total.get(name, 0) if isinstance(value, float) else value


def _present(**members: Any) -> Wire:
    return {name: value for name, value in members.items() if value is not None}


# Transactions


def execute_transaction(storage: Storage, asked: ActionsAsked, now: float) -> bytes:
    """The answer to ExecuteTransaction: a response for each read, and an empty list for writes."""
    tables = [_find_table(storage, statement) for statement in asked.statements]
    actions = [
        _action(position, table, statement, len(tables))
        for position, (table, statement) in enumerate(zip(tables, asked.statements, strict=True))
        if table is not None
    ]
    if len(actions) < len(tables):
        raise cancelled([not_found() if table is None else None for table in tables])
    gets = tuple([action for action in actions if isinstance(action, GetAsked)])
    if gets:
        return transact_get_items(storage, GetsAsked(gets, asked.capacity), now)
    writes = tuple([action for action in actions if isinstance(action, Write)])
    returns = Returns(capacity=asked.capacity, responses=True)
    return transact_write_items(storage, WritesAsked(writes, returns, asked.token), now)


def _action(position: int, table: StoredTable, asked: StatementAsked, total: int) -> GetAsked | Write:
    """The action of a transaction that a statement is. A key of a wrong type cancels it, and one that is too large."""
    statement = asked.statement
    try:
        if isinstance(statement, Select):
            return get_of(table, statement, asked, "ExecuteTransaction", "NONE")
        return write_of(table, asked)
    except WrongKeyType as error:
        if isinstance(error, NoKeyType) and not isinstance(statement, Select):
            raise invalid_action(position, error) from None
        raise cancelled_by(_key_refusal(table, statement), position, total) from None
    except UnusableKey as error:
        raise cancelled_by(error, position, total) from None
    except DynamoError as error:
        raise invalid_action(position, error) from None


def _key_refusal(table: StoredTable, statement: Statement) -> DynamoError:
    """What PutItem and GetItem say of a key of a wrong type."""
    try:
        if isinstance(statement, Insert):
            check_item_key(table, statement.item)
    except DynamoError as error:
        return error
    return invalid(MISMATCH)
