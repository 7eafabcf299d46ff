"""The put of all items of a stream: its plan, and its chunks, which a journal can go on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import IO, Any

from flyexpr.cli import dialogue
from flyexpr.cli.formats.csv_rows import Types
from flyexpr.cli.formats.mixed_columns import MixedColumns
from flyexpr.cli.formats.sources import Entry, entries, size_of
from flyexpr.cli.jobs.bulk_writes import check_all, put_all
from flyexpr.cli.jobs.work import CHUNK, Chunk, Job
from flyexpr.cli.notes import note
from flyexpr.errors import FlyexprError
from flyexpr.schema.table import Table


def put_plan(table: Table, source: str) -> list[str]:
    """The plan of a put of many items, which are not looked at."""
    spread = ", and of each index that it is in" if table.indexes else ""
    return [
        dialogue.step("operation", f"BatchWriteItem on {table.name}"),
        dialogue.step("items", f"those of {source}; each replaces the one with its key"),
        dialogue.step("cost", f"at least 1 write unit for each KB of an item{spread}"),
    ]


def put_stream(work: Job, table: Table, stream: IO[bytes], form: str, types: Types, dry_run: bool) -> None:
    """Puts the items of a stream, from where the journal left off; a dry run only checks whether they could be put.

    `types` has the types of columns that the table does not know.
    """
    known = replace(types, kinds={**types.kinds, **key_kinds(table)}, keys=table.keys)
    mixed = MixedColumns()
    read = entries(stream, form, known)
    put_entries(work, table, _watched(work, stream, mixed.seen(read) if form == "csv" else read), dry_run)
    if warning := mixed.warning():
        note(warning, "warning")


def key_kinds(table: Table) -> dict[str, str]:
    """The types of all attributes that are keys, of the table or of an index.

    >>> key_kinds(Table("t", "id", attributes={"n": int}, indexes=[GlobalIndex("ByN", "n")]))
    {'id': 'S', 'n': 'N'}
    """
    names = dict.fromkeys([*table.keys, *(name for index in table.indexes for name in table.keys_of(index))])
    return {name: table.kind(name) or "" for name in names}


def _watched(work: Job, stream: IO[bytes], found: Iterator[Entry]) -> Iterator[Entry]:
    """The entries; now and then it tells the job how many there will be, if the stream has a size."""
    size = size_of(stream)
    for entry in found:
        yield entry
        if size and entry.number % CHUNK == 0:
            expected = round(entry.number * size / stream.tell())
            if abs(expected - (work.total or 0)) > expected / 20:  # each new end makes the bar forget its speed
                work.total = expected


def put_entries(work: Job, table: Table, found: Iterator[Entry], dry_run: bool, part: str = "input") -> None:
    """Puts the items of entries, from where the journal left off; a dry run only checks them."""

    def do(_: str, chunk: list[Entry]) -> None:
        check_all(work, table, chunk) if dry_run else put_all(work, table, chunk, work.stream_writers)

    work.run({part: _chunks(work, found, part)}, do)


def _chunks(work: Job, found: Iterator[Entry], part: str) -> Iterator[Chunk]:
    """The entries after those that are done; a faulty one ends a chunk unless there is somewhere to put it.

    The mark comes with the digest of all entries up to it: the job does not continue with input that begins otherwise.
    """
    seen, fact, is_kept = sha256(), f"digest of {part}", work.journal.is_kept
    found = _after(work.journal.mark(part) or 0, work.journal.fact(fact), found, seen)
    before, chunk = seen.copy(), list[Entry]()

    def ended(mark: int | None) -> Chunk:
        return Chunk(chunk, mark, {fact: seen.hexdigest()}, partial(_within, chunk, before, fact))

    try:
        for entry in found:
            if is_kept:  # else nobody reads the digest, which takes a twentieth of the time
                _digest(seen, entry)
            chunk.append(entry)
            if len(chunk) == CHUNK or (entry.fault is not None and not work.rejects.kept):
                yield ended(entry.number)
                before, chunk = seen.copy(), []
    except FlyexprError:  # the input ends here, and what comes before is to be put
        if chunk:
            yield ended(chunk[-1].number)
        raise
    yield ended(None)


def _within(chunk: list[Entry], before: Any, fact: str, number: int) -> tuple[int, dict[str, str]]:
    """The mark after the first entries of a chunk, and the digest up to there."""
    seen = before.copy()
    for entry in chunk[:number]:
        _digest(seen, entry)
    return chunk[number - 1].number, {fact: seen.hexdigest()}


def _after(done: int, digest: str | None, found: Iterator[Entry], seen: Any) -> Iterator[Entry]:
    """The entries after a line; FlyexprError where those up to it are not the ones with that digest."""
    if done:
        line = 0
        while line < done and (entry := next(found, None)) is not None:
            _digest(seen, entry)
            line = entry.number
        if seen.hexdigest() != digest:
            raise FlyexprError(
                f"the journal belongs to another input: the lines up to line {done:,} are not those that were put\n"
                "  hint: give this input a journal of its own"
            )
    return found


def _digest(seen: Any, entry: Entry) -> None:
    names = " ".join(entry.item or ())  # a sheet names them in its head
    seen.update(f"{entry.number} {entry.text} {names}\n".encode("utf-8", "surrogatepass"))
