"""The head of an HTTP/1.1 request, read from bytes as RFC 9112 says.

A request that can be read in two ways may be read the other way by a proxy in front of the server; then a second
request can hide in the first. So whatever is ambiguous is refused, and the connection is closed behind it.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import NamedTuple, TypeVar

from flyexpr.serve.limits import Refused, malformed

Read = TypeVar("Read")
Steps = Generator[int, bytes, Read]
"""Reads without touching a socket: yields how many bytes it would like, and is sent some, or none at the end."""

RECEIPT = 64 * 1024

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21\x22\x24-\x7e]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"(" + TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")  # half of a line's end
_ABSOLUTE = re.compile(r"https?://([^/?]*)([^?]*)(?:\?.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|((?:[\w\-.~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+))(?::[0-9]*)?", re.ASCII)
_ALONE = ("host", "content-length", "content-type", "x-amz-target")  # twice would leave open which of the two counts
_NO_BODY = ("GET", "HEAD", "TRACE", "CONNECT")


class Head(NamedTuple):
    """What a head says: `headers` by their names in lower case, `length` of the body, None for one in chunks."""

    method: str
    host: str  # without its port; "" where HTTP/1.0 names none
    path: str
    headers: dict[str, str]
    length: int | None
    keep: bool  # the connection may be kept after the answer
    old: bool  # HTTP/1.0, to which a kept connection must be announced
    expects: bool  # the client waits for "100 Continue" before it sends the body


def read_head(rest: bytearray, most: int) -> Steps[Head | None]:
    r"""The next head, taken off `rest`, in which what came after it stays; None at the end of the connection.

    >>> steps = read_head(bytearray(b"GET / HTTP/1.1\r\nHost: loc"), 16384)
    >>> next(steps)
    65536
    >>> try: steps.send(b"alhost\r\n\r\n")
    ... except StopIteration as read: read.value
    Head(method='GET', host='localhost', path='/', headers={'host': 'localhost'}, length=0, keep=True, ...)

    Refused when it is not a head, is ambiguous, or is longer than `most` bytes.
    """
    skipped = 0
    while True:
        while rest.startswith(b"\r\n"):  # RFC 9112, 2.2: empty lines in front of a request are passed over
            del rest[:2]
            skipped += 2
        end = rest.find(b"\r\n\r\n")
        if skipped + max(end + 4, 0 if end >= 0 else len(rest)) > most:
            raise malformed(f"the head of a request has at most {most} bytes")
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
    """Refuse at once what will never come to an end as a head does."""
    if rest and rest != b"\r" and not re.match(TOKEN + rb"(?: |\Z)", rest) or _BARE.search(rest):
        raise malformed("the request is not HTTP/1.1, in which lines end with CR and LF")


def parse_head(data: bytes) -> Head:
    r"""What a head says, which is given without the empty line at its end.

    >>> parse_head(b"POST / HTTP/1.1\r\nHost: [::1]:8000\r\nContent-Length: 2")[:5]
    ('POST', '::1', '/', {'host': '[::1]:8000', 'content-length': '2'}, 2)
    >>> parse_head(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked")
    Traceback (most recent call last):
    ...
    flyexpr.serve.limits.Refused: (400, ... 'the request has a Content-Length and a Transfer-Encoding; ...')
    """
    first, *lines = data.split(b"\r\n")
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise malformed("the request does not begin with METHOD TARGET HTTP/1.1")
    if found[3] != b"1":
        raise malformed("the server speaks HTTP/1.1", 505)
    method, old, headers = found[1].decode(), found[4] == b"0", parse_fields(lines)
    host, path = _place(method, found[2].decode(), headers, old)
    length = _length(headers, old)
    if length != 0 and method in _NO_BODY:
        raise malformed(f"a {method} has no body")
    options = [option.strip().lower() for option in headers.get("connection", "").split(",")]
    keep = "close" not in options and (not old or "keep-alive" in options)
    return Head(method, host, path, headers, length, keep, old, length != 0 and _expects(headers, old))


def parse_fields(lines: list[bytes]) -> dict[str, str]:
    """The fields by their names in lower case; one that comes twice is a list (RFC 9110, 5.3).

    >>> parse_fields([b"Accept: a", b"accept:\\tb "])
    {'accept': 'a, b'}

    Refused for a line that is continued on the next, or that has a blank in front of its colon.
    """
    headers: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise malformed(f"the request has the line {line[:60].decode('latin-1')!r}, which is not `name: value`")
        name, value = found[1].decode().lower(), found[2].decode("latin-1").strip(" \t")
        if name in headers and name in _ALONE:
            raise malformed(f"the request has two fields {name!r}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _place(method: str, target: str, headers: dict[str, str], old: bool) -> tuple[str, str]:
    """Host and path that a request is meant for (RFC 9112, 3.2)."""
    if "host" not in headers and not old:
        raise malformed("the request has no Host")
    host = _host(headers["host"]) if "host" in headers else ""
    if target.startswith("/"):
        return host, target.partition("?")[0]
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:  # its host counts, not the field's
        return _host(absolute[1]), absolute[2] or "/"
    if (method == "CONNECT" and _AUTHORITY.fullmatch(target)) or (method == "OPTIONS" and target == "*"):
        return host, target
    raise malformed("the target of the request is neither a path nor a URL of http")


def _host(authority: str) -> str:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise malformed("the request has a Host that is not `name` or `name:port`")
    return (found[1] or found[2]).lower()


def _length(headers: dict[str, str], old: bool) -> int | None:
    """The length of the body in bytes, None for one in chunks (RFC 9112, 6)."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is None:
        return 0 if length is None else _number(length)
    if length is not None:
        raise malformed("the request has a Content-Length and a Transfer-Encoding; one of them is enough")
    codings = [one.strip().lower() for one in coding.split(",")]
    if old or codings[-1] != "chunked" or codings.count("chunked") > 1 or "" in codings:
        raise malformed("the only Transfer-Encoding is `chunked`, in HTTP/1.1")
    if len(codings) > 1:
        raise malformed("the only Transfer-Encoding is `chunked`", 501)
    return None


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]+", text, re.ASCII):
        raise malformed("the Content-Length of the request is not a number of bytes")
    return int(text.lstrip("0")[:18] or "0")  # of more digits none changes that it is too large


def _expects(headers: dict[str, str], old: bool) -> bool:
    expected = headers.get("expect", "").lower()
    if expected and expected != "100-continue":
        raise Refused(417, "SerializationException", "the only Expect is `100-continue`")
    return bool(expected) and not old
