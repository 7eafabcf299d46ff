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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from flyexpr.cli.formats.csv_rows import BY_CELL, Types, read_head, read_row, row_text
from flyexpr.cli.formats.documents import Element, elements, is_document
from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.steps.journals.files import naming
from flyexpr.values.plain_json import read_item
from flyexpr.values.types import Item
from flyexpr.values.wire_json import read_wire

LONGEST = 8 * 1024 * 1024  # bytes of a line; the JSON of an item of 400 KB can take 3 MB


class Entry(NamedTuple):
    """A line of input, or an item of a document: its number, and its item or what is wrong with it.

    >>> Entry(3017, fault="not JSON").place, Entry(3, fault="not JSON", line=12, of="0000.json.gz, ").place
    ('line 3,017', '0000.json.gz, item 3 (line 12)')
    """

    number: int
    item: Item | None = None
    fault: str | None = None
    text: str = ""
    line: int | None = None  # of an item of a document
    of: str = ""  # which of several inputs, for `place`

    @property
    def place(self) -> str:
        """Where it stands in the input, for people."""
        number, line = self.number, self.line
        return f"{self.of}line {number:,}" if line is None else f"{self.of}item {number:,} (line {line:,})"


_FORMS = {".jsonl": "json", ".json": "json", ".csv": "csv"}


def form_of_file(path: str) -> str | None:
    """The form of the items in a file, by the end of its name, or None.

    >>> form_of_file("movies.jsonl.gz"), form_of_file("MOVIES.CSV"), form_of_file("-")
    ('json', 'csv', None)
    """
    return _FORMS.get(Path(path.lower().removesuffix(".gz")).suffix)


def is_packed(path: str) -> bool:
    """Whether the name of a file says that it is packed.

    >>> is_packed("movies.csv.gz"), is_packed("MOVIES.CSV.GZ"), is_packed("movies.csv")
    (True, True, False)
    """
    return path.lower().endswith(".gz")


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
    return gzip.open(path) if is_packed(path) else open(path, "rb")


def typed(stream: IO[bytes]) -> bytes:
    """What is typed at the terminal until Ctrl-D.

    It waits in short turns: Python sees a Ctrl-C only between two of them, if it comes just before a read begins.
    """
    if sys.platform == "win32":  # where only sockets can be waited for
        return stream.read()
    import select

    data = b""
    while True:
        if select.select([stream], [], [], _TURN)[0]:
            piece = os.read(stream.fileno(), 65536)
            if not piece:
                return data
            data += piece


_TURN = 0.2  # seconds


def size_of(stream: IO[bytes]) -> int:
    """The size of a stream in bytes, in which `tell` counts; 0 where it is unknown, as for a pipe or a packed file.

    >>> _ = Path("a.jsonl").write_text('{"id": "a"}')
    >>> with opened("a.jsonl") as stream:
    ...     size_of(stream), size_of(io.BytesIO(b"{}"))
    (11, 0)
    """
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and not isinstance(stream, gzip.GzipFile) else 0


def entries(stream: IO[bytes], form: str, types: Types = BY_CELL) -> Iterator[Entry]:
    """The entries of a stream in the form "json", "wire" or "csv", without its blank lines.

    >>> [entry.item or entry.fault for entry in entries(io.BytesIO(b'{"id": "a"}\\n\\n{"id"\\n'), "json")]
    [{'id': 'a'}, "not JSON: Expecting ':' delimiter at character 6"]
    >>> [entry.item for entry in entries(io.BytesIO(b'[\\n  {"id": "a"},\\n  {"id": "b"}\\n]'), "json")]
    [{'id': 'a'}, {'id': 'b'}]
    >>> list(entries(io.BytesIO(b"id,n\\na,1\\n"), "csv"))
    [Entry(number=2, item={'id': 'a', 'n': 1}, fault=None, text='a,1', line=None, of='')]

    JSON may be one item a line, an array, or items over several lines; the first line says which. `types` has the types
    of columns, which a sheet does not hold. FlyexprError where the stream itself fails.
    """
    rows = _rows(stream, types) if form == "csv" else _lines(stream, form)
    try:
        yield from rows
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


def _lines(stream: IO[bytes], form: str) -> Iterator[Entry]:
    read, lines = _READERS[form], enumerate(_bounded(stream), 1)
    begin, first = next(((number, line) for number, line in lines if not line.isspace()), (1, b" "))
    if is_document(first, form == "wire"):
        yield from _items(elements(first, stream, begin, LONGEST, form == "wire"), read)
        return
    for number, line in chain([(begin, first)], lines):
        if len(line) > LONGEST:
            yield Entry(number, fault=f"a line of more than {LONGEST // 1024**2} MB")
        elif not line.isspace():
            yield _entry(number, line, read)


def _items(found: Iterator[Element], read: Callable[[str], Item]) -> Iterator[Entry]:
    for number, (line, text, fault) in enumerate(found, 1):
        if fault is not None:
            yield Entry(number, fault=fault, text=text, line=line)
            raise FlyexprError(f"line {line:,}: {fault}; what follows cannot be read")
        try:
            yield Entry(number, read(text), text=text, line=line)
        except (ValidationError, RecursionError) as error:
            yield Entry(number, fault=_fault(error), text=text, line=line)


def _fault(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _entry(number: int, line: bytes, read: Callable[[str], Item]) -> Entry:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 at byte {error.start + 1}; save the file as UTF-8"
        return Entry(number, fault=fault, text=repr(line)[2:-1])
    try:
        return Entry(number, read(text), text=text)
    except (ValidationError, RecursionError) as error:
        return Entry(number, fault=_fault(error), text=text)


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream; a line that is too long is cut just after the limit."""
    while line := stream.readline(LONGEST + 1):
        yield line
        while len(line) > LONGEST and not line.endswith(b"\n"):
            line = stream.readline(LONGEST + 1)


def _rows(stream: IO[bytes], types: Types) -> Iterator[Entry]:
    import csv

    csv.field_size_limit(LONGEST)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    try:
        yield from _row_entries(csv.reader(text, strict=True), types)
    finally:
        with suppress(ValueError):  # the stream is closed
            text.detach()  # or it would close a stream that is not its own


def _row_entries(rows: Any, types: Types) -> Iterator[Entry]:
    import csv

    columns: list[str] | None = None
    kinds: list[str | None] = []
    while True:
        try:
            cells = next(rows, None)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]  # in the piece that begins where the rows so far end
            line = rows.line_num + len((before + b".").splitlines())
            hint = 'save the sheet as "CSV UTF-8"'
            raise FlyexprError(
                f"line {line}: not UTF-8: byte 0x{error.object[error.start]:02x}\n  hint: {hint}"
            ) from None
        except csv.Error as error:  # it is unknown where the next row begins
            raise FlyexprError(f"line {rows.line_num}: not CSV in UTF-8: {error}") from None
        if cells is None:
            return
        if columns is None:
            columns = _columns(cells, types)
            kinds = [types.of(name) for name in columns]
        elif cells:
            yield _row_entry(rows.line_num, columns, cells, kinds)


def _columns(cells: list[str], types: Types) -> list[str]:
    try:
        columns = read_head(cells)
        types.check(columns)
        return columns
    except ValidationError as error:
        raise FlyexprError(f"line 1: {error}") from None


def _row_entry(number: int, columns: list[str], cells: list[str], kinds: list[str | None]) -> Entry:
    try:
        return Entry(number, read_row(columns, cells, kinds), text=row_text(cells))
    except ValidationError as error:
        return Entry(number, fault=str(error), text=row_text(cells))
