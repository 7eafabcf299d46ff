"""DynamoDB's answers as plain values, read from their bytes."""

from __future__ import annotations

import json
import re
from codecs import utf_8_decode
from collections.abc import Callable, Generator, Iterator
from operator import attrgetter
from typing import Any

from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.values.decode import decode_item
from flyexpr.values.numbers import no_constant
from flyexpr.values.pattern_cache import Forms, Search
from flyexpr.values.patterns import NO_FORM, Form, Matched
from flyexpr.values.types import Item, content

_NOT_WIRE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_decoder = json.JSONDecoder(parse_constant=no_constant)
_scan = _decoder.raw_decode

_BEGINNING = 32 * 1024  # bytes
_begins_with_items = re.compile(rb'\{(?:"ConsumedCapacity":\{[^{}]{,200}\},)?"Count":[0-9]+,"Items":\[\{').match


class Page:
    """The items of one answer, each decoded when it is taken, and the other members of the answer.

    >>> page = Page(b'{"Count": 1, "Items": [{"id": {"S": "a"}}], "ScannedCount": 2}')
    >>> list(page), page.rest
    ([{'id': 'a'}], {'Count': 1, 'ScannedCount': 2})
    >>> list(Page(b'{"Responses": {"t": [{"id": {"S": "a"}}]}}', within=("Responses", "t")))
    [{'id': 'a'}]

    `rest` is complete once all items are taken. Taking three items of a page costs three items: where their forms are
    known, only the beginning of a long answer is decoded. `forms` are the forms that items of the table are known to
    have. `known` says whether the item just taken has one of them: then it fits the table's types, and comes as what
    `maker` of its form makes of it. `within` are the names of the members that lead to the items.
    """

    __slots__ = ("_body", "_forms", "_maker", "_size", "_text", "_within", "known", "rest")

    def __init__(
        self,
        body: bytes,
        forms: Forms | None = None,
        within: tuple[str, ...] = ("Items",),
        maker: Callable[[Form], Callable[[Matched], Any]] = attrgetter("item"),
    ) -> None:
        self._forms, self._within, self._maker, self._size = forms or Forms(), within, maker, len(body)
        # To decode 1 MB takes 0.3 ms, and as long again to get 2 MB of memory for it; to read three items takes 0.1.
        is_long = self._size > 2 * _BEGINNING and self._forms.found and _begins_with_items(body)
        self._body = body if is_long else b""  # while only its beginning is decoded
        self._text = _text(body, _BEGINNING) if is_long else _text(body)
        self.rest: dict[str, Any] = {}
        self.known = True

    def __iter__(self) -> Iterator[Any]:
        return self._members(0, self._within)

    def _members(self, position: int, within: tuple[str, ...]) -> Generator[Any, None, int]:
        """The items in the object at a position, one by one; returns the position after the object."""
        # The wire form of one item at a time is in memory. Parsing the whole page first takes half as long again, most
        # of it in the garbage collector and in page faults.
        text = self._text
        try:
            position = _after(text, position, "{")
            while text[position] != "}":
                name, position = _scan(text, position)
                position = _after(text, position, ":")
                if name != within[0] or text[position] == "n":  # null stands for none
                    self.rest[name], position = _scan(text, position)
                elif len(within) > 1:
                    position = yield from self._members(position, within[1:])
                else:
                    position = yield from self._items(position)
                    text = self._text
                position = _next(text, position)
            return position + 1
        except _NOT_WIRE as error:
            raise malformed(error) from None

    def _items(self, position: int) -> Generator[Any, None, int]:
        """The items of the array at a position, one by one; returns the position after it."""
        text, forms = self._text, self._forms
        position = _after(text, position, "[")
        search, form = Search(forms, self._size), forms.found[0] if forms.found else NO_FORM
        make = self._maker(form)
        while True:
            matched = form.match(text, position)
            if matched:
                position = matched.end()
                yield make(matched)
            elif self._body:  # the beginning may cut the item in two
                text = self._text = _text(self._body)
                self._body = b""
            elif text[position] == "]":
                return position + 1
            elif other := search.other(form, text, position):
                form, matched = other
                make, position = self._maker(form), matched.end()
                yield make(matched)
            else:
                item, end = _scan(text, position)
                form = search.note(form, item, position, end)
                make, self.known = self._maker(form), False
                yield decode_item(item)
                self.known = True
                position = _next(text, end)


class Places(Page):
    """The same for an array whose elements hold an item each, or none.

    >>> list(Places(b'{"Responses": [{"Item": {"id": {"S": "a"}}}, {}]}', within=("Responses",)))
    [{'id': 'a'}, None]
    """

    __slots__ = ()

    def _items(self, position: int) -> Generator[Any, None, int]:
        position = _after(self._text, position, "[")
        while self._text[position] != "]":
            element, position = _scan(self._text, position)
            position = _next(self._text, position)
            wire = element.get("Item")
            yield None if wire is None else decode_item(wire)
        return position + 1


def _after(text: str, position: int, mark: str) -> int:
    """The position after a mark and the white space around it."""
    while text[position].isspace():
        position += 1
    if text[position] != mark:
        raise ValueError(f"expected {mark!r} at character {position}")
    position += 1
    while text[position].isspace():
        position += 1
    return position


def _next(text: str, position: int) -> int:
    """The position of the next element, or of the bracket that ends the array or object."""
    while text[position].isspace():
        position += 1
    return _after(text, position, ",") if text[position] == "," else position


def item_and_rest(body: bytes, member: str, forms: Forms) -> tuple[Item | None, dict[str, Any]]:
    """The item in a member of an answer, None where there is none; and the other members.

    >>> item_and_rest(b'{"Item":{"id":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":0.5}}', "Item", Forms())
    ({'id': 'a'}, {'ConsumedCapacity': {'CapacityUnits': 0.5}})

    `forms` are those known of the table's items.
    """
    try:
        text, mark = body.decode(), f'"{member}":'
        before = text.find(mark)
        start = before + len(mark)
        read = forms.item(text, start) if before > 0 else None
        if read is not None:
            item, end = read
            alone = before == 1 and end == len(text) - 1
            return item, {} if alone else _without(member, text[:start] + "null" + text[end:])
        rest = fields_of(text)
        wire = rest.pop(member, None)
        if wire is None:
            return None, rest
        forms.note(wire, len(text))
        return decode_item(wire), rest
    except _NOT_WIRE as error:
        raise malformed(error) from None


def _without(member: str, text: str) -> dict[str, Any]:
    rest: dict[str, Any] = _decoder.decode(text)
    del rest[member]
    return rest


def plain_item(wire: dict[str, Any]) -> Item:
    """The plain item of an answer's wire item, which is emptied.

    >>> plain_item({"id": {"N": "one"}})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ConnectionFailed: the answer is not what DynamoDB sends (InvalidOperation)
    """
    try:
        return decode_item(wire)
    except _NOT_WIRE as error:
        raise malformed(error) from None


def body_of(answer: Any) -> bytes:
    """The body of an answer as bytes, also of a bytearray or memoryview; TypeError for what holds no bytes.

    >>> body_of(bytearray(b"{}"))
    b'{}'
    >>> body_of({"Count": 0})
    Traceback (most recent call last):
    ...
    TypeError: an engine returns the answer's JSON as bytes, not {'Count': 0}; write json.dumps(...).encode()
    """
    if isinstance(answer, (bytes, bytearray, memoryview)):
        return content(answer)
    instead = _ENCODED.get(type(answer), "")
    raise TypeError(f"an engine returns the answer's JSON as bytes, not {answer!r:.200}{instead}")


_ENCODED: dict[type, str] = {str: "; write .encode() behind it", dict: "; write json.dumps(...).encode()"}


def fields_of(body: bytes | str) -> dict[str, Any]:
    """The members of an answer, as they are on the wire.

    >>> fields_of(b"<html>")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ConnectionFailed: the answer is not what DynamoDB sends (JSONDecodeError)
    """
    try:
        fields = _decoder.decode(body if isinstance(body, str) else body.decode()) if body else {}
    except (ValueError, RecursionError) as error:
        raise malformed(error) from None
    if not isinstance(fields, dict):
        raise malformed(TypeError())
    return fields


def _text(body: bytes, most: int | None = None) -> str:
    """The text of an answer, or of its first bytes: then a character that they cut in two is left out."""
    try:
        return body.decode() if most is None else utf_8_decode(body[:most], "strict", False)[0]
    except _NOT_WIRE as error:
        raise malformed(error) from None


def malformed(error: BaseException) -> DynamoError:
    """The error for an answer that cannot be read, whatever the reason."""
    return DynamoError.of("ConnectionFailed", f"the answer is not what DynamoDB sends ({type(error).__name__})")


class _Decoding:
    """A context that turns errors of reading into ConnectionFailed; it holds nothing, so one serves all."""

    def __enter__(self) -> None: ...

    def __exit__(self, error_type: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _NOT_WIRE) and not isinstance(error, FlyexprError):
            raise malformed(error) from None


decoding = _Decoding()
"""`with decoding:` reads members of an answer; a member that is missing or of another type is ConnectionFailed."""


def last_key_of(body: bytes) -> Item | None:
    """The LastEvaluatedKey of a page, searched from its end; an attribute of that name can be mistaken for it.

    >>> last_key_of(b'{"Items":[],"LastEvaluatedKey":{"id":{"S":"a"}},"Count":0}'), last_key_of(b'{"Items":[]}')
    ({'id': 'a'}, None)
    """
    mark = b'"LastEvaluatedKey":'
    start = body.rfind(mark)
    try:
        return None if start < 0 else decode_item(_scan(body[start + len(mark) :].decode().lstrip(), 0)[0])
    except _NOT_WIRE:
        return None


def units(rest: dict[str, Any]) -> float:
    """The capacity units that an answer says it consumed, over all tables.

    >>> units({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}), units({})
    (0.5, 0.0)
    """
    consumed = rest.get("ConsumedCapacity") or ()
    return float(sum(one.get("CapacityUnits", 0) for one in ([consumed] if isinstance(consumed, dict) else consumed)))
