"""HTTP/1.1 answers, read from whatever gives bytes: RFC 9112, as much of it as an answer to a POST needs.

Strict on purpose: an answer that can be read in two ways is no answer, since the next one on that connection would
begin in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

MAX_HEAD = 64 * 1024
MAX_HEADERS = 100
# 16 MB of items, DynamoDB's largest answer, are seven times as long in wire form when every value is an empty one.
MAX_BODY = 256 * 1024 * 1024

# A small answer comes whole in one receipt of this size; a page of 1 MB takes 16, which costs it under 1 %.
_RECEIPT = 64 * 1024

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")

Receive = Callable[[int], bytes]
"""Gives at most so many bytes, at least one, and none at the end: a socket's `recv`."""


class Malformed(Exception):
    """What came is not an HTTP answer, or not the whole of one."""


class Answer(NamedTuple):
    """One answer; `headers` by their names in lower case, `reusable` if another may follow on the same connection.

    `early`: it came before the request was sent whole, which then was not done.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool
    early: bool = False


def read_answer(receive: Receive) -> Answer:
    r"""The next answer, whole.

    >>> receipts = iter([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 2\r\n\r\n{", b"}"])
    >>> read_answer(lambda size: next(receipts))
    Answer(status=200, headers={'content-length': '2'}, body=b'{}', reusable=True, early=False)
    >>> receipts = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", b""])
    >>> read_answer(lambda size: next(receipts))
    Traceback (most recent call last):
    ...
    flyexpr.engines.aws.framing.Malformed: the connection was closed before the answer was whole

    Malformed when it is cut short, too large or ambiguous; the errors of `receive` come through.
    """
    source = _Source(receive)
    status, headers, reusable = _head(source.until(b"\r\n\r\n", MAX_HEAD))
    while status < 200:  # 100 Continue and its like announce the answer
        status, headers, reusable = _head(source.until(b"\r\n\r\n", MAX_HEAD))
    if "transfer-encoding" in headers:
        # With a length beside it the two may disagree; what follows on this connection is not worth the doubt.
        reusable = reusable and "content-length" not in headers
        body = _chunked(source, headers["transfer-encoding"])
    elif "content-length" in headers:
        body = source.exactly(_length(headers["content-length"]))
    elif status in (204, 304):
        body = b""
    else:
        body, reusable = source.to_the_end(), False
    return Answer(status, headers, body, reusable and not source.rest)


def _head(head: bytes) -> tuple[int, dict[str, str], bool]:
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise Malformed(f"the answer begins with {first[:60]!r}, not with an HTTP status")
    if len(lines) > MAX_HEADERS:
        raise Malformed(f"the answer has more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed(f"the answer has a header line {line[:60]!r}")
        name, value = name.lower(), value.strip()
        # What is said twice is a list (RFC 9110, 5.3); so two lengths are no number, and refused as such.
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    reusable = found[1] == "1" and "close" not in headers.get("connection", "").lower()
    return int(found[2]), headers, reusable


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(f"the answer has the length {text[:60]!r}")
    return int(text)


def _chunked(source: _Source, encoding: str) -> bytes:
    if encoding.lower() != "chunked":
        raise Malformed(f"the answer has the transfer encoding {encoding[:60]!r}")
    chunks, total = [], 0
    while True:
        line = source.until(b"\r\n", 1024)
        found = _CHUNK_LINE.fullmatch(line)
        if found is None:
            raise Malformed(f"the answer has a chunk that begins with {line[:60]!r}")
        size = int(found[1], 16)
        if size == 0:
            break
        total += size
        if total > MAX_BODY:
            raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
        chunks.append(source.exactly(size))
        if source.exactly(2) != b"\r\n":
            raise Malformed("the answer has a chunk of another length than it says")
    for _ in range(MAX_HEADERS):
        if not source.until(b"\r\n", MAX_HEAD):
            return b"".join(chunks)
    raise Malformed(f"the answer has more than {MAX_HEADERS} headers after its body")


class _Source:
    """What was received and not yet read, and a way to more."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.rest = b""

    def until(self, mark: bytes, limit: int) -> bytes:
        """What stands before the mark, which is read over."""
        found = self.rest.find(mark)
        while found < 0:
            if len(self.rest) > limit:
                raise Malformed(f"the head of the answer is longer than {limit} bytes")
            seen = max(0, len(self.rest) - len(mark) + 1)
            self.rest += self._more(_RECEIPT)
            found = self.rest.find(mark, seen)
        if found > limit:
            raise Malformed(f"the head of the answer is longer than {limit} bytes")
        before, self.rest = self.rest[:found], self.rest[found + len(mark) :]
        return before

    def exactly(self, size: int) -> bytes:
        """So many bytes."""
        if size > MAX_BODY:
            raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
        missing = size - len(self.rest)
        if missing <= 0:
            found, self.rest = self.rest[:size], self.rest[size:]
            return found
        parts, self.rest = [self.rest], b""
        while missing > 0:
            part = self._more(min(missing, _RECEIPT))
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def to_the_end(self) -> bytes:
        """What comes until the other side closes."""
        parts, total = [self.rest], len(self.rest)
        self.rest = b""
        while part := self._receive(_RECEIPT):
            total += len(part)
            if total > MAX_BODY:
                raise Malformed(f"the answer is longer than {MAX_BODY} bytes")
            parts.append(part)
        return b"".join(parts)

    def _more(self, size: int) -> bytes:
        part = self._receive(size)
        if not part:
            raise Malformed("the connection was closed before the answer was whole")
        return part
