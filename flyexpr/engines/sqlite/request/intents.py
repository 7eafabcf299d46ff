"""What a request asks for, once it is read.

The reader of an operation's request makes one of these records, and nothing behind it looks at the request again. So a
statement, or any other way to ask for the same, is one more reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.request.clauses import Clause
from flyexpr.engines.sqlite.request.expressions import top_names
from flyexpr.errors import DynamoError
from flyexpr.expressions.nodes import Condition, Path, Update
from flyexpr.expressions.parse.statements import Statement
from flyexpr.records import record
from flyexpr.values.types import Item

EXPRESSIONS, OLDER, STATEMENT = "expressions", "older parameters", "statement"


@record
class Returns:
    """What the answer to a write must hold: which attributes, whose capacity, and whether the collection's size.

    With `responses` it has a list of them, empty for writes, as ExecuteTransaction answers.
    """

    values: str = "NONE"
    capacity: str = "NONE"
    metrics: bool = False
    responses: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether the answer to a write may be empty."""
        return self.values == self.capacity == "NONE" and not self.metrics


@record
class Write:
    """One write. A Put has the item and its image; the others have the key instead of the item.

    `by` is what asks for it: its expressions, the older parameters or a statement. Some rules differ by that. `names`
    are the attributes that its condition and its update name.
    """

    action: str
    table: str
    item: Mapping[str, Any]
    image: Image | None
    condition: Condition | None
    update: Update | None = None
    shows_failed: bool = False
    by: str = EXPRESSIONS
    names: frozenset[str] = frozenset()

    @property
    def is_insert(self) -> bool:
        """Whether it is an INSERT, whose condition is that there is no such item."""
        return self.by == STATEMENT and self.action == "Put"

    def of(self, image: Image) -> Write:
        """The same Put, but of another item."""
        return Write("Put", self.table, image.item, image, self.condition, None, self.shows_failed, self.by, self.names)


class WriteAsked(NamedTuple):
    """What PutItem, UpdateItem and DeleteItem ask for."""

    write: Write
    returns: Returns


class Token(NamedTuple):
    """What makes a transaction safe to send again: its ClientRequestToken, and a digest of its actions."""

    text: str
    digest: bytes


@record
class WritesAsked:
    """What BatchWriteItem and TransactWriteItems ask for."""

    writes: tuple[Write, ...]
    returns: Returns
    token: Token | None = None


class GetAsked(NamedTuple):
    """What GetItem asks for, or one action of TransactGetItems; `paths` is None for a whole item."""

    table: str
    key: Item
    paths: tuple[Path, ...] | None = None
    consistent: bool = False
    capacity: str = "NONE"


@record
class GetsAsked:
    """What TransactGetItems asks for."""

    gets: tuple[GetAsked, ...]
    capacity: str


@record
class KeysAsked:
    """The items of one table that BatchGetItem asks for, by the name that the request has for the table.

    `wire` is that part of the request. A part of it is given back where keys are left unprocessed.
    """

    name: str
    table: str
    keys: tuple[Item, ...]
    paths: tuple[Path, ...] | None
    consistent: bool
    wire: dict[str, Any]


@record
class BatchAsked:
    """What BatchGetItem asks for."""

    tables: tuple[KeysAsked, ...]
    capacity: str


class Segment(NamedTuple):
    """A part of a parallel scan: its number, from zero, and how many there are."""

    number: int
    total: int


@record
class PageAsked:
    """What Query and Scan ask for: a page of a table or an index.

    `clauses` is None for a Scan, `limit` -1 for none. `tested` are the paths of the filter, and `filter_name` is what a
    refusal calls it.
    """

    table: str
    index: str | None
    clauses: tuple[Clause, ...] | None
    condition: Condition | None
    tested: tuple[Path, ...]
    paths: tuple[Path, ...] | None
    start: Item | None
    select: str | None = None
    limit: int = -1
    reverse: bool = False
    consistent: bool = False
    capacity: str = "NONE"
    segment: Segment | None = None
    filter_name: str = "Filter Expression"
    by: str = EXPRESSIONS

    @property
    def names(self) -> frozenset[str]:
        """The attributes that the filter and the projection name."""
        return top_names((*self.tested, *(self.paths or ())))


@record
class SearchAsked:
    """What SearchVectors asks for: the `top` nearest of the items for which the condition is true.

    `unused` refuses placeholders that no expression uses, which is said after all that is wrong with the condition.
    """

    table: str
    index: str
    vector: tuple[float, ...]
    top: int
    condition: Condition | None
    paths: tuple[Path, ...] | None
    capacity: str
    unused: DynamoError | None = None


# Statements


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


# Tables


@record
class Throughput:
    """The throughput of a table or an index, in wire form; None for a part that is not asked for."""

    provisioned: dict[str, int] | None = None
    on_demand: dict[str, int] | None = None
    warm: dict[str, int] | None = None


@record
class Settings:
    """What CreateTable and UpdateTable set of a table beside its keys and indexes; None for what is not asked for."""

    billing_mode: str | None = None
    throughput: Throughput = Throughput()
    deletion_protection: bool | None = None
    stream: dict[str, Any] | None = None
    encryption: dict[str, Any] | None = None
    table_class: str | None = None


@record
class IndexAsked:
    """A new index, or the throughput of one; its keys and its projection are in wire form."""

    name: str
    keys: list[dict[str, str]]
    projection: dict[str, Any]
    throughput: Throughput


@record
class VectorIndexAsked:
    """A new vector index; its projection and its search schema are in wire form."""

    name: str
    attribute: str
    dimensions: int
    distance: str
    projection: dict[str, Any]
    schema: list[dict[str, str]] | None


@record
class TableAsked:
    """What CreateTable asks for. The tags are as they were sent, for they are the last thing that is checked."""

    name: str
    keys: list[dict[str, str]]
    attributes: list[dict[str, str]]
    settings: Settings
    global_indexes: list[IndexAsked] | None
    local_indexes: list[IndexAsked] | None
    tags: list[Any]
    policy: str | None = None
    vector_indexes: list[VectorIndexAsked] | None = None


@record
class IndexUpdate:
    """What UpdateTable does with one global index: Create, Update or Delete."""

    action: str
    index: IndexAsked


@record
class VectorUpdate:
    """What UpdateTable does with the vector index of a name: it makes `new`, or deletes the one that is there."""

    name: str
    new: VectorIndexAsked | None = None


@record
class AlterationAsked:
    """What UpdateTable asks for."""

    table: str
    attributes: list[dict[str, str]]
    settings: Settings
    updates: list[IndexUpdate]
    vector_updates: tuple[VectorUpdate, ...] = ()


class NamesAsked(NamedTuple):
    """What ListTables asks for: up to `limit` names that sort after this one."""

    after: str
    limit: int


class ExpiryAsked(NamedTuple):
    """What UpdateTimeToLive asks for; `wire` is the specification as the answer repeats it."""

    table: str
    attribute: str
    enabled: bool
    wire: dict[str, Any]


class Resource(NamedTuple):
    """A table, by its ARN."""

    arn: str
    table: str


class TagsAsked(NamedTuple):
    """What TagResource asks for."""

    resource: Resource
    tags: dict[str, str]


class UntagAsked(NamedTuple):
    """What UntagResource asks for."""

    resource: Resource
    keys: list[str]


# Streams


class StreamsAsked(NamedTuple):
    """What ListStreams asks for: up to `limit` streams that sort after this ARN, of one table or of all."""

    table: str | None
    after: str
    limit: int


class StreamAsked(NamedTuple):
    """What DescribeStream asks for: up to `limit` shards after one; `parent` is the one whose children are wanted."""

    arn: str
    after: str | None
    limit: int
    parent: str | None


class IteratorAsked(NamedTuple):
    """What GetShardIterator asks for; `number` is None for a SequenceNumber that no engine has given."""

    arn: str
    shard: str
    kind: str
    number: int | None
    seconds: float


class ShardIterator(NamedTuple):
    """A place in a shard: behind the change with a number. It was made at a time, in milliseconds."""

    arn: str
    shard: str
    after: int
    made: int


class RecordsAsked(NamedTuple):
    """What GetRecords asks for."""

    iterator: ShardIterator
    limit: int


# What has one answer, and policies


class ProbeAsked(NamedTuple):
    """What an operation with one answer asks for: its name and the members of its request."""

    operation: str
    members: dict[str, Any]


class PolicyAsked(NamedTuple):
    """What the operations on resource policies ask for.

    `text` is the policy to put, and `expected` the revision that has to be there: "NO_POLICY" for none, None for any.
    """

    resource: Resource
    expected: str | None = None
    text: str = ""


# Backups


class BackupAsked(NamedTuple):
    """What CreateBackup asks for."""

    table: str
    name: str


class BackupsAsked(NamedTuple):
    """What ListBackups asks for: up to `limit` backups that sort after an ARN, made from `since` on and before `until`.

    Of one table or of all, of the type USER, SYSTEM or ALL.
    """

    table: str | None
    type: str
    since: float
    until: float
    after: str
    limit: int


class Overrides(NamedTuple):
    """What a restored table has otherwise than its source; None for what it has from there."""

    settings: Settings
    global_indexes: list[IndexAsked] | None
    local_indexes: list[IndexAsked] | None


class RestoreAsked(NamedTuple):
    """What RestoreTableFromBackup asks for."""

    backup: str
    target: str
    overrides: Overrides


class RecoveryAsked(NamedTuple):
    """What UpdateContinuousBackups asks for: for how many days the table can be restored, 0 for not at all."""

    table: str
    days: int


class RestoreToTimeAsked(NamedTuple):
    """What RestoreTableToPointInTime asks for; `seconds` is None for the latest moment."""

    source: str
    target: str
    seconds: float | None
    overrides: Overrides
