"""The functions that make updates; `+` joins updates into one, which changes an item all at once.

Right-hand sides refer to the item as it was before the update.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from flyexpr.expressions.nodes import Action, Arithmetic, Call, Operand, Path, Update, Value
from flyexpr.expressions.terms import Term, operand, path_of
from flyexpr.values.freeze import freeze_constant
from flyexpr.values.numbers import negated


def assign(path: Any, value: Any, *, parents: bool = False) -> Update:
    """Sets an attribute, list element or map entry to a value or to another attribute's.

    >>> show(assign("info.seen", True)), show(assign("a", F.b + 1))
    ('SET info.seen = true', 'SET a = b + 1')
    >>> apply(assign("info.seen", True), {"info": {}})
    {'info': {'seen': True}}

    Parents must exist, unless `parents` asks to make the missing maps: this takes one request where they exist, and two
    where they do not. An index past the end of a list appends.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    target = path_of(path)
    return Update((Action("SET", target, operand(value, target), parents and len(target.parts) > 1),))


def assign_all(values: Mapping[str, Any]) -> Update:
    """Sets each named attribute to its value: a partial update from a dict, such as the body of a PATCH request.

    >>> show(assign_all({"title": "Comet Quest", "wins": F.wins + 1}))
    "SET title = 'Comet Quest', wins = wins + 1"
    >>> apply(assign_all({"a.b": 1}), {"id": "x"})
    {'id': 'x', 'a.b': 1}

    The names are whole attributes, not paths, as of `where`. None is stored as NULL; `remove` takes an attribute away.
    An empty dict gives an update that changes nothing, though it still creates an item that does not exist.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"assign_all takes a dict of attributes and their values, not {values!r}")
    targets = [(_attribute(name), value) for name, value in values.items()]
    return Update(tuple([Action("SET", path, operand(value, path)) for path, value in targets]))


def _attribute(name: Any) -> Path:
    if not isinstance(name, str) or not name:
        raise TypeError(f"assign_all takes a dict whose keys are names of attributes, not {name!r}")
    return Path((name,))


def incr(path: Any, by: Any = 1) -> Update:
    """Adds a number, starting from 0 when the attribute is missing.

    >>> show(incr("wins"))
    'ADD wins 1'
    >>> apply(incr("wins", 2), {"wins": 40}), apply(incr("wins"), {})
    ({'wins': 42}, {'wins': 1})

    Atomic: two increments at the same time both count. `by` may be another attribute: `incr("total", F.bonus)`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    amount = operand(by)
    if isinstance(amount, Value):
        return _one("ADD", path, _numeric(amount, by))
    return _one("SET", path, Arithmetic("+", _or_else(path, 0), amount))


def decr(path: Any, by: Any = 1) -> Update:
    """Subtracts a number, starting from 0 when the attribute is missing.

    >>> show(decr("lives"))
    'ADD lives -1'
    >>> apply(decr("lives"), {"lives": 3})
    {'lives': 2}

    Atomic, as `incr` is; `by` may be another attribute, too.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    amount = operand(by)
    if isinstance(amount, Value):
        return _one("ADD", path, Value("N", negated(_numeric(amount, by).body)))
    return _one("SET", path, Arithmetic("-", _or_else(path, 0), amount))


def append(path: Any, *values: Any) -> Update:
    """Adds elements at the end of a list, which is created when missing.

    >>> show(append("log", "started"))
    "SET log = list_append(if_not_exists(log, []), ['started'])"
    >>> apply(append("log", "a", "b"), {"log": ["x"]})
    {'log': ['x', 'a', 'b']}

    A list is one element: `append("log", *values)` adds its members. One path, such as `append("log", F.others)`, adds
    the elements of that list.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return _one("SET", path, Call("list_append", (_or_else(path, []), _elements("append", values))))


def prepend(path: Any, *values: Any) -> Update:
    """Adds elements at the start of a list, which is created when missing.

    >>> show(prepend("log", "started"))
    "SET log = list_append(['started'], if_not_exists(log, []))"
    >>> apply(prepend("log", "a", "b"), {"log": ["x"]})
    {'log': ['a', 'b', 'x']}

    A list and a path mean what they mean in `append`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return _one("SET", path, Call("list_append", (_elements("prepend", values), _or_else(path, []))))


def add(path: Any, *members: Any) -> Update:
    """Adds members to a set, which is created when missing.

    >>> show(add("tags", "new", "hot"))
    "ADD tags <<'hot', 'new'>>"
    >>> apply(add("tags", {"new"}), {"tags": {"old"}}) == {"tags": {"old", "new"}}
    True

    Takes members one by one, or one set of them. For a number use `incr`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return _one("ADD", path, _members("add", members))


def discard(path: Any, *members: Any) -> Update:
    """Takes members out of a set; a set without members is removed.

    >>> show(discard("tags", "old"))
    "DELETE tags <<'old'>>"
    >>> apply(discard("tags", "old"), {"tags": {"old"}})
    {}

    If the member or the set is missing, nothing happens.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return _one("DELETE", path, _members("discard", members))


def remove(*paths: Any) -> Update:
    """Removes attributes, list elements or map entries.

    >>> show(remove("info.rating", "log[0]"))
    'REMOVE info.rating, log[0]'
    >>> apply(remove("log[0]"), {"log": ["a", "b"]})
    {'log': ['b']}

    Indexes are positions before the update. If the attribute is missing, nothing happens; a missing parent is an error.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return Update(tuple([Action("REMOVE", path_of(path), None) for path in paths]))


def if_not_exists(path: Any, value: Any) -> Term:
    """The attribute's value, or `value` where it is missing; for the right side of an `assign`.

    >>> show(assign("first_seen", if_not_exists("first_seen", 2026)))
    'SET first_seen = if_not_exists(first_seen, 2026)'
    >>> show(assign("n", if_not_exists("n", 0) + 5))
    'SET n = if_not_exists(n, 0) + 5'

    The path may be another one than that of the `assign`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    return Term(Call("if_not_exists", (path_of(path), operand(value))))


def _one(clause: str, path: Any, value: Operand) -> Update:
    return Update((Action(clause, path_of(path), value),))


def _or_else(path: Any, value: Any) -> Call:
    return Call("if_not_exists", (path_of(path), operand(value)))


def _numeric(amount: Value, by: Any) -> Value:
    if amount.kind != "N":
        raise TypeError(f"incr and decr take a number, not {by!r}; for a set use add(path, member)")
    return amount


def _elements(name: str, values: tuple[Any, ...]) -> Operand:
    if not values:
        raise TypeError(f"{name} needs at least one value, as {name}(path, value)")
    if len(values) == 1 and isinstance(values[0], (Term, Path)):
        return operand(values[0])  # another list attribute
    return operand(list(values))


def _members(name: str, members: tuple[Any, ...]) -> Value:
    if len(members) == 1 and type(members[0]) is str:  # by far the commonest; it takes a third of the time this way
        return Value("SS", frozenset(members))
    one = len(members) == 1 and isinstance(members[0], (set, frozenset))
    if any(isinstance(member, tuple) or not isinstance(member, Hashable) for member in members) and not one:
        raise TypeError(f"{name} takes members one by one, or one set of them, not {members!r}")
    kind, body = freeze_constant(members[0] if one else set(members))
    return Value(kind, body)
