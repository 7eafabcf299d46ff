"""Searches that ask for the same as an earlier one, but near to another vector.

The text around the numbers says all the rest. Where it is that of a search that was carried out, only the numbers are
read: with 384 of them this takes half of the time of a reading of the whole body.
"""

from __future__ import annotations

from flyexpr.engines.sqlite.request.body import MAX_BODY, NOT_AS_KNOWN, Bodies, scan
from flyexpr.engines.sqlite.request.intents.reads import SearchAsked
from flyexpr.engines.sqlite.request.known.compact import compact_text
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.searches.bodies import read_search_body
from flyexpr.engines.sqlite.request.searches.search import vector_of
from flyexpr.errors import DynamoError
from flyexpr.records import replace
from flyexpr.values.memo import Memo

_START, _BETWEEN, _END = '"SearchVector":[{"N":"', '"},{"N":"', '"}]'
_MANY, _LONG = 256, 1024  # texts, and characters of one


class SearchBodies(Bodies):
    """Reads the bodies of SearchVectors.

    >>> SearchBodies().known(b'{"SearchVector":[{"N":"1"}]}') is None
    True
    """

    read = staticmethod(read_search_body)

    def __init__(self) -> None:
        self._known = Memo[tuple[str, str], SearchAsked](_MANY)  # by the texts before the numbers, and after them

    def known(self, body: bytes) -> SearchAsked | None:
        try:
            around, numbers = _parts(body)
            known = self._known.get(around)
            return known and replace(known, vector=vector_of(numbers.split(_BETWEEN)))
        except (*NOT_AS_KNOWN, DynamoError):
            return None  # what is wrong is said where the whole request is read

    def learn(self, members: Members, asked: SearchAsked, body: bytes) -> None:
        try:
            around, _ = _parts(body)
            before, after = around
            rest, _ = scan(f"{before}0{after}", 0)
        except NOT_AS_KNOWN:
            return
        if rest == {**members, "SearchVector": [{"N": "0"}]} and len(before) + len(after) <= _LONG:
            self._known.keep(around, replace(asked, vector=()))


def _parts(body: bytes) -> tuple[tuple[str, str], str]:
    """The texts before and after the numbers of a request; and the numbers, with what stands between them."""
    if len(body) > MAX_BODY:
        raise ValueError("it is too long")
    text = compact_text(body)
    start = text.index(_START) + len(_START)
    end = text.index(_END, start)
    return (text[:start], text[end:]), text[start:end]
