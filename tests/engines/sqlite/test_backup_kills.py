"""A process that is killed while it backs up, restores or switches recovery leaves all of that, or nothing."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Clock, key
from killed import killed_after
from older_file import stores

from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
Wire = dict[str, Any]
START, RESTORED = 1_800_000_000, 1_800_000_060
EXPIRE = {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": "exp", "Enabled": True}}


def recovery(*, enabled: bool) -> Wire:
    return {"TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}


def clock_at(seconds: float) -> Clock:
    clock = Clock()
    clock.now = seconds
    return clock


def put(engine: SqliteEngine, sort: int, text: str) -> None:
    item = {**key(sort), "gk": {"S": f"g{sort % 2}"}, "x": {"S": text}, "exp": {"N": "1900000000"}}
    call(engine, "PutItem", {"TableName": "tab", "Item": item})


def made(path: str, items: int) -> str:
    """The ARN of a backup of a table in a new file; its changes since then are recorded."""
    clock = Clock()
    with SqliteEngine(path, clock=clock) as engine:
        call(engine, "CreateTable", TABLE)
        call(engine, "UpdateTimeToLive", EXPIRE)
        for sort in range(items):
            put(engine, sort, "old")
        arn: str = call(engine, "CreateBackup", {"TableName": "tab", "BackupName": "before"})["BackupDetails"][
            "BackupArn"
        ]
        call(engine, "UpdateContinuousBackups", recovery(enabled=True))
        clock.now = RESTORED + 60
        for sort in range(0, items, 2):
            put(engine, sort, "new")
        call(engine, "DeleteItem", {"TableName": "tab", "Key": key(1)})
    return arn


BACKUP = {"TableName": "tab", "BackupName": "again"}
TO_TIME = {"SourceTableName": "tab", "TargetTableName": "copied", "RestoreDateTime": RESTORED}
REQUESTS: dict[str, Wire] = {
    "CreateBackup": BACKUP,
    "DeleteBackup": {"BackupArn": "{arn}"},
    "RestoreTableFromBackup": {"TargetTableName": "copied", "BackupArn": "{arn}"},
    "RestoreTableToPointInTime": TO_TIME,
    "UpdateContinuousBackups": recovery(enabled=False),
    "DeleteTable": {"TableName": "tab"},  # of which the system keeps a backup
}


def ask(path: str, operation: str, body: str) -> None:
    with SqliteEngine(path, clock=clock_at(RESTORED + 120)) as engine:
        engine(operation, body.encode())


@pytest.mark.parametrize("operation", REQUESTS)
def test_a_kill_between_any_two_statements_leaves_all_or_nothing(tmp_path: Path, operation: str) -> None:
    path, whole, place = (str(tmp_path / name) for name in ("tables.db", "whole.db", "killed.db"))
    arn = made(path, items=6)
    body = json.dumps(REQUESTS[operation]).replace("{arn}", arn)
    shutil.copy(path, whole)
    ask(whole, operation, body)
    before, after = stores(path), stores(whole)
    assert before != after
    found = []
    for count in range(1000):
        for end in ("", "-wal", "-shm"):
            Path(place + end).unlink(missing_ok=True)
        shutil.copy(path, place)
        was_killed = killed_after(count, lambda: ask(place, operation, body))
        left = stores(place)
        assert left in (before, after)
        found.append(left == after)
        if not was_killed:
            break
    assert found == sorted(found)
    assert found[-1]
    assert found.count(False) > 10
    ask_again(place)


def ask_again(path: str) -> None:
    """What was left goes on: the file takes a table, a backup of it, and gives it back."""
    with SqliteEngine(path, clock=clock_at(RESTORED + 180)) as engine:
        call(engine, "CreateTable", {**TABLE, "TableName": "another"})
        backup = call(engine, "CreateBackup", {"TableName": "another", "BackupName": "last"})["BackupDetails"]
        call(engine, "RestoreTableFromBackup", {"TargetTableName": "back", "BackupArn": backup["BackupArn"]})
        assert call(engine, "Scan", {"TableName": "back"})["Count"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("operation", REQUESTS)
def test_a_kill_at_any_moment_leaves_all_or_nothing(tmp_path: Path, operation: str) -> None:
    """Here in the middle of SQLite's own work, on a larger table, and by the clock."""
    path, place, chance = str(tmp_path / "tables.db"), str(tmp_path / "killed.db"), random.Random(operation)
    arn = made(path, items=4000)
    body = json.dumps(REQUESTS[operation]).replace("{arn}", arn)
    shutil.copy(path, place)
    began = time.monotonic()
    ask(place, operation, body)
    took, before, after = time.monotonic() - began, stores(path), stores(place)
    for _ in range(12):
        for end in ("", "-wal", "-shm"):
            Path(place + end).unlink(missing_ok=True)
        shutil.copy(path, place)
        pid = os.fork()
        if not pid:
            ask(place, operation, body)
            os._exit(0)
        time.sleep(chance.random() * took * 1.2)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert stores(place) in (before, after)
