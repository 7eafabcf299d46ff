"""The parts of a table that are read side by side, each as chunks of items."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from flyexpr.cli.jobs.work import CHUNK, Chunk, Job
from flyexpr.requests.operations import Scan
from flyexpr.schema.table import Table
from flyexpr.steps.reads.reading import Reading


def parts_of(job: Job, table: Table, segments: int, reading: type[Reading] = Reading) -> dict[str, Iterator[Chunk]]:
    """The parts of a whole table, one for each segment; `reading` says what comes of each item.

    >>> parts = parts_of(Job("copy"), scores, segments=2)
    >>> sorted(item["title"] for part in parts.values() for chunk in part for item in chunk.entries)
    ['Comet Quest', 'Galaxy Invaders']

    Each part begins where the journal says.
    """
    return {str(number): _chunks(job, table, (number, segments), reading) for number in range(segments)}


def _chunks(job: Job, table: Table, part: tuple[int, int], kind: type[Reading]) -> Iterator[Chunk]:
    reading = kind(table, Scan(part=part, start=job.journal.mark(str(part[0]))), time.monotonic)
    items: list[Any] = []

    def ended() -> Chunk:
        return Chunk(items, reading.cursor, within=partial(_within, reading, items))

    for page in job.pages(reading):
        for item in page:
            items.append(item)
            if len(items) == CHUNK:
                yield ended()
                items = []
        if items and reading.cursor is not None:
            yield ended()
            items = []
    yield ended()


def _within(reading: Reading, items: list[Any], number: int) -> tuple[str | None, dict[str, Any]]:
    """The mark after the first items of a chunk."""
    return reading.cursor_at((0, reading.table.key_in(items[number - 1]))), {}
