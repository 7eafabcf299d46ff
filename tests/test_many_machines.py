"""Parts of reads in other processes and on the workers of Dask, Ray and Spark, against servers and a file.

The blocks of docs/how-to/many-machines.md that are written for a library run here, where that library is installed.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from export_folders import written
from machines import broken, rest, total
from pages import blocks
from places import DOCS, ROOT
from raised import raises

from bench.peers.rounds import replay_server
from flyexpr import (
    DynamoError,
    ItemPage,
    Table,
    connect,
    create_table,
    gather,
    gt,
    incr,
    is_in,
    put_all,
    query,
    run,
    scan,
    segments,
    update_matching,
)
from flyexpr.events import read_export
from flyexpr.serve import serve

PAGE = DOCS / "how-to/many-machines.md"
SCORES = Table("Scores", "player", attributes={"wins": int})
ITEMS = [{"player": f"p{n}", "wins": n % 10} for n in range(500)]


def by_player(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: int(item["player"][1:]))


@pytest.fixture(params=["a file", "a server"])
def scores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    """A table that other processes reach by its engine's URL."""
    url = f"sqlite:{tmp_path / 'scores.db'}"
    with connect(url) as engine, serve(engine) as server, connect(server.url) as client:
        table = SCORES.on(engine if request.param == "a file" else client)
        run(table, create_table())
        put_all(table, ITEMS)
        yield table


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two processes that begin with nothing but what they are sent."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_processes_read_what_one_reads(scores: Table, pool: ProcessPoolExecutor) -> None:
    pages = [*pool.map(partial(rest, scores), segments(scan(gt("wins", 7)), 6))]
    whole = gather(reversed(pages))
    assert by_player(whole.items) == [item for item in ITEMS if item["wins"] > 7]
    assert (whole.cursor, whole.stats.examined, whole.stats.returned) == (None, 500, 100)
    assert whole.stats.capacity == sum(page.stats.capacity for page in pages) > 0


def test_processes_bring_back_what_they_made_of_the_items(scores: Table, pool: ProcessPoolExecutor) -> None:
    totals, pages = zip(*pool.map(partial(total, scores), segments(scan(), 6)), strict=True)
    assert sum(totals) == sum(item["wins"] for item in ITEMS)
    assert gather(pages).stats.returned == 500


def test_processes_stop_and_go_on(scores: Table, pool: ProcessPoolExecutor) -> None:
    read = scan(page_size=10, budget={"requests": 12})
    some = gather(pool.map(partial(rest, scores), segments(read, 4)))
    assert some.stats.requests == 12
    assert 0 < len(some.items) < 500
    others = gather(pool.map(partial(rest, scores), segments(scan(start=some.cursor), 4)))
    assert by_player(some.items + others.items) == ITEMS


def test_a_part_that_fails_in_a_process_is_run_again(scores: Table, pool: ProcessPoolExecutor) -> None:
    parts = segments(scan(), 3)
    futures = [pool.submit(broken if number == 1 else rest, scores, part) for number, part in enumerate(parts)]
    with raises(DynamoError, "InternalServerError: this machine is broken") as caught:
        futures[1].result()
    assert caught.value.code == "InternalServerError"
    pages = [futures[0].result(), pool.submit(rest, scores, parts[1]).result(), futures[2].result()]
    assert by_player(gather(pages).items) == ITEMS


def test_processes_change_each_item_once(scores: Table, pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    parts = segments(scan(), 4)
    futures = [
        pool.submit(update_matching, scores, part, incr("seen", 1), journal=tmp_path / f"part-{number}")
        for number, part in enumerate(parts)
    ]
    assert sum(future.result() for future in futures) == 500
    assert {item["seen"] for item in run(scores, scan())} == {1}


def test_a_table_without_an_engine_is_bound_by_the_machine(scores: Table, pool: ProcessPoolExecutor) -> None:
    from flyexpr import NotBound

    with pytest.raises(NotBound):
        pool.submit(rest, SCORES, segments(scan(), 2)[0]).result()


def test_buckets_of_the_replay_server(pool: ProcessPoolExecutor) -> None:
    """A query of five partitions, with pages as the service sends them: over a real connection, from two processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_PAGE", "5")
        with replay_server() as port, connect(f"http://127.0.0.1:{port}") as engine:
            table = Table("items", "pk", "sk", attributes={"sk": int}).on(engine)
            read = query(is_in("pk", [f"pages#{n}" for n in (1, 2, 3, 4, 5)]))
            whole = gather(pool.map(partial(rest, table), segments(read, 3)))
            assert len(whole.items) == 15 * 5
            assert (whole.stats.requests, whole.stats.capacity) == (15, 15 * 128.5)
            assert whole.items == [*run(table, read)]


def test_the_files_of_an_export_are_shared(tmp_path: Path) -> None:
    lines = [json.dumps({"Item": {"player": {"S": f"p{n}"}, "wins": {"N": "1"}}}).encode() for n in range(7)]
    folder = written(tmp_path, lines)
    shared = [[*read_export(folder, SCORES, part=(number, 3))] for number in range(3)]
    assert [len(items) for items in shared] == [1, 6, 0]
    assert [item for items in shared for item in items] == [*read_export(folder, SCORES)]
    with raises(ValueError, "part= is (number, parts), such as (0, 2) for the first of two, not (3, 3)"):
        read_export(folder, SCORES, part=(3, 3))


# what the page shows for each library


def names_for(table: Table) -> dict[str, Any]:
    return {"__name__": "__main__", "scores": table, **{f.__name__: f for f in (gather, gt, run, scan, segments)}}


def shown(library: str) -> str:
    (block,) = [block for block in blocks(PAGE, "python") if block.title == library]
    return block.code


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """A table behind HTTP; processes that are started find the package and the interpreter."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *map(str, sys.path)]))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.chdir(tmp_path)
    with connect("sqlite::memory:") as engine, serve(engine) as server, connect(server.url) as client:
        table = SCORES.on(client)
        run(table, create_table())
        put_all(table, ITEMS)
        yield table


def the_winners(whole: ItemPage[Any]) -> None:
    assert by_player(whole.items) == [item for item in ITEMS if item["wins"] > 7]
    assert (whole.cursor, whole.stats.examined) == (None, 500)


@pytest.mark.filterwarnings("ignore")
def test_workers_of_dask(served: Table) -> None:
    pytest.importorskip("distributed")
    names = names_for(served)
    exec(shown("Dask"), names)
    the_winners(names["whole"])


@pytest.mark.filterwarnings("ignore")
def test_workers_of_ray(served: Table) -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        names = names_for(served)
        exec(shown("Ray"), names)
        the_winners(names["whole"])
    finally:
        ray.shutdown()


@pytest.mark.filterwarnings("ignore")
def test_workers_of_spark(served: Table) -> None:
    pyspark = pytest.importorskip("pyspark.sql")
    spark = pyspark.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        names = names_for(served)
        exec(shown("Spark"), names)
        rows = sorted((row["player"], row["wins"]) for row in names["frame"].collect())
        assert rows == sorted((item["player"], item["wins"]) for item in ITEMS if item["wins"] > 7)  # type: ignore[operator]
    finally:
        spark.stop()
