"""The embedded engine within a process: its operations, and what a stream, records and threads cost."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from bench import data
from bench.part import Figures
from flyexpr import (
    Table,
    assign,
    batch_write,
    between,
    connect,
    create_table,
    eq,
    get,
    incr,
    put,
    put_item,
    query,
    run,
    update,
)
from flyexpr.engine import Engine

Operations = dict[str, Callable[[int], Any]]  # take a running number
WITH_A_STREAM = ("put", "put over an item", "update")
PK, FEW, BATCH, TIMES = "customer#0001", 20, 25, 3000
_TABLE = Table("items", "pk", "sk", attributes={"sk": int})


def taken(operations: Operations) -> Figures:
    """Microseconds of CPU that each operation takes."""
    return {
        name: took(operation, TIMES // (10 if name == "batch put" else 1)) for name, operation in operations.items()
    }


def took(operation: Callable[[int], Any], times: int = TIMES) -> float:
    for number in range(times // 8):
        operation(number)
    began = time.process_time()
    for number in range(times // 8, times // 8 + times):
        operation(number)
    return (time.process_time() - began) / times * 1e6


def filled(engine: Engine) -> Table:
    table = _TABLE.on(engine)
    run(table, create_table())
    run(table, batch_write([put_item(item) for item in data.items(0)]))
    return table


def operations_of(table: Table) -> Operations:
    items = data.items(0)

    def moved(pk: str, number: int) -> data.Item:
        return items[number % len(items)] | {"pk": pk, "sk": number}

    def change(number: int) -> None:
        sk = number % len(items)
        same = eq("name", items[sk]["name"])
        update(table, (PK, sk), assign("status", "closed") + incr("visits"), condition=same)

    def few(number: int) -> list[data.Item]:
        low = number * FEW % 900
        return list(run(table, query(eq("pk", PK) & between("sk", low, low + FEW - 1))))

    def batch(number: int) -> None:
        run(table, batch_write([put_item(moved("batch", number * BATCH + one)) for one in range(BATCH)]))

    return {
        "put": lambda number: put(table, moved("other", number)),
        "get": lambda number: get(table, (PK, number % len(items))),
        "update": change,
        "batch put": batch,
        "query of 20 items": few,
        "query": lambda number: list(run(table, query(eq("pk", PK)))),
        "put over an item": lambda number: put(table, items[number % len(items)] | {"visits": number}),
    }


def called(engine: Engine, name: str, numbers: Iterable[int] = range(TIMES + TIMES // 8)) -> Callable[[int], Any]:
    """One of the operations, by an engine alone: its requests are written before, for these running numbers.

    If they are used again, an item that is put is stored already, and not written. For `took` there are enough.
    """
    bodies: list[tuple[str, bytes]] = []

    def recording(operation: str, body: bytes) -> bytes:
        bodies.append((operation, body))
        return b"{}"

    ask = operations_of(_TABLE.on(recording))[name]
    for number in numbers:
        ask(number)
    requests = cycle(bodies)
    return lambda number: engine(*next(requests))


def with_a_stream(folder: Path) -> Figures:
    """How many times as long a write takes with a stream of both images; the two engines take turns.

    By flyexpr's functions, and for the engine alone.
    """
    engines = [connect(f"sqlite:{folder / name}.db") for name in ("without", "with")]
    tables = [filled(engine) for engine in engines]
    ask(engines[1], "UpdateTable", TableName="items", StreamSpecification=_STREAM)
    ratios: Figures = {}
    for name in WITH_A_STREAM:
        ratios[name] = _slower(*(operations_of(table)[name] for table in tables))
        ratios[f"{name}, the engine alone"] = _slower(*(called(engine, name) for engine in engines))
    return ratios


def _slower(without: Callable[[int], Any], recorded: Callable[[int], Any]) -> float:
    return median(took(recorded, 300) / took(without, 300) for _ in range(9))


_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def of_records(folder: Path) -> Figures:
    """Records that GetRecords gives, over items that Query gives in the same time; the engine alone, 1,000 a page."""
    engine = connect(f"sqlite:{folder / 'items.db'}")
    run(_TABLE.on(engine), create_table())
    new = {**_STREAM, "StreamViewType": "NEW_IMAGE"}
    ask(engine, "UpdateTable", TableName="items", StreamSpecification=new)
    run(_TABLE.on(engine), batch_write([put_item(item) for item in data.items(0)]))
    (stream,) = ask(engine, "ListStreams")["Streams"]
    (shard,) = ask(engine, "DescribeStream", StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    place = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = json.dumps(ask(engine, "GetShardIterator", **place)).encode()
    query = json.dumps(
        {
            "TableName": "items",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": PK}},
        }
    ).encode()
    assert engine("GetRecords", iterator).count(b"NewImage") == engine("Query", query).count(b'"digest"') == data.PAGE
    items = [took(lambda _: engine("Query", query), 50) for _ in range(5)]
    records = [took(lambda _: engine("GetRecords", iterator), 50) for _ in range(5)]
    return {"records": median(items) / median(records)}


def ask(engine: Engine, operation: str, **members: Any) -> Any:
    """The answer of an engine."""
    return json.loads(engine(operation, json.dumps(members).encode()))


def in_threads(folder: Path) -> Figures:
    """Operations for a second of CPU in four threads, over those in one."""
    engine = connect(f"sqlite:{folder / 'items.db'}")
    filled(engine)
    return {name: gain_of_threads([engine] * 4, name) for name in ("get", "put")}


def in_processes(folder: Path) -> Figures:
    """How often four processes on two cores read an item, over how often one does; each has an engine of its own."""
    path = folder / "items.db"
    filled(connect(f"sqlite:{path}"))
    return {"get": median(2 * _reading(path, 1) / _reading(path, 4) for _ in range(5))}


def _reading(path: Path, processes: int) -> float:
    """The mean time that one process takes to read, where so many processes read at once."""
    spawning = multiprocessing.get_context("spawn")
    everybody = spawning.Barrier(processes)
    with spawning.Pool(processes, _wait_for, (everybody,)) as pool:
        return sum(pool.map(_read, [path] * processes, chunksize=1)) / processes


def _wait_for(everybody: Any) -> None:
    global _ready
    _ready = everybody.wait


_ready: Callable[[], Any]


def _read(path: Path) -> float:
    read = called(connect(f"sqlite:{path}"), "get")
    _times(read, TIMES // 8)
    _ready()
    began = _unwaited()
    _times(read, TIMES)
    return _unwaited() - began


def _unwaited() -> float:
    """Seconds by the clock, without those in which it waited for a core; where these are not counted, of CPU."""
    try:
        waited = int(Path("/proc/self/schedstat").read_text().split()[1])
    except OSError:
        return time.process_time()
    return time.monotonic() - waited / 1e9


def _times(operation: Callable[[int], Any], count: int) -> None:
    for number in range(count):
        operation(number)


def gain_of_threads(engines: Sequence[Engine], name: str) -> float:
    """How many operations threads do for a second of CPU, each with its engine, over how many the first does alone."""
    rounds, times = 5, 2000
    many = 2 * rounds * times  # numbers for each thread; the first one, which also works alone, takes most
    each = [called(engine, name, range(at * many, (at + 1) * many)) for at, engine in enumerate(engines)]
    return median(_cpu(each[:1], times) / _cpu(each, times) for _ in range(rounds))


def _cpu(operations: Sequence[Callable[[int], Any]], times: int) -> float:
    """The seconds of CPU of that number of operations, shared among threads, one for each of these."""
    threads = [threading.Thread(target=_times, args=(one, times // len(operations))) for one in operations]
    began = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - began
