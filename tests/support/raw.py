"""A client that sends bytes as they are, and parses the answers without a library."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from flyexpr import DynamoError
from flyexpr.serve import Server

LINE = b"POST / HTTP/1.1\r\n"
FIELDS = (
    b"Host: localhost\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\n"
)
HEAD = LINE + FIELDS
GOOD = HEAD + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Raw(NamedTuple):
    """An answer, with its fields by lower-case name."""

    status: str
    fields: dict[str, str]
    body: bytes


class Connection:
    """One connection to a server."""

    def __init__(self, server: Server) -> None:
        where = urlsplit(server.url)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=10)
        self._lines = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bool = True) -> Raw:
        """The next answer."""
        first, *lines = [line.decode() for line in iter(self._lines.readline, b"\r\n")]
        fields = {name.lower(): value for name, value in (line.rstrip("\r\n").split(": ", 1) for line in lines)}
        length = int(fields.get("content-length", 0)) if body else 0
        return Raw(first.rstrip("\r\n").removeprefix("HTTP/1.1 "), fields, self._lines.read(length))

    def ended(self) -> bool:
        """True once the server has closed its side without sending more; one that was never accepted is reset."""
        try:
            return self._lines.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@contextmanager
def connected(server: Server, data: bytes = b"") -> Iterator[Connection]:
    """A connection over which `data` has been sent."""
    connection = Connection(server)
    try:
        connection.send(data)
        yield connection
    finally:
        connection.close()


def answered(server: Server, data: bytes) -> Raw:
    """The first answer to `data`."""
    with connected(server, data) as connection:
        return connection.answer()


# engines that other processes can have, too


def only_list_tables(operation: str, body: bytes) -> bytes:
    """Accepts only ListTables with a JSON body."""
    try:
        json.loads(body)
    except ValueError:
        raise DynamoError.of("SerializationException", "") from None
    if operation != "ListTables":
        raise DynamoError.of("UnknownOperationException", "")
    return b'{"TableNames":[]}'


def process_id(operation: str, body: bytes) -> bytes:
    """Answers with the number of the process that was asked."""
    return str(os.getpid()).encode()
