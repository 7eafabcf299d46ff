"""Items of one form, each read by one match of a regular expression.

Most items of a page have the same attributes, of the same types, in the same order. For such a form we make a pattern,
which matches an item's whole text and gives the texts of its values, and a function that puts the values together. No
wire dicts are made, and no name is read twice. A page of 1,000 items and 41,000 values takes 10.6 ms instead of 17.1.

This file says what a form is; flyexpr.values.pattern_cache says which forms are made, and when they are tried.

A pattern matches items of exactly its form: it holds the text letter by letter, except for the contents of strings, and
a string goes on to the next quote. An item with an escape in a string matches no pattern; like an item of another form,
it is read by `decode_item`. No text of an answer becomes code: the function gets names as values.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flyexpr.records import generated
from flyexpr.values.decode import decode_item
from flyexpr.values.numbers import number
from flyexpr.values.types import Item, quote

Matched = re.Match[str]
Match = Callable[[str, int], Matched | None]

LARGE = 16_384  # characters of a pattern
LONG, LISTS = 8, 3  # a form holds lists of at most 8 elements, nested at most 3 deep


class Form:
    """The reader of items of one form: `match` finds one at a position of a text, and `item` makes it of the match.

    >>> NO_FORM.match('{"id":{"S":"a"}}', 0) is None
    True

    In an array the comma after the item is matched too. The item has to be followed by another item, by the end of the
    array, by the next member of an object, or by the bracket that ends the text. `wire` is a wire item of the form,
    without the contents of its values: it tells how all of them are stored.
    """

    __slots__ = ("item", "match", "wire")

    def __init__(self, match: Match, item: Callable[[Matched], Item], wire: dict[str, Any]) -> None:
        self.match, self.item, self.wire = match, item, wire

    @property
    def sample(self) -> Item:
        """The plain item that `wire` is."""
        return decode_item(_blank_map(self.wire))


def form_of(item: dict[str, Any]) -> Form:
    """The form that a wire item has.

    >>> form = form_of({"id": {"S": "a"}, "wins": {"N": "1"}, "log": {"L": [{"S": "x"}, {"S": "y"}]}})
    >>> form.item(form.match('{"id":{"S":"b"},"wins":{"N":"2.5"},"log":{"L":[{"S":"z"}]}}]', 0))
    {'id': 'b', 'wins': Decimal('2.5'), 'log': ['z']}
    >>> form.match('{"id":{"S":"b"}}]', 0) is None
    True
    """
    pattern = _map_pattern(item, LISTS) + r'(?:,(?=\{)|(?=\]|,"|\}\Z))'
    return Form(re.compile(pattern).match, Maker().made(item), _blank_map(item))


NO_FORM = Form(lambda text, position: None, lambda matched: {}, {})


def _blank_map(wire: dict[str, Any]) -> dict[str, Any]:
    return {name: _blank(member) for name, member in wire.items()}


def _blank(wire: dict[str, Any]) -> dict[str, Any]:
    """A wire value of the same kinds at every depth, without the contents of this one; a fraction stays one."""
    ((kind, body),) = wire.items()
    if kind == "M":
        return {kind: _blank_map(body)}
    if kind == "L":
        return {kind: [_blank(member) for member in body]}
    return {kind: "0.5" if kind == "N" and "." in body else _BLANKS.get(kind, "")}


_BLANKS: dict[str, Any] = {"N": "0", "BOOL": True, "NULL": True, "SS": [""], "NS": ["0"], "BS": [""]}


_TEXT = r'[^"\\\x00-\x1f]*'  # a string, up to a quote or an escape
_MEMBERS = rf'\["({_TEXT}(?:","{_TEXT})*)"\]'
# Numbers as the service writes them, of at most 38 digits, so that their texts need no check. A number with zeros up to
# 10^125, or a fraction whose digits are divided in another way, is read without a pattern.
_WHOLE, _FRACTION = r"-?[1-9][0-9]{0,37}|0", r"-?(?:0|[1-9][0-9]{0,9})\.[0-9]{0,27}[1-9]"
_NUMBER = "-?[0-9][0-9.]{0,37}"  # in a set, where each is read and checked
_FRACTION_FIRST = rf'\{{"N":"(?:({_FRACTION})|({_WHOLE}))"\}}'  # where the item that the form is made of has a fraction
_PATTERNS = {
    "N": rf'\{{"N":"(?:({_WHOLE})|({_FRACTION}))"\}}',
    "NULL": r'\{"NULL":true\}',
    "BOOL": r'\{"BOOL":(true|false)\}',
    **{kind: rf'\{{"{kind}":"({_TEXT})"\}}' for kind in ("S", "B")},
    **{kind: rf'\{{"{kind}":{_MEMBERS}\}}' for kind in ("SS", "BS")},
    "NS": rf'\{{"NS":\["({_NUMBER}(?:","{_NUMBER})*)"\]\}}',
}
_VALUES = {
    "S": "{0}",
    "B": "a2b_base64({0})",
    "BOOL": '{0} == "true"',
    "SS": """set({0}.split('","'))""",
    "NS": """set(map(number, {0}.split('","')))""",
    "BS": """set(map(a2b_base64, {0}.split('","')))""",
}


def item_pattern(item: dict[str, Any]) -> str | None:
    """The pattern of a wire item; None where it would be too long, or where lists are nested too deep.

    >>> item_pattern({"id": {"S": "a"}, "on": {"NULL": True}})
    '\\\\{"id":\\\\{"S":"([^"\\\\\\\\\\\\x00-\\\\x1f]*)"\\\\},"on":\\\\{"NULL":true\\\\}\\\\}'
    """
    try:
        pattern = _map_pattern(item, LISTS)
    except _NoForm:
        return None
    return pattern if len(pattern) <= LARGE else None


class _NoForm(Exception):
    """The item gets no pattern."""


def _map_pattern(members: dict[str, Any], lists: int) -> str:
    return r"\{" + ",".join([_name_pattern(name) + _pattern(wire, lists) for name, wire in members.items()]) + r"\}"


@lru_cache(maxsize=4096)
def _name_pattern(name: str) -> str:
    return re.escape(quote(name)) + ":"


def _pattern(wire: dict[str, Any], lists: int) -> str:
    ((kind, body),) = wire.items()
    if kind == "M":
        return r'\{"M":' + _map_pattern(body, lists) + r"\}"
    if kind == "L":
        return r'\{"L":\[' + _list_pattern(body, lists) + r"\]\}"
    return _FRACTION_FIRST if kind == "N" and "." in body else _PATTERNS[kind]


def _list_pattern(members: list[Any], lists: int) -> str:
    """As many elements as there is room for; an empty group before each one says whether it exists."""
    room, patterns = _elements(members, lists)
    if not room:
        return ",".join(patterns)
    element = "()" + patterns[0]
    return f"(?:{element}" + f"(?:,{element}" * (room - 1) + ")?" * room


def _elements(members: list[Any], lists: int) -> tuple[int, list[str]]:
    """The number of elements that the pattern of a list has room for, and the pattern of each element.

    Where all elements are alike there is room up to the next power of two; where they are not, 0 says so.
    """
    if lists == 0 or len(members) > LONG:
        raise _NoForm
    patterns = [_pattern(member, lists - 1) for member in members]
    alike = len({pattern.replace(_FRACTION_FIRST, _PATTERNS["N"]) for pattern in patterns}) == 1
    return (1 << (len(members) - 1).bit_length() if alike else 0), patterns


class Maker:
    """Writes the function that makes an item of a match, from the pattern's groups in their order and from the names.

    >>> matched = re.match(item_pattern({"id": {"S": "a"}}), '{"id":{"S":"b"}}')
    >>> Maker().made({"id": {"S": "a"}})(matched)
    {'id': 'b'}
    """

    def __init__(self, **scope: Any) -> None:
        self.groups: list[str] = []
        self.scope = {"Decimal": Decimal, "number": number, "a2b_base64": a2b_base64, **scope}

    def made(self, item: dict[str, Any], *more: str) -> Callable[..., Any]:
        """The function, whose arguments are a match and `more`; `of_map`, `of_list` and `of_value` write its result."""
        text = self.of_map(item)
        groups = "".join([f"{group}, " for group in self.groups])
        return self._function(f"({groups}) = matched.groups()" if groups else "pass", text, *more)

    def made_alone(self, item: dict[str, Any]) -> dict[str, Callable[[Matched], Any]]:
        """By the name of each attribute, the function that makes its value alone.

        >>> sample = {"id": {"S": "a"}, "wins": {"N": "1"}}
        >>> matched = re.match(item_pattern(sample), '{"id":{"S":"b"},"wins":{"N":"2"}}')
        >>> Maker().made_alone(sample)["wins"](matched)
        2
        """
        functions = {}
        for name, wire in item.items():
            start = len(self.groups)
            text, groups = self.of_value(wire), self.groups[start:]
            numbers = ", ".join(map(str, range(start + 1, len(self.groups) + 1)))
            unpacked = f"{', '.join(groups)} = matched.group({numbers})" if groups else "pass"
            functions[name] = self._function(unpacked, text)
        return functions

    def _function(self, unpacked: str, result: str, *more: str) -> Callable[..., Any]:
        head = f"def made({', '.join(['matched', *more])}):"
        return generated("made", [head, f" {unpacked}", f" return {result}"], self.scope)

    def of_map(self, members: dict[str, Any]) -> str:
        values = [f"{self._name(name)}: {self.of_value(wire)}" for name, wire in members.items()]
        return f"{{{', '.join(values)}}}"

    def of_list(self, members: list[Any]) -> str:
        return f"[{self.elements(members)}]"

    def of_value(self, wire: dict[str, Any]) -> str:
        ((kind, body),) = wire.items()
        if kind == "M":
            return self.of_map(body)
        if kind == "L":
            return self.of_list(body)
        if kind == "N":
            whole, fraction = self.number(body)
            return f"int({whole}) if {fraction} is None else Decimal({fraction})"
        return "None" if kind == "NULL" else _VALUES[kind].format(self.group())

    def elements(self, members: list[Any]) -> str:
        """The elements of a list: one by one, or where all have one form, as many as exist."""
        room, _ = _elements(members, LISTS)
        if not room:
            return ", ".join([self.element(member) for member in members])
        start = len(self.groups)
        exists = self.group()
        value = self.element(members[0])
        first = self.groups[start:]
        rows = [first] + [[self.group() for _ in first] for _ in range(room - 1)]
        tuples = ", ".join([f"({', '.join(groups)},)" for groups in rows])
        return f"{value} for {', '.join(first)}, in ({tuples},) if {exists} is not None"

    def element(self, wire: dict[str, Any]) -> str:
        return self.of_value(wire)

    def number(self, sample: str) -> tuple[str, str]:
        """The two groups of a number, for a whole number and for a fraction; in a match one of them is None."""
        first, second = self.group(), self.group()
        return (second, first) if "." in sample else (first, second)

    def group(self) -> str:
        self.groups.append(f"group{len(self.groups)}")
        return self.groups[-1]

    def _name(self, name: str) -> str:
        constant = f"name{len(self.scope)}"
        self.scope[constant] = name
        return constant
