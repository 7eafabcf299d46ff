"""Random values, items, paths, conditions, updates and tables, from small pools, so that they often match."""

from decimal import Decimal
from typing import Any

import related
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from flyexpr import (
    ExpressionError,
    F,
    GlobalIndex,
    LocalIndex,
    Table,
    all_of,
    any_of,
    begins_with,
    between,
    contains,
    exists,
    if_not_exists,
    is_in,
    not_exists,
    size,
    type_is,
)
from flyexpr.expressions.check import check
from flyexpr.expressions.nodes import Action, Arithmetic, Between, Call, Compare, Condition, Operand, Path
from flyexpr.expressions.terms import Term, node_of, operand
from flyexpr.values.freeze import freeze
from flyexpr.values.types import TYPES

# values

ODD_NAMES = ("status", "size", "null", "x", "AND", "a.b", "l[0]", "odd name", '"', "#0", "_é😀", "\x00")
NAMES = ("a", "b", "c", *ODD_NAMES)
TOP_NAMES = (*NAMES[:9], "n" * 300)  # of attributes


@st.composite
def decimals(draw: st.DrawFn) -> int | Decimal:
    """A number of up to 38 digits anywhere in DynamoDB's range, of the type in which it reads back."""
    digits = draw(st.integers(1, 10**38 - 1))
    exponent = draw(st.integers(-130, 125 - (len(str(digits)) - 1)))
    return freeze(Decimal((draw(st.integers(0, 1)), tuple(map(int, str(digits))), exponent)))[1]


odd_numbers = st.sampled_from([Decimal("0.5"), Decimal("-1.5"), related.LONG.copy_negate(), 10**125, *related.ENDS])
numbers: SearchStrategy[Any] = st.integers(-3, 3) | odd_numbers | decimals()
texts = st.sampled_from(["", "a", "b", "ab", "｡", "😀", "é", "a'b"]) | st.text(max_size=4)
blobs = st.sampled_from([b"", b"a", b"\x00\xd0", b"ab"]) | st.binary(max_size=4)
sets: SearchStrategy[Any] = st.one_of([st.sets(each, min_size=1, max_size=3) for each in (texts, numbers, blobs)])
scalars = st.one_of(texts, numbers, blobs, st.booleans(), st.none())
names = st.sampled_from(NAMES)
values: SearchStrategy[Any] = st.recursive(
    scalars | sets,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
    max_leaves=6,
)
unlike = st.dictionaries(st.sampled_from(TOP_NAMES), values, max_size=6)
items: SearchStrategy[dict[str, Any]] = unlike | related.items | related.items
ordered = st.one_of(texts, numbers, blobs)
_halves = st.characters(categories=["Cs"])  # of a surrogate pair, alone; no table stores them
half_texts = st.builds(lambda start, half, end: start + half + end, st.sampled_from(["", "a", "é"]), _halves, texts)
small_maps = st.dictionaries(names, values, max_size=2)
half_values: SearchStrategy[Any] = st.recursive(
    half_texts
    | st.sets(half_texts, min_size=1, max_size=2)
    | st.dictionaries(half_texts, values, min_size=1, max_size=2),
    lambda below: (
        st.tuples(values, below) | st.builds(lambda half, name, more: more | {name: half}, below, names, small_maps)
    ),
    max_leaves=2,
)

# conditions

steps = names | st.integers(0, 2)
paths = st.builds(lambda name, rest: Path((name, *rest)), names, st.lists(steps, max_size=2))
shallow = st.builds(lambda name, rest: Path((name, *rest)), st.sampled_from(TOP_NAMES), st.lists(steps, max_size=1))
sizes = st.builds(size, paths | st.builds(lambda name: F[name], names))
places: SearchStrategy[Any] = shallow | paths | sizes  # operands for the left side
constants = st.builds(operand, values)
operands: SearchStrategy[Any] = places.map(lambda one: node_of(one) if isinstance(one, Term) else one) | constants
comparisons = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def _bounds(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    low, high = pair
    return pair if freeze(low)[1] <= freeze(high)[1] else (high, low)


bounds = st.one_of([st.tuples(each, each).map(_bounds) for each in (texts, numbers, blobs)])
leaves: SearchStrategy[Condition] = st.one_of(
    related.leaves,
    related.leaves,
    related.pairs(),
    st.builds(Compare, comparisons, operands, operands),
    st.builds(lambda path, pair: between(path, *pair), places, bounds),
    st.builds(between, places, shallow, shallow),
    st.builds(is_in, places, st.lists(operands, min_size=1, max_size=3)),
    st.builds(begins_with, places, st.one_of(texts, blobs, shallow)),
    st.builds(contains, places, values | shallow),
    st.builds(type_is, places, st.sampled_from(TYPES)),
    st.builds(exists, paths),
    st.builds(not_exists, paths),
)


def accepted(expression: Any) -> bool:
    """True for an expression that `check` accepts."""
    try:
        check(expression)
    except ExpressionError:
        return False
    return True


def trees(leaf: SearchStrategy[Condition], width: int = 3) -> SearchStrategy[Condition]:
    """Conditions built of those leaves with `&`, `|` and `~`."""
    return st.recursive(
        leaf,
        lambda below: st.one_of(
            st.builds(lambda parts: all_of(*parts), st.lists(below, min_size=1, max_size=width)),
            st.builds(lambda parts: any_of(*parts), st.lists(below, min_size=1, max_size=width)),
            st.builds(lambda part: ~part, below),
        ),
        max_leaves=6,
    )


any_conditions = trees(leaves)
conditions = trees(leaves.filter(accepted))
meetings = conditions.flatmap(lambda condition: st.tuples(st.just(condition), related.items_for(condition) | unlike))
with_constants = trees(leaves.filter(accepted) | st.sampled_from([all_of(), any_of()]))  # TRUE and FALSE among them

# conditions that often share an operand

_close_paths = st.sampled_from([Path(("a",)), Path(("b",))])
_close_values = st.sampled_from([operand(one) for one in (1, 2, 3, "a", "ab", "b", True)])
close_leaves: SearchStrategy[Condition] = st.one_of(
    st.builds(Compare, comparisons, _close_paths, _close_values),
    st.builds(Compare, comparisons, _close_values, _close_paths),
    st.builds(Between, _close_paths, _close_values, _close_values),
    st.builds(begins_with, _close_paths, st.sampled_from(["a", "ab", "b"])),
    st.builds(is_in, _close_paths, st.lists(_close_values, min_size=1, max_size=2)),
    st.builds(exists, _close_paths),
    st.builds(not_exists, _close_paths),
)
close_conditions = st.lists(close_leaves, min_size=2, max_size=3).map(all_of) | trees(close_leaves)
close_items = [
    {name: value for name, value in (("a", a), ("b", b)) if value is not None}
    for a in (None, 0, 1, 2, 2.5, 3, 4, "a", "ab", "abc", "b", True)
    for b in (None, 1, "ab")
]

# updates

targets = st.builds(lambda name, rest: Path((name, *rest)), st.sampled_from(TOP_NAMES), st.lists(steps, max_size=1))
plain: SearchStrategy[Any] = shallow | constants
or_else = st.builds(lambda path, value: node_of(if_not_exists(path, value)), shallow, plain)
lists = st.builds(operand, st.lists(scalars, max_size=2))
amounts: SearchStrategy[Any] = st.one_of(shallow, st.builds(operand, numbers), or_else)
assigned: SearchStrategy[Operand] = st.one_of(
    plain,
    or_else,
    st.builds(lambda first, second: Call("list_append", (first, second)), shallow | lists, shallow | lists | or_else),
    st.builds(Arithmetic, st.sampled_from("+-"), amounts, amounts),
)
actions = st.one_of(
    st.builds(Action, st.just("SET"), targets, assigned),
    st.builds(Action, st.just("REMOVE"), targets, st.none()),
    st.builds(Action, st.just("ADD"), targets, st.builds(operand, numbers | sets)),
    st.builds(Action, st.just("DELETE"), targets, st.builds(operand, sets)),
)
wild_actions = (
    actions
    | related.actions
    | st.builds(
        Action,
        st.just("SET"),
        targets,
        st.recursive(
            plain,
            lambda below: st.one_of(
                st.builds(Arithmetic, st.sampled_from("+-"), below, below),
                st.builds(
                    lambda function, *arguments: Call(function, arguments),
                    st.sampled_from(["list_append", "if_not_exists", "size"]),
                    below,
                    below,
                ),
            ),
            max_leaves=4,
        ),
    )
)


updates = st.lists(actions | related.actions, min_size=1, max_size=4).map(related.compatible).filter(accepted)
any_updates = st.lists(wild_actions, min_size=1, max_size=3).map(related.compatible)

# tables: each attribute always has the same type, so that it may be a key

TYPES: dict[str, Any] = {"pk": str, "sk": int, "t": str, "n": int, "s": str, "b": bytes, "m": int, "f": str}
POOLS: dict[Any, SearchStrategy[Any]] = {
    str: st.sampled_from(["a", "ab", "b", "é", "😀"]),
    int: st.sampled_from([-1, 0, 1, 2, 10]),
    bytes: st.sampled_from([b"\x00", b"a", b"ab", b"\xff"]),
}
EMPTY = {str: st.just(""), bytes: st.just(b"")}  # not allowed as keys, but allowed in conditions
attributes = st.sampled_from([*TYPES])


def _distinct(names: list[str], low: int, high: int) -> SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=low, max_size=high, unique=True).map(tuple)


projections = st.sampled_from(["all", "all", "keys"]) | st.lists(st.sampled_from(["m", "f"]), min_size=1, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table with or without a sort key and with up to three indexes, some with several key attributes."""
    sort_key = draw(st.sampled_from(["sk", "s", "b", None]))
    indexes: list[GlobalIndex | LocalIndex] = []
    for number in range(draw(st.integers(0, 3))):
        project = draw(projections)
        if sort_key and draw(st.booleans()):
            indexes.append(LocalIndex(f"Local{number}", draw(st.sampled_from(["n", "t", "m"])), project))
        else:
            keys = draw(_distinct([*TYPES], 1, 4))
            split = draw(st.integers(1, len(keys)))
            indexes.append(GlobalIndex(f"Global{number}", keys[:split], keys[split:] or None, project))
    kept = {name: TYPES[name] for name in TYPES if name not in ("t", "f") or draw(st.booleans())}
    return Table("things", "pk", sort_key, attributes=kept, indexes=indexes)


@st.composite
def things(draw: st.DrawFn, table: Table) -> list[dict[str, Any]]:
    """Items for such a table, with different keys; any attribute but the key may be missing."""
    found: dict[Any, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 12))):
        item = {
            name: draw(POOLS[kind]) for name, kind in TYPES.items() if name in table.keys or draw(st.integers(0, 3))
        }
        found[tuple(item[name] for name in table.keys)] = item
    return list(found.values())


@st.composite
def asked(draw: st.DrawFn, names: SearchStrategy[str] = attributes) -> Condition:
    """A simple condition on one attribute of such items, with constants of the attribute's type."""
    name = draw(names)
    pool, path = POOLS[TYPES[name]], Path((name,))
    pool |= EMPTY.get(TYPES[name], pool) if draw(st.integers(0, 3)) == 0 else pool
    low, high = sorted([draw(pool), draw(pool)])
    shapes = [
        Compare(draw(comparisons), path, operand(low)),
        Compare(draw(comparisons), operand(low), path),
        between(path, low, high),
        is_in(path, draw(st.lists(pool, min_size=1, max_size=3))),
        exists(path),
        not_exists(path),
        begins_with(path, low) if TYPES[name] is not int else Compare("=", path, operand(low)),
        Compare("<>", path, Path((draw(attributes.filter(lambda other: other != name)),))),
    ]
    return draw(st.sampled_from(shapes))


@st.composite
def key_equalities(draw: st.DrawFn, table: Table) -> Condition:
    """A value or a list of values for each partition key attribute of the table or of one index."""
    index = draw(st.sampled_from([None, *table.indexes]))
    parts = []
    for name in table.partition_keys_of(index):
        pool = POOLS[TYPES[name]]
        one = st.builds(lambda value, name=name: Compare("=", Path((name,)), operand(value)), pool)
        several = st.builds(is_in, st.just(Path((name,))), st.lists(pool, min_size=1, max_size=3))
        parts.append(draw(st.one_of(one, one, several)))
    return all_of(parts)


@st.composite
def questions(draw: st.DrawFn, table: Table) -> Condition:
    """A condition that mostly has what a query needs, and more: often several conditions on one key attribute."""
    parts = [draw(key_equalities(table))] if draw(st.integers(0, 9)) else []
    if draw(st.booleans()):
        one = draw(st.sampled_from(table.key_attributes))
        parts += draw(st.lists(asked(st.just(one)), min_size=2, max_size=3))
    parts += draw(st.lists(trees(asked()), min_size=0 if parts else 1, max_size=3))
    return all_of(draw(st.permutations(parts)))
