"""CreateBackup, DescribeBackup, ListBackups and DeleteBackup.

A backup is a copy of a table's rows in the same file, made in one transaction: writers wait until it is done.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.history.backups import (
    SYSTEM,
    USER,
    StoredBackup,
    backups,
    drop_backup,
    find_backup,
    keep_backup,
)
from flyexpr.engines.sqlite.disk.keeping import DAY
from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.operations.fills import finish_abandoned
from flyexpr.engines.sqlite.request.intents.backups import BackupAsked, BackupsAsked
from flyexpr.engines.sqlite.rules.backups import backup_description, backup_details, backup_summary
from flyexpr.errors import DynamoError

SYSTEM_DAYS = 35


def create_backup(storage: Storage, asked: BackupAsked, now: float) -> bytes:
    """The answer to CreateBackup; the backup is there when it is given."""
    finish_abandoned(storage, asked.table)
    with storage.transaction("IMMEDIATE"):
        definition = copied_definition(storage, asked.table)
        version = storage.next_version()
        stores = {
            name: f"{store.partition('_')[0]}_{version}_{position}"
            for position, (name, store) in enumerate(definition["Stores"].items())
        }
        for name, store in stores.items():
            storage.create_store(store)
            storage.copy_store(definition["Stores"][name], store)
        backup = _backup(storage, definition | {"Stores": stores}, asked.name, USER, now)
        keep_backup(storage, backup)
    return json_text({"BackupDetails": backup_details(backup)})


def keep_deleted(storage: Storage, definition: Definition, now: float) -> None:
    """Make the stores of a table that is deleted a backup of the system; the service does so for 35 days."""
    name = f"{definition['Description']['TableName']}$DeletedTableBackup"
    keep_backup(storage, _backup(storage, definition, name, SYSTEM, now))


def _backup(storage: Storage, definition: Definition, name: str, kind: str, now: float) -> StoredBackup:
    description, stores = definition["Description"], definition["Stores"]
    count, size = storage.total(stores[""])
    digest = hashlib.blake2b(f"{stores['']} {now}".encode(), digest_size=4).hexdigest()
    kept = {"Description": description, "Stores": stores}
    if "Expiry" in definition:
        kept["Expiry"] = definition["Expiry"]
    return StoredBackup(
        f"{description['TableArn']}/backup/{max(int(now * 1000), 0):014}-{digest}",
        name,
        kind,
        created=now,
        expires=None if kind == USER else now + SYSTEM_DAYS * DAY,
        count=count,
        size=size,
        definition=kept,
    )


def describe_backup(storage: Storage, arn: str, now: float) -> bytes:
    """The answer to DescribeBackup."""
    with storage.transaction("DEFERRED"):
        backup = known_backup(storage, arn)
    return json_text({"BackupDescription": backup_description(backup)})


def delete_backup(storage: Storage, arn: str, now: float) -> bytes:
    """The answer to DeleteBackup."""
    with storage.transaction("IMMEDIATE"):
        backup = known_backup(storage, arn)
        drop_backup(storage, backup)
    return json_text({"BackupDescription": backup_description(backup, "DELETED")})


def list_backups(storage: Storage, asked: BackupsAsked, now: float) -> bytes:
    """The answer to ListBackups: up to 100 backups, by table and then by age."""
    with storage.transaction("DEFERRED"):
        there = (
            backup
            for backup in backups(storage, asked.after)
            if asked.table in (None, backup.table)
            and asked.type in ("ALL", backup.type)
            and asked.since <= backup.created < asked.until
        )
        listed = list(islice(there, asked.limit + 1))
    shown: dict[str, Any] = {"BackupSummaries": [backup_summary(backup) for backup in listed[: asked.limit]]}
    if len(listed) > asked.limit:
        shown["LastEvaluatedBackupArn"] = listed[asked.limit - 1].arn
    return json_text(shown)


def known_backup(storage: Storage, arn: str) -> StoredBackup:
    """The backup of an ARN; BackupNotFoundException when there is none."""
    backup = find_backup(storage, arn)
    if backup is None:
        raise DynamoError.of("BackupNotFoundException", f"Backup not found: {arn}")
    return backup


def source_definition(storage: Storage, name: str) -> Definition:
    """The definition of a table that is backed up; TableNotFoundException when there is none."""
    definition = storage.definition(name)
    if definition is None:
        raise DynamoError.of("TableNotFoundException", f"Table not found: {name}")
    return definition


def copied_definition(storage: Storage, name: str) -> Definition:
    """The definition of a table whose stores are to be copied; TableInUseException while one of them is being filled.

    Inside the transaction that copies them: another engine may begin to fill one at any moment before.
    """
    definition = source_definition(storage, name)
    if "Filling" in definition:
        raise DynamoError.of("TableInUseException", f"Table is being updated: {name}")
    return definition
