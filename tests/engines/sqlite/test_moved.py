"""A file that is replaced, moved or removed under an engine: nothing is acknowledged that is not in the file."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Clock, key
from raised import raises

from flyexpr import DynamoError, FlyexprError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine


def refused(path: Path) -> AbstractContextManager[Any]:
    """Expects the refusal of a file that is not the open one any more."""
    return raises(
        DynamoError,
        f"InternalServerError: {path}: the file, or its -wal, was replaced, moved or removed while the engine had it "
        "open; nothing of the request was done\n"
        "  hint: close the engine before the file is replaced, together with its -wal and -shm, and connect again",
    )


def filled(path: Path, count: int, word: str) -> Path:
    with SqliteEngine(str(path)) as engine:
        call(engine, "CreateTable", TABLE)
        for sort in range(count):
            call(engine, "PutItem", {"TableName": "tab", "Item": {**key(sort), "word": {"S": word}}})
    return path


def words(path: Path) -> list[str]:
    with SqliteEngine(str(path)) as engine:
        return [item["word"]["S"] for item in call(engine, "Scan", {"TableName": "tab"})["Items"]]


def replace(path: Path) -> None:
    os.replace(filled(path.with_name("backup.db"), 20, "new"), path)


def move(path: Path) -> None:
    os.rename(path, path.with_name("elsewhere.db"))


def remove_log(path: Path) -> None:
    os.remove(f"{path}-wal")


def move_folder(path: Path) -> None:
    os.rename(path.parent, path.parent.with_name("other"))


CHANGES: list[Callable[[Path], Any]] = [
    replace,
    move,
    os.remove,
    remove_log,
    move_folder,
    lambda path: shutil.rmtree(path.parent),
]
IDS = ["replaced", "moved", "removed", "log removed", "folder moved", "folder removed"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return filled(tmp_path / "data" / "tables.db", 5, "old")


@pytest.mark.parametrize("change", [replace, move], ids=["replaced", "moved"])
def test_a_long_log_is_not_shortened_into_another_file(
    path: Path, change: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("files", "open_file"):
        monkeypatch.setattr(f"flyexpr.engines.sqlite.disk.file.{room}.LOG_BYTES", 10_000)
    clock = Clock()
    with SqliteEngine(str(path), clock=clock) as engine:
        engine._storage.connection.execute("PRAGMA wal_autocheckpoint = 0")
        for sort in range(5, 30):
            call(engine, "PutItem", {"TableName": "tab", "Item": {**key(sort), "word": {"S": "old"}}})
        held = path.with_name("held.db")
        os.link(path, held)  # the same file by another name
        change(path)
        clock.now += 2
        with refused(path):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(99)})
    assert words(held) == ["old"] * 30
    assert words(path) == ["new"] * 20 if change is replace else not path.exists()


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
def test_no_write_is_acknowledged(path: Path, change: Callable[[Path], Any]) -> None:
    with SqliteEngine(str(path)) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": key(9)})
        change(path)
        for _ in range(2):
            with refused(path):
                call(engine, "PutItem", {"TableName": "tab", "Item": key(10)})
        with refused(path):  # and reads are not answered from it any more
            call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
def test_no_read_is_answered_for_long(
    path: Path, change: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flyexpr.engines.sqlite.disk.file.open_file.CHECK_SECONDS", 0.0)
    with SqliteEngine(str(path)) as engine:
        assert call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})
        change(path)
        with refused(path):
            call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})
        with refused(path):
            call(engine, "Scan", {"TableName": "tab"})


def test_a_file_put_in_its_place_is_whole(path: Path) -> None:
    """The old log, which lies beside it, is not read into the new file."""
    with SqliteEngine(str(path)) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "word": {"S": "newest"}}})
        replace(path)
        with refused(path):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(2)})
        assert words(path) == ["new"] * 20
    assert words(path) == ["new"] * 20


def test_what_the_log_held_is_saved_into_a_file_that_was_moved(path: Path) -> None:
    with SqliteEngine(str(path)) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "word": {"S": "newest"}}})
        move(path)
        with refused(path):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(2)})
    assert sorted(words(path.with_name("elsewhere.db"))) == ["newest", *["old"] * 4]


def test_a_removed_log_loses_nothing(path: Path) -> None:
    with SqliteEngine(str(path)) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "word": {"S": "newest"}}})
        remove_log(path)
        with refused(path):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(2)})
    assert sorted(words(path)) == ["newest", *["old"] * 4]


@pytest.mark.parametrize("change", [replace, move], ids=["replaced", "moved"])
def test_a_file_closed_by_a_fork_is_not_another_one_later(path: Path, change: Callable[[Path], Any]) -> None:
    with SqliteEngine(str(path)) as engine:
        engine._storage.leave()  # as a fork does
        change(path)
        with refused(path):
            call(engine, "GetItem", {"TableName": "tab", "Key": key(1)})
        assert path.exists() == (change is replace)


def test_other_files_of_the_folder_may_come_and_go(path: Path) -> None:
    with SqliteEngine(str(path)) as engine:
        for number in range(20):
            path.with_name(f"other{number}").write_text("")
            call(engine, "PutItem", {"TableName": "tab", "Item": key(number)})
        assert call(engine, "Scan", {"TableName": "tab"})["Count"] == 20


def test_another_engine_may_close_the_file(path: Path) -> None:
    with SqliteEngine(str(path)) as engine:
        for sort in range(5):
            with SqliteEngine(str(path)) as other:
                call(other, "PutItem", {"TableName": "tab", "Item": key(sort)})
            call(engine, "PutItem", {"TableName": "tab", "Item": key(sort)})
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("SELECT count(*) FROM items_1").fetchall()


def test_a_relative_path_stays_where_it_was(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with SqliteEngine("tables.db") as engine:
        monkeypatch.chdir(tmp_path)
        call(engine, "PutItem", {"TableName": "tab", "Item": key(9)})
        engine._storage.leave()
        assert call(engine, "GetItem", {"TableName": "tab", "Key": key(9)}) == {"Item": key(9)}
    assert not (tmp_path / "tables.db").exists()


def test_a_link_leads_to_the_file(path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    with SqliteEngine(str(link)) as engine:
        call(engine, "PutItem", {"TableName": "tab", "Item": key(9)})
        replace(path)
        with refused(link):
            call(engine, "PutItem", {"TableName": "tab", "Item": key(10)})


def test_the_folder_is_watched_by_one_descriptor(path: Path) -> None:
    def open_files() -> int:
        return len(os.listdir("/dev/fd"))

    before = open_files()
    engine = SqliteEngine(str(path))
    assert before < open_files() <= before + 4  # the file, its log, the log's index, the folder
    engine.close()
    assert open_files() == before


@pytest.mark.parametrize("name", ["a\0b", "\0", "tables.db\0"])
def test_a_path_with_a_zero_byte(name: str) -> None:
    with raises(FlyexprError, f"cannot open {name!r}: a path holds no zero byte"):
        SqliteEngine(name)


@pytest.mark.parametrize("name", ["\ud800.db", "x" * 300])
def test_a_path_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlyexprError, match="cannot open"):
        SqliteEngine(str(tmp_path / name))
