"""The body of a request, read as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flyexpr.engines.sqlite.faults import unreadable
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.values.numbers import no_constant
from flyexpr.values.refusals import check_pairs

MAX_BODY = 16 * 1024 * 1024
# What reading a text by parts that are known may end in, if it is another text.
NOT_AS_KNOWN = ValueError, IndexError, StopIteration, RecursionError


def read_body(body: bytes) -> Members:
    """The JSON of a request, as an object.

    >>> read_body(b'{"Limit": NaN}')
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: the body is not the JSON of a request
    """
    if len(body) > MAX_BODY:
        raise unreadable("the body is over 16 MB")
    try:
        text = body.decode().strip(" \t\r\n")
        members, end = scan(text, 0)
        if end != len(text):
            raise ValueError("something follows the request")
        check_pairs(text, members)
    except (ValueError, StopIteration, RecursionError):
        raise unreadable("the body is not the JSON of a request") from None
    if type(members) is not dict:
        raise unreadable("the body is not the JSON of a request")
    return members


# What raw_decode itself uses: the value at a position of a text, and where it ends. StopIteration is its word for text
# that is not JSON.
scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_constant=no_constant).scan_once  # type: ignore[attr-defined]


def value_start(text: str, name: str, position: int) -> int:
    """Where the value of a member stands, after at most one blank, as some clients write it; ValueError for nowhere.

    >>> value_start('{"Limit": 5}', '"Limit":', 0)
    10
    """
    start = text.index(name, position) + len(name)
    return start + 1 if text[start] == " " else start


class Bodies:
    """Reads the bodies of one operation's requests, for one engine."""

    read = staticmethod(read_body)

    def known(self, body: bytes) -> Any:
        """What a request asks for, where all but its items was read before; None for any other request."""

    def learn(self, members: Members, asked: Any, body: bytes) -> None:
        """Takes note of a request that was read and carried out."""
