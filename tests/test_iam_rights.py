"""The page about IAM rights names, for each function, the actions that its requests need."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from export_folders import STAMP, written
from places import DOCS
from public import NAMES

import flyexpr
from flyexpr import (
    ConditionFailed,
    DynamoError,
    GlobalIndex,
    Table,
    TransactionCancelled,
    VectorIndex,
    assign,
    batch_get,
    batch_write,
    condition_check,
    connect,
    count,
    create_table,
    delete_item,
    delete_matching,
    delete_table,
    describe_table,
    epoch,
    eq,
    exists,
    first,
    get_item,
    incr,
    modify,
    near,
    not_exists,
    one,
    put_all,
    put_item,
    query,
    run,
    scan,
    search,
    transact_get,
    transact_modify,
    transact_write,
    update_item,
    update_matching,
    update_table,
)
from flyexpr.events import apply_export, follow, undo, watch
from flyexpr.values.encode import encode_item

KEY = ("ada", "a")
ITEM = {"user": "ada", "id": "a", "n": 1}
SECOND, OTHER, GONE = {**ITEM, "id": "b"}, {**ITEM, "n": 0}, {**ITEM, "id": "z"}
ONE, MANY = query(eq("user", "ada") & eq("id", "a")), query(eq("user", "ada"))


def each_item(change: Callable[[dict[str, Any]], Any]) -> Callable[[Table], Any]:
    return lambda table: modify(table, KEY, change)


def changed_two(table: Table, change: Callable[..., Any]) -> Any:
    return transact_modify([(table, KEY), (table, ("ada", "b"))], change)


def searched(table: Table) -> None:
    docs = replace(table, indexes=[VectorIndex("ByMeaning", "embedding", 2)])
    with suppress(DynamoError):  # of an engine without such an index
        run(docs, search(near("embedding", [1, 2])))


def journaled(work: Callable[[Table, Path], Any]) -> Callable[[Table], Any]:
    def way(table: Table) -> None:
        with TemporaryDirectory() as folder:
            work(table, Path(folder) / "journal")

    return way


def continued(table: Table, journal: Path) -> None:
    """Puts that go on after a lost answer."""

    def losing(operation: str, body: bytes) -> bytes:
        answer = table.engine(operation, body)
        if operation == "PutItem":
            raise DynamoError.of("ConnectionFailed", "no answer")
        return answer

    new = [{"user": "new", "id": str(number)} for number in range(3)]
    with suppress(flyexpr.ConnectionFailed):
        put_all(table.on(losing), new, condition=not_exists("id"), journal=journal)
    put_all(table, new, condition=not_exists("id"), journal=journal)


def with_export(work: Callable[[Table, Path], Any], *changes: tuple[Any, Any]) -> Callable[[Table], Any]:
    """Work with an incremental export of changes: what each item was, and what it is."""

    def line(old: Any, new: Any) -> bytes:
        images = {"OldImage": old, "NewImage": new, "Keys": {name: (old or new)[name] for name in ("user", "id")}}
        wire = {name: json.loads(encode_item(item)) for name, item in images.items() if item}
        return json.dumps({"Metadata": {"WriteTimestampMicros": {"N": f"{STAMP}"}}, **wire}).encode()

    def way(table: Table) -> None:
        with TemporaryDirectory() as folder:
            about = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES"}
            place = written(Path(folder) / "export", [line(*change) for change in changes], data="data", **about)
            work(table, place)

    return way


WAYS: dict[str, list[Callable[[Table], Any]]] = {
    "get": [lambda t: flyexpr.get(t, KEY)],
    "get_item": [lambda t: run(t, get_item(KEY))],
    "put": [lambda t: flyexpr.put(t, ITEM), lambda t: flyexpr.put(t, ITEM, returns="NEW")],
    "put_item": [lambda t: run(t, put_item(ITEM, condition=not_exists("id")))],
    "update": [
        lambda t: flyexpr.update(t, KEY, incr("n")),
        lambda t: flyexpr.update(t, KEY, incr("n"), condition=eq("n", 9)),
    ],
    "update_item": [lambda t: run(t, update_item(KEY, assign("a.b", 1, parents=True)))],
    "delete": [lambda t: flyexpr.delete(t, KEY)],
    "delete_item": [lambda t: run(t, delete_item(KEY, condition=exists("id")))],
    "query": [
        lambda t: list(run(t, ONE)),
        lambda t: list(run(t, MANY)),
        lambda t: list(run(t, query(eq("place", "x")))),
    ],
    "first": [lambda t: first(t, ONE), lambda t: first(t, MANY)],
    "one": [lambda t: one(t, ONE), lambda t: one(t, MANY)],
    "count": [lambda t: count(t, ONE), lambda t: count(t, MANY)],
    "scan": [lambda t: list(run(t, scan())), lambda t: list(run(t, scan(segments=2))), lambda t: count(t, scan())],
    "search": [searched],
    "batch_get": [lambda t: run(t, batch_get([KEY]))],
    "batch_write": [
        lambda t: run(t, batch_write([put_item(ITEM), delete_item(("x", "y"))])),
        journaled(lambda t, j: run(t, batch_write([put_item(ITEM)]), journal=j)),
    ],
    "put_all": [
        lambda t: put_all(t, [ITEM]),
        lambda t: put_all(t, [ITEM], condition=exists("id")),
        journaled(lambda t, j: put_all(t, [ITEM], journal=j)),
        journaled(continued),
        lambda t: put_all(replace(t, version="v"), [{"user": "v", "id": "v"}]),
    ],
    "update_matching": [
        *(lambda t, read=read: update_matching(t, read, incr("n")) for read in (ONE, MANY, scan())),
        journaled(lambda t, j: update_matching(t, MANY, incr("n"), journal=j)),
        journaled(lambda t, j: update_matching(t, MANY, assign("n", 1), journal=j)),
    ],
    "delete_matching": [
        *(lambda t, read=read: delete_matching(t, read) for read in (ONE, MANY, scan())),
        journaled(lambda t, j: delete_matching(t, MANY, journal=j)),
    ],
    "modify": [
        each_item(lambda item: {**item, "n": 2}),
        each_item(lambda item: {}),
        lambda t: modify(t, ("new", "new"), lambda item: {**item, "n": 2}),
    ],
    "transact_get": [lambda t: transact_get([(t, get_item(KEY))])],
    "transact_get_items": [lambda t: run(flyexpr.transact_get_items([(t, get_item(KEY))]))],
    "transact_write": [
        lambda t: transact_write(
            [
                (t, put_item({"user": "x", "id": "1"})),
                (t, update_item(("x", "2"), incr("n"))),
                (t, delete_item(("x", "3"))),
                (t, condition_check(("x", "4"), not_exists("id"))),
            ]
        )
    ],
    "condition_check": [lambda t: transact_write([(t, condition_check(("x", "4"), not_exists("id")))])],
    "transact_modify": [
        lambda t: changed_two(t, lambda items: [{**items[0], "n": 5}, items[1]]),
        lambda t: changed_two(t, lambda items: [{}, {**items[1], "n": 6}]),
        lambda t: transact_modify([(t, KEY), (t, ("new", "new"))], lambda items: [{**item, "n": 7} for item in items]),
    ],
    "create_table": [
        lambda t: run(replace(t, name="Other"), create_table()),
        lambda t: run(t, create_table(if_missing=True)),
        lambda t: run(Table("Tagged", "id", tags={"team": "blue"}).on(t.engine), create_table()),
    ],
    "update_table": [
        lambda t: run(replace(t, ttl=None), update_table()),
        lambda t: run(replace(t, indexes=[*t.indexes, GlobalIndex("ByOther", "other")]), update_table()),
    ],
    "watch": [lambda t: list(watch(t, since="beginning", budget={"requests": 4}))],
    "follow": [
        lambda t: follow(t, t.named("Target"), lambda change: None, budget={"requests": 6}, checkpoint=("f", "f")),
    ],
    "undo": [
        lambda t: undo(t, since="beginning", quiet=0, dry_run=True),
        with_export(lambda t, folder: undo(t, export=folder), (OTHER, ITEM), (GONE, None), (None, SECOND)),
    ],
    "apply_export": [
        with_export(lambda t, folder: apply_export(t, folder), (ITEM, OTHER), (None, GONE), (SECOND, None)),
        with_export(lambda t, folder: apply_export(t, folder, journal=folder / "journal"), (ITEM, OTHER)),
    ],
    "describe_table": [lambda t: run(t, describe_table())],
    "delete_table": [lambda t: run(t, delete_table())],
}
WAYS["transact_write_items"] = WAYS["transact_write"]


def rows() -> Iterator[tuple[str, set[str]]]:
    """Each function of the page's table, and its actions."""
    for line in (DOCS / "how-to/iam-rights.md").read_text().splitlines():
        if line.startswith("| `"):
            functions, actions, _ = line.removeprefix("|").removesuffix("|").split("|")
            yield from ((name, {*re.findall(r"`(\w+)`", actions)}) for name in re.findall(r"`(\w+)`", functions))


ROWS = dict(rows())


def actions_of(operation: str, body: bytes) -> set[str]:
    """The actions that IAM asks for: for a transaction, those of the operations in it."""
    wire = json.loads(body)
    if operation == "CreateTable" and "Tags" in wire:
        return {"CreateTable", "TagResource"}
    if "TransactItems" not in wire:
        return {operation}
    named = {"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
    return {named.get(action, "ConditionCheckItem") for entry in wire["TransactItems"] for action in entry}


@pytest.mark.parametrize("function", WAYS)
def test_the_row_names_what_is_sent(function: str) -> None:
    needed: set[str] = set()

    with connect("sqlite::memory:") as engine:

        def noting(operation: str, body: bytes) -> bytes:
            needed.update(actions_of(operation, body))
            return engine(operation, body)

        scores = Table(
            "Notes",
            "user",
            "id",
            attributes={"until": epoch},
            ttl="until",
            indexes=[GlobalIndex("ByPlace", "place")],
            stream="both",
        )
        run(scores.on(engine), create_table())
        run(scores.named("Target").on(engine), create_table())
        for way in WAYS[function]:
            flyexpr.put(scores.on(engine), ITEM)
            flyexpr.put(scores.on(engine), SECOND)
            with suppress(ConditionFailed, TransactionCancelled, flyexpr.SeveralFound):
                way(scores.on(noting))
    assert needed == ROWS[function]


def test_every_function_that_sends_has_a_row() -> None:
    from flyexpr.requests import constructors

    acting = {name for name, value in NAMES.items() if getattr(value, "__module__", "") == "flyexpr.sync"}
    acting -= {name for name in acting if not inspect.isfunction(NAMES[name])} | {"run"}
    built = {name for name in flyexpr.__all__ if getattr(NAMES[name], "__module__", "") == constructors.__name__}
    built -= {"near"}  # a part of a search
    assert {*ROWS} == acting | built | {"watch", "follow", "undo", "apply_export"} == {*WAYS}
