"""A DynamoDB that gives canned answers over HTTP, in a process of its own.

    python -m bench.peers.server          prints its port, and ends when its standard input does

The partition key of a query says how many pages it has: `pages#4`. A write with the word `refuse` in it fails its
condition.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
import zlib
from functools import lru_cache
from typing import Any

from bench import data

Last = dict[str, bytes]  # the body of the latest write, by the name of its operation

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_PAGES = re.compile(rb"pages#(\d+)")
_WAIT = re.compile(rb"wait#(\d+)")  # milliseconds
_START = re.compile(rb'"ExclusiveStartKey":.*?"sk": ?\{"N": ?"(\d+)"')
_REFUSAL = {
    "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    "message": "The conditional request failed",
}


def serve(listener: socket.socket) -> None:
    """Answers every connection in a thread of its own, until the listener is closed."""
    last: Last = {}
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_converse, args=(connection, last), daemon=True).start()


def _converse(connection: socket.socket, last: Last) -> None:
    with connection:
        rest = b""
        while request := _request(connection, rest):
            operation, body, rest = request
            try:
                connection.sendall(_answer(operation, body, last))
            except OSError:
                return


def _request(connection: socket.socket, start: bytes) -> tuple[str, bytes, bytes] | None:
    """The operation's name, the body, and the bytes after it; None once the other side has closed."""
    received = start
    try:
        while (end := received.find(b"\r\n\r\n")) < 0:
            if not (more := connection.recv(65536)):
                return None
            received += more
        length = _LENGTH.search(received, 0, end)
        stop = end + 4 + int(length[1] if length else 0)
        while len(received) < stop:
            if not (more := connection.recv(1 << 20)):
                return None
            received += more
    except OSError:
        return None
    target = _TARGET.search(received, 0, end)
    return target[1].decode() if target else "", received[end + 4 : stop], received[stop:]


def _answer(operation: str, body: bytes, last: Last) -> bytes:
    if operation == "Query":
        pages, start = _PAGES.search(body), _START.search(body)
        page = (int(start[1]) + 1) // data.PAGE if start else 0
        return _page(page, page + 1 == int(pages[1] if pages else 1), b"ReturnConsumedCapacity" in body)
    if operation == "GetItem":
        if wait := _WAIT.search(body):
            time.sleep(int(wait[1]) / 1000)
        return _small(b'"Item"')
    if operation == "Last":
        return _response(json.dumps({name: json.loads(sent) for name, sent in last.items()}).encode())
    if operation == "DescribeTable":
        return _response(json.dumps({"Table": _TABLE}).encode())
    last.clear()
    last[operation] = body
    if b"refuse" in body:
        return _response(json.dumps(_REFUSAL).encode(), b"400 Bad Request")
    if operation == "UpdateItem" and b"ALL_NEW" in body:
        return _small(b'"Attributes"')
    return _response(b'{"UnprocessedItems":{}}' if operation == "BatchWriteItem" else b"{}")


_TABLE: dict[str, Any] = {
    "TableName": "items",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
}


@lru_cache(None)
def _page(page: int, is_last: bool, capacity: bool) -> bytes:
    items = page_items(page)
    key = b'"LastEvaluatedKey":{"pk":{"S":"customer#0001"},"sk":{"N":"%d"}},' % ((page + 1) * data.PAGE - 1)
    units = b'"ConsumedCapacity":{"CapacityUnits":128.5,"TableName":"items"},' if capacity else b""
    return _response(
        b'{%b"Count":%d,"Items":%b,%b"ScannedCount":%d}' % (units, data.PAGE, items, b"" if is_last else key, data.PAGE)
    )


@lru_cache(None)
def page_items(page: int) -> bytes:
    """The wire text of a page's items, without white space, as DynamoDB sends it."""
    items = [data.wire_item(item) for item in data.items(page)]
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(None)
def _small(member: bytes) -> bytes:
    return _response(b"{%b:%b}" % (member, json.dumps(data.wire_item(data.SMALL), separators=(",", ":")).encode()))


def _response(body: bytes, status: bytes = b"200 OK") -> bytes:
    return (
        b"HTTP/1.1 %b\r\nServer: Server\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
        b"x-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\nx-amz-crc32: %d\r\n\r\n%b"
        % (status, len(body), zlib.crc32(body), body)
    )


def listen() -> socket.socket:
    """A listener on a free port of this machine."""
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def main() -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {min(os.sched_getaffinity(0))})  # the first one: workers
    listener = listen()
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
