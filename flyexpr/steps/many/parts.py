"""Reads in parts, for several machines: each part is an operation of its own; and what the parts gave, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import isawaitable
from typing import Any, NoReturn, TypeVar

from flyexpr.expressions.mistakes import in_words, need
from flyexpr.records import replace
from flyexpr.requests.mistakes import need_read
from flyexpr.requests.operations import MOST_SEGMENTS, Budget, Part, Query, Scan
from flyexpr.schema.table import Table
from flyexpr.steps.reads.item_pages import ItemPage, Started
from flyexpr.steps.reads.lanes import joined_cursor, starts_of
from flyexpr.steps.stats import Stats
from flyexpr.values.types import T

S = TypeVar("S", Query, Scan)


def segments(operation: S, n: int, *more: NoReturn) -> list[S]:
    """The operation in `n` parts, which together give what the operation gives: each can run on another machine.

    >>> parts = segments(scan(gt("wins", 2)), 4)
    >>> parts[1]
    scan(gt('wins', 2), part=(1, 4))
    >>> gather(run(scores, part).rest() for part in parts).items
    [{'userid': 'abc', 'title': 'Comet Quest', 'top_score': 150, 'wins': 3}]

    A part of a scan is one of its segments. A part of a query has some of the partition keys that the condition names
    (`is_in("bucket", range(64))`), so that at most as many parts as there are keys have something to do. A part is a
    value: it can be pickled and run again, and all that takes a query or a scan takes it. A table with an engine of
    `connect` is pickled with the engine's URL, but never with keys or passwords.

    `start=` takes the cursor of `gather`, with the same `n`. The parts share `budget=`: the requests and the units are
    divided, the seconds are not. `limit=` is refused, since no part sees what the others give. A scan has at most
    1,000,000 parts.
    """
    if more or isinstance(operation, Table):
        raise TypeError("segments does not take the table; write run(table, part) for each of segments(operation, n)")
    need_read(operation)
    if type(n) is not int or not 1 <= n <= MOST_SEGMENTS:
        raise ValueError(f"n= takes a whole number from 1 to {MOST_SEGMENTS:,}, not {n!r}")
    for option, why in (
        ("limit", "no part sees what the others give"),
        ("segments", "each part is a segment"),
        ("part", "this is one part of a read already"),
    ):
        if getattr(operation, option, None) is not None:
            raise ValueError(f"leave out {option}=: {why}")
    starts = starts_of(operation.start, n)
    budgets = _shares(operation.budget, n)
    return [
        replace(operation, part=(number, n), start=start or None, budget=budget)
        for number, (start, budget) in enumerate(zip(starts, budgets, strict=True))
    ]


def _shares(budget: Budget | None, n: int) -> Iterator[Budget | None]:
    """The budget of each part."""
    requests = (budget or {}).get("requests")
    if requests is not None and requests < n:
        raise ValueError(f"{n:,} parts cannot share a budget of {requests:,} requests: each needs one")
    for number in range(n):
        share: Any = None if budget is None else {**budget}
        if requests is not None:
            share["requests"] = requests * (number + 1) // n - requests * number // n
        if budget is not None and "units" in budget:
            share["units"] = budget["units"] / n
        yield share


def gather(pages: Iterable[ItemPage[T]]) -> ItemPage[T]:
    """One page of what all parts of a read gave: their items in the order of the parts, the sum of their stats.

    >>> parts = segments(query(is_in("userid", ["abc", "no"])), 2)
    >>> whole = gather(run(scores, part).rest() for part in reversed(parts))
    >>> [item["title"] for item in whole.items], whole.cursor, whole.stats.requests
    (['Comet Quest', 'Galaxy Invaders'], None, 2)

    It takes `run(table, part).rest()` of every part, in any order; ValueError if a part is missing, comes twice, or is
    of another read. The cursor is None if all parts are at their end. Otherwise `segments(operation, n)` with it as
    the operation's `start=` goes on where each part stopped, and `scan(segments=n)` takes it too.
    """
    need(pages, Iterable, "gather takes run(table, part).rest() of each part, in a list")
    whole, stats = _in_order(pages), Stats()
    for page in whole:
        stats.add(page.stats)
    cursor = joined_cursor([page.cursor for page in whole])
    return ItemPage([item for page in whole for item in page.items], cursor, stats, None)


def _in_order(pages: Iterable[ItemPage[T]]) -> list[ItemPage[T]]:
    """The page of each part of one read, by the number of the part; ValueError where they are not just those."""
    by_number: dict[int, ItemPage[T]] = {}
    n: int | None = None
    of = 0
    for page in pages:
        number, parts = _part_of(page)
        if n is None:
            n, of = parts, page.of
        if n != parts:
            raise ValueError(f"these pages are of two reads: one in {n:,} parts, the other in {parts:,}")
        if page.of != of:
            raise ValueError(
                f"part {number} of {parts} is of another read: its table, condition, index, project or order"
            )
        if number in by_number:
            raise ValueError(f"part {number} of {parts} comes twice")
        by_number[number] = page
    missing = [number for number in range(n or 1) if number not in by_number]
    if missing:
        which = f"part {missing[0]} of {n}" if n else "every part"
        raise ValueError(f"{which} is missing; a part that failed can be run again: run(table, part).rest()")
    return [by_number[number] for number in range(n or 1)]


def _part_of(page: Any) -> Part:
    if not isinstance(page, ItemPage):
        awaited = "; await it" if isawaitable(page) and not isinstance(page, Started) else ""
        raise TypeError(f"gather takes run(table, part).rest() of each part, not {in_words(page)}{awaited}")
    if page.part is None:
        raise ValueError("this page is not of a part of a read; segments(operation, n) makes the parts")
    return page.part
