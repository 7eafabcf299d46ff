"""The ways to read: what each asks the service for, and how it reads the answer.

A new way, such as a search, is one more class of `Access`, and the planner (flyexpr.requests.plan) chooses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from flyexpr.expressions.nodes import Compare, Condition, Path, Value, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.records import record
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.request import CAPACITY, Request, flag, table_name, wire_request
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.indexes import Index
from flyexpr.schema.known_forms import forms_of
from flyexpr.schema.table import Table
from flyexpr.values.answers import Page, item_and_rest
from flyexpr.values.encode import encode_item
from flyexpr.values.freeze import thaw
from flyexpr.values.types import Item, quote

Answer = tuple[Iterable[Item], dict[str, Any]]  # the items, and the other members, complete once the items are taken


@record
class Turn:
    """Which part of a read one request asks for.

    It is on the `branch`-th key condition, begins after the key `start`, and examines up to `limit` items. `counting`
    asks for their number instead of the items.
    """

    branch: int = 0
    start: Mapping[str, Any] | None = None
    limit: int | None = None
    counting: bool = False


FIRST = Turn()


@record
class Access:
    """How a read is done: what all ways have in common.

    `keys` holds one key condition for each series of requests: several when `is_in` on the partition key fans out.
    `fetch` is what the service is asked for, None for whole items; `trim` says that it is more than the reader wants.
    `rejected` says why each other index lost. `kind` is a part of every key condition, or None: it keeps the read among
    items of the table's own kind.
    """

    index: Index | None = None
    keys: tuple[Condition, ...] = ()
    filter: Condition | None = None
    residue: Condition | None = None
    fetch: tuple[Path, ...] | None = None
    trim: bool = False
    rejected: tuple[tuple[str, str], ...] = ()
    kind: Condition | None = None

    operation = ""  # the AWS name
    sends = True  # whether any request is sent
    paged = False  # whether a key condition has pages of items, which the service can also count

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        """The request for one turn.

        >>> from flyexpr.requests.plan.access import access_of
        >>> table, asked = Table("t", "id", "at"), query(eq("id", "a") & gt("at", "2026"))
        >>> access_of(table, asked).request(table, asked).body.decode().partition(',"Ex')[0]
        '{"TableName":"t","KeyConditionExpression":"#0 = :0 AND #1 > :1"'
        """
        raise NotImplementedError

    def answer(self, table: Table, body: bytes) -> Answer:
        """The items of an answer, as the table reads them but in stored types; and its other members."""
        raise NotImplementedError

    def warnings(self, table: Table) -> Iterator[str]:
        """What the user should know before reading in this way."""
        return iter(())


class Nothing(Access):
    """Sends nothing: the condition can never be true."""

    __slots__ = ()
    operation = "Nothing"
    sends = False

    def warnings(self, table: Table) -> Iterator[str]:
        yield "the condition can never be true, so nothing is sent"


class NoShare(Nothing):
    """Sends nothing: this part of the read has none of its partition keys."""

    __slots__ = ()

    def warnings(self, table: Table) -> Iterator[str]:
        yield "the read has fewer partition keys than parts, and this part has none, so nothing is sent"


class Point(Access):
    """A GetItem for each key condition, which fixes the whole primary key."""

    __slots__ = ()
    operation = "GetItem"

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        members = [table_name(table), f'"Key":{encode_item(_fixed_key(self.keys[turn.branch]))}']
        members += expression_members(("ProjectionExpression", self.fetch))
        return wire_request(self.operation, [*members, *flag("ConsistentRead", read.consistent), CAPACITY])

    def answer(self, table: Table, body: bytes) -> Answer:
        item, rest = item_and_rest(body, "Item", forms_of(table))
        items = [] if item is None else [fill(table, item)]
        return items, {**rest, "ScannedCount": len(items)}


class _Pages(Access):
    """Requests one page after the other."""

    __slots__ = ()
    paged = True

    def answer(self, table: Table, body: bytes) -> Answer:
        page = Page(body, forms_of(table))
        return map(partial(fill, table), page) if table.inverses else page, page.rest

    def _target(self, table: Table, turn: Turn) -> list[str]:
        """The members that say what to read: table, index, expressions."""
        members = [table_name(table)]
        if self.index is not None:
            members.append(f'"IndexName":{quote(self.index.name)}')
        members += expression_members(
            ("KeyConditionExpression", self.keys[turn.branch] if self.keys else None),
            ("FilterExpression", self.filter),
            ("ProjectionExpression", None if turn.counting else self.fetch),
        )
        if turn.counting:
            members.append('"Select":"COUNT"')
        elif self.fetch is None and self.index and self.index.fetches_missing and self.index.project != "all":
            members.append('"Select":"ALL_ATTRIBUTES"')  # or the service gives only what the index projects
        return members


class QueryPages(_Pages):
    """A Query for each key condition, one page after the other."""

    __slots__ = ()
    operation = "Query"

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        members = self._target(table, turn)
        if read.reverse:
            members.append('"ScanIndexForward":false')
        members += flag("ConsistentRead", read.consistent)
        if turn.limit is not None:
            members.append(f'"Limit":{turn.limit}')
        return wire_request(self.operation, [*members, *_after(turn.start), CAPACITY])

    def warnings(self, table: Table) -> Iterator[str]:
        sort_keys = {*table.sort_keys_of(self.index)}
        if sort_keys and not any(path.parts[0] in sort_keys for path in paths(self.keys[0])):
            yield "reads every item under the partition key"


class ScanPages(_Pages):
    """A Scan, one page after the other."""

    __slots__ = ()
    operation = "Scan"

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        members = [*self._target(table, turn), *flag("ConsistentRead", read.consistent)]
        if turn.limit is not None:
            members.append(f'"Limit":{turn.limit}')
        if read.part is not None:
            segment, segments = read.part
            members.append(f'"Segment":{segment},"TotalSegments":{segments}')
        return wire_request(self.operation, [*members, *_after(turn.start), CAPACITY])

    def warnings(self, table: Table) -> Iterator[str]:
        yield "reads the whole index" if self.index else "reads the whole table"


def _after(start: Mapping[str, Any] | None) -> list[str]:
    return [] if start is None else [f'"ExclusiveStartKey":{encode_item(start)}']


def _fixed_key(condition: Condition) -> dict[str, Any]:
    """The primary key that a key condition fixes, which consists of equalities."""
    return {
        str(part.left.parts[0]): thaw((part.right.kind, part.right.body))
        for part in parts_of(condition)
        if isinstance(part, Compare) and isinstance(part.left, Path) and isinstance(part.right, Value)
    }
