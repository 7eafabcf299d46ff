"""What has an ARN of its own and may outlive its table: streams and backups, each a JSON object.

They stand in one SQLite table, `resources (arn, definition)`, in the order of their ARNs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import DamagedFileError

Resource = dict[str, Any]


def find_resource(storage: Storage, arn: str) -> Resource | None:
    """The resource of an ARN, or None."""
    for (text,) in storage.connection.execute("SELECT definition FROM resources WHERE arn = ?", (arn,)):
        return _read(text)
    return None


def resources(storage: Storage, kind: str, after: str = "") -> Iterator[tuple[str, Resource]]:
    """The resources of a kind, "stream" or "backup", with their ARNs, in order; those after an ARN."""
    for arn, text in storage.connection.execute(
        "SELECT arn, definition FROM resources WHERE arn > ? AND kind = ? ORDER BY arn", (after, kind)
    ):
        yield arn.decode(), _read(text)


def keep_resource(storage: Storage, arn: str, kind: str, resource: Resource) -> None:
    """Enter a resource, or another state of it."""
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    storage.connection.execute("INSERT OR REPLACE INTO resources VALUES (?, ?, ?)", (arn, kind, text))


def drop_resource(storage: Storage, arn: str) -> None:
    """Strike out a resource."""
    storage.connection.execute("DELETE FROM resources WHERE arn = ?", (arn,))


def _read(text: bytes) -> Resource:
    try:
        resource: Resource = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"a stream or a backup cannot be read: {error}") from error
    return resource
