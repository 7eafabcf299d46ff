"""What is left out is as if its default were written; functions that act promise theirs in their signature."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from flyexpr import (
    Table,
    aio,
    assign,
    batch_get,
    create_table,
    decr,
    delete_table,
    diff,
    eq,
    events,
    get_item,
    incr,
    near,
    query,
    scan,
    search,
    to_arrow,
    update_table,
    vector,
)
from flyexpr import sync as plain
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.events import event_filter
from flyexpr.serve import serve
from flyexpr.steps.stats import Stats

NEAR = near("v", [1.0, 2.0])
OLD, NEW = {"n": 1, "a": {"b": 1}}, {"n": 2, "a": {"b": 2}}
VALUES: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (
        query,
        (eq("a", 1),),
        {"reverse": False, "consistent": False, "prefetch": False, "limit": None, "page_size": None},
    ),
    (query, (eq("a", 1),), {"index": None, "project": None, "start": None, "budget": None, "part": None}),
    (scan, (eq("a", 1),), {"consistent": False, "prefetch": False, "limit": None, "page_size": None, "segments": None}),
    (scan, (), {"index": None, "project": None, "start": None, "budget": None, "part": None}),
    (search, (NEAR,), {"top": 10, "wide": False, "wait": 0.0, "index": None, "project": None}),
    (get_item, ("a",), {"consistent": False, "project": None}),
    (batch_get, (["a"],), {"consistent": False, "project": None}),
    (create_table, (), {"wait": True, "if_missing": False}),
    (delete_table, (), {"wait": True}),
    (update_table, (), {"drop": False, "dry_run": False}),
    (assign, ("a.b", 1), {"parents": False}),
    (incr, ("a",), {"by": 1}),
    (decr, ("a",), {"by": 1}),
    (diff, (OLD, NEW), {"incr": False}),
    (vector, (3,), {"numpy": False}),
    (event_filter, (eq("a", 1), Table("things", "id", attributes={"id": str, "a": int})), {"exact": False}),
    (Table, ("t", "id"), {"attributes": {}, "indexes": (), "strict": False, "deletion_protection": False}),
    (Stats, (), {"requests": 0, "examined": 0, "returned": 0, "capacity": 0.0, "write_capacity": 0.0}),
]


@pytest.mark.parametrize(
    "made, arguments, name, value",
    [(made, arguments, name, value) for made, arguments, named in VALUES for name, value in named.items()],
)
def test_what_is_left_out(made: Callable[..., Any], arguments: tuple[Any, ...], name: str, value: Any) -> None:
    left_out = made(*arguments)
    assert left_out == made(*arguments, **{name: value})
    assert repr(left_out) == repr(made(*arguments, **{name: value}))


PROMISED: dict[str, dict[str, Any]] = {
    "run": {"stats": None, "workers": 1, "rate": None, "progress": None, "journal": None},
    "get": {"consistent": False},
    "modify": {"attempts": 10},
    "transact_modify": {"attempts": 10},
    "put_all": {"workers": 1, "rate": None, "journal": None},
    "delete_matching": {"dry_run": False, "workers": 1, "rate": None, "journal": None},
    "update_matching": {"dry_run": False, "workers": 1, "rate": None, "journal": None},
    "watch": {"since": "latest", "budget": None, "poll": 1.0, "part": None},
    "follow": {"poll": 1.0},
    "apply_export": {"overwrite": False, "dry_run": False, "workers": 1},
    "undo": {"dry_run": False, "quiet": 2.0, "workers": 1},
    "serve": {"port": 0, "host": "127.0.0.1", "hosts": (), "console": None, "workers": 1, "read_only": False},
    "to_arrow": {"rows": 10_000},
    "SqliteEngine": {"shards": 1, "indexing": 0.0},
}
OTHERS: dict[str, Any] = {"serve": serve, "to_arrow": to_arrow, "SqliteEngine": SqliteEngine}


@pytest.mark.parametrize("name", PROMISED)
def test_what_a_signature_promises(name: str) -> None:
    doors = [getattr(door, name) for door in (plain, aio, events) if hasattr(door, name)] or [OTHERS[name]]
    for function in doors:
        parameters = inspect.signature(function).parameters
        assert {one: parameters[one].default for one in PROMISED[name] if one in parameters} == PROMISED[name]
