"""Items of one form, each read by one match of a regular expression.

Most items of a page have the same attributes, of the same types, in the same order. Of such a form a pattern is made
that matches an item's whole text and gives the texts of its values, and a function that puts these together: no wire
dicts are made, and no name is read twice. A page of 1,000 items and 41,000 values takes 10.6 ms instead of 17.1.

A pattern matches items of exactly its form: all but the contents of strings stands in it letter by letter, and a string
goes on to the next quote. An item with an escape in a string matches no pattern and is, like one of another form, for
`decode_item`. No text of an answer becomes code: names are handed as values to the function that is made.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flyexpr.numbers import number
from flyexpr.values import Item, quote

Matched = re.Match[str]
Match = Callable[[str, int], Matched | None]

WORTH = 300  # items of a form that were met: to make it takes some milliseconds, which it spares over so many
FEW, LARGE = 8, 8192  # items on a page, and characters of one, for which a form is not worth looking for
LOOKS = frozenset((1, 17, 18, 19, 20))  # which of a page's items without a form are looked at
PATIENCE = 20  # patterns that may fail on a page before they are counted
LONG, LISTS = 8, 3  # elements of a list, and lists in lists, that can be a part of a form
LONG_VALUE = 80  # characters of a value, on average: a pattern takes longer over them than JSON's own scanner
SEVERAL = 8  # forms of one table
MOST = 64  # forms met and made; then all are forgotten


class Form:
    """What reads items of one form: `match` their text at a place, and `item` of what was matched.

    >>> NO_FORM.match('{"id":{"S":"a"}}', 0) is None
    True

    With the item the comma after it is matched; it has to be followed by another item, by the end of the array, or by
    the bracket that ends the text.
    """

    __slots__ = ("item", "match")

    def __init__(self, match: Match, item: Callable[[Matched], Item]) -> None:
        self.match, self.item = match, item


def form_of(item: dict[str, Any]) -> Form:
    """The form that a wire item has.

    >>> form = form_of({"id": {"S": "a"}, "wins": {"N": "1"}, "log": {"L": [{"S": "x"}, {"S": "y"}]}})
    >>> form.item(form.match('{"id":{"S":"b"},"wins":{"N":"2.5"},"log":{"L":[{"S":"z"}]}}]', 0))
    {'id': 'b', 'wins': Decimal('2.5'), 'log': ['z']}
    >>> form.match('{"id":{"S":"b"}}]', 0) is None
    True
    """
    pattern = _map_pattern(item, LISTS) + r"(?:,(?=\{)|(?=\]|\}\Z))"
    return Form(re.compile(pattern).match, Maker().made(item))


NO_FORM = Form(lambda text, place: None, lambda matched: {})


class Forms:
    """The forms that items of one table were found to have, the latest first.

    >>> forms = Forms()
    >>> forms.add(form_of({"id": {"S": "a"}}))
    >>> forms.item('{"Item":{"id":{"S":"b"}}}', 8), forms.item('{"Item":{"id":{"N":"1"}}}', 8)
    ({'id': 'b'}, None)
    """

    __slots__ = ("_failed", "_single", "found")

    def __init__(self) -> None:
        self.found: list[Form] = []
        self._single = self._failed = 0

    def add(self, form: Form) -> None:
        """Takes a form in, and lets go of the oldest where there are many."""
        self.found = [form, *self.found[: SEVERAL - 1]]

    def item(self, text: str, place: int) -> Item | None:
        """The item at a place, if it has one of these forms and is the last thing in an object."""
        self._single += 1
        if self._failed > PATIENCE and self._failed > self._single // 4:
            return None  # the items that come alone are of too many forms
        for form in self.found:
            matched = form.match(text, place)
            if matched and matched.end() == len(text) - 1:
                return form.item(matched)
            self._failed += 1
        return None

    def met(self, item: dict[str, Any], size: int) -> None:
        """Takes note of a wire item that came alone and has none of these forms; looks at one of eight."""
        if self._single % SEVERAL == 0:
            form = _form_met(item, size, SEVERAL)
            if form and form not in self.found:
                self.add(form)


class Search:
    """The search for the forms of the items on one page of so many characters.

    >>> text = '{"id":{"S":"a"}},' * 1000
    >>> search, form = Search(Forms(), len(text)), NO_FORM
    >>> for place in range(0, 17 * 17, 17):
    ...     form = search.met(form, {"id": {"S": "a"}}, place, place + 17)
    >>> form.item(form.match(text, 17)), search.other(form, text, 17) is None
    ({'id': 'a'}, True)
    """

    __slots__ = ("_failed", "_forms", "_given_up", "_missed", "_size")

    def __init__(self, forms: Forms, size: int) -> None:
        self._forms, self._size = forms, size
        self._missed = self._failed = 0
        self._given_up = False

    def other(self, form: Form, text: str, place: int) -> tuple[Form, Matched] | None:
        """Another form than the one tried last, and its match at a place."""
        if self._given_up:
            return None
        self._failed += form is not NO_FORM
        for found in self._forms.found:
            if found is not form:
                matched = found.match(text, place)
                if matched:
                    self._weigh(matched.end() - place, place)
                    return found, matched
                self._failed += 1
        return None

    def met(self, form: Form, item: dict[str, Any], start: int, end: int) -> Form:
        """The form to try next, after a wire item, from `start` to `end`, that none has matched."""
        size = end - start
        self._missed += 1
        self._weigh(size, end)
        if self._given_up:
            return NO_FORM
        alike = (self._size - start) // size
        new = _form_met(item, size, alike) if self._missed in LOOKS and alike >= FEW else None
        if new is None or new is form:
            return form
        if new not in self._forms.found:
            self._forms.add(new)
        return new

    def _weigh(self, size: int, place: int) -> None:
        """Gives up where one pattern in four items of such a size failed: that costs more than the others spare."""
        if self._failed > PATIENCE and self._failed * size * 4 > place:
            self._given_up = True


_MET: dict[str, Form | int] = {}  # by pattern: the form, or how many items were met that may be of it


def _form_met(item: dict[str, Any], size: int, alike: int) -> Form | None:
    """The form of an item of `size` characters, if enough of it were met before; `alike` may be like it."""
    pattern = item_pattern(item) if size <= LARGE else None
    if pattern is None or pattern.count("(") * LONG_VALUE < size:
        return None
    found = _MET.get(pattern, 0)
    if isinstance(found, int):
        if len(_MET) >= MOST:
            _MET.clear()
        found = _MET[pattern] = form_of(item) if found >= WORTH else found + alike
    return found if isinstance(found, Form) else None


_TEXT = r'[^"\\\x00-\x1f]*'  # a string, or what of one comes before a quote or an escape
_MEMBERS = rf'\["({_TEXT}(?:","{_TEXT})*)"\]'
_WHOLE, _FRACTION = r"-?[1-9][0-9]*|0", r"-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]"  # numbers, as the service writes them
_FRACTION_FIRST = rf'\{{"N":"(?:({_FRACTION})|({_WHOLE}))"\}}'  # where the item that was met has a fraction
_PATTERNS = {
    "N": rf'\{{"N":"(?:({_WHOLE})|({_FRACTION}))"\}}',
    "NULL": r'\{"NULL":true\}',
    "BOOL": r'\{"BOOL":(true|false)\}',
    **{kind: rf'\{{"{kind}":"({_TEXT})"\}}' for kind in ("S", "B")},
    **{kind: rf'\{{"{kind}":{_MEMBERS}\}}' for kind in ("SS", "NS", "BS")},
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
    """The pattern of a wire item; None for one that would have a long pattern, or lists in lists in lists.

    >>> item_pattern({"id": {"S": "a"}, "on": {"NULL": True}})
    '\\\\{"id":\\\\{"S":"([^"\\\\\\\\\\\\x00-\\\\x1f]*)"\\\\},"on":\\\\{"NULL":true\\\\}\\\\}'
    """
    try:
        pattern = _map_pattern(item, LISTS)
    except _NoForm:
        return None
    return pattern if len(pattern) <= 2 * LARGE else None


class _NoForm(Exception):
    """An item is not for a pattern."""


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
    """Up to so many elements as there is room for; an empty group before each says whether it is there."""
    room, patterns = _elements(members, lists)
    if not room:
        return ",".join(patterns)
    element = "()" + patterns[0]
    return f"(?:{element}" + f"(?:,{element}" * (room - 1) + ")?" * room


def _elements(members: list[Any], lists: int) -> tuple[int, list[str]]:
    """For how many elements a list has room, and the pattern of each: room up to the next power of two where all are
    alike, and 0 where they are not.
    """
    if lists == 0 or len(members) > LONG:
        raise _NoForm
    patterns = [_pattern(member, lists - 1) for member in members]
    alike = len({pattern.replace(_FRACTION_FIRST, _PATTERNS["N"]) for pattern in patterns}) == 1
    return (1 << (len(members) - 1).bit_length() if alike else 0), patterns


class Maker:
    """Writes the function that makes an item of a match: its groups, in the pattern's order, and the names it uses.

    >>> matched = re.match(item_pattern({"id": {"S": "a"}}), '{"id":{"S":"b"}}')
    >>> Maker().made({"id": {"S": "a"}})(matched)
    {'id': 'b'}
    """

    def __init__(self, **scope: Any) -> None:
        self.groups: list[str] = []
        self.scope = {"Decimal": Decimal, "number": number, "a2b_base64": a2b_base64, **scope}

    def made(self, item: dict[str, Any], *more: str) -> Callable[..., Any]:
        """The function of a match, and of `more`; what it gives is for `of_map`, `of_list` and `of_value` to say."""
        text = self.of_map(item)
        groups = "".join([f"{group}, " for group in self.groups])
        unpacked = f"({groups}) = matched.groups()" if groups else "pass"
        exec(f"def made({', '.join(['matched', *more])}):\n {unpacked}\n return {text}", self.scope)
        return self.scope["made"]  # type: ignore[no-any-return]

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
        """The elements of a list, one by one or, where they are of one form, as many as are there."""
        room, _ = _elements(members, LISTS)
        if not room:
            return ", ".join([self.element(member) for member in members])
        start = len(self.groups)
        there = self.group()
        value = self.element(members[0])
        first = self.groups[start:]
        rows = [first] + [[self.group() for _ in first] for _ in range(room - 1)]
        tuples = ", ".join([f"({', '.join(groups)},)" for groups in rows])
        return f"{value} for {', '.join(first)}, in ({tuples},) if {there} is not None"

    def element(self, wire: dict[str, Any]) -> str:
        return self.of_value(wire)

    def number(self, sample: str) -> tuple[str, str]:
        """The groups of a number, for a whole one and for a fraction; one of them is None."""
        first, second = self.group(), self.group()
        return (second, first) if "." in sample else (first, second)

    def group(self) -> str:
        self.groups.append(f"group{len(self.groups)}")
        return self.groups[-1]

    def _name(self, name: str) -> str:
        constant = f"name{len(self.scope)}"
        self.scope[constant] = name
        return constant
