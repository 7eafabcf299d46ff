"""Reads HTTP/1.1 answers from bytes: as much of RFC 9112 as the answer to a POST needs.

It is strict on purpose. An ambiguous answer counts as none, since the next one on that connection might be read from
the wrong place.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flyexpr.byte_readers import RECEIPT, Reader, Receive, read
from flyexpr.values.memo import Memo

MAX_HEAD = 64 * 1024
MAX_HEADERS = 100
# DynamoDB's largest answer has 16 MB of items. In wire form that is seven times as long if every value is an empty one.
MAX_BODY = 256 * 1024 * 1024

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


_NAMES = Memo[str, str](64)  # header names in lower case: a server sends the same ones in each answer


class Malformed(Exception):
    """The bytes that came are not an HTTP answer, or only a part of one."""


class Answer(NamedTuple):
    """One answer: `headers` by lower-case name; `reusable` if another may follow on the same connection.

    `early`: the answer came before the whole request was sent, so the request was not done.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool
    early: bool = False


def read_answer(receive: Receive) -> Answer:
    r"""The next answer, read to its end.

    >>> receipts = iter([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 2\r\n\r\n{", b"}"])
    >>> read_answer(lambda size: next(receipts))
    Answer(status=200, headers={'content-length': '2'}, body=b'{}', reusable=True, early=False)
    >>> receipts = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", b""])
    >>> read_answer(lambda size: next(receipts))
    Traceback (most recent call last):
    ...
    flyexpr.engines.aws.framing.Malformed: the connection was closed before the answer was whole

    Malformed if it is cut short, too large or ambiguous; the errors of `receive` come through.
    """
    return read(answer_reader(), receive)


def answer_reader() -> Reader[Answer]:
    r"""A reader of the next answer; the bytes may come in larger parts than it asks for.

    >>> reader = answer_reader()
    >>> next(reader) > 0
    True
    >>> reader.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    Traceback (most recent call last):
    ...
    StopIteration: Answer(status=200, headers={'content-length': '2'}, body=b'{}', reusable=True, early=False)
    """
    source = _Source()
    status, headers, reusable = _head((yield from source.until(b"\r\n\r\n", MAX_HEAD)))
    while status < 200:  # the answer itself comes after 100 Continue and the like
        status, headers, reusable = _head((yield from source.until(b"\r\n\r\n", MAX_HEAD)))
    if "transfer-encoding" in headers:
        # A length beside it may disagree with it, so the place where the next answer begins is in doubt.
        reusable = reusable and "content-length" not in headers
        body = yield from _chunked(source, headers["transfer-encoding"])
    elif "content-length" in headers:
        body = yield from source.exactly(_length(headers["content-length"]))
    elif status in (204, 304):
        body = b""
    else:
        body, reusable = (yield from source.to_the_end()), False
    return Answer(status, headers, body, reusable and not source.rest)


def _head(head: bytes) -> tuple[int, dict[str, str], bool]:
    first, *lines = head.decode("latin-1").split("\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise Malformed(f"the answer begins with {first[:60]!r}, not with an HTTP status")
    if len(lines) > MAX_HEADERS:
        raise Malformed(f"the answer has more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        known = _NAMES.get(name)
        if known is None or not colon:
            if not colon or not name or name != name.strip():
                raise Malformed(f"the header line {line[:60]!r} of the answer is not `name: value`")
            known = _NAMES.keep(name, name.lower())
        name, value = known, value.strip()
        # A header that comes twice is a list (RFC 9110, 5.3), so two lengths are not a number and are refused.
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    reusable = match[1] == "1" and "close" not in headers.get("connection", "").lower()
    return int(match[2]), headers, reusable


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(f"the Content-Length {text[:60]!r} of the answer is not a number of bytes")
    return int(text)


def _chunked(source: _Source, encoding: str) -> Reader[bytes]:
    if encoding.lower() != "chunked":
        raise Malformed(f"the Transfer-Encoding {encoding[:60]!r} of the answer is not `chunked`")
    chunks, total = [], 0
    while True:
        line = yield from source.until(b"\r\n", 1024)
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise Malformed(f"a chunk of the answer begins with {line[:60]!r}, not with its size")
        size = int(match[1], 16)
        if size == 0:
            break
        total += size
        if total > MAX_BODY:
            raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
        chunks.append((yield from source.exactly(size)))
        if (yield from source.exactly(2)) != b"\r\n":
            raise Malformed("a chunk of the answer has another length than its size says")
    for _ in range(MAX_HEADERS):
        if not (yield from source.until(b"\r\n", MAX_HEAD)):
            return b"".join(chunks)
    raise Malformed(f"the answer has more than {MAX_HEADERS} headers after its body")


class _Source:
    """Bytes that were received and are not yet read."""

    def __init__(self) -> None:
        self.rest = b""

    def until(self, mark: bytes, limit: int) -> Reader[bytes]:
        """The bytes before the mark; the mark is read over."""
        end = self.rest.find(mark)
        while end < 0:
            if len(self.rest) > limit:
                raise Malformed(f"the head of the answer is longer than {limit} bytes")
            seen = max(0, len(self.rest) - len(mark) + 1)
            self.rest += _some((yield RECEIPT))
            end = self.rest.find(mark, seen)
        if end > limit:
            raise Malformed(f"the head of the answer is longer than {limit} bytes")
        before, self.rest = self.rest[:end], self.rest[end + len(mark) :]
        return before

    def exactly(self, size: int) -> Reader[bytes]:
        """The next `size` bytes."""
        if size > MAX_BODY:
            raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
        missing = size - len(self.rest)
        if missing <= 0:
            wanted, self.rest = self.rest[:size], self.rest[size:]
            return wanted
        parts, self.rest = [self.rest], b""
        while missing > 0:
            part = _some((yield min(missing, RECEIPT)))
            missing -= len(part)
            if missing < 0:  # the part is larger than asked for
                part, self.rest = part[:missing], part[missing:]
            parts.append(part)
        return b"".join(parts)

    def to_the_end(self) -> Reader[bytes]:
        """All bytes until the other side closes."""
        parts, total = [self.rest], len(self.rest)
        self.rest = b""
        while part := (yield RECEIPT):
            total += len(part)
            if total > MAX_BODY:
                raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
            parts.append(part)
        return b"".join(parts)


def _some(part: bytes) -> bytes:
    if not part:
        raise Malformed("the connection was closed before the answer was whole")
    return part
