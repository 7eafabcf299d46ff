"""Immutable descriptors of a table's indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.records import fill, later, record
from flyexpr.schema.codecs import Codec, codec_of
from flyexpr.schema.vectors import can_hold_vectors, check_dimensions, written_vector

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
    has_key = True  # whether a query or a scan can read it; a search reads an index without one
    on_demand_only = False  # whether the table may not have provisioned throughput
    most: int | None = None  # how many of them a table has, where no quota can be raised

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The attributes of the index's own partition key; none where it has the table's."""
        raise NotImplementedError

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attributes of the sort key, in their order."""
        raise NotImplementedError

    @property
    def typed(self) -> tuple[str, ...]:
        """The attributes whose types the table declares to DynamoDB for this index."""
        return self.partition_keys + self.sort_keys

    def definition(self, table_partition: str) -> dict[str, Any]:
        """The members that define the index in CreateTable, besides its name and projection."""
        partition = self.partition_keys or (table_partition,)
        keys = [*((name, "HASH") for name in partition), *((name, "RANGE") for name in self.sort_keys)]
        return {"KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys]}

    @classmethod
    def described(cls, described: Mapping[str, Any], project: Projection) -> Index:
        """The index that DescribeTable describes."""
        raise NotImplementedError

    @property
    def codecs(self) -> dict[str, Codec]:
        """How attributes are stored that the table does not declare, because the index says what they are."""
        return dict.fromkeys(self.typed, codec_of(str))

    def check_item(self, item: Mapping[str, Any]) -> None:
        """None for an item, as it is stored, that the index takes or leaves out; else a ValidationError."""
        for name in (*self.partition_keys, *self.sort_keys):
            if name in item and item[name] in (None, "", b""):
                raise ValidationError(
                    "a key attribute of an index may not be empty or None",
                    at=name,
                    hint="leave it out, and the item is not in that index",
                )

    def check_keys(self, table: str, keys: tuple[str, ...]) -> None:
        """None where a table of that name and primary key can have the index; else a FlyexprError."""

    def check_beside(self, table: str, other: Index) -> None:
        """None where a table of that name can have the index beside another one; else a FlyexprError."""

    def check_declared(self, table: str, name: str, codec: Codec) -> None:
        """None where a table of that name can declare an attribute so beside the index; else a FlyexprError."""

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
    or the names of attributes besides the keys. Reads are eventually consistent. A table has up to 20; AWS raises that
    if you ask.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
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
    def described(cls, described: Mapping[str, Any], project: Projection) -> Index:
        partition, sort = described_keys(described)
        return cls(described["IndexName"], partition, sort or None, project)

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

    Consistent reads work, and attributes that are not projected are fetched from the table. A table has up to 5. They
    are made with the table, and stay as long as it does.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html
    """

    name: str
    sort_key: str
    project: Projection = "all"

    word = "local"
    wire_member = "LocalSecondaryIndexes"
    most = 5
    consistent_reads = True
    fetches_missing = True

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        check_name(f"the sort key of index {self.name!r}", self.sort_key)
        fill(self, project=_projection(self.project))

    @classmethod
    def described(cls, described: Mapping[str, Any], project: Projection) -> Index:
        return cls(described["IndexName"], described_keys(described)[1][0], project)

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


Distance = Literal["cosine", "euclidean", "dot_product"]
MOST_FILTERS = 18


@record(options=True)
class VectorIndex(Index):
    """A vector index: finds the items whose vectors are nearest to another vector; `search` reads it.

    >>> VectorIndex("ByMeaning", "embedding", 384, partition_key="tenant", filters=["lang"]).typed
    ('tenant', 'lang')

    `attribute` holds the vectors: lists of `dimensions` numbers, 1 to 4,096, kept as 32-bit floats. `distance` is
    "cosine" (a score of 0 is the same direction, 2 the opposite), "euclidean" (0 is the same point) or "dot_product"
    (the largest is best). With a `partition_key`, a search is among the items with one value of it. A search can ask
    for values of `filters`, up to 18 attributes. An item without the vector or the partition key is not in the index.
    The table has to be on-demand; it has up to 5 vector indexes. Declare the partition key and the filters in
    `attributes=` if they are not texts. Nothing of the index can be changed later.
    """

    name: str
    attribute: str
    dimensions: int
    distance: Distance = "cosine"
    partition_key: str | None = None
    filters: tuple[str, ...] | list[str] = ()
    project: Projection = "all"

    word = "vector"
    wire_member = "VectorIndexes"
    wire_updates = "VectorIndexUpdates"
    has_key = False
    on_demand_only = True
    most = 5
    _public = frozenset("name attribute dimensions distance partition_key filters project typed".split())

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        check_name(f"the attribute of index {self.name!r}", self.attribute)
        check_dimensions(self.dimensions)
        if self.distance not in _DISTANCES:
            names = ", ".join(map(repr, _DISTANCES))
            raise FlyexprError(f"index {self.name!r}: distance= is one of {names}, not {self.distance!r}")
        if isinstance(self.filters, str):
            raise TypeError(f"index {self.name!r}: filters= takes a list of names, such as [{self.filters!r}]")
        fill(self, filters=tuple(self.filters), project=_projection(self.project))
        for name in self.typed:
            check_name(f"a filter of index {self.name!r}", name)
        if len({*self.typed, self.attribute}) < len(self.typed) + 1:
            raise FlyexprError(f"index {self.name!r} names an attribute twice")
        if len(self.filters) > MOST_FILTERS:
            raise FlyexprError(f"index {self.name!r} has {len(self.filters)} filters; DynamoDB takes {MOST_FILTERS}")

    @property
    def codecs(self) -> dict[str, Codec]:
        return {**dict.fromkeys(self.typed, codec_of(str)), self.attribute: written_vector(self.dimensions)}

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The attribute that a search has to give a value for, if there is one."""
        return () if self.partition_key is None else (self.partition_key,)

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """None: a search sorts by distance."""
        return ()

    @property
    def typed(self) -> tuple[str, ...]:
        """The attributes that a search can ask for: the partition key and the filters."""
        return (*self.partition_keys, *self.filters)

    def check_keys(self, table: str, keys: tuple[str, ...]) -> None:
        if self.attribute in keys:
            raise FlyexprError(
                f"table {table!r}: {self.attribute!r} is a key, so it cannot hold the vectors of index {self.name!r}"
            )

    def check_beside(self, table: str, other: Index) -> None:
        if self.attribute in other.typed:
            raise FlyexprError(
                f"table {table!r}: index {self.name!r} holds the vectors of {self.attribute!r}, "
                f"so it cannot be a key or a filter of index {other.name!r}"
            )
        if isinstance(other, VectorIndex) and self.attribute == other.attribute and self.dimensions != other.dimensions:
            raise FlyexprError(
                f"table {table!r}: {self.attribute!r} has {self.dimensions:,} dimensions in index {self.name!r} "
                f"and {other.dimensions:,} in {other.name!r}; DynamoDB takes one number"
            )

    def check_declared(self, table: str, name: str, codec: Codec) -> None:
        if name == self.attribute and not can_hold_vectors(codec, self.dimensions):
            declared = f"attributes={{{name!r}: vector({self.dimensions})}}"
            raise FlyexprError(
                f"attribute {name!r} of table {table!r} must hold the vectors of index {self.name!r}, "
                f"of {self.dimensions:,} dimensions\n  hint: declare it so, {declared}, or leave it out"
            )

    def definition(self, table_partition: str) -> dict[str, Any]:
        kinds = [*((name, "HASH") for name in self.partition_keys), *((name, "INLINE_FILTER") for name in self.filters)]
        schema = [{"AttributeName": name, "SearchSchemaElementType": kind} for name, kind in kinds]
        return {
            "VectorAttribute": {"AttributeName": self.attribute},
            "Dimensions": self.dimensions,
            "DistanceFunction": self.distance.upper(),
            **({"SearchSchema": schema} if schema else {}),
        }

    @classmethod
    def described(cls, described: Mapping[str, Any], project: Projection) -> Index:
        schema = described.get("SearchSchema") or ()
        keys = [each["AttributeName"] for each in schema if each["SearchSchemaElementType"] == "HASH"]
        return cls(
            described["IndexName"],
            described["VectorAttribute"]["AttributeName"],
            int(described["Dimensions"]),
            described["DistanceFunction"].lower(),
            keys[0] if keys else None,
            tuple(each["AttributeName"] for each in schema if each["SearchSchemaElementType"] != "HASH"),
            project,
        )


_DISTANCES = ("cosine", "euclidean", "dot_product")

INDEX_TYPES: tuple[type[Index], ...] = (LocalIndex, GlobalIndex, VectorIndex)  # as CreateTable lists them


def described_keys(described: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The partition and sort key attributes of a table or an index, from its description."""
    schema = described["KeySchema"]
    partition = tuple(each["AttributeName"] for each in schema if each["KeyType"] == "HASH")
    return partition, tuple(each["AttributeName"] for each in schema if each["KeyType"] == "RANGE")


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
    if not isinstance(project, Iterable):
        raise TypeError(f"project is 'all', 'keys' or a list of attribute names, not {project!r}")
    return tuple(project)


def check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise FlyexprError(f"{what} needs a name, a str, not {name!r}")
