"""The backups of a file: each is a table's definition, with stores of its own that hold the rows as they were.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

from __future__ import annotations

from collections.abc import Iterator

from flyexpr.engines.sqlite.disk.history.resources import (
    Resource,
    drop_resource,
    find_resource,
    keep_resource,
    resources,
)
from flyexpr.engines.sqlite.disk.schema import Definition, read_table
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import DamagedFileError
from flyexpr.records import record

KIND = "backup"
USER, SYSTEM = "USER", "SYSTEM"


@record
class StoredBackup:
    """A backup: the definition of its table, whose stores are the backup's own; its items and their bytes.

    A SYSTEM backup is that of a table that was deleted. It `expires` at a time, a backup of the user never does.
    """

    arn: str
    name: str
    type: str
    created: float
    expires: float | None
    count: int
    size: int
    definition: Definition

    @property
    def table(self) -> str:
        name: str = self.definition["Description"]["TableName"]
        return name


def find_backup(storage: Storage, arn: str) -> StoredBackup | None:
    """The backup of an ARN, or None."""
    resource = find_resource(storage, arn)
    return None if resource is None or "Definition" not in resource else _read_backup(arn, resource)


def backups(storage: Storage, after: str = "") -> Iterator[StoredBackup]:
    """All backups, in the order of their ARNs; those after an ARN."""
    for arn, resource in resources(storage, KIND, after):
        yield _read_backup(arn, resource)


def keep_backup(storage: Storage, backup: StoredBackup) -> None:
    """Enter a backup, whose stores are filled already."""
    kept = {
        "Name": backup.name,
        "Type": backup.type,
        "Created": backup.created,
        "Expires": backup.expires,
        "Count": backup.count,
        "Size": backup.size,
        "Definition": backup.definition,
    }
    keep_resource(storage, backup.arn, KIND, kept)


def drop_backup(storage: Storage, backup: StoredBackup) -> None:
    """Strike out a backup, with its stores."""
    for store in backup.definition["Stores"].values():
        storage.drop_store(store)
    drop_resource(storage, backup.arn)


def _read_backup(arn: str, kept: Resource) -> StoredBackup:
    try:
        read_table(kept["Definition"])  # which checks the names of the stores
        return StoredBackup(
            arn,
            name=kept["Name"],
            type=kept["Type"],
            created=kept["Created"],
            expires=kept["Expires"],
            count=kept["Count"],
            size=kept["Size"],
            definition=kept["Definition"],
        )
    except (KeyError, TypeError) as error:
        raise DamagedFileError(f"a backup cannot be read: {error}") from error
