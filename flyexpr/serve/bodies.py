"""Reads the body of a request from bytes: of known length or in chunks, plain or compressed."""

from __future__ import annotations

import re
import zlib

from flyexpr.byte_readers import RECEIPT, Reader
from flyexpr.serve.heads import TOKEN, elements, parse_fields
from flyexpr.serve.limits import Limits, Refused, malformed, too_large

_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|" + _QUOTED + rb"))?"
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)(?:" + _EXTENSION + rb")*")

MAX_MEMBERS = 100  # in a gzip body; each costs some microseconds, however short it is
_PIECE = 4096  # small, because the bytes after the end of a member are copied for the next member
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's numbers for the two formats


def read_body(rest: bytearray, length: int | None, limits: Limits) -> Reader[bytes]:
    r"""The body, removed from `rest`, which keeps the bytes after it; a `length` of None stands for chunks.

    >>> rest = bytearray(b"2\r\n{}\r\n0\r\n\r\nGET")
    >>> try: next(read_body(rest, None, Limits()))
    ... except StopIteration as end: end.value, rest
    (b'{}', bytearray(b'GET'))

    Refused if it is too large or cut short, or if its chunks are not well formed.
    """
    if length is None:
        return bytes((yield from _chunked(rest, limits)))
    if length > limits.body:
        raise too_large(limits.body)
    body = bytearray()
    yield from _exactly(rest, length, body)
    return bytes(body)


def _chunked(rest: bytearray, limits: Limits) -> Reader[bytearray]:
    """All chunks joined (RFC 9112, 7.1); extensions and trailers are read over."""
    body, overhead = bytearray(), 0
    while True:
        line = yield from _line(rest, limits.head)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise _not_chunked()
        size, overhead = int(match[1], 16), overhead + len(line) - len(match[1])
        if overhead > limits.head:
            raise malformed(f"the extensions of the chunks are longer than {limits.head} bytes in all")
        if size == 0:
            break
        if size > limits.body - len(body):
            raise too_large(limits.body)
        yield from _exactly(rest, size + 2, body)
        if not body.endswith(b"\r\n"):
            raise malformed("a chunk of the body is not as long as its size says")
        del body[-2:]
    yield from _trailers(rest, limits.head)
    return body


def _trailers(rest: bytearray, most: int) -> Reader[None]:
    while line := (yield from _line(rest, most)):
        most -= len(line) + 2
        parse_fields([line])


def _exactly(rest: bytearray, size: int, body: bytearray) -> Reader[None]:
    """Moves `size` bytes to the end of `body`: first from `rest`, then from what comes."""
    body += rest[:size]
    missing = size - len(rest)
    del rest[:size]
    while missing > 0:
        piece = yield min(missing, RECEIPT)
        _check_not_over(piece)
        missing -= len(piece)
        body += piece


def _line(rest: bytearray, most: int) -> Reader[bytes]:
    """The next line, without the line break."""
    while (end := rest.find(b"\n")) < 0:
        if len(rest) > most + 1:
            raise malformed(f"a line of the body is longer than {most} bytes")
        piece = yield RECEIPT
        _check_not_over(piece)
        rest += piece
    line = bytes(rest[: end + 1])
    del rest[: end + 1]
    if not line.endswith(b"\r\n") or len(line) > most + 2:
        raise _not_chunked()
    return line[:-2]


def _not_chunked() -> Refused:
    return malformed("the body is not chunked, although the Transfer-Encoding says so")


def _check_not_over(piece: bytes) -> None:
    if not piece:
        raise malformed("the request was cut short")


def inflate(body: bytes, codings: str, most: int) -> bytes:
    """The body without the compression that `codings` names, a Content-Encoding.

    >>> inflate(zlib.compress(b"{}"), "deflate", 100)
    b'{}'

    Refused beyond `most` bytes, with 415 for an unknown coding, and with 500, as the service does, for damaged data.
    """
    for coding in reversed(elements(codings)):
        if coding in _WINDOWS:
            body = _inflate(body, _WINDOWS[coding], most)
        elif coding not in ("", "identity"):
            raise malformed("the Content-Encoding must be gzip or deflate", 415)
    return body


def _inflate(body: bytes, window: int, most: int) -> bytes:
    """Works piece by piece, so that a small body that would grow huge is refused before it does."""
    plain, inflater, members = bytearray(), zlib.decompressobj(window), 1
    for start in range(0, len(body), _PIECE):
        data = body[start : start + _PIECE]
        while data:
            if inflater.eof:  # a file of gzip may have several members (RFC 1952, 2.2)
                inflater, members = zlib.decompressobj(window), members + 1
            try:
                plain += inflater.decompress(data, most + 1 - len(plain))
            except zlib.error:
                raise _damaged() from None
            if len(plain) > most:
                raise too_large(most)
            if members > (1 if window == _WINDOWS["deflate"] else MAX_MEMBERS):
                raise _damaged()
            data = inflater.unused_data
    if not inflater.eof:
        raise _damaged()
    return bytes(plain)


def _damaged() -> Refused:
    return Refused(500, "InternalServerError", "the compressed body of the request is damaged")
