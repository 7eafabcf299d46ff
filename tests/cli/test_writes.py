"""Puts, updates and deletes of many items: what the service refuses, in which order what is written."""

import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from program import Inside

from flyexpr import (
    DynamoError,
    Table,
    assign,
    connect,
    create_table,
    delete_item,
    parse_update,
    put,
    run,
    scan,
    update_item,
)
from flyexpr.cli.formats.csv_rows import BY_CELL
from flyexpr.cli.formats.sources import Entry
from flyexpr.cli.jobs.bulk_puts import _watched, put_stream
from flyexpr.cli.jobs.bulk_writes import Placed, check_all, put_all
from flyexpr.cli.jobs.job import Manner
from flyexpr.cli.jobs.rejects import Refusal, Rejects
from flyexpr.cli.jobs.work import Job
from flyexpr.steps.many import item_write
from flyexpr.steps.many.matching import delete_matching, update_matching
from flyexpr.values.plain_json import read_item


@pytest.fixture
def things() -> Iterator[Table]:
    table = Table("things", "id").on(connect("sqlite::memory:"))
    run(table, create_table())
    yield table
    table.engine.close()


@pytest.fixture
def job() -> Iterator[Job]:
    job = Job("put")
    yield job
    job.close()


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[Job]:
    """A job that takes refusals down."""
    job = Job("put", rejects=Rejects(tmp_path / "rejects"))
    yield job
    job.close()


def refusing(table: Table, word: str, code: str = "ValidationException", asked: list | None = None) -> Table:
    """The table of a service that refuses every write in which a word stands."""

    def engine(operation: str, body: bytes) -> bytes:
        if asked is not None:
            asked.append((operation, body))
        if word.encode() in body and operation != "Scan":
            raise DynamoError.of(code, f"no {word}")
        return table.bound(operation, body)

    return table.on(engine)


def lines(ids: range | list) -> list[Placed]:
    return [Placed(f"line {n}", {"id": f"{n:03}"}, f"text {n}") for n in ids]


def stored(table: Table) -> list[str]:
    return sorted(item["id"] for item in run(table, scan()))


def test_a_batch_that_the_service_refuses_is_put_one_by_one(things: Table, lenient: Job, tmp_path: Path):
    asked: list = []
    put_all(lenient, refusing(things, "013", asked=asked), lines(range(30)))
    assert stored(things) == [f"{n:03}" for n in range(30) if n != 13]
    assert (lenient.done, lenient.refused) == (29.0, 1.0)
    assert {operation for operation, _ in asked} == {"BatchWriteItem"}
    assert len(asked) == 2 + 25
    lenient.enter("", 1, {})
    (found,) = map(json.loads, (tmp_path / "rejects").read_text().splitlines())
    assert found == {"place": "line 13", "reason": "no 013", "text": "text 13"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_what_is_not_the_fault_of_an_item_ends_the_put(things: Table, lenient: Job, code: str):
    asked: list = []
    with pytest.raises(DynamoError) as caught:
        put_all(lenient, refusing(things, "013", code, asked), lines(range(20)))
    assert caught.value.code == code
    assert (len(asked), lenient.refused) == (1, 0.0)


def test_a_line_that_cannot_be_sent_ends_the_put_in_order(things: Table, job: Job):
    """Everything before it is written, also what comes in a later batch since it has the key of another; no more."""
    placed = [
        *lines(range(30)),
        *lines(range(5)),
        Placed("line 36", {"id": 5}),
        *lines(range(100, 130)),
        Placed("x", {}),
    ]
    with pytest.raises(Refusal) as caught:
        put_all(job, things, placed)
    assert str(caught.value) == "line 36: at `id`: expected str, got int"
    assert stored(things) == [f"{n:03}" for n in range(30)]
    assert job.done == 35.0


def test_a_line_that_the_service_refuses_says_what_is_written_after_it(things: Table, job: Job):
    twice = Placed("line 8", {"id": "003", "twice": True}, "")
    with pytest.raises(Refusal) as caught:
        put_all(job, refusing(refusing(things, "010"), "015"), [*lines(range(8)), twice, *lines(range(9, 40))])
    assert str(caught.value) == "line 10: no 010\n  note: what comes after it is written too, up to line 39"
    assert stored(things) == [f"{n:03}" for n in range(40) if n not in (8, 10, 15)]
    assert job.done == 38.0


def test_a_refused_line_is_named_also_where_another_request_fails_behind_it(things: Table, job: Job):
    """A job that goes on begins with that line each time."""
    throttled = refusing(things, "030", "ThrottlingException")
    with pytest.raises(Refusal) as caught:
        put_all(job, refusing(throttled, "010"), lines(range(40)))
    assert str(caught.value) == "line 10: no 010\n  note: then another request failed: ThrottlingException: no 030"
    with pytest.raises(DynamoError, match="no 010"):  # nothing is refused before that
        put_all(job, refusing(refusing(things, "010", "ThrottlingException"), "030"), lines(range(40)))


@pytest.mark.parametrize("places", [lines(range(11)), [Placed("an item", {"id": f"{n:03}"}) for n in range(20)]])
def test_no_more_is_said_where_nothing_comes_after(things: Table, job: Job, places: list[Placed]):
    with pytest.raises(Refusal) as caught:
        put_all(job, refusing(things, "010"), places)
    assert str(caught.value) == f"{places[10].place}: no 010"


def test_all_refused(things: Table, job: Job):
    with pytest.raises(Refusal) as caught:
        put_all(job, refusing(things, "00"), lines(range(2)))
    assert str(caught.value) == "line 0: no 00"


def test_refusals_are_taken_down_in_the_order_of_the_lines(things: Table, lenient: Job, tmp_path: Path):
    placed = lines(range(60))
    placed[3], placed[50] = Placed("line 3", {"id": 3}), Placed("line 50", {})
    put_all(lenient, refusing(things, "020"), [placed[20], *placed])
    lenient.enter("", 1, {})
    found = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert [each["place"] for each in found] == ["line 20", "line 3", "line 20", "line 50"]
    assert found[1]["text"] == '{"id": 3}'


def test_what_is_left_unprocessed_is_sent_again(things: Table, job: Job, monkeypatch: pytest.MonkeyPatch):
    left, slept = [2], []
    monkeypatch.setattr(job, "_sleep", slept.append)

    def engine(operation: str, body: bytes) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            return things.bound(operation, body)
        return json.dumps({"UnprocessedItems": json.loads(body)["RequestItems"]}).encode()

    put_all(job, things.on(engine), lines(range(3)))
    assert stored(things) == ["000", "001", "002"]
    assert len(slept) == 2
    assert job.done == 3.0


def test_an_item_that_nests_too_deeply_is_refused(things: Table, lenient: Job):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    put_all(lenient, things, [Placed("line 1", {"id": "a", "deep": deep}, ""), *lines([1])])
    assert (stored(things), lenient.refused) == (["001"], 1.0)


def test_a_check_sends_nothing(things: Table, lenient: Job):
    check_all(lenient, things.on(lambda *_: pytest.fail("sent")), [*lines(range(3)), Placed("line 9", {"id": 9})])
    assert (lenient.done, lenient.refused) == (3.0, 1.0)


@pytest.mark.parametrize(
    "do",
    [
        lambda table, bulk: update_matching(table, scan(), assign("n", 1), False, float, bulk),
        lambda table, bulk: delete_matching(table, scan(), False, float, bulk),
    ],
)
def test_changes_that_the_service_refuses(things: Table, lenient: Job, tmp_path: Path, do: Callable):
    for n in range(4):
        put(things, {"id": f"{n:03}"})
    lenient.perform(table := refusing(things, "002"), partial(do, table))
    assert (lenient.done, lenient.refused) == (3.0, 1.0)
    put(things, {"id": "001"})
    with pytest.raises(DynamoError):
        lenient.perform(table := refusing(things, "001", "AccessDeniedException"), partial(do, table))
    lenient.enter("", 1, {})
    (found,) = map(json.loads, (tmp_path / "rejects").read_text().splitlines())
    assert found == {"place": 'item {"id": "002"}', "reason": "no 002", "text": '{"id": "002"}'}


@pytest.mark.parametrize("manner", [Manner(explain=True), Manner(dry_run=True)])
def test_only_a_dry_run_looks(manner: Manner, capsys: pytest.CaptureFixture[str]):
    from click.exceptions import Exit

    looked: list[bool] = []
    with pytest.raises(Exit) as caught:
        manner.plan("a", "b", look=lambda: looked.append(True))
    assert caught.value.exit_code == 0
    assert capsys.readouterr().out == "a\nb\n"
    assert looked == [True] * manner.dry_run


def test_the_number_of_lines_is_guessed_from_the_size_of_the_file(things: Table, tmp_path: Path):
    (tmp_path / "in.jsonl").write_text("".join(f'{{"id": "{n:06}"}}\n' for n in range(5000)))
    job = Job("put")
    with (tmp_path / "in.jsonl").open("rb") as stream:
        put_stream(job, things, stream, "json", BY_CELL, dry_run=True)
    assert job.done == 5000
    assert job.total
    assert 4000 < job.total < 6000
    job.close()
    piped = Job("put")
    put_stream(piped, things, io.BytesIO((tmp_path / "in.jsonl").read_bytes()), "json", BY_CELL, dry_run=True)
    assert piped.total is None
    piped.close()


@pytest.mark.parametrize(
    "number, before, after",
    [
        (1599, None, None),
        (1600, None, 3200),
        (1601, None, None),
        (3200, 6079, 6400),
        (3200, 6081, 6081),
        (3200, 6719, 6719),
        (3200, 6721, 6400),
    ],
)
def test_a_new_guess_is_told_where_it_differs_by_a_twentieth(
    job: Job, tmp_path: Path, number: int, before: int | None, after: int | None
):
    """After each chunk of 1,600 lines: the file has twice the bytes of what is read."""
    (tmp_path / "in.jsonl").write_bytes(bytes(80))
    job.total = before
    with (tmp_path / "in.jsonl").open("rb") as stream:
        stream.seek(40)
        assert [entry.number for entry in _watched(job, stream, iter([Entry(number)]))] == [number]
    assert job.total == after


def test_put_in_order_at_the_command_line(inside: Inside):
    inside("create", "Things", "id")
    text = "".join(f'{{"id": "{n}"}}\n' for n in range(2001))
    for bad in ('{"id": 5}', '{"id": "a" "n": 1}', "[1]", '{"n": 1}', '{"id": "a", "n": 1e999}', "\udcff"):
        inside("delete", "Things", "--where", "attribute_exists(id)", "--yes")
        given = f'{{"id": "a1"}}\n{{"id": "a2"}}\n{bad}\n{text}'.encode("utf-8", "surrogateescape")
        end = inside("put", "Things", stdin=given)
        assert (end.code, "flyexpr: line 3: " in end.err) == (1, True)
        assert inside("count", "Things").out == "2\n", bad


@pytest.mark.parametrize("text, fault", [("1", "an item is a JSON object"), ('{"id": 1}', "at `id`: ")])
def test_wire_lines_that_are_no_items(inside: Inside, text: str, fault: str):
    inside("create", "Things", "id")
    end = inside("put", "Things", "--wire", stdin=text)
    assert (end.code, f"flyexpr: line 1: {fault}" in end.err) == (1, True)


@pytest.mark.parametrize("change", ["REMOVE n", "SET n = 2", None])
@pytest.mark.parametrize("command", [["update", "Things", "SET done = true"], ["delete", "Things", "--yes"]])
def test_an_item_that_changes_between_its_read_and_its_write_is_left(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, command: list[str], change: str | None
):
    """Neither changed though it matches no more, nor made anew though it is gone."""
    inside("create", "Things", "id")
    inside("put", "Things", stdin='{"id": "a", "n": 1}\n{"id": "b", "n": 1}\n')
    done = []

    write = item_write.write

    def meanwhile(table: Table, operation: Any) -> Any:
        if not done:
            done.append(True)
            key = {"id": "a"}
            run(table, delete_item(key) if change is None else update_item(key, parse_update(change)))
        return write(table, operation)

    monkeypatch.setattr(item_write, "write", meanwhile)
    monkeypatch.setattr("flyexpr.cli.jobs.work.WRITERS", 1)
    end = inside(*command, "--where", "n = 1")
    assert (end.code, "1 item " in end.err) == (0, True)
    found = [read_item(line) for line in inside("scan", "Things", "id = 'a'").out.splitlines()]
    assert found == {"REMOVE n": [{"id": "a"}], "SET n = 2": [{"id": "a", "n": 2}], None: []}[change]


@pytest.mark.parametrize("command", [["update", "Things", "SET n = 1"], ["delete", "Things", "--yes"]])
def test_a_change_that_reads_everything_says_so(inside: Inside, command: list[str]):
    inside("create", "Things", "id")
    inside("put", "Things", stdin='{"id": "a"}\n')
    why = "flyexpr: reads the whole table: no index of 'Things' starts with `m`\n"
    assert inside(*command, "--where", "m = 1").err.startswith(why)
    assert inside(*command, "--where", "id = 'b'").err.startswith("flyexpr: 0 items ")
