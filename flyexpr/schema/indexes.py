"""Immutable descriptors of a table's indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from flyexpr.errors import FlyexprError
from flyexpr.records import fill, later, record

Keys = str | tuple[str, ...]
Projection = Literal["all", "keys"] | tuple[str, ...] | list[str]
MAX_KEYS = 4  # attributes of each key of a global index


class Index:
    """What every type of index says of itself; a new type is one more class, and a row in `INDEX_TYPES`.

    >>> ByTitle = GlobalIndex("ByTitle", "title")
    >>> ByTitle.consistent_reads, ByTitle.fetches_missing, ByTitle.wire_member
    (False, False, 'GlobalSecondaryIndexes')
    """

    __slots__ = ()

    name: str
    project: Projection

    __repr__ = later("flyexpr.schema.code", "code")
    _public = frozenset("name partition_key sort_key project partition_keys sort_keys attributes".split())

    word: str  # which stands before "index" in a sentence
    wire_member: str  # of CreateTable and DescribeTable
    wire_updates: str | None = None  # the member of UpdateTable that adds and drops indexes of this type, if any does
    consistent_reads = False
    fetches_missing = False  # whether a read gets from the table what the index does not project
    has_throughput = False  # whether it has read and write units of its own

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The attributes of the index's own partition key; none where it has the table's."""
        raise NotImplementedError

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attributes of the sort key, in their order."""
        raise NotImplementedError

    @classmethod
    def of_keys(cls, name: str, partition: tuple[str, ...], sort: tuple[str, ...], project: Projection) -> Index:
        """The index with these key attributes, as DescribeTable gives them."""
        raise NotImplementedError

    def check_keys(self, table: str, keys: tuple[str, ...]) -> None:
        """None where a table of that name and primary key can have the index; else a FlyexprError."""

    @property
    def alterable(self) -> bool:
        """Whether the index can be added to a table that exists, and dropped from it."""
        return self.wire_updates is not None


@record(options=True)
class GlobalIndex(Index):
    """A global secondary index: another key over the items that have all of its attributes.

    >>> GlobalIndex("GameTitleIndex", "title", "top_score", project="keys").attributes
    ('title', 'top_score')

    Each key may be a tuple of up to four attributes. `project` is what a read of the index can give: "all", "keys",
    or the names of attributes besides the keys. Reads are eventually consistent.
    """

    name: str
    partition_key: Keys
    sort_key: Keys | None = None
    project: Projection = "all"

    word = "global"
    wire_member = "GlobalSecondaryIndexes"
    wire_updates = "GlobalSecondaryIndexUpdates"
    has_throughput = True

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        keys = {"partition_key": _plain_key(self.partition_key), "sort_key": _plain_key(self.sort_key)}
        fill(self, **keys, project=_projection(self.project))
        if not 1 <= len(self.partition_keys) <= MAX_KEYS or len(self.sort_keys) > MAX_KEYS:
            raise FlyexprError(
                f"index {self.name!r}: each key has at most {MAX_KEYS} attributes, and a partition key one"
            )
        if len({*self.attributes}) < len(self.attributes):
            raise FlyexprError(f"index {self.name!r} names an attribute twice in its keys")

    @classmethod
    def of_keys(cls, name: str, partition: tuple[str, ...], sort: tuple[str, ...], project: Projection) -> Index:
        return cls(name, partition, sort or None, project)

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The attributes of the partition key; a query gives a value for each of them."""
        return _tuple(self.partition_key)

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attributes of the sort key, in their order."""
        return _tuple(self.sort_key)

    @property
    def attributes(self) -> tuple[str, ...]:
        """All attributes of the key; an item without one of them is not in the index."""
        return self.partition_keys + self.sort_keys


@record(options=True)
class LocalIndex(Index):
    """A local secondary index: another order of the items under one partition key.

    >>> LocalIndex("ByScore", "top_score").sort_keys
    ('top_score',)

    Consistent reads work, and attributes that are not projected are fetched from the table.
    """

    name: str
    sort_key: str
    project: Projection = "all"

    word = "local"
    wire_member = "LocalSecondaryIndexes"
    consistent_reads = True
    fetches_missing = True

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        check_name(f"the sort key of index {self.name!r}", self.sort_key)
        fill(self, project=_projection(self.project))

    @classmethod
    def of_keys(cls, name: str, partition: tuple[str, ...], sort: tuple[str, ...], project: Projection) -> Index:
        return cls(name, sort[0], project)

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """None of its own: the index has the table's partition key."""
        return ()

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attribute of the sort key, as a tuple."""
        return (self.sort_key,)

    def check_keys(self, table: str, keys: tuple[str, ...]) -> None:
        if self.sort_key == keys[0]:
            raise FlyexprError(f"table {table!r}: a local index cannot sort by the partition key")
        if len(keys) == 1:
            raise FlyexprError(f"table {table!r} has no sort key, which a local index needs")


INDEX_TYPES: tuple[type[Index], ...] = (LocalIndex, GlobalIndex)  # as CreateTable lists them


def _tuple(key: Keys | None) -> tuple[str, ...]:
    return () if key is None else (key,) if isinstance(key, str) else tuple(key)


def _plain_key(key: Keys | None) -> Keys | None:
    _check_key(key)
    names = _tuple(key)
    return names[0] if len(names) == 1 else names or None


def _check_key(key: Any) -> None:
    if key is not None and not (isinstance(key, Iterable) and all(isinstance(name, str) and name for name in key)):
        raise TypeError(f"a key of an index is the name of an attribute or a tuple of names, not {key!r}")


def _projection(project: Projection) -> Projection:
    if isinstance(project, str):
        if project not in ("all", "keys"):
            raise FlyexprError(f"project is 'all', 'keys' or a list of attribute names, not {project!r}")
        return project
    return tuple(project)


def check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise FlyexprError(f"{what} needs a name, a str, not {name!r}")
