"""The error for a query that no index serves: why not, and the nearest fix."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import PlanError, nearest
from flyexpr.expressions.nodes import Between, Compare, Condition, Path, Value
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.requests.operations import Query
from flyexpr.requests.plan.bounds import options
from flyexpr.schema.derived.derived_items import missing_parts
from flyexpr.schema.derived.implied import known_values
from flyexpr.schema.indexes import Index
from flyexpr.schema.table import Table

Refusal = tuple[str, str, str | None]  # the message of an error, its hint, and why no query serves
Rejected = tuple[tuple[str, str], ...]  # the name of an index, and why it does not serve


def label(index: Index | None) -> str:
    """The name of an index, in sentences.

    >>> label(None), label(GlobalIndex("ByTitle", "title"))
    ('the table', 'ByTitle')
    """
    return "the table" if index is None else index.name


def no_index(table: Table, read: Query, parts: Sequence[Condition], rejected: Sequence[tuple[str, str]]) -> PlanError:
    """The error for a query that no index serves.

    >>> print(no_index(Table("t", "id"), query(eq("title", "x")), [eq("title", "x")], []))
    no index of 't' starts with `title`, and a query needs one partition key value
      condition: title = 'x'
      hint: add GlobalIndex("…", "title"), or use scan(...)
    """
    wanting = [(name, why) for name, why in rejected if not why.startswith("its partition key")]
    if wanting:
        message, hint, why = _cannot_give(table, read, wanting)
    elif unfinished := _unfinished_key(table, read.condition):
        message = f"a query of {table.name!r} needs one partition key value: {unfinished}"
        hint, why = "add eq(...) or is_in(...) for it, or use scan(...)", _NO_KEY
    else:
        message, hint, why = _no_partition(table, parts)
    return PlanError(message, condition=show(read.condition), hint=hint, why=why)


_NO_KEY = "the condition fixes no partition key value"


def _cannot_give(table: Table, read: Query, wanting: Sequence[tuple[str, str]]) -> Refusal:
    """The refusal where the keys of these indexes fit, and they lack something else."""
    shown = "; ".join(f"{name}: {why}" for name, why in wanting)
    hint = "ask for projected attributes with project=[...], or name the index with index="
    return (
        f"no index of {table.name!r} can give what this query asks for ({shown})",
        "leave consistent=True out" if read.consistent else hint,
        None,
    )


def _no_partition(table: Table, parts: Sequence[Condition]) -> Refusal:
    """The refusal where the condition fixes no partition key."""
    equal = [str(path.parts[0]) for part in parts for path in paths(part) if options(part, str(path.parts[0]))]
    if not equal:
        indexes = [index for index in table.ways if index is None or index.partition_keys]
        starts = ", ".join(_start(table, index) for index in indexes)
        if other := _compared_with_an_attribute(table, indexes, parts):
            key, attribute = other
            return (
                f"a query of {table.name!r} needs one partition key value, and `{attribute}` is an attribute",
                f"for the text write eq({key!r}, {attribute!r}), or {key} = '{attribute}' in a text",
                _NO_KEY,
            )
        return (
            f"a query of {table.name!r} needs one partition key value, and the condition fixes none",
            f"add eq(...) for one of: {starts}; or use scan(...)",
            _NO_KEY,
        )
    why = f"no index of {table.name!r} starts with {' or '.join(f'`{name}`' for name in equal)}"
    return (
        f"{why}, and a query needs one partition key value",
        f"{_likely_meant(table, equal)}add {_proposed_index(equal[0], parts)}, or use scan(...)",
        why,
    )


def _compared_with_an_attribute(
    table: Table, indexes: Sequence[Index | None], parts: Sequence[Condition]
) -> tuple[str, str] | None:
    """A partition key that equals an attribute, and that attribute: for a text people forget its quotes."""
    keys = {name for index in indexes for name in table.partition_keys_of(index)}
    for part in parts:
        match part:
            case Compare("=", Path((str(left),)), Path((str(right),))) if left in keys or right in keys:
                return (left, right) if left in keys else (right, left)
    return None


def _likely_meant(table: Table, names: Sequence[str]) -> str:
    """A question where one of the names is nearly a partition key or a part of one; empty for names the table has."""
    keys = {
        name: (name == key, index)
        for index in reversed(table.ways)
        for key in table.partition_keys_of(index)
        for name in (*(table.derived[key].parts if key in table.derived else ()), key)
    }
    known = {*table.attributes, *table.key_attributes, *keys}
    for name in names:
        near = nearest(name, keys) if name not in known else ""
        if near:
            whole, index = keys[near]
            role = f"{'the' if whole else 'a part of the'} partition key{f' of {index.name}' if index else ''}"
            return f"did you mean `{near}`, {role}? Otherwise "
    return ""


def _unfinished_key(table: Table, condition: Condition) -> str:
    """What to say where the condition gives some parts of a derived partition key, and not all of them."""
    known = known_values(condition)
    begun = (name for name, derived in table.derived.items() if not known.keys().isdisjoint(derived.parts))
    names = {name for index in table.ways for name in table.partition_keys_of(index)}
    return next((missing_parts(table, name, known) for name in begun if name in names), "")


def _start(table: Table, index: Index | None) -> str:
    keys = ", ".join(f"`{name}`" for name in table.partition_keys_of(index))
    return f"{keys} ({label(index)})"


def _proposed_index(partition: str, parts: Sequence[Condition]) -> str:
    for part in parts:
        match part:
            case Compare("<" | "<=" | ">" | ">=", Path((name,)), Value()) | Between(Path((name,))):
                return f'GlobalIndex("…", "{partition}", "{name}")'
    return f'GlobalIndex("…", "{partition}")'
