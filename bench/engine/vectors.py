"""Vector search: `python -m bench.engine.vectors [--items N] [--dimensions N] [--rounds N]`.

The embedded engine beside numpy's brute force over an array in memory; sqlite-vec and pydynox's memory backend, where
they are installed. Each round asks all of them the same, in another order. The figures are medians of CPU time. numpy
multiplies in one thread: its others spin for a while after each product, and that time would be another library's.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.part import Bound, Figures, Part
from flyexpr import Table, VectorIndex, create_table, near, run, search
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.answers import item_text

Search = Callable[[Any, int], list[int]]
Times = dict[str, list[float]]  # seconds, by library; the first is that of the first search
FEW = 20_000  # pydynox's memory backend holds each number as an object of Python
SIZES, DIMENSIONS, TOP = (10_000, 100_000), 384, 10
MOST = 1.5  # times as long as numpy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("items", SIZES[-1]), ("dimensions", DIMENSIONS), ("rounds", 15), ("top", TOP)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    took, left_out = measured(options.items, options.dimensions, options.rounds, options.top)
    for name, why in left_out.items():
        print(f"{name} is left out: {why}")
    for name, (first, *times) in took.items():
        median = statistics.median(times) * 1000
        print(f"{name:10} first {first * 1000:9.1f} ms, then {median:9.2f} ms, {ratio(took, name):7.2f} x numpy")


def measured(items: int, dimensions: int, rounds: int, top: int) -> tuple[Times, dict[str, str]]:
    """What each library takes for a search, and why others are left out; ValueError if one finds something else."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy reads it when it is imported
    import numpy

    numbers = numpy.random.default_rng(1)
    vectors = numbers.standard_normal((items, dimensions), dtype=numpy.float32)
    queries = numbers.standard_normal((rounds + 1, dimensions), dtype=numpy.float32)
    searches: dict[str, Search] = {}
    left_out = {}
    for name, make in MAKERS.items():
        try:
            searches[name] = make(vectors)
        except (ImportError, AttributeError, MemoryError) as error:
            left_out[name] = str(error)
    chance = random.Random(1)
    took: Times = {name: [] for name in searches}
    for query in queries:
        found = {}
        for name in chance.sample([*searches], len(searches)):
            began = time.process_time()
            found[name] = searches[name](query, top)
            took[name].append(time.process_time() - began)
        others = [name for name in found if found[name] != found["numpy"]]
        if others:
            raise ValueError(f"{', '.join(others)}: other items than numpy finds")
    return took, left_out


def ratio(took: Times, name: str) -> float:
    """How many times as long as numpy a later search takes: the median over the rounds."""
    pairs = zip(took[name][1:], took["numpy"][1:], strict=True)
    return statistics.median(mine / best for mine, best in pairs)


def figures(rounds: int) -> Figures:
    """The ratios, by size and library."""
    return dict(_figures(rounds))


def _figures(rounds: int) -> Iterator[tuple[str, float]]:
    for items in SIZES:
        took, _ = measured(items, DIMENSIONS, rounds, TOP)
        yield from ((_row(items, name), ratio(took, name)) for name in took if name != "numpy")


def _row(items: int, name: str) -> str:
    return f"the 10 nearest of {items:,} vectors: {name} over numpy"


PART = Part(
    "vectors",
    "Vector search",
    f"CPU time of a search among vectors of {DIMENSIONS} numbers, over that of numpy's brute force over an array in\n"
    "memory, in one thread. sqlite-vec needs a Python whose sqlite3 loads extensions.\n"
    "pydynox is its memory backend. `python -m bench.engine.vectors` prints milliseconds, and says who is left out.",
    figures,
    {_row(items, "flyexpr"): Bound(MOST, least=False) for items in SIZES},
    why="besides the product, which takes numpy 1.2 ms for 10,000 vectors and 11 for 100,000, a search takes 0.8 ms: "
    "a third for the 384 numbers, which go to the engine as text, as they go to the service; a tenth for the exact "
    "scores of the 10 nearest; the rest for the plan, the request, the 10 items and the answer, whose code and data "
    "the product has driven out of the caches",
)


def _numpy(vectors: Any) -> Search:
    """The cosine distance to every vector, and the smallest of them."""
    import numpy

    lengths = numpy.linalg.norm(vectors, axis=1)

    def ask(query: Any, top: int) -> list[int]:
        costs = 1 - (vectors @ query) / (lengths * numpy.linalg.norm(query))
        best = numpy.argpartition(costs, top)[:top]
        places: list[int] = best[numpy.argsort(costs[best])].tolist()
        return places

    return ask


def _flyexpr(vectors: Any) -> Search:
    index = VectorIndex("ByVector", "v", vectors.shape[1], project="keys")
    engine = SqliteEngine(":memory:")
    docs = Table("Docs", "id", attributes={"id": int}, indexes=[index]).on(engine)
    run(docs, create_table())
    storage = engine._storage  # the rows that puts would make, which take minutes
    with storage.transaction("IMMEDIATE"):
        (stored,) = storage.table("Docs").vector_indexes
        for number, vector in enumerate(vectors):
            item = {"id": number}
            key = stored.partition(item) + number.to_bytes(8, "big")
            storage.put_vector(stored.store, key, 1024, item_text(item), vector.tobytes())

    def ask(query: Any, top: int) -> list[int]:
        return [int(each.item["id"]) for each in run(docs, search(near("v", query), top=top))]

    return ask


def _sqlite_vec(vectors: Any) -> Search:
    import sqlite_vec

    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)  # some builds of Python cannot
    sqlite_vec.load(connection)
    connection.execute(f"CREATE VIRTUAL TABLE docs USING vec0(v float[{vectors.shape[1]}] distance_metric=cosine)")
    rows = ((number, vector.tobytes()) for number, vector in enumerate(vectors))
    connection.executemany("INSERT INTO docs (rowid, v) VALUES (?, ?)", rows)

    def ask(query: Any, top: int) -> list[int]:
        statement = "SELECT rowid FROM docs WHERE v MATCH ? AND k = ? ORDER BY distance"
        return [row for (row,) in connection.execute(statement, (query.tobytes(), top))]

    return ask


def _pydynox(vectors: Any) -> Search:
    from pydynox import Model, ModelConfig
    from pydynox.attributes import NumberAttribute, VectorAttribute
    from pydynox.indexes import VectorIndex as PydynoxIndex
    from pydynox.testing import MemoryBackend

    if len(vectors) > FEW:
        raise MemoryError(f"more than {FEW:,} items take gigabytes and minutes")

    class Doc(Model):  # type: ignore[misc]
        model_config = ModelConfig(table="docs")
        id = NumberAttribute(partition_key=True)
        v = VectorAttribute(vectors.shape[1])
        by_vector = PydynoxIndex("by_vector", "v", projection="KEYS_ONLY")

    MemoryBackend().__enter__()
    Doc.sync_create_table()
    for number, vector in enumerate(vectors):
        Doc(id=number, v=vector.tolist()).sync_save()

    def ask(query: Any, top: int) -> list[int]:
        return [int(each.item["id"]) for each in Doc.by_vector.sync_search(query.tolist(), top_k=top, as_dict=True)]

    return ask


MAKERS: dict[str, Callable[[Any], Search]] = {
    "numpy": _numpy,
    "flyexpr": _flyexpr,
    "sqlite-vec": _sqlite_vec,
    "pydynox": _pydynox,
}


if __name__ == "__main__":
    main()
