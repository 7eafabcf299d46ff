"""Requests to a server as bytes made beforehand, over bare sockets, so that the client costs little.

    python -m bench.engine.raw URL get 8 2.0          prints what 8 connections did in 2 seconds, as JSON

Each connection has one request under way. The requests are signed as a client's are: the signatures and times differ.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from bench import data

TABLE, ITEMS, BATCH, PAGE = "items", 1000, 25, 20
_PREPARED, _PUT_KEYS = 500, 100  # requests of a job, and how many keys those that put an item have
Span = tuple[float, float]  # when a request was sent, and when its answer had come
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_KEY = {"pk": {"S": "customer#0001"}}
_SIGNED = (
    "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n"
    "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260105T10{minute:02}{second:02}Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=key/20260105/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={signature:064x}\r\n"
    "Content-Length: {length}\r\n\r\n"
)

_UPDATE = {
    "UpdateExpression": "SET #u = :s ADD #v :one",
    "ExpressionAttributeNames": {"#u": "status", "#v": "visits"},
    "ExpressionAttributeValues": {":s": {"S": "closed"}, ":one": {"N": "1"}},
}
_QUERY = {"KeyConditionExpression": "pk = :p AND sk >= :s", "Limit": PAGE}
_CREATE = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
}


def _key(number: int) -> dict[str, Any]:
    return _KEY | {"sk": {"N": str(number)}}


def _asked(job: str, items: list[dict[str, Any]], turn: int, number: int) -> tuple[str, dict[str, Any]]:
    """The operation of a job and the body of a request, about the item with a number and those after it.

    Puts of one key differ, because flyexpr does not write an item that is stored already.
    """
    if job == "get":
        return "GetItem", {"TableName": TABLE, "Key": _key(number)}
    if job == "put":
        return "PutItem", {"TableName": TABLE, "Item": items[number % _PUT_KEYS] | {"visits": {"N": str(turn)}}}
    if job == "update":
        return "UpdateItem", {"TableName": TABLE, "Key": _key(number), **_UPDATE}
    if job == "query":
        values = {":p": _KEY["pk"], ":s": {"N": str(number % (ITEMS - PAGE))}}
        return "Query", {"TableName": TABLE, **_QUERY, "ExpressionAttributeValues": values}
    some = [items[(number + count) % ITEMS] for count in range(BATCH)]
    if job == "batch put":
        puts = [{"PutRequest": {"Item": item | {"visits": {"N": str(turn)}}}} for item in some]
        return "BatchWriteItem", {"RequestItems": {TABLE: puts}}
    keys = [{name: item[name] for name in ("pk", "sk")} for item in some]
    return "BatchGetItem", {"RequestItems": {TABLE: {"Keys": keys}}}


JOBS = ("get", "put", "update", "query", "batch get", "batch put")


def requests(job: str, host: str) -> list[bytes]:
    """The requests of a job, in no order of their keys.

    >>> requests("get", "127.0.0.1:8000")[0].split()[:5]
    [b'POST', b'/', b'HTTP/1.1', b'Host:', b'127.0.0.1:8000']
    """
    chance, items = random.Random(data.SEED), [data.wire_item(item) for item in data.items(0, ITEMS)]
    return [
        _request(host, *_asked(job, items, turn, chance.randrange(ITEMS)), chance.getrandbits(256))
        for turn in range(_PREPARED)
    ]


def _request(host: str, operation: str, body: dict[str, Any], signature: int = 0) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    minute, second = signature // 60 % 60, signature % 60
    head = _SIGNED.format(
        host=host, operation=operation, minute=minute, second=second, signature=signature, length=len(text)
    )
    return head.encode() + text


def connected(url: str) -> socket.socket:
    """A connection to a server."""
    where = urlsplit(url)
    connection = socket.create_connection((where.hostname, where.port or 80), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def received(connection: socket.socket) -> bytes:
    """One answer, whose status must be 200."""
    answer = connection.recv(65536)
    while not (length := _LENGTH.search(answer)) or (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(connection)
    missing = end + 4 + int(length[1]) - len(answer)
    if missing > 0:
        parts = [answer]
        while missing > 0:
            parts.append(_more(connection))
            missing -= len(parts[-1])
        answer = b"".join(parts)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:2000].decode("latin-1"))
    return answer


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the server closed the connection")
    return piece


def load(url: str) -> None:
    """Makes the table and its items."""
    host = urlsplit(url).netloc
    items = [data.wire_item(item) for item in data.items(0, ITEMS)]
    with connected(url) as connection:
        connection.sendall(_request(host, "CreateTable", _CREATE))
        received(connection)
        for start in range(0, ITEMS, BATCH):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]
            connection.sendall(_request(host, "BatchWriteItem", {"RequestItems": {TABLE: puts}}))
            received(connection)


def drive(url: str, job: str, clients: int, seconds: float) -> dict[str, float]:
    """Requests, requests a second, and the median and 99th percentile of their times in milliseconds."""
    prepared, spans = itertools.cycle(requests(job, urlsplit(url).netloc)), list[Span]()
    with ExitStack() as open_:
        connections = [open_.enter_context(connected(url)) for _ in range(clients)]
        for connection in connections:  # each once, before the clock runs
            connection.sendall(next(prepared))
            received(connection)
        until = time.perf_counter() + seconds
        if clients == 1:
            _alone(connections[0], prepared, until, spans)
        else:
            _together(connections, prepared, until, spans)
    times = sorted(ended - began for began, ended in spans)
    return {
        "rate": best_rate([spans[0][0], *(ended for _, ended in spans)]),
        "count": len(times),
        "median": times[len(times) // 2] * 1000,
        "p99": times[len(times) * 99 // 100] * 1000,
    }


def best_rate(moments: list[float]) -> float:
    """Answers a second in the fastest tenth of a run, as other programs can only slow it down; of few, in all of it.

    >>> slow, fast = [number / 50 for number in range(500)], [10 + number / 100 for number in range(200)]
    >>> best_rate([0.0, 0.5, 1.0]), best_rate(slow), best_rate(slow + fast)
    (2.0, 50.0, 100.0)
    """
    part = max(100, len(moments) // 10)
    if len(moments) <= part:
        return (len(moments) - 1) / (moments[-1] - moments[0])
    return max(round(part / (after - before), 1) for before, after in zip(moments, moments[part:], strict=False))


def _alone(connection: socket.socket, prepared: Iterator[bytes], until: float, spans: list[Span]) -> None:
    connection.setblocking(True)
    began, clock = time.perf_counter(), time.perf_counter
    while began < until:
        connection.sendall(next(prepared))
        received(connection)
        ended = clock()
        spans.append((began, ended))
        began = ended


def _together(connections: list[socket.socket], prepared: Iterator[bytes], until: float, spans: list[Span]) -> None:
    clock, poll, by_number, began = time.perf_counter, select.poll(), {}, {}
    for connection in connections:
        connection.setblocking(True)
        number = connection.fileno()
        by_number[number] = connection
        poll.register(number, select.POLLIN)
        began[number] = clock()
        connection.sendall(next(prepared))
    while began:
        for number, _ in poll.poll():
            received(by_number[number])
            ended = clock()
            spans.append((began[number], ended))
            if ended < until:
                began[number] = ended
                by_number[number].sendall(next(prepared))
            else:
                del began[number]


def main() -> None:
    url, job, clients, seconds = sys.argv[1:]
    print(json.dumps(drive(url, job, int(clients), float(seconds))))


if __name__ == "__main__":
    main()
