"""Transactions, batches, modify and changes of whole queries, on every engine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import kept
import pytest
from engines import Engine

from flyexpr import (
    ConditionFailed,
    GlobalIndex,
    Table,
    TransactionCancelled,
    assign,
    batch_get,
    batch_write,
    computed,
    condition_check,
    count,
    create_table,
    delete_item,
    delete_matching,
    describe_table,
    diff,
    epoch,
    eq,
    exists,
    first,
    get,
    get_item,
    gt,
    incr,
    lt,
    modify,
    not_exists,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    template,
    transact_get,
    transact_modify,
    transact_write,
    unchanged,
    update,
    update_item,
    update_matching,
    update_table,
)

engine_name, engine = kept.engine_name, kept.engine

no_transactions = pytest.mark.engine_fault("dynalite", reason="has no transactions")


@pytest.fixture
def accounts(engine: Engine, fresh_name: str) -> Table:
    """Three accounts: a with 10, b with 0, c with 5."""
    table = Table(fresh_name, "id", attributes={"balance": int}).on(engine)
    run(table, create_table())
    items = [{"id": "a", "balance": 10}, {"id": "b", "balance": 0}, {"id": "c", "balance": 5}]
    run(table, batch_write(map(put_item, items)))
    return table


def balances(table: Table) -> dict[str, int]:
    return {item["id"]: item["balance"] for item in run(table, scan(consistent=True))}


# --- transactions


@no_transactions
def test_a_transaction_does_everything(accounts: Table) -> None:
    transact_write(
        [
            (accounts, update_item("a", incr("balance", -3), condition=gt("balance", 2))),
            (accounts, put_item({"id": "d", "balance": 3}, condition=not_exists("id"))),
            (accounts, delete_item("b")),
            (accounts, condition_check("c", exists("id"))),
        ]
    )
    assert balances(accounts) == {"a": 7, "c": 5, "d": 3}


@no_transactions
def test_a_transaction_does_nothing_when_one_condition_is_false(accounts: Table) -> None:
    with pytest.raises(TransactionCancelled) as caught:
        transact_write(
            [
                (accounts, update_item("a", incr("balance", 3))),
                (accounts, condition_check("c", gt("balance", 100))),
                (accounts, delete_item("b", condition=eq("balance", 1))),
            ]
        )
    assert balances(accounts) == {"a": 10, "b": 0, "c": 5}
    fine, *failed = caught.value.reasons
    assert fine is None
    assert [type(reason) for reason in failed] == [ConditionFailed, ConditionFailed]


@no_transactions
def test_a_transaction_goes_over_tables(accounts: Table, engine: Engine, fresh_name: str) -> None:
    log = Table(f"{fresh_name}-log", "at", attributes={"at": int}).on(engine)
    run(log, create_table())
    transact_write([(accounts, update_item("a", incr("balance"))), (log, put_item({"at": 1, "what": "a+1"}))])
    assert transact_get([(log, get_item(1)), (accounts, get_item("a")), (accounts, get_item("no"))]) == [
        {"at": 1, "what": "a+1"},
        {"id": "a", "balance": 11},
        None,
    ]


@no_transactions
@pytest.mark.engine_fault("moto", "moto-server", reason="forgets the token")
def test_a_transaction_sent_twice_is_done_once(accounts: Table) -> None:
    for _ in range(2):
        transact_write([(accounts, update_item("a", incr("balance")))], token=accounts.name)
    assert balances(accounts)["a"] == 11


# --- batches and whole queries


def test_a_batch_of_reads_keeps_the_order_of_its_keys(accounts: Table) -> None:
    run(accounts, batch_write(put_item({"id": f"{n}", "balance": n}) for n in range(230)))
    keys = [*(f"{n}" for n in range(229, -1, -1)), "missing", "5"]
    found = run(accounts, batch_get(keys, project=["balance"], consistent=True))
    assert found == [*({"balance": n} for n in range(229, -1, -1)), None, {"balance": 5}]


def test_all_that_a_read_gives_is_updated_or_removed(accounts: Table) -> None:
    poor = scan(lt("balance", 6) & not_exists("poor"))
    assert update_matching(accounts, poor, assign("poor", True), dry_run=True) == 2
    assert count(accounts, scan(exists("poor"))) == 0
    assert update_matching(accounts, poor, assign("poor", True)) == 2
    assert update_matching(accounts, poor, assign("poor", True)) == 0
    assert delete_matching(accounts, scan(exists("poor"))) == 2
    assert balances(accounts) == {"a": 10}


@pytest.mark.parametrize("segments", [1, 3])
def test_a_scan_in_segments_reads_everything_once(accounts: Table, segments: int) -> None:
    run(accounts, batch_write(put_item({"id": f"{n}", "balance": n}) for n in range(60)))
    items = run(accounts, scan(gt("balance", 9), segments=segments, page_size=7))
    assert sorted(item["balance"] for item in items) == sorted([10, *range(10, 60)])


# --- read, change, write


def test_modify_writes_what_a_function_makes(accounts: Table) -> None:
    assert modify(accounts, "a", lambda item: {**item, "tags": {"new"}}) == {"id": "a", "balance": 10, "tags": {"new"}}
    assert modify(accounts, "new", lambda item: {**item, "balance": 1}) == {"id": "new", "balance": 1}
    assert modify(accounts, "b", lambda item: {}) is None
    assert balances(accounts) == {"a": 10, "c": 5, "new": 1}


@pytest.mark.engine_fault(
    "moto", "moto-server", reason="updates of several threads run into each other", sometimes=True
)
def test_modify_loses_no_change_of_others(accounts: Table) -> None:
    def doubled(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "balance": item["balance"] * 2}

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: modify(accounts, "a", doubled, attempts=100), range(12)))
    assert balances(accounts)["a"] == 10 * 2**12


@no_transactions
def test_several_items_are_modified_together(accounts: Table) -> None:
    def pay(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        payer, payee = items
        return [{**payer, "balance": payer["balance"] - 4}, {**payee, "balance": payee["balance"] + 4}]

    transact_modify([(accounts, "a"), (accounts, "b")], pay)
    assert balances(accounts) == {"a": 6, "b": 4, "c": 5}


@pytest.mark.engine_fault("dynalite", reason="no two lists or maps are equal, so the guard is never true")
def test_a_difference_makes_the_new_item_of_the_old(accounts: Table) -> None:
    old = {"id": "x", "balance": 1, "info": {"a": 1, "b": [1, 2, 3], "c": "x"}, "tags": {"p", "q"}, "gone": 1}
    new = {"id": "x", "balance": 2, "info": {"a": 1, "b": [1, 9], "d": {}}, "tags": {"q", "r"}}
    put(accounts, old)
    assert update(accounts, "x", diff(old, new), condition=unchanged(old), returns="ALL_NEW") == new
    with pytest.raises(ConditionFailed):
        update(accounts, "x", diff(old, new), condition=unchanged(old, "balance", "gone"))


def test_missing_parents_are_made(accounts: Table) -> None:
    update(accounts, "a", assign("info.seen.by", "me", parents=True))
    update(accounts, "a", assign("info.seen.at", 1, parents=True))
    update(accounts, "new", assign("x.y.z", 1, parents=True))
    assert get(accounts, "a") == {"id": "a", "balance": 10, "info": {"seen": {"by": "me", "at": 1}}}
    assert get(accounts, "new") == {"id": "new", "x": {"y": {"z": 1}}}


def test_a_version_refuses_a_stale_put(accounts: Table) -> None:
    table = replace(accounts, version="version")
    put(table, {"id": "v", "balance": 1})
    mine, yours = get(table, "v"), get(table, "v")
    assert mine is not None
    assert yours is not None
    assert mine["version"] == 1
    put(table, {**mine, "balance": 2})
    with pytest.raises(ConditionFailed):
        put(table, {**yours, "balance": 3})
    assert get(table, "v") == {"id": "v", "balance": 2, "version": 2}


# --- derived keys, and tables that change


def low(score: int) -> "str | None":
    return "low" if score < 10 else None


def test_derived_keys_are_filled_in_and_found(engine: Engine, fresh_name: str) -> None:
    table = Table(
        fresh_name,
        "pk",
        "sk",
        attributes={"pk": template("{kind}:{id}"), "sk": template("{n:03d}"), "n": int, "mark": computed(low, "n")},
        indexes=[GlobalIndex("Low", "mark", "sk")],
    ).on(engine)
    run(table, create_table())
    run(table, batch_write(put_item({"kind": "a", "id": "1", "n": n}) for n in (2, 30, 4)))
    assert [item["n"] for item in run(table, query(eq("kind", "a") & eq("id", "1")))] == [2, 4, 30]
    assert [item["sk"] for item in run(table, query(eq("mark", "low"), reverse=True))] == ["004", "002"]
    found = first(table, query(eq("kind", "a") & eq("id", "1") & eq("n", 4)))
    assert found == {"pk": "a:1", "sk": "004", "kind": "a", "id": "1", "n": 4, "mark": "low"}


@pytest.mark.engine_fault("dynalite", reason="wants throughput for a new index of an on-demand table")
def test_an_index_is_added_to_a_table_and_taken_away(accounts: Table) -> None:
    index = GlobalIndex("ByOwner", "owner")
    put(accounts, {"id": "o", "balance": 1, "owner": "me"})
    wider = replace(accounts, indexes=[index])
    assert len(run(wider, update_table(dry_run=True))) == 1
    assert run(accounts, describe_table()).indexes == ()
    assert len(run(wider, update_table())) == 1
    assert run(wider, update_table()) == []
    assert run(accounts, describe_table()).indexes == (index,)
    assert first(wider, query(eq("owner", "me"))) == {"id": "o", "balance": 1, "owner": "me"}
    assert run(accounts, update_table()) == []
    run(accounts, update_table(drop=True))
    assert run(accounts, describe_table()).indexes == ()


@pytest.mark.engine_fault("dynalite", reason="has no time to live")
def test_time_to_live_is_set_with_the_table(engine: Engine, fresh_name: str) -> None:
    table = Table(fresh_name, "id", attributes={"until": epoch}, ttl="until").on(engine)
    run(table, create_table())
    assert run(table, describe_table()).ttl == "until"
    item = {"id": "a", "until": datetime(2100, 1, 1, tzinfo=timezone.utc)}
    put(table, item)
    assert get(table, "a") == item
    update(table, "a", remove("until"))
    assert get(table, "a") == {"id": "a"}
