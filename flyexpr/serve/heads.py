"""Reads the head of an HTTP/1.1 request from bytes, as RFC 9112 says.

A proxy in front of the server may read an ambiguous request in another way than the server; then a second request can
hide in the first. So every ambiguous request is refused, and its connection closed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flyexpr.byte_readers import RECEIPT, Reader
from flyexpr.serve.limits import Refused, malformed

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21\x22\x24-\x7e]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"(" + TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")  # half of a line break
_ABSOLUTE = re.compile(r"https?://([^/?]*)([^?]*)((?:\?.*)?)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|((?:[\w\-.~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+))(?::[0-9]*)?", re.ASCII)
_ALONE = ("host", "content-length", "content-type", "x-amz-target")  # if one came twice, which of them would count?
_NO_BODY = ("GET", "HEAD", "TRACE", "CONNECT")


class Head(NamedTuple):
    """What a head says: `headers` by lower-case name, and the `length` of the body, None if it comes in chunks."""

    method: str
    host: str  # without the port; "" if an HTTP/1.0 request names none
    path: str
    query: str  # what follows the `?` of the target
    headers: dict[str, str]
    length: int | None
    keep: bool  # the connection may be kept after the answer
    old: bool  # HTTP/1.0, whose client must be told that the connection is kept
    expects: bool  # the client waits for "100 Continue" before it sends the body


def read_head(rest: bytearray, most: int) -> Reader[Head | None]:
    r"""The next head, removed from `rest`, which keeps the bytes after it; None at the end of the connection.

    >>> reader = read_head(bytearray(b"GET / HTTP/1.1\r\nHost: loc"), 16384)
    >>> next(reader)
    65536
    >>> try: reader.send(b"alhost\r\n\r\n")
    ... except StopIteration as end: end.value
    Head(method='GET', host='localhost', path='/', query='', headers={'host': 'localhost'}, length=0, keep=True, ...)

    Refused if it is not a head, is ambiguous, or is longer than `most` bytes.
    """
    skipped = 0
    while True:
        while rest.startswith(b"\r\n"):  # RFC 9112, 2.2: empty lines before a request are ignored
            del rest[:2]
            skipped += 2
        end = rest.find(b"\r\n\r\n")
        if skipped + max(end + 4, 0 if end >= 0 else len(rest)) > most:
            raise malformed(f"the head of the request is longer than {most} bytes")
        if end >= 0:
            head = bytes(rest[:end])
            del rest[: end + 4]
            return parse_head(head)
        _check_beginning(rest)
        piece = yield RECEIPT
        if not piece and not rest:
            return None
        if not piece:
            raise malformed("the request was cut short")
        rest += piece


def _check_beginning(rest: bytearray) -> None:
    """Refuses at once what can never become a head; otherwise the server would wait for its end."""
    if rest and rest != b"\r" and not re.match(TOKEN + rb"(?: |\Z)", rest) or _BARE.search(rest):
        raise malformed("the request is not HTTP/1.1, in which lines end with CR and LF")


def parse_head(data: bytes) -> Head:
    r"""What a head says; `data` is the head without the empty line at its end.

    >>> parse_head(b"POST /?a=b HTTP/1.1\r\nHost: [::1]:8000\r\nContent-Length: 2")[:6]
    ('POST', '::1', '/', 'a=b', {'host': '[::1]:8000', 'content-length': '2'}, 2)
    >>> parse_head(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked")
    Traceback (most recent call last):
    ...
    flyexpr.serve.limits.Refused: (400, ... 'the request has both a Content-Length and a Transfer-Encoding')
    """
    first, *lines = data.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise malformed("the request does not begin with METHOD TARGET HTTP/1.1")
    if match[3] != b"1":
        raise malformed("the server speaks HTTP/1.1", 505)
    method, old, headers = match[1].decode(), match[4] == b"0", parse_fields(lines)
    host, target = _host_and_target(method, match[2].decode(), headers, old)
    path, _, query = target.partition("?")
    length = _length(headers, old)
    if length != 0 and method in _NO_BODY:
        raise malformed(f"a {method} request cannot have a body")
    options = elements(headers.get("connection", ""))
    keep = "close" not in options and (not old or "keep-alive" in options)
    return Head(method, host, path, query, headers, length, keep, old, length != 0 and _expects(headers, old))


def parse_fields(lines: list[bytes]) -> dict[str, str]:
    """The fields by lower-case name; the values of a field that comes twice are joined by a comma (RFC 9110, 5.3).

    >>> parse_fields([b"Accept: a", b"accept:\\tb "])
    {'accept': 'a, b'}

    Refused if a line continues on the next, or has a blank before its colon.
    """
    headers: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise malformed(f"the line {line[:60].decode('latin-1')!r} of the request is not `name: value`")
        name, value = match[1].decode().lower(), match[2].decode("latin-1").strip(" \t")
        if name in headers and name in _ALONE:
            raise malformed(f"the request has the field {name!r} twice")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def elements(value: str) -> list[str]:
    """The elements of a field whose value is a list, in small letters; only blanks and tabs may stand around them.

    >>> elements("Gzip,\\tchunked\\xa0")
    ['gzip', 'chunked\\xa0']
    """
    return [element.strip(" \t").lower() for element in value.split(",")]


def _host_and_target(method: str, target: str, headers: dict[str, str], old: bool) -> tuple[str, str]:
    """The host that a request is meant for, and the path with its query (RFC 9112, 3.2)."""
    if "host" not in headers and not old:
        raise malformed("the request has no Host")
    host = _host(headers["host"]) if "host" in headers else ""
    if target.startswith("/"):
        return host, target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:  # then its host counts, and the field is ignored
        return _host(absolute[1]), (absolute[2] or "/") + absolute[3]
    if (method == "CONNECT" and _AUTHORITY.fullmatch(target)) or (method == "OPTIONS" and target == "*"):
        return host, target
    raise malformed("the target of the request is neither a path nor an http URL")


def _host(authority: str) -> str:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise malformed("the Host of the request is not `name` or `name:port`")
    return (match[1] or match[2]).lower()


def _length(headers: dict[str, str], old: bool) -> int | None:
    """The length of the body in bytes, or None if it comes in chunks (RFC 9112, 6)."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is None:
        return 0 if length is None else _number(length)
    if length is not None:
        raise malformed("the request has both a Content-Length and a Transfer-Encoding")
    codings = elements(coding)
    if old or codings[-1] != "chunked" or codings.count("chunked") > 1 or "" in codings:
        raise malformed("the Transfer-Encoding must be `chunked`, in HTTP/1.1")
    if len(codings) > 1:
        raise malformed("the Transfer-Encoding must be `chunked` alone", 501)
    return None


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]+", text, re.ASCII):
        raise malformed("the Content-Length of the request is not a number of bytes")
    return int(text.lstrip("0")[:18] or "0")  # a number of more digits is too large in any case


def _expects(headers: dict[str, str], old: bool) -> bool:
    expected = headers.get("expect", "").lower()
    if expected and expected != "100-continue":
        raise Refused(417, "SerializationException", "the Expect of a request must be `100-continue`")
    return bool(expected) and not old
