"""The function that writes the items of one form: its code.

For each map of the form there is one function, which checks that an item has the form and fills the texts of its values
into one f-string. Names of attributes stand in strings alone.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flyexpr.records import generated, record
from flyexpr.values.numbers import DIGITS, WHOLE
from flyexpr.values.refusals import text_of_number
from flyexpr.values.types import quote

Names = tuple[str, ...]
Write = Callable[[dict[str, Any]], str]
Encode = Callable[[Any, int], str]  # the text of a value that stands so deep


@record
class Fields:
    """The kind of a map with these names: the kinds of its values."""

    names: Names
    kinds: tuple[Kind, ...]


@record
class Rows:
    """The kind of a list of maps: the kind of all of them; None where no list had one yet."""

    kind: Fields | None


Kind = Fields | Rows | str | None
"""What a form knows of a value: a key of HOLES if it is neither a map nor a list of maps; None for nothing yet."""


class Unlike(Exception):
    """The item has another form."""


def written(form: Fields, encoders: Mapping[type, Encode], other: Encode) -> Write:
    """The function that gives the wire text of an item of a form; Unlike, or another error, for any other item.

    >>> write = written(Fields(("id", "n"), ("S", "whole")), {}, lambda value, depth: "")
    >>> write({"id": "b", "n": 7})
    '{"id":{"S":"b"},"n":{"N":"7"}}'
    """
    code = _Code(encoders, other)
    return generated(code.function(form, 1), code.lines, code.scope)


# By kind: what has to be true of a value @, and its text, as code of an f-string.
HOLES: dict[Kind, tuple[str, str]] = {
    "S": ("", '{{"S":{quote(@)}}}'),  # quote refuses what is not text
    "whole": ("type(@) is int and LEAST < @ < WHOLE", '{{"N":"{@}"}}'),
    "N": ("", '{{"N":"{number(@)}"}}'),
    "BOOL": ("type(@) is bool", '{{"BOOL":{truth[@]}}}'),
    "NULL": ("@ is None", '{{"NULL":true}}'),
    "B": ("type(@) is bytes", '{{"B":"{base64(@, newline=False).decode()}"}}'),
    "SS": ("type(@) is set", '{{"SS":[{strings(@)}]}}'),
    "NS": ("type(@) is set", '{{"NS":["{wholes(@)}"]}}'),
    "any": ("", "{encoder(type(@), other)(@, depth)}"),
}


class _Code:
    """The lines of the functions of a form, one for each map in it, and what they use."""

    def __init__(self, encoders: Mapping[type, Encode], other: Encode) -> None:
        self.lines = list[str]()
        self.scope: dict[str, Any] = {**_SCOPE, "encoder": encoders.get, "other": other}

    def function(self, form: Fields, depth: int) -> str:
        """The name of the function that writes maps of a form, whose values stand so deep."""
        values = [f"value{number}" for number in range(len(form.names))]
        holes = [self._hole(kind, value, depth) for kind, value in zip(form.kinds, values, strict=True)]
        texts = [_literal(quote(name)) + ":" + text for name, (_, text) in zip(form.names, holes, strict=True)]
        text = "{{" + ",".join(texts) + "}}"
        number = len(self.lines)
        self.scope[f"names{number}"] = form.names
        inside = f" or tuple(item) != names{number}" if depth > 1 else ""  # by those of an item the function was found
        self.lines += [
            f"def text{number}(item, depth={depth}):",
            f" if type(item) is not dict{inside}: raise Unlike",
            f" [{', '.join(values)}] = item.values()",
            f" if not ({' and '.join([check for check, _ in holes if check]) or True}): raise Unlike",
            " return f" + repr(text if depth == 1 else '{{"M":' + text + "}}"),
        ]
        return f"text{number}"

    def _hole(self, kind: Kind, value: str, depth: int) -> tuple[str, str]:
        """What has to be true of a value, and its text."""
        match kind:
            case Fields():
                return "", f"{{{self.function(kind, depth + 1)}({value})}}"
            case Rows(Fields() as form):
                rows = f"joined([{self.function(form, depth + 2)}(one) for one in {value}])"
                return f"type({value}) is list", f'{{{{"L":[{{{rows}}}]}}}}'
        check, text = HOLES.get(kind, HOLES["any"])
        return check.replace("@", value), text.replace("@", value)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _number(value: Any) -> str:
    """The wire text of an int, a Decimal or a float."""
    kind = type(value)
    if kind is Decimal:
        text = str(value)
        # The same rule as in number_text, without its calls, which take half of the time for a fraction.
        if "." in text and text[-1] != "0" and "E" not in text and "e" not in text and len(text) <= DIGITS:
            return text
    elif kind is not int and kind is not float:
        raise Unlike
    return text_of_number(value)


def _strings(value: set[Any]) -> str:
    texts = [quote(member) for member in sorted(value) if type(member) is str]
    if not texts or len(texts) < len(value):
        raise Unlike
    return ",".join(texts)


def _wholes(value: set[Any]) -> str:
    members = sorted(value)
    texts = [f"{member}" for member in members if type(member) is int]
    if len(texts) < len(value) or not -WHOLE < members[0] <= members[-1] < WHOLE:  # IndexError where there are none
        raise Unlike
    return '","'.join(texts)


_SCOPE = {
    "Unlike": Unlike,
    "LEAST": -WHOLE,
    "WHOLE": WHOLE,
    "quote": quote,
    "number": _number,
    "truth": {True: "true", False: "false"},
    "base64": b2a_base64,
    "strings": _strings,
    "wholes": _wholes,
    "joined": ",".join,
}
