"""The shapes of expressions: frozen records, one per shape; which operator or function it is, is a field.

    operands    Path  Value  Call  Arithmetic
    conditions  Compare  Between  In  Test  And  Or  Not
    updates     Action  Update

Nodes only hold and combine. What they mean, how they print and what DynamoDB refuses stands in `flyexpr.expressions`,
one file a purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import is_
from typing import Any, NoReturn, TypeVar

from flyexpr.errors import ExpressionError
from flyexpr.records import fill, record, replace

Step = str | int
N = TypeVar("N")


@record
class Path:
    """A document path: the attribute's name, then map keys and list indexes.

    >>> Path(("info", "actors", 0)).parts[0]
    'info'
    """

    parts: tuple[Step, ...]


@record
class Value:
    """A constant, as the `Frozen` pair of flyexpr.values.freeze; of kind `PYTHON` until a table says how to store it.

    >>> Value("N", 1) == Value("N", 1.0), Value("N", 1) == Value("BOOL", True)
    (True, False)
    """

    kind: str
    body: Any


@record
class Call:
    """A function that gives a value: `size`, `if_not_exists`, `list_append`.

    >>> Call("size", (Path(("tags",)),)).function
    'size'
    """

    function: str
    arguments: tuple[Operand, ...]


@record
class Arithmetic:
    """A sum or difference on the right of an assignment: `+`, `-`.

    >>> Arithmetic("+", Path(("a",)), Value("N", 1)).operator
    '+'
    """

    operator: str
    left: Operand
    right: Operand


Operand = Path | Value | Call | Arithmetic


class Expression:
    """A whole condition or update, with room for what flyexpr.expressions.memory remembers of it.

    >>> isinstance(Update(()), Expression)
    True
    """

    __slots__ = ("_ready",)
    _ready: Any


class Condition(Expression):
    """What is true or false of an item; combined with `&`, `|` and `~`.

    >>> a, b = Test("attribute_exists", (Path(("a",)),)), Test("attribute_exists", (Path(("b",)),))
    >>> (a & b) & a == a & (b & a)
    True
    """

    __slots__ = ()

    def __and__(self, other: object) -> Condition:
        return joined(And, (self, other)) if isinstance(other, Condition) else self.__rand__(other)

    def __or__(self, other: object) -> Condition:
        return joined(Or, (self, other)) if isinstance(other, Condition) else self.__rand__(other)

    def __rand__(self, other: object) -> NoReturn:
        raise TypeError(f"& and | join conditions, not {other!r}; write `(F.a == 1) & (F.b == 2)`, with parentheses")

    __ror__ = __rand__

    def __invert__(self) -> Condition:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a condition has no truth value; write `(F.a == 1) & (F.b == 2)`, not `and` "
            "(`|` for `or`, `~` for `not`, `between(path, low, high)` for `low <= F.a <= high`, "
            "`is_in(path, values)` for `in`)"
        )


@record
class Compare(Condition):
    """Two operands and one of `=` `<>` `<` `<=` `>` `>=`.

    >>> Compare("=", Path(("a",)), Value("N", 1)).operator
    '='
    """

    operator: str
    left: Operand
    right: Operand


@record
class Between(Condition):
    """An operand from `low` to `high`, both included.

    >>> Between(Path(("a",)), Value("N", 1), Value("N", 2)).high.body
    2
    """

    operand: Operand
    low: Operand
    high: Operand


@record
class In(Condition):
    """An operand that equals one of up to 100 options.

    >>> len(In(Path(("a",)), (Value("N", 1), Value("N", 2))).options)
    2
    """

    operand: Operand
    options: tuple[Operand, ...]


@record
class Test(Condition):
    """A function that gives true or false, such as `attribute_exists` or `begins_with`.

    >>> Test("attribute_exists", (Path(("a",)),)).function
    'attribute_exists'
    """

    __test__ = False  # not a test case, whatever the name looks like to a test runner

    function: str
    arguments: tuple[Operand, ...]


@record
class And(Condition):
    """All of its parts; of no parts, always true.

    >>> And(()).parts
    ()
    """

    parts: tuple[Condition, ...]


@record
class Or(Condition):
    """At least one of its parts; of no parts, never true.

    >>> Or(()).parts
    ()
    """

    parts: tuple[Condition, ...]


@record
class Not(Condition):
    """The opposite of its part.

    >>> ~Test("attribute_exists", (Path(("a",)),)) == Not(Test("attribute_exists", (Path(("a",)),)))
    True
    """

    part: Condition


ALWAYS, NEVER = And(()), Or(())


def joined(shape: type[And] | type[Or], parts: Iterable[Condition]) -> Condition:
    """The parts under one And or Or: nested ones of the same shape are opened, a single part stands alone.

    >>> a, b, c = (Test("attribute_exists", (Path((name,)),)) for name in "abc")
    >>> joined(And, (a, And((b, c)))) == And((a, b, c)), joined(Or, (a,)) == a
    (True, True)
    """
    flat: list[Condition] = []
    for part in parts:
        if isinstance(part, shape):
            flat += part.parts
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else shape(tuple(flat))


CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
_CLAUSE_ORDER = {clause: place for place, clause in enumerate(CLAUSES)}


@record
class Action:
    """One action of an update: its clause, its target and, but for REMOVE, what is done with it.

    >>> Action("REMOVE", Path(("a",)), None).clause
    'REMOVE'

    With `parents`, maps on the way to the target that are missing are made; it is the client that sees to it.
    """

    clause: str
    path: Path
    operand: Operand | None
    parents: bool = False


@record
class Update(Expression):
    """What is to be done to an item, all of it at once: actions in the order of their clauses; joined with `+`.

    >>> both = Update((Action("REMOVE", Path(("a",)), None),)) + Update((Action("SET", Path(("b",)), Value("N", 1)),))
    >>> [action.clause for action in both.actions]
    ['SET', 'REMOVE']
    """

    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        actions = self.actions
        if len(actions) < 2:
            return
        names, last, ordered = set[Step](), 0, True
        for action in actions:
            names.add(action.path.parts[0])
            order = _CLAUSE_ORDER[action.clause]
            ordered, last = ordered and order >= last, order
        if len(names) < len(actions):
            overlap = find_overlap([action.path for action in actions])
            if overlap:
                raise ExpressionError(overlap, hint="each action of one update needs a path of its own")
        if not ordered:
            fill(self, actions=tuple(sorted(actions, key=_clause_order)))

    def __add__(self, other: object) -> Update:
        return Update(self.actions + other.actions) if isinstance(other, Update) else NotImplemented

    def __radd__(self, other: object) -> Update:
        return self if type(other) is int and other == 0 else NotImplemented  # what sum() begins with

    def __and__(self, other: object) -> NoReturn:
        raise TypeError("join updates with `+`, or a list of them with sum(...)")

    __or__ = __and__

    def __bool__(self) -> NoReturn:
        raise TypeError("an update has no truth value; join updates with `+`, not `and`, and look at `.actions`")


PLACES: dict[type, tuple[str, ...]] = {
    Action: ("path", "operand"),
    And: ("parts",),
    Arithmetic: ("left", "right"),
    Between: ("operand", "low", "high"),
    Call: ("arguments",),
    Compare: ("left", "right"),
    In: ("operand", "options"),
    Not: ("part",),
    Or: ("parts",),
    Test: ("arguments",),
    Update: ("actions",),
}
"""The fields that hold the nodes below a node: in each is a node, a tuple of nodes, or None."""


def children(node: Any) -> list[Any]:
    """The nodes just below a node, in the order of their text.

    >>> children(Compare("=", Path(("a",)), Value("N", 1)))
    [Path(parts=('a',)), Value(kind='N', body=1)]
    """
    below: list[Any] = []
    for field in PLACES.get(type(node), ()):
        value = getattr(node, field)
        if type(value) is tuple:
            below += value
        elif value is not None:
            below.append(value)
    return below


def walk(node: Any) -> Iterator[Any]:
    """The node and all nodes below it, each before those below itself, in the order of their text.

    >>> [type(each).__name__ for each in walk(Not(Compare("=", Path(("a",)), Value("N", 1))))]
    ['Not', 'Compare', 'Path', 'Value']
    """
    waiting = [node]
    while waiting:  # a loop: an expression may be nested deeper than Python's stack
        node = waiting.pop()
        yield node
        if type(node) in PLACES:
            waiting += children(node)[::-1]


def rebuilt(node: N, change: Callable[[Any], Any]) -> N:
    """The node with each node just below it changed; the same node where `change` gives all of them back.

    >>> rebuilt(Not(ALWAYS), lambda part: NEVER) == Not(NEVER)
    True
    """
    changed = {}
    for field in PLACES.get(type(node), ()):
        value = getattr(node, field)
        if type(value) is tuple:
            new: Any = tuple(map(change, value))
            if not all(map(is_, new, value)):
                changed[field] = new
        elif value is not None and (new := change(value)) is not value:
            changed[field] = new
    return replace(node, **changed) if changed else node


def _clause_order(action: Action) -> int:
    return _CLAUSE_ORDER[action.clause]


def find_overlap(paths: Iterable[Path]) -> str | None:
    """The service's words for the first two paths that cannot stand in one update or projection, else None.

    >>> find_overlap([Path(("a", "b")), Path(("c",)), Path(("a",))])
    'Two document paths overlap with each other; ...; path one: [a, b], path two: [a]'
    >>> find_overlap([Path(("a", "b")), Path(("a", 1))]).split(";")[0]
    'Two document paths conflict with each other'

    Paths overlap when one leads to, or through, the other; they conflict when one takes a map for what the other takes
    for a list.
    """
    root: dict[Step, Any] = {}
    for path in paths:
        found = _place(root, path)
        if found:
            other, problem = found
            return (
                f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
                f"path one: {brackets(other)}, path two: {brackets(path)}"
            )
    return None


def _place(root: dict[Step, Any], path: Path) -> tuple[Path, str] | None:
    """Put a path into the tree of those seen; the earlier path that it cannot stand beside, and why."""
    level: Any = root
    for step in path.parts[:-1]:
        found = _clash(level, step)
        if found:
            return found
        level = level.setdefault(step, {})
        if isinstance(level, Path):
            return level, "overlap"
    last = path.parts[-1]
    found = _clash(level, last)
    if found:
        return found
    if last in level:
        return next(_leaves(level[last])), "overlap"
    level[last] = path
    return None


def _clash(level: dict[Step, Any], step: Step) -> tuple[Path, str] | None:
    """The first path of a level whose steps are of the other kind: a name beside a list index."""
    for other, below in level.items():
        if isinstance(other, int) is not isinstance(step, int):
            return next(_leaves(below)), "conflict"
        break
    return None


def _leaves(level: Any) -> Iterator[Path]:
    if isinstance(level, Path):
        yield level
    else:
        for below in level.values():
            yield from _leaves(below)


def brackets(path: Path) -> str:
    """A path as the service's messages print it.

    >>> brackets(Path(("a", "b", 0)))
    '[a, b, [0]]'
    """
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else step for step in path.parts) + "]"
