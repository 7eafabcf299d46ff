"""flyexpr, with the transport that the argument names."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import flyexpr
from bench import data
from bench.peers import micro
from bench.peers.jobs import (
    AT_ONCE,
    BATCH,
    EACH,
    FEW,
    PAGES_AT_ONCE,
    SLOW_KEY,
    THREADS,
    Job,
    Jobs,
    numbers,
    shown_writes,
)
from flyexpr import (
    ConditionFailed,
    F,
    Table,
    add,
    assign,
    batch_write,
    begins_with,
    between,
    connect,
    contains,
    eq,
    get,
    if_not_exists,
    incr,
    lt,
    not_exists,
    put,
    put_item,
    query,
    remove,
    run,
    update,
)
from flyexpr.engines.aws.signing import Keys, Signer
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.requests.batches import batch_member, batch_request
from flyexpr.requests.expression_members import expression_members
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_updates import lower_update
from flyexpr.values.answers import Page

TABLE = Table("items", "pk", "sk", attributes={"sk": int})


def jobs(url: str, transport: str) -> Jobs:
    """The jobs of flyexpr over one transport; jobs without a network are listed with `direct`."""
    table = TABLE.on(connect(f"{url}?transport={transport}"))
    return _reads(table) | _writes(url, table) | (_micro() if transport == "direct" else {})


def _reads(table: Table) -> Jobs:
    def pages(count: int) -> Any:
        return run(table, query(eq("pk", f"pages#{count}")))

    def drain() -> None:
        for _ in pages(FEW):
            pass

    pool = ThreadPoolExecutor(THREADS)

    def threads() -> list[Any]:
        found = pool.map(lambda _: [get(table, key) for _ in range(EACH)], range(THREADS))
        return [item for items in found for item in items]

    many = ThreadPoolExecutor(32)

    def at_once() -> list[Any]:
        return list(many.map(lambda _: get(table, SLOW_KEY), range(AT_ONCE)))

    def pages_at_once() -> list[int]:
        return list(many.map(lambda _: sum(1 for _ in pages(1)), range(PAGES_AT_ONCE)))

    key = (data.SMALL["pk"], data.SMALL["sk"])
    return {
        "get, 1,000 at once": Job(at_once),
        "pages, 100 at once": Job(pages_at_once),
        "query pages": Job(drain, lambda: list(pages(FEW))),
        "pages kept": Job(lambda: list(pages(data.PAGES))),
        "first three": Job(lambda: list(islice(pages(data.PAGES), 3))),
        "get": Job(lambda: get(table, key)),
        "get, 8 threads": Job(threads),
    }


def _writes(url: str, table: Table) -> Jobs:
    items, key = data.items(0, BATCH), ("customer#0001", 7)
    refused = data.SMALL | {"name": "refuse"}

    def change() -> None:
        condition = eq("status", "open") & lt("visits", next(numbers))
        update(table, key, assign("status", "closed") + incr("visits", 1), condition=condition)

    def failed() -> bool:
        try:
            put(table, refused, condition=not_exists("pk"))
        except ConditionFailed:
            return True
        return False

    writes: dict[str, Callable[[], Any]] = {
        "update": change,
        "put": lambda: put(table, items[0]),
        "batch write": lambda: run(table, batch_write([put_item(item) for item in items])),
    }
    if hasattr(flyexpr, "transact_write"):
        writes["transaction"] = lambda: flyexpr.transact_write(
            [
                (table, put_item(data.SMALL)),
                (table, flyexpr.update_item(("customer#0001", 8), assign("status", "closed"))),
                (table, flyexpr.delete_item(("customer#0001", 9))),
            ]
        )
    return {**shown_writes(url, writes), "failed condition": Job(failed)}


def built_condition(status: str = "status") -> Condition:
    """Builds the condition that is compiled."""
    return (
        eq(status, "open")
        & between("visits", 100, next(numbers))
        & begins_with("name", "a")
        & (not_exists("deleted_at") | (F.score >= 8))
        & contains("tags", "opal")
    )


def built_update() -> Update:
    """Builds the update that is compiled."""
    return (
        assign("status", "closed")
        + assign("score", if_not_exists("score", 0) + 1)
        + remove("deleted_at")
        + incr("visits", next(numbers))
        + add("tags", "opal")
    )


def _micro() -> Jobs:
    page, unlike, batch = micro.page(), micro.unlike_page(), micro.batch()
    condition, change = built_condition(), built_update()
    signer, keys = Signer("us-east-1", "dynamodb.us-east-1.amazonaws.com"), Keys("key", "secret")
    return {
        "decode": Job(lambda: list(Page(page))),
        "decode, no two alike": Job(lambda: list(Page(unlike))),
        "encode": micro.encoding(
            lambda: batch_request(TABLE, [batch_member(TABLE, put_item(item)) for item in batch]).body
        ),
        "compile condition": micro.compiling(lambda: compiled_condition(built_condition())),
        "compile condition, reused": micro.compiling(lambda: compiled_condition(condition)),
        "compile condition, new shape": micro.compiling(lambda: compiled_condition(built_condition(micro.new_name()))),
        "compile update": micro.compiling(lambda: compiled_update(built_update())),
        "compile update, reused": micro.compiling(lambda: compiled_update(change)),
        "sign": Job(lambda: "Authorization" in signer.headers("PutItem", micro.body, keys, time.time())),
    }


def compiled_condition(condition: Condition) -> str:
    """The members of a condition, made as in requests; known shapes come from the cache."""
    return "{" + ",".join(expression_members(("ConditionExpression", lower_condition(TABLE, condition)))) + "}"


def compiled_update(change: Update) -> str:
    """The members of an update, made as in requests."""
    return "{" + ",".join(expression_members(("UpdateExpression", lower_update(TABLE, change)))) + "}"
