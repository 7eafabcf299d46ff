"""The parts of a table that are read side by side, each as chunks of items."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flyexpr.cli.jobs.work import CHUNK, Chunk, Job
from flyexpr.requests.operations import Scan
from flyexpr.schema.table import Table
from flyexpr.steps.reads.reading import Reading


def parts_of(job: Job, table: Table, segments: int) -> dict[str, Iterator[Chunk]]:
    """The parts of a whole table, one for each segment.

    >>> parts = parts_of(Job("copy"), scores, segments=2)
    >>> sorted(item["title"] for part in parts.values() for chunk in part for item in chunk.entries)
    ['Comet Quest', 'Galaxy Invaders']

    Each part begins where the journal says.
    """
    return {str(number): _chunks(job, table, (number, segments)) for number in range(segments)}


def _chunks(job: Job, table: Table, part: tuple[int, int]) -> Iterator[Chunk]:
    reading = Reading(table, Scan(part=part, start=job.journal.mark(str(part[0]))), time.monotonic)
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
