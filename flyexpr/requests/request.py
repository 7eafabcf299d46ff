"""A request: the operation's AWS name and its JSON; and the members that many requests have."""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.errors import ValidationError
from flyexpr.records import record
from flyexpr.schema.table import Table
from flyexpr.values.refusals import half_a_pair
from flyexpr.values.types import quote


@record
class Request:
    """What goes to an engine: the operation's AWS name and the bytes of its JSON.

    >>> Request("ListTables", b"{}").operation
    'ListTables'
    """

    operation: str
    body: bytes


def table_name(table: Table) -> str:
    """The member that names the table.

    >>> table_name(Table("t", "id"))
    '"TableName":"t"'
    """
    return f'"TableName":{quote(table.name)}'


def flag(member: str, value: bool) -> list[str]:
    """The member of a flag; none for a false one.

    >>> flag("ConsistentRead", True), flag("ConsistentRead", False)
    (['"ConsistentRead":true'], [])
    """
    return [f'"{member}":true'] if value else []


def wire_request(name: str, members: Iterable[str]) -> Request:
    """The request with these members, each the JSON text of its name and value.

    >>> wire_request("ListTables", ['"Limit":10']).body
    b'{"Limit":10}'

    ValidationError where UTF-8 has no bytes for a character.
    """
    text = "{" + ",".join(members) + "}"
    try:
        return Request(name, text.encode())
    except UnicodeEncodeError as error:
        raise ValidationError(half_a_pair(text[error.start])) from None


CAPACITY = '"ReturnConsumedCapacity":"TOTAL"'

_WITH_A_COST = frozenset(
    """
    GetItem PutItem UpdateItem DeleteItem Query Scan
    BatchGetItem BatchWriteItem TransactGetItems TransactWriteItems
    """.split()
)


def asking_cost(request: Request) -> Request:
    """The request that also asks which capacity it consumes; unchanged where it does already, or where none counts.

    >>> asking_cost(Request("GetItem", b'{"TableName":"t"}')).body
    b'{"TableName":"t","ReturnConsumedCapacity":"TOTAL"}'
    >>> asking_cost(Request("ListTables", b"{}")).body
    b'{}'
    """
    asked = CAPACITY.encode() + b"}"
    if request.operation not in _WITH_A_COST or request.body.endswith(asked):
        return request
    return Request(request.operation, request.body[:-1] + b"," + asked)
