"""A search of a vector index: its results, and the wait until a new index answers."""

from __future__ import annotations

from flyexpr.drive import Pause
from flyexpr.errors import DynamoError
from flyexpr.expressions.evaluate import matches
from flyexpr.expressions.project import project
from flyexpr.requests.operations import Found, Search
from flyexpr.requests.plan.searches import access_of_search
from flyexpr.requests.reads import Access
from flyexpr.schema.stored_items import read_item
from flyexpr.schema.table import Table
from flyexpr.steps.step import Steps
from flyexpr.values.types import Item


def search(table: Table, operation: Search) -> Steps[list[Found]]:
    """The nearest items, best first."""
    access = access_of_search(table, operation)
    if not access.sends:
        return []
    items, rest = access.answer(table, (yield from _answered(table, operation, access)))
    results = [
        Found(_read(table, operation, item), score)
        for item, score in zip(items, rest["Scores"], strict=True)
        if access.residue is None or matches(access.residue, item)
    ]
    return results[: operation.top]


def _read(table: Table, operation: Search, item: Item) -> Item:
    read = read_item(table, item, operation.project)
    return read if operation.project is None else project(operation.project, read)


def _answered(table: Table, operation: Search, access: Access) -> Steps[bytes]:
    """The answer; an index that is new is asked again until it answers, or `wait` is over."""
    waited, pause = 0.0, 0.1
    while True:
        try:
            body: bytes = yield access.request(table, operation)
            return body
        except DynamoError as error:
            if operation.wide and "Invalid comparator" in error.message:
                error.args = (f"{error}\n  hint: leave out wide=True, and the client checks such conditions",)
            if not _is_not_ready(error) or waited >= operation.wait:
                raise
        yield Pause(pause, f"the vector index of {table.name!r} does not answer yet")
        waited, pause = waited + pause, min(pause * 2, 5.0)


def _is_not_ready(error: DynamoError) -> bool:
    """Whether the error may be that of an index that is being made: a status of ACTIVE does not say that it answers."""
    return "backfilling vector index" in error.message or "does not have the specified index" in error.message
