"""`create_table(if_missing=True)` beside other programs that make, or delete, the same table."""

import asyncio
import pickle
from dataclasses import replace
from typing import Any

import pytest
from raised import raises
from scripted import Recording, scripted

from flyexpr import (
    DynamoError,
    GlobalIndex,
    NoSuchTable,
    Table,
    TableExists,
    aio,
    connect,
    create_table,
    delete_table,
    describe_table,
    epoch,
    explain,
    request,
    run,
    update_table,
)

things = Table("things", "id", attributes={"until": epoch}, ttl="until")
IN_USE = DynamoError.of("ResourceInUseException", "Table already exists: things")
MISSING = DynamoError.of("ResourceNotFoundException", "Requested resource not found")
DENIED = DynamoError.of("AccessDeniedException", "no")


def described(status: str, key: str = "id") -> dict[str, Any]:
    return {
        "Table": {
            "TableName": "things",
            "TableStatus": status,
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        }
    }


def asked(answers: list[Any], table: Table = things, **options: bool) -> Recording:
    """The engine after `create_table(if_missing=True)` was run on it; it has given all of the answers."""
    engine = scripted(answers)
    assert run(table.on(engine), create_table(if_missing=True, **options)) is None
    assert len(engine.asked) == len(answers)
    return engine


DESCRIBE, CREATE, UPDATE, TTL = "DescribeTable", "CreateTable", "UpdateTable", "UpdateTimeToLive"
TTL_OF = "DescribeTimeToLive"
NO_TTL = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
HAS_TTL = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}}
OTHER_TTL = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "other"}}
ALREADY = DynamoError.of("ValidationException", "TimeToLive is already enabled")
LASTING = replace(things, ttl=None)


def test_a_table_that_is_there_costs_two_requests_and_one_if_its_items_expire(pauses: list[float]) -> None:
    assert asked([described("ACTIVE"), described("ACTIVE")], LASTING).names == [DESCRIBE] * 2
    assert asked([described("ACTIVE"), described("ACTIVE"), HAS_TTL]).names == [DESCRIBE, DESCRIBE, TTL_OF]
    assert pauses == []
    asked([described("CREATING"), described("CREATING"), described("ACTIVE"), OTHER_TTL])
    assert pauses == [0.02]


def test_a_table_that_is_there_is_not_waited_for_unasked(pauses: list[float]) -> None:
    assert asked([described("CREATING")], LASTING, wait=False).names == [DESCRIBE]
    asked([described("CREATING"), described("CREATING"), described("ACTIVE"), NO_TTL, {}], wait=False)
    assert pauses == [0.02], "its expiry can only be turned on once it is made"


@pytest.mark.parametrize("door", ["plain", "awaited"])
def test_the_expiry_of_a_table_whose_maker_has_crashed_is_turned_on(door: str) -> None:
    """It came no further than CreateTable."""
    with connect("sqlite::memory:") as engine:
        run(LASTING.on(engine), create_table())

        async def awaited(operation: str, body: bytes) -> bytes:
            return engine(operation, body)

        for _ in range(2):
            if door == "plain":
                run(things.on(engine), create_table(if_missing=True))
            else:
                asyncio.run(aio.run(things.on(awaited), create_table(if_missing=True)))
        assert run(things.on(engine), describe_table()).ttl == "until"


def test_a_program_that_may_not_ask_whether_items_expire_is_not_stopped(caplog: pytest.LogCaptureFixture) -> None:
    assert asked([described("ACTIVE"), described("ACTIVE"), DENIED]).names == [DESCRIBE, DESCRIBE, TTL_OF]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "table 'things': whether its items expire by `until` could not be checked: AccessDeniedException: no",
        )
    ]
    for answers in ([NO_TTL, DENIED], [IN_USE]):  # it is known to be off; it is not known why
        with pytest.raises(DynamoError) as caught:
            asked([described("ACTIVE"), described("ACTIVE"), *answers])
        assert caught.value is answers[-1]


@pytest.mark.parametrize(
    "first", [[described("ACTIVE"), described("ACTIVE"), NO_TTL], [MISSING, {}, described("ACTIVE")]]
)
def test_two_programs_turn_the_expiry_on(first: list[Any]) -> None:
    assert asked([*first, ALREADY, HAS_TTL]).names[-2:] == [TTL, TTL_OF]
    with pytest.raises(DynamoError) as caught:
        asked([*first, ALREADY, NO_TTL])
    assert caught.value is ALREADY


def test_a_missing_table_is_made(pauses: list[float]) -> None:
    engine = asked([MISSING, {}, described("CREATING"), described("ACTIVE"), {}])
    assert engine.names == [DESCRIBE, CREATE, DESCRIBE, DESCRIBE, TTL]
    assert pauses == [0.02]


def test_another_program_makes_it_at_the_same_time(pauses: list[float]) -> None:
    engine = asked([MISSING, IN_USE, MISSING, *[described("CREATING")] * 3, described("ACTIVE"), HAS_TTL])
    assert engine.names == [DESCRIBE, CREATE, *[DESCRIBE] * 5, TTL_OF]
    assert pauses == [0.02, 0.02]


def test_a_table_that_is_being_deleted_is_made_again(pauses: list[float]) -> None:
    engine = asked([described("DELETING"), described("DELETING"), MISSING, {}, described("ACTIVE"), {}])
    assert engine.names == [DESCRIBE, DESCRIBE, DESCRIBE, CREATE, DESCRIBE, TTL]
    assert pauses == [0.02]


def test_another_program_makes_one_with_another_key() -> None:
    engine = scripted([MISSING, IN_USE, described("ACTIVE", "pk"), described("ACTIVE", "pk")])
    with raises(
        TableExists,
        "there is already a table 'things', with the key `pk` (S) and not `id` (S)\n"
        "  hint: give this table another name, or declare the key that is there",
    ):
        run(things.on(engine), create_table(if_missing=True))


def test_other_refusals_are_the_service_s_own() -> None:
    for answers in ([DENIED], [MISSING, DENIED]):
        with pytest.raises(DynamoError) as caught:
            run(things.on(scripted(answers)), create_table(if_missing=True))
        assert caught.value is DENIED
    assert not issubclass(NoSuchTable, TableExists)


def test_the_error_is_whole_after_pickling() -> None:
    with pytest.raises(TableExists) as caught:
        run(things.on(scripted([IN_USE])), create_table())
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (
        str(copy)
        == str(caught.value)
        == ("there is already a table 'things'\n  hint: run(table, create_table(if_missing=True)) takes it as it is")
    )
    assert (copy.code, copy.message) == ("ResourceInUseException", "Table already exists: things")


def test_a_change_waits_until_the_table_and_its_indexes_are_ready(pauses: list[float]) -> None:
    filled = described("ACTIVE")
    filled["Table"]["GlobalSecondaryIndexes"] = [{"IndexName": "ByA", "IndexStatus": "CREATING"}]
    ready = described("ACTIVE")
    engine = scripted([ready, NO_TTL, {}, described("UPDATING"), filled, ready, {}, described("UPDATING"), ready])
    wanted = Table("things", "id", indexes=[GlobalIndex("ByA", "a")], deletion_protection=True).on(engine)
    assert run(wanted, update_table()) == ["create index ByA", "deletion protection on"]
    assert engine.names == [DESCRIBE, "DescribeTimeToLive", UPDATE, *[DESCRIBE] * 3, UPDATE, *[DESCRIBE] * 2]
    assert pauses == [0.02, 0.04, 0.02]


@pytest.mark.parametrize("operation", [create_table(), delete_table()])
def test_what_is_not_waited_for_costs_one_request(operation: Any) -> None:
    plain = Table("things", "id").on(scripted([{}]))
    assert run(plain, replace(operation, wait=False)) is None


def test_a_table_that_is_deleted_is_waited_for(pauses: list[float]) -> None:
    engine = scripted([{}, described("DELETING"), described("DELETING"), MISSING])
    assert run(things.on(engine), delete_table()) is None
    assert pauses == [0.02, 0.04]


def test_what_is_sent_first_is_shown() -> None:
    assert request(things, create_table(if_missing=True)) == (DESCRIBE, {"TableName": "things"})
    assert explain(things, create_table(if_missing=True)).units == (0.0, 0.0)
    assert request(things, create_table())[0] == CREATE
