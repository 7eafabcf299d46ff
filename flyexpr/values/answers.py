"""DynamoDB's answers as plain values, read straight from their bytes."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.values.decode import decode_item
from flyexpr.values.kinds import Item
from flyexpr.values.pattern_cache import Forms, Search
from flyexpr.values.patterns import NO_FORM

_NOT_WIRE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_scan = json.JSONDecoder().raw_decode


class Page:
    """One page of a query or scan: its items, decoded one by one as they are taken, and what else the answer holds.

    >>> page = Page(b'{"Count": 1, "Items": [{"id": {"S": "a"}}], "ScannedCount": 2}')
    >>> list(page), page.rest
    ([{'id': 'a'}], {'Count': 1, 'ScannedCount': 2})

    `rest` is complete once the items are taken. Taking three items of a page costs three items. `forms` are those that
    items of the table were found to have; `known` says whether the item just taken has one of them, and so fits.
    """

    __slots__ = ("_forms", "_text", "known", "rest")

    def __init__(self, body: bytes, forms: Forms | None = None) -> None:
        self._text, self._forms = _text(body), forms or Forms()
        self.rest: dict[str, Any] = {}
        self.known = True

    def __iter__(self) -> Iterator[Item]:
        # Only one item's wire form is alive at a time: a whole page parsed first costs half as much again, most of it
        # in the garbage collector and in page faults.
        text, place = self._text, 0
        try:
            place = _after(text, place, "{")
            while text[place] != "}":
                name, place = _scan(text, place)
                place = _after(text, place, ":")
                if name == "Items":
                    place = yield from _items(self, text, place, self._forms)
                else:
                    self.rest[name], place = _scan(text, place)
                place = _next(text, place)
        except _NOT_WIRE as error:
            raise malformed(error) from None


def _items(page: Page, text: str, place: int, forms: Forms) -> Generator[Item, None, int]:
    """The items of the array at a place, one by one; then the place after it."""
    place = _after(text, place, "[")
    search, form = Search(forms, len(text)), forms.found[0] if forms.found else NO_FORM
    while True:
        matched = form.match(text, place)
        if matched:
            place = matched.end()
            yield form.item(matched)
        elif text[place] == "]":
            return place + 1
        elif other := search.other(form, text, place):
            form, matched = other
            place = matched.end()
            yield form.item(matched)
        else:
            item, end = _scan(text, place)
            form = search.met(form, item, place, end)
            page.known = False
            yield decode_item(item)
            page.known = True
            place = _next(text, end)


def _after(text: str, place: int, mark: str) -> int:
    """The place of what follows a mark and the white space around it."""
    while text[place].isspace():
        place += 1
    if text[place] != mark:
        raise ValueError(f"expected {mark!r} at character {place}")
    place += 1
    while text[place].isspace():
        place += 1
    return place


def _next(text: str, place: int) -> int:
    """The place of the next element, or of the bracket that ends them."""
    while text[place].isspace():
        place += 1
    return _after(text, place, ",") if text[place] == "," else place


def item_of(body: bytes, member: str, forms: Forms) -> Item | None:
    """The item in a member of an answer; None where there is none. `forms` are those known of the table's items.

    >>> item_of(b'{"Item": {"id": {"S": "a"}}}', "Item", Forms()), item_of(b"{}", "Item", Forms())
    ({'id': 'a'}, None)
    """
    text, start = _text(body), f'{{"{member}":'
    try:
        found = forms.item(text, len(start)) if text.startswith(start) else None
        if found is not None:
            return found
        wire = fields_of(body).get(member)
        if wire is None:
            return None
        forms.met(wire, len(text))
        return decode_item(wire)
    except _NOT_WIRE as error:
        raise malformed(error) from None


def plain_item(wire: dict[str, Any]) -> Item:
    """The plain item of an answer's wire item, which is used up.

    >>> plain_item({"id": {"N": "one"}})
    Traceback (most recent call last):
    ...
    flyexpr.errors.ConnectionFailed: the answer is not what DynamoDB sends (InvalidOperation)
    """
    try:
        return decode_item(wire)
    except _NOT_WIRE as error:
        raise malformed(error) from None


def fields_of(body: bytes) -> dict[str, Any]:
    """The members of an answer, as they are on the wire.

    >>> fields_of(b"<html>")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ConnectionFailed: the answer is not what DynamoDB sends (JSONDecodeError)
    """
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise malformed(error) from None
    if not isinstance(found, dict):
        raise malformed(TypeError())
    return found


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise malformed(error) from None


def malformed(error: BaseException) -> DynamoError:
    """The error for an answer that cannot be read, for whatever reason."""
    return DynamoError.of("ConnectionFailed", f"the answer is not what DynamoDB sends ({type(error).__name__})")


class _Decoding:
    """A context in which whatever goes wrong is the answer's fault; one for all, since it holds nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _NOT_WIRE) and not isinstance(error, FlyexprError):
            raise malformed(error) from None


decoding = _Decoding()
"""`with decoding:` reads members of an answer; what is missing or of another type is ConnectionFailed."""


def last_key_of(body: bytes) -> Item | None:
    """The LastEvaluatedKey of a page, looked for from its end; an attribute of that name may be taken for it.

    >>> last_key_of(b'{"Items":[],"LastEvaluatedKey":{"id":{"S":"a"}},"Count":0}'), last_key_of(b'{"Items":[]}')
    ({'id': 'a'}, None)
    """
    mark = b'"LastEvaluatedKey":'
    place = body.rfind(mark)
    try:
        return None if place < 0 else decode_item(_scan(body[place + len(mark) :].decode().lstrip(), 0)[0])
    except _NOT_WIRE:
        return None


def units(rest: dict[str, Any]) -> float:
    """The capacity units that an answer says it consumed, over all tables.

    >>> units({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}), units({})
    (0.5, 0.0)
    """
    consumed = rest.get("ConsumedCapacity") or ()
    return float(sum(one.get("CapacityUnits", 0) for one in ([consumed] if isinstance(consumed, dict) else consumed)))
