"""The jobs of the command line: their options, their journal and rejects, and the put of a stream, which two share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import click

from flyexpr.cli import options
from flyexpr.cli.formats.sources import Entry, entries, size_of
from flyexpr.cli.jobs.bulk_writes import Placed, check_all, put_all
from flyexpr.cli.jobs.journal import Journal
from flyexpr.cli.jobs.rejects import Refusal, Rejects, fact_of
from flyexpr.cli.jobs.work import CHUNK, Chunk, Job
from flyexpr.errors import FlyexprError
from flyexpr.schema.table import Table

_options = options.all_of(
    options.rate,
    options.explain,
    options.dry_run,
    options.rejects,
    options.resume,
    options.quiet,
    options.engine,
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a job is to be done: what its options say.

    >>> Manner().dry_run
    False
    """

    rate: float | None = None
    explain: bool = False
    dry_run: bool = False
    rejects: Path | None = None
    resume: Path | None = None
    quiet: bool = False

    def plan(self, *lines: object, look: Callable[[], object] | None = None) -> None:
        """Ends the command with its plan where only that is wanted; with a dry run after it where that is."""
        options.plan(self.explain or self.dry_run, *lines, look=look if self.dry_run else None)


def bulk(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a job as one decorator; the command takes what they say as `manner`."""

    @wraps(command)
    def gathered(
        *,
        rate: float | None,
        explain: bool,
        dry_run: bool,
        rejects: Path | None,
        resume: Path | None,
        quiet: bool,
        **others: Any,
    ) -> None:
        command(manner=Manner(rate, explain, dry_run, rejects, resume, quiet), **others)

    return _options(gathered)


@contextmanager
def job(title: str, verb: str, settings: dict[str, Any], manner: Manner, total: int | None = None) -> Iterator[Job]:
    """A job of the command line: its journal is gone once it is done, and a line says what it came to.

    A dry run looks at the same entries, and keeps no journal.
    """
    verb, resume = ("checked", None) if manner.dry_run else (verb, manner.resume)
    journal = Journal(resume, {"command": title, "engine": options.session().shown, **settings})
    try:
        refused = Rejects(manner.rejects, journal.fact(fact_of(manner.rejects)) or 0)
    except BaseException:
        journal.release()
        raise
    work = Job(title, journal, refused, manner.rate, total)
    try:
        yield work
    except BaseException:
        if work.done and not manner.quiet:
            options.note(work.summary(f"{verb} so far"))
        raise
    else:
        journal.close()
    finally:
        work.close()
    if not manner.quiet:
        options.note(work.summary(verb))
    if work.refused:
        raise click.exceptions.Exit(options.FAILED)


def put_plan(table: Table, source: str) -> list[str]:
    """The plan of a put of many items, which are not looked at."""
    spread = ", and of each index that it is in" if table.indexes else ""
    return [
        options.step("operation", f"BatchWriteItem on {table.name}"),
        options.step("items", f"those of {source}; each replaces the one with its key"),
        options.step("cost", f"at least 1 write unit for each KB of an item{spread}"),
    ]


def put_stream(work: Job, table: Table, stream: IO[bytes], form: str, dry_run: bool) -> None:
    """Puts what a stream holds, from where the journal has come to; a dry run only looks whether it could be put."""
    put_entries(work, table, _watched(work, stream, entries(stream, form, key_kinds(table))), dry_run)


def key_kinds(table: Table) -> dict[str, str]:
    """The types of all attributes that are keys, of the table or of an index.

    >>> key_kinds(Table("t", "id", attributes={"n": int}, indexes=[GlobalIndex("ByN", "n")]))
    {'id': 'S', 'n': 'N'}
    """
    names = dict.fromkeys([*table.keys, *(name for index in table.indexes for name in table.keys_of(index))])
    return {name: table.kind(name) or "" for name in names}


def _watched(work: Job, stream: IO[bytes], found: Iterator[Entry]) -> Iterator[Entry]:
    """The entries; now and then the job learns how many there will be, if the stream has a size."""
    size = size_of(stream)
    for entry in found:
        yield entry
        if size and entry.line % CHUNK == 0:
            expected = round(entry.line * size / stream.tell())
            if abs(expected - (work.total or 0)) > expected / 20:  # each new end makes the bar forget its speed
                work.total = expected


def put_entries(work: Job, table: Table, found: Iterator[Entry], dry_run: bool, where: str = "") -> None:
    """Puts the items of entries, from where the journal has come to; a dry run only looks at them."""
    target, part = work.metered(table), where or "input"

    def do(_: str, chunk: list[Entry]) -> None:
        placed = [
            Placed(f"{where}line {entry.line:,}", entry.item, entry.text) for entry in chunk if entry.item is not None
        ]
        (check_all if dry_run else put_all)(work, target, placed)
        for entry in chunk:
            if entry.fault is not None:
                work.refuse(Refusal(f"{where}line {entry.line:,}", entry.fault, entry.text))

    work.run({part: _chunks(work, found, part)}, do)


def _chunks(work: Job, found: Iterator[Entry], part: str) -> Iterator[Chunk]:
    """The entries after those that are done; a faulty one ends a chunk unless there is somewhere to put it.

    With the mark goes the digest of all entries up to it: input that does not begin with them is not gone on with.
    """
    seen, fact = sha256(), f"digest of {part}"
    chunk: list[Entry] = []
    for entry in _after(work.journal.mark(part) or 0, work.journal.fact(fact), found, seen):
        _digest(seen, entry)
        chunk.append(entry)
        if len(chunk) == CHUNK or (entry.fault is not None and not work.rejects.kept):
            yield Chunk(chunk, entry.line, {fact: seen.hexdigest()})
            chunk = []
    yield Chunk(chunk, None)


def _after(done: int, digest: str | None, found: Iterator[Entry], seen: Any) -> Iterator[Entry]:
    """The entries after a line; FlyexprError where those up to it are not the ones with that digest."""
    if done:
        line = 0
        while line < done and (entry := next(found, None)) is not None:
            _digest(seen, entry)
            line = entry.line
        if seen.hexdigest() != digest:
            raise FlyexprError(
                f"the journal belongs to another input: the lines up to line {done:,} are not those that were put\n"
                "  hint: give this input a journal of its own"
            )
    return found


def _digest(seen: Any, entry: Entry) -> None:
    names = " ".join(entry.item or ())  # a sheet names them in its head
    seen.update(f"{entry.line} {entry.text} {names}\n".encode("utf-8", "surrogatepass"))
