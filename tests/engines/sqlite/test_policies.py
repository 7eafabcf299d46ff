"""Resource policies are kept and given back, each with a revision, as the API reference says."""

import json
from pathlib import Path
from typing import Any

import pytest
from embedded import TABLE, Ask, Clock
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine

ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
POLICY = '{"Version": "2012-10-17", "Statement": []}'
OTHER = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny"}]}'


def put(ask: Ask, text: str = POLICY, arn: str = ARN, **members: Any) -> str:
    found: str = ask("PutResourcePolicy", TableName=None, ResourceArn=arn, Policy=text, **members)["RevisionId"]
    return found


def get(ask: Ask, arn: str = ARN) -> dict[str, Any]:
    return ask("GetResourcePolicy", TableName=None, ResourceArn=arn)


def test_a_policy_is_given_back_as_it_was_put(ask: Ask) -> None:
    revision = put(ask)
    assert get(ask) == {"Policy": POLICY, "RevisionId": revision}


def test_the_same_policy_keeps_its_revision(ask: Ask, clock: Clock) -> None:
    revision = put(ask)
    clock.now += 5
    assert put(ask, json.dumps(json.loads(POLICY), indent=2)) == revision
    assert get(ask)["Policy"] == POLICY
    clock.now -= 10  # a clock that is set back gives no earlier revision
    assert int(put(ask, OTHER)) > int(revision)
    assert get(ask)["Policy"] == OTHER


def test_a_deleted_policy_is_gone(ask: Ask) -> None:
    revision = put(ask)
    assert ask("DeleteResourcePolicy", TableName=None, ResourceArn=ARN) == {"RevisionId": revision}
    assert ask("DeleteResourcePolicy", TableName=None, ResourceArn=ARN) == {}
    with raises(
        DynamoError,
        "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
        "arn:aws:dynamodb:local:000000000000:table/tab",
    ):
        get(ask)


def test_a_revision_that_is_expected_has_to_be_there(ask: Ask) -> None:
    with raises(
        DynamoError,
        "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
        "arn:aws:dynamodb:local:000000000000:table/tab",
    ):
        put(ask, ExpectedRevisionId="1")
    revision = put(ask, ExpectedRevisionId="NO_POLICY")
    for expected in ("NO_POLICY", "1"):
        with raises(
            DynamoError,
            "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
            "arn:aws:dynamodb:local:000000000000:table/tab",
        ):
            put(ask, OTHER, ExpectedRevisionId=expected)
        with raises(
            DynamoError,
            "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
            "arn:aws:dynamodb:local:000000000000:table/tab",
        ):
            ask("DeleteResourcePolicy", TableName=None, ResourceArn=ARN, ExpectedRevisionId=expected)
    assert get(ask) == {"Policy": POLICY, "RevisionId": revision}
    assert put(ask, OTHER, ExpectedRevisionId=revision) != revision


def test_a_policy_outlives_the_engine_and_ends_with_its_table(tmp_path: Path) -> None:
    path = str(tmp_path / "tables.db")
    asked = {"ResourceArn": ARN}
    with SqliteEngine(path) as engine:
        call(engine, "CreateTable", {**TABLE, "ResourcePolicy": POLICY})
    with SqliteEngine(path) as engine:
        call(engine, "UpdateTable", {"TableName": "tab", "DeletionProtectionEnabled": False})
        call(engine, "TagResource", {**asked, "Tags": [{"Key": "a", "Value": "b"}]})
        assert call(engine, "GetResourcePolicy", asked)["Policy"] == POLICY
        call(engine, "DeleteTable", {"TableName": "tab"})
        call(engine, "CreateTable", TABLE)
        with raises(
            DynamoError,
            "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
            "arn:aws:dynamodb:local:000000000000:table/tab",
        ):
            call(engine, "GetResourcePolicy", asked)


def test_a_stream_has_a_policy_of_its_own(ask: Ask) -> None:
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    arn = ask("UpdateTable", StreamSpecification=specification)["TableDescription"]["LatestStreamArn"]
    put(ask, OTHER, arn)
    put(ask)
    assert (get(ask, arn)["Policy"], get(ask)["Policy"]) == (OTHER, POLICY)
    with pytest.raises(DynamoError, match="ResourceNotFoundException"):
        get(ask, arn[:-1] + "x")


NULL = "failed to satisfy constraint: Member must not be null"
EMPTY = "failed to satisfy constraint: Member must have length greater than or equal to 1"
NO_ARN = f"1 validation error detected: Value null at 'resourceArn' {NULL}"


@pytest.mark.parametrize(
    "operation, members, refusal",
    [
        ("PutResourcePolicy", {"Policy": POLICY}, NO_ARN),
        ("GetResourcePolicy", {}, NO_ARN),
        ("DeleteResourcePolicy", {}, NO_ARN),
        (
            "PutResourcePolicy",
            {"ResourceArn": ARN},
            f"1 validation error detected: Value null at 'policy' {NULL}",
        ),
        (
            "PutResourcePolicy",
            {},
            f"2 validation errors detected: Value null at 'resourceArn' {NULL}; Value null at 'policy' {NULL}",
        ),
        (
            "GetResourcePolicy",
            {"ResourceArn": ""},
            f"1 validation error detected: Value '' at 'resourceArn' {EMPTY}",
        ),
        (
            "PutResourcePolicy",
            {"ResourceArn": ARN, "Policy": POLICY, "ExpectedRevisionId": ""},
            f"1 validation error detected: Value '' at 'expectedRevisionId' {EMPTY}",
        ),
        ("PutResourcePolicy", {"ResourceArn": "tab", "Policy": POLICY}, "Invalid ResourceArn: tab"),
        *(
            (
                "PutResourcePolicy",
                {"ResourceArn": ARN, "Policy": text},
                "Invalid policy document: it is not a JSON object",
            )
            for text in ("no JSON", "[]", "[" * 20_000)
        ),
        (
            "PutResourcePolicy",
            {"ResourceArn": ARN, "Policy": json.dumps({"Id": "x" * 20_480})},
            "Resource policy size exceeds the maximum allowed size of 20480 bytes",
        ),
    ],
)
def test_what_is_no_policy_is_refused(ask: Ask, operation: str, members: dict[str, Any], refusal: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask(operation, TableName=None, **members)
    assert (error.value.code, error.value.message) == ("ValidationException", refusal)
    with raises(
        DynamoError,
        "PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: "
        "arn:aws:dynamodb:local:000000000000:table/tab",
    ):
        get(ask)


@pytest.mark.parametrize(
    "members, code",
    [
        ({"ResourceArn": ARN + "x", "Policy": POLICY}, "ResourceNotFoundException"),
        ({"ResourceArn": ARN, "Policy": {}}, "SerializationException"),
    ],
)
def test_a_policy_in_a_wrong_place_or_of_a_wrong_type(ask: Ask, members: dict[str, Any], code: str) -> None:
    with pytest.raises(DynamoError) as error:
        ask("PutResourcePolicy", TableName=None, **members)
    assert error.value.code == code


def test_a_table_is_not_made_with_a_policy_that_is_none(ask: Ask) -> None:
    with raises(DynamoError, "ValidationException: Invalid policy document: it is not a JSON object"):
        ask("CreateTable", **{**TABLE, "TableName": "other", "ResourcePolicy": "none"})
    assert ask("ListTables") == {"TableNames": ["tab"]}
