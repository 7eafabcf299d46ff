"""The requests of transactions: up to 100 operations, all of them done or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.nodes import ALWAYS
from flyexpr.requests.items import Prepared, get_members, prepared
from flyexpr.requests.operations import ConditionCheck, DeleteItem, GetItem, Operation, Pair, PutItem, UpdateItem
from flyexpr.requests.request import Request, wire_request
from flyexpr.requests.writers import writer
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.table import Table
from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item, quote

MAX_TRANSACTION = 100  # operations
MAX_TOKEN = 36  # characters


def prepared_writes(pairs: Sequence[Pair]) -> list[Prepared]:
    """The writes of a transaction, each prepared once; an error where a transaction cannot hold one of them.

    >>> [write.key for write in prepared_writes([(Table("t", "id"), DeleteItem("a"))])]
    [{'id': 'a'}]
    """
    _check_transaction(pairs, "transact_write", (PutItem, UpdateItem, DeleteItem, ConditionCheck))
    for number, (_, write) in enumerate(pairs):
        if isinstance(write, UpdateItem) and any(action.parents for action in write.update.actions):
            raise ExpressionError(f"a transaction cannot make parents; leave out parents=True (operation {number})")
        if isinstance(write, ConditionCheck) and write.condition == ALWAYS:
            raise ValidationError(f"a condition check needs a condition that can be false (operation {number})")
        if getattr(write, "returns", None):
            raise ValidationError(f"a transaction returns no items; leave out returns= (operation {number})")
    writes = [prepared(writer(table, write), write) for table, write in pairs]
    _check_different((table, write.key) for (table, _), write in zip(pairs, writes, strict=True))
    return writes


def transact_write_request(pairs: Sequence[tuple[Table, Any]], writes: Iterable[Prepared], token: str) -> Request:
    """The TransactWriteItems of up to 100 prepared writes and condition checks, each on another item.

    >>> pairs = [(Table("t", "id"), DeleteItem("a"))]
    >>> transact_write_request(pairs, prepared_writes(pairs), "token").body
    b'{"TransactItems":[{"Delete":{"TableName":"t","Key":{"id":{"S":"a"}}}}],"ClientRequestToken":"token"}'
    """
    if not 1 <= len(token) <= MAX_TOKEN:
        raise ValidationError(f"a token has 1 to {MAX_TOKEN} characters, not {len(token)}")
    names = (_ACTIONS[type(write)] for _, write in pairs)
    actions = [f'{{"{name}":{{{",".join(write.members)}}}}}' for name, write in zip(names, writes, strict=True)]
    return wire_request(
        "TransactWriteItems", [f'"TransactItems":[{",".join(actions)}]', f'"ClientRequestToken":{quote(token)}']
    )


def transact_get_request(pairs: Sequence[tuple[Table, GetItem]]) -> Request:
    """The TransactGetItems of up to 100 reads.

    >>> transact_get_request([(Table("t", "id"), GetItem("a"))]).body
    b'{"TransactItems":[{"Get":{"TableName":"t","Key":{"id":{"S":"a"}}}}]}'
    """
    _check_transaction(pairs, "transact_get", (GetItem,))
    _check_different((table, stored_key(table, read.key)) for table, read in pairs)
    gets = [f'{{"Get":{{{",".join(get_members(table, read))}}}}}' for table, read in pairs]
    return wire_request("TransactGetItems", [f'"TransactItems":[{",".join(gets)}]'])


_ACTIONS: dict[type, str] = {
    PutItem: "Put",
    UpdateItem: "Update",
    DeleteItem: "Delete",
    ConditionCheck: "ConditionCheck",
}


def _check_transaction(pairs: Sequence[tuple[Table, Any]], name: str, allowed: tuple[type, ...]) -> None:
    if not 1 <= len(pairs) <= MAX_TRANSACTION:
        raise ValidationError(f"{name} takes 1 to {MAX_TRANSACTION} operations, not {len(pairs)}")
    for number, (_, operation) in enumerate(pairs):
        if not isinstance(operation, allowed):
            raise TypeError(f"{name} cannot hold {operation!r} (operation {number}){_instead_of(operation, name)}")


def _instead_of(operation: Any, name: str) -> str:
    """What to write for what is not an operation: a key, or what a verb gave back, which has already done its work."""
    if operation is None:
        return "; put(...) and update(...) act at once: write put_item(...) and update_item(...)"
    if name == "transact_get" and not isinstance(operation, Operation):
        return f"; write get_item({operation!r})"
    return ""


def _check_different(keys: Iterable[tuple[Table, Item]]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, (table, key) in enumerate(keys):
        earlier = seen.setdefault((table.name, encode_item(key)), number)
        if earlier != number:
            raise ValidationError(f"operations {earlier} and {number} of the transaction are on one item")
