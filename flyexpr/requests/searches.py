"""A search of a vector index: its request, how its answer is read, and what the score says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flyexpr.expressions.check.searching import compared_values, is_searchable
from flyexpr.expressions.nodes import Condition, parts_of
from flyexpr.expressions.show import show
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.operations import MOST_FOUND
from flyexpr.requests.reads import FIRST, Access, Answer, Turn
from flyexpr.requests.request import CAPACITY, Request, table_name, wire_request
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.indexes import VectorIndex
from flyexpr.schema.table import Table
from flyexpr.values.answers import decoding, fields_of
from flyexpr.values.encode import encode
from flyexpr.values.types import quote
from flyexpr.values.vector_texts import single_text
from flyexpr.values.wire_json import item_of_wire

_SCORES = {
    "cosine": "the score is 1 - cosine: 0 for the same direction, 2 for the opposite one; the smallest is best",
    "euclidean": "the score is the distance: 0 for the same point; the smallest is best",
    "dot_product": "the score is the dot product: the largest is best",
}


class VectorSearch(Access):
    """One SearchVectors; what the service cannot check is checked on up to 100 results."""

    __slots__ = ()
    operation = "SearchVectors"

    def request(self, table: Table, read: Any, turn: Turn = FIRST) -> Request:
        assert self.index is not None
        members = [
            table_name(table),
            f'"IndexName":{quote(self.index.name)}',
            f'"SearchVector":{_vector(read.near.vector)}',
            f'"TopK":{read.top if self.residue is None else MOST_FOUND}',
        ]
        members += expression_members(
            ("SearchConditionExpression", self.filter),
            ("ProjectionExpression", self.fetch),
        )
        return wire_request(self.operation, [*members, CAPACITY])

    def answer(self, table: Table, body: bytes) -> Answer:
        with decoding:
            results = fields_of(body)["SearchResults"]
            items = [fill(table, item_of_wire(each["Item"])) for each in results]
            return items, {"Scores": [float(each["Score"]) for each in results]}

    def warnings(self, table: Table) -> Iterator[str]:
        index = self.index
        assert isinstance(index, VectorIndex)
        yield _SCORES[index.distance]
        needed = " or ".join(f"`{name}`" for name in (index.attribute, *index.partition_keys))
        yield f"items without {needed} are not in this index"
        if self.filter is not None and not all(map(is_equality, parts_of(self.filter))):
            yield f"some Regions refuse a condition of more than equalities: {show(self.filter)}"
        if self.residue is not None:
            yield f"the client checks {show(self.residue)} on {MOST_FOUND} results, so fewer than `top` may come"
        yield "a vector index follows its table with a delay, and a search is approximate"


def _vector(numbers: Sequence[Any]) -> str:
    """The wire text of the numbers to be near to."""
    text = single_text(numbers)
    if text is None:
        return encode([*numbers]).removeprefix('{"L":').removesuffix("}")
    return f'[{{"N":"{text}"}}]'


def is_equality(part: Condition) -> bool:
    """Whether a search condition can have the part in every Region: attributes that equal key values.

    >>> is_equality(eq("lang", "en")), is_equality(gt("pages", 3)), is_equality(eq("draft", True))
    (True, False, False)
    """
    return is_searchable(part, wide=False) and all(value.kind in ("S", "N", "B") for _, value in compared_values(part))
