"""Refusals, whole: what the service says of a request that is understood and wrong."""

from copy import deepcopy
from typing import Any

import pytest
from embedded import Ask, key
from words import NAMED_TAB, NO_TABLE, ONE, A, Row, Wire, index, keys
from words_of_older import OLDER
from words_of_reads import EXPRESSIONS, READS
from words_of_tables import (
    ABOUT_TABLES,
    CREATE_TABLE,
    ENABLED,
    GONE,
    NOT_FOUND,
    PROTECTED,
    PROVISIONED,
    TAGS,
    UPDATE_TABLE,
    create,
    tags,
    updating,
)
from words_of_writes import SEVERAL, WRITES

from flyexpr import DynamoError

VALIDATION: list[Row] = [
    *(("CreateTable", members, words) for members, words in CREATE_TABLE),
    *(("UpdateTable", members, words) for members, words in UPDATE_TABLE),
    *ABOUT_TABLES,
    *TAGS,
    *OLDER,
    *READS,
    *EXPRESSIONS,
    *SEVERAL,
    *WRITES,
]
OTHERS: list[tuple[str, Wire, str, str]] = [
    *((operation, members, "ResourceNotFoundException", words) for operation, members, words in NOT_FOUND),
    ("DescribeContinuousBackups", NO_TABLE, "TableNotFoundException", "Table not found: nowhere"),
    ("CreateTable", create(TableName="tab"), "ResourceInUseException", "Table already exists: tab"),
    (
        "UpdateTable",
        updating(GONE, {"Create": index("by_x", keys("x"))}),
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    ),
    ("TagResource", tags(*((f"k{n}", "") for n in range(51))), "LimitExceededException", "A table has at most 50 tags"),
    (
        "ListTagsOfResource",
        {"ResourceArn": NAMED_TAB + "nowhere"},
        "AccessDeniedException",
        "User: arn:aws:iam::000000000000:root is not authorized to perform: dynamodb:ListTagsOfResource on resource: "
        f"{NAMED_TAB}nowhere",
    ),
]
STORED = {
    **key(1),
    "n": ONE,
    "s": A,
    "nines": {"N": "9" * 38},
    "vast": {"N": "9e125"},
    "big": {"L": [{"S": "x" * 300_000}]},
}
NAMELESS = ("Batch", "Transact", "List", "Tag", "Untag", "CreateTable", "UpdateTable", "Describe", "DeleteTable")


@pytest.fixture
def tables(ask: Ask) -> Ask:
    """The engine with a provisioned table, one with a stream, and an item in `tab`."""
    ask("CreateTable", **deepcopy(PROVISIONED))
    ask("CreateTable", **create(TableName="streaming", StreamSpecification=ENABLED))
    ask("CreateTable", **create(**PROTECTED))
    ask("PutItem", Item=STORED)
    return ask


def asked(tables: Ask, operation: str, members: Wire) -> DynamoError:
    """The refusal of a request, which changes nothing; the table is `tab` unless the request names one."""
    before = tables("Scan"), tables("ListTables"), tables("DescribeTable", TableName="units")
    named = operation.startswith(NAMELESS) or operation == "UpdateTimeToLive"
    body = {**({"TableName": None} if named else {}), **deepcopy(members)}
    with pytest.raises(DynamoError) as error:
        tables(operation, **body)
    assert (tables("Scan"), tables("ListTables"), tables("DescribeTable", TableName="units")) == before
    return error.value


def ids(rows: list[Any]) -> list[str]:
    return [f"{row[0]} {row[-1][-45:]}" for row in rows]


@pytest.mark.parametrize("operation, members, words", VALIDATION, ids=ids(VALIDATION))
def test_a_validation_exception(tables: Ask, operation: str, members: Wire, words: str) -> None:
    error = asked(tables, operation, members)
    assert (error.code, error.message) == ("ValidationException", words)


@pytest.mark.parametrize("operation, members, code, words", OTHERS, ids=ids(OTHERS))
def test_another_exception(tables: Ask, operation: str, members: Wire, code: str, words: str) -> None:
    error = asked(tables, operation, members)
    assert (error.code, error.message) == (code, words)
