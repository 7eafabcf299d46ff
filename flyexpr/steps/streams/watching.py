"""A stream under way: its changes one by one, and the cursor from which another watch goes on."""

from __future__ import annotations

import json
from _thread import allocate_lock  # the Lock of threading, without its import
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from math import inf
from typing import Any, TypeVar
from zlib import crc32

from flyexpr.changes.change import Change, change_of, check_condition
from flyexpr.drive import Pause
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Condition
from flyexpr.requests.naming import without_stream
from flyexpr.requests.operations import Budget
from flyexpr.requests.refinements import checked_budget, checked_part
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.step import Steps, backoff
from flyexpr.steps.streams.shards import LATEST, SINCE, Place, Shards, opened_shards, seconds
from flyexpr.values.answers import decoding, fields_of

R = TypeVar("R")
Since = str | datetime
_MOST = 1000  # records of one answer
_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"
_GONE = "ResourceNotFoundException"
_BUSY = frozenset(["LimitExceededException", "ProvisionedThroughputExceededException", "ThrottlingException"])


class ChangesLost(FlyexprError):
    """Changes are gone that had not been read: the stream keeps them for 24 hours, or there is another stream.

    >>> print(ChangesLost("Orders"))
    changes of 'Orders' are gone that were not read yet: a stream keeps them for 24 hours
      hint: read the table itself, and then go on with since="latest"
    """

    def __init__(self, table: str, why: str = "a stream keeps them for 24 hours") -> None:
        self._table, self._why = table, why
        super().__init__(
            f"changes of {table!r} are gone that were not read yet: {why}\n"
            '  hint: read the table itself, and then go on with since="latest"'
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._table, self._why)


class Watching:
    """A watch under way.

    >>> Watching(scores, clock=lambda: 0.0, now=lambda: 0.0).cursor is None
    True

    `clock` gives seconds that only grow, for the budget; `now` the time of day.
    """

    def __init__(
        self,
        table: Table[Any],
        condition: Condition | None = None,
        since: Since = "latest",
        budget: Budget | None = None,
        poll: float = 1.0,
        part: tuple[int, int] | None = None,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        need(table, Table, "watch takes a table, then a condition")
        check_condition(table, condition)
        self.table, self.condition, self._since = table, condition, checked_since(since)
        self._budget, self._poll, self.part = checked_limits(budget), checked_poll(poll), checked_part(part)
        self.clock, self._now, self._began, self._requests = clock, now, clock(), 0
        if isinstance(since, datetime) and seconds(since) > now():
            raise FlyexprError(f"since= is a moment that is not there yet: {since}")
        self._shards: Shards | None = None
        if isinstance(since, str) and since not in ("latest", "beginning"):
            self._shards = opened_shards(since, table.name)
        self._listed = False
        self._waiting = deque[tuple[Place, Change]]()
        self._closed: list[str] = []  # shards whose last records are in `_waiting`
        self._last = ""  # the shard that was read last
        self._quiet: float | None = None  # since when no shard has had a new record that is wanted
        self._turn = allocate_lock()  # is held by who takes a change
        self.over = False  # whether the budget is spent or the stream has ended

    @property
    def cursor(self) -> str | None:
        """Where another watch goes on: after the last change that was given; None before the stream is known."""
        return None if self._shards is None else self._shards.cursor()

    def renew(self) -> None:
        """Counts the budget anew."""
        self._began, self._requests, self.over = self.clock(), 0, False

    @property
    def stream_began(self) -> float:
        """When the stream was turned on, which its name says; 0 where it does not, and before the stream is known."""
        label = "" if self._shards is None else self._shards.stream.rpartition("/")[2]
        try:
            return seconds(datetime.fromisoformat(label))
        except ValueError:
            return 0.0

    def go_on(self, cursor: str) -> None:
        """Goes on from a cursor of the same table, whatever has been read."""
        self._shards, self._listed = opened_shards(cursor, self.table.name), False
        self._waiting.clear()
        self._closed.clear()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A block that takes a change; FlyexprError if another thread or task does so: both would get the same one."""
        if not self._turn.acquire(blocking=False):
            raise FlyexprError(
                "another thread or task takes changes of this watch, and goes on with it\n"
                "  hint: give each a watch of its own: watch(..., part=(0, 2)) and watch(..., part=(1, 2))"
            )
        try:
            yield
        finally:
            self._turn.release()

    def next_change(self, idle: float = inf) -> Steps[Change | None]:
        """The next change for which the condition holds; None when the budget is spent or the stream has ended.

        None too when nothing that is wanted has been new for `idle` seconds, in any shard: the cursor may have moved.
        """
        return (yield from self._in_budget(self._next_change(idle)))

    def _next_change(self, idle: float) -> Steps[Change | None]:
        yield from self._begin()
        while True:
            while self._waiting:
                place, change = self._waiting.popleft()
                wanted = self._is_wanted(change)  # an error leaves the cursor before the change
                place.passed(change.sequence)
                if wanted:
                    self._quiet = None
                    return change
                self._note_quiet()
            if self._quiet is not None and self.clock() - self._quiet >= idle:
                self._quiet = None
                return None
            if self._spent() or not (yield from self._read_on()):
                self.over = True
                return None

    def begin(self) -> Steps[None]:
        """Finds the stream and its shards, and the place of the reader in each."""
        yield from self._in_budget(self._begin())

    def _in_budget(self, steps: Steps[R]) -> Steps[R | None]:
        """Does the steps; None when the budget ends while the service is busy, if there is a cursor to go on from."""
        try:
            return (yield from steps)
        except DynamoError as error:
            if error.code not in _BUSY or not self._spent() or self._shards is None:
                raise
            self.over = True
            return None

    def _begin(self) -> Steps[None]:
        if self._listed:
            return
        shards = self._shards
        if shards is None:
            shards = Shards((yield from self._stream()))
            yield from self._list(shards, self._first_place)
            for name, place in shards.to_read():
                if place.kind == LATEST:
                    yield from self._point(shards, name, place)
            self._shards = shards  # only now: before, a cursor would not know where this watch began
        else:
            yield from self._list(shards)
        self._listed = True

    def _first_place(self, shard: Mapping[str, Any]) -> Place:
        if isinstance(self._since, datetime):
            return Place(SINCE, seconds(self._since))
        if self._since == "latest":
            is_closed = "EndingSequenceNumber" in (shard.get("SequenceNumberRange") or {})
            return Place(LATEST, self._now(), over=is_closed)
        return Place()

    def _is_wanted(self, change: Change) -> bool:
        if self.part is not None:
            mine, parts = self.part
            key = json.dumps(change.image["Keys"], sort_keys=True)
            if crc32(key.encode()) % parts != mine:
                return False
        return self.condition is None or change.matches(self.condition)

    def _spent(self) -> bool:
        return self._seconds_left() <= 0 or self._requests >= self._budget.get("requests", inf)

    def _seconds_left(self) -> float:
        return self._budget.get("seconds", inf) - (self.clock() - self._began)

    def _read_on(self) -> Steps[bool]:
        """Reads the shards one after the other until one has records; False when the stream has ended."""
        shards = self._shards
        assert shards is not None
        if self._closed or not any(shards.to_read()):
            for name in self._closed:
                shards.end(name)
            status = yield from self._list(shards)  # which may have children of those that have ended
            self._closed.clear()  # only now: after a request that failed, the next look has to list them
            if status == "DISABLED" and shards.over:
                yield from self._check_last(shards.stream)
                return False
        for name, place in self._in_turn(shards):
            yield from self._read(shards, name, place)
            self._last = name
            if self._waiting or self._spent():
                return True
        if not self._closed:
            self._note_quiet()
            yield self._pause(self._poll, f"no change of {self.table.name!r}")
        return True

    def _note_quiet(self) -> None:
        if self._quiet is None:
            self._quiet = self.clock()

    def _pause(self, seconds: float, why: str) -> Pause:
        """A pause that ends no later than the budget."""
        return Pause(max(min(seconds, self._seconds_left()), 0.0), why)

    def _in_turn(self, shards: Shards) -> list[tuple[str, Place]]:
        """The shards that can be read, beginning after the one that was read last, so that a busy one holds up none."""
        places = list(shards.to_read())
        names = [name for name, _ in places]
        first = names.index(self._last) + 1 if self._last in names else 0
        return places[first:] + places[:first]

    def _read(self, shards: Shards, name: str, place: Place) -> Steps[None]:
        """Reads on in one shard."""
        if place.iterator is None:
            yield from self._point(shards, name, place)
        try:
            body = yield from self._asked("GetRecords", {"ShardIterator": place.iterator, "Limit": _MOST})
        except DynamoError as error:
            if error.code != _EXPIRED:
                raise
            place.iterator = None  # the next look asks for another one, at the same place
            return
        with decoding:
            answer = fields_of(body)
            changes = [change_of(each, self.table) for each in answer["Records"]]
            place.iterator = answer.get("NextShardIterator")
        self._waiting.extend((place, change) for change in changes if place.is_before(change))
        if place.iterator is None:
            self._closed.append(name)

    def _point(self, shards: Shards, name: str, place: Place) -> Steps[None]:
        """Asks for the iterator of a place."""
        shard = {"StreamArn": shards.stream, "ShardId": name}
        try:
            body = yield from self._asked("GetShardIterator", shard | place.members())
        except DynamoError as error:
            if place.kind != SINCE or error.code != "ValidationException":
                raise
            # An engine that does not know AT_TIMESTAMP: read from the begin, and drop what is older.
            body = yield from self._asked("GetShardIterator", shard | Place().members())
        with decoding:
            place.iterator = fields_of(body)["ShardIterator"]
        place.asked()

    def _stream(self) -> Steps[str]:
        stream = yield from self._stream_now()
        if stream is None:
            raise without_stream(self.table)
        return stream

    def _stream_now(self) -> Steps[str | None]:
        """The stream that the table has turned on; None where it has none."""
        body = yield from self._asked("DescribeTable", {"TableName": self.table.name})
        with decoding:
            described = fields_of(body)["Table"]
            is_on = (described.get("StreamSpecification") or {}).get("StreamEnabled")
            return described["LatestStreamArn"] if is_on else None

    def _check_last(self, ended: str) -> Steps[None]:
        """ChangesLost where the table has another stream by now: what was changed between the two is in neither."""
        try:
            stream = yield from self._stream_now()
        except DynamoError as error:
            if error.code != _GONE:
                raise
            return  # the table was deleted, and its stream is read to the end
        if stream not in (None, ended):
            raise ChangesLost(self.table.name, "its stream was turned off, and another one turned on")

    def _list(self, shards: Shards, begin: Callable[[Mapping[str, Any]], Place] = lambda shard: Place()) -> Steps[str]:
        """Lists the shards; gives the status of the stream."""
        listed: list[Mapping[str, Any]] = []
        members: dict[str, Any] = {"StreamArn": shards.stream}
        while True:
            body = yield from self._asked("DescribeStream", members)
            with decoding:
                described = fields_of(body)["StreamDescription"]
                listed += described["Shards"]
                status: str = described.get("StreamStatus", "ENABLED")
            if not described.get("LastEvaluatedShardId"):
                break
            members["ExclusiveStartShardId"] = described["LastEvaluatedShardId"]
        shards.list(listed, begin)
        return status

    def _asked(self, operation: str, members: Mapping[str, Any]) -> Steps[bytes]:
        """The answer to a request; a service that is busy is asked again."""
        for attempt in count(1):
            self._requests += 1
            try:
                body: bytes = yield Request(operation, json.dumps(members).encode())
                return body
            except DynamoError as error:
                if error.code == _TRIMMED or (error.code == _GONE and operation != "DescribeTable"):
                    raise ChangesLost(self.table.name) from error
                if error.code not in _BUSY or self._spent():
                    raise
                pause = backoff(attempt, f"{operation}: {error.code}")
                yield self._pause(pause.seconds, pause.why)
        raise AssertionError("count() has no end")


def checked_since(since: Any) -> Since:
    """A moment, a cursor, or one of the two words."""
    if not isinstance(since, (str, datetime)) or not since:
        raise TypeError(f'since= takes "latest", "beginning", a datetime or a cursor, not {since!r}')
    return since


def checked_poll(poll: Any, option: str = "poll") -> float:
    """The seconds of an option: between two looks at a stream that has nothing new, or until it counts as read."""
    if isinstance(poll, bool) or not isinstance(poll, (int, float)) or not 0 <= poll < inf:
        raise ValueError(f"{option}= is a number of seconds, not {poll!r}")
    return float(poll)


def checked_limits(budget: Any) -> Budget:
    """How long a watch goes on; {} for ever."""
    checked = checked_budget(budget) or {}
    if "units" in checked:
        raise ValueError("a stream costs no read units; budget= takes requests and seconds")
    return checked
