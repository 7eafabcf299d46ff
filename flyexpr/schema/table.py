"""Immutable descriptors: a table, its keys, its attributes' types and its indexes."""

from __future__ import annotations

from collections.abc import Callable, KeysView, Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from flyexpr.engine import AsyncEngine, Engine, past_of
from flyexpr.errors import FlyexprError, NotBound, PlanError, did_you_mean
from flyexpr.records import fill, later, record, replace
from flyexpr.schema.codecs import KEY_TYPES, Attribute, Codec, codec_of, declared_in
from flyexpr.schema.declared import NOTHING, as_declared
from flyexpr.schema.derived.read_templates import Inverse
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.fits import Check, fit_of
from flyexpr.schema.indexes import Index, check_name
from flyexpr.schema.options import check_attributes, check_members, check_options, checked_indexes
from flyexpr.values.types import Item, T

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from flyexpr.schema.annotations import Field
    from flyexpr.schema.options import TableOptions

S = TypeVar("S", bound=Mapping[str, Any])


@record(hidden=("engine",))
class Table(Generic[T]):
    """A table: its name, its keys, what its attributes hold and which indexes it has.

    >>> scores = Table("GameScores", "userid", "title", attributes={"top_score": int},
    ...                indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")])
    >>> scores.keys, scores.kind("top_score"), scores.kind("title")
    (('userid', 'title'), 'N', 'S')
    >>> scores == Table("GameScores", "userid", "title", attributes={"top_score": int}, indexes=scores.indexes)
    True

    Key attributes that are not declared hold str; other attributes that are not declared pass through untouched.
    `version` names an attribute that counts the writes of an item and guards them: a put fails if somebody has written
    the item since it was read.
    With `strict`, other names are refused in conditions, updates, projections and items that are put: all that are not
    declared, in a key, a part of a derived attribute, `version` or `ttl`. Items that hold more are still read whole.
    The other options are for `create_table` and `update_table`: `throughput` is (read units, write units) a second,
    None for on-demand; `ttl` names the attribute with the time after which an item may be deleted; `stream` is "keys",
    "new", "old" or "both"; `tags` maps names to texts; with `deletion_protection`, the table cannot be deleted.
    """

    name: str
    partition_key: str
    sort_key: str | None
    attributes: Mapping[str, Any]
    indexes: Sequence[Index]
    throughput: tuple[int, int] | None
    ttl: str | None
    version: str | None
    strict: bool
    stream: str | None
    tags: Mapping[str, str]
    deletion_protection: bool
    engine: Engine  # None before `on`; its type is for users of bound tables, and `bound` checks it

    def __init__(
        self,
        name: str,
        partition_key: str,
        sort_key: str | None = None,
        *,
        attributes: Mapping[str, Any] = NOTHING,
        indexes: Sequence[Index] = (),
        throughput: tuple[int, int] | None = None,
        ttl: str | None = None,
        version: str | None = None,
        strict: bool = False,
        stream: str | None = None,
        tags: Mapping[str, str] = NOTHING,
        deletion_protection: bool = False,
        engine: Engine | None = None,
        **unknown: NoReturn,
    ) -> None:
        if unknown:
            from flyexpr.schema.mistakes import no_option

            raise TypeError(no_option(name, next(iter(unknown)), type(self).__match_args__))
        check_name("a table", name)
        indexes = checked_indexes(indexes)
        check_options(name, throughput, stream)
        check_members(name, attributes, tags)
        check_attributes(name, partition_key, sort_key=sort_key, version=version, ttl=ttl)
        fill(self, name=name, partition_key=partition_key, sort_key=sort_key, version=version, engine=engine)
        fill(self, attributes=as_declared(attributes), indexes=indexes, tags=as_declared(tags), strict=bool(strict))
        fill(self, throughput=throughput, ttl=ttl, stream=stream, deletion_protection=deletion_protection)
        self._check_keys()
        self._check_indexes()
        for name in self.attributes:
            self._check_attribute(name)

    def _check_keys(self) -> None:
        if self.sort_key == self.partition_key:
            raise FlyexprError(f"table {self.name!r}: partition key and sort key are both {self.sort_key!r}")
        if self.ttl is not None and self.kind(self.ttl) not in (None, "N"):
            raise FlyexprError(
                f"attribute {self.ttl!r} of table {self.name!r} cannot be its ttl=, which is a number of seconds; "
                f"declare it so: attributes={{{self.ttl!r}: epoch}}"
            )

    __repr__ = later("flyexpr.schema.code", "table_text")
    _repr_html_ = later("flyexpr.schema.code", "table_html")
    _public = frozenset(
        "name partition_key sort_key attributes indexes throughput ttl version strict stream tags deletion_protection "
        "engine of on named at keys index kind".split()
    )

    def _check_indexes(self) -> None:
        names = [index.name for index in self.indexes]
        if len({*names}) < len(names):
            raise FlyexprError(f"table {self.name!r} has two indexes of one name: {', '.join(sorted(names))}")
        for index in self.indexes:
            index.check_keys(self.name, self.keys)
            for other in self.indexes:
                index.check_beside(self.name, other)
            if index.on_demand_only and self.throughput is not None:
                raise FlyexprError(
                    f"table {self.name!r}: a {index.word} index needs an on-demand table, without throughput="
                )
        if self.strict:
            self._check_projections()
        if self.version in self.key_attributes:
            raise FlyexprError(f"table {self.name!r}: a version counts up, so {self.version!r} cannot be in a key")

    def _check_projections(self) -> None:
        for index in self.indexes:
            for name in index.project if isinstance(index.project, tuple) else ():
                if name not in self.names:
                    meant = did_you_mean(name, self.names) or f"declare it: attributes={{{name!r}: ...}}"
                    which = f"index {index.name!r} of the strict table {self.name!r}"
                    raise FlyexprError(f"{which} projects `{name}`, which is not declared\n  hint: {meant}")

    def _check_attribute(self, name: str) -> None:
        try:
            codec = codec_of(self.attributes[name])
        except FlyexprError as error:
            raise FlyexprError(f"attribute {name!r} of table {self.name!r}: {error}") from None
        for index in self.indexes:
            index.check_declared(self.name, name, codec)
        if name in self.key_attributes and codec.kind not in ("S", "N", "B"):
            raise FlyexprError(f"key attribute {name!r} of table {self.name!r} must hold strings, numbers or bytes")

    @classmethod
    def of(
        cls,
        kind: type[S],
        name: str,
        partition_key: str,
        sort_key: str | None = None,
        *,
        attributes: Mapping[str, Any] = NOTHING,
        **options: Unpack[TableOptions],
    ) -> Table[S]:
        """A table whose items are of a TypedDict: its annotations declare the attributes; options as of `Table`.

        >>> from typing import TypedDict
        >>> class Score(TypedDict):
        ...     userid: str
        ...     title: str
        ...     wins: int
        ...     seen: set[str] | None
        >>> table = Table.of(Score, "GameScores", "userid", "title")
        >>> table.kind("seen"), [name for name, rule in table.rules.items() if rule.required]
        ('SS', ['wins'])

        Type checkers know the items that it gives and takes as `Score`. A put needs the attributes that the TypedDict
        needs, but not those that may be None. Metadata of an Annotated declares an attribute: an Attribute, a Codec,
        `epoch`, a `template`. `attributes=` adds others, or goes before the TypedDict.
        """
        declared = {**_attributes_of(kind, (partition_key, sort_key)), **attributes}
        table: Table[Any] = cls(name, partition_key, sort_key, attributes=declared, **options)
        return table

    def on(self, engine: Engine | AsyncEngine) -> Table[T]:
        """A copy bound to an engine; operations on it go there.

        >>> Table("t", "id" ).on(lambda operation, body: b"{}").bound("Query", b"{}")
        b'{}'
        """
        if not callable(engine):
            raise TypeError(f"on() takes an engine, such as connect('sqlite:scores.db'), not {engine!r}")
        return replace(self, engine=engine)

    def at(self, moment: datetime) -> Table[T]:
        """A copy whose items are read as they stood at a moment, which only the embedded engine does.

        >>> from datetime import datetime, timezone
        >>> table = Table("Orders", "id", stream="both").on(connect("sqlite::memory:"))
        >>> run(table, create_table()); put(table, {"id": "7", "status": "open"})
        >>> noon = datetime.now(timezone.utc)
        >>> update(table, "7", assign("status", "oops")); delete(table, "7")
        >>> get(table.at(noon), "7"), get(table, "7")
        ({'id': '7', 'status': 'open'}, None)

        A moment without a time zone is in UTC. All reads of items take the copy, by indexes too, and a write is an
        error. The engine takes back what has changed since, as its record of changes says, so the stream of the table
        has to keep old images, or point in time recovery is on. The first read takes a time that grows with the number
        of changes, and the copy keeps what it found: read from one copy. The table has its indexes of today. An item
        is there until time to live has deleted it. Another table of the same moment, for one transaction of reads, is
        `other.on(copy.engine)`. FlyexprError for an engine that cannot do it, and for a moment in the future;
        DynamoError, at the first read, where the record does not reach back so far.
        """
        if not isinstance(moment, datetime):
            instead = "; write datetime.fromisoformat(...)" if isinstance(moment, str) else ""
            raise TypeError(f"at() takes a datetime, not {moment!r}{instead}")
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
        return self.on(past_of(self.bound, aware))

    def named(self, name: str) -> Table[T]:
        """A copy with another physical name; `{}` in it stands for the present one.

        >>> Table("Scores", "id").named("prod-{}").name
        'prod-Scores'
        """
        check_name("a table", name)
        return replace(self, name=name.replace("{}", self.name))

    if not TYPE_CHECKING:  # or type checkers would take any name for an attribute

        def __getattr__(self, name: str) -> NoReturn:
            text = f"a table has no {name!r}"
            if not name.startswith("_"):  # for Python's own methods, many programs look
                from flyexpr.schema.mistakes import no_attribute

                text = no_attribute(name, sorted(self._public))
            raise AttributeError(text, name=name, obj=self)

    @cached_property
    def bound(self) -> Engine:
        """The table's engine; NotBound if it has none."""
        if self.engine is None:
            raise NotBound(self.name)
        return self.engine

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    def key_in(self, item: Mapping[str, Any]) -> Item:
        """The key attributes of an item that has them, in the table's order, as they stand in it.

        >>> Table("Scores", "userid", "title").key_in({"title": "Comet Quest", "wins": 3, "userid": "abc"})
        {'userid': 'abc', 'title': 'Comet Quest'}

        `key_of(table, item)` makes keys of templates too, and says what is missing.
        """
        return {name: item[name] for name in self.keys}

    @cached_property
    def key_names(self) -> frozenset[str]:
        """The same without their order."""
        return frozenset(self.keys)

    @cached_property
    def key_attributes(self) -> tuple[str, ...]:
        """Every attribute whose type is sent to DynamoDB, each once: those of the key, then those of the indexes."""
        return tuple(dict.fromkeys([*self.keys, *(name for index in self.indexes for name in index.typed)]))

    @cached_property
    def ways(self) -> tuple[Index | None, ...]:
        """What a query or a scan can read: the table itself, which is None, and its indexes with keys."""
        return (None, *(index for index in self.indexes if index.has_key))

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
        """The index with this name; PlanError if there is none."""
        for index in self.indexes:
            if index.name == name:
                return index
        names = [index.name for index in self.indexes]
        meant = did_you_mean(name, names, "{!r}") or f"its indexes: {', '.join(names) or 'none'}"
        raise PlanError(f"table {self.name!r} has no index {name!r}; {meant}")

    @cached_property
    def codecs(self) -> dict[str, Codec]:
        """The codec of every declared attribute, and of every key attribute."""
        codecs = {name: codec_of(declared) for name, declared in self.attributes.items()}
        of_indexes = {name: codec for index in self.indexes for name, codec in index.codecs.items()}
        return {name: codec_of(str) for name in self.keys} | of_indexes | codecs

    @cached_property
    def decoders(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        """The attributes that have to be decoded when an item is read, each with its function."""
        return tuple((name, codec.decode) for name, codec in self.codecs.items() if codec.decode is not None)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The declared attributes, each with the types that it may be stored as and a function that checks members."""
        fits = [(name, fit_of(self.codecs[name])) for name in self.attributes]
        return tuple([(name, fit[0] | {type(None)}, fit[1]) for name, fit in fits if fit is not None])

    @cached_property
    def rules(self) -> dict[str, Attribute]:
        """The attributes that were declared with more than a type."""
        return {name: declared for name, declared in self.attributes.items() if isinstance(declared, Attribute)}

    @cached_property
    def derived(self) -> dict[str, Derived]:
        """The attributes that are made of others."""
        return {name: declared for name, declared in self.attributes.items() if isinstance(declared, Derived)}

    @cached_property
    def constants(self) -> dict[str, str]:
        """The attributes that have one value in all items: templates without parts.

        >>> Table("t", "pk", attributes={"pk": template("U#{user}"), "type": template("user")}).constants
        {'type': 'user'}
        """
        return {
            name: str(derived.value({}))
            for name, derived in self.derived.items()
            if derived.function is None and not derived.parts
        }

    @cached_property
    def sealed(self) -> frozenset[str]:
        """The attributes whose inside only a Codec knows, their own or that of their members.

        >>> Table("t", "id", attributes={"price": Codec(round, float, int), "day": dict[str, int]}).sealed
        frozenset({'price'})
        """
        return frozenset(name for name, codec in self.codecs.items() if any(one.sealed for one in codec.chain))

    @cached_property
    def watched(self) -> bool:
        """Whether expressions may name attributes that have to be refused."""
        return self.strict or bool(self.sealed)

    @cached_property
    def names(self) -> KeysView[str]:
        """Every attribute that the table names: in a key, declared, a part of a derived one, its version, its ttl.

        >>> [*Table("t", "pk", attributes={"pk": template("U#{user}"), "wins": int}, ttl="until").names]
        ['pk', 'wins', 'user', 'until']
        """
        parts = [part for derived in self.derived.values() for part in derived.parts]
        others = [name for name in (self.version, self.ttl) if name is not None]
        return dict.fromkeys([*self.key_attributes, *self.attributes, *parts, *others]).keys()

    @cached_property
    def reads_more(self) -> bool:
        """Whether more is read of an item than what is wanted: keys for their parts, the attribute of its kind.

        >>> Table("t", "pk").reads_more, Table("t", "pk", attributes={"pk": template("U#{user}")}).reads_more
        (False, True)
        """
        return bool(self.inverses)

    @cached_property
    def inverses(self) -> tuple[Inverse, ...]:
        """The templates of key attributes that can be read backwards, to fill in parts that an item does not have."""
        templates = ((name, self.derived[name]) for name in self.key_attributes if name in self.derived)
        inverses = (
            Inverse(name, derived, self.attributes, unique=name in self.keys)
            for name, derived in templates
            if derived.function is None
        )
        return tuple(inverse for inverse in inverses if inverse.parts)

    @cached_property
    def fillable(self) -> frozenset[str]:
        """The attributes that may be filled in on reading."""
        return frozenset(part for inverse in self.inverses for part in inverse.parts)

    @cached_property
    def as_stored(self) -> Table[Any]:
        """The table without its types: it reads items as they are stored, so that they can be compared with the store.

        A time or a float that another writer stored in another form would change if it were read and written again.
        """
        keys = {name: KEY_TYPES[str(self.kind(name))] for name in self.key_attributes}
        return replace(self, attributes=keys, version=None, strict=False)

    def kind(self, name: str) -> str | None:
        """DynamoDB's code for the type of an attribute; None if it is not declared, or may hold several."""
        codec = self.codecs.get(name)
        return codec.kind if codec else None


def _attributes_of(kind: Any, keys: tuple[str | None, ...]) -> dict[str, Any]:
    if not isinstance(kind, type) or not hasattr(kind, "__required_keys__"):
        named = f"the class {kind.__name__}" if isinstance(kind, type) else repr(kind)
        raise TypeError(
            f"Table.of takes a TypedDict first, such as Table.of(Score, 'GameScores', 'userid'), not {named}; "
            "items are dicts, and a TypedDict says what is in them"
        )
    return {name: field.type if name in keys else _needed(field) for name, field in declared_in(kind).items()}


def _needed(field: Field) -> Any:
    """What declares the attribute, with the rule that a put needs it, if it does; nobody sets a derived attribute."""
    if not field.required or isinstance(field.type, Derived):
        return field.type
    rule = field.type if isinstance(field.type, Attribute) else Attribute(field.type)
    return replace(rule, required=True)


def check_table(table: Any, more: str = "") -> None:
    """None for a table; else a TypeError, at whose end stands what `more` there is to say.

    >>> check_table("abc")
    Traceback (most recent call last):
    ...
    TypeError: expected a table, such as Table(...).on(connect(...)), not 'abc'
    """
    if not isinstance(table, Table):
        from flyexpr.expressions.mistakes import in_words  # here, so that `import flyexpr` is quick

        raise TypeError(f"expected a table, such as Table(...).on(connect(...)), not {in_words(table)}{more}")
