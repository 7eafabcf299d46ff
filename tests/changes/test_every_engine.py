"""Changes on every engine that has streams: watched, followed, taken back, and brought in from an export."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from export_folders import STAMP, written

from flyexpr import (
    Table,
    assign,
    create_table,
    delete,
    get,
    gt,
    incr,
    not_exists,
    put,
    put_all,
    run,
    scan,
    update,
    update_item,
)
from flyexpr.engine import Engine
from flyexpr.events import Change, appeared, apply_export, changed, follow, undo, watch
from flyexpr.values.encode import encode_item

BUDGET: Any = {"requests": 8}
NO_STREAMS = pytest.mark.engine_fault("dynalite", reason="has no streams")
ENDED = "shows an end of its only shard, which is open"


@pytest.fixture
def orders(engine: Engine, fresh_name: str) -> Table[Any]:
    table = Table(fresh_name, "id", attributes={"total": int, "tags": set[str]}, stream="both").on(engine)
    run(table, create_table())
    return table


def contents(table: Table[Any]) -> dict[str, Any]:
    return {item["id"]: item for item in run(table, scan())}


def taken(table: Table[Any], *arguments: Any, **options: Any) -> list[Change]:
    return list(watch(table, *arguments, **{"since": "beginning", "budget": BUDGET, "poll": 0, **options}))


@NO_STREAMS
def test_a_watch_gives_each_change(orders: Table[Any]) -> None:
    put(orders, {"id": "1", "total": 20, "tags": {"a", "b"}})
    update(orders, "1", assign("total", 21))
    delete(orders, "1")
    before = {"id": "1", "total": 20, "tags": {"a", "b"}}
    after = {**before, "total": 21}
    found = [(change.kind, change.key, change.old, change.new) for change in taken(orders)]
    key = {"id": "1"}
    assert found == [
        ("INSERT", key, None, before),
        ("MODIFY", key, before, after),
        ("REMOVE", key, after, None),
    ]


@NO_STREAMS
@pytest.mark.engine_fault("moto", "moto-server", "dynoxide", reason="shows changes that change nothing")
def test_a_write_that_changes_nothing_is_no_change(orders: Table[Any]) -> None:
    for tags in {"a", "b"}, {"b", "a"}:
        put(orders, {"id": "1", "tags": tags})
    update(orders, "1", assign("tags", {"a", "b"}))
    delete(orders, "2")
    assert [change.kind for change in taken(orders)] == ["INSERT"]


@NO_STREAMS
def test_a_watch_goes_on_from_its_cursor_and_chooses(orders: Table[Any]) -> None:
    for number in range(3):
        put(orders, {"id": "1", "total": number})
    watching = watch(orders, since="beginning", budget=BUDGET, poll=0)
    assert next(watching).new == {"id": "1", "total": 0}
    cursor = watching.cursor
    assert [change.new["total"] for change in taken(orders, since=cursor)] == [1, 2]  # type: ignore[index]
    assert [change.new["total"] for change in taken(orders, changed("total") & gt("total", 1))] == [2]  # type: ignore[index]
    assert len(taken(orders, appeared("id"))) == 1


@NO_STREAMS
@pytest.mark.engine_fault("dynoxide", reason=ENDED)
def test_a_watch_from_now_on_has_nothing_older(orders: Table[Any]) -> None:
    put(orders, {"id": "1", "total": 1})
    watching = watch(orders, since="latest", budget=BUDGET, poll=0)
    put(orders, {"id": "1", "total": 2})
    assert [change.new for change in watching] == [{"id": "1", "total": 2}]


@NO_STREAMS
def test_followers_do_each_change_once(orders: Table[Any], fresh_name: str) -> None:
    sums = Table(f"{fresh_name}sums", "id", attributes={"total": int}).on(orders.engine)
    run(sums, create_table())

    def added(change: Change) -> Any:
        step = sum(sign * item["total"] for item, sign in ((change.old, -1), (change.new, 1)) if item)
        return update_item("all", incr("total", step))

    def once() -> int:
        return follow(orders, sums, added, budget=BUDGET, poll=0)

    put_all(orders, [{"id": str(number), "total": number} for number in range(5)])
    assert (once(), once()) == (5, 0)
    update(orders, "1", assign("total", 11))
    delete(orders, "2")
    assert (once(), once()) == (2, 0)
    assert get(sums, "all") == {"id": "all", "total": 0 + 11 + 3 + 4}
    assert [item["id"] for item in run(sums, scan(not_exists("follow_cursor")))] == ["all"]


@NO_STREAMS
@pytest.mark.parametrize("way", ["latest", "after", "time"])
def test_an_undo_gives_the_table_as_it_was(orders: Table[Any], way: str, known_fault: Callable[..., None]) -> None:
    if way == "latest":
        known_fault("dynoxide", reason=ENDED)
    if way != "after":
        known_fault("moto", "moto-server", reason="fails at the iterator type AT_TIMESTAMP")
    put_all(orders, [{"id": str(number), "total": number, "tags": {"x"}} for number in range(4)])
    before = contents(orders)
    since = place(orders, way)
    update(orders, "0", assign("total", 9))
    delete(orders, "1")
    put(orders, {"id": "2", "note": "other"})
    put(orders, {"id": "5", "total": 5})
    put(orders, {"id": "6"})
    delete(orders, "6")
    put(orders, {"id": "7"})
    delete(orders, "7")
    assert undo(orders, since, quiet=0, dry_run=True) == 4
    refused: list[Any] = []
    assert undo(orders, since, quiet=0, refused=lambda change, item: refused.append(change.key)) == 4
    assert (contents(orders), refused) == (before, [])
    assert undo(orders, since, quiet=0) == 0


def place(table: Table[Any], way: str) -> Any:
    """A place in the stream after all that was changed: of a new watch, of one that has read everything, or now."""
    if way == "time":
        next_second()
        now = datetime.now(timezone.utc)
        next_second()
        return now
    watching = watch(table, since="latest" if way == "latest" else "beginning", budget=BUDGET, poll=0)
    assert len(list(watching)) == (0 if way == "latest" else 4)
    return watching.cursor


def next_second() -> None:
    """Waits for it: some engines keep the times of changes in seconds."""
    time.sleep(1.01 - time.time() % 1)


def test_an_undo_leaves_what_was_changed_again(orders: Table[Any], tmp_path: Path) -> None:
    put(orders, {"id": "1", "total": 1})
    put(orders, {"id": "2", "total": 2})
    folder = exported(tmp_path, ({"id": "1", "total": 0}, {"id": "1", "total": 1}), (None, {"id": "2", "total": 3}))
    refused: list[Any] = []
    assert undo(orders, export=folder, refused=lambda change, item: refused.append((change.key, item))) == 1
    assert contents(orders) == {"1": {"id": "1", "total": 0}, "2": {"id": "2", "total": 2}}
    assert refused == [({"id": "2"}, {"id": "2", "total": 2})]


def test_an_export_overwrites_nothing_newer(orders: Table[Any], tmp_path: Path) -> None:
    put_all(orders, [{"id": "1", "total": 1}, {"id": "2", "total": 2}, {"id": "3", "tags": {"a", "b"}}])
    folder = exported(
        tmp_path,
        ({"id": "1", "total": 1}, {"id": "1", "total": 5}),
        ({"id": "2", "total": 1}, {"id": "2", "total": 5}),
        ({"id": "3", "tags": {"b", "a"}}, None),
        (None, {"id": "4"}),
    )
    before = contents(orders)
    assert apply_export(orders, folder, dry_run=True) == 3
    assert contents(orders) == before
    refused: list[Any] = []
    for _ in range(2):
        assert apply_export(orders, folder, refused=lambda change, item: refused.append(item)) == 3
    assert contents(orders) == {"1": {"id": "1", "total": 5}, "2": {"id": "2", "total": 2}, "4": {"id": "4"}}
    assert refused == [{"id": "2", "total": 2}] * 2


def exported(folder: Path, *changes: tuple[Any, Any]) -> Path:
    """The incremental export of changes: what each item was, and what it is."""

    def line(old: Any, new: Any) -> bytes:
        parts = {"Keys": {"id": (old or new)["id"]}, "OldImage": old, "NewImage": new}
        wire = {name: json.loads(encode_item(item)) for name, item in parts.items() if item}
        return json.dumps({"Metadata": {"WriteTimestampMicros": {"N": f"{STAMP}"}}, **wire}).encode()

    about = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES"}
    return written(folder / "export", [line(*change) for change in changes], data="data", **about)
