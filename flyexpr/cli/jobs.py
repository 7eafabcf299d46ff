"""The jobs of the command line: their options, their journal and rejects, and the put of a stream, which two share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from flyexpr.cli import options
from flyexpr.cli.bulk import CHUNK, Chunk, Job
from flyexpr.cli.journal import Journal
from flyexpr.cli.rejects import Refusal, Rejects
from flyexpr.cli.sources import Entry, entries
from flyexpr.cli.writes import check_all, put_all
from flyexpr.tables import Table

bulk = options.all_of(options.rate, options.dry_run, options.rejects, options.resume, options.quiet, options.engine)


@contextmanager
def job(
    title: str,
    verb: str,
    settings: dict[str, Any],
    rate: float | None,
    rejects: Path | None,
    resume: Path | None,
    quiet: bool,
    total: int | None = None,
) -> Iterator[Job]:
    """A job of the command line: its journal is gone once it is done, and a line says what it came to."""
    journal = Journal(resume, {"command": title, "engine": options.session().place, **settings})
    refused = Rejects(rejects, journal.length("rejects") or 0)
    work = Job(title, journal, refused, rate, total)
    try:
        yield work
    except BaseException:
        if work.done and not quiet:
            options.note(work.summary(f"{verb} so far"))
        raise
    finally:
        work.close()
    journal.close()
    if not quiet:
        options.note(work.summary(verb))
    if refused.number:
        raise click.exceptions.Exit(options.FAILED)


def put_stream(work: Job, table: Table, stream: IO[bytes], form: str, dry_run: bool) -> None:
    """Puts what a stream holds, from where the journal has come to."""
    kinds = {name: table.kind(name) or "" for name in table.keys}
    put_entries(work, table, entries(stream, form, kinds), dry_run)


def put_entries(work: Job, table: Table, found: Iterator[Entry], dry_run: bool, where: str = "") -> None:
    """Puts the items of entries, from where the journal has come to."""
    target = work.metered(table)

    def do(_: str, chunk: list[Entry]) -> None:
        placed = [(f"{where}line {entry.line:,}", entry.item) for entry in chunk if entry.item is not None]
        (check_all if dry_run else put_all)(work, target, placed)
        for entry in chunk:
            if entry.fault is not None:
                work.rejects.add(Refusal(f"{where}line {entry.line:,}", entry.fault, entry.text))

    part = where or "input"
    work.run({part: _chunks(found, work.journal.mark(part) or 0, work.rejects.kept)}, do)


def _chunks(found: Iterator[Entry], skipped: int, go_on: bool) -> Iterator[Chunk]:
    """The entries after those that are done; a faulty one ends a chunk unless there is somewhere to put it."""
    chunk: list[Entry] = []
    for entry in found:
        if entry.line <= skipped:
            continue
        chunk.append(entry)
        if len(chunk) == CHUNK or (entry.fault is not None and not go_on):
            yield Chunk(chunk, entry.line)
            chunk = []
    yield Chunk(chunk, None)
