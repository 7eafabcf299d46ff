"""Items from a stream: JSON Lines, DynamoDB JSON or CSV, each with its line number.

A fault is reported for its own line; the lines after it can still be read.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flyexpr.cli.files import naming
from flyexpr.cli.formats.csv_rows import read_head, read_row, row_text
from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.values.kinds import Item
from flyexpr.values.plain_json import read_item
from flyexpr.values.wire_json import read_wire

LONGEST = 8 * 1024 * 1024  # bytes of a line; the JSON of an item of 400 KB can take 3 MB


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of input: its number, and its item or what is wrong with it.

    >>> Entry(3017, fault="not JSON").item is None
    True
    """

    line: int
    item: Item | None = None
    fault: str | None = None
    text: str = ""


_FORMS = {".jsonl": "json", ".json": "json", ".csv": "csv"}


def form_of_file(path: str) -> str | None:
    """The form of the items in a file, by the end of its name, or None.

    >>> form_of_file("movies.jsonl.gz"), form_of_file("movies.csv"), form_of_file("-")
    ('json', 'csv', None)
    """
    return _FORMS.get(Path(path.removesuffix(".gz")).suffix)


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked when its name ends with .gz; `-` is standard input.

    >>> _ = Path("a.jsonl").write_text('{"id": "a"}')
    >>> with opened("a.jsonl") as stream:
    ...     [entry.item for entry in entries(stream, "json")]
    [{'id': 'a'}]
    """
    if path == "-":
        yield sys.stdin.buffer
        return
    with naming(Path(path)):
        file = _open(path)
    with file as stream:
        yield stream


def _open(path: str) -> Any:
    return gzip.open(path) if path.endswith(".gz") else open(path, "rb")


def size_of(stream: IO[bytes]) -> int:
    """The size of a stream in bytes, in which `tell` counts; 0 where it is unknown, as for a pipe or a packed file.

    >>> _ = Path("a.jsonl").write_text('{"id": "a"}')
    >>> with opened("a.jsonl") as stream:
    ...     size_of(stream), size_of(io.BytesIO(b"{}"))
    (11, 0)
    """
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) and not isinstance(stream, gzip.GzipFile) else 0


def entries(stream: IO[bytes], form: str, kinds: Mapping[str, str] | None = None) -> Iterator[Entry]:
    """The entries of a stream in the form "json", "wire" or "csv", without its blank lines.

    >>> [entry.item or entry.fault for entry in entries(io.BytesIO(b'{"id": "a"}\\n\\n{"id"\\n'), "json")]
    [{'id': 'a'}, "not JSON: Expecting ':' delimiter at character 6"]
    >>> list(entries(io.BytesIO(b"id,n\\na,1\\n"), "csv"))
    [Entry(line=2, item={'id': 'a', 'n': 1}, fault=None, text='a,1')]

    `kinds` has the types of key attributes, which a sheet does not hold. FlyexprError where the stream itself fails.
    """
    found = _rows(stream, kinds or {}) if form == "csv" else _lines(stream, _READERS[form])
    try:
        yield from found
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        name = "standard input" if stream is sys.stdin.buffer else stream.name
        raise FlyexprError(f"{name}: {reason or error}") from None


def _read_json(text: str) -> Item:
    """The item of a line; an error for JSON over several lines, or in an array, says how to write one item a line."""
    try:
        return read_item(text)
    except ValidationError as error:
        begin = text.strip()
        if begin in ("{", "["):
            hint = f"an item takes one line; jq -c {'.' if begin == '{' else repr('.[]')} writes each so"
        elif begin.startswith("[") and begin.endswith("]"):
            hint = "jq -c '.[]' writes the items of an array one a line"
        else:
            raise
        raise ValidationError(error.message, hint=hint) from None


_READERS: dict[str, Callable[[str], Item]] = {"json": _read_json, "wire": read_wire}


def _lines(stream: IO[bytes], read: Callable[[str], Item]) -> Iterator[Entry]:
    for number, line in enumerate(_bounded(stream), 1):
        if len(line) > LONGEST:
            yield Entry(number, fault=f"a line of more than {LONGEST // 1024**2} MB")
        elif not line.isspace():
            yield _entry(number, line, read)


def _entry(number: int, line: bytes, read: Callable[[str], Item]) -> Entry:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return Entry(number, fault=f"not UTF-8 at byte {error.start + 1}", text=repr(line)[2:-1])
    try:
        return Entry(number, read(text), text=text)
    except ValidationError as error:
        return Entry(number, fault=str(error), text=text)
    except RecursionError:
        return Entry(number, fault="nested too deeply", text=text)


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream; a line that is too long is cut just after the limit."""
    while line := stream.readline(LONGEST + 1):
        yield line
        while len(line) > LONGEST and not line.endswith(b"\n"):
            line = stream.readline(LONGEST + 1)


def _rows(stream: IO[bytes], kinds: Mapping[str, str]) -> Iterator[Entry]:
    import csv

    csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    try:
        yield from _row_entries(csv.reader(text, strict=True), kinds)
    finally:
        with suppress(ValueError):  # the stream is closed
            text.detach()  # or it would close a stream that is not its own


def _row_entries(rows: Any, kinds: Mapping[str, str]) -> Iterator[Entry]:
    import csv

    columns: list[str] | None = None
    while True:
        try:
            cells = next(rows, None)
        except (csv.Error, UnicodeDecodeError) as error:  # it is unknown where the next row begins
            raise FlyexprError(f"line {rows.line_num}: not CSV in UTF-8: {error}") from None
        if cells is None:
            return
        if columns is None:
            columns = _columns(cells)
        elif cells:
            yield _row_entry(rows.line_num, columns, cells, kinds)


def _columns(cells: list[str]) -> list[str]:
    try:
        return read_head(cells)
    except ValidationError as error:
        raise FlyexprError(f"line 1: {error}") from None


def _row_entry(number: int, columns: list[str], cells: list[str], kinds: Mapping[str, str]) -> Entry:
    try:
        return Entry(number, read_row(columns, cells, kinds), text=row_text(cells))
    except ValidationError as error:
        return Entry(number, fault=str(error), text=row_text(cells))
