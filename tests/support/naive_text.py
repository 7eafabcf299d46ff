"""Reads the text of DynamoDB's expressions as nested tuples, and refuses what needs no item to be refused.

    ("and" | "or", left, right)  ("not" | "group", part)  ("compare", operator, left, right)
    ("between", operand, low, high)  ("in", operand, options)
    ("path", steps)  ("value", wire)  ("call", function, arguments)  ("sum", sign, left, right)

An update is a list of (clause, steps, operand), a projection a list of steps. Like `naive`, this imports nothing of
flyexpr. It does not know the reserved words, nor the limits of bytes, operators and levels in a text.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from naive import COMPARE, KINDS, SCALARS, SETS, SIZED, Refused, Steps, Wire, check_value, meaning, need

TOKEN = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*|[#:][A-Za-z0-9_]+|(?:0|[1-9][0-9]*)(?![0-9])|<>|<=|>=|[=<>()\[\].,+-])")
TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
WORDS = ("AND", "OR", "NOT", "BETWEEN", "IN", *CLAUSES)


def read(request: dict[str, Any]) -> dict[str, Any]:
    """The expressions of a request, by member; they share the placeholders, and each placeholder must be used."""
    names, values = (request.get(f"ExpressionAttribute{part}", {}) for part in ("Names", "Values"))
    for value in values.values():
        check_value(value)
    readers = {m: _Reader(request[m], names, values) for m in request if m in _READERS}
    found = {member: reader.whole(*_READERS[member]) for member, reader in readers.items()}
    used = {mark for reader in readers.values() for mark in reader.tokens}
    need({*names, *values} <= used, "unused placeholder")
    return found


class _Reader:
    """A parser that reads one text from left to right."""

    def __init__(self, text: str, names: dict[str, str], values: dict[str, Wire]) -> None:
        self.names, self.values, self.place, end = names, values, 0, 0
        self.tokens: list[str] = []
        while end < len(text.rstrip()):
            found = TOKEN.match(text, end)
            if found is None:
                raise Refused(f"Syntax error at {end} of {text}")
            self.tokens.append(found[1])
            end = found.end()

    def whole(self, parse: Callable[["_Reader"], Any], check: Callable[[Any], None]) -> Any:
        found = parse(self)
        need(self.place == len(self.tokens), "Syntax error")
        check(found)
        return found

    @property
    def word(self) -> str:
        """The next token, with operators and clauses in capitals."""
        token = self.tokens[self.place] if self.place < len(self.tokens) else ""
        return token.upper() if token.upper() in WORDS else token

    def take(self, *wanted: str) -> str:
        """The next token, if it is one of these; else nothing."""
        found = self.word if self.word in wanted else ""
        self.place += bool(found)
        return found

    def next(self, pattern: str) -> str:
        """The next token, which must match this pattern."""
        found = self.word
        need(found not in WORDS and re.fullmatch(pattern, found), f"Syntax error at {found}")
        self.place += 1
        return found

    def many(self, one: Callable[[], Any]) -> list[Any]:
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    def inside(self, one: Callable[[], Any]) -> Any:
        self.next(r"\(")
        found = one()
        self.next(r"\)")
        return found

    def steps(self) -> Steps:
        found: list[Any] = [self.name()]
        while mark := self.take(".", "["):
            found.append(self.name() if mark == "." else self.number())
        return tuple(found)

    def number(self) -> int:
        found = int(self.next(r"[0-9]+"))
        self.next(r"\]")
        need(found < 2**31, "List index is not within the allowable range")
        return found

    def name(self) -> str:
        token = self.next(r"[A-Za-z#].*")
        need(not token.startswith("#") or token in self.names, f"name {token} is not defined")
        return self.names[token] if token.startswith("#") else token

    def value(self) -> Any:
        mark = self.next(r":.+")
        need(mark in self.values, f"value {mark} is not defined")
        return "value", self.values[mark]

    def operand(self) -> Any:
        if self.word.startswith(":"):
            return self.value()
        if self.tokens[self.place + 1 : self.place + 2] == ["("]:
            return "call", self.next(r"[A-Za-z].*"), self.inside(lambda: self.many(self.operand))
        return "path", self.steps()

    def condition(self) -> Any:
        found = self.conjunction()
        while self.take("OR"):
            found = ("or", found, self.conjunction())
        return found

    def conjunction(self) -> Any:
        found = self.test()
        while self.take("AND"):
            found = ("and", found, self.test())
        return found

    def test(self) -> Any:
        if self.take("NOT"):
            return "not", self.test()
        if self.word == "(":
            part = self.inside(self.condition)
            need(part[0] != "group", "redundant parentheses")
            return "group", part
        left = self.operand()
        if self.take("BETWEEN"):
            low = self.operand()
            need(self.take("AND"), "Syntax error")
            return "between", left, low, self.operand()
        if self.take("IN"):
            return "in", left, self.inside(lambda: self.many(self.operand))
        sign = self.take("=", "<>", *COMPARE)
        need(sign or left[0] == "call", "Syntax error")
        return ("compare", sign, left, self.operand()) if sign else left

    def update(self) -> Any:
        found: list[Any] = []
        while clause := self.take(*CLAUSES):
            need(clause not in [action[0] for action in found], f"{clause} twice")
            found += self.many(lambda clause=clause: self.action(clause))
        need(found, "Syntax error")
        return found

    def action(self, clause: str) -> Any:
        steps = self.steps()
        if clause == "REMOVE":
            return clause, steps, None
        if clause != "SET":
            return clause, steps, self.value()
        self.next("=")
        left = self.operand()
        sign = self.take("+", "-")
        return clause, steps, ("sum", sign, left, self.operand()) if sign else left

    def projection(self) -> Any:
        return self.many(self.steps)


# refusals that need no item


def kind_of(node: Any) -> str | None:
    """The type of a constant or of a size; None for an attribute, whose type is not known yet."""
    if node[0] == "path":
        return None
    return "N" if node[0] == "call" else next(iter(node[1]))


def need_kinds(kinds: tuple[str, ...], *nodes: Any) -> None:
    need({kind_of(node) for node in nodes} <= {None, *kinds}, "Incorrect operand type")


def need_distinct(first: Any, *others: Any) -> None:
    need(first[0] != "path" or first not in others, "The first operand must be distinct from the remaining operands")


def check_condition(node: Any) -> None:
    match node:
        case ("and" | "or", left, right):
            check_condition(left)
            check_condition(right)
        case ("not" | "group", part):
            check_condition(part)
        case ("compare", sign, *sides):
            check_operands(*sides)
            need(sign not in COMPARE or need_kinds((*SCALARS,), *sides) is None, sign)
        case ("between", _, low, high):
            check_operands(*node[1:])
            need_kinds((*SCALARS,), *node[1:])
            if low[0] == high[0] == "value":
                need(kind_of(low) == kind_of(high) and meaning(low[1]) <= meaning(high[1]), "BETWEEN: bounds")
        case ("in", operand, options):
            need(len(options) <= 100, "IN: more than 100 operands")
            check_operands(operand, *options)
        case ("call", function, arguments):
            need(TESTS.get(function) == len(arguments), f"{function} is not allowed here, or so many operands are not")
            check_operands(*arguments)
            check_test(function, *arguments)


def check_operands(*nodes: Any) -> None:
    need_distinct(*nodes)
    for node in nodes:
        if node[0] == "call":
            need(node[1] == "size" and len(node[2]) == 1, f"{node[1]} is not allowed here, or so many operands are not")
            check_operands(*node[2])
            need_kinds(SIZED, *node[2])


def check_test(function: str, first: Any, second: Any = None) -> None:
    if function in ("attribute_exists", "attribute_not_exists"):
        need(first[0] == "path", f"{function} needs a path")
    elif function == "begins_with":
        need_kinds(("S", "B"), first, second)
    elif function == "attribute_type":
        need(second[0] == "value" and second[1].get("S") in KINDS, "attribute_type needs the name of a type")


def check_update(actions: Any) -> None:
    check_apart([steps for _, steps, _ in actions])
    for clause, _, node in actions:
        if clause == "SET":
            check_assigned(node)
        elif clause in ("ADD", "DELETE"):
            need_kinds(("N", *SETS) if clause == "ADD" else SETS, node)


def check_assigned(node: Any, inside: bool = False) -> None:
    match node:
        case ("sum", _, *sides):
            need_kinds(("N",), *[side for side in sides if side[0] == "value"])
            for side in sides:
                check_assigned(side, True)
        case ("call", "if_not_exists", [("path", _) as path, other]):
            need_distinct(path, other)
            check_assigned(other, True)
        case ("call", "list_append", [first, second]) if not inside:
            for part in (first, second):
                need(part[0] != "value" or "L" in part[1], "list_append: Incorrect operand type")
                check_assigned(part, True)
        case ("call", function, _):
            raise Refused(f"{function} is not allowed here, or so many operands are not")


def check_apart(paths: list[Steps]) -> None:
    """No path may lead into another, and two paths may not take one value for a map and for a list."""
    for place, one in enumerate(paths):
        for other in paths[:place]:
            apart = next(((a, b) for a, b in zip(one, other, strict=False) if a != b), None)
            need(apart, "Two document paths overlap with each other")
            need(type(apart[0]) is type(apart[1]), "Two document paths conflict with each other")  # type: ignore[index]


_READERS: dict[str, tuple[Callable[[_Reader], Any], Callable[[Any], None]]] = {
    "ConditionExpression": (_Reader.condition, check_condition),
    "FilterExpression": (_Reader.condition, check_condition),
    "KeyConditionExpression": (_Reader.condition, check_condition),
    "UpdateExpression": (_Reader.update, check_update),
    "ProjectionExpression": (_Reader.projection, check_apart),
}


def check_key_condition(node: Any, partition_keys: tuple[str, ...], sort_keys: tuple[str, ...], types: Wire) -> None:
    """Equalities for all partition keys, and for the sort keys from the left; the last of them may be a range."""
    signs = {}
    for sign, nodes in key_terms(node):
        [name] = [part[1][0] for part in nodes if part[0] == "path" and len(part[1]) == 1] or [""]
        need(name in types and name not in signs and name in partition_keys + sort_keys, "one condition for a key")
        need(all(kind_of(part) in (None, types[name]) for part in nodes), "does not match schema type")
        need(not any(part in (("value", {"S": ""}), ("value", {"B": ""})) for part in nodes), "an empty key value")
        signs[name] = sign
    need(all(signs.get(name) == "=" for name in partition_keys), "the partition key needs an equality")
    ranged = [signs[name] for name in sort_keys if name in signs]
    need(all(name in signs for name in sort_keys[: len(ranged)]), "sort keys are given from the left")
    need(all(sign == "=" for sign in ranged[:-1]), "only the last sort key may have a range")


def key_terms(node: Any) -> Iterator[tuple[str, list[Any]]]:
    match node:
        case ("group", part):
            yield from key_terms(part)
        case ("and", left, right):
            yield from key_terms(left)
            yield from key_terms(right)
        case ("compare", "=" | "<" | "<=" | ">" | ">=" as sign, *nodes) | ("between" as sign, *nodes):
            yield sign, nodes
        case ("call", "begins_with" as sign, nodes):
            need(nodes[0][0] == "path", "begins_with takes the key first")
            yield sign, nodes
        case _:
            raise Refused("Invalid operator used in KeyConditionExpression")


def roots(node: Any) -> set[str]:
    """The attributes that a condition names."""
    if isinstance(node, tuple) and node[0] == "path":
        return {node[1][0]}
    return {name for part in node if isinstance(part, (tuple, list)) for name in roots(part)}
