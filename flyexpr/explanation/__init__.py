"""What an operation would do, and why: a `Plan` that prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, overload

from flyexpr.explanation.plan import Plan
from flyexpr.explanation.units import asked_for, units_of
from flyexpr.explanation.warnings import warnings_of
from flyexpr.expressions.check import count_operators
from flyexpr.expressions.nodes import Compare, Condition, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.requests.operations import (
    BatchGet,
    BatchWrite,
    Operation,
    Query,
    Scan,
    Search,
    TransactGetItems,
    TransactWriteItems,
)
from flyexpr.requests.reads import Access, Turn
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.course import addressed, course, tables_of
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import Reading
from flyexpr.steps.step import Steps


@overload
def request(table: Table[Any], operation: Operation) -> tuple[str, dict[str, Any]]: ...
@overload
def request(table: TransactWriteItems | TransactGetItems[Any], /) -> tuple[str, dict[str, Any]]: ...
def request(table: Any, operation: Any = None) -> tuple[str, dict[str, Any]]:
    """The request that the operation begins with: its AWS name and its wire members, exactly as they would be sent.

    >>> request(Table("t", "id"), get_item("a"))
    ('GetItem', {'TableName': 't', 'Key': {'id': {'S': 'a'}}})

    PlanError, ExpressionError or ValidationError for what would not be sent. A condition that can never be true sends
    nothing: ("Nothing", {}). A transaction names its tables; pass it alone.
    """
    _, requests = _beginning(table, operation)
    first = next(iter(requests), None)
    return _wire(first) if first else ("Nothing", {})


def _beginning(table: Any, operation: Any) -> tuple[Access | None, Iterable[Request]]:
    """How a query or scan is done, and the requests that are known before any answer has come.

    Those are a request for each key condition of a fan-out, for each segment and for each part of a batch, else one
    at most.
    """
    addressed(table, operation)
    match operation:
        case Scan(segments=int()):
            lanes = Lanes(table, operation, clock=lambda: 0.0)
            return lanes.access, [request for _, request in iter(lanes.take, None)]
        case Search():
            from flyexpr.requests.plan.searches import access_of_search  # few programs search

            access = access_of_search(table, operation)
            return access, [access.request(table, operation)] if access.sends else []
        case Query() | Scan():
            reading = Reading(table, operation, clock=lambda: 0.0)
            first = reading.request()
            branches = range(1, len(reading.access.keys))
            others = [reading.access.request(table, operation, Turn(branch)) for branch in branches]
            return reading.access, [] if first is None else [first, *others]
        case BatchWrite(operations) if not isinstance(operations, (tuple, list)):
            raise TypeError("a look at the batch would use up its iterator; give batch_write a list")
        case BatchWrite() | BatchGet():
            return None, _parts_of_batch(course(table, operation))
    step = next(course(table, operation), None)
    return None, [step] if isinstance(step, Request) else []


def _parts_of_batch(steps: Steps[Any]) -> Iterator[Request]:
    """The requests of a batch, if the service leaves nothing unprocessed."""
    with suppress(StopIteration):
        step = next(steps)
        while True:
            assert isinstance(step, Request)
            yield step
            step = steps.send(b"{}")


def _wire(request: Request) -> tuple[str, dict[str, Any]]:
    return request.operation, json.loads(request.body)


@overload
def explain(table: Table[Any], operation: Operation) -> Plan: ...
@overload
def explain(table: TransactWriteItems | TransactGetItems[Any], /) -> Plan: ...
def explain(table: Any, operation: Any = None) -> Plan:
    """What the operation would do, and why; nothing is sent.

    >>> print(explain(scores, query(eq("userid", "abc") & gt("title", "C") & lt("title", "D"))))
    operation     Query on GameScores
    index         the table itself
    not           GameTitleIndex: its partition key `title` has no value
    key condition userid = 'abc' AND title BETWEEN 'C' AND 'D'
    on the client title > 'C' AND title < 'D'
    limits        3 of 300 operators, 32 of 4096 bytes
    cost          0.5 to 128 read units a request
    warning       part of the condition is evaluated on the client, after it is paid
                  for
    warning       eventually consistent: a write of the last second may be missing
                  (consistent=True costs twice as much)
    request       Query {"TableName": "GameScores",
                  ...
    aws cli       aws dynamodb query --cli-input-json '{"TableName": "GameScores",
                  ...
    """
    access, requests = _beginning(table, operation)
    table, operation = addressed(table, operation)
    wires = tuple(map(_wire, requests))
    name = access.operation if access else wires[0][0] if wires else "Nothing"
    return Plan(
        table=_names(table, operation),
        operation=name,
        index=access.index.name if access and access.index else None,
        key_condition=" or ".join(map(show, access.keys)) if access and access.keys else None,
        filter=show(access.filter) if access and access.filter is not None else None,
        residue=show(access.residue) if access and access.residue is not None else None,
        rejected=access.rejected if access else (),
        warnings=tuple(warnings_of(table, operation, access)),
        operators=max(map(count_operators, _conditions(operation, access)), default=0),
        bytes=_longest_expression(wires),
        units=units_of(table, operation, access, wires),
        requests=wires,
        ranges=tuple(_ranges(table, access, len(wires))) if access else (),
    )


def _names(table: Table, operation: Operation) -> str:
    several = isinstance(operation, (TransactWriteItems, TransactGetItems))
    tables = tables_of(operation) if several else tables_of(table, operation)
    return ", ".join(dict.fromkeys(each.name for each in tables))


def _longest_expression(wires: Sequence[tuple[str, dict[str, Any]]]) -> int:
    asked = [one for _, wire in wires[:1] for one in asked_for(wire)]
    return max((len(value) for one in asked for key, value in one.items() if key.endswith("Expression")), default=0)


def _ranges(table: Table, access: Access, requests: int) -> Iterator[tuple[str, str]]:
    """What each request reads, as a condition, and as a word for its part of a partition."""
    if access.sends and not access.keys and not access.paged:
        yield "the nearest vectors", "middle"
    elif access.sends and not access.keys:
        yield from (("every item" if requests == 1 else f"segment {n} of {requests}", "all") for n in range(requests))
    sort = table.sort_keys_of(access.index)
    for key in access.keys:
        bounds = [part for part in parts_of(key) if any(path.parts[0] in sort for path in paths(part))]
        operators = [part.operator if isinstance(part, Compare) else "" for part in bounds]
        if {*operators} <= {"="} and (len(bounds) == len(sort) > 0 or not access.paged):
            yield show(key), "item"
        elif len(bounds) == 1:
            yield show(key), {"<": "start", "<=": "start", ">": "end", ">=": "end"}.get(operators[0], "middle")
        else:
            yield show(key), "middle" if bounds else "all"


def _conditions(operation: Operation, access: Access | None) -> list[Condition]:
    if access is not None:
        return [condition for condition in (*access.keys[:1], access.filter) if condition is not None]
    several = getattr(operation, "operations", ()) if isinstance(operation, TransactWriteItems) else [(None, operation)]
    conditions = (getattr(one, "condition", None) for _, one in several)
    return [condition for condition in conditions if isinstance(condition, Condition)]
