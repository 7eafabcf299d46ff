"""The shards of a stream, and how far a reader is in each; a text keeps that from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from flyexpr.changes.change import Change
from flyexpr.errors import BadCursor
from flyexpr.steps.reads.cursors import closed_cursor, opened_cursor

BEGIN, AFTER, SINCE, LATEST = "TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST"
_NO_CURSOR = 'since= takes "latest", "beginning", a datetime or the .cursor of an earlier watch; this is not one'
_MOST_SECONDS = 1e12  # of a moment in a cursor; a datetime has fewer
_BEGAN = "BEGAN"  # at the latest record of the moment that is its value; an iterator for that was given


class Place:
    """How far a reader is in one shard: at its begin, after a sequence number, at a moment, or through with it.

    >>> Place(AFTER, "111").members()
    {'ShardIteratorType': 'AFTER_SEQUENCE_NUMBER', 'SequenceNumber': '111'}

    `iterator` is the service's own word for the place, where there is one; it expires after 15 minutes. LATEST is the
    moment at which the reader began, kept to ask for it again.
    """

    __slots__ = ("iterator", "kind", "over", "value")

    def __init__(self, kind: str = BEGIN, value: Any = None, over: bool = False) -> None:
        self.kind, self.value, self.over = kind, value, over
        self.iterator: str | None = None

    def members(self) -> dict[str, Any]:
        """The members of GetShardIterator for this place."""
        members: dict[str, Any] = {"ShardIteratorType": SINCE if self.kind == _BEGAN else self.kind}
        if self.kind in (AFTER, SINCE, _BEGAN):
            members["SequenceNumber" if self.kind == AFTER else "Timestamp"] = self.value
        return members

    def asked(self) -> None:
        """Takes note that there is an iterator: the latest record of a later one would be another."""
        if self.kind == LATEST:
            self.kind = _BEGAN

    def kept(self) -> list[Any]:
        """What a cursor keeps of the place."""
        return [SINCE if self.kind in (LATEST, _BEGAN) else self.kind, self.value, self.over]

    def passed(self, sequence: str) -> None:
        """Takes note of a record that was given."""
        self.kind, self.value = AFTER, sequence

    def is_before(self, change: Change) -> bool:
        """Whether a change comes after the place; a record says to the second when it was made."""
        return self.kind != SINCE or change.at is None or change.at.timestamp() >= self.value // 1


class Shards:
    """The shards of one stream, each with the reader's place in it.

    >>> shards = Shards("arn")
    >>> shards.list([{"ShardId": "b", "ParentShardId": "a"}, {"ShardId": "a", "ParentShardId": "trimmed"}])
    >>> [name for name, _ in shards.to_read()]
    ['a']
    >>> shards.end("a"); [name for name, _ in shards.to_read()]
    ['b']

    A shard is read when its parent has been read to its end, or is not there any more.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._parents: dict[str, str | None] = {}
        self.places: dict[str, Place] = {}

    def list(
        self,
        described: Iterable[Mapping[str, Any]],
        begin: Callable[[Mapping[str, Any]], Place] = lambda shard: Place(),
    ) -> None:
        """Takes the shards that DescribeStream lists. A reader is at the begin of those that are new, or where it says.

        What has been read to its end and is not listed any more is forgotten.
        """
        listed = {shard["ShardId"]: shard for shard in described}
        self._parents = {name: shard.get("ParentShardId") for name, shard in listed.items()}
        self.places = {name: place for name, place in self.places.items() if name in listed or not place.over}
        for name, shard in listed.items():
            if name not in self.places:
                self.places[name] = begin(shard)

    def to_read(self) -> Iterator[tuple[str, Place]]:
        """The shards that may be read now."""
        for name, place in self.places.items():
            parent = self._parents.get(name)
            if not place.over and (parent not in self.places or self.places[parent].over):
                yield name, place

    def end(self, name: str) -> None:
        """Takes note that a shard has been read to its end."""
        self.places[name].over = True

    @property
    def over(self) -> bool:
        """Whether every shard has been read to its end."""
        return all(place.over for place in self.places.values())

    def cursor(self) -> str:
        """The text from which `opened_shards` goes on."""
        places = {name: place.kept() for name, place in self.places.items()}
        return closed_cursor(json.dumps([self.stream, places], separators=(",", ":")))


def opened_shards(cursor: str, table: str) -> Shards:
    """The shards that a cursor holds; BadCursor for what is not the cursor of a stream of this table."""
    match opened_cursor(cursor):
        case [str(stream), dict(places)] if f":table/{table}/stream/" in stream:
            shards = Shards(stream)
            shards.places = {name: _place(value) for name, value in places.items()}
            return shards
        case [str(stream), dict()] if ":table/" in stream:
            raise BadCursor(f"the cursor comes from the stream of another table: {stream}")
    raise BadCursor(_NO_CURSOR, hint=_moment_hint(cursor))


def _moment_hint(text: str) -> str | None:
    with suppress(ValueError):
        datetime.fromisoformat(text)
        return f"a moment is a datetime: datetime.fromisoformat({text!r})"
    return None


def _place(entry: Any) -> Place:
    match entry:
        case [str(kind), value, bool(over)]:
            good = {
                BEGIN: value is None,
                AFTER: isinstance(value, str) and value.isascii() and value.isdecimal(),
                SINCE: type(value) in (int, float) and abs(value) < _MOST_SECONDS,
            }
            if good.get(kind):
                return Place(kind, value, over)
    raise BadCursor(_NO_CURSOR)


def seconds(moment: datetime) -> float:
    """A moment as the service takes it; one without a zone is in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
