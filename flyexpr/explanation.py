"""What an operation would do, and why: a `Plan` that prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, overload

from flyexpr.engine import READS
from flyexpr.errors import did_you_mean
from flyexpr.expressions.check import MAX_OPERATORS, count_operators
from flyexpr.expressions.compile import MAX_EXPRESSION
from flyexpr.expressions.nodes import And, Compare, Condition, Path, Value, parts_of, walk
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.records import deepcopy, record
from flyexpr.requests.batches import GETS, WRITES
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
from flyexpr.requests.plan.kinds import not_found
from flyexpr.requests.plan.projections import lacking
from flyexpr.requests.reads import Access, Turn
from flyexpr.requests.request import Request
from flyexpr.schema.derived.implied import unused_ranges
from flyexpr.schema.derived.parts import parts_in
from flyexpr.schema.kinds import Kinds, narrowed, paths_of_kind
from flyexpr.schema.strict import unnamed
from flyexpr.schema.table import Table
from flyexpr.steps.course import addressed, course, tables_of
from flyexpr.steps.lanes import Lanes
from flyexpr.steps.read import Reading
from flyexpr.steps.step import Steps
from flyexpr.values.decode import decode_item
from flyexpr.values.kinds import MAX_ITEM
from flyexpr.values.sizes import item_size

_PAGE = 1_048_576  # bytes that one request of a query or scan reads at most
_TRANSACTION = 4 * _PAGE  # bytes that a transaction reads at most
_PARTS = {"BatchGetItem": f"{GETS} keys", "BatchWriteItem": f"{WRITES} writes"}
_INDEXED = ("Query", "Scan", "GetItem", "SearchVectors")
_READ_UNIT, _WRITE_UNIT = 4096, 1024
_LONGEST = 4000  # characters of a request that a plan prints


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


@record
class Plan:
    """What an operation would do; prints as text, and as HTML in a notebook.

    >>> plan = explain(scores, query(eq("title", "Comet Quest") & ne("wins", 3)))
    >>> plan.index, plan.key_condition, plan.filter
    ('GameTitleIndex', "title = 'Comet Quest'", 'wins <> 3')
    >>> plan == explain(scores, query(eq("title", "Comet Quest") & ne("wins", 3)))
    True

    `requests` holds what would be sent first: one request for each key condition of a fan-out, and all requests of a
    batch. `units` is the least and the most that one request, or a whole batch, can cost, in read or write units; the
    most is None if it depends on stored items. `ranges` has the key conditions one by one, each with the part that it
    reads of its partition: "all" of it, its "start", "middle" or "end", or one "item".
    """

    table: str
    operation: str
    index: str | None
    key_condition: str | None
    filter: str | None
    residue: str | None
    rejected: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    operators: int
    bytes: int
    units: tuple[float, float | None]
    requests: tuple[tuple[str, dict[str, Any]], ...]
    ranges: tuple[tuple[str, str], ...] = ()

    @property
    def aws_cli(self) -> tuple[str, ...]:
        """The same requests as command lines of the AWS CLI, to paste into a shell.

        >>> explain(Table("t", "id"), get_item("a")).aws_cli[0]
        'aws dynamodb get-item --cli-input-json \\'{"TableName": "t", "Key": {"id": {"S": "a"}}}\\''
        """
        from shlex import quote  # here and below, because `import flyexpr` is to be quick

        return tuple(f"{_command(name)} {quote(_json(wire))}" for name, wire in self.requests)

    def __str__(self) -> str:
        from flyexpr.values.layout import rows_text

        return rows_text([*self._rows(), *self._sent()])

    __repr__ = __str__

    def svg(self) -> str:
        """The plan as a picture: what is read of each partition, what filters drop of it, and what is paid.

        >>> picture = explain(scores, query(eq("userid", "abc") & gt("title", "C"))).svg()
        >>> picture.startswith("<svg "), "AND title &gt; " in picture
        (True, True)

        It is SVG without scripts, in the colour of the text around it. Every operation has one; that of an operation
        on a table, or of a condition that is never true, has no bars. How much a filter drops is not known before, so
        the bars are not to scale.
        """
        from flyexpr.values.picture import picture

        items = (each for _, wire in self.requests for each in _items_of(wire))
        rows = [*self._rows()]
        return picture(
            f"{self.operation} on {self.table}" + (f" by {self.index}" if self.index else ""),
            "reads" if self.operation in READS else "asks" if self.operation == "TransactWriteItems" else "writes",
            self.ranges or [(f"{action}{decode_item(deepcopy(item))}", "item") for action, item in items],
            [row for row in rows if row[0] in ("filter", "on the client")],
            [row for row in rows if row[0] in ("not", "fan-out", "batch", "cost")],
        )

    def _repr_html_(self) -> str:
        from flyexpr.values.layout import rows_html

        sent = [("request", f"{name} {_json(wire)}") for name, wire in self.requests[:1]]
        rows = rows_html([*self._rows(), *sent, *(("aws cli", line) for line in self.aws_cli[:1])])
        return self.svg() + rows

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "operation", f"{self.operation} on {self.table}"
        if self.operation in _INDEXED and not (self.operation == "GetItem" and not self.rejected):
            yield "index", self.index or "the table itself"
        for name, why in self.rejected:
            yield "not", f"{name}: {why}"
        for label, text in (
            ("key condition", self.key_condition),
            ("filter", self.filter),
            ("on the client", self.residue),
        ):
            if text:
                yield label, text
        if len(self.requests) > 1:
            yield self._several()
        yield "limits", f"{self.operators} of {MAX_OPERATORS} operators, {self.bytes} of {MAX_EXPRESSION} bytes"
        yield "cost", self.cost
        for warning in self.warnings:
            yield "warning", warning

    def _sent(self) -> Iterator[tuple[str, list[str]]]:
        """What is sent first, in lines; those of the command still make one command, since JSON may have line ends."""
        from shlex import quote

        from flyexpr.values.layout import wrapped

        for name, wire in self.requests[:1]:
            text, command = _json(wire), _command(name)
            if len(text) > _LONGEST:
                yield "request", [f"{name}, {len(text):,} characters: plan.requests has it"]
                yield "aws cli", [f"{command} ...: plan.aws_cli has it"]
            else:
                yield "request", f"{name} {wrapped(text, len(name) + 1)}".split("\n")
                yield "aws cli", f"{command} {quote(wrapped(text, len(command) + 2))}".split("\n")

    def _several(self) -> tuple[str, str]:
        if self.operation in _PARTS:
            return "batch", f"{len(self.requests)} requests of up to {_PARTS[self.operation]}; the first is shown"
        each = "segment" if self.operation == "Scan" else "partition key"
        return "fan-out", f"{len(self.requests)} requests, one for each {each}"

    @property
    def cost(self) -> str:
        """What one request, or a whole batch, can cost, in words.

        >>> explain(scores, get_item(("abc", "Comet Quest"))).cost
        '0.5 to 50 read units a request'
        """
        if not self.requests:
            return "nothing is sent"
        if self.operation == "SearchVectors":
            return "by the bytes that the search examines, at least 1,024"
        least, most = self.units
        unit = "read" if self.operation in READS else "write"
        if most is None:
            return f"at least {least:g} {unit} units"
        if least == most:
            return f"{least:g} {unit} units"
        return f"{least:g} to {most:g} {unit} units" + ("" if self.operation in _PARTS else " a request")


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
        warnings=tuple(_warnings(table, operation, access)),
        operators=max(map(count_operators, _conditions(operation, access)), default=0),
        bytes=_longest_expression(wires),
        units=_units(table, operation, access, wires),
        requests=wires,
        ranges=tuple(_ranges(table, access, len(wires))) if access else (),
    )


def _names(table: Table, operation: Operation) -> str:
    several = isinstance(operation, (TransactWriteItems, TransactGetItems))
    tables = tables_of(operation) if several else tables_of(table, operation)
    return ", ".join(dict.fromkeys(each.name for each in tables))


def _longest_expression(wires: Sequence[tuple[str, dict[str, Any]]]) -> int:
    asked = [one for _, wire in wires[:1] for one in _asked_for(wire)]
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


def _warnings(table: Table, operation: Operation, access: Access | None) -> Iterator[str]:
    yield from _name_warnings(table, operation)
    if access is None:
        return
    condition: Condition = operation.condition  # type: ignore[attr-defined]
    table = narrowed(table, condition)
    if isinstance(table, Kinds) and access.sends:
        yield from _warnings_of_kinds(table, condition, access)
    if access.kind is not None:
        own = "the kinds asked for" if isinstance(table, Kinds) else "the table's own kind"
        yield f"reads only {own}: {show(access.kind)}"
    elif name := _tells_no_kind(table, condition, access):
        yield f"items of other kinds under this key are read too: `{name}` does not begin with a text of this kind"
    yield from access.warnings(table)
    if table.derived and access.keys and not isinstance(table, Kinds):
        yield from unused_ranges(table, condition, table.sort_keys_of(access.index))
    if not access.sends or isinstance(operation, Search):
        return
    if access.filter is not None:
        yield "the filter drops items that were read and paid for"
    if access.residue is not None:
        yield "part of the condition is evaluated on the client, after it is paid for"
    if parts := sorted(parts_in(table, paths(condition))):
        yield f"an item without {' or '.join(f'`{name}`' for name in parts)} is read with what its key says"
    if access.index is not None:
        asked = {path.parts[0] for condition in access.keys[:1] for path in paths(condition)}
        others = [name for name in table.keys_of(access.index) if name not in asked and name not in table.keys]
        if others:
            yield f"items without {' or '.join(f'`{name}`' for name in others)} are not in this index"
    if operation.prefetch:  # type: ignore[attr-defined]
        yield "reads a page ahead: a reader that stops early pays for it"
    yield from _projection_warnings(table, access)
    if not operation.consistent:  # type: ignore[attr-defined]
        yield (
            "eventually consistent: a write of the last second may be missing (consistent=True costs twice as much)"
            if access.index is None or access.index.consistent_reads
            else f"eventually consistent: a {access.index.word} index follows its table with a delay"
        )


def _name_warnings(table: Table, operation: Any) -> Iterator[str]:
    """What may be wrong with the names in conditions, updates and projections, and with NULL."""
    pairs = operation.operations if isinstance(operation, TransactWriteItems) else [(table, operation)]
    for each, one in pairs:
        nodes = [node for node in (getattr(one, "condition", None), getattr(one, "update", None)) if node is not None]
        if {*each.attributes} - {*each.key_attributes}:  # who declares only keys does not mean to name them all
            spoken = [*(getattr(one, "project", None) or ()), *(path for node in nodes for path in paths(node))]
            for name in unnamed(each, (path.parts[0] for path in spoken)):
                meant = did_you_mean(name, each.names)
                yield f"`{name}` is not declared{meant and '; '}{meant}"
        for node in walk(And(tuple(node for node in nodes if isinstance(node, Condition)))):
            match node:
                case Compare("=", Path() as path, Value("NULL")) | Compare("=", Value("NULL"), Path() as path):
                    yield f"{show(node)} is true of a stored NULL; not_exists({show(path)!r}) of a missing attribute"
                case Compare("<>", Path() as path, Value("NULL")) | Compare("<>", Value("NULL"), Path() as path):
                    yield f"{show(node)} is true of a missing attribute too; exists({show(path)!r}) is not"


def _tells_no_kind(table: Table, condition: Condition, access: Access) -> str | None:
    """The sort key of a query by parts that cannot keep the read among items of the table's own kind."""
    partition, sort = table.partition_keys_of(access.index), table.sort_keys_of(access.index)
    named = {path.parts[0] for each in (condition, *access.keys[:1]) for path in paths(each)} - {*partition}
    by_parts = {*partition} & {*table.derived} - {path.parts[0] for path in paths(condition)}
    return sort[0] if access.paged and access.keys and by_parts and sort and named.isdisjoint(sort) else None


def _warnings_of_kinds(table: Kinds, condition: Condition, access: Access) -> Iterator[str]:
    others = not_found(table, condition, table.partition_keys_of(access.index)) if access.keys else []
    if others:
        yield f"items of kind {' or '.join(map(repr, others))} are not under this key"
    untold = [path for path in paths_of_kind(table) or () if lacking(table, access.index, [path])]
    if untold:
        yield f"the index does not project `{table.by}`, so items come as they are stored"


def _projection_warnings(table: Table, access: Access) -> Iterator[str]:
    if access.index is None or access.index.project == "all":
        return
    if access.index.fetches_missing:
        if lacking(table, access.index, access.fetch):
            yield "attributes that the index lacks are fetched from the table, at the cost of a read for each item"
    elif access.fetch is None:
        yield "items come with the attributes that the index projects, not whole"


def _units(
    table: Table, operation: Operation, access: Access | None, wires: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[float, float | None]:
    """Least and most units of one request or a whole batch; in bytes, a read unit is 4 KB and a write unit 1 KB."""
    name = wires[0][0] if wires else ""
    if not wires or name.endswith("Table") or name == "SearchVectors":
        return 0.0, 0.0
    asked = [one for _, wire in (wires if name in _PARTS else wires[:1]) for one in _asked_for(wire)]
    if name in READS:
        factor = 2.0 if name == "TransactGetItems" else 1.0 if getattr(operation, "consistent", False) else 0.5
        most = _PAGE if access is not None and access.paged else len(asked) * MAX_ITEM
        most = min(most, _TRANSACTION) if name == "TransactGetItems" else most
        return factor * len(asked), factor * most / _READ_UNIT
    factor = 2.0 if name == "TransactWriteItems" else 1.0  # a transaction prepares, then commits
    return factor * sum(map(_write_units, asked)), None


def _asked_for(wire: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request asks for, item by item; the request itself if it is on one item, or reads a page."""
    if "TransactItems" in wire:
        return [action for entry in wire["TransactItems"] for action in entry.values()]
    if "RequestItems" in wire:
        [batch] = wire["RequestItems"].values()
        return list(batch["Keys"]) if "Keys" in batch else [one for entry in batch for one in entry.values()]
    return [wire]


def _items_of(wire: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys that a request is about, and the items that it puts, each with its action where they differ."""
    match wire:
        case {"RequestItems": requests}:
            [batch] = requests.values()
            if isinstance(batch, dict):
                yield from (("", key) for key in batch["Keys"])
            else:
                yield from (("", item) for entry in batch for one in entry.values() for item in one.values())
        case {"TransactItems": entries}:
            for entry in entries:
                for action, one in entry.items():
                    yield "" if action == "Get" else f"{action} ", one["Item"] if action == "Put" else one["Key"]
        case {"Key": item} | {"Item": item}:
            yield "", item


def _write_units(request: dict[str, Any]) -> float:
    """The units of one write, as far as they are known: for a put by the size of its item, else at least one."""
    if "Item" not in request:
        return 1.0
    return float(-(-item_size(decode_item(deepcopy(request["Item"]))) // _WRITE_UNIT))


def _json(wire: dict[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False)


def _command(name: str) -> str:
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return f"aws dynamodb {words.lstrip('-')} --cli-input-json"
