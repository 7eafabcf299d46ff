"""Immutable descriptors: a table, its keys, its attributes' types and its indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from flyexpr.engine import Engine
from flyexpr.errors import FlyexprError, NotBound
from flyexpr.records import fill, record, replace
from flyexpr.schema.codecs import Attribute, Codec, codec_of
from flyexpr.schema.fits import fit_of
from flyexpr.schema.indexes import Index, check_name
from flyexpr.schema.read_templates import Inverse
from flyexpr.schema.templates import Derived
from flyexpr.values.numbers import Number
from flyexpr.values.pattern_cache import Forms


class Declared(Mapping[str, Any]):
    """Attribute names and their types, as an immutable, hashable mapping.

    >>> Declared({"wins": int}) == {"wins": int}
    True
    """

    __slots__ = ("_types",)

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = dict(types)

    def __getitem__(self, name: str) -> Any:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __hash__(self) -> int:
        return hash(frozenset(self._types))

    def __repr__(self) -> str:
        shown = (f"{name!r}: {getattr(kind, '__name__', kind)}" for name, kind in self._types.items())
        return f"{{{', '.join(shown)}}}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Declared, (self._types,)


_NOTHING = Declared({})


@record(hidden=("engine",))
class Table:
    """A table: its name, its keys, what its attributes hold and which indexes it has.

    >>> scores = Table("GameScores", "userid", "title", attributes={"top_score": int},
    ...                indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")])
    >>> scores.keys, scores.kind("top_score"), scores.kind("title")
    (('userid', 'title'), 'N', 'S')
    >>> scores == Table("GameScores", "userid", "title", attributes={"top_score": int}, indexes=scores.indexes)
    True

    Key attributes that are not declared hold str; other attributes that are not declared pass through untouched.
    `version` names an attribute that counts the writes of an item and guards them: a put holds only while the item has
    the version that it was read with.
    The options from `throughput` on are for `create_table` and `update_table`: `throughput` is (read units, write
    units) a second, None for on-demand; `ttl` names the attribute with the time after which an item may be deleted;
    `stream` is "keys", "new", "old" or "both".
    """

    name: str
    partition_key: str
    sort_key: str | None
    attributes: Mapping[str, Any]
    indexes: Sequence[Index]
    throughput: tuple[int, int] | None
    ttl: str | None
    version: str | None
    stream: str | None
    tags: Mapping[str, str]
    deletion_protection: bool
    engine: Engine  # None before `on`; it is typed for those who have bound the table, and `bound` asks

    def __init__(
        self,
        name: str,
        partition_key: str,
        sort_key: str | None = None,
        *,
        attributes: Mapping[str, Any] = _NOTHING,
        indexes: Sequence[Index] = (),
        throughput: tuple[int, int] | None = None,
        ttl: str | None = None,
        version: str | None = None,
        stream: str | None = None,
        tags: Mapping[str, str] = _NOTHING,
        deletion_protection: bool = False,
        engine: Engine | None = None,
    ) -> None:
        check_name("a table", name)
        indexes = _checked_indexes(indexes)
        _check_options(name, throughput, stream)
        _check_members(name, attributes, tags)
        _check_attributes(name, partition_key, sort_key=sort_key, version=version, ttl=ttl)
        fill(self, name=name, partition_key=partition_key, sort_key=sort_key, version=version, engine=engine)
        fill(self, attributes=Declared(attributes), indexes=indexes, tags=Declared(tags))
        fill(self, throughput=throughput, ttl=ttl, stream=stream, deletion_protection=deletion_protection)
        if self.sort_key == self.partition_key:
            raise FlyexprError(f"table {self.name!r}: partition key and sort key are both {self.sort_key!r}")
        self._check_indexes()
        for name in self.attributes:
            self._check_attribute(name)
        if ttl is not None and self.kind(ttl) not in (None, "N"):
            raise FlyexprError(
                f"attribute {ttl!r} of table {self.name!r} cannot be its ttl=, which is a number of seconds; "
                f"declare it so: attributes={{{ttl!r}: epoch}}"
            )

    def _check_indexes(self) -> None:
        names = [index.name for index in self.indexes]
        if len({*names}) < len(names):
            raise FlyexprError(f"table {self.name!r} has two indexes of one name: {', '.join(sorted(names))}")
        for index in self.indexes:
            index.check_keys(self.name, self.keys)
        if self.version in self.key_attributes:
            raise FlyexprError(f"table {self.name!r}: a version counts up, so {self.version!r} cannot be in a key")

    def _check_attribute(self, name: str) -> None:
        try:
            kind = codec_of(self.attributes[name]).kind
        except FlyexprError as error:
            raise FlyexprError(f"attribute {name!r} of table {self.name!r}: {error}") from None
        if name in self.key_attributes and kind not in ("S", "N", "B"):
            raise FlyexprError(f"key attribute {name!r} of table {self.name!r} must hold strings, numbers or bytes")

    def on(self, engine: Engine) -> Table:
        """A copy bound to an engine; operations on it go there.

        >>> Table("t", "id" ).on(lambda operation, body: b"{}").bound("Query", b"{}")
        b'{}'
        """
        if not callable(engine):
            raise TypeError(f"on() takes an engine, such as connect('sqlite:scores.db'), not {engine!r}")
        return replace(self, engine=engine)

    def named(self, name: str) -> Table:
        """A copy with another physical name; `{}` in it stands for the present one.

        >>> Table("Scores", "id").named("prod-{}").name
        'prod-Scores'
        """
        check_name("a table", name)
        return replace(self, name=name.replace("{}", self.name))

    if not TYPE_CHECKING:  # or type checkers would take any name for an attribute

        def __getattr__(self, name: str) -> NoReturn:
            way = _WAYS.get(name)
            raise AttributeError(f"a table has no {name!r}" + (f"; write {way}" if way else ""), name=name, obj=self)

    @property
    def bound(self) -> Engine:
        """The table's engine; NotBound where it has none."""
        if self.engine is None:
            raise NotBound(self.name)
        return self.engine

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    @cached_property
    def key_attributes(self) -> tuple[str, ...]:
        """Every attribute that stands in a key of the table or of an index, in this order, each once."""
        return tuple(dict.fromkeys(name for index in (None, *self.indexes) for name in self.keys_of(index)))

    def keys_of(self, index: Index | None) -> tuple[str, ...]:
        """The key attributes of an index, or of the table itself: partition key first."""
        return self.partition_keys_of(index) + self.sort_keys_of(index)

    def partition_keys_of(self, index: Index | None) -> tuple[str, ...]:
        """The partition key attributes of an index, or of the table itself."""
        return (index.partition_keys if index is not None else ()) or (self.partition_key,)

    def sort_keys_of(self, index: Index | None) -> tuple[str, ...]:
        """The sort key attributes of an index, or of the table itself."""
        return self.keys[1:] if index is None else index.sort_keys

    def index(self, name: str) -> Index:
        """The index of that name; FlyexprError where there is none."""
        for index in self.indexes:
            if index.name == name:
                return index
        known = ", ".join(index.name for index in self.indexes) or "none"
        raise FlyexprError(f"table {self.name!r} has no index {name!r}; its indexes: {known}")

    @cached_property
    def codecs(self) -> dict[str, Codec]:
        """The codec of every declared attribute, and of every key attribute."""
        declared = {name: codec_of(kind) for name, kind in self.attributes.items()}
        return {name: codec_of(str) for name in self.key_attributes} | declared

    @cached_property
    def decoders(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        """What is to be done to which attributes of an item that was read."""
        return tuple((name, codec.decode) for name, codec in self.codecs.items() if codec.decode is not None)

    @cached_property
    def checks(self) -> tuple[tuple[str, frozenset[type], Callable[[Any], bool] | None], ...]:
        """The types that declared attributes of an item may read as, and what looks into those that have members."""
        found = [(name, fit_of(self.codecs[name])) for name in self.attributes]
        return tuple([(name, fit[0] | {type(None)}, fit[1]) for name, fit in found if fit is not None])

    def misfit(self, item: Mapping[str, Any]) -> str | None:
        """The first declared attribute that an item was stored with as something else; None where there is none.

        >>> Table("t", "id", attributes={"wins": int}).misfit({"id": "a", "wins": "3"})
        'wins'
        """
        get = item.get
        for name, held, members_fit in self.checks:
            value = get(name)
            if type(value) not in held or (members_fit is not None and value is not None and not members_fit(value)):
                return name
        return None

    @cached_property
    def forms(self) -> Forms:
        """The forms that items of the table were found to have, for whoever reads the next: those of its types."""
        return Forms(lambda sample: self.misfit(sample) is None)

    @cached_property
    def rules(self) -> dict[str, Attribute]:
        """The attributes that were declared with more than a type."""
        return {name: kind for name, kind in self.attributes.items() if isinstance(kind, Attribute)}

    @cached_property
    def derived(self) -> dict[str, Derived]:
        """The attributes that are made of others."""
        return {name: kind for name, kind in self.attributes.items() if isinstance(kind, Derived)}

    @cached_property
    def sealed(self) -> frozenset[str]:
        """The attributes with a Codec, theirs or their members', that alone knows what is inside.

        >>> Table("t", "id", attributes={"price": Codec(round, float, int), "day": dict[str, int]}).sealed
        frozenset({'price'})
        """
        return frozenset(name for name, codec in self.codecs.items() if any(one.sealed for one in codec.chain))

    @cached_property
    def inverses(self) -> tuple[Inverse, ...]:
        """The templates of key attributes that can be read backwards, to fill in parts that an item lacks."""
        templates = ((name, self.derived[name]) for name in self.key_attributes if name in self.derived)
        found = (
            Inverse(name, derived, self.attributes, unique=name in self.keys)
            for name, derived in templates
            if derived.function is None
        )
        return tuple(inverse for inverse in found if inverse.parts)

    @cached_property
    def fillable(self) -> frozenset[str]:
        """The attributes that may be filled in on reading."""
        return frozenset(part for inverse in self.inverses for part in inverse.parts)

    @cached_property
    def as_stored(self) -> Table:
        """The table without its types: items come as they are stored, which is what they can be compared with.

        A time or a float that another writer stored in other words would never be equal to ours.
        """
        types = {"S": str, "N": Number, "B": bytes}
        keys = {name: types[str(self.kind(name))] for name in self.key_attributes}
        return replace(self, attributes=keys, version=None)

    def kind(self, name: str) -> str | None:
        """DynamoDB's code of what a declared attribute holds; None where that is open."""
        codec = self.codecs.get(name)
        return codec.kind if codec else None


_OPERATIONS = "query scan create_table delete_table update_table describe_table batch_get batch_write".split()
_VERBS = "get put update delete first one count modify explain request run update_matching delete_matching".split()
_WAYS = {  # what people write as a method of a table, and what does it
    **{name: f"run(table, {name}(...))" for name in _OPERATIONS},
    **{name: f"{name}(table, ...)" for name in _VERBS},
    **{f"{name}_item": f"{name}(table, ...)" for name in ("get", "put", "update", "delete")},
}


def _checked_indexes(indexes: Any) -> tuple[Index, ...]:
    if not isinstance(indexes, Iterable):
        raise TypeError(f"indexes= takes a list, such as [{indexes!r}]")
    found = tuple(indexes)
    for index in found:
        if not isinstance(index, Index):
            raise TypeError(f"indexes= takes GlobalIndex(...) and LocalIndex(...), not {index!r}")
    return found


def _check_options(name: str, throughput: Any, stream: Any) -> None:
    if stream not in (None, "keys", "new", "old", "both"):
        raise FlyexprError(f"table {name!r}: stream= is one of 'keys', 'new', 'old' and 'both', not {stream!r}")
    pair = isinstance(throughput, tuple) and len(throughput) == 2
    if throughput is not None and not (pair and all(type(units) is int and units > 0 for units in throughput)):
        raise FlyexprError(f"table {name!r}: throughput= is (read units, write units) a second, not {throughput!r}")


def _check_members(name: str, attributes: Any, tags: Any) -> None:
    if not isinstance(attributes, Mapping):
        raise TypeError(
            f"table {name!r}: attributes= takes a dict of names and types, such as {{'wins': int}}, not {attributes!r}"
        )
    if not isinstance(tags, Mapping):
        raise TypeError(
            f"table {name!r}: tags= takes a dict of names and texts, such as {{'team': 'blue'}}, not {tags!r}"
        )


def _check_attributes(name: str, partition_key: Any, **others: Any) -> None:
    """None where these options of a table name attributes; all but the partition key may be left out."""
    given = {"partition_key": partition_key} | {key: value for key, value in others.items() if value is not None}
    for option, attribute in given.items():
        if not isinstance(attribute, str) or not attribute:
            raise TypeError(f"table {name!r}: {option}= takes the name of an attribute, not {attribute!r}")
