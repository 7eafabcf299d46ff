"""Random conditions, updates and items that share a few attributes, each of one type and few values.

Independent random expressions and items seldom have an attribute in common, and a wrong rule shows only where they do.
Here each condition and action is drawn by kind, and its constants come from the attribute's own values.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from flyexpr import ExpressionError
from flyexpr.expressions.nodes import (
    Action,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Operand,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.expressions.terms import operand
from flyexpr.values.freeze import thaw
from flyexpr.values.types import TYPES

# values: text of one to four bytes and of one and two UTF-16 units a character; the ends of the numbers

LONG = Decimal("1.2345678901234567890123456789012345678")  # 38 digits, ten more than Python's own arithmetic keeps
ENDS = [Decimal("1E-130"), -(10**38 - 1) * 10**88, LONG]
TEXTS = st.sampled_from(["", "a", "b", "ab", "é", "aé", "｡", "😀"])
NUMBERS: SearchStrategy[Any] = st.integers(-1, 2) | st.sampled_from([Decimal("0.5"), 10, *ENDS])
BLOBS = st.sampled_from([b"", b"a", b"b", b"ab", b"\x00", b"\xff"])
STRING_SETS = st.sets(st.sampled_from(["", "a", "b", "é"]), min_size=1)
NUMBER_SETS: SearchStrategy[Any] = st.sets(st.sampled_from([0, 1, 2, Decimal("0.5")]), min_size=1)
BINARY_SETS = st.sets(st.sampled_from([b"", b"a", b"\xff"]), min_size=1)
SMALL: SearchStrategy[Any] = TEXTS | st.integers(-1, 3) | st.booleans() | st.none() | STRING_SETS
LISTS = st.lists(SMALL, max_size=3)
MAPS = st.fixed_dictionaries({}, optional={"a": TEXTS, "n": NUMBERS, "s": STRING_SETS, "l": LISTS})
ATTRIBUTES: dict[str, SearchStrategy[Any]] = {
    **dict.fromkeys("ab", TEXTS),
    **dict.fromkeys("nm", NUMBERS),
    **dict.fromkeys("xy", BLOBS),
    **dict.fromkeys("st", STRING_SETS),
    **dict.fromkeys("cd", NUMBER_SETS),
    **dict.fromkeys("lk", LISTS),
    "z": BINARY_SETS,
    "o": MAPS,
    "flag": st.booleans() | st.none(),
}
ANY = st.one_of([*ATTRIBUTES.values()])
PLACES: dict[tuple[Any, ...], SearchStrategy[Any]] = {
    **{(name,): pool for name, pool in ATTRIBUTES.items()},
    ("o", "a"): TEXTS,
    ("o", "n"): NUMBERS,
    ("o", "s"): STRING_SETS,
    ("o", "l", 1): SMALL,
    ("l", 0): SMALL,
}
Place = tuple[Any, ...]


@st.composite
def related_items(draw: st.DrawFn) -> dict[str, Any]:
    """An item that has most of the attributes, mostly with values of the usual type."""
    item = draw(st.fixed_dictionaries(ATTRIBUTES))
    for name in draw(st.lists(st.sampled_from([*ATTRIBUTES]), max_size=4)):
        item.pop(name, None)
    return item | draw(st.dictionaries(st.sampled_from([*ATTRIBUTES]), ANY, max_size=2))


items = related_items()


@st.composite
def items_for(draw: st.DrawFn, condition: Condition) -> dict[str, Any]:
    """An item in which an attribute of the condition often has one of the condition's constants, or a longer one."""
    item, parts = draw(items), [*_operands(condition)]
    constants = [part for part in parts if isinstance(part, Value)]
    names = [part.parts[0] for part in parts if isinstance(part, Path) and part.parts[0] in ATTRIBUTES]
    if names and constants and draw(st.booleans()):
        constant = draw(st.sampled_from(constants))
        item[draw(st.sampled_from(names))] = draw(st.sampled_from(_with_longer(thaw((constant.kind, constant.body)))))
    return item


def _with_longer(value: Any) -> list[Any]:
    """The value; with text and bytes as often longer ones that begin or end with it."""
    match value:
        case str():
            return [value, value, f"{value}e", f"e{value}"]
        case bytes():
            return [value, value, value + b"e", b"e" + value]
    return [value]


def _operands(node: Any) -> Iterator[Operand]:
    if isinstance(node, (Path, Value)):
        yield node
    elif not isinstance(node, (str, Call)):  # what is measured by size() keeps its own value
        for part in node if isinstance(node, tuple) else [getattr(node, name) for name in node.__match_args__]:
            yield from _operands(part)


def meetings(conditions: SearchStrategy[Condition]) -> SearchStrategy[tuple[Condition, dict[str, Any]]]:
    """Such conditions, each with an item that it may match."""
    return conditions.flatmap(lambda condition: st.tuples(st.just(condition), items_for(condition)))


def places(*pools: SearchStrategy[Any]) -> SearchStrategy[Place]:
    """Document paths to values of these pools, or of all pools."""
    return st.sampled_from([place for place, pool in PLACES.items() if pool in pools or not pools])


@st.composite
def others(draw: st.DrawFn, place: Place) -> Operand:
    """An operand to compare with: mostly a value that the attribute may have, or another attribute of its type."""
    turn = draw(st.integers(0, 9))
    if turn < 2:
        return Path(draw(places(PLACES[place])))
    return operand(draw(ANY if turn == 2 else PLACES[place]))


# the kinds of conditions

SIGNS = ("=", "<>", "<", "<=", ">", ">=")
ORDERED = (TEXTS, NUMBERS, BLOBS)


def compared(sign: str) -> Any:
    @st.composite
    def leaf(draw: st.DrawFn, place: Place | None = None) -> Condition:
        place = place or draw(places() if sign in ("=", "<>") else places(*ORDERED))
        sides = [Path(place), draw(others(place))]
        return Compare(sign, *(reversed(sides) if draw(st.integers(0, 3)) == 0 else sides))

    return leaf


@st.composite
def within(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places(*ORDERED))
    low, high = draw(others(place)), draw(others(place))
    if (
        draw(st.integers(0, 3))
        and isinstance(low, Value)
        and isinstance(high, Value)
        and low.kind == high.kind in "SNB"
    ):
        low, high = sorted([low, high], key=lambda bound: bound.body)
    return Between(Path(place), low, high)


@st.composite
def one_of(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places())
    return In(Path(place), tuple(draw(st.lists(others(place), min_size=1, max_size=3))))


@st.composite
def starts(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places(TEXTS, BLOBS))
    return Test("begins_with", (Path(place), draw(others(place))))


@st.composite
def holding(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places(*[pool for pool in PLACES.values() if pool is not NUMBERS]))
    member = draw(PLACES[place])
    if isinstance(member, (set, list)) and member and draw(st.integers(0, 4)):
        member = draw(st.sampled_from(sorted(member, key=repr)))
    return Test("contains", (Path(place), draw(st.sampled_from([operand(member), draw(others(place))]))))


@st.composite
def typed(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places())
    kind = operand(draw(PLACES[place]))
    kinds = [kind.kind] if isinstance(kind, Value) and draw(st.booleans()) else [*TYPES, "DOG"]
    return Test("attribute_type", (Path(place), operand(draw(st.sampled_from(kinds)))))


def existing(function: str) -> Any:
    return lambda place=None: st.builds(lambda found: Test(function, (Path(place or found),)), places())


@st.composite
def sized(draw: st.DrawFn, place: Place | None = None) -> Condition:
    place = place or draw(places(TEXTS) | places(*[pool for pool in PLACES.values() if pool is not NUMBERS]))
    measured = Call("size", (Path(place),))
    counts = st.integers(0, 4).map(operand)
    other = draw(st.one_of(counts, counts, counts, places(NUMBERS).map(Path), others(place)))
    return Compare(draw(st.sampled_from(SIGNS)), measured, other)


LEAVES: dict[str, Any] = {
    **{sign: compared(sign) for sign in SIGNS},
    "BETWEEN": within,
    "IN": one_of,
    "begins_with": starts,
    "contains": holding,
    "attribute_type": typed,
    "attribute_exists": existing("attribute_exists"),
    "attribute_not_exists": existing("attribute_not_exists"),
    "size": sized,
}
leaves: SearchStrategy[Condition] = st.sampled_from([*LEAVES.values()]).flatmap(lambda leaf: leaf())


@st.composite
def pairs(draw: st.DrawFn) -> Condition:
    """Two conditions on one operand, joined: they may be folded into one, or can never be true."""
    place = draw(places(*ORDERED))
    kinds = st.sampled_from([*SIGNS, "=", "BETWEEN", "IN", "begins_with", "attribute_exists", "attribute_not_exists"])
    first, second = (draw(LEAVES[kind](place)) for kind in draw(st.tuples(kinds, kinds)))
    second = draw(st.sampled_from([second, ~second]))
    return draw(st.sampled_from([first & second, first | second]))


# updates, by kinds of actions


@st.composite
def assigned(draw: st.DrawFn) -> Action:
    place = draw(places())
    return Action("SET", Path(place), draw(others(place)))


def summed(sign: str) -> Any:
    @st.composite
    def action(draw: st.DrawFn) -> Action:
        sides = [draw(places(NUMBERS).map(Path) | NUMBERS.map(operand) | defaults((NUMBERS,))) for _ in range(2)]
        return Action("SET", Path(draw(places(NUMBERS))), Arithmetic(sign, *sides))

    return action


@st.composite
def defaults(draw: st.DrawFn, pools: tuple[SearchStrategy[Any], ...] = ()) -> Operand:
    place = draw(places(*pools))
    return Call("if_not_exists", (Path(place), draw(others(place))))


@st.composite
def joined(draw: st.DrawFn) -> Action:
    part = places(LISTS).map(Path) | LISTS.map(operand) | defaults((LISTS,))
    return Action("SET", Path(draw(places(LISTS))), Call("list_append", (draw(part), draw(part))))


@st.composite
def merged(draw: st.DrawFn, clause: str, pools: tuple[SearchStrategy[Any], ...]) -> Action:
    place = draw(places(*pools))
    return Action(clause, Path(place), operand(draw(st.one_of(PLACES[place], PLACES[place], *pools))))


SETS = (STRING_SETS, NUMBER_SETS, BINARY_SETS)
ACTIONS: dict[str, SearchStrategy[Action]] = {
    "SET": assigned(),
    "SET +": summed("+")(),
    "SET -": summed("-")(),
    "SET if_not_exists": st.builds(Action, st.just("SET"), places().map(Path), defaults()),
    "SET list_append": joined(),
    "REMOVE": st.builds(Action, st.just("REMOVE"), places().map(Path), st.none()),
    "ADD to a number": merged("ADD", (NUMBERS,)),
    "ADD to a set": merged("ADD", SETS),
    "DELETE": merged("DELETE", SETS),
}
actions = st.one_of([*ACTIONS.values()])


def compatible(found: list[Action]) -> Update:
    """An update of the actions that do not overlap with those before them."""
    kept: list[Action] = []
    for action in found:
        try:
            Update((*kept, action))
        except ExpressionError:
            continue
        kept.append(action)
    return Update(tuple(kept))
