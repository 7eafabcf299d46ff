"""What is written by hand elsewhere, on every engine: tables made once, updates from dicts, keys of items, expiry."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import kept
import pytest
from engines import Engine
from scripted import Recording

from flyexpr import (
    Attribute,
    ConditionFailed,
    F,
    GlobalIndex,
    Table,
    TableExists,
    assign_all,
    computed,
    count,
    create_table,
    delete,
    describe_table,
    epoch,
    eq,
    explain,
    get,
    key_of,
    live,
    not_exists,
    put,
    put_item,
    query,
    request,
    run,
    scan,
    template,
    update,
)

engine_name, engine = kept.engine_name, kept.engine

SCORES = Table("scores", "userid", "title", attributes={"top_score": int})
KEY = ("abc", "Comet Quest")
ITEM = {"userid": "abc", "title": "Comet Quest", "top_score": 150}


@pytest.fixture
def table(engine: Engine, fresh_name: str) -> Table:
    """A new, empty table."""
    made = replace(SCORES, name=fresh_name).on(engine)
    run(made, create_table())
    return made


@pytest.mark.engine_fault("dynalite", reason="has no time to live")
def test_a_program_makes_its_table_at_its_first_start(engine: Engine, fresh_name: str) -> None:
    sessions = Table(fresh_name, "id", attributes={"expires": epoch}, ttl="expires").on(engine)
    recording = Recording(engine)
    assert run(sessions.on(recording), create_table(if_missing=True)) is None
    assert "CreateTable" in recording.names
    put(sessions, {"id": "a"})
    recording = Recording(engine)
    assert run(sessions.on(recording), create_table(if_missing=True)) is None
    assert {*recording.names} == {"DescribeTable", "DescribeTimeToLive"}
    assert get(sessions, "a") == {"id": "a"}
    assert run(sessions, describe_table()).ttl == "expires"


def test_a_table_is_taken_with_the_indexes_that_it_has(table: Table) -> None:
    indexed = replace(table, indexes=[GlobalIndex("ByTitle", "title")])
    run(indexed, create_table(if_missing=True))
    assert run(table, describe_table()).indexes == ()


OTHER_KEYS: list[tuple[Table, str]] = [
    (Table("t", "userid"), "`userid` (S)"),
    (Table("t", "id", "title"), "`id` (S), `title` (S)"),
    (Table("t", "userid", "title", attributes={"title": int}), "`userid` (S), `title` (N)"),
]


@pytest.mark.parametrize("other, key", OTHER_KEYS, ids=[key for _, key in OTHER_KEYS])
def test_a_table_with_other_keys_is_not_taken(table: Table, other: Table, key: str) -> None:
    put(table, ITEM)
    with pytest.raises(TableExists) as caught:
        run(replace(other, name=table.name).on(table.bound), create_table(if_missing=True))
    text, _, hint = str(caught.value).partition("\n")
    assert text.startswith(f"there is already a table {table.name!r}")
    assert text.endswith(f", with the key `userid` (S), `title` (S) and not {key}")
    assert hint == "  hint: give this table another name, or declare the key that is there"
    assert get(table, KEY) == ITEM


def title(first: str, last: str) -> str:
    return f"{first} {last}".upper()


WHOLE = Table(
    "people",
    "pk",
    attributes={
        "pk": template("P#{number:04d}"),
        "number": int,
        "name": computed(title, "first", "last"),
        "born": date,
        "seen": Attribute(datetime, default=lambda: datetime(2026, 1, 31, tzinfo=timezone.utc)),
        "wins": Attribute(int, default=0),
    },
    version="version",
)


def test_a_put_gives_the_item_as_it_is_stored(engine: Engine, fresh_name: str) -> None:
    recording = Recording(engine)
    people = replace(WHOLE, name=fresh_name).on(recording)
    run(people, create_table())
    new = {"number": 7, "first": "Ada", "last": "King", "born": date(1815, 12, 10), "note": 1.50, "log": (1, "x")}
    before = dict(new)
    del recording.asked[:]
    made = put(people, new, returns="NEW")
    assert recording.names == ["PutItem"]
    assert "ReturnValues" not in recording.bodies[0]
    assert "ReturnValues" not in request(people, put_item(new, returns="NEW"))[1]
    assert "ReturnValues" not in explain(people, put_item(new, returns="NEW")).requests[0][1]
    assert (
        made
        == get(people, "P#0007")
        == {
            "pk": "P#0007",
            "number": 7,
            "first": "Ada",
            "last": "King",
            "name": "ADA KING",
            "born": date(1815, 12, 10),
            "seen": datetime(2026, 1, 31, tzinfo=timezone.utc),
            "wins": 0,
            "note": Decimal("1.5"),
            "log": [1, "x"],
            "version": 1,
        }
    )
    assert new == before
    again = run(people, put_item({**made, "wins": 1}, returns="NEW"))
    assert again == {**made, "wins": 1, "version": 2} == get(people, "P#0007")
    with pytest.raises(ConditionFailed):
        put(people, {**made, "wins": 5}, returns="NEW")


def test_what_a_put_gives_is_a_copy(table: Table) -> None:
    item = {**ITEM, "log": [["a"]]}
    made = put(table, item, condition=not_exists("userid"), returns="NEW")
    assert made is not None
    made["log"][0].append("b")
    assert item == {**ITEM, "log": [["a"]]}


@pytest.mark.parametrize("kind", [epoch, None], ids=["datetime", "seconds"])
def test_what_has_expired_is_read_until_it_is_removed(engine: Engine, fresh_name: str, kind: Any) -> None:
    declared = {} if kind is None else {"expires": kind}
    sessions = Table(fresh_name, "user", "id", attributes=declared, ttl="expires").on(engine)
    run(replace(sessions, ttl=None), create_table())  # so that nothing is removed meanwhile
    now = datetime.now(timezone.utc)
    for name, days in (("old", -2000), ("late", -1), ("new", 1)):
        when = now + timedelta(days=days)
        put(sessions, {"user": "ada", "id": name, "expires": when if kind else int(when.timestamp())})
    put(sessions, {"user": "ada", "id": "ever"})
    of_ada = eq("user", "ada")
    assert [item["id"] for item in run(sessions, query(of_ada & live(sessions)))] == ["ever", "new"]
    assert [item["id"] for item in run(sessions, query(of_ada & ~live(sessions)))] == ["late", "old"]
    assert count(sessions, scan(live(sessions, now + timedelta(days=2)))) == 1


@pytest.mark.engine_fault("moto", "moto-server", "dynalite", reason="cannot read NOT NOT")
def test_a_lock_comes_free_when_it_expires(engine: Engine, fresh_name: str) -> None:
    locks = Table(fresh_name, "id", attributes={"until": epoch}, ttl="until").on(engine)
    run(replace(locks, ttl=None), create_table())
    now = datetime.now(timezone.utc)
    for hours in (-2, -1, 1):
        lock = {"id": "job", "until": now + timedelta(hours=hours)}
        put(locks, lock, condition=not_exists("id") | ~live(locks))
    with pytest.raises(ConditionFailed):
        put(locks, {"id": "job"}, condition=not_exists("id") | ~live(locks))


BODIES: list[dict[str, Any]] = [
    {"a.b": 1, "c[0]": "x", "size": None},
    {"#n": "x", ":v": "y", "odd name": [{"a.b": 1}]},
    {"top_score": 7, "tags": {"new", "hot"}},
]


@pytest.mark.parametrize("body", BODIES, ids=", ".join)
def test_a_dict_of_any_names_is_one_update(table: Table, body: dict[str, Any]) -> None:
    put(table, {**ITEM, "kept": True})
    assert update(table, KEY, assign_all(body), returns="ALL_NEW") == {**ITEM, "kept": True, **body}
    assert get(table, KEY) == {**ITEM, "kept": True, **body}


def test_the_values_of_a_dict_may_be_attributes(table: Table) -> None:
    put(table, {**ITEM, "wins": 2})
    update(table, KEY, assign_all({"wins": F.wins + 1, "best": F.top_score}))
    assert get(table, KEY) == {**ITEM, "wins": 3, "best": 150}


@pytest.mark.engine_fault("moto", "moto-server", reason="fails at an update without an expression")
def test_an_empty_dict_changes_nothing(table: Table) -> None:
    put(table, ITEM)
    assert update(table, KEY, assign_all({}), returns="ALL_NEW") == ITEM
    assert update(table, ("new", "one"), assign_all({}), returns="ALL_NEW") == {"userid": "new", "title": "one"}


def test_an_item_is_deleted_by_its_key(table: Table) -> None:
    put(table, ITEM)
    item = get(table, KEY)
    assert item is not None
    delete(table, key_of(table, item))
    assert get(table, KEY) is None


def test_the_key_of_an_item_whose_key_is_derived(engine: Engine, fresh_name: str) -> None:
    orders = Table(fresh_name, "pk", attributes={"pk": template("ORDER#{order:06d}"), "order": int}).on(engine)
    run(orders, create_table())
    new = {"order": 7, "total": 3}
    put(orders, new)
    assert key_of(orders, new) == {"pk": "ORDER#000007"}
    assert update(orders, key_of(orders, new), assign_all({"total": 4}), returns="ALL_NEW") == {
        "pk": "ORDER#000007",
        "order": 7,
        "total": 4,
    }
