"""An engine that trusts every request: SQLite used directly, by Python's sqlite3 and json.

It keeps rows as the embedded engine keeps them, with its settings, in a transaction a call. It checks and counts
nothing, and knows by heart what the requests of the benchmarks ask for.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from flyexpr.engine import Engine

_CREATE = "CREATE TABLE items (key BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL, item TEXT NOT NULL)"
_UPSERT = (
    "INSERT INTO items VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET size = excluded.size, item = excluded.item"
)
_SELECT = "SELECT item FROM items WHERE key = ?"
_PAGE = "SELECT item FROM items WHERE key >= ? AND key <= ? ORDER BY key"
_SIZE = 900  # of each item; flyexpr counts it
_DONE = b"{}"


def trusting(path: Path) -> Engine:
    """The engine on a new file; threads may share it if they take turns.

    >>> from tempfile import TemporaryDirectory
    >>> item = '{"pk":{"S":"a"},"sk":{"N":"1"}}'
    >>> with TemporaryDirectory() as folder:
    ...     engine = trusting(Path(folder, "items.db"))
    ...     _ = engine("CreateTable", b"{}")
    ...     engine("PutItem", f'{{"Item":{item}}}'.encode()), engine("GetItem", f'{{"Key":{item}}}'.encode())
    (b'{}', b'{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}')
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    execute = connection.execute
    for setting in ("journal_mode = WAL", "wal_autocheckpoint = 4000", "synchronous = NORMAL"):
        execute(f"PRAGMA {setting}")

    def write(*items: Any) -> bytes:
        execute("BEGIN IMMEDIATE")
        for item in items:
            execute(_UPSERT, (_key(item), _SIZE, _encode(item)))
        execute("COMMIT")
        return _DONE

    def update(key: bytes, status: Any, step: Any, same: Any) -> bytes:
        """Sets `status` and adds a step to `visits`, if `name` is the same."""
        execute("BEGIN IMMEDIATE")
        item = json.loads(execute(_SELECT, (key,)).fetchone()[0])
        assert item["name"] == same
        item["status"], item["visits"] = status, {"N": str(int(item["visits"]["N"]) + int(step["N"]))}
        execute(_UPSERT, (key, _SIZE, _encode(item)))
        execute("COMMIT")
        return _DONE

    def engine(operation: str, body: bytes) -> bytes:
        asked = json.loads(body)
        match operation:
            case "CreateTable":
                execute(_CREATE)
                return _DONE
            case "DescribeTable":
                return b'{"Table":{"TableStatus":"ACTIVE"}}'
            case "GetItem":
                (text,) = execute(_SELECT, (_key(asked["Key"]),)).fetchone()
                return b'{"Item":%b}' % text.encode()
            case "PutItem":
                return write(asked["Item"])
            case "UpdateItem":
                return update(_key(asked["Key"]), *asked["ExpressionAttributeValues"].values())
            case "BatchWriteItem":
                return write(*[put["PutRequest"]["Item"] for put in asked["RequestItems"]["items"]])
            case "Query":
                pk, low, high = asked["ExpressionAttributeValues"].values()
                texts = [text for (text,) in execute(_PAGE, (_row(pk, low), _row(pk, high)))]
                return f'{{"Items":[{",".join(texts)}],"Count":{len(texts)},"ScannedCount":{len(texts)}}}'.encode()
        raise NotImplementedError(operation)

    return engine


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _key(item: Any) -> bytes:
    return _row(item["pk"], item["sk"])


def _row(pk: dict[str, str], sk: dict[str, str]) -> bytes:
    return b"hash" + pk["S"].encode() + b"\0\0" + int(sk["N"]).to_bytes(8, "big")
