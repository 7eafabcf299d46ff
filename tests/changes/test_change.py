"""Changes out of records of streams: what they hold, and which conditions hold for them."""

from datetime import date, datetime, timezone
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    Codec,
    F,
    Table,
    ValidationError,
    epoch,
    eq,
    exists,
    gt,
    kinds,
    lt,
    ne,
    not_exists,
    template,
    to_wire,
)
from flyexpr.changes.change import check_condition
from flyexpr.events import Change, appeared, changed, changes, event_filter, now, old, was

TABLE = Table("Orders", "id", attributes={"day": date, "total": float})
OLD = {"id": {"S": "7"}, "status": {"S": "open"}, "total": {"N": "1.5"}}
NEW = {"id": {"S": "7"}, "status": {"S": "done"}, "total": {"N": "2"}, "day": {"S": "2026-01-31"}}


def record(kind: str = "MODIFY", **image: Any) -> dict[str, Any]:
    """A record as Lambda hands it over."""
    images = {"OldImage": OLD, "NewImage": NEW} | image
    return {
        "eventID": "c4ca4238a0b923820dcc509a6f75849b",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders-live/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": 1790000000,
            "Keys": {"id": {"S": "7"}},
            "SequenceNumber": "100000000000000000007",
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **{name: each for name, each in images.items() if each is not None},
        },
    }


def change(kind: str = "MODIFY", **image: Any) -> Change:
    (found,) = changes({"Records": [record(kind, **image)]}, TABLE)
    return found


def test_a_change_is_two_items_in_the_types_of_the_table() -> None:
    found = change()
    assert (found.kind, found.key, found.table) == ("MODIFY", {"id": "7"}, "Orders-live")
    assert found.old == {"id": "7", "status": "open", "total": 1.5}
    assert found.new == {"id": "7", "status": "done", "total": 2.0, "day": date(2026, 1, 31)}
    assert found.at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=timezone.utc)
    assert (found.sequence, found.by_ttl) == ("100000000000000000007", False)


def test_a_side_that_is_not_there_is_none() -> None:
    assert change("INSERT", OldImage=None).old is None
    assert change("REMOVE", NewImage=None).new is None


def test_botocore_gives_bytes_and_datetimes() -> None:
    moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
    told = record(NewImage={"id": {"S": "7"}, "photo": {"B": b"hi"}}, ApproximateCreationDateTime=moment)
    told["userIdentity"] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    (found,) = changes([told], TABLE)
    assert found.new == {"id": "7", "photo": b"hi"}
    assert (found.at, found.by_ttl) == (moment, True)


@pytest.mark.parametrize(
    "identity, expected",
    [
        ({"type": "Service", "principalId": "dynamodb.amazonaws.com"}, True),
        ({"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}, False),
        (None, False),
    ],
)
def test_only_the_service_deletes_what_has_expired(identity: Any, expected: bool) -> None:
    (found,) = changes([record("REMOVE", NewImage=None) | {"userIdentity": identity}], TABLE)
    assert found.by_ttl is expected


CONDITIONS: list[tuple[Any, bool]] = [
    (eq("status", "done"), True),
    (was(eq("status", "open")) & now(eq("status", "done")), True),
    (was(eq("status", "done")), False),
    (changed("status"), True),
    (changed("id"), False),
    (changed("nowhere"), False),
    (changed("day"), True),
    (appeared("day"), True),
    (appeared("status"), False),
    (gt("total", old("total")), True),
    (lt("total", old("total")), False),
    (was(not_exists("day")), True),
    (was(exists("total") & gt("total", 1)), True),
    (eq("day", date(2026, 1, 31)), True),
    (~changed("total"), False),
]


@pytest.mark.parametrize("condition, expected", CONDITIONS, ids=[str(condition) for condition, _ in CONDITIONS])
def test_a_condition_asks_about_both_sides(condition: Any, expected: bool) -> None:
    assert change().matches(condition) is expected


def test_an_item_that_is_not_there_has_no_attributes() -> None:
    inserted, removed = change("INSERT", OldImage=None), change("REMOVE", NewImage=None)
    assert [each.matches(appeared("id")) for each in (inserted, removed)] == [True, False]
    assert [each.matches(changed("status")) for each in (inserted, removed)] == [True, True]
    assert [each.matches(was(ne("status", "x"))) for each in (inserted, removed)] == [True, True]
    assert [each.matches(not_exists("id")) for each in (inserted, removed)] == [False, True]


def test_a_side_that_the_stream_does_not_keep_is_an_error_only_where_it_is_asked_for() -> None:
    found = change(OldImage=None, StreamViewType="NEW_IMAGE")
    assert found.matches(eq("status", "done"))
    for ask in (lambda: found.old, lambda: found.matches(changed("status"))):
        with pytest.raises(ValidationError) as refused:
            ask()
        assert str(refused.value) == (
            "what the item was before is not known: the stream keeps NEW_IMAGE\n"
            "  item: {'id': '7'} of 'Orders-live'\n"
            "  hint: a stream of NEW_AND_OLD_IMAGES keeps both"
        )


def test_an_item_is_read_by_its_kind() -> None:
    customers = Table("Shop", "pk", attributes={"pk": template("C#{customer}"), "since": date})
    orders = Table("Shop", "pk", attributes={"pk": template("O#{order}"), "since": str})
    shop = kinds({"customer": customers, "order": orders}, by="type")
    image = {"pk": {"S": "C#ada"}, "type": {"S": "customer"}, "since": {"S": "2026-01-31"}}
    told = record("INSERT", OldImage=None, NewImage=image, Keys={"pk": {"S": "C#ada"}})
    (found,) = changes([told], shop)
    assert found.key == {"pk": "C#ada", "customer": "ada"}
    assert found.new == {"pk": "C#ada", "customer": "ada", "type": "customer", "since": date(2026, 1, 31)}


def test_a_stored_value_of_another_type_is_an_error_when_the_item_is_asked_for() -> None:
    found = change(NewImage={"id": {"S": "7"}, "total": {"S": "many"}})
    assert found.old is not None
    with raises(
        ValidationError,
        "at `total`: the stored value cannot be read as float: `total` is stored as S, not as N\n"
        "  item: {'id': '7'} of 'Orders'",
    ):
        _ = found.new


BROKEN: list[tuple[Any, str]] = [
    ("text", "at `Records[0].dynamodb`: not a record of DynamoDB Streams"),
    ({}, "at `Records[0].dynamodb`: not a record of DynamoDB Streams"),
    (record("UPSERT"), "at `Records[0].eventName`: a change is INSERT, MODIFY or REMOVE"),
    (record() | {"eventName": ["INSERT"]}, "at `Records[0].eventName`: a change is INSERT, MODIFY or REMOVE"),
    (record(Keys="7"), "at `Records[0].dynamodb.Keys`: a record has the key of its item"),
    (
        record(ApproximateCreationDateTime="soon"),
        "at `Records[0].dynamodb.ApproximateCreationDateTime`: a moment is a number of seconds",
    ),
]


@pytest.mark.parametrize("told, text", BROKEN, ids=[text for _, text in BROKEN])
def test_what_is_not_a_record_is_named(told: Any, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        changes({"Records": [told]}, TABLE)
    assert str(refused.value) == text


@pytest.mark.parametrize("source", ["text", b"bytes", 7, {}, {"Records": None}])
def test_what_is_not_an_event_is_refused(source: Any) -> None:
    said = f"changes takes a Lambda event, or a list of its records, not {type(source).__name__}"
    with raises(TypeError, said):
        changes(source, TABLE)


def test_an_image_that_a_record_lacks_is_an_error_when_it_is_asked_for() -> None:
    told = record(OldImage=None)
    del told["dynamodb"]["StreamViewType"]
    (found,) = changes({"Records": [told]}, TABLE)
    with raises(
        ValidationError,
        "what the item was before is not known: the record has no such image\n"
        "  item: {'id': '7'} of 'Orders-live'\n"
        "  hint: a stream of NEW_AND_OLD_IMAGES keeps both",
    ):
        _ = found.old


def test_the_event_comes_before_the_table() -> None:
    with raises(TypeError, "changes takes an event and a table, not []"):
        changes(TABLE, [])  # type: ignore[arg-type]


def test_a_change_prints_in_short_and_is_a_value() -> None:
    assert repr(change()) == "<Change MODIFY of Orders-live: {'id': '7'}>"
    assert change() == change()
    assert change() != change("INSERT")


def test_a_change_compares_attributes_in_the_types_of_the_table() -> None:
    cents = Codec(lambda price: round(price * 100), lambda stored: float(stored) / 100, int)
    table = Table("Orders", "id", attributes={"made": datetime, "expires": epoch, "price": cents, "limit": float})
    item = {"id": "a", "made": datetime(2026, 1, 1, tzinfo=timezone.utc), "price": 1.5, "limit": 1.5}
    image = to_wire(table, item | {"expires": datetime(2027, 1, 1, tzinfo=timezone.utc)})
    told = record("INSERT", Keys={"id": {"S": "a"}}, OldImage=None, NewImage=image)
    (found,) = changes([told], table)
    for condition in (F.made < F.expires, eq("price", F.limit) & appeared("id")):
        check_condition(table, condition)
        assert found.matches(condition)
    assert event_filter(eq("id", "a") & (F.made < F.expires), table).wider == ("made < expires",)
