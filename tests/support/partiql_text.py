"""Conditions and updates as the text of PartiQL; None where PartiQL has no words for them."""

from typing import Any

from flyexpr.expressions.nodes import (
    Action,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Or,
    Path,
    Test,
    Update,
    Value,
)
from flyexpr.values.encode import encode_frozen
from flyexpr.values.numbers import number_text


class Unsayable(Exception):
    """PartiQL has no words for an expression."""


class Text:
    """The texts of expressions, and the constants that stand as `?` in them, in wire form."""

    def __init__(self, *, literal: bool = False) -> None:
        self.literal, self.parameters = literal, list[str]()

    def condition(self, node: Condition) -> str:
        """The text of a condition.

        >>> from flyexpr import eq, gt
        >>> text = Text()
        >>> text.condition(eq("a", "x") & ~gt("b.c[0]", 1)), text.parameters
        ('("a" = ? AND NOT "b"."c"[0] > ?)', ['{"S":"x"}', '{"N":"1"}'])
        """
        match node:
            case And(parts) | Or(parts) if parts:
                word = " AND " if isinstance(node, And) else " OR "
                return f"({word.join([self.condition(part) for part in parts])})"
            case Not(part):
                return f"NOT {self.condition(part)}"
            case Compare(operator, left, right):
                return f"{self.operand(left)} {operator} {self.operand(right)}"
            case Between(operand, low, high):
                return f"{self.operand(operand)} BETWEEN {self.operand(low)} AND {self.operand(high)}"
            case In(operand, options):
                first = self.operand(operand)
                return f"{first} IN [{', '.join([self.operand(option) for option in options])}]"
            case Test(function, arguments):
                return f"{function}({', '.join([self.operand(argument) for argument in arguments])})"
        raise Unsayable

    def operand(self, node: Any) -> str:
        """The text of an operand."""
        match node:
            case Path(parts):
                return self.path(parts)
            case Value(kind, body):
                return self.constant(kind, body)
            case Call("size" | "list_append", arguments):
                return f"{node.function}({', '.join([self.operand(argument) for argument in arguments])})"
            case Arithmetic(operator, left, right):
                return f"{self.operand(left)} {operator} {self.operand(right)}"
        raise Unsayable

    def path(self, parts: tuple[str | int, ...]) -> str:
        """The text of a path, with every name in double quotes.

        >>> Text().path(("a", 'b"', 0))
        '"a"."b\"\""[0]'
        """
        steps = [f"[{part}]" if isinstance(part, int) else f'."{_doubled(part, chr(34))}"' for part in parts]
        return "".join(steps)[1:]

    def constant(self, kind: str, body: Any) -> str:
        """A constant in place, if there is such a text and it is asked for; else `?`."""
        if self.literal:
            match kind:
                case "S":
                    return f"'{_doubled(body, chr(39))}'"
                case "N":
                    return number_text(body)
                case "BOOL" | "NULL":
                    return "null" if body is None else str(body).lower()
                case "L":
                    return f"[{', '.join([self.constant(*one) for one in body])}]"
                case "M":
                    return f"{{{', '.join([self._entry(*entry) for entry in body])}}}"
                case "SS" | "NS":
                    return f"<<{', '.join([self.constant(kind[0], one) for one in sorted(body)])}>>"
        self.parameters.append(encode_frozen((kind, body)))
        return "?"

    def _entry(self, name: str, value: tuple[str, Any]) -> str:
        return f"{self.constant('S', name)}: {self.constant(*value)}"

    def update(self, node: Update) -> str:
        """The clauses of an update."""
        return " ".join([self._action(action) for action in node.actions])

    def _action(self, action: Action) -> str:
        path = self.path(action.path.parts)
        match action:
            case Action("REMOVE"):
                return f"REMOVE {path}"
            case Action("SET", _, operand):
                return f"SET {path} = {self.operand(operand)}"
            case Action("ADD" | "DELETE" as clause, _, Value("SS" | "NS" | "BS") as members):
                return f"SET {path} = set_{clause.lower()}({path}, {self.operand(members)})"
        raise Unsayable


def _doubled(text: str, quote: str) -> str:
    return text.replace(quote, quote * 2)
