"""The parts of a read that are done side by side, each as chunks of items."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flyexpr.cli.jobs.work import CHUNK, Chunk, Job
from flyexpr.requests.operations import Query, Scan
from flyexpr.schema.table import Table
from flyexpr.steps.read import Reading


def parts_of(job: Job, table: Table, read: Query | Scan, segments: int) -> dict[str, Iterator[Chunk]]:
    """The parts of a read: one for each segment of a scan; a query is one part.

    >>> parts = parts_of(Job("copy"), scores, scan(), segments=2)
    >>> sorted(item["title"] for part in parts.values() for chunk in part for item in chunk.entries)
    ['Comet Quest', 'Galaxy Invaders']

    Each part begins where the journal says.
    """
    if isinstance(read, Query):
        return {"0": _chunks(job, table, read, "0")}
    return {
        str(number): _chunks(job, table, replace(read, part=(number, segments)), str(number))
        for number in range(segments)
    }


def _chunks(job: Job, table: Table, read: Query | Scan, part: str) -> Iterator[Chunk]:
    reading = Reading(table, replace(read, start=job.journal.mark(part)), time.monotonic)
    items: list[Any] = []
    for page in job.pages(reading):
        for item in page:
            items.append(item)
            if len(items) == CHUNK:
                yield Chunk(items, reading.cursor)
                items = []
        if items and reading.cursor is not None:
            yield Chunk(items, reading.cursor)
            items = []
    yield Chunk(items, None)
