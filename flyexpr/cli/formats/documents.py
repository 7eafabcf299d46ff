"""The items of JSON that takes several lines: arrays, and objects one after the other, as `jq .` writes them.

The input is read piece by piece, so an array of any length takes little memory. Where its syntax is wrong, it is
unknown where the next item begins, and the input ends there.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, NamedTuple, NoReturn

from flyexpr.errors import ValidationError

_PIECE = 64 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ANSWER = re.compile(r'\{\s*"Items"\s*:\s*\[')  # how an answer to Query or Scan begins, as the AWS CLI writes it
_scan = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode


def is_document(line: bytes, answers: bool = False) -> bool:
    """Whether input that begins with this line is JSON of several lines; else it is JSON Lines.

    >>> is_document(b"["), is_document(b"{"), is_document(b'{"id": "a",'), is_document(b'{"id": "a"}')
    (True, True, True, False)

    A line that is cut off elsewhere than after a bracket or comma is a faulty line of JSON Lines. With `answers`, an
    answer that takes one line is a document.
    """
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    if answers and _ANSWER.match(text[:64].decode(errors="replace")):
        return True
    if text[:1] != b"{" or text[-1:] not in (b"{", b"[", b","):
        return text[:1] == b"["
    rest = _STRING.sub(b"", text)
    return sum(map(rest.count, (b"{", b"["))) > sum(map(rest.count, (b"}", b"]")))


class Element(NamedTuple):
    """The text of an item and the line where it begins, or the line where it stops being JSON, and why."""

    line: int
    text: str
    fault: str | None = None


def elements(begun: bytes, stream: IO[bytes], line: int, longest: int, answers: bool = False) -> Iterator[Element]:
    """The items of a stream; after a fault there are no more. `begun` was read from it before, and begins in this line.

    >>> import io
    >>> [each.text for each in elements(b"[\\n", io.BytesIO(b'{"id": 1},\\n {"id": 2}]\\n{"id": 3}'), 1, 100)]
    ['{"id": 1}', '{"id": 2}', '{"id": 3}']
    >>> list(elements(b"{\\n", io.BytesIO(b'  "id": "a" "n": 1}'), 1, 100))
    [Element(line=2, text='{\\n  "id": "a" "n": 1}', fault="not JSON: Expecting ',' delimiter at character 13")]

    With `answers`, each answer of the AWS CLI, `{"Items": [...], ...}`, stands for its items: a program that reads page
    by page writes several. An item has up to `longest` characters.
    """
    source = _Source(begun, stream, line, longest)
    try:
        while source.next():
            if answers and source.skip(_ANSWER):
                yield from _array(source)
                _rest_of_answer(source)
            elif source.skip(_OPEN):
                yield from _array(source)
            else:
                yield source.element()
    except _Fault as fault:
        yield Element(fault.line, source.ahead, str(fault))


_OPEN, _CLOSE, _COMMA = re.compile(r"\["), re.compile(r"\]"), re.compile(",")
_COLON, _END = re.compile(":"), re.compile(r"\}")


def _array(source: _Source) -> Iterator[Element]:
    """The elements of an array after its first bracket, which is read up to its last one."""
    source.next()
    if source.skip(_CLOSE):
        return
    while True:
        yield source.element()
        mark = source.next()
        if source.skip(_CLOSE):
            return
        if not source.skip(_COMMA):
            source.fail("Expecting ',' delimiter" if mark else "the array does not end")
        source.next()


def _rest_of_answer(source: _Source) -> None:
    """Goes on behind an answer whose items are read; what it says besides is left alone."""
    while source.next() and source.skip(_COMMA):
        source.next()
        source.element()
        source.next()
        if not source.skip(_COLON):
            source.fail("Expecting ':' delimiter")
        source.next()
        source.element()
    if not source.skip(_END):
        source.fail("Expecting ',' delimiter" if source.next() else "the answer does not end")


class _Fault(ValidationError):
    """Text that is not JSON, and the line where that shows."""

    line = 0


class _Source:
    """The text of a stream from where the reading is: `ahead` has what is read already."""

    def __init__(self, begun: bytes, stream: IO[bytes], line: int, longest: int) -> None:
        self._stream, self._longest = stream, longest
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        self._line, self._column = line, 0
        self._begun = begun

    @property
    def ahead(self) -> str:
        return self._text[self._at : self._at + self._longest]

    def next(self) -> str:
        """The next character after any white space; "" at the end."""
        while True:
            self._go(_SPACE.match(self._text, self._at).end())  # type: ignore[union-attr]  # it matches everywhere
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Goes on behind a text that stands here; False where it does not."""
        while self._at + 64 > len(self._text) and self._more():
            pass
        if match := pattern.match(self._text, self._at):
            self._go(match.end())
        return match is not None

    def element(self) -> Element:
        """The value that begins here."""
        end = self._end()
        while end == len(self._text) and self._more():  # a number may go on
            end = self._end()
        element = Element(self._line, self._text[self._at : end])
        self._go(end)
        return element

    def _end(self) -> int:
        """Where the value that begins here ends in the text, which is read as far as it takes."""
        while True:
            try:
                return _scan(self._text, self._at)[1]
            except json.JSONDecodeError as error:
                behind = error.pos - self._at
                cut = error.pos > len(self._text) - 7 or error.msg.startswith("Unterminated")
                if not (cut and len(self._text) - self._at <= self._longest and self._more()):
                    self.fail(error.msg, self._at + behind)
            except RecursionError:
                self.fail("nested too deeply")

    def fail(self, reason: str, position: int | None = None) -> NoReturn:
        """Raises a fault, at a position of the text or here."""
        line, column = self._place(self._at if position is None else position)
        fault = _Fault(f"not JSON: {reason} at character {column + 1}")
        fault.line = line
        raise fault

    def _place(self, position: int) -> tuple[int, int]:
        breaks = self._text.count("\n", self._at, position)
        if not breaks:
            return self._line, self._column + position - self._at
        return self._line + breaks, position - self._text.rfind("\n", self._at, position) - 1

    def _go(self, position: int) -> None:
        self._line, self._column = self._place(position)
        self._at = position

    def _more(self) -> bool:
        """Reads on; False at the end."""
        piece, self._begun = self._begun or self._stream.read1(_PIECE), b""  # type: ignore[attr-defined]
        try:
            self._text, self._at = self._text[self._at :] + self._decode(piece, not piece), 0
        except UnicodeDecodeError:
            self.fail("not UTF-8 after this")
        return bool(piece)
