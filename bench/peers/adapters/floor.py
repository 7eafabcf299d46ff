"""The least that Python can do: a plain socket, and the whole answer parsed as JSON, without any decoding.

No signature, no retries, no check of the sum: what a library adds to this is what it does for its users.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from bench import data
from bench.peers.jobs import FEW, Job, Jobs

_HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.%s\r\nContent-Length: %d\r\n\r\n%s"
_QUERY = '{"TableName":"items","ExpressionAttributeValues":{":pk":{"S":"pages#%d"}}%s}'
_START = ',"ExclusiveStartKey":{"sk":{"N":"%s"}}'


def jobs(url: str, parser: str) -> Jobs:
    """The jobs of a bare socket and one JSON parser, `json` or `orjson`."""
    loads = importlib.import_module(parser).loads
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port or 80))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = connection.makefile("rb")

    def call(operation: str, body: str) -> Any:
        connection.sendall((_HEAD % (operation, len(body), body)).encode())
        length = 0
        while (line := answers.readline()) != b"\r\n":
            if line.startswith(b"Content-Length:"):
                length = int(line[15:])
        return loads(answers.read(length))

    def pages(count: int) -> Iterator[dict[str, Any]]:
        start = ""
        while True:
            found = call("Query", _QUERY % (count, start))
            yield from found["Items"]
            if "LastEvaluatedKey" not in found:
                return
            start = _START % found["LastEvaluatedKey"]["sk"]["N"]

    def drain() -> None:
        for _ in pages(FEW):
            pass

    key = '{"TableName":"items","Key":{"pk":{"S":"customer#0001"},"sk":{"N":"7"}}}'
    return {
        "query pages": Job(drain, lambda: [plain_item(item) for item in pages(FEW)]),
        "pages kept": Job(lambda: list(pages(data.PAGES)), lambda: [plain_item(item) for item in pages(data.PAGES)]),
        "get": Job(lambda: call("GetItem", key), lambda: plain_item(call("GetItem", key)["Item"])),
    }


def plain_item(item: dict[str, Any]) -> data.Item:
    """A wire item as plain values, for the check."""
    return {name: data.plain(value) for name, value in item.items()}
