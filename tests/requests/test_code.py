"""What `repr` shows of operations: the calls that make them."""

from typing import Any

import pytest
from public import NAMES

from flyexpr import Table, batch_write, put_item, query, scan, transact_get_items, transact_write_items
from flyexpr.requests.operations import Operation

CALLS = [
    "query(eq('userid', 'abc') & gt('top_score', 9000), index='ByScore', reverse=True, limit=10)",
    "query(eq('a', 1), project=['wins', 'info.rating', F['odd.name']], consistent=True, page_size=5)",
    "query(eq('a', 1), start='x', budget={'requests': 10, 'seconds': 2.5})",
    "query(eq('a', 1), prefetch=True)",
    "scan()",
    "scan(contains('tags', 'new'), segments=4)",
    "scan(limit=3)",
    "get_item('abc')",
    "get_item(('abc', 1.5), project=['wins'], consistent=True)",
    "put_item({'userid': 'abc', 'tags': {'a', 'b'}, 'n': [1, None, b'x']})",
    "put_item({'userid': 'abc'}, condition=not_exists('userid'), returns='ALL_OLD')",
    "update_item({'userid': 'abc', 'title': 'x'}, remove('a') + incr('wins'), condition=gt('wins', 0))",
    "update_item('abc', assign('a', F.b), returns='ALL_NEW')",
    "delete_item('abc')",
    "delete_item(('abc', 'x'), condition=exists('a'), returns='ALL_OLD')",
    "condition_check('abc', exists('userid'))",
    "batch_get(['a', ('b', 1)], project=['wins'])",
    "batch_write([put_item({'userid': 'a'}), delete_item('b')])",
    "transact_write_items([])",
    "search(near('v', [1, 0.5]), eq('lang', 'en'), top=3, project=['title'], wide=True)",
    "create_table()",
    "create_table(wait=False)",
    "create_table(if_missing=True)",
    "delete_table(wait=False)",
    "update_table(drop=True, dry_run=True)",
    "describe_table()",
]


@pytest.mark.parametrize("call", CALLS)
def test_an_operation_prints_as_the_call_that_makes_it(call: str) -> None:
    operation = eval(call, dict(NAMES))
    assert repr(operation) == str(operation) == call
    assert eval(repr(operation), dict(NAMES)) == operation


def test_every_operation_is_among_them() -> None:
    made = {type(eval(call, dict(NAMES))) for call in [*CALLS, "transact_get_items([])"]}
    kinds = {kind for base in (Operation, *Operation.__subclasses__()) for kind in base.__subclasses__()}
    assert {kind for kind in kinds if hasattr(kind, "__match_args__")} <= made


def test_a_transaction_names_its_tables() -> None:
    table = Table("Shop", "id", "sort")
    write = transact_write_items([(table, put_item({"id": "a", "sort": "b"}))], token="once")
    assert repr(write) == (
        "transact_write_items([(<Table Shop (id, sort), not bound>, put_item({'id': 'a', 'sort': 'b'}))], token='once')"
    )
    assert repr(transact_get_items([(table, NAMES["get_item"](("a", "b")))])) == (
        "transact_get_items([(<Table Shop (id, sort), not bound>, get_item(('a', 'b')))])"
    )


def test_what_is_long_is_cut() -> None:
    large = put_item({"id": "a", "text": "x" * 400_000}, returns="ALL_OLD")
    assert repr(large) == f"put_item({{'id': 'a', 'text': '{'x' * 100}…' (400,000 characters)}}, returns='ALL_OLD')"
    many = repr(batch_write([put_item({"id": f"item {number}"}) for number in range(1000)]))
    assert many.startswith("batch_write([put_item({'id': 'item 0'}), put_item({'id': 'item 1'}), ")
    assert many.endswith("… 966 more])")
    wide = repr(put_item({f"attribute {number}": number for number in range(1000)}))
    assert wide.startswith("put_item({'attribute 0': 0, 'attribute 1': 1, ")
    assert wide.endswith(" more})")
    assert len(many) < 1200
    assert len(wide) < 1200


def test_an_iterator_is_not_used_up() -> None:
    writes = (put_item({"id": name}) for name in "ab")
    operation = batch_write(writes)
    assert repr(operation) == "batch_write(<generator>)"
    assert len(list(writes)) == 2


def test_an_item_that_holds_itself_prints() -> None:
    item: dict[str, Any] = {"id": "a"}
    item["self"] = item
    assert repr(put_item(item)).startswith("put_item({'id': 'a', 'self': {'id': 'a', 'self': ")


def test_only_fields_are_completed() -> None:
    for operation in (query(NAMES["eq"]("a", 1)), scan(), put_item({"a": 1})):
        assert {name for name in dir(operation) if not name.startswith("__")} == {*operation.__match_args__}  # type: ignore[attr-defined]
