"""Changes taken back, and exports applied: the table is as it was, or as the export says, and nothing newer is lost."""

import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from export_folders import STAMP, written
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT
from raised import raises

from flyexpr import (
    BatchIncomplete,
    DynamoError,
    FlyexprError,
    Table,
    ValidationError,
    aio,
    assign,
    connect,
    count,
    create_table,
    delete,
    get,
    gt,
    not_exists,
    put,
    put_all,
    run,
    scan,
    update,
    update_table,
)
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.events import Change, apply_export, changed, undo, watch
from flyexpr.steps.many.images import OnRefused, is_same
from flyexpr.values.encode import encode_item

TABLE = Table("Orders", "id", stream="both", attributes={"day": date}, version="v")
VALUES = [1, 2.5, "x", True, None, {"a", "b"}, {1, 2}, b"raw", {"m": [1, {"n": "y"}]}, "", [], {}]


@pytest.fixture(params=["", "?shards=3&shard_time=0.001s"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    with connect(f"sqlite:{tmp_path}/orders.db{request.param}") as engine:
        bound = TABLE.on(engine)
        run(bound, create_table())
        yield bound


def contents(table: Table) -> dict[str, Any]:
    """Every item as it is stored."""
    return {item["id"]: item for item in run(table.as_stored, scan())}


def step(table: Table, dice: random.Random) -> None:
    key, name = str(dice.randrange(5)), dice.choice("abc")
    match dice.randrange(4):
        case 0:
            delete(table, key)
        case 1:
            put(table, {"id": key})
        case 2:
            put(table, {"id": key, name: dice.choice(VALUES), "day": f"2026-01-{dice.randint(10, 28)}"})
        case _:
            update(table, key, assign(name, dice.choice(VALUES)))


def kept() -> tuple[list[tuple[dict[str, Any], Any]], OnRefused]:
    """A list, and a function that puts into it what was refused."""
    found: list[tuple[dict[str, Any], Any]] = []
    return found, lambda change, item: found.append((change.key, item))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 12), st.integers(0, 25))
def test_undo_gives_the_table_as_it_was(seed: int, before: int, after: int) -> None:
    """The law."""
    dice = random.Random(seed)
    with connect("sqlite::memory:?shards=2") as engine:
        table = TABLE.as_stored.on(engine)  # without a version, so that a put over an item is one
        run(table, create_table())
        for _ in range(before):
            step(table, dice)
        cursor, was = watch(table).cursor, contents(table)
        for _ in range(after):
            step(table, dice)
        now = contents(table)
        wanted = sum(not is_same(was.get(key), now.get(key)) for key in {*was, *now})  # True is not 1
        planned = undo(table, since=cursor, quiet=0, dry_run=True)
        assert (planned, contents(table)) == (wanted, now)
        assert undo(table, since=cursor, quiet=0, workers=dice.choice([1, 4])) == wanted
        assert contents(table) == was
        assert undo(table, since=cursor, quiet=0) == 0  # nothing is left of the changes


def test_a_moment_the_beginning_and_a_condition(table: Table) -> None:
    since = datetime.now(timezone.utc)
    put(table, {"id": "1", "a": 1})
    put(table, {"id": "2", "a": 1})
    update(table, "2", assign("b", 5))
    assert undo(table, since, gt("b", 4), quiet=0, dry_run=True) == 1
    assert undo(table, since, changed("b"), quiet=0) == 1
    assert [*contents(table)] == ["1"]
    assert undo(table, "beginning", quiet=0) == 1
    assert contents(table) == {}


def test_a_condition_is_not_asked_of_an_item_that_came_and_went(table: Table) -> None:
    put(table, {"id": "1", "a": 1})
    cursor = watch(table).cursor
    put(table, {"id": "2", "a": 2})
    delete(table, "2")
    delete(table, "1")
    assert undo(table, cursor, not_exists("a"), quiet=0) == 1
    assert [*contents(table)] == ["1"]


def test_an_image_of_another_item_is_not_written(table: Table, tmp_path: Path) -> None:
    line = {
        "Metadata": {"WriteTimestampMicros": STAMP},
        "Keys": {"id": {"S": "1"}},
        "NewImage": {"id": {"S": "2"}},
    }
    options = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES", "data": "data"}
    folder = written(tmp_path, [json.dumps(line).encode()], **options)
    for overwrite in (False, True):
        with raises(FlyexprError, "a change of {'id': '1'} in 'Orders' has the image of another item"):
            apply_export(table, folder, overwrite=overwrite)
    assert contents(table) == {}


def test_what_changes_meanwhile_is_left_alone(table: Table) -> None:
    for key in "123":
        put(table, {"id": key, "a": 1})
    cursor = watch(table).cursor
    for key in "123":
        delete(table, key)
    late = [False]

    def engine(operation: str, body: bytes) -> bytes:
        """Another writer is faster once: after the look, and before the write."""
        if operation in ("PutItem", "UpdateItem", "DeleteItem") and not late[0]:
            late[0] = True
            put(table, {"id": "1", "a": "newer"})
        return bytes(table.bound(operation, body))

    found, refused = kept()
    assert undo(table.on(engine), since=cursor, quiet=0, refused=refused) == 2
    assert found == [({"id": "1"}, {"id": "1", "a": "newer", "v": 1})]
    assert {key: item["a"] for key, item in contents(table).items()} == {"1": "newer", "2": 1, "3": 1}


def test_an_update_that_is_faster_is_not_lost(table: Table) -> None:
    put(table, {"id": "1", "a": 1})
    cursor = watch(table).cursor
    update(table, "1", assign("a", 2))
    late = [False]

    def engine(operation: str, body: bytes) -> bytes:
        if operation == "UpdateItem" and not late[0]:
            late[0] = True
            update(table, "1", assign("c", "newer"))
        return bytes(table.bound(operation, body))

    found, refused = kept()
    assert undo(table.on(engine), since=cursor, quiet=0, refused=refused) == 0
    assert (found[0][0], found[0][1]["c"], contents(table)["1"]["a"]) == ({"id": "1"}, "newer", 2)


def test_an_undo_that_fails_says_what_is_left_and_can_be_done_again(table: Table) -> None:
    cursor = watch(table).cursor
    for key in "12345":
        put(table, {"id": key})
    left = [3]

    def engine(operation: str, body: bytes) -> bytes:
        if operation == "DeleteItem":
            left[0] -= 1
            if left[0] < 0:
                raise DynamoError.of("InternalServerError", "down")
        return bytes(table.bound(operation, body))

    with raises(BatchIncomplete, "3 changes taken back are done, and 2 are not: InternalServerError: down") as caught:
        undo(table.on(engine), since=cursor, quiet=0)
    assert all(isinstance(change, Change) for change in caught.value.failed)
    assert len(contents(table)) == 2
    assert undo(table, since=cursor, quiet=0) == 2
    assert contents(table) == {}


def test_a_moment_before_the_stream_is_refused(table: Table) -> None:
    put(table, {"id": "1"})
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    with raises(
        FlyexprError,
        f"the stream of {table.name!r} does not reach back to {since}, so some changes would stay\n"
        '  hint: since="beginning" takes back all that it has; undo(table, export=folder) what an export has',
    ):
        undo(table, since, quiet=0)
    assert [*contents(table)] == ["1"]


def test_a_cursor_leads_to_a_stream_that_was_turned_off(table: Table) -> None:
    put(table, {"id": "1"})
    cursor = watch(table).cursor
    delete(table, "1")
    run(replace(table, stream=None), update_table())
    with raises(
        FlyexprError,
        "'Orders' has no stream\n  hint: declare it, Table(..., stream=\"both\"), and run(table, update_table())",
    ):
        undo(table, datetime.now(timezone.utc), quiet=0)
    assert undo(table, cursor, quiet=0) == 1
    assert [*contents(table)] == ["1"]


@pytest.mark.parametrize("retention", [None, 30 * 86_400.0])
def test_what_is_older_than_a_day_needs_a_stream_that_has_it(retention: float | None) -> None:
    hours = [72.0]
    engine = SqliteEngine(":memory:", clock=lambda: time.time() - 3600 * hours[0], retention=retention, shards=2)
    table = TABLE.as_stored.on(engine)
    run(table, create_table())
    put_all(table, [{"id": str(number)} for number in range(5)])
    hours[0] = 40
    put_all(table, [{"id": str(number), "a": 1} for number in range(5)])
    hours[0] = 1
    delete(table, "1")
    hours[0] = 0
    since = datetime.now(timezone.utc) - timedelta(hours=48)
    if retention is None:
        with raises(
            FlyexprError,
            f"the stream of {table.name!r} does not reach back to {since}, so some changes would stay\n"
            '  hint: since="beginning" takes back all that it has; undo(table, export=folder) what an '
            "export has",
        ):
            undo(table, since, quiet=0)
        assert len(contents(table)) == 4
    else:
        assert undo(table, since, quiet=0) == 5
        assert contents(table) == {str(number): {"id": str(number)} for number in range(5)}
    assert undo(table, since + timedelta(hours=26), quiet=0, dry_run=True) == (1 if retention is None else 5)


def test_a_stream_without_old_images_cannot_be_taken_back() -> None:
    table = Table("Orders", "id", stream="new").on(connect("sqlite::memory:"))
    run(table, create_table())
    put(table, {"id": "1"})
    put(table, {"id": "1", "a": 1})
    with raises(
        ValidationError,
        "what the item was before is not known: the stream keeps NEW_IMAGE\n"
        "  item: {'id': '1'} of 'Orders'\n"
        "  hint: a stream of NEW_AND_OLD_IMAGES keeps both",
    ):
        undo(table, "beginning", quiet=0)


def test_what_undo_takes(table: Table, tmp_path: Path) -> None:
    with raises(
        TypeError, "undo takes since=, for the changes in the stream, or export=, for those of an incremental export"
    ):
        undo(table)
    with raises(
        TypeError, "undo takes since=, for the changes in the stream, or export=, for those of an incremental export"
    ):
        undo(table, "beginning", export=tmp_path)
    with raises(ValueError, "since= is where the changes begin that are taken back; nothing is changed since 'latest'"):
        undo(table, "latest")
    with raises(ValueError, "quiet= is a number of seconds, not nan"):
        undo(table, "beginning", quiet=float("nan"))
    with raises(TypeError, "refused= takes a function of a change and the item as it is now, not 3"):
        undo(table, "beginning", refused=3)  # type: ignore[arg-type]
    with raises(TypeError, "a full export has no changes; apply_export puts its items where none are"):
        undo(table, export=exported(tmp_path, {}, {"1": {"id": "1"}}, full=True))


# exports


def exported(
    folder: Path,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    full: bool = False,
    view: str = "NEW_AND_OLD_IMAGES",
) -> Path:
    """The export of what was changed between two contents of a table; a full one of the new contents."""
    if full:
        return written(folder, [f'{{"Item":{encode_item(item)}}}'.encode() for item in new.values()])
    lines = []
    for number, key in enumerate(sorted({*old, *new})):
        if old.get(key) == new.get(key):
            continue
        line: dict[str, Any] = {"Metadata": {"WriteTimestampMicros": {"N": f"{STAMP + number}"}}}
        line["Keys"] = {"id": {"S": key}}
        images = {"OldImage": old.get(key) if view == "NEW_AND_OLD_IMAGES" else None, "NewImage": new.get(key)}
        line |= {side: json.loads(encode_item(item)) for side, item in images.items() if item is not None}
        lines.append(json.dumps(line).encode())
    return written(folder, lines, data="data", exportType="INCREMENTAL_EXPORT", outputView=view)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 12), st.integers(1, 20))
def test_an_export_applied_gives_its_contents_and_undone_the_old_ones(seed: int, before: int, after: int) -> None:
    """The law, there and back, on a copy that does not know of the changes; items that the copy changed are left."""
    import tempfile

    dice = random.Random(seed)
    with connect("sqlite::memory:") as engine, tempfile.TemporaryDirectory() as name:
        table, copy = TABLE.as_stored.on(engine), TABLE.named("Copy").as_stored.on(engine)
        for each in (table, copy):
            run(each, create_table())
        for _ in range(before):
            step(table, dice)
        old = contents(table)
        for item in old.values():
            put(copy, item)
        for _ in range(after):
            step(table, dice)
        new = contents(table)
        folder = exported(Path(name), old, new)
        different = sum(old.get(key) != new.get(key) for key in {*old, *new})
        for _ in range(2):  # the second time, all is done already
            assert apply_export(copy, folder) == different
            assert contents(copy) == new
        assert undo(copy, export=folder) == different
        assert contents(copy) == old
        apply_export(copy, folder)
        touched = dice.choice("01234")
        put(copy, {"id": touched, "mine": dice.random()})
        mine, changed_there = get(copy, touched), old.get(touched) != new.get(touched)
        for work in (apply_export, undo):
            found, refused = kept()
            given: dict[str, Any] = {"folder" if work is apply_export else "export": folder}
            assert work(copy, refused=refused, **given) == different - changed_there
            assert found == ([({"id": touched}, mine)] if changed_there else [])
            assert get(copy, touched) == mine


def test_an_export_leaves_what_is_newer(table: Table, tmp_path: Path) -> None:
    old = {"1": {"id": "1", "a": 1}, "2": {"id": "2", "a": 1}, "3": {"id": "3", "a": 1}}
    new = {"1": {"id": "1", "a": 2}, "2": {"id": "2", "a": 2}, "4": {"id": "4", "a": 2}}
    folder = exported(tmp_path, old, new)
    stored = {"1": {"id": "1", "a": 1}, "2": {"id": "2", "a": 1, "more": "newer"}, "4": {"id": "4", "a": "newer"}}
    for item in stored.values():
        put(table.as_stored, item)
    found, refused = kept()
    assert apply_export(table, folder, refused=refused) == 2  # "1" is changed, and "3" is gone already
    assert found == [({"id": "2"}, stored["2"]), ({"id": "4"}, stored["4"])]
    assert contents(table) == {**stored, "1": new["1"]}
    assert apply_export(table, folder, gt("a", 1), overwrite=True) == 3
    assert contents(table) == new


def test_a_full_export_puts_only_where_nothing_is(table: Table, tmp_path: Path) -> None:
    items = {str(number): {"id": str(number), "n": number} for number in range(230)}
    folder = exported(tmp_path, {}, items, full=True)
    put(table.as_stored, {"id": "7", "n": "newer"})
    put(table.as_stored, items["8"])
    found, refused = kept()
    told: list[int] = []
    work = apply_export(table, folder, refused=refused, workers=4, progress=lambda done, _: told.append(done))
    assert (work, told[-1], found) == (229, 229, [({"id": "7"}, {"id": "7", "n": "newer"})])
    assert contents(table) == {**items, "7": {"id": "7", "n": "newer"}}


def test_without_old_images_only_what_is_asked_for(table: Table, tmp_path: Path) -> None:
    folder = exported(tmp_path, {"2": {"id": "2"}}, {"1": {"id": "1"}}, view="NEW_IMAGE")
    put(table.as_stored, {"id": "2", "a": "newer"})
    with raises(
        FlyexprError,
        f"{tmp_path}/EXPORT has no old images, so it cannot be told whether an item has changed since\n"
        "  hint: export with ExportViewType NEW_AND_OLD_IMAGES; overwrite=True writes each item, whatever "
        "is stored",
    ):
        apply_export(table, folder)
    with raises(
        FlyexprError,
        f"{tmp_path}/EXPORT has no old images, so it cannot be told whether an item has changed since\n"
        "  hint: export with ExportViewType NEW_AND_OLD_IMAGES; nothing can be taken back without them",
    ):
        undo(table, export=folder)
    assert apply_export(table, folder, overwrite=True) == 2
    assert contents(table) == {"1": {"id": "1"}}


def test_an_export_of_another_table_is_refused(table: Table, tmp_path: Path) -> None:
    folder = exported(tmp_path, {}, {"1": {"id": "1"}})
    other = Table("Other", "user", "at").on(table.engine)
    run(other, create_table())
    with raises(FlyexprError, "'Other' has the key user, at, and a change id"):
        apply_export(other, folder)


SCRIPT = """
import sys
from flyexpr import *
from flyexpr.events import apply_export
table = Table("Orders", "id").on(connect("sqlite:orders.db"))
print(apply_export(table, "export", journal="journal", workers=2))
"""


def test_an_export_whose_application_is_killed_goes_on(tmp_path: Path) -> None:
    dice = random.Random(17)
    old = {f"{number:05}": {"id": f"{number:05}", "a": 1} for number in range(1500)}
    new = {key: {**item, "a": 2} for key, item in old.items() if not key.endswith("3")}
    exported(tmp_path / "export", old, new)
    with connect(f"sqlite:{tmp_path}/orders.db") as engine:
        table = Table("Orders", "id").on(engine)
        run(table, create_table())
        put_all(table, old.values())
        kills = 0
        while True:
            command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}){SCRIPT}"]
            process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            end = time.monotonic() + dice.uniform(0.3, 0.9)
            while process.poll() is None and (kills >= 4 or time.monotonic() < end):
                time.sleep(0.01)
            process.kill()
            said, errors = process.communicate()
            if process.returncode == 0:
                break
            assert process.returncode == -9, errors.decode()
            kills += 1
        assert int(said) == 1500
        assert contents(table) == new
        assert not (tmp_path / "journal").exists()


def test_a_journal_is_of_one_export(table: Table, tmp_path: Path) -> None:
    items = {str(number): {"id": str(number)} for number in range(120)}
    journal, folder = tmp_path / "journal", exported(tmp_path / "one", {}, items)
    left = [110]

    def engine(operation: str, body: bytes) -> bytes:
        left[0] -= operation == "PutItem"
        if left[0] < 0:
            raise DynamoError.of("InternalServerError", "down")
        return bytes(table.bound(operation, body))

    with pytest.raises(BatchIncomplete):
        apply_export(table.on(engine), folder, journal=journal)
    other = exported(tmp_path / "two", {}, {"x": {"id": "x"}})
    of_export = "belongs to another job: export '[0-9a-f]{64}', not '[0-9a-f]{64}'"
    end = "\n  hint: finish that one first, or give this one another file"
    with pytest.raises(FlyexprError, match=rf"\A{re.escape(str(journal))} {of_export}{end}\Z"):
        apply_export(table, other, journal=journal)
    assert apply_export(table, folder, journal=journal) == 120
    assert count(table, scan()) == 120


def test_the_awaited_door_does_the_same(tmp_path: Path) -> None:
    folder = exported(tmp_path, {}, {"1": {"id": "1", "a": 1}})

    async def main() -> tuple[int, Any, int, Any]:
        async with aio.connect(f"sqlite:{tmp_path}/a.db") as engine:
            table = TABLE.on(engine)
            await aio.run(table, create_table())
            done = await aio.apply_export(table, folder)
            item = await aio.get(table, "1")
            return done, item, await aio.undo(table, "beginning", quiet=0), await aio.get(table, "1")

    assert asyncio.run(main()) == (1, {"id": "1", "a": 1}, 1, None)
