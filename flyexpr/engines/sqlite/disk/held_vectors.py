"""The vectors of a file that are held in memory, a partition of an index at a time: what searches compare."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from flyexpr.engines.sqlite.disk.room import room, with_room
from flyexpr.engines.sqlite.disk.vectors import VectorEntry, native

MOST_HELD = 512 * 1024 * 1024  # bytes of vectors in memory; one partition may have more


class Partition:
    """The vectors of one partition of an index, in no order.

    `vectors` has their floats one after another, as the machine has them, and behind the last one room for more.
    `values` has what each item has of the attributes that a condition may name. `squares` has the dot product of each
    vector with itself, or -1 where nobody has asked for it; `lengths` what a search makes of the squares, or None after
    a change. `size` is the bytes of all entries, as the service counts them.
    """

    __slots__ = ("dimensions", "keys", "lengths", "names", "places", "size", "sizes", "squares", "values", "vectors")

    lengths: Any

    def __init__(self, dimensions: int, names: tuple[str, ...]) -> None:
        self.dimensions, self.names = dimensions, names
        self.keys: list[bytes] = []
        self.places: dict[bytes, int] = {}
        self.values: list[tuple[Any, ...]] = []
        self.squares, self.lengths = array("d"), None
        self.size, self.sizes = 0, array("q")
        self.vectors = room(0)

    def put(self, key: bytes, vector: bytes, item: Mapping[str, Any], size: int = 0) -> None:
        """Enter a vector, or put it in the place of the one with the same key; `size` is that of its entry."""
        self.size, self.lengths = self.size + size, None
        place = self.places.get(key)
        values = tuple([item.get(name) for name in self.names])
        if place is None:
            place = self.places[key] = len(self.keys)
            self.keys.append(key)
            self.values.append(values)
            self.squares.append(-1.0)
            self.sizes.append(size)
        else:
            self.size -= self.sizes[place]
            self.values[place], self.squares[place], self.sizes[place] = values, -1.0, size
        start, end = place * len(vector), (place + 1) * len(vector)
        if end > len(self.vectors):
            self.vectors = with_room(self.vectors, end)
        self.vectors[start:end] = native(vector)

    def remove(self, key: bytes) -> None:
        """Take a vector out; the last one takes its place."""
        place = self.places.pop(key, None)
        if place is None:
            return
        self.size, self.lengths = self.size - self.sizes[place], None
        size = self.sizes.pop()
        last, values, square = self.keys.pop(), self.values.pop(), self.squares.pop()
        if last != key:
            self.keys[place], self.values[place], self.squares[place] = last, values, square
            self.sizes[place] = size
            self.places[last] = place
            self.vector(place)[:] = self.vector(len(self.keys))

    @property
    def floats(self) -> int:
        """How many numbers the vectors have."""
        return len(self.keys) * self.dimensions

    def vector(self, place: int) -> memoryview[float]:
        """The vector at a place, as it is now: what is put there later changes it."""
        size = 4 * self.dimensions
        return self.vectors[place * size : (place + 1) * size].cast("f")


Change = tuple[str, bytes, bytes, VectorEntry | None, Mapping[str, Any]]


class HeldVectors:
    """The partitions that a connection has read, kept as the file has them.

    What a transaction changes is entered when it is committed. `version` is SQLite's number for the commits of others.
    """

    __slots__ = ("_changes", "_partitions", "_version")

    def __init__(self) -> None:
        self._partitions: OrderedDict[tuple[str, bytes], Partition] = OrderedDict()
        self._changes: list[Change] = []
        self._version = -1

    def find(self, version: int, store: str, prefix: bytes) -> Partition | None:
        """A partition that is held, or None; nothing is, once somebody else has written."""
        if version != self._version:
            self._partitions.clear()
            self._version = version
        if (store, prefix) in self._partitions:
            self._partitions.move_to_end((store, prefix))
        return self._partitions.get((store, prefix))

    def hold(self, store: str, prefix: bytes, partition: Partition) -> None:
        """Keep a partition, and let go of those that were not asked for longest, if they are too large together."""
        self._partitions[store, prefix] = partition
        size = sum(4 * held.floats for held in self._partitions.values())
        while size > MOST_HELD and len(self._partitions) > 1:
            _, gone = self._partitions.popitem(last=False)
            size -= 4 * gone.floats

    def change(self, store: str, prefix: bytes, key: bytes, entry: VectorEntry | None, item: Mapping[str, Any]) -> None:
        """Note a change of the transaction that is under way; None for a vector that goes."""
        if (store, prefix) in self._partitions:
            self._changes.append((store, prefix, key, entry, item))

    def end(self, *, commit: bool) -> None:
        """Enter what the transaction has changed, or forget it."""
        changes, self._changes = self._changes, []
        for store, prefix, key, entry, item in changes if commit else ():
            partition = self._partitions.get((store, prefix))
            if partition is None:
                continue
            try:
                partition.remove(key) if entry is None else partition.put(key, entry.vector, item, entry.size)
            except BaseException:
                del self._partitions[store, prefix]
                raise

    def clear(self) -> None:
        """Let go of everything."""
        self._partitions.clear()
        self._changes.clear()
        self._version = -1
