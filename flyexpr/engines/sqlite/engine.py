"""The embedded engine: DynamoDB's operations, carried out on one SQLite file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from flyexpr.engine import READS, Plain, changes_nothing
from flyexpr.engines.sqlite.disk.file.failures import failure
from flyexpr.engines.sqlite.disk.file.files import BUSY_SECONDS, TableFile
from flyexpr.engines.sqlite.disk.file.paths import MEMORY
from flyexpr.engines.sqlite.disk.file.read_only import ReadOnlyFile
from flyexpr.engines.sqlite.disk.history.past import PastStorage
from flyexpr.engines.sqlite.disk.keeping import SHARD_SECONDS, Keeping
from flyexpr.engines.sqlite.disk.options import read_options
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations.backups import create_backup, delete_backup, describe_backup, list_backups
from flyexpr.engines.sqlite.operations.batches import batch_get_item, batch_write_item
from flyexpr.engines.sqlite.operations.items import write_item
from flyexpr.engines.sqlite.operations.past import number_at, take_back
from flyexpr.engines.sqlite.operations.policies import (
    delete_resource_policy,
    get_resource_policy,
    put_resource_policy,
)
from flyexpr.engines.sqlite.operations.probes import answer_probe
from flyexpr.engines.sqlite.operations.reads import get_item, get_page
from flyexpr.engines.sqlite.operations.restores import (
    describe_continuous_backups,
    restore_table_from_backup,
    restore_table_to_point_in_time,
    update_continuous_backups,
)
from flyexpr.engines.sqlite.operations.statements import (
    batch_execute_statement,
    execute_statement,
    execute_transaction,
)
from flyexpr.engines.sqlite.operations.streams import describe_stream, get_records, get_shard_iterator, list_streams
from flyexpr.engines.sqlite.operations.tables import (
    create_table,
    delete_table,
    describe_table,
    list_tables,
    update_table,
)
from flyexpr.engines.sqlite.operations.tags import list_tags_of_resource, tag_resource, untag_resource
from flyexpr.engines.sqlite.operations.transactions import transact_get_items, transact_write_items
from flyexpr.engines.sqlite.operations.trimming import trim
from flyexpr.engines.sqlite.operations.ttl import describe_time_to_live, sweep, update_time_to_live
from flyexpr.engines.sqlite.operations.vectors import search_vectors
from flyexpr.engines.sqlite.request import shapes
from flyexpr.engines.sqlite.request.batches import read_batch_get_item, read_batch_write_item
from flyexpr.engines.sqlite.request.body import Bodies
from flyexpr.engines.sqlite.request.json_types import Structure
from flyexpr.engines.sqlite.request.known.put_bodies import BatchBodies, PutBodies
from flyexpr.engines.sqlite.request.known.query_bodies import QueryBodies
from flyexpr.engines.sqlite.request.known.search_bodies import SearchBodies
from flyexpr.engines.sqlite.request.known.update_bodies import UpdateBodies
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.reads import read_get_item, read_query, read_scan
from flyexpr.engines.sqlite.request.searches.search import read_search
from flyexpr.engines.sqlite.request.settings.backups import (
    read_backup_arn,
    read_create_backup,
    read_list_backups,
    read_restore_from_backup,
    read_restore_to_time,
    read_update_continuous_backups,
)
from flyexpr.engines.sqlite.request.settings.policies import read_delete_policy, read_get_policy, read_put_policy
from flyexpr.engines.sqlite.request.settings.probes import PROBES, probe_reader, probe_shape
from flyexpr.engines.sqlite.request.settings.tags import read_list_tags, read_tag_resource, read_untag_resource
from flyexpr.engines.sqlite.request.settings.ttl import read_update_time_to_live
from flyexpr.engines.sqlite.request.shapes import check_refused
from flyexpr.engines.sqlite.request.statements import (
    read_batch_execute_statement,
    read_execute_statement,
    read_execute_transaction,
)
from flyexpr.engines.sqlite.request.streams import (
    read_describe_stream,
    read_get_records,
    read_get_shard_iterator,
    read_list_streams,
)
from flyexpr.engines.sqlite.request.tables import (
    read_create_table,
    read_list_tables,
    read_table_name,
    read_update_table,
)
from flyexpr.engines.sqlite.request.transactions import read_transact_get_items, read_transact_write_items
from flyexpr.engines.sqlite.request.writes import read_delete_item, read_put_item, read_update_item
from flyexpr.errors import DynamoError, FlyexprError, NoSuchTable

SWEEP_SECONDS, TRIM_SECONDS = 1.0, 60.0

Intent = TypeVar("Intent")


class Operation(NamedTuple):
    """How an operation is done: the JSON shape of its request, its reader, its handler, and what reads the body.

    The reader makes an intent of the request's members. The handler makes the answer to an intent.
    """

    shape: Structure
    read: Callable[[Members], Any]
    handle: Callable[[Storage, Any, float], bytes]
    bodies: type[Bodies]


def _operation(
    shape: Structure,
    read: Callable[[Members], Intent],
    handle: Callable[[Storage, Intent, float], bytes],
    bodies: type[Bodies] = Bodies,
) -> Operation:
    return Operation(shape, read, handle, bodies)


OPERATIONS: dict[str, Operation] = {
    "BatchExecuteStatement": _operation(
        shapes.BATCH_EXECUTE_STATEMENT, read_batch_execute_statement, batch_execute_statement
    ),
    "BatchGetItem": _operation(shapes.BATCH_GET_ITEM, read_batch_get_item, batch_get_item),
    "BatchWriteItem": _operation(shapes.BATCH_WRITE_ITEM, read_batch_write_item, batch_write_item, BatchBodies),
    "CreateBackup": _operation(shapes.CREATE_BACKUP, read_create_backup, create_backup),
    "CreateTable": _operation(shapes.CREATE_TABLE, read_create_table, create_table),
    "DeleteBackup": _operation(shapes.DELETE_BACKUP, read_backup_arn, delete_backup),
    "DeleteItem": _operation(shapes.DELETE_ITEM, read_delete_item, write_item),
    "DeleteResourcePolicy": _operation(shapes.DELETE_RESOURCE_POLICY, read_delete_policy, delete_resource_policy),
    "DeleteTable": _operation(shapes.DELETE_TABLE, read_table_name, delete_table),
    "DescribeBackup": _operation(shapes.DESCRIBE_BACKUP, read_backup_arn, describe_backup),
    "DescribeContinuousBackups": _operation(
        shapes.DESCRIBE_CONTINUOUS_BACKUPS, read_table_name, describe_continuous_backups
    ),
    "DescribeStream": _operation(shapes.DESCRIBE_STREAM, read_describe_stream, describe_stream),
    "DescribeTable": _operation(shapes.DESCRIBE_TABLE, read_table_name, describe_table),
    "DescribeTimeToLive": _operation(shapes.DESCRIBE_TIME_TO_LIVE, read_table_name, describe_time_to_live),
    "ExecuteStatement": _operation(shapes.EXECUTE_STATEMENT, read_execute_statement, execute_statement),
    "ExecuteTransaction": _operation(shapes.EXECUTE_TRANSACTION, read_execute_transaction, execute_transaction),
    "GetItem": _operation(shapes.GET_ITEM, read_get_item, get_item),
    "GetRecords": _operation(shapes.GET_RECORDS, read_get_records, get_records),
    "GetResourcePolicy": _operation(shapes.GET_RESOURCE_POLICY, read_get_policy, get_resource_policy),
    "GetShardIterator": _operation(shapes.GET_SHARD_ITERATOR, read_get_shard_iterator, get_shard_iterator),
    "ListBackups": _operation(shapes.LIST_BACKUPS, read_list_backups, list_backups),
    "ListStreams": _operation(shapes.LIST_STREAMS, read_list_streams, list_streams),
    "ListTables": _operation(shapes.LIST_TABLES, read_list_tables, list_tables),
    "ListTagsOfResource": _operation(shapes.LIST_TAGS_OF_RESOURCE, read_list_tags, list_tags_of_resource),
    "PutItem": _operation(shapes.PUT_ITEM, read_put_item, write_item, PutBodies),
    "PutResourcePolicy": _operation(shapes.PUT_RESOURCE_POLICY, read_put_policy, put_resource_policy),
    "Query": _operation(shapes.QUERY, read_query, get_page, QueryBodies),
    "RestoreTableFromBackup": _operation(
        shapes.RESTORE_TABLE_FROM_BACKUP, read_restore_from_backup, restore_table_from_backup
    ),
    "RestoreTableToPointInTime": _operation(
        shapes.RESTORE_TABLE_TO_POINT_IN_TIME, read_restore_to_time, restore_table_to_point_in_time
    ),
    "Scan": _operation(shapes.SCAN, read_scan, get_page),
    "SearchVectors": _operation(shapes.SEARCH_VECTORS, read_search, search_vectors, SearchBodies),
    "TagResource": _operation(shapes.TAG_RESOURCE, read_tag_resource, tag_resource),
    "TransactGetItems": _operation(shapes.TRANSACT_GET_ITEMS, read_transact_get_items, transact_get_items),
    "TransactWriteItems": _operation(shapes.TRANSACT_WRITE_ITEMS, read_transact_write_items, transact_write_items),
    "UntagResource": _operation(shapes.UNTAG_RESOURCE, read_untag_resource, untag_resource),
    "UpdateContinuousBackups": _operation(
        shapes.UPDATE_CONTINUOUS_BACKUPS, read_update_continuous_backups, update_continuous_backups
    ),
    "UpdateItem": _operation(shapes.UPDATE_ITEM, read_update_item, write_item, UpdateBodies),
    "UpdateTable": _operation(shapes.UPDATE_TABLE, read_update_table, update_table),
    "UpdateTimeToLive": _operation(shapes.UPDATE_TIME_TO_LIVE, read_update_time_to_live, update_time_to_live),
    **{name: _operation(probe_shape(name), probe_reader(name), answer_probe) for name in PROBES},
}


class SqliteEngine(Plain):
    """Tables in an SQLite file, or with `:memory:` in this object alone.

    >>> with SqliteEngine(":memory:") as engine:
    ...     engine("ListTables", b"{}")
    b'{"TableNames":[]}'

    Threads may share it, and processes may share the file. It pickles as its path. With `mode="ro"` it only reads.
    `timeout` is how many seconds it waits for another process that writes. `clock` gives the time, which tests set.
    A stream keeps its records for `retention` seconds (None: as it did before, 24 hours at first); it has `shards` open
    shards at a time, which close after `shard_time` seconds. A vector index that UpdateTable makes goes through the
    service's phases in `indexing` seconds, and then answers. Search conditions are of the language `searching`:
    "equality", or "wide" as in newer Regions.
    """

    def __init__(
        self,
        path: str,
        sync: str = "normal",
        clock: Callable[[], float] = time.time,
        mode: str = "rw",
        timeout: float = BUSY_SECONDS,
        retention: float | None = None,
        shards: int = 1,
        shard_time: float = SHARD_SECONDS,
        indexing: float = 0.0,
        searching: str = "equality",
    ) -> None:
        if mode not in ("rw", "ro"):
            raise FlyexprError(f"mode={mode!r} is neither 'rw' nor 'ro'")
        self.path, self.sync, self.mode, self.timeout = path, sync, mode, timeout
        self._keeping = Keeping(clock, retention, shards, shard_time, indexing, searching)
        self._clock, self._swept, self._trimmed = clock, float("-inf"), float("-inf")
        only = OPERATIONS if mode == "rw" else filter(_reads, OPERATIONS)
        self._operations = {name: (OPERATIONS[name], OPERATIONS[name].bodies()) for name in only}
        file = TableFile(path, sync, timeout) if mode == "rw" else ReadOnlyFile(path, timeout)
        self._storage = Storage(file, self._keeping)

    def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError in the service's words when it is refused."""
        answer = self.committed(operation, body)
        if operation not in READS:
            self.keep(self.written)
        return answer

    @property
    def waits_for_disk(self) -> bool:
        """Whether a write is answered only when it is on the disk; then `committed` and `keep` do it in two steps."""
        return self._storage.file.waits_for_disk

    @property
    def written(self) -> int:
        """How many transactions have written, for `keep`; 0 if writes do not wait for the disk."""
        return self._storage.file.written

    def keep(self, number: int) -> None:
        """Returns when as many transactions as were `written` are on the disk; DynamoError if one may be lost."""
        if number:
            self._storage.keep(number)

    def committed(self, operation: str, body: bytes) -> bytes:
        """The answer as `engine(operation, body)` gives it, but before `keep`: a power cut may still undo it."""
        if operation not in self._operations:
            raise self._no_operation(operation)
        (shape, read, handle, _), bodies = self._operations[operation]
        members: Members = {}
        try:
            asked, now = bodies.known(body), self._clock()
            if asked is None:
                members = bodies.read(body)
                asked = read(members)
            if not 0 <= now - self._swept < SWEEP_SECONDS:  # the clock may be set back
                self._sweep(now)
            answer = handle(self._storage, asked, now)
        except FlyexprError as error:  # of a handler, which has ended its transaction
            check_refused(shape, members, error)
            if isinstance(error, NoSuchTable):
                error.tables = self._tables()
            raise
        except BaseException as error:
            self._storage.recover()
            if isinstance(error, Exception):
                raise failure(error, self.path) from error
            raise
        if members:
            bodies.learn(members, asked, body)
        return answer

    def _no_operation(self, operation: str) -> DynamoError:
        if operation in OPERATIONS:
            return self._storage.refusal(operation)
        return DynamoError.of("UnknownOperationException", f"{operation} is not an operation of this engine")

    def _tables(self) -> tuple[str, ...]:
        """The names of the tables, for an error; none, if they cannot be read."""
        with suppress(Exception), self._storage.transaction("DEFERRED"):
            return tuple(self._storage.table_names("", 1000))
        return ()

    def _sweep(self, now: float) -> None:
        """Delete what has expired, and records that nobody needs, if that can be done without waiting; shorten the log.

        Whatever stops it, the request goes on.
        """
        self._swept = now
        if self.mode == "ro":
            return
        with suppress(Exception):
            self._storage.shorten_log()
            if sweep(self._storage, now):
                self._swept = float("-inf")  # there is more, for the next request
            if not 0 <= now - self._trimmed < TRIM_SECONDS:
                self._trimmed = now
                if trim(self._storage, now):
                    self._swept = self._trimmed = float("-inf")

    def at(self, moment: datetime) -> SqliteEngine:
        """An engine that reads the items as they stood at a moment, which has its time zone; see `Table.at`.

        >>> from datetime import timedelta, timezone
        >>> SqliteEngine(":memory:").at(datetime(2100, 1, 1, tzinfo=timezone.utc))
        Traceback (most recent call last):
        ...
        flyexpr.errors.FlyexprError: no table can be read at 2100-01-01 00:00:00+00:00, which is still to come
        """
        if moment.timestamp() > self._clock():
            raise FlyexprError(f"no table can be read at {moment}, which is still to come")
        return PastEngine(self, moment)

    def close(self) -> None:
        """Close the file; what was acknowledged is in it. The engine cannot be used any more."""
        self._storage.close()

    def __enter__(self) -> SqliteEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<engine sqlite:{self.path}{'?mode=ro' if self.mode == 'ro' else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path == MEMORY:
            raise FlyexprError("tables in memory live in one process; use a file, such as connect('sqlite:tables.db')")
        names = ("retention", "shards", "shard_time", "indexing", "searching")
        arguments = {name: getattr(self._keeping, name) for name in names}
        path = os.path.abspath(self.path)
        return partial(SqliteEngine, path, self.sync, mode=self.mode, timeout=self.timeout, **arguments), ()


class PastEngine(SqliteEngine):
    """The tables of an engine as they stood at a moment: it only reads, and only items; see `SqliteEngine.at`."""

    def __init__(self, present: SqliteEngine, moment: datetime) -> None:
        vars(self).update(vars(present))
        self.mode, self._present, self._moment = "ro", present, moment
        self._operations = {name: done for name, done in self._operations.items() if _reads_items(name)}
        self._storage = PastStorage(self._storage, number_at(moment), take_back)

    def at(self, moment: datetime) -> SqliteEngine:
        return self._present.at(moment)

    def __repr__(self) -> str:
        return f"<{repr(self._present).strip('<>')} at {self._moment}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return PastEngine, (self._present, self._moment)


def _reads(operation: str) -> bool:
    """Whether an operation only reads; of statements those that write are refused one by one."""
    return changes_nothing(operation) or "Execute" in operation


def _reads_items(operation: str) -> bool:
    """Whether an operation reads items, as a statement may."""
    return operation in READS or "Execute" in operation


def connect_sqlite(path: str, **options: str) -> SqliteEngine:
    """The engine on the SQLite file at `path`, which is made when it is missing; `:memory:` for none.

    >>> connect_sqlite(":memory:")
    <engine sqlite::memory:>
    """
    return SqliteEngine(path, **read_options(path, options))
