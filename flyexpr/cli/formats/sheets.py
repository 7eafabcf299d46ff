"""A sheet of CSV, whose columns are all known only when its last item has come.

The rows wait in a temporary file as they will be written. A new column comes after all others, so at the end a row that
was written before it only lacks some empty cells. Where the items waited, as lines of JSON, an export took 2.2 times
the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import IO

from flyexpr.cli.formats.csv_rows import cell, head, row, row_text, row_writer
from flyexpr.values.types import Item

# No UTF-8 has these bytes: the end of a row, and a row whose only cell is empty, if it has any.
_END, _EMPTY = b"\xff", b"\xfe"
_PIECE = 1024 * 1024  # bytes of the file that are in memory at the end


class Sheet:
    """The items of a sheet, until they are written to a stream.

    >>> import io
    >>> sheet, stream = Sheet(io.BytesIO(), ["id"]), io.BytesIO()
    >>> sheet.add([{"n": 1, "id": "a"}, {"id": "b"}, {"id": "c", "m": 2}]), sheet.write_to(stream)
    (3, None)
    >>> stream.getvalue()
    b'id,n,m\\na,1,\\nb,,\\nc,,2\\n'

    `columns` come first, whether items have them or not; a sheet without items has not even them. `file` is where the
    rows wait, and `shown` makes the text of each that is written.
    """

    def __init__(
        self, file: IO[bytes], columns: Sequence[str], text: bool = False, shown: Callable[[str], str] = str
    ) -> None:
        self._file, self._text, self._shown = file, text, shown
        self._columns = dict.fromkeys(columns)
        self._grown = [(0, len(self._columns))]  # (position in the file, number of columns of the rows from there on)
        self._write = row_writer(self._wait)

    def add(self, items: Iterable[Item]) -> int:
        """Adds a row for each item; how many they were."""
        number, columns = 0, self._columns
        for item in items:
            number += 1
            if not columns.keys() >= item.keys():
                columns.update(dict.fromkeys(item))
                self._grown.append((self._file.tell(), len(columns)))
            self._write(row(columns, item, self._text))
        return number

    def _wait(self, line: str) -> None:
        self._file.write((_EMPTY if line in ("", '""') else self._shown(line).encode()) + _END)

    def write_to(self, stream: IO[bytes]) -> None:
        """Writes the names of the columns and all rows."""
        size, width = self._file.tell(), len(self._columns)
        if not size:
            return
        names = [cell(name, text=True) for name in self._columns] if self._text else head(self._columns)
        stream.write(f"{self._shown(row_text(names))}\n".encode())
        self._file.seek(0)
        ends = [*(start for start, _ in self._grown[1:]), size]
        for (start, known), end in zip(self._grown, ends, strict=True):
            missing = b"," * (width - max(known, 1)) + b"\n"
            for place in range(start, end, _PIECE):
                rows = self._file.read(min(_PIECE, end - place))
                stream.write(rows.replace(_EMPTY, b'""' if width == 1 else b"").replace(_END, missing))
