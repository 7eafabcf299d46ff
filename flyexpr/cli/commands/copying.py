"""copy, export, import: whole tables from one place to another."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from flyexpr.changes.export_folders import FILES, DataFile, Export, check_file, checksum, export_in, find_export
from flyexpr.cli import completions, dialogue, options
from flyexpr.cli.formats.csv_rows import Types
from flyexpr.cli.formats.export_folders import GrowingFile, data_files, write_manifest
from flyexpr.cli.formats.sinks import sink
from flyexpr.cli.formats.sources import entries, form_of_file, is_packed, opened
from flyexpr.cli.jobs.bulk_puts import put_entries, put_plan, put_stream
from flyexpr.cli.jobs.bulk_writes import Placed, put_all
from flyexpr.cli.jobs.job import Manner, bulk, job
from flyexpr.cli.jobs.parts import parts_of
from flyexpr.cli.jobs.progress import last_counted
from flyexpr.cli.jobs.swaps import swapped
from flyexpr.cli.jobs.work import Job
from flyexpr.cli.session import Session
from flyexpr.errors import FlyexprError, NoSuchTable
from flyexpr.events import apply_export
from flyexpr.explanation import explain as explained
from flyexpr.requests.constructors import create_table, describe_table
from flyexpr.requests.operations import Scan
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import identity
from flyexpr.steps.journals.files import naming
from flyexpr.steps.many.images import OnRefused
from flyexpr.steps.reads.lines import LineReading
from flyexpr.steps.reads.reading import Reading
from flyexpr.sync import run
from flyexpr.values.types import Item


@click.command()
@options.table
@click.option(
    "--to",
    metavar="URL",
    required=True,
    help="The engine to copy to; '.' is the same one.",
    shell_complete=completions.engines,
)
@click.option("--as", "name", metavar="NAME", help="The table's name there; the same when left out.")
@options.segments
@bulk
def copy(
    table: str,
    to: str,
    name: str | None,
    segments: int,
    manner: Manner,
) -> None:
    """Copy all items to a table elsewhere; if it is missing, it is made like this one.

    \b
    flyexpr copy Movies --to sqlite:movies.db
    flyexpr copy Movies --to . --as Movies2 --resume movies.journal --rate 500
    """
    session = options.session()
    target = session if to in (".", session.place) else Session(to, makes=True)
    descriptor, description = session.described(table)
    if target is session and name in (None, table):
        raise click.UsageError("a table cannot be copied onto itself; give it another name with --as")
    then = f"BatchWriteItem into {name or table} on {target.shown}, made like {table} if it is missing"
    manner.plan(*_plan(descriptor, description, segments), dialogue.step("then", then))
    settings = {"table": table, **identity(description), "to": target.shown, "as": name, "segments": segments}
    with job("copy", "copied", settings, manner, description.get("ItemCount")) as work:
        into = _target(work, descriptor, target, name or table)
        work.run(
            parts_of(work, descriptor, segments),
            lambda _, items: put_all(work, into, [Placed("an item", item) for item in items]),
        )


def _plan(table: Table, description: Mapping[str, Any], segments: int) -> list[str]:
    """The plan of a read of everything, with the number of items when they were last counted."""
    return [str(explained(table, Scan(segments=segments))), dialogue.step("items", last_counted(description))]


def _target(work: Job, table: Table, target: Session, name: str) -> Table:
    """The table of that name on the other engine, made like the one here if it is missing.

    A copy that goes on goes on into the very table that it began with: another one lacks what was copied before.
    """
    found, is_begun = None, work.journal.pinned(_TARGET) is not None
    try:
        found = target.described(name)
    except NoSuchTable:
        if is_begun:
            raise FlyexprError(
                f"the table {name!r} in {target.shown} is gone, and the journal is that of a copy into it\n"
                "  hint: delete the journal to copy everything anew"
            ) from None
        work.journal.pin(_MADE, True)
    if found is None or (work.journal.pinned(_MADE) and not is_begun):  # a copy that crashed may have made half of it
        run(run(table, describe_table()).named(name).on(target.engine), create_table(if_missing=True))
        found = target.described(name)
    descriptor, description = found
    work.journal.pin(_TARGET, identity(description)["TableId"])
    return descriptor


_TARGET, _MADE = "TableId of the target", "the target is made by the copy"
_OTHER_FORMS = frozenset(
    ".arrow .avro .bz2 .db .feather .gz .ion .ndjson .parquet .sqlite .tar .tgz .tsv .txt .xls .xlsx .xml .xz .yaml "
    ".yml .zip .zst".split()
)
_WORKERS = 4  # changes that are done at the same time


@click.command()
@options.table
@click.argument("folder", metavar="FOLDER-OR-FILE", type=click.Path())
@options.segments
@options.plain_text
@bulk
def export(
    table: str,
    folder: str,
    segments: int,
    text: bool,
    manner: Manner,
) -> None:
    """Write all items into a folder, as DynamoDB exports a table to S3; or into a file .jsonl or .csv.

    \b
    flyexpr export Movies movies/
    flyexpr export Movies movies.csv
    """
    session = options.session()
    descriptor, description = session.described(table)
    form = form_of_file(folder)
    if not form and not folder.endswith("/") and Path(folder.lower()).suffix in _OTHER_FORMS:
        raise click.UsageError(f"{folder} is named as a file, and an export writes a file .jsonl or .csv, or a folder")
    if text and form != "csv":
        raise click.UsageError("--text is for a file .csv")
    if form and manner.resume:
        raise click.UsageError("--resume is for an export into a folder")
    then = f"{'lines of' if form else 'packed files and a manifest in'} {folder}"
    manner.plan(*_plan(descriptor, description, segments), dialogue.step("then", then))
    settings = {"table": table, **identity(description), "folder": folder, "segments": segments}
    with job("export", "exported", settings, manner, description.get("ItemCount")) as work:
        if form:
            _export_file(work, descriptor, Path(folder), "text" if text else form, segments)
        else:
            _export_folder(work, descriptor, Path(folder), segments)


def _export_file(work: Job, table: Table, path: Path, form: str, segments: int) -> None:
    """The items in one file, which is there when it is complete."""
    import gzip

    beside = path.with_name(path.name + ".new")
    turn = threading.Lock()
    reading, form = (LineReading, "lines") if form == "json" else (Reading, form)
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                gzip.open(beside, "wb") if is_packed(path.name) else beside.open("wb") as stream,
                sink(stream, form, table.keys) as add,  # type: ignore[arg-type]
            ):

                def do(part: str, items: list[Item]) -> None:
                    with turn:
                        work.add(add(items))

                work.run(parts_of(work, table, segments, reading), do)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        beside.replace(path)


def _export_folder(work: Job, table: Table, folder: Path, segments: int) -> None:
    data = folder / "data"
    began = work.journal.pinned("began")
    if find_export(folder) or (began is None and data.exists() and any(data.iterdir())):
        raise FlyexprError(f"{folder} holds an export already; name another folder")
    if began is None:
        began = _now()
        work.journal.pin("began", began)
    with naming(data):
        data.mkdir(parents=True, exist_ok=True)
    files = {
        part: GrowingFile(data / f"{part:0>4}.json.gz", work.journal.fact(f"file {part}"))
        for part in map(str, range(segments))
    }

    def do(part: str, items: list[Item]) -> dict[str, Any]:
        files[part].add(items)
        work.add(len(items))
        return {f"file {part}": files[part].facts}

    work.run(parts_of(work, table, segments), do)
    complete = [file.finished() for file in files.values()]
    write_manifest(folder, table.name, [file for file in complete if file.items], began, _now())
    for file in complete:
        if not file.items:
            file.path.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@click.command("import")
@options.table
@click.argument("source", metavar="FOLDER-OR-FILE", type=click.Path())
@options.wire
@options.sheet
@bulk
def import_(
    table: str,
    source: str,
    wire: bool,
    types: Types,
    manner: Manner,
) -> None:
    """Write the items of an export to S3, or of a file .jsonl or .csv, into a table.

    The checksums of an export are checked first. A file may be packed (.gz); docs/command-line.md has the form of CSV.
    A change of an incremental export is made only if the item is still as it was before. The other items are left
    alone and printed, with their key and what they are now; then the exit code is 1.

    \b
    flyexpr import Movies AWSDynamoDB/01693685827463-2d8752fd/
    flyexpr import Movies movies.csv --dry-run
    """
    descriptor, description = options.session().described(table)
    export = export_in(source) if Path(source).is_dir() else None
    if export and export.view:
        return _import_changes(descriptor, export, manner)
    files = data_files(export) if export else ()
    form = "wire" if wire else form_of_file(source) or "json"
    options.check_sheet(types, "wire" if export else form)
    listed = checksum(export.folder / FILES) if export else form
    settings = {"table": table, **identity(description), "source": source, "files": listed, **types.settings}

    def write() -> None:
        for file in files:
            check_file(file)
        with job("import", "imported", settings, manner, sum(file.items for file in files) or None) as work:
            if export:
                for file in files:
                    _import_file(work, descriptor, file, manner.dry_run)
            else:
                with opened(source) as stream:
                    put_stream(work, descriptor, stream, form, types, manner.dry_run)

    manner.plan(*put_plan(descriptor, source), look=write)
    write()


def _import_file(work: Job, table: Table, file: DataFile, dry_run: bool) -> None:
    with opened(str(file.path)) as stream:
        part = f"{file.path.name}, "
        numbered = (entry._replace(of=part) for entry in entries(stream, "wire"))
        put_entries(work, table, numbered, dry_run, part)


def _import_changes(table: Table, export: Export, manner: Manner) -> None:
    """What an incremental export has changed, done here to the items that are as they were before."""
    if manner.rejects is not None:
        raise click.UsageError("--rejects is for items; what an incremental export does not change is printed")

    def work(refused: OnRefused) -> int:
        dry_run, journal = manner.dry_run, None if manner.dry_run else manner.resume
        return apply_export(
            table, export.folder, dry_run=dry_run, refused=refused, rate=manner.rate, journal=journal, workers=_WORKERS
        )

    def write() -> None:
        swapped(work, "as the export says", dry_run=manner.dry_run, quiet=manner.quiet)

    manner.plan(
        dialogue.step("operation", f"GetItem, then PutItem, UpdateItem or DeleteItem on {table.name}"),
        dialogue.step("changes", f"{sum(file.items for file in export.files):,}, each where the item is as before it"),
        dialogue.step("cost", "1 read unit for each 4 KB of an item, and 1 write unit for each KB"),
        look=write,
    )
    write()
