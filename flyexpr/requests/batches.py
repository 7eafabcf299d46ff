"""The requests of batches: up to 25 writes, or reads of up to 100 keys."""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.errors import FlyexprError
from flyexpr.expressions.nodes import Path
from flyexpr.records import record
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.items import encode_sized
from flyexpr.requests.operations import BatchGet, DeleteItem, PutItem
from flyexpr.requests.plan.projections import without_overlap
from flyexpr.requests.request import Request, flag, wire_request
from flyexpr.requests.writers import writer
from flyexpr.schema.stored_items import asked_paths, stored_item
from flyexpr.schema.stored_keys import stored_key
from flyexpr.schema.table import Table
from flyexpr.values.encode import encode_item
from flyexpr.values.types import quote

GETS, WRITES = 100, 25  # items of one BatchGetItem, of one BatchWriteItem


@record
class BatchMember:
    """One write of a batch: the operation, its key and its text.

    >>> batch_member(Table("t", "id"), DeleteItem("a")).text
    '{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}'
    """

    operation: PutItem | DeleteItem
    key: str
    text: str


def batch_member(table: Table, operation: PutItem | DeleteItem) -> BatchMember:
    """One put or delete as a part of a BatchWriteItem; FlyexprError where a batch cannot hold it."""
    _check_batched(operation)
    table = writer(table, operation)
    if table.version and isinstance(operation, PutItem):
        raise FlyexprError(
            f"a batch cannot guard the versions of {table.name!r}\n  hint: use transact_write, or put one by one"
        )
    if isinstance(operation, PutItem):
        stored = stored_item(table, operation.item)
        text = f'{{"PutRequest":{{"Item":{encode_sized(stored)}}}}}'
    else:
        stored = stored_key(table, operation.key)
        text = f'{{"DeleteRequest":{{"Key":{encode_item(stored)}}}}}'
    return BatchMember(operation, encode_item(table.key_in(stored)), text)


def _check_batched(operation: PutItem | DeleteItem) -> None:
    if not isinstance(operation, (PutItem, DeleteItem)):
        raise TypeError(f"batch_write takes put_item(...) and delete_item(...), not {operation!r}")
    if operation.condition is not None or operation.returns is not None:
        raise FlyexprError(
            "a batch takes no condition= and no returns=\n  hint: use transact_write, or put and delete one by one"
        )


def batch_request(table: Table, members: Iterable[BatchMember]) -> Request:
    """The BatchWriteItem of up to 25 writes.

    >>> batch_request(Table("t", "id"), [batch_member(Table("t", "id"), DeleteItem("a"))]).body
    b'{"RequestItems":{"t":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}'
    """
    texts = ",".join([member.text for member in members])
    return wire_request("BatchWriteItem", [f'"RequestItems":{{{quote(table.name)}:[{texts}]}}'])


def batch_get_request(table: Table, keys: Iterable[str], operation: BatchGet) -> Request:
    """The BatchGetItem of up to 100 different keys, each as its JSON text.

    >>> batch_get_request(Table("t", "id"), ['{"id":{"S":"a"}}'], BatchGet(["a"])).body
    b'{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}}]}}}'
    """
    wanted = asked_paths(table, operation.project)
    project = wanted and (*wanted, *(Path((name,)) for name in table.keys))
    members = [f'"Keys":[{",".join(keys)}]', *flag("ConsistentRead", operation.consistent)]
    members += expression_members(("ProjectionExpression", project and without_overlap(project)))
    return wire_request("BatchGetItem", [f'"RequestItems":{{{quote(table.name)}:{{{",".join(members)}}}}}'])
