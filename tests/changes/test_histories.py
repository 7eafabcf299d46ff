"""The laws of changes, on random histories of a table.

What the stream says, done to an empty table, gives the table. What is taken back is as it was before. A filter for
Lambda lets every change through for which its condition holds. A follower that dies at any request does each change
once. And the past that is read is the one that was.
"""

import json
import random
from datetime import datetime, timezone
from typing import Any

import pytest
from lambda_matching import lets_through

from flyexpr import (
    Condition,
    ExpressionError,
    Table,
    all_of,
    any_of,
    assign,
    begins_with,
    connect,
    create_table,
    delete,
    eq,
    exists,
    gt,
    incr,
    is_in,
    ne,
    not_exists,
    put,
    put_item,
    remove,
    run,
    scan,
    to_wire,
    transact_write,
    update,
    update_item,
)
from flyexpr.events import Change, appeared, changed, event_filter, follow, old, undo, was, watch
from flyexpr.steps.many.images import is_same

ORDERS = Table("Orders", "id", stream="both", attributes={"n": int, "s": str, "info": dict[str, int], "tags": set[str]})
SUMS = Table("Sums", "id", attributes={"n": int, "orders": int})
BUDGET: Any = {"requests": 14}
SHARDS = ["", "?shards=3", "?shards=2&shard_time=0.002s", "?shard_time=0.004s"]
KEYS = "abcde"


class Killed(BaseException):
    """The process ends here."""


def written(orders: Table[Any], dice: random.Random) -> None:
    """One write, or a transaction of two."""
    key, other = dice.sample(KEYS, 2)
    match dice.randrange(7):
        case 0:
            delete(orders, key)
        case 1:
            update(orders, key, assign("n", dice.randrange(4)))
        case 2:
            update(orders, key, assign("s", dice.choice(["x", "xy", ""])) + remove("n"))
        case 3:
            update(orders, key, assign("tags", {dice.choice("xyz"), "x"}) + assign("info", {"x": dice.randrange(2)}))
        case 4:
            pair = put_item(drawn(dice, key)), update_item(other, assign("n", dice.randrange(4)))
            transact_write([(orders, each) for each in pair])
        case _:
            put(orders, drawn(dice, key))


def drawn(dice: random.Random, key: str) -> dict[str, Any]:
    values = {"n": dice.randrange(4), "s": dice.choice(["x", "xy", ""]), "info": {"x": 1}, "tags": {"x", "y"}}
    return {"id": key, **{name: value for name, value in values.items() if dice.randrange(2)}}


def contents(table: Table[Any]) -> dict[str, Any]:
    return {item["id"]: item for item in run(table, scan(not_exists("follow_cursor")))}


def condition(dice: random.Random, depth: int = 2) -> Condition:
    """Any condition on a change."""
    if depth and dice.randrange(3):
        parts = [condition(dice, depth - 1) for _ in range(2)]
        return dice.choice([all_of(*parts), any_of(*parts), ~parts[0]])
    leaf = dice.choice(
        [
            eq("n", dice.randrange(4)),
            ne("n", dice.randrange(4)),
            gt("n", 1),
            is_in("s", ["x", "y"]),
            begins_with("s", "x"),
            eq("info.x", 1),
            exists(dice.choice(["n", "s", "id", "info.x"])),
            not_exists(dice.choice(["n", "s", "id", "tags"])),
            eq("id", dice.choice(KEYS)),
        ]
    )
    path = dice.choice(["n", "s", "id", "info", "tags"])
    return dice.choice([leaf, was(leaf), changed(path), appeared(path), gt("n", old("n"))])


def record_of(change: Change) -> Any:
    sides = {"OldImage": change.old, "NewImage": change.new, "Keys": change.key}
    image = {name: to_wire(change.by, item) for name, item in sides.items() if item is not None}
    return json.loads(json.dumps({"eventName": change.kind, "dynamodb": image}))


def filters_drop_nothing(changes: list[Change], dice: random.Random) -> None:
    for _ in range(3):
        wanted = condition(dice)
        try:
            criteria: Any = event_filter(wanted, ORDERS)
        except ExpressionError as error:
            if "no change can match" not in str(error):
                continue  # no filter can say it
            criteria = {"Filters": []}
        for change in changes:
            assert lets_through(criteria, record_of(change)) or not change.matches(wanted)


def watched(orders: Table[Any]) -> list[Change]:
    found: list[Change] = []
    since = "beginning"
    while True:
        watching = watch(orders, since=since, budget=BUDGET, poll=0)
        taken = list(watching)
        if not taken:
            return found
        found, since = [*found, *taken], watching.cursor or ""


def replayed(changes: list[Change]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for change in changes:
        assert is_same(found.get(change.key["id"]), change.old)
        found.pop(change.key["id"], None)
        if change.new is not None:
            found[change.key["id"]] = change.new
    return found


def added(change: Change) -> Any:
    """What a change adds to the sums by `s`."""
    sums: dict[str, list[int]] = {}
    for item, sign in ((change.old, -1), (change.new, 1)):
        if item is not None:
            total = sums.setdefault("s" + item.get("s", "none"), [0, 0])
            total[0] += sign
            total[1] += sign * item.get("n", 0)
    return [update_item(name, incr("orders", n) + incr("n", sum_)) for name, (n, sum_) in sums.items()]


def followed(orders: Table[Any], sums: Table[Any], dice: random.Random) -> None:
    """Followers that die before or after a request, one after the other, until one is through."""
    deaths = dice.randrange(4)
    while True:
        left = dice.randrange(1, 25) if deaths else -1
        deaths -= 1

        def dying(operation: str, body: bytes) -> bytes:
            nonlocal left
            left -= 1
            if left == 0 and dice.randrange(2):
                raise Killed
            answer: bytes = orders.bound(operation, body)
            if left == 0:
                raise Killed
            return answer

        try:
            while follow(orders.on(dying), sums.on(dying), added, budget=BUDGET, poll=0):
                pass
            return
        except Killed:
            pass


def summed(items: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, list[int]] = {}
    for item in items.values():
        total = found.setdefault("s" + item.get("s", "none"), [0, 0])
        total[0] += 1
        total[1] += item.get("n", 0)
    return found


def sums_of(sums: Table[Any]) -> dict[str, Any]:
    found = {key: [item["orders"], item["n"]] for key, item in contents(sums).items()}
    return {key: pair for key, pair in found.items() if pair != [0, 0]}


def check(seed: int) -> int:
    """All laws on one history; how many changes it has."""
    dice = random.Random(seed)
    with connect(f"sqlite::memory:{dice.choice(SHARDS)}") as engine:
        orders, sums = ORDERS.on(engine), SUMS.on(engine)
        run(orders, create_table())
        run(sums, create_table())
        for _ in range(dice.randrange(8)):
            written(orders, dice)
        cursor, before, moment = watch(orders).cursor, contents(orders), datetime.now(timezone.utc)
        for _ in range(dice.randrange(1, 12)):
            written(orders, dice)
        after = contents(orders)
        changes = watched(orders)
        assert replayed(changes) == after
        assert contents(orders.at(moment)) == before
        filters_drop_nothing(changes, dice)
        followed(orders, sums, dice)
        assert sums_of(sums) == summed(after)
        wanted = sum(not is_same(before.get(key), after.get(key)) for key in {*before, *after})
        assert undo(orders, cursor, quiet=0) == wanted
        assert contents(orders) == before
        followed(orders, sums, dice)
        assert sums_of(sums) == summed(before)
        return len(changes)


def test_the_laws_hold() -> None:
    assert sum(map(check, range(30))) > 150


@pytest.mark.slow
@pytest.mark.parametrize("part", range(7))
def test_the_laws_hold_on_many_histories(part: int) -> None:
    assert sum(map(check, range(500 * part, 500 * part + 500))) > 2500
