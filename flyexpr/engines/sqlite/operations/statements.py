"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction.

A statement becomes the read or the write that it is, and that is carried out as any other; what comes of it is put into
the form of these operations.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import json
from typing import Any

from flyexpr.engines.sqlite.answers import answer, json_text, optional
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import UnusableKey, WrongKeyType, invalid
from flyexpr.engines.sqlite.operations.items import write_item
from flyexpr.engines.sqlite.operations.pages import Page, find_target
from flyexpr.engines.sqlite.operations.reads import get_item, take_page
from flyexpr.engines.sqlite.operations.transactions import cancelled_by, transact_get_items, transact_write_items
from flyexpr.engines.sqlite.request.batches import DUPLICATES
from flyexpr.engines.sqlite.request.intents import (
    ActionsAsked,
    ExecutionAsked,
    GetAsked,
    GetsAsked,
    Returns,
    StatementAsked,
    StatementsAsked,
    Write,
    WriteAsked,
    WritesAsked,
)
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
    if isinstance(asked.asked.statement, Select):
        return _select(storage, asked.asked.statement, asked)
    write = write_of(_table(storage, asked.asked), asked.asked)
    written = _written(storage, asked.asked, write, asked.capacity, now)
    items = [written["Attributes"]] if "Attributes" in written else []
    return answer(Items=json_text(items), ConsumedCapacity=optional(written.get("ConsumedCapacity")))


def _select(storage: Storage, select: Select, asked: ExecutionAsked) -> bytes:
    def take() -> Page:
        table = storage.table(select.table)
        index = find_index(table, select, consistent=asked.asked.consistent)
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
    statement = asked.statement
    if storage.read_only and not isinstance(statement, Select):
        raise storage.refusal("this statement")
    with storage.transaction("DEFERRED"):
        return storage.table(_name(statement))


def _name(statement: Statement) -> str:
    return statement.select.table if isinstance(statement, Exists) else statement.table


# Batches


class Member:
    """A statement of a batch: what it reads or writes and of which row, or why it is refused."""

    __slots__ = ("asked", "attempted", "capacity", "error", "row", "table", "work")

    def __init__(self, storage: Storage, asked: StatementAsked | DynamoError, capacity: str) -> None:
        self.capacity, self.attempted = capacity, 0.0
        self.row: tuple[str, bytes] | None = None
        self.error: DynamoError | None = None
        try:
            if isinstance(asked, DynamoError):
                raise asked
            self._prepare(storage, asked)
        except DynamoError as error:
            self.error = error

    def _prepare(self, storage: Storage, asked: StatementAsked) -> None:
        self.asked, self.table = asked, _table(storage, asked)
        self.work: GetAsked | Write
        if isinstance(asked.statement, Select):
            self.work = get_of(self.table, asked.statement, asked, "BatchExecuteStatement", self.capacity)
            self.row = self.table.store, key_row(self.table, self.work.key)
        else:
            self.work = write_of(self.table, asked)
            self.row = self.table.store, write_row(self.table, self.work)

    def response(self, storage: Storage, now: float) -> Wire:
        """What comes of the statement, with the capacity that it consumed beside the members of a response."""
        try:
            if self.error is not None:
                raise self.error
            done = self._done(storage, now)
        except DynamoError as error:
            return self._failed(storage, error)
        item = done.get("Item", done.get("Attributes"))
        capacity = done.get("ConsumedCapacity")
        return _present(TableName=self.table.name, Item=item, ConsumedCapacity=capacity)

    def _done(self, storage: Storage, now: float) -> Wire:
        if isinstance(self.work, Write):
            return _written(storage, self.asked, self.work, self.capacity, now)
        got: Wire = json.loads(get_item(storage, self.work, now))
        return got

    def _failed(self, storage: Storage, error: DynamoError) -> Wire:
        code = _SHORT_CODES.get(error.code, error.code.removesuffix("Exception"))
        response: Wire = {"Error": {"Code": code, "Message": error.message, **error.fields}}
        if self.row is not None and error.code in _FOR_THE_ITEM:
            self.attempted = self._units(storage, *self.row)
        if self.attempted or isinstance(error, UnusableKey):
            response["TableName"] = self.table.name
        return response

    def _units(self, storage: Storage, store: str, row: bytes) -> float:
        """The units of a write that was refused for the item as it is: what it would have cost."""
        with storage.transaction("DEFERRED"):
            stored = storage.get(store, row) if storage.find(self.table.name) == self.table else None
        image = self.work.image if isinstance(self.work, Write) else None
        return write_units(*[size for size in (stored and stored[0], image and image.size) if size])


_FOR_THE_ITEM = ("ConditionalCheckFailedException", "DuplicateItemException")
_SHORT_CODES = {"ValidationException": "ValidationError", "ThrottlingException": "ThrottlingError"}


def batch_execute_statement(storage: Storage, asked: StatementsAsked, now: float) -> bytes:
    """The answer to BatchExecuteStatement: one response for each statement, which may fail alone."""
    members = [Member(storage, statement, asked.capacity) for statement in asked.statements]
    rows = [member.row for member in members if member.row is not None]
    if len(set(rows)) < len(rows):
        raise invalid(DUPLICATES)
    responses = [member.response(storage, now) for member in members]
    consumed: dict[str, Wire] = {}
    for response in responses:
        if "ConsumedCapacity" in response:
            _add(consumed.setdefault(response["TableName"], {}), response.pop("ConsumedCapacity"))
    for member in members:
        if member.attempted and member.table.name in consumed:
            consumed[member.table.name]["CapacityUnits"] += member.attempted
    return answer(Responses=json_text(responses), ConsumedCapacity=optional([*consumed.values()] or None))


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
    tables = [_table(storage, statement) for statement in asked.statements]
    actions = [
        _action(position, table, statement, len(tables))
        for position, (table, statement) in enumerate(zip(tables, asked.statements, strict=True))
    ]
    gets = tuple([action for action in actions if isinstance(action, GetAsked)])
    if gets:
        return transact_get_items(storage, GetsAsked(gets, asked.capacity), now)
    writes = tuple([action for action in actions if isinstance(action, Write)])
    returns = Returns(capacity=asked.capacity, responses=True)
    return transact_write_items(storage, WritesAsked(writes, returns, asked.token), now)


def _action(position: int, table: StoredTable, asked: StatementAsked, total: int) -> GetAsked | Write:
    """The action of a transaction that a statement is. A key of a wrong type cancels it, as in other transactions."""
    statement = asked.statement
    try:
        if isinstance(statement, Select):
            return get_of(table, statement, asked, "ExecuteTransaction", "NONE")
        return write_of(table, asked)
    except WrongKeyType:
        raise cancelled_by(_key_refusal(table, statement), position, total) from None
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
