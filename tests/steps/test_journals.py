"""Bulk work with a journal: after a crash the same call goes on, nothing is left out, and nothing is done twice."""

import asyncio
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from export_folders import written
from raised import raises

from flyexpr import (
    Attribute,
    BatchIncomplete,
    ConnectionFailed,
    DynamoError,
    FlyexprError,
    GlobalIndex,
    Stats,
    Table,
    aio,
    append,
    assign,
    batch_get,
    batch_write,
    connect,
    create_table,
    delete,
    delete_item,
    delete_matching,
    delete_table,
    eq,
    exists,
    ge,
    get,
    incr,
    kinds,
    lt,
    ne,
    not_exists,
    put,
    put_all,
    put_item,
    query,
    remove,
    run,
    scan,
    template,
    update,
    update_matching,
)
from flyexpr.events import apply_export
from flyexpr.steps.many import matching, sources
from flyexpr.values.encode import encode_item

AMOUNT = 60


class Crash(BaseException):
    """The process ends here: what was sent may be done, and nobody is told anything."""


@pytest.fixture(autouse=True)
def short_chunks_and_a_quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "CHUNK", 7)
    monkeypatch.setattr("os.fsync", lambda number: None)  # nobody pulls the plug here, and it takes its time
    monkeypatch.setattr(sources, "CHUNK", 7)


@pytest.fixture
def things() -> Iterator[Table]:
    table = Table(
        "Things",
        "pk",
        "sk",
        attributes={"sk": int, "n": int, "rank": template("R#{low:04d}"), "low": int},
        indexes=[GlobalIndex("ByN", "kind", "n")],
    ).on(connect("sqlite::memory:"))
    run(table, create_table())
    run(table, batch_write([put_item(thing(sk)) for sk in range(AMOUNT)]))
    yield table
    table.engine.close()  # type: ignore[union-attr]


def thing(sk: int) -> dict[str, Any]:
    return {"pk": "p", "sk": sk, "n": sk, "kind": "k", "low": sk}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


WRITES = ("UpdateItem", "DeleteItem", "PutItem", "BatchWriteItem")


def failing(engine: Any, after: int, error: BaseException, answered: bool) -> Any:
    """An engine that fails at the write after so many, before that is done or, if `answered` is false, after it."""
    left, lock = [after], threading.Lock()

    def answer(operation: str, body: bytes) -> bytes:
        if operation not in WRITES:
            return engine(operation, body)  # type: ignore[no-any-return]
        with lock:
            left[0] -= 1
            number = left[0]
        if number < 0 or (number == 0 and answered):
            raise error
        done: bytes = engine(operation, body)
        if number == 0:
            raise error
        return done

    return answer


def through(door: str, function: Callable[..., Any], table: Table, *arguments: Any, **options: Any) -> Any:
    """The result of a function of the library through one of its doors."""
    if door == "plain":
        return function(table, *arguments, **options)
    engine: Any = table.engine

    async def answer(operation: str, body: bytes) -> bytes:
        await asyncio.sleep(0)
        done: bytes = engine(operation, body)
        return done

    return asyncio.run(getattr(aio, function.__name__)(table.on(answer), *arguments, **options))


def until_done(seed: int, table: Table, call: Callable[[Table], Any], errors: list[BaseException], longest: int) -> Any:
    """The result of a call that is interrupted by these errors at random, and done again until it comes to its end."""
    dice = random.Random(seed)
    print("seed", seed)
    while True:
        after, error = dice.randrange(1, longest), dice.choice(errors)
        try:
            return call(table.on(failing(table.engine, after, error, dice.random() < 0.5)))
        except (Crash, FlyexprError) as caught:
            if error not in (caught, caught.__cause__):
                raise


CRASH: list[BaseException] = [Crash()]
FAILURES: list[BaseException] = [
    DynamoError.of("ThrottlingException", "too much"),
    ConnectionFailed("ConnectionFailed", "no answer"),
]
ENDINGS = pytest.mark.parametrize("errors", [CRASH, CRASH + FAILURES], ids=["crash", "crash or failure"])
DOORS = pytest.mark.parametrize("door", ["plain", "awaited"])
WORKERS = pytest.mark.parametrize("workers", [1, 4])
WAYS = pytest.mark.parametrize("door, workers", [("plain", 1), ("plain", 4), ("awaited", 4)])

# what is read, what is done to it, and what becomes of an item
CHANGES: dict[str, tuple[Any, Any, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "increment": (scan(page_size=11), incr("n", 100), lambda item: item | {"n": item["n"] + 100}),
    "append": (scan(segments=3), append("log", "x"), lambda item: item | {"log": ["x"]}),
    "moved": (query(eq("kind", "k") & ge("n", 0), page_size=9), incr("n", 5), lambda item: item | {"n": item["n"] + 5}),
    "scan of the index": (scan(index="ByN", segments=2), incr("n", 5), lambda item: item | {"n": item["n"] + 5}),
    "constant": (scan(not_exists("m")), assign("m", 1) + remove("n"), lambda item: drop(item, "n") | {"m": 1}),
    "same": (scan(), assign("m", 1), lambda item: item | {"m": 1}),
    "guarded": (
        scan(ne("paid", "May")),
        incr("n", 100) + assign("paid", "May"),
        lambda item: item | {"n": item["n"] + 100, "paid": "May"},
    ),
    "derived": (scan(), incr("low", 1), lambda item: item | {"low": item["low"] + 1, "rank": rank(item["low"] + 1)}),
}


def rank(low: int) -> str:
    return f"R#{low:04d}"


def drop(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in item.items() if each != name}


@ENDINGS
@WAYS
@pytest.mark.parametrize("name", CHANGES)
def test_an_update_is_made_once(
    things: Table, journal: Path, name: str, workers: int, door: str, errors: list[BaseException]
) -> None:
    read, change, becomes = CHANGES[name]
    for seed in range(3):
        journal.unlink(missing_ok=True)
        run(things, batch_write([put_item(thing(sk)) for sk in range(AMOUNT)]))
        before = [*run(things, scan())]

        def call(table: Table) -> Any:
            return through(door, update_matching, table, read, change, workers=workers, journal=journal)

        assert until_done(seed, things, call, errors, 40) == AMOUNT
        assert key_order(run(things, scan())) == key_order(map(becomes, before))
        assert not journal.exists()


def key_order(items: Any) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: item["sk"])


@ENDINGS
@WAYS
def test_a_delete_counts_each_item_once(
    things: Table, journal: Path, workers: int, door: str, errors: list[BaseException]
) -> None:
    def call(table: Table) -> Any:
        return through(door, delete_matching, table, scan(lt("n", 50)), workers=workers, journal=str(journal))

    assert until_done(7, things, call, errors, 30) == 50
    assert sorted(item["n"] for item in run(things, scan())) == [*range(50, AMOUNT)]


def newer(item: dict[str, Any]) -> Any:
    return not_exists("pk") | lt("n", item["n"])


@ENDINGS
@WAYS
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("condition", [None, newer])
def test_puts_of_all_items(
    things: Table,
    journal: Path,
    workers: int,
    door: str,
    listed: bool,
    condition: Any,
    errors: list[BaseException],
) -> None:
    """Of items with one key the later or the newer one stays, and what was refused is told, though maybe twice."""
    items = [{"pk": "q", "sk": number % 97, "n": number if number % 5 else -1} for number in range(300)]
    last: dict[int, int] = {}
    refused = set[tuple[int, int]]()
    for item in items:
        if condition is None or item["sk"] not in last or last[item["sk"]] < item["n"]:
            last[item["sk"]] = item["n"]
        else:
            refused.add((item["sk"], item["n"]))
    told = set[tuple[int, int]]()
    more = {"condition": newer, "refused": lambda item, _: told.add((item["sk"], item["n"]))} if condition else {}

    def call(table: Table) -> Any:
        given = items if listed else iter(items)
        return through(door, put_all, table, given, workers=workers, journal=journal, **more)

    longest = 60 if condition is None else 250
    assert until_done(3, things, call, errors, longest) == 300 - sum(
        (item["sk"], item["n"]) in refused for item in items
    )
    assert {item["sk"]: item["n"] for item in run(things, query(eq("pk", "q")))} == last
    assert told == (refused if condition else set())


def exported(folder: Path, items: list[dict[str, Any]]) -> Path:
    return written(folder, [f'{{"Item":{encode_item(item)}}}'.encode() for item in items])


# what writes all of some items, the options with which it does, and every how many of its writes one fails
UNDER_ERRORS: dict[str, tuple[Any, Callable[[list[dict[str, Any]], Path], Any], dict[str, Any], int]] = {
    "single puts": (put_all, lambda items, _: items, {"condition": not_exists("pk")}, 30),
    "single puts of an iterator": (put_all, lambda items, _: iter(items), {"condition": not_exists("pk")}, 30),
    "batches": (put_all, lambda items, _: items, {}, 3),
    "batches of an iterator": (put_all, lambda items, _: iter(items), {}, 3),
    "batch_write": (run, lambda items, _: batch_write(map(put_item, items)), {}, 3),
    "an export": (apply_export, lambda _, folder: folder, {}, 30),
}


@WAYS
@pytest.mark.parametrize("name", UNDER_ERRORS)
def test_what_is_done_before_an_error_is_not_done_again(
    things: Table, journal: Path, name: str, workers: int, door: str
) -> None:
    """Where one write of so many fails, each run does those before it; so the work ends, and writes each item once."""
    items = [{"pk": "q", "sk": number} for number in range(450)]
    folder = exported(journal.parent / "export", items)
    function, given, options, every = UNDER_ERRORS[name]
    lock, sent, put = threading.Lock(), [0], list[str]()

    def engine(operation: str, body: bytes) -> bytes:
        if operation not in WRITES:
            return things.bound(operation, body)  # type: ignore[return-value]
        with lock:
            sent[0] += 1
            if sent[0] % every == 0:
                raise FAILURES[0]
            put.extend(re.findall(r'"sk":\{"N":"(\d+)"', body.decode()))
        return things.bound(operation, body)  # type: ignore[return-value]

    progress = list[int]()
    for attempt in range(20):
        more = {"journal": journal, "progress": lambda done, _: progress.append(done)}
        more["workers"] = workers if attempt % 2 == 0 else 1  # what many workers have left may be more than one takes
        with suppress(FlyexprError):
            assert through(door, function, things.on(engine), given(items, folder), **options, **more) == 450
            break
    assert sorted(map(int, put)) == [*range(450)]
    assert (progress[-1], sorted(progress), journal.exists()) == (450, progress, False)


@DOORS
def test_a_batch_of_writes(things: Table, journal: Path, door: str) -> None:
    operations = [
        *(put_item({"pk": "q", "sk": number}) for number in range(150)),
        *(delete_item(("q", number)) for number in range(0, 150, 2)),
    ]

    def call(table: Table) -> Any:
        return through(door, run, table, batch_write(operations), journal=journal)

    assert until_done(5, things, call, CRASH, 6) == 225
    assert [item["sk"] for item in run(things, query(eq("pk", "q")))] == [*range(1, 150, 2)]


def test_items_with_versions_are_written_once(journal: Path) -> None:
    table = Table("Versions", "pk", version="v", attributes={"n": int}).on(connect("sqlite::memory:"))
    run(table, create_table())
    items = [{"pk": str(number), "n": number} for number in range(150)]

    def puts(bound: Table) -> int:
        return put_all(bound, items, workers=4, journal=journal)

    def updates(bound: Table) -> int:
        return update_matching(bound, scan(), assign("n", -1), workers=4, journal=journal)

    assert until_done(1, table, puts, CRASH, 250) == 150
    assert until_done(2, table, updates, CRASH, 80) == 150
    assert {(item["n"], item["v"]) for item in run(table, scan())} == {(-1, 2)}


def test_a_table_of_several_kinds(journal: Path) -> None:
    plain = Table("Shop", "pk", attributes={"n": int})
    shop = kinds({"note": plain, "order": plain}, by="type").on(connect("sqlite::memory:"))
    run(shop, create_table())
    items = [{"pk": str(number), "type": ("note", "order")[number % 2], "n": number} for number in range(80)]
    assert until_done(1, shop, lambda table: put_all(table, items, journal=journal), CRASH, 9) == 80
    change = eq("type", "order"), incr("n", 100)

    def call(table: Table) -> int:
        return update_matching(table, scan(change[0]), change[1], workers=3, journal=journal)

    assert until_done(2, shop, call, CRASH, 30) == 40
    assert {item["pk"]: item["n"] for item in run(shop, scan())} == {
        item["pk"]: item["n"] + 100 * (item["type"] == "order") for item in items
    }


# other writers


@WORKERS
@pytest.mark.parametrize("name", ["increment", "constant", "guarded", "moved"])
def test_another_writer_at_the_same_time(things: Table, journal: Path, name: str, workers: int) -> None:
    """It changes other attributes, removes items and makes new ones; whatever was there from begin to end is right."""
    read, change, becomes = CHANGES[name]
    dice = random.Random(11)

    def meanwhile(operation: str, body: bytes) -> bytes:
        sk = dice.randrange(AMOUNT)
        match dice.randrange(12):
            case 0 if sk >= 50:
                delete(things, ("p", sk))
            case 1:
                put(things, {"pk": "new", "sk": dice.randrange(1000), "low": 1})
            case 2 | 3:
                update(things, ("p", sk), incr("seen"), condition=exists("pk")) if sk < 50 else None
        answer: bytes = things.bound(operation, body)
        return answer

    before = {sk: get(things, ("p", sk)) or {} for sk in range(50)}
    until_done(
        4, things.on(meanwhile), lambda table: update_matching(table, read, change, workers=workers, journal=journal),
        CRASH, 40,
    )  # fmt: skip
    for sk, item in before.items():
        assert drop(get(things, ("p", sk)) or {}, "seen") == becomes(item)


@pytest.mark.parametrize(
    ("read", "sent"),
    [
        (scan(exists("n")), {"Scan"}),
        (scan(exists("n"), segments=3), {"Scan"}),
        (query(eq("pk", "p")), {"Query"}),
        (query(eq("kind", "k") & ge("n", 0)), {"Query", "BatchGetItem"}),
    ],
)
def test_what_the_journal_has_to_know_is_read_consistently_and_once(
    things: Table, journal: Path, read: Any, sent: set[str]
) -> None:
    put(things.as_stored, thing(3) | {"low": "not a number"})  # not what the update is about
    reads = list[tuple[str, bytes]]()

    def watched(operation: str, body: bytes) -> Any:
        if operation not in (*WRITES, "DescribeTable"):
            reads.append((operation, body))
        return things.bound(operation, body)

    assert update_matching(things.on(watched), read, incr("wins"), workers=4, journal=journal) == AMOUNT
    assert {operation for operation, _ in reads} == sent
    assert all(b'"ConsistentRead":true' in body for operation, body in reads if operation != "Query" or len(sent) == 1)
    assert [item["wins"] for item in run(things.as_stored, scan())] == [1] * AMOUNT


def test_items_that_stand_in_the_journal_are_not_held_any_longer(
    things: Table, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, announced = list[int](), matching.ItemWrite.announced

    def watched(item_write: matching.ItemWrite, texts: Any, bulk: Any, known: Any) -> Any:
        held.append(len(known))
        return announced(item_write, texts, bulk, known)

    monkeypatch.setattr(matching.ItemWrite, "announced", watched)
    assert update_matching(things, scan(), incr("wins"), journal=journal) == AMOUNT
    assert held == [7] * 8 + [4]


def interrupted(things: Table, journal: Path, change: Any, after: int) -> None:
    """An update of all things that is interrupted when so many are done and the next one is sent."""
    with pytest.raises(Crash):
        update_matching(things.on(failing(things.engine, after, Crash(), False)), scan(), change, journal=journal)


def test_what_nobody_can_know_is_said(things: Table, journal: Path) -> None:
    """An item that others have changed after the crash: the update is neither left out nor made twice in silence."""
    interrupted(things, journal, incr("n", 100), 4)
    update(things, ("p", 1), assign("n", 5000))  # it was updated
    update(things, ("p", 5), assign("n", 6000))  # it was not
    text = (
        '58 updates are done, and 2 are not: others changed {"pk": "p", "sk": 1}, {"pk": "p", "sk": 5} after a crash, '
        "so nobody can know whether the update was made\n"
        "  hint: look at these items, make the update where it is missing, and delete the journal"
    )
    for _ in range(2):  # it is not forgotten
        with pytest.raises(BatchIncomplete) as caught:
            update_matching(things, scan(), incr("n", 100), journal=journal)
        assert str(caught.value) == text
        assert caught.value.failed == ({"pk": "p", "sk": 1}, {"pk": "p", "sk": 5})
    left = {item["sk"]: item["n"] for item in run(things, scan())}
    assert left == {sk: sk + 100 for sk in range(AMOUNT)} | {1: 5000, 5: 6000}


def test_of_many_items_that_nobody_can_know_three_are_named(things: Table, journal: Path) -> None:
    interrupted(things, journal, incr("n", 100), 4)
    for sk in (0, 1, 2, 5, 6):
        update(things, ("p", sk), assign("n", 5000))
    with pytest.raises(BatchIncomplete) as caught:
        update_matching(things, scan(), incr("n", 100), journal=journal)
    assert str(caught.value) == (
        '55 updates are done, and 5 are not: others changed {"pk": "p", "sk": 0}, {"pk": "p", "sk": 1}, '
        '{"pk": "p", "sk": 2} and 2 more after a crash, so nobody can know whether the update was made\n'
        "  hint: look at these items, make the update where it is missing, and delete the journal"
    )


@pytest.mark.parametrize(
    "change",
    [assign("n", 7), incr("n", 100) + assign("mark", "this call")],
    ids=["repeatable", "guarded"],
)
def test_an_update_that_says_itself_whether_it_is_done_needs_no_more(things: Table, journal: Path, change: Any) -> None:
    read = scan(ne("mark", "this call"))

    def call(table: Table) -> int:
        return update_matching(table, read, change, journal=journal)

    with pytest.raises(Crash):
        call(things.on(failing(things.engine, 4, Crash(), False)))
    update(things, ("p", 1), assign("n", 5000))
    update(things, ("p", 5), assign("n", 6000))
    assert call(things) == AMOUNT
    found = {item["sk"]: item["n"] for item in run(things, scan())}
    if change == assign("n", 7):
        assert {*found.values()} == {7}, "the one that was changed afterwards, too"
    else:
        assert (found[1], found[5], found[6]) == (5000, 6100, 106)


def test_a_value_that_does_not_take_the_update(things: Table, journal: Path) -> None:
    """What the service refused is not done; if others mend the item meanwhile, nobody can know."""
    update(things, ("p", 2), assign("free", "text"))
    for _ in range(2):
        with raises(
            BatchIncomplete,
            "2 updates are done, and 5 are not: ValidationException: An operand in the update expression has "
            "an incorrect data type\n"
            "  expression: ADD free 1\n"
            "  hint: ADD needs a number at `free`",
        ):
            update_matching(things, scan(), incr("free", 1), journal=journal)
    update(things, ("p", 2), assign("free", 5))
    with raises(
        BatchIncomplete,
        '59 updates are done, and 1 is not: others changed {"pk": "p", "sk": 2} after a crash, so nobody '
        "can know whether the update was made\n"
        "  hint: look at these items, make the update where it is missing, and delete the journal",
    ):
        update_matching(things, scan(), incr("free", 1), journal=journal)
    assert [item["free"] for item in key_order(run(things, scan()))] == [1 if sk != 2 else 5 for sk in range(AMOUNT)]


@pytest.mark.parametrize("door", ["plain", "awaited"])
def test_a_look_that_fails_is_reported_as_the_work_that_it_is_for(things: Table, journal: Path, door: str) -> None:
    looks = [0]

    def failing(operation: str, body: bytes) -> bytes:
        looks[0] += operation == "BatchGetItem"
        if operation == "BatchGetItem" and looks[0] == 2:
            raise DynamoError.of("InternalServerError", "down")
        return things.bound(operation, body)  # type: ignore[return-value]

    async def awaited(operation: str, body: bytes) -> bytes:
        return failing(operation, body)

    def work() -> int:
        read, change = query(eq("kind", "k"), index="ByN"), incr("free")
        if door == "plain":
            return update_matching(things.on(failing), read, change, journal=journal)
        return asyncio.run(aio.update_matching(things.on(awaited), read, change, journal=journal))

    with raises(BatchIncomplete, "7 updates are done, and 7 are not: InternalServerError: down") as caught:
        work()
    assert [key["sk"] for key in caught.value.failed] == [*range(7, 14)]
    assert caught.value.cursor
    assert work() == AMOUNT
    assert {item["free"] for item in run(things, scan())} == {1}


# what a journal refuses


def test_a_journal_serves_one_call_at_a_time(things: Table, journal: Path) -> None:
    texts = list[str]()

    def meanwhile(operation: str, body: bytes) -> bytes:
        if operation == "Scan" and not texts:
            with pytest.raises(FlyexprError) as caught:
                update_matching(things, scan(), incr("n"), journal=journal)
            texts.append(str(caught.value))
        answer: bytes = things.bound(operation, body)
        return answer

    assert update_matching(things.on(meanwhile), scan(), incr("n"), journal=journal) == AMOUNT
    assert texts == [
        f"{journal} is in use by another job, which still runs\n"
        "  hint: wait for that job, or give this one another file"
    ]
    assert [item["n"] for item in key_order(run(things, scan()))] == [sk + 1 for sk in range(AMOUNT)]


OTHERS: dict[str, tuple[Callable[[Table, Path], Any], str]] = {
    "call": (lambda table, file: delete_matching(table, scan(), journal=file), "call 'update_matching', not 'delete_"),
    "update": (lambda table, file: update_matching(table, scan(), incr("n", 2), journal=file), "update 'ADD n 1', not"),
    "condition": (
        lambda table, file: update_matching(table, scan(ge("n", 1)), incr("n", 1), journal=file),
        "condition '",
    ),
    "index": (
        lambda table, file: update_matching(table, scan(index="ByN"), incr("n", 1), journal=file),
        "index None, not 'ByN'",
    ),
    "segments": (
        lambda table, file: update_matching(table, scan(segments=2), incr("n", 1), journal=file),
        "segments None, not 2",
    ),
    "puts": (lambda table, file: put_all(table, [], journal=file), "call 'update_matching', not 'put_all'"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_journal_of_another_call_is_refused(things: Table, journal: Path, name: str) -> None:
    interrupted(things, journal, incr("n", 1), 4)
    whole, call = journal.read_bytes(), OTHERS[name]
    with pytest.raises(FlyexprError) as caught:
        call[0](things, journal)
    assert str(caught.value).startswith(f"{journal} belongs to another job: {call[1]}")
    assert journal.read_bytes() == whole


def test_the_journal_of_another_table_is_refused(things: Table, journal: Path) -> None:
    interrupted(things, journal, incr("n", 1), 4)
    other = things.named("Other")
    run(other, create_table())
    with pytest.raises(FlyexprError, match="belongs to another job: TableId '"):
        update_matching(other, scan(), incr("n", 1), journal=journal)
    run(things, delete_table())
    run(things, create_table())
    with pytest.raises(FlyexprError, match="belongs to another job: TableId '"):
        update_matching(things, scan(), incr("n", 1), journal=journal)


@pytest.mark.parametrize("condition", [None, newer])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("change", ["other", "fewer", "order", "text"])
def test_other_items_than_those_that_were_put_are_refused(
    things: Table, journal: Path, listed: bool, condition: Any, change: str
) -> None:
    items = [{"pk": "q", "sk": number, "n": 1} for number in range(400)]
    after = 8 if condition is None else 250
    with pytest.raises(Crash):
        put_all(things.on(failing(things.engine, after, Crash(), False)), items, condition=condition, journal=journal)
    others: dict[str, list[Any]] = {
        "other": [{"pk": "r", "sk": 1, "n": 1}, *items],
        "fewer": items[:20],
        "order": items[::-1],
        "text": [{"pk": "q", "sk": 0, "n": 2}, *items[1:]],
    }
    given = others[change]
    with pytest.raises(FlyexprError) as caught:
        put_all(things, given if listed else iter(given), condition=condition, journal=journal)
    assert "the journal belongs to other items: the first " in str(caught.value)
    grown = [*items, {"pk": "q", "sk": 400, "n": 1}]
    assert put_all(things, grown if listed else iter(grown), condition=condition, journal=journal) == 401


MISTAKES: list[tuple[Callable[[Table, Path], Any], type[Exception], str]] = [
    (
        lambda table, file: update_matching(table, scan(limit=5), incr("n"), journal=file),
        FlyexprError,
        "journal= is for all items of a read; leave out limit= and budget=",
    ),
    (
        lambda table, file: delete_matching(table, scan(), dry_run=True, journal=file),
        FlyexprError,
        "a dry run does nothing that a journal could hold; leave out journal=",
    ),
    (
        lambda table, file: put_all(table, [], journal=5),  # type: ignore[call-overload]
        TypeError,
        "journal= takes the path of a file, not 5",
    ),
    (
        lambda table, file: run(table, batch_get([("p", 1)]), journal=file),
        TypeError,
        "journal= is for writes; a batch_get(...) that was interrupted is simply done again",
    ),
    (
        lambda table, file: put_all(table, [], journal=file / "none" / "journal"),
        FlyexprError,
        "none/journal cannot be written: there is no folder ",
    ),
]


@pytest.mark.parametrize("call, kind, text", MISTAKES, ids=lambda each: each if isinstance(each, str) else "")
def test_what_a_journal_is_not_for(
    things: Table, journal: Path, call: Callable[[Table, Path], Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        call(things, journal)
    assert text in str(caught.value)
    assert not journal.exists()


def test_an_item_whose_key_is_made_anew_is_refused(journal: Path) -> None:
    table = Table("Keys", "id", attributes={"id": Attribute(str, default=lambda: str(random.random()))})
    table = table.on(connect("sqlite::memory:"))
    run(table, create_table())
    for condition in (None, not_exists("id")):
        with raises(
            FlyexprError, "at `id`: with journal= each item needs its key, since its default makes another one"
        ):
            put_all(table, [{"id": "a"}, {"n": 1}], condition=condition, journal=journal)
        assert [*run(table, scan())] == []


def test_a_damaged_journal_is_one_error(things: Table, journal: Path) -> None:
    interrupted(things, journal, incr("n", 1), 9)
    whole, dice = journal.read_bytes(), random.Random(3)
    found = json.loads(whole)
    for _ in range(60):
        place = dice.randrange(len(whole))
        forged = json.loads(whole)
        forged["marks"]["work"][dice.choice([*forged["marks"]["work"]])] = dice.choice([None, 5, "x", [5], {"a": 1}])
        text = dice.choice(
            [
                whole[:place],
                whole[:place] + b"?" + whole[place + 1 :],
                json.dumps(forged).encode(),
                b"[" * 10_000,
                b"",
            ]
        )
        try:
            if json.loads(text) == found:
                continue
        except (ValueError, RecursionError):
            pass
        journal.write_bytes(text)
        with pytest.raises(FlyexprError, match=r"journal (is not a journal|is damaged|was written|belongs)"):
            update_matching(things, scan(), incr("n", 1), journal=journal)
    journal.write_bytes(whole)
    assert update_matching(things, scan(), incr("n", 1), journal=journal) == AMOUNT


def test_a_full_disk_stops_the_work_with_the_name_of_the_journal(
    things: Table, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = iter([None] * 4)

    def fsync(number: int) -> None:
        if next(entries, "full") == "full":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fsync)
        with raises(FlyexprError, f"{journal}: No space left on device"):
            update_matching(things, scan(), incr("n", 1), journal=journal)
    assert update_matching(things, scan(), incr("n", 1), journal=journal) == AMOUNT
    assert [item["n"] for item in key_order(run(things, scan()))] == [sk + 1 for sk in range(AMOUNT)]


def test_a_task_that_is_cancelled_leaves_a_journal_that_is_right(things: Table, journal: Path) -> None:
    engine: Any = things.engine

    async def answer(operation: str, body: bytes) -> bytes:
        done: bytes = engine(operation, body)
        await asyncio.sleep(0.0005)
        return done

    async def main(seconds: float) -> Any:
        call = aio.update_matching(things.on(answer), scan(), incr("n", 1), workers=3, journal=journal)
        return await asyncio.wait_for(call, seconds)

    dice, done = random.Random(2), None
    while done is None:
        try:
            done = asyncio.run(main(dice.uniform(0.001, 0.06)))
        except asyncio.TimeoutError:
            assert not journal.with_name("journal.lock").exists()
    assert done == AMOUNT
    assert [item["n"] for item in key_order(run(things, scan()))] == [sk + 1 for sk in range(AMOUNT)]


class Late:
    """An engine that does a write a moment after it was asked, whether or not somebody still waits for that."""

    def __init__(self, engine: Any) -> None:
        self._engine, self.begun = engine, asyncio.Event()
        self.under_way = set[asyncio.Task[bytes]]()

    async def __call__(self, operation: str, body: bytes) -> bytes:
        if operation not in WRITES:
            answer: bytes = self._engine(operation, body)
            return answer
        work = asyncio.create_task(self._do(operation, body))
        self.under_way.add(work)
        work.add_done_callback(self.under_way.discard)
        return await asyncio.shield(work)

    async def _do(self, operation: str, body: bytes) -> bytes:
        self.begun.set()
        await asyncio.sleep(0.02)
        done: bytes = self._engine(operation, body)
        return done


async def cancelled(call: Any, engine: Late, times: int) -> None:
    """Begins the call, and cancels it so many times once a write is under way."""
    task = asyncio.ensure_future(call)
    await engine.begun.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


CALLS: dict[str, Callable[..., Any]] = {
    "update": lambda table, **how: aio.update_matching(table, scan(), incr("n", 1), **how),
    "delete": lambda table, **how: aio.delete_matching(table, scan(lt("n", AMOUNT)), **how),
    "puts": lambda table, **how: aio.put_all(table, [thing(sk) for sk in range(AMOUNT)], **how),
    "batch": lambda table, **how: aio.run(table, batch_write([put_item(thing(sk)) for sk in range(AMOUNT)]), **how),
}


@pytest.mark.parametrize("counted", [False, True], ids=["", "counted"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_that_is_cancelled_ends_with_its_writes(
    things: Table, journal: Path, call: Callable[..., Any], counted: bool
) -> None:
    """A write that came after the same call has looked at its item would be done twice."""

    async def main() -> Any:
        how = {"workers": 3, "journal": journal, **({"stats": Stats()} if counted else {})}
        engine = Late(things.engine)
        await cancelled(call(things.on(engine), **how), engine, times=1)
        assert engine.under_way == set()
        return await call(things.on(engine), **how)

    assert asyncio.run(main()) == AMOUNT
    if call is CALLS["update"]:
        assert [item["n"] for item in key_order(run(things, scan()))] == [sk + 1 for sk in range(AMOUNT)]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_that_is_cancelled_twice_ends_at_once(things: Table, journal: Path, call: Callable[..., Any]) -> None:
    async def main() -> None:
        engine = Late(things.engine)
        await cancelled(call(things.on(engine), workers=3, journal=journal), engine, times=2)
        assert engine.under_way != set()

    asyncio.run(main())
