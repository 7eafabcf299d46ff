"""What the operations with statements ask for."""

from __future__ import annotations

from flyexpr.engines.sqlite.request.intents.writes import Token
from flyexpr.errors import DynamoError
from flyexpr.expressions.parse.statements import Statement
from flyexpr.records import record
from flyexpr.values.types import Item


@record
class StatementAsked:
    """What ExecuteStatement asks for, or one statement of a batch or a transaction."""

    statement: Statement
    consistent: bool = False
    shows_failed: bool = False


@record
class ExecutionAsked:
    """What ExecuteStatement asks for.

    `start` is the key that the page before ended with. `digest` stands for the statement and its parameters in the
    token of the next page; it is None where no page can follow.
    """

    single: StatementAsked
    limit: int
    start: Item | None
    digest: bytes | None
    capacity: str


@record
class StatementsAsked:
    """What BatchExecuteStatement asks for, with an error in place of a statement that is refused."""

    statements: tuple[StatementAsked | DynamoError, ...]
    capacity: str


@record
class ActionsAsked:
    """What ExecuteTransaction asks for: reads alone, or writes and conditions."""

    statements: tuple[StatementAsked, ...]
    capacity: str
    token: Token | None
