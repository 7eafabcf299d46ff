"""The wire text of items of one form: a template with holes, as a function that is written for the form.

Most items of a table have the same attributes in the same order, and a value of the same kind in each. The text between
their values is the same then. The function of a form checks that an item has it, and fills in the texts of the values.
An item with 41 values takes 0.55 of the time that it takes value by value. With names that come once, it takes 1.1, and
a very small item 1.3.

A form is made of what some items have, and becomes wider by each item that it does not fit: an attribute that held only
whole numbers holds any number, and one that held text and numbers is left to the function that writes any value. So it
soon fits all items with its names. An item that no form fits is written value by value.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any, cast

from flyexpr.records import generated, record
from flyexpr.values.memo import Memo
from flyexpr.values.numbers import DIGITS, WHOLE
from flyexpr.values.refusals import text_of_number
from flyexpr.values.types import STORED_TYPES, quote

LOOKS = 7  # every seventh item that is written value by value is looked at
WORTH = 28  # such looks at one form before its function is made, which takes as long as to write 50 items
LARGE, MOST = 4096, 64  # characters of an item that is looked at, and forms
NAMES, DEEP = 64, 4  # attributes of a map (one at least), and maps within maps, that a form knows
VALUES = 128  # in a form: if each is in a map of its own, its function is made in 10 ms

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
"""What a form knows of a value: a key of _HOLES if it is neither a map nor a list of maps; None for nothing yet."""


class TextForms:
    """The forms of the items that were written; `encoders` and `other` write the values that a form leaves to them.

    >>> forms = TextForms({}, lambda value, depth: "")
    >>> for number in range(LOOKS * (WORTH + 1)):
    ...     forms.note({"id": "a", "n": number}, 30, unlike=False)
    >>> write = forms.find(("id", "n"))
    >>> write({"id": "b", "n": 7})
    '{"id":{"S":"b"},"n":{"N":"7"}}'
    >>> write({"id": "b", "n": True})
    Traceback (most recent call last):
    ...
    flyexpr.values.text_forms.Unlike

    A value that does not fit may raise other errors too.
    """

    def __init__(self, encoders: Mapping[type, Encode], other: Encode) -> None:
        self._encoders, self._other = encoders, other
        self._seen = Memo[Names, _Seen](MOST)
        self._made = Memo[Names, Write](MOST)
        self._turn = 0
        self.find = self._made.get  # the function for the items with these names, or None

    def note(self, item: Mapping[str, Any], size: int, *, unlike: bool) -> None:
        """Takes note of an item that was written value by value: its text is so long, or its form has not fitted it."""
        self._turn += 1
        if type(item) is not dict or (not unlike and (self._turn % LOOKS or size > LARGE)):
            return
        names = tuple(item)
        seen = self._seen.get(names)
        if seen is None:
            self._seen.keep(names, _Seen())
            return
        kind = _wider(seen.kind, _kind(item, 0))
        seen.kind = kind if _count(kind) <= VALUES else "any"
        seen.count = 0 if unlike else seen.count + 1
        if unlike:
            self._made.pop(names, None)
        elif seen.count >= WORTH and isinstance(seen.kind, Fields):
            self._made.keep(names, _Maker(self._encoders, self._other).made(seen.kind))


class _Seen:
    """How many items with certain names were seen, and the kind that fits those that were looked at."""

    __slots__ = ("count", "kind")

    def __init__(self) -> None:
        self.count, self.kind = 0, cast(Kind, None)


class Unlike(Exception):
    """The item has another form."""


def _kind(value: Any, depth: int) -> Kind:
    kind = _KINDS.get(type(value), "any")
    if kind == "N" and type(value) is int and -WHOLE < value < WHOLE:
        return "whole"
    if kind == "NS":
        return _OF_SETS.get(frozenset([_kind(one, depth) for one in value]), "any")
    if kind == "M" and depth <= DEEP and 0 < len(value) <= NAMES:
        return Fields(tuple(value), tuple([_kind(one, depth + 1) for one in value.values()]))
    if kind == "L" and depth <= DEEP and {*map(type, value)} <= {dict}:
        return _rows(reduce(_wider, [_kind(one, depth + 1) for one in value], None))
    return kind if kind in _HOLES else "any"


def _count(kind: Kind) -> int:
    """How many values a form names."""
    match kind:
        case Fields(_, kinds):
            return 1 + sum(map(_count, kinds))
        case Rows(member):
            return 1 + _count(member)
    return 1


def _rows(member: Kind) -> Kind:
    return Rows(member) if member is None or isinstance(member, Fields) else "any"


def _wider(first: Kind, second: Kind) -> Kind:
    """The kind that fits what either of two kinds fits."""
    if first == second or second is None:
        return first
    match first, second:
        case None, _:
            return second
        case ("whole", "N") | ("N", "whole"):
            return "N"
        case Fields(names, kinds), Fields(other_names, other_kinds) if names == other_names:
            return Fields(names, tuple(map(_wider, kinds, other_kinds)))
        case Rows(member), Rows(other):
            return _rows(_wider(member, other))
    return "any"


# By kind: what has to be true of a value @, and its text, as code of an f-string.
_HOLES: dict[Kind, tuple[str, str]] = {
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


class _Maker:
    """Writes the function of a form: the code of one function for each map in it. Names are only in its strings."""

    def __init__(self, encoders: Mapping[type, Encode], other: Encode) -> None:
        self._code = list[str]()
        self._scope: dict[str, Any] = {**_SCOPE, "encoder": encoders.get, "other": other}

    def made(self, form: Fields) -> Write:
        name = self._function(form, 1)
        return generated(name, self._code, self._scope)

    def _function(self, form: Fields, depth: int) -> str:
        """The name of the function that writes maps of a form, whose values stand so deep."""
        values = [f"value{number}" for number in range(len(form.names))]
        holes = [self._hole(kind, value, depth) for kind, value in zip(form.kinds, values, strict=True)]
        texts = [_literal(quote(name)) + ":" + text for name, (_, text) in zip(form.names, holes, strict=True)]
        text = "{{" + ",".join(texts) + "}}"
        number = len(self._code)
        self._scope[f"names{number}"] = form.names
        inside = f" or tuple(item) != names{number}" if depth > 1 else ""  # by those of an item the function was found
        self._code += [
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
                return "", f"{{{self._function(kind, depth + 1)}({value})}}"
            case Rows(Fields() as form):
                written = f"joined([{self._function(form, depth + 2)}(one) for one in {value}])"
                return f"type({value}) is list", f'{{{{"L":[{{{written}}}]}}}}'
        check, text = _HOLES.get(kind, _HOLES["any"])
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


_KINDS: dict[type, str] = {**STORED_TYPES, type(None): "NULL", set: "NS"}
_OF_SETS: dict[frozenset[Kind], str] = {frozenset(["S"]): "SS", frozenset(["whole"]): "NS"}
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
