"""The shapes of expressions: frozen records, one per shape; which operator or function it is, is a field.

    operands    Path  Value  Call  Arithmetic
    conditions  Compare  Between  In  Test  And  Or  Not
    updates     Action  Update

Nodes only hold and combine. The other files of `flyexpr.expressions` say what nodes mean, how they print and what
DynamoDB refuses, one purpose a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import is_
from typing import Any, NoReturn, TypeVar

from flyexpr.errors import ExpressionError
from flyexpr.expressions.overlaps import find_overlap
from flyexpr.records import fill, later, record, replace

Step = str | int
N = TypeVar("N")


class _Printed:
    """`repr` is the Python code that makes the node, `str` its text in DynamoDB's syntax."""

    __slots__ = ()

    __repr__ = later("flyexpr.expressions.code", "code")
    __str__ = later("flyexpr.expressions.code", "text")


@record
class Path(_Printed):
    """A document path: the attribute's name, then map keys and list indexes.

    >>> Path(("info", "actors", 0)).parts[0]
    'info'
    """

    parts: tuple[Step, ...]


@record
class Value:
    """A constant, as the `Frozen` pair of flyexpr.values.freeze; its kind is `PYTHON` until a table encodes it.

    >>> Value("N", 1) == Value("N", 1.0), Value("N", 1) == Value("BOOL", True)
    (True, False)
    """

    kind: str
    body: Any


@record
class Call(_Printed):
    """A function that gives a value: `size`, `if_not_exists`, `list_append`.

    >>> Call("size", (Path(("tags",)),)).function
    'size'
    """

    function: str
    arguments: tuple[Operand, ...]


@record
class Arithmetic(_Printed):
    """A sum or difference on the right of an assignment: `+`, `-`.

    >>> Arithmetic("+", Path(("a",)), Value("N", 1)).operator
    '+'
    """

    operator: str
    left: Operand
    right: Operand


Operand = Path | Value | Call | Arithmetic


class Expression(_Printed):
    """A whole condition or update, with a slot in which flyexpr.expressions.memory notes that it was checked.

    >>> isinstance(Update(()), Expression)
    True
    """

    __slots__ = ("_ready",)
    _ready: Any


class Condition(Expression):
    """A statement that is true or false of an item; combined with `&`, `|` and `~`.

    >>> a, b = exists("a"), exists("b")
    >>> (a & b) & a == a & (b & a)
    True
    """

    __slots__ = ()

    def __and__(self, other: object) -> Condition:
        return joined(And, (self, other)) if isinstance(other, Condition) else self.__rand__(other)

    def __or__(self, other: object) -> Condition:
        return joined(Or, (self, other)) if isinstance(other, Condition) else self.__rand__(other)

    def __rand__(self, other: object) -> NoReturn:
        instead = "`(F.a == 1) & (F.b == 2)`, with parentheses"
        if isinstance(other, str):
            instead = f"parse_condition({other!r})"
        instead = getattr(type(other), "instead_of_condition", f"write {instead}")
        raise TypeError(f"& and | join conditions, not {other!r}; {instead}")

    __ror__ = __rand__

    def __add__(self, other: NoReturn) -> Any:
        if isinstance(other, (Condition, int)):  # sum() begins with 0
            raise TypeError("join conditions with `&` or `|`, or a list of them with all_of(...) or any_of(...)")
        return NotImplemented

    __radd__ = __add__

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
    """True where all of its parts are; without parts, always.

    >>> And(()).parts
    ()
    """

    parts: tuple[Condition, ...]


@record
class Or(Condition):
    """True where at least one of its parts is; without parts, never.

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


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that all have to hold.

    >>> parts_of(Compare("=", Path(("a",)), Value("N", 1)) & ~NEVER)
    (eq('a', 1), ~any_of())
    >>> len(parts_of(NEVER)), parts_of(ALWAYS)
    (1, ())
    """
    return condition.parts if isinstance(condition, And) else (condition,)


def is_never(condition: Condition) -> bool:
    """Whether the condition is NEVER; quicker than to compare the two.

    >>> is_never(NEVER), is_never(ALWAYS)
    (True, False)
    """
    return type(condition) is Or and not condition.parts


def joined(shape: type[And] | type[Or], parts: Iterable[Condition]) -> Condition:
    """The parts joined by one And or Or; nested ones of the same shape are merged, a single part stays as it is.

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
_CLAUSE_ORDER = {clause: number for number, clause in enumerate(CLAUSES)}


@record
class Action:
    """One action of an update: its clause, the path that it changes and, except for REMOVE, an operand.

    >>> Action("REMOVE", Path(("a",)), None).clause
    'REMOVE'

    With `parents`, missing maps on the way to the path are made; the client does this, not the service.
    """

    clause: str
    path: Path
    operand: Operand | None
    parents: bool = False


@record
class Update(Expression):
    """Changes to one item, all made at once: actions in the order of their clauses. Updates are joined with `+`.

    >>> [action.clause for action in (remove("a") + assign("b", 1)).actions]
    ['SET', 'REMOVE']
    """

    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        actions = self.actions
        if len(actions) < 2:
            return
        names: set[Step] = set()  # `set[Step]()` takes 0.6 µs, as long as all the rest
        last, ordered = 0, True
        for action in actions:
            names.add(action.path.parts[0])
            order = _CLAUSE_ORDER[action.clause]
            if order < last:
                ordered = False
            last = order
        if len(names) < len(actions):
            overlap = find_overlap([action.path.parts for action in actions])
            if overlap:
                raise ExpressionError(overlap, hint="each action of one update needs a path of its own")
        if not ordered:
            fill(self, actions=tuple(sorted(actions, key=_clause_order)))

    def __add__(self, other: object) -> Update:
        return Update(self.actions + other.actions) if isinstance(other, Update) else _refuse_to_join(other)

    def __radd__(self, other: object) -> Update:
        return self if type(other) is int and other == 0 else _refuse_to_join(other)  # sum() begins with 0

    def __and__(self, other: object) -> NoReturn:
        raise TypeError("join updates with `+`, or a list of them with sum(...)")

    __or__ = __and__

    def __bool__(self) -> NoReturn:
        raise TypeError("an update has no truth value; join updates with `+`, not `and`, and look at `.actions`")


def _refuse_to_join(other: object) -> NoReturn:
    instead = ""
    if isinstance(other, str):
        instead = f"; write parse_update({other!r})"
    elif isinstance(other, Condition):
        instead = "; a condition goes into condition=, as in update(table, key, change, condition=...)"
    raise TypeError(f"+ joins updates, not {other!r}{instead}")


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
    [F.a, Value(kind='N', body=1)]
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
    """The node and all nodes below it, in the order of their text; a node comes before those below it.

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
