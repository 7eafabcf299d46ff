"""Several descriptors of one table, as one table value: each item is read and written by the descriptor of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

from flyexpr.engine import AsyncEngine, Engine
from flyexpr.errors import FlyexprError, ValidationError, did_you_mean
from flyexpr.expressions.nodes import And, Compare, Condition, In, Or, Path, Value
from flyexpr.records import fill, record, replace
from flyexpr.schema.codecs import KEY_TYPES, Attribute, codec_of
from flyexpr.schema.declared import Declared
from flyexpr.schema.derived.read_templates import Inverse
from flyexpr.schema.derived.templates import Derived
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table
from flyexpr.values.foreign import meaning, standard
from flyexpr.values.freeze import thaw
from flyexpr.values.numbers import Number
from flyexpr.values.types import Item, T

By = str | Callable[[Item], Any]
Names = frozenset[str | None]  # of kinds; None stands for all that are unknown


@record
class Kinds(Table[T]):
    """A table with items of several kinds; `kinds` makes it.

    >>> shop = kinds({"customer": Table("Shop", "pk"), "order": Table("Shop", "pk")}, by="type")
    >>> shop.of_stored({"pk": "a", "type": "order"}) == shop["order"], shop.of_stored({"pk": "a"}).attributes
    (True, {'pk': str})

    As a table it has what the kinds have in common, and the indexes of all of them.
    """

    kinds: Mapping[str, Table[Any]]
    by: By

    _public = Table._public | {"kinds", "by"}

    def __init__(self, kinds: Mapping[str, Table[Any]], by: By) -> None:
        fill(self, kinds=Declared(kinds), by=by)
        tables = self._by_name
        first = tables[0][1]
        Table.__init__(
            self,
            first.name,
            first.partition_key,
            first.sort_key,
            attributes=_common_types(tables) | {name: _plain_type(tables, name) for name in first.key_attributes},
            indexes=first.indexes,
            throughput=_agreed(tables, "throughput", None),
            ttl=_agreed(tables, "ttl", None),
            stream=_agreed(tables, "stream", None),
            tags=_agreed(tables, "tags", Declared({})),
            deletion_protection=_agreed(tables, "deletion_protection", False),
            strict=all(table.strict for _, table in tables),
            engine=_agreed(tables, "engine", None),
        )

    @property
    def _by_name(self) -> Sequence[tuple[str, Table[Any]]]:
        return tuple(self.kinds.items())

    @cached_property
    def as_stored(self) -> Table[Any]:
        """The table without any types but those of its keys: for items of an unknown kind."""
        keys = {name: _plain_type(self._by_name, name) for name in self.key_attributes}
        return Table(*_address(self), attributes=keys, indexes=self.indexes, engine=self.engine)

    @cached_property
    def names(self) -> KeysView[str]:
        """Every attribute that any of the kinds names."""
        return dict.fromkeys(name for table in self.kinds.values() for name in table.names).keys()

    @cached_property
    def derived(self) -> dict[str, Derived]:
        """The attributes that any of the kinds makes of others; of those of one name, that of the first kind."""
        return {name: made for _, table in reversed(self._by_name) for name, made in table.derived.items()}

    @cached_property
    def reads_more(self) -> bool:
        """True: the attribute that names the kind is always read."""
        return True

    @cached_property
    def inverses(self) -> tuple[Inverse, ...]:
        """The templates of all kinds that can be read backwards."""
        return tuple(_inverses(self._by_name))

    @cached_property
    def speakers(self) -> Mapping[str, Table[Any]]:
        """For attributes of keys, and for the time to live, the descriptor that says what all kinds hold there."""
        alike = self.key_attributes if self.ttl is None else (*self.key_attributes, self.ttl)
        return dict(_speakers(alike, self._by_name))

    def __getitem__(self, name: str) -> Table[Any]:
        try:
            table: Table[Any] = self.kinds[name]
        except (KeyError, TypeError):
            raise FlyexprError(f"table {self.name!r} has no kind {name!r}; {self._known(name)}") from None
        return table

    __repr__ = Table.__repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return Kinds, (self.kinds, self.by)

    def on(self, engine: Engine | AsyncEngine) -> Kinds[T]:
        """A copy bound to an engine, with all of its kinds."""
        return self._each(lambda table: table.on(engine))

    def named(self, name: str) -> Kinds[T]:
        """A copy with another physical name; `{}` in it stands for the present one."""
        return self._each(lambda table: table.named(name))

    def _each(self, change: Callable[[Table[Any]], Table[Any]]) -> Kinds[T]:
        return Kinds({name: change(table) for name, table in self.kinds.items()}, self.by)

    def of_stored(self, item: Mapping[str, Any]) -> Table[Any]:
        """The descriptor of a stored item; `as_stored`, which changes nothing, for one of an unknown kind."""
        by = self.by
        name = item.get(by) if isinstance(by, str) else self._name_of(item)
        if type(name) is not str:
            name = standard(name)
        return self.kinds.get(name, self.as_stored) if isinstance(name, str) else self.as_stored

    def of_new(self, item: Mapping[str, Any]) -> Table[Any]:
        """The descriptor of an item that is to be written; ValidationError for one of an unknown kind."""
        name = self._name_of(item)
        if isinstance(name, str) and name in self.kinds:
            return self.kinds[name]
        at = self.by if isinstance(self.by, str) else ""
        if name is None:
            first = next(iter(self.kinds))
            raise ValidationError(
                f"an item of {self.name!r} needs its kind",
                at=at,
                hint=f"{self._known('')}; or put it by its descriptor: put(table[{first!r}], item)",
            )
        raise ValidationError(f"{name!r} is not a kind of {self.name!r}", at=at, hint=self._known(name))

    def _name_of(self, item: Mapping[str, Any]) -> Any:
        if isinstance(self.by, str):
            return standard(item.get(self.by))
        try:
            return standard(self.by(dict(item)))
        except Exception as error:  # a function of the user may raise anything
            failure = ValidationError(f"by= cannot tell the kind of this item: {type(error).__name__}: {error}")
            failure.item = dict(item)
            raise failure from error

    def _known(self, name: Any) -> str:
        meant = did_you_mean(str(name), self.kinds, "{!r}")
        return f"{meant and f'{meant} '}the kinds are {', '.join(map(repr, self.kinds))}"

    def names_in(self, condition: Condition, names: Names) -> Names:
        """Those of the kinds whose items can match, as far as the condition is on the attribute that names the kind.

        >>> shop = kinds({"customer": Table("Shop", "pk"), "order": Table("Shop", "pk")}, by="type")
        >>> shop.names_in(eq("type", "order") & gt("total", 3), frozenset({"customer", "order", None}))
        frozenset({'order'})
        """
        match condition:
            case And(parts):
                for part in parts:
                    names = self.names_in(part, names)
            case Or(parts) if parts:
                names = frozenset[str | None]().union(*(self.names_in(part, names) for part in parts))
            case Compare("=", Path((attribute,)), Value() as value) if attribute == self.by:
                names &= self._named(value)
            case In(Path((attribute,)), options) if attribute == self.by:
                constants = [one for one in options if isinstance(one, Value)]
                names &= self._named(*constants) if len(constants) == len(options) else names
        return names

    def _named(self, *values: Value) -> Names:
        names = (meaning(thaw((value.kind, value.body)))[1] for value in values)
        return frozenset(name if isinstance(name, str) and name in self.kinds else None for name in names)

    @property
    def every(self) -> Names:
        """The names of all kinds, and None for those that are unknown."""
        return frozenset([*self.kinds, None])


@overload
def kinds(descriptors: Mapping[str, Table[T]], by: By) -> Kinds[T]: ...
@overload
def kinds(descriptors: Mapping[str, Table[Any]], by: By) -> Kinds[Any]: ...
def kinds(descriptors: Mapping[str, Table[Any]], by: By) -> Kinds[Any]:
    """One table value of several descriptors of one table, each for the items of its kind.

    >>> customers = Table("Shop", "pk", "sk", attributes={"pk": template("C#{customer}"), "sk": template("PROFILE")})
    >>> orders = Table("Shop", "pk", "sk", attributes={"pk": template("C#{customer}"), "sk": template("O#{order:04d}"),
    ...                                                "order": int, "total": float})
    >>> shop = kinds({"customer": customers, "order": orders}, by="type").on(connect("sqlite::memory:"))
    >>> run(shop, create_table())
    >>> put(shop, {"type": "customer", "customer": "ada"})
    >>> put(shop["order"], {"customer": "ada", "order": 7, "total": 9.5})
    >>> [(item["type"], item.get("total")) for item in run(shop, query(eq("customer", "ada")))]
    [('order', 9.5), ('customer', None)]

    `by` is the attribute that names the kind, or a function of the item, as it is stored, that gives the name. An item
    of an unknown kind comes as it is stored, and cannot be put. `shop["order"]` is the descriptor of one kind; its puts
    fill in the attribute that names the kind. (If a descriptor declares that attribute as an Enum or with a codec, it
    needs a default, or a value in each item.) Each kind has the indexes of all.
    """
    _check_given(descriptors, by)
    tables = tuple(descriptors.items())
    for name, table in tables[1:]:
        if _address(table) != _address(tables[0][1]):
            raise FlyexprError(
                f"kinds are descriptors of one table: {tables[0][0]!r} is of {_shown_address(tables[0][1])}, "
                f"and {name!r} is of {_shown_address(table)}"
            )
    engine = _agreed(tables, "engine", None)
    indexes = _all_indexes(tables)
    completed = ((name, replace(table, indexes=indexes, engine=engine)) for name, table in tables)
    return Kinds({name: _completed(name, table, tables, by) for name, table in completed}, by)


def _check_given(descriptors: Any, by: Any) -> None:
    if not isinstance(descriptors, Mapping) or not descriptors:
        raise TypeError(f"kinds takes a dict of names and tables, such as {{'order': orders}}, not {descriptors!r}")
    if not callable(by) and not (isinstance(by, str) and by):
        raise TypeError(f"by= takes the name of an attribute, or a function of the item, not {by!r}")
    for name, table in descriptors.items():
        if not isinstance(name, str) or not isinstance(table, Table) or isinstance(table, Kinds):
            raise TypeError(f"kinds takes a dict of names and tables, not {name!r}: {table!r}")


def descriptor_of(table: Table[Any], item: Mapping[str, Any]) -> Table[Any]:
    """The descriptor of a stored item: the table itself, unless it has several kinds.

    >>> descriptor_of(scores, {"userid": "abc"}) is scores
    True
    """
    return table.of_stored(item) if isinstance(table, Kinds) else table


def kinds_in(table: Table[Any]) -> Sequence[Table[Any]]:
    """The descriptors of all kinds; for any other table, the table itself.

    >>> len(kinds_in(scores)), len(kinds_in(kinds({"score": scores, "player": scores}, by="type")))
    (1, 2)
    """
    return tuple(table.kinds.values()) if isinstance(table, Kinds) else (table,)


def paths_of_kind(table: Table[Any]) -> tuple[Path, ...] | None:
    """What has to be read of an item to know its kind; None for the whole item.

    >>> paths_of_kind(scores), paths_of_kind(kinds({"score": scores}, by="type"))
    ((), (F.type,))
    """
    if not isinstance(table, Kinds):
        return ()
    return (Path((table.by,)),) if isinstance(table.by, str) else None


def narrowed(table: Table[Any], condition: Condition) -> Table[Any]:
    """The descriptor of the only kind whose items can match; the table itself if there are several, or unknown ones.

    >>> shop = kinds({"customer": Table("Shop", "pk"), "order": Table("Shop", "pk")}, by="type")
    >>> narrowed(shop, eq("type", "order")) == shop["order"], narrowed(shop, eq("pk", "a")) is shop
    (True, True)
    """
    if not isinstance(table, Kinds):
        return table
    name, *others = table.names_in(condition, table.every) or {None}
    return table if name is None or others else table[name]


def _address(table: Table[Any]) -> tuple[str, str, str | None]:
    return table.name, table.partition_key, table.sort_key


def _shown_address(table: Table[Any]) -> str:
    return f"{table.name!r} ({', '.join(table.keys)})"


def _agreed(tables: Sequence[tuple[str, Table[Any]]], option: str, default: Any) -> Any:
    """The option of a table that those kinds which have it agree on."""
    given = [(name, value) for name, table in tables if (value := getattr(table, option)) != default]
    for name, value in given[1:]:
        if value != given[0][1]:
            raise FlyexprError(
                f"kinds {given[0][0]!r} and {name!r} have different {option}=: {given[0][1]!r} and {value!r}"
            )
    return given[0][1] if given else default


def _all_indexes(tables: Sequence[tuple[str, Table[Any]]]) -> tuple[Index, ...]:
    indexes: dict[str, tuple[str, Index]] = {}
    for name, table in tables:
        for index in table.indexes:
            other, same = indexes.setdefault(index.name, (name, index))
            if same != index:
                raise FlyexprError(f"kinds {other!r} and {name!r} declare index {index.name!r} differently")
    return tuple(index for _, index in indexes.values())


def _completed(name: str, table: Table[Any], tables: Sequence[tuple[str, Table[Any]]], by: By) -> Table[Any]:
    """The descriptor, which also knows the keys of the other kinds' indexes, and the attribute that names the kind."""
    keys = {key: _plain_type(tables, key) for key in table.key_attributes if key not in table.attributes}
    types = {key: plain for key, plain in keys.items() if plain is not str}  # as key attributes are stored without it
    named = {by: _always(name, table.attributes.get(by, str))} if isinstance(by, str) and by not in table.keys else {}
    if not types and not named:
        return table
    attributes = {**named, **types, **table.attributes, **named}  # the name stands first: keys are made of it
    return replace(table, attributes=Declared(attributes))


def _always(name: str, declared: Any) -> Any:
    """The attribute that names the kind: text is filled in; another type needs a default, or is given in each item."""
    if isinstance(declared, Derived):
        return declared
    if _bare(declared) is str:
        return Derived((), None, name.replace("{", "{{").replace("}", "}}"))
    ruled = declared if isinstance(declared, Attribute) else Attribute(declared)
    return ruled if ruled.default is not None else replace(ruled, required=True)


def _plain_type(tables: Sequence[tuple[str, Table[Any]]], name: str) -> Any:
    """How a key attribute is stored by the kinds that declare it: they have to agree."""
    stored = [(kind, table.kind(name)) for kind, table in tables if name in table.attributes] or [("", "S")]
    first, code = stored[0]
    for kind, other in stored:
        if other != code:
            raise FlyexprError(
                f"kinds {first!r} and {kind!r} store the key attribute `{name}` differently: as {code} and as {other}"
            )
    return KEY_TYPES.get(str(code), str)


def _common_types(tables: Sequence[tuple[str, Table[Any]]]) -> dict[str, Any]:
    """The types that all kinds declare alike, rules and templates aside."""
    types: dict[str, list[Any]] = {}
    for _, table in tables:
        for name, declared in table.attributes.items():
            types.setdefault(name, []).append(_bare(declared))
    return {name: each[0] for name, each in types.items() if all(one == each[0] for one in each)}


def _speakers(keys: Iterable[str], tables: Sequence[tuple[str, Table[Any]]]) -> Iterator[tuple[str, Table[Any]]]:
    """The descriptor that speaks for all kinds, for each key of which some of them say more than how it is stored."""
    for key in keys:
        types = [(_bare(table.attributes[key]), table) for _, table in tables if key in table.attributes]
        telling = [(declared, table) for declared, table in types if declared not in (str, Number, bytes)]
        if telling and all(declared == telling[0][0] for declared, _ in telling):
            yield key, telling[0][1]


def _bare(declared: Any) -> Any:
    return _bare(declared.type) if isinstance(declared, (Attribute, Derived)) else declared


def _inverses(tables: Sequence[tuple[str, Table[Any]]]) -> Iterator[Inverse]:
    """The templates of all kinds that can be read backwards, those of several kinds once."""
    seen = list[Any]()
    for _, table in tables:
        for inverse in table.inverses:
            derived = table.derived[inverse.name]
            same = inverse.name, derived, [codec_of(table.attributes.get(part, str)) for part in derived.parts]
            if same not in seen:
                seen.append(same)
                yield inverse
