"""Vector search: `python -m bench.vectors [--items N] [--dimensions N] [--rounds N]`.

The embedded engine beside numpy's brute force over an array in memory, and sqlite-vec where it is installed. Each round
asks all of them the same; the figure is the median of the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from flyexpr import Table, VectorIndex, create_table, near, request, run, search
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.answers import item_text

Search = Callable[[Any, int], list[int]]


def main() -> None:
    import numpy

    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("items", 100_000), ("dimensions", 384), ("rounds", 15), ("top", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    chance = numpy.random.default_rng(1)
    vectors = chance.standard_normal((options.items, options.dimensions), dtype=numpy.float32)
    queries = chance.standard_normal((options.rounds, options.dimensions), dtype=numpy.float32)
    searches: dict[str, Search] = {"numpy": _numpy(vectors), "flyexpr": _flyexpr(vectors)}
    try:
        searches["sqlite-vec"] = _sqlite_vec(vectors)
    except (ImportError, AttributeError) as error:  # some builds of Python cannot load extensions of SQLite
        print(f"sqlite-vec is left out: {error}")
    for text in _figures(searches, queries, options.top):
        print(text)


def _figures(searches: dict[str, Search], queries: Any, top: int) -> Iterator[str]:
    first: dict[str, float] = {}
    for name, ask in searches.items():
        began = time.perf_counter()
        ask(queries[0], top)
        first[name] = time.perf_counter() - began
    took: dict[str, list[float]] = {name: [] for name in searches}
    for query in queries:
        found = {}
        for name, ask in searches.items():
            began = time.perf_counter()
            found[name] = ask(query, top)
            took[name].append(time.perf_counter() - began)
        if any(found[name] != found["numpy"] for name in found):
            yield f"different results: {found}"
    for name, times in took.items():
        yield f"{name:12} first {first[name] * 1000:9.1f} ms, then {statistics.median(times) * 1000:9.2f} ms"


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
        operation, body = request(docs, search(near("v", query), top=top))
        answer = engine(operation, json.dumps(body).encode())
        return [int(each["Item"]["id"]["N"]) for each in json.loads(answer)["SearchResults"]]

    return ask


def _sqlite_vec(vectors: Any) -> Search:
    import sqlite_vec

    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    connection.execute(f"CREATE VIRTUAL TABLE docs USING vec0(v float[{vectors.shape[1]}] distance_metric=cosine)")
    rows = ((number, vector.tobytes()) for number, vector in enumerate(vectors))
    connection.executemany("INSERT INTO docs (rowid, v) VALUES (?, ?)", rows)

    def ask(query: Any, top: int) -> list[int]:
        statement = "SELECT rowid FROM docs WHERE v MATCH ? AND k = ? ORDER BY distance"
        return [row for (row,) in connection.execute(statement, (query.tobytes(), top))]

    return ask


if __name__ == "__main__":
    main()
