"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction: statements of PartiQL.

A statement is read into the conditions, updates and paths that expressions are read into.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from flyexpr.engines.sqlite.faults import bare, invalid, validation_errors
from flyexpr.engines.sqlite.request.intents.statements import (
    ActionsAsked,
    ExecutionAsked,
    StatementAsked,
    StatementsAsked,
)
from flyexpr.engines.sqlite.request.intents.writes import Token
from flyexpr.engines.sqlite.request.json_types import Structure, check_shape
from flyexpr.engines.sqlite.request.member_rules import ObjectRules, Rule, list_rule, sized_text_rule
from flyexpr.engines.sqlite.request.members import RULES, Members, gather
from flyexpr.engines.sqlite.request.next_tokens import digest_of, read_token
from flyexpr.engines.sqlite.request.shapes import (
    BATCH_EXECUTE_STATEMENT,
    BATCH_STATEMENT,
    EXECUTE_STATEMENT,
    EXECUTE_TRANSACTION,
    PARAMETERIZED_STATEMENT,
)
from flyexpr.engines.sqlite.request.transactions import check_payload
from flyexpr.engines.sqlite.request.wire import COMPARED, read_value
from flyexpr.errors import DynamoError, ExpressionError
from flyexpr.expressions.nodes import Value
from flyexpr.expressions.parse import PARTIQL, Scope
from flyexpr.expressions.parse.statements import Exists, Select, UpdateOrDelete, read_statement
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.sizes import value_size

# The order is that in which the service says what is wrong with them.
_RULES: dict[str, Rule] = {
    "ClientRequestToken": RULES["ClientRequestToken"],
    "Statements": list_rule(1, 25),
    "TransactStatements": list_rule(1, 100),
    "ReturnValuesOnConditionCheckFailure": RULES["ReturnValuesOnConditionCheckFailure"],
    "Limit": RULES["Limit"],
    "Statement": sized_text_rule(1, 8192),
    "ReturnConsumedCapacity": RULES["ReturnConsumedCapacity"],
    "Parameters": list_rule(1),
    "ConsistentRead": RULES["ConsistentRead"],
    "NextToken": sized_text_rule(1, 32_768),
}


def read_execute_statement(request: Members) -> ExecutionAsked:
    """What an ExecuteStatement asks for."""
    problems: list[str] = []
    members = _gather(request, EXECUTE_STATEMENT, "Statement", "", problems)
    if problems:
        raise validation_errors(problems)
    values = _read_parameters(members)
    asked = _asked(members, values)
    if isinstance(asked.statement, Exists):
        raise invalid("EXISTS can only be used in ExecuteTransaction write requests.")
    digest = digest_of(members["Statement"], members.get("Parameters", ()), values)
    return ExecutionAsked(
        asked,
        members.get("Limit", -1),
        _read_start(members, asked, digest),
        digest,
        members.get("ReturnConsumedCapacity", "NONE"),
    )


def _read_start(members: Members, asked: StatementAsked, digest: bytes | None) -> dict[str, Any] | None:
    if "NextToken" not in members:
        return None
    if not isinstance(asked.statement, Select):
        raise invalid("NextToken is only valid on a SELECT statement")
    return read_token(members["NextToken"], digest)


def read_batch_execute_statement(request: Members) -> StatementsAsked:
    """What a BatchExecuteStatement asks for; a statement that is refused fails alone."""
    members, parts = _read_parts(request, BATCH_EXECUTE_STATEMENT, "Statements", BATCH_STATEMENT)
    statements = tuple([_read_member(part) for part in parts])
    if any(isinstance(one, DynamoError) for one in statements):
        check_shape(request, BATCH_EXECUTE_STATEMENT)  # a value of a wrong JSON type is the whole request's
    kinds = {isinstance(one.statement, Select) for one in statements if isinstance(one, StatementAsked)}
    if len(kinds) > 1:
        raise invalid("Read and write requests together in the same batch is not supported.")
    return StatementsAsked(statements, members.get("ReturnConsumedCapacity", "NONE"))


def _read_member(members: Members) -> StatementAsked | DynamoError:
    try:
        asked = _asked(members, _read_parameters(members))
        if isinstance(asked.statement, Exists):
            raise invalid("EXISTS can only be used in ExecuteTransaction write requests.")
    except DynamoError as error:
        if error.code != "ValidationException":
            raise
        return error
    return asked


def read_execute_transaction(request: Members) -> ActionsAsked:
    """What an ExecuteTransaction asks for: only reads, or only writes and conditions."""
    members, parts = _read_parts(request, EXECUTE_TRANSACTION, "TransactStatements", PARAMETERIZED_STATEMENT)
    values = [_read_parameters(part) for part in parts]  # of all statements, before the first is read
    statements = tuple([_read_action(*read) for read in zip(range(len(parts)), parts, values, strict=True)])
    if len({isinstance(one.statement, Select) for one in statements}) > 1:
        raise invalid("ExecuteTransaction API does not support both read and write operations in the same request.")
    check_payload(sum(map(_sent, parts, values)))
    token = _read_client_token(members, parts)
    return ActionsAsked(statements, members.get("ReturnConsumedCapacity", "NONE"), token)


def _sent(members: Members, values: Sequence[Value]) -> int:
    """The bytes of a statement and its parameters."""
    return len(members["Statement"].encode()) + sum(value_size(thaw((value.kind, value.body))) for value in values)


def _read_action(position: int, members: Members, values: Sequence[Value]) -> StatementAsked:
    try:
        asked = _asked(members, values)
        if isinstance(asked.statement, UpdateOrDelete) and asked.statement.returning != "NONE":
            raise invalid("RETURNING clause is not supported in ExecuteTransaction.")
        if isinstance(asked.statement, Select) and asked.statement.index is not None:
            raise invalid("Reads on indices are not supported within transactions.")
    except DynamoError as error:
        raise invalid_action(position, error) from None
    return asked


def invalid_action(position: int, error: DynamoError) -> DynamoError:
    """The refusal of a transaction for one of its statements."""
    return invalid(f"Validation failed in TransactStatements[{position}]: {error.message}")


def _read_client_token(members: Members, parts: list[Members]) -> Token | None:
    """The token of a transaction; those of TransactWriteItems are others, even if they have the same text.

    A statement that does not say what a failure returns is the same as one that says NONE.
    """
    if "ClientRequestToken" not in members:
        return None
    statements = [{"ReturnValuesOnConditionCheckFailure": "NONE", **part} for part in parts]
    actions = json.dumps(["statements", statements], sort_keys=True)
    return Token(f"statements {members['ClientRequestToken']}", hashlib.blake2b(actions.encode()).digest())


# Parts


def _read_parts(request: Members, shape: Structure, name: str, part_shape: Structure) -> tuple[Members, list[Members]]:
    """The members of a request, and those of each of its statements; all that is wrong with them is said at once."""
    problems: list[str] = []
    members = _gather(request, shape, name, "", problems)
    within = name[0].lower() + name[1:]
    parts = [
        _gather(part, part_shape, "Statement", f"{within}.{position}.member.", problems)
        for position, part in enumerate(members.get(name, ()), 1)
    ]
    if problems:
        raise validation_errors(problems)
    return members, parts


def _gather(request: Any, shape: Structure, required: str, within: str, problems: list[str]) -> Members:
    if type(request) is dict:
        request = {name: request[name] for name in _RULES if name in shape.members and name in request}
    return gather(request, ObjectRules(_RULES, (required,)), within, problems)


def _read_parameters(members: Members) -> list[Value]:
    """The constants that stand for the `?` of a statement."""
    wires = members.get("Parameters", ())
    return [Value(*freeze(read_value(wire, COMPARED), level=COMPARED)) for wire in wires]


def _asked(members: Members, values: Sequence[Value]) -> StatementAsked:
    scope = Scope({}, {f"?{position}": value for position, value in enumerate(values)}, PARTIQL)
    try:
        statement = read_statement(members["Statement"], scope)
    except ExpressionError as error:
        raise bare(invalid(error.message)) from None
    return StatementAsked(
        statement,
        members.get("ConsistentRead", False),
        members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )
