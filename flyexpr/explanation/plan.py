"""A plan: what an operation would do, as a value that prints, as text, as HTML and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flyexpr.engine import READS
from flyexpr.expressions.check import MAX_OPERATORS
from flyexpr.expressions.compile import MAX_EXPRESSION
from flyexpr.records import deepcopy, record
from flyexpr.requests.batches import GETS, WRITES
from flyexpr.values.decode import decode_item

BATCHES = {"BatchGetItem": f"{GETS} keys", "BatchWriteItem": f"{WRITES} writes"}
"""The operations that a plan has all requests of, and what one of them holds."""

_INDEXED = ("Query", "Scan", "GetItem", "SearchVectors")
_LONGEST = 4000  # characters of a request that a plan prints


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
        if self.operation in BATCHES:
            return "batch", f"{len(self.requests)} requests of up to {BATCHES[self.operation]}; the first is shown"
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
        return f"{least:g} to {most:g} {unit} units" + ("" if self.operation in BATCHES else " a request")


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


def _json(wire: dict[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False)


def _command(name: str) -> str:
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return f"aws dynamodb {words.lstrip('-')} --cli-input-json"
