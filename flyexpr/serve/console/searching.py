"""search: the items whose vectors are nearest to one."""

from __future__ import annotations

from typing import Any

from flyexpr.explanation import explain
from flyexpr.requests.constructors import near
from flyexpr.requests.operations import MOST_FOUND, Search
from flyexpr.schema.derived.derived_keys import key_of
from flyexpr.serve.console.catalogue import Catalogue
from flyexpr.serve.console.members import Members
from flyexpr.serve.console.reading import condition_of
from flyexpr.sync import run
from flyexpr.values.plain_json import item_text


def search(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """The nearest items, best first; the notes say what a score means, and what the search does not see."""
    known = catalogue.known(asked.text("table"))
    vector = near(asked.text("attribute"), asked.numbers("vector"))
    condition, top = condition_of(asked.text_or_none("text")), asked.number("top", 1, MOST_FOUND)
    operation = Search(vector, condition, top, asked.text_or_none("index"))
    results = [
        {"score": each.score, "item": item_text(each.item), "key": item_text(key_of(known.table, each.item))}
        for each in run(known.table, operation)
    ]
    return {"found": results, "notes": list(explain(known.table, operation).warnings)}
