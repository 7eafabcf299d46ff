"""explain, page and item: how a condition is answered, and what it finds."""

from __future__ import annotations

import time
from typing import Any

from flyexpr.doors.plain_items import pages
from flyexpr.explanation import explain as explained
from flyexpr.expressions.nodes import ALWAYS, Condition
from flyexpr.expressions.parse import parse_condition
from flyexpr.records import replace
from flyexpr.requests.hints import bare_words, in_other_words
from flyexpr.requests.operations import Budget, GetItem, Query, Scan
from flyexpr.requests.plan.query_or_scan import read_of, scanned
from flyexpr.schema.derived.derived_keys import key_of
from flyexpr.schema.table import Table
from flyexpr.serve.console.catalogue import Catalogue, KnownTable
from flyexpr.serve.console.failures import WORDS, Failure
from flyexpr.serve.console.members import Members
from flyexpr.steps.reads.item_pages import one_more
from flyexpr.steps.reads.reading import Reading
from flyexpr.sync import run
from flyexpr.values.layout import amount
from flyexpr.values.plain_json import item_text
from flyexpr.values.pretty_json import pretty_text
from flyexpr.values.types import Item

_READINGS = {"GetItem": "get", "Query": "query", "Scan": "scan", "Nothing": "nothing"}
_SECONDS = 10.0  # after which a page comes with what it has
_UNIT = 8192  # bytes that one read unit reads, eventually consistent
_STEP = 16.0  # read units of one request: what it finds beyond the page is read again for the next one
_MOST = 100  # items of a page
_NO_ORDER = "a scan gives items in no order"


def explain(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """How a condition would be answered, and at what cost; nothing is read but the table's description."""
    known = catalogue.known(asked.text("table"))
    read, why = _read(known, asked)
    plan = explained(known.table, read)
    warnings = [f"`{name}` names an attribute; for the text write {text}" for name, text in bare_words(read.condition)]
    warnings += [why] if why else []
    warnings += [_NO_ORDER] if why and asked.flag("descending") else []
    warnings += [warning for warning in plan.warnings if not why.startswith(warning)]
    return {
        "plan": [in_other_words(line, WORDS) for line in str(plan).split("\n")],
        "reading": _READINGS[plan.operation],
        **({"index": plan.index} if plan.index else {}),
        "cost": f"{plan.cost}; {_whole(known, read)}" if isinstance(read, Scan) else plan.cost,
        "warnings": [in_other_words(warning, WORDS) for warning in warnings],
    }


def page(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """The next items that match, up to `size` of them; a scan ends when its budget is spent."""
    known, size = catalogue.known(asked.text("table")), asked.number("size", 1, _MOST)
    read, why = _read(known, asked)
    budget: Budget = {"seconds": _SECONDS}
    if isinstance(read, Scan):
        budget["units"] = _budget(known, read, why, asked)
    examined = _examined(known, read, min(_STEP, budget.get("units", _STEP)))
    read = replace(read, start=asked.text_or_none("cursor"), budget=budget, bad="keep", page_size=examined)
    reading = Reading(known.table, read, time.monotonic)
    with one_more(reading, size, held=False):
        items, cursor = _taken(reading, known.table, size)
    stats = reading.stats
    return {
        "items": list(map(item_text, items)),
        "keys": [item_text(key_of(known.table, each)) for each in items],
        **({"cursor": cursor} if cursor is not None else {}),
        "stats": {"requests": stats.requests, "units": stats.capacity, "read": stats.examined, "returned": len(items)},
    }


def item(catalogue: Catalogue, asked: Members) -> dict[str, Any]:
    """One item by its key, as it is now."""
    stored = run(catalogue.known(asked.text("table")).table, GetItem(asked.item("key"), consistent=True))
    return {"item": None if stored is None else pretty_text(stored)}


def condition_of(text: str | None) -> Condition:
    """The condition in a text; one that is always true where there is none."""
    return parse_condition(text) if text and text.strip() else ALWAYS


def _read(known: KnownTable, asked: Members) -> tuple[Query | Scan, str]:
    """The query that answers a condition, or else the scan, and why it has to be one."""
    read, why = read_of(known.table, condition_of(asked.text("text")), asked.text_or_none("index"))
    if isinstance(read, Query) and asked.flag("descending"):
        return replace(read, reverse=True), why
    return read, why


def _taken(reading: Reading, table: Table[Any], size: int) -> tuple[list[Item], str | None]:
    """Up to `size` items, and the cursor after them. Each answer is read to its end, where its cost stands."""
    items: list[Item] = []
    after: str | None = None
    more = False
    for answer in pages(reading, table.bound):
        for each in answer:
            if len(items) < size:
                items.append(each)
                after = reading.cursor if len(items) == size else None
            else:
                more = True
        if len(items) == size:
            return items, after if more else reading.cursor
    return items, reading.cursor


def _budget(known: KnownTable, read: Scan, why: str, asked: Members) -> float:
    units = asked.budget()
    if units is None:
        cost = _whole(known, read)
        raise Failure(400, f"this {why}; give it a budget of read units", needs="budget", cost=cost)
    if asked.flag("descending"):
        raise Failure(400, f"{_NO_ORDER}; leave `descending` out")
    return units


def _whole(known: KnownTable, read: Scan) -> str:
    """What reading all of a table or an index would cost, in words."""
    items, size = known.size(read.index)
    units = amount(-(-size // _UNIT), "read unit")
    return f"{scanned(read.index)} holds {amount(items, 'item')} of {amount(size, 'byte')}, about {units}"


def _examined(known: KnownTable, read: Query | Scan, units: float) -> int:
    """How many items one request may examine, so that it takes about so many units, and not a whole megabyte."""
    items, size = known.size(read.index)
    return max(1, int(units * _UNIT * items / size)) if items and size else _MOST
