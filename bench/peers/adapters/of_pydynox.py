"""pydynox: a client with a core in Rust that gives and takes plain values; expressions are written by hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from pydynox import DynamoDBClient
from pydynox.exceptions import ConditionalCheckFailedException

from bench import data
from bench.peers.jobs import BATCH, EACH, FEW, THREADS, Job, Jobs, numbers, shown_writes


def jobs(url: str, _: str) -> Jobs:
    """The jobs of pydynox, by its blocking methods."""
    client = DynamoDBClient(region="us-east-1", access_key="key", secret_key="secret", endpoint_url=url)
    return _reads(client) | _writes(url, client)


def _reads(client: Any) -> Jobs:
    key = {"pk": data.SMALL["pk"], "sk": data.SMALL["sk"]}

    def pages(count: int) -> Any:
        return client.sync_query(
            "items",
            "#pk = :pk",
            expression_attribute_names={"#pk": "pk"},
            expression_attribute_values={":pk": f"pages#{count}"},
        )

    def drain() -> None:
        for _ in pages(FEW):
            pass

    def get() -> Any:
        return client.sync_get_item("items", key)

    pool = ThreadPoolExecutor(THREADS)

    def threads() -> list[Any]:
        found = pool.map(lambda _: [get() for _ in range(EACH)], range(THREADS))
        return [item for items in found for item in items]

    return {
        "query pages": Job(drain, lambda: list(pages(FEW))),
        "pages kept": Job(lambda: list(pages(data.PAGES))),
        "first three": Job(lambda: list(islice(pages(data.PAGES), 3))),
        "get": Job(get),
        "get, 8 threads": Job(threads),
    }


def _writes(url: str, client: Any) -> Jobs:
    items = data.items(0, BATCH)
    refused = data.SMALL | {"name": "refuse"}

    def update() -> None:
        client.sync_update_item(
            "items",
            {"pk": "customer#0001", "sk": 7},
            update_expression="SET #s = :s ADD #v :one",
            condition_expression="#s = :open AND #v < :n",
            expression_attribute_names={"#s": "status", "#v": "visits"},
            expression_attribute_values={":s": "closed", ":one": 1, ":open": "open", ":n": next(numbers)},
        )

    def failed() -> bool:
        try:
            client.sync_put_item("items", refused, condition_expression="attribute_not_exists(pk)")
        except ConditionalCheckFailedException:
            return True
        return False

    writes: dict[str, Callable[[], Any]] = {
        "update": update,
        "put": lambda: client.sync_put_item("items", items[0]),
        "batch write": lambda: client.sync_batch_write("items", put_items=items),
    }
    return {**shown_writes(url, writes), "failed condition": Job(failed)}
