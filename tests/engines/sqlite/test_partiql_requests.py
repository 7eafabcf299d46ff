"""What goes with statements: pages and their tokens, batches, transactions, capacity, and clients over HTTP."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from embedded import TABLE, Ask, Clock, key
from raised import raises
from test_partiql import Wire, engine

from flyexpr import DynamoError, TransactionCancelled
from flyexpr.engines import call
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.serve import serve

__all__ = ["engine"]

CONSUMED = {"ReturnConsumedCapacity": "INDEXES"}
OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
LONG = "x" * 2049
TOO_LONG = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"


def statement(text: str, *parameters: Wire, **members: Any) -> Wire:
    return {"Statement": text, **({"Parameters": [*parameters]} if parameters else {}), **members}


def execute(engine: Any, text: str, *parameters: Wire, **members: Any) -> Any:
    return call(engine, "ExecuteStatement", statement(text, *parameters, **members))


def batch(engine: Any, *statements: str | Wire, **members: Any) -> Any:
    parts = [statement(one) if isinstance(one, str) else one for one in statements]
    return call(engine, "BatchExecuteStatement", {"Statements": parts, **members})


def transaction(engine: Any, *statements: str | Wire, **members: Any) -> Any:
    parts = [statement(one) if isinstance(one, str) else one for one in statements]
    return call(engine, "ExecuteTransaction", {"TransactStatements": parts, **members})


def refusal(act: Any, *arguments: Any, **members: Any) -> str:
    with pytest.raises(DynamoError) as error:
        act(*arguments, **members)
    return f"{error.value.code}: {error.value.message}"


# Pages


OF_P = "SELECT sk FROM tab WHERE pk = ?"
P: Wire = {"S": "p"}


def sort_keys(answer: Wire) -> list[str]:
    return [item["sk"]["N"] for item in answer["Items"]]


def test_a_page_ends_at_its_limit_and_the_next_one_follows(engine: SqliteEngine) -> None:
    first = execute(engine, OF_P, P, Limit=2)
    assert (sort_keys(first), first["LastEvaluatedKey"]) == (["1", "2"], key(2))
    second = execute(engine, OF_P, P, Limit=1, NextToken=first["NextToken"])
    assert sort_keys(second) == ["3"]
    third = execute(engine, OF_P, P, NextToken=second["NextToken"])
    assert third == {"Items": []}


def test_the_limit_counts_what_is_examined(engine: SqliteEngine) -> None:
    page = execute(engine, "SELECT sk FROM tab WHERE pk = 'p' AND x = 'text'", Limit=2)
    assert page["Items"] == []
    assert "NextToken" in page


def test_pages_go_on_through_partitions_and_backwards(engine: SqliteEngine) -> None:
    text = "SELECT pk, sk FROM tab WHERE pk IN ['p', 'q'] ORDER BY pk DESC, sk DESC"
    found, token = [], {}
    while True:
        page = execute(engine, text, Limit=1, **token)
        found += [item["pk"]["S"] + item["sk"]["N"] for item in page["Items"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == ["q1", "p3", "p2", "p1"]


SAME = [({"N": "1"}, {"N": "1"}), ({"N": "1E2"}, {"N": "1e+2"}), ({"N": "0"}, {"N": "-0"})]
OTHER = [({"N": "0"}, {"N": "0.0"}), ({"N": "100"}, {"N": "1E2"}), ({"N": "1"}, {"N": "2"})]


@pytest.mark.parametrize("one, other", SAME)
def test_a_token_serves_equal_numbers(engine: SqliteEngine, one: Wire, other: Wire) -> None:
    text = "SELECT sk FROM tab WHERE pk = 'p' AND sk <> ?"
    token = execute(engine, text, one, Limit=1)["NextToken"]
    assert "Items" in execute(engine, text, other, NextToken=token)


@pytest.mark.parametrize("one, other", OTHER)
def test_a_token_does_not_serve_other_numbers(engine: SqliteEngine, one: Wire, other: Wire) -> None:
    text = "SELECT sk FROM tab WHERE pk = 'p' AND sk <> ?"
    token = execute(engine, text, one, Limit=1)["NextToken"]
    mismatch = "ValidationException: NextToken does not match request"
    assert refusal(execute, engine, text, other, NextToken=token) == mismatch


def test_a_token_serves_sets_in_any_order_and_no_lists(engine: SqliteEngine) -> None:
    text = "SELECT sk FROM tab WHERE pk = 'p' AND x <> ?"
    token = execute(engine, text, {"SS": ["a", "b"]}, Limit=1)["NextToken"]
    assert sort_keys(execute(engine, text, {"SS": ["b", "a"]}, NextToken=token)) == ["2", "3"]
    token = execute(engine, text, {"L": []}, Limit=1)["NextToken"]
    mismatch = "ValidationException: NextToken does not match request"
    assert refusal(execute, engine, text, {"L": []}, NextToken=token) == mismatch


def test_a_token_serves_the_same_text_only(engine: SqliteEngine) -> None:
    token = execute(engine, OF_P, P, Limit=1)["NextToken"]
    for text in (OF_P + " ", OF_P + ";", OF_P.replace("SELECT", "select"), OF_P.replace("sk", "pk")):
        mismatch = "ValidationException: NextToken does not match request"
        assert refusal(execute, engine, text, P, NextToken=token) == mismatch
    for odd in ("x", token[:-8], "e30=", "OmFiYw=="):
        assert refusal(execute, engine, OF_P, P, NextToken=odd) == "ValidationException: Invalid NextToken"
    text = "DELETE FROM tab WHERE pk = 'p' AND sk = 1"
    on_write = "ValidationException: NextToken is only valid on a SELECT statement"
    assert refusal(execute, engine, text, NextToken=token) == on_write


def test_pages_end_at_a_megabyte(engine: SqliteEngine) -> None:
    for number in range(10, 16):
        execute(
            engine, "INSERT INTO tab VALUE {'pk': 'large', 'sk': ?, 'x': ?}", {"N": str(number)}, {"S": "x" * 300_000}
        )
    page = execute(engine, "SELECT sk FROM tab WHERE pk IN ['large', 'p']")
    assert sort_keys(page) == ["10", "11", "12", "13"]
    rest = execute(engine, "SELECT sk FROM tab WHERE pk IN ['large', 'p']", NextToken=page["NextToken"])
    assert sort_keys(rest) == ["14", "15", "1", "2", "3"]


# Members


def test_all_that_is_wrong_with_the_members_is_said(engine: SqliteEngine) -> None:
    assert refusal(execute, engine, "x" * 8193, Limit=0, ReturnConsumedCapacity="ALL") == (
        "ValidationException: 3 validation errors detected: "
        "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; "
        f"Value '{'x' * 8193}' at 'statement' failed to satisfy constraint: "
        "Member must have length less than or equal to 8192; "
        "Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: "
        "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
    )
    assert refusal(call, engine, "ExecuteStatement", {"Statement": "SELECT", "Parameters": []}) == (
        "ValidationException: 1 validation error detected: Value '[]' at 'parameters' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    assert refusal(call, engine, "ExecuteStatement", {}).endswith(
        "'statement' failed to satisfy constraint: Member must not be null"
    )


def test_every_statement_of_a_batch_has_its_members(engine: SqliteEngine) -> None:
    parts = [statement("SELECT"), {"Statement": "", "Parameters": []}]
    assert refusal(batch, engine, *parts) == (
        "ValidationException: 2 validation errors detected: "
        "Value '' at 'statements.2.member.statement' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1; "
        "Value '[]' at 'statements.2.member.parameters' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    for act, most in ((batch, 25), (transaction, 100)):
        assert "less than or equal to" in refusal(act, engine, *["SELECT"] * (most + 1))
        assert "greater than or equal to 1" in refusal(act, engine)


def test_the_length_of_a_statement_is_in_characters(engine: SqliteEngine) -> None:
    text = "SELECT * FROM tab WHERE x = '{}'"
    assert execute(engine, text.format("😀" * (8192 - len(text) + 2))) == {"Items": []}


def test_a_consistent_read(engine: SqliteEngine) -> None:
    page = execute(engine, OF_P, P, ConsistentRead=True, **CONSUMED)
    assert page["ConsumedCapacity"] == {"TableName": "tab", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}
    assert refusal(execute, engine, "SELECT * FROM tab.by_g", ConsistentRead=True) == (
        "ValidationException: Strongly consistent read is not supported on Global Secondary Indexes"
    )


def test_what_an_index_costs(engine: SqliteEngine) -> None:
    page = execute(engine, "SELECT sk FROM tab.by_g WHERE gk = 'g'", **CONSUMED)
    assert page["ConsumedCapacity"] == {
        "TableName": "tab",
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"by_g": {"CapacityUnits": 0.5}},
    }
    made = execute(engine, "INSERT INTO tab VALUE {'pk': 'n', 'sk': 1, 'gk': 'g'}", **CONSUMED)
    assert made["ConsumedCapacity"]["CapacityUnits"] == 2.0


def test_a_failed_condition_shows_the_item(engine: SqliteEngine) -> None:
    for text in (
        "UPDATE tab SET x = 1 WHERE pk = 'q' AND sk = 1 AND x = 1",
        "DELETE FROM tab WHERE pk = 'q' AND sk = 1 AND x = 1",
    ):
        with pytest.raises(DynamoError) as error:
            execute(engine, text, **OLD)
        assert error.value.fields["Item"]["gk"] == {"S": "h"}
        response = batch(engine, statement(text, **OLD))["Responses"][0]
        assert (response["Error"]["Code"], response["Error"]["Item"]["gk"]) == ("ConditionalCheckFailed", {"S": "h"})
        with pytest.raises(TransactionCancelled) as cancelled:
            transaction(engine, statement(text, **OLD))
        assert cancelled.value.fields["CancellationReasons"][0]["Item"]["gk"] == {"S": "h"}


def test_keys_over_their_size_are_refused(engine: SqliteEngine) -> None:
    for text in (
        "SELECT * FROM tab WHERE pk = ?",
        "DELETE FROM tab WHERE pk = ? AND sk = 1",
        "INSERT INTO tab VALUE {'pk': ?, 'sk': 1}",
    ):
        assert refusal(execute, engine, text, {"S": LONG}) == f"ValidationException: {TOO_LONG}"


LARGE: Wire = {"B": b64encode(bytes(1025)).decode()}


@pytest.mark.parametrize("asked", ["lk = ?", "lk < ?", "lk BETWEEN ? AND ?", "begins_with(lk, ?)", "lk IN [?]"])
def test_a_sort_key_over_its_size_is_refused_whatever_is_asked_of_it(engine: SqliteEngine, asked: str) -> None:
    text, values = f"SELECT * FROM tab.by_l WHERE pk = 'p' AND {asked}", [LARGE] * asked.count("?")
    assert refusal(execute, engine, text, *values) == (
        "ValidationException: One or more parameter values were invalid: Aggregated size of all range keys has "
        "exceeded the size limit of 1024 bytes"
    )


def test_of_several_partitions_or_ranges_the_sizes_do_not_count(engine: SqliteEngine) -> None:
    assert sort_keys(execute(engine, "SELECT sk FROM tab WHERE pk = ? OR pk = 'q'", {"S": LONG})) == ["1"]
    assert sort_keys(execute(engine, "SELECT sk FROM tab WHERE pk IN ['q', ?]", {"S": LONG})) == ["1"]
    ranges = "SELECT sk FROM tab.by_l WHERE pk = 'p' AND (lk = ? OR lk = ?)"
    assert execute(engine, ranges, LARGE, {"B": "YQ=="})["Items"] == []
    both = "(pk = ? AND x = 1) OR (pk = ? AND x = 2)"
    assert "Overlapping" in refusal(execute, engine, f"SELECT * FROM tab WHERE {both}", {"S": LONG}, {"S": LONG})
    either = "SELECT * FROM tab WHERE pk = ? AND (sk = 1 OR sk = 2)"
    assert refusal(execute, engine, either, {"S": LONG}) == f"ValidationException: {TOO_LONG}"


def test_an_index_of_several_key_attributes_cannot_be_selected_from() -> None:
    names = ("pk", "a", "b")
    table = {
        "TableName": "several",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_both",
                "KeySchema": [{"AttributeName": name, "KeyType": "HASH"} for name in names[1:]],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", table)
        assert refusal(execute, engine, "SELECT * FROM several.by_both WHERE a = 'x'") == (
            "ValidationException: PartiQL statements cannot be executed on tables with multi-attribute HASH keys "
            "or multi-attribute RANGE keys."
        )


@pytest.mark.parametrize("selected", ["sk", "x"])
def test_a_filter_without_a_key_tests_what_the_index_holds_whatever_is_fetched(selected: str) -> None:
    (local,) = TABLE["LocalSecondaryIndexes"]
    table = {**TABLE, "LocalSecondaryIndexes": [{**local, "Projection": {"ProjectionType": "KEYS_ONLY"}}]}
    with SqliteEngine(":memory:") as engine:
        call(engine, "CreateTable", table)
        call(engine, "PutItem", {"TableName": "tab", "Item": {**key(1), "lk": {"B": "bA=="}, "x": {"N": "1"}}})
        assert execute(engine, f"SELECT {selected} FROM tab.by_l WHERE sk = 1")["Items"] == [{selected: {"N": "1"}}]
        assert execute(engine, f"SELECT {selected} FROM tab.by_l WHERE x = 1")["Items"] == []


# Batches


def test_a_batch_of_reads(engine: SqliteEngine) -> None:
    answer = batch(
        engine,
        statement("SELECT sk, y FROM tab WHERE pk = 'p' AND sk = ?", {"N": "1"}, ConsistentRead=True),
        "SELECT * FROM tab WHERE pk = 'nobody' AND sk IN [1]",
        "SELECT * FROM tab WHERE pk = 'p'",
        "SELECT * FROM tab WHERE pk = 'p' AND sk = 2 AND x = 1",
        "SELECT * FROM tab.by_l WHERE pk = 'p' AND sk = 3",
        "SELECT * FROM nowhere WHERE pk = 'p' AND sk = 1",
        "SELECT * FROM",
        statement("SELECT * FROM tab WHERE pk = ?", {}),
        "EXISTS(SELECT * FROM tab WHERE pk = 'p' AND sk = 1 AND x = 1)",
        **CONSUMED,
    )
    refused = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    assert [error_of(response) for response in answer["Responses"]] == [
        None,
        None,
        ("ValidationError", refused),
        ("ValidationError", refused),
        ("ValidationError", refused),
        ("ResourceNotFound", "Requested resource not found"),
        ("ValidationError", "Statement wasn't well formed, can't be processed: Unexpected term"),
        ("ValidationError", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ("ValidationError", "EXISTS can only be used in ExecuteTransaction write requests."),
    ]
    assert answer["Responses"][0] == {"TableName": "tab", "Item": {"sk": {"N": "1"}, "y": {"S": "one"}}}
    assert answer["Responses"][1] == {"TableName": "tab"}
    assert answer["ConsumedCapacity"] == [{"TableName": "tab", "CapacityUnits": 1.5, "Table": {"CapacityUnits": 1.5}}]


def error_of(response: Wire) -> tuple[str, str] | None:
    error = response.get("Error")
    return None if error is None else (error["Code"], error["Message"])


def test_a_batch_of_writes_of_which_some_fail(engine: SqliteEngine) -> None:
    answer = batch(
        engine,
        "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}",
        "UPDATE tab SET x = 9 WHERE pk = 'p' AND sk = 2 RETURNING MODIFIED NEW *",
        "UPDATE tab SET x = 9 WHERE pk = 'p' AND sk = 7",
        "DELETE FROM tab WHERE pk = 'p' AND sk = 3 RETURNING ALL OLD *",
        "DELETE FROM tab WHERE pk = 'p'",
        "UPDATE tab SET x = y + 1 WHERE pk = 'q' AND sk = 1",
        ReturnConsumedCapacity="TOTAL",
    )
    codes = [(error_of(response) or (None,))[0] for response in answer["Responses"]]
    assert codes == ["DuplicateItem", None, "ConditionalCheckFailed", None, "ValidationError", "ValidationError"]
    assert answer["Responses"][1] == {"TableName": "tab", "Item": {"x": {"N": "9"}}}
    assert answer["Responses"][3]["Item"]["y"] == {"NULL": True}
    assert [response.get("TableName") for response in answer["Responses"]][:1] == ["tab"]
    (consumed,) = answer["ConsumedCapacity"]
    assert consumed == {"TableName": "tab", "CapacityUnits": 5.0}  # two writes, one index entry, two that failed
    assert sort_keys(execute(engine, OF_P, P)) == ["1", "2"]


def test_a_batch_names_the_table_whose_key_cannot_be_used(engine: SqliteEngine) -> None:
    answer = batch(
        engine,
        "UPDATE tab SET sk = 2 WHERE pk = 'p' AND sk = 1",
        f"UPDATE tab SET x = 2 WHERE pk = '{LONG}' AND sk = 1",
        f"INSERT INTO tab VALUE {{'pk': '{LONG}', 'sk': 1}}",
        "UPDATE tab SET x = 'a' + 1 WHERE pk = 'p' AND sk = 3",
        "UPDATE tab SET x = 9 WHERE pk = 'p' AND sk = 2",
        ReturnConsumedCapacity="TOTAL",
    )
    assert [response.get("TableName") for response in answer["Responses"]] == ["tab", "tab", "tab", None, "tab"]
    assert answer["ConsumedCapacity"] == [{"TableName": "tab", "CapacityUnits": 2.0}]  # of the last: an item, an entry
    (read,) = batch(engine, f"SELECT * FROM tab WHERE pk = '{LONG}' AND sk = 1")["Responses"]
    assert (read["TableName"], read["Error"]["Code"]) == ("tab", "ValidationError")


def test_what_failing_writes_consumed_is_in_the_sum_alone(engine: SqliteEngine) -> None:
    insert, update = "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}", "UPDATE tab SET x = 9 WHERE pk = 'p' AND sk = 2"
    (consumed,) = batch(engine, insert, update, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    of_index = {"by_g": {"CapacityUnits": 1.0}}
    of_table = {"CapacityUnits": 1.0}  # the update; the insert that failed is in the sum
    assert consumed == {"TableName": "tab", "CapacityUnits": 3.0, "Table": of_table, "GlobalSecondaryIndexes": of_index}


def test_what_a_batch_refuses_as_a_whole(engine: SqliteEngine) -> None:
    one = "SELECT * FROM tab WHERE pk = 'p' AND sk = 1"
    mixed = "ValidationException: Read and write requests together in the same batch is not supported."
    assert refusal(batch, engine, one, "DELETE FROM tab WHERE pk = 'p' AND sk = 1") == mixed
    doubled = "ValidationException: Provided list of item keys contains duplicates"
    assert refusal(batch, engine, one, one.replace("1", "1.0")) == doubled
    with raises(DynamoError, "SerializationException: NUMBER_VALUE cannot be converted to String"):
        batch(engine, {"Statement": one, "Parameters": [{"S": 1}]})


# Transactions


def test_a_transaction_of_reads(engine: SqliteEngine) -> None:
    answer = transaction(
        engine,
        "SELECT m.a[0] FROM tab WHERE pk = 'p' AND sk = 1",
        "SELECT * FROM tab WHERE pk = 'nobody' AND sk = 1",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "Responses": [{"Item": {"a[0]": {"N": "1"}}}, {}],
        "ConsumedCapacity": [{"TableName": "tab", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}],
    }


def test_a_transaction_of_writes_is_done_once(engine: SqliteEngine) -> None:
    writes = [
        "EXISTS(SELECT * FROM tab WHERE pk = 'q' AND sk = 1 AND gk = 'h')",
        "INSERT INTO tab VALUE {'pk': 'n', 'sk': 1}",
        "UPDATE tab SET x = x + 1 WHERE pk = 'p' AND sk = 1",
        "DELETE FROM tab WHERE pk = 'nobody' AND sk = 1 AND x = 1",
    ]
    token = {"ClientRequestToken": "once"}
    assert transaction(engine, *writes, **token) == {"Responses": []}
    again = transaction(engine, *writes, **token, ReturnConsumedCapacity="TOTAL")
    assert (again["Responses"], again["ConsumedCapacity"][0]["ReadCapacityUnits"]) == ([], 8.0)
    assert execute(engine, "SELECT x FROM tab WHERE pk = 'p' AND sk = 1")["Items"] == [{"x": {"N": "2"}}]
    assert refusal(transaction, engine, *writes[:2], **token).startswith("IdempotentParameterMismatchException")
    put = {"Put": {"TableName": "tab", "Item": key(9)}}
    assert call(engine, "TransactWriteItems", {"TransactItems": [put], **token}) == {}


def test_a_transaction_says_why_each_statement_failed(engine: SqliteEngine) -> None:
    with pytest.raises(TransactionCancelled) as cancelled:
        transaction(
            engine,
            "EXISTS(SELECT * FROM tab WHERE pk = 'q' AND sk = 1 AND gk = 'other')",
            "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}",
            "INSERT INTO tab VALUE {'pk': 'n', 'sk': 1}",
            "UPDATE tab SET x = 1 WHERE pk = 'nobody' AND sk = 1",
            "UPDATE tab SET pk = 'x' WHERE pk = 'p' AND sk = 2",
            "DELETE FROM tab WHERE pk = 'nobody' AND sk = 2",
            statement("DELETE FROM tab WHERE pk = 'nobody' AND sk = 3 AND x = 1", **OLD),
        )
    reasons = cancelled.value.fields["CancellationReasons"]
    false = "ConditionalCheckFailed"
    assert [one["Code"] for one in reasons] == [false, "DuplicateItem", "None", false, "ValidationError", "None", false]
    assert reasons[1]["Message"] == "Duplicate primary key exists in table"
    assert reasons[6] == {"Code": false, "Message": "The conditional request failed"}
    assert execute(engine, "SELECT * FROM tab WHERE pk = 'n'")["Items"] == []


KEYS = [
    ("DELETE FROM tab WHERE pk = 1 AND sk = 1", "The provided key element does not match the schema"),
    ("SELECT * FROM tab WHERE pk = 1 AND sk = 1", "The provided key element does not match the schema"),
    ("SELECT * FROM tab WHERE pk = true AND sk = 1", "The provided key element does not match the schema"),
    (
        "INSERT INTO tab VALUE {'pk': 1, 'sk': 1}",
        "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
    ),
    (f"DELETE FROM tab WHERE pk = '{LONG}' AND sk = 1", TOO_LONG),
    (f"SELECT * FROM tab WHERE pk = '{LONG}' AND sk = 1", TOO_LONG),
    (f"INSERT INTO tab VALUE {{'pk': '{LONG}', 'sk': 1}}", TOO_LONG),
]


@pytest.mark.parametrize("text, words", KEYS)
def test_a_key_that_does_not_fit_cancels_a_transaction(engine: SqliteEngine, text: str, words: str) -> None:
    with pytest.raises(TransactionCancelled) as cancelled:
        transaction(engine, text)
    assert cancelled.value.fields["CancellationReasons"] == [{"Code": "ValidationError", "Message": words}]


@pytest.mark.parametrize(
    "text", ["SELECT * FROM {} WHERE pk = 'p' AND sk = 1", "INSERT INTO {} VALUE {{'pk': 'n', 'sk': 1}}"]
)
def test_a_table_that_is_missing_cancels_a_transaction(engine: SqliteEngine, text: str) -> None:
    with pytest.raises(TransactionCancelled) as cancelled:
        transaction(engine, text.format("tab"), text.format("nowhere"))
    missing = {"Code": "ResourceNotFound", "Message": "Requested resource not found"}
    assert cancelled.value.fields["CancellationReasons"] == [{"Code": "None"}, missing]
    assert execute(engine, "SELECT * FROM tab WHERE pk = 'n'")["Items"] == []


WHOLE = [
    (
        "SELECT * FROM tab WHERE pk = 'p'",
        "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
    ),
    ("SELECT * FROM tab.by_l WHERE pk = 'p'", "Reads on indices are not supported within transactions."),
    (
        "DELETE FROM tab WHERE pk = 'p' AND sk = 1 RETURNING ALL OLD *",
        "RETURNING clause is not supported in ExecuteTransaction.",
    ),
    (
        "DELETE FROM tab WHERE pk = true AND sk = 1",
        "Key value must be of type S, N, or B. Key name: pk, Key type: BOOL",
    ),
    ("SELECT * FROM tab WHERE", "Statement wasn't well formed, can't be processed: Unexpected term"),
    ("DELETE FROM tab WHERE pk = ?", "Number of parameters in request and statement don't match."),
    (
        "EXISTS(SELECT * FROM tab WHERE pk = 'p' AND sk = 1)",
        "EXISTS must have a condition beside the primary key in the where clause.",
    ),
]


@pytest.mark.parametrize("text, words", WHOLE)
def test_what_refuses_a_whole_transaction(engine: SqliteEngine, text: str, words: str) -> None:
    first = (
        "SELECT * FROM tab WHERE pk = 'p' AND sk = 2"
        if text.startswith("SELECT")
        else "DELETE FROM tab WHERE pk = 'p' AND sk = 2"
    )
    assert refusal(transaction, engine, first, text) == (
        f"ValidationException: Validation failed in TransactStatements[1]: {words}"
    )
    assert sort_keys(execute(engine, OF_P, P)) == ["1", "2", "3"]


def test_a_transaction_sends_at_most_4_mb(engine: SqliteEngine) -> None:
    def inserts(last: int) -> list[Wire]:
        text = "INSERT INTO tab VALUE {'pk': 'p', 'sk': %d, 'x': ?}"
        size = 4 * 1024 * 1024 // 16 - len(text % 10)
        return [statement(text % sort, {"S": "x" * (size + (last if sort == 25 else 0))}) for sort in range(10, 26)]

    words = "ValidationException: Transaction payload size cannot exceed 4MB. Payload Size: 4194305"
    assert refusal(transaction, engine, *inserts(1)) == words
    assert transaction(engine, *inserts(0)) == {"Responses": []}


def test_a_transaction_has_reads_or_writes_each_of_another_item(engine: SqliteEngine) -> None:
    one = "SELECT * FROM tab WHERE pk = 'p' AND sk = 1"
    assert refusal(transaction, engine, one, f"EXISTS({one} AND x = 1)") == (
        "ValidationException: ExecuteTransaction API does not support both read and write operations "
        "in the same request."
    )
    doubled = "ValidationException: Transaction request cannot include multiple operations on one item"
    assert refusal(transaction, engine, one, one) == doubled


# Engines and clients


def test_a_file_that_is_only_read_takes_selects(tmp_path: Path) -> None:
    path = str(tmp_path / "tables.db")
    with SqliteEngine(path) as writer:
        call(writer, "CreateTable", TABLE)
        execute(writer, "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}")
    one = "SELECT sk FROM tab WHERE pk = 'p' AND sk = 1"
    with SqliteEngine(path, mode="ro") as reader:
        assert sort_keys(execute(reader, one)) == ["1"]
        assert "Item" in batch(reader, one)["Responses"][0]
        assert "Item" in transaction(reader, one)["Responses"][0]
        for text in ("DELETE FROM tab WHERE pk = 'p' AND sk = 1", "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}"):
            words = f"{path} was opened to be read only, and this statement writes\n  hint: connect without mode=ro"
            assert refusal(execute, reader, text) == f"AccessDeniedException: {words}"
            assert error_of(batch(reader, text)["Responses"][0]) == ("AccessDenied", words)
            assert refusal(transaction, reader, text) == f"AccessDeniedException: {words}"


def test_an_item_that_has_expired_is_not_found(embedded: SqliteEngine, ask: Ask, clock: Clock) -> None:
    specification = {"AttributeName": "until", "Enabled": True}
    ask("UpdateTimeToLive", TimeToLiveSpecification=specification)
    until = {"N": str(int(clock.now) + 5)}
    execute(embedded, "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1, 'until': ?}", until)
    assert sort_keys(execute(embedded, OF_P, P)) == ["1"]
    clock.now += 20
    assert execute(embedded, OF_P, P) == {"Items": []}


@pytest.fixture
def url(engine: SqliteEngine) -> Iterator[str]:
    with serve(engine) as server:
        yield server.url


def test_boto3_sends_statements(url: str) -> None:
    client = boto3.client("dynamodb", endpoint_url=url, region_name="us-east-1")
    answer = client.execute_statement(Statement=OF_P, Parameters=[{"S": "p"}], Limit=2)
    assert sort_keys(answer) == ["1", "2"]
    rest = client.execute_statement(Statement=OF_P, Parameters=[{"S": "p"}], NextToken=answer["NextToken"])
    assert sort_keys(rest) == ["3"]
    batched = client.batch_execute_statement(
        Statements=[{"Statement": "INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}"}, {"Statement": "DELETE FROM tab"}]
    )
    assert [response["Error"]["Code"] for response in batched["Responses"]] == ["DuplicateItem", "ValidationError"]
    update = "UPDATE tab SET x = ? WHERE pk = 'p' AND sk = 1"
    client.execute_transaction(TransactStatements=[{"Statement": update, "Parameters": [{"BS": [b"\1", b"\2"]}]}])
    stored = client.execute_statement(Statement="SELECT x FROM tab WHERE pk = 'p' AND sk = 1")["Items"]
    assert stored == [{"x": {"BS": [b"\1", b"\2"]}}]
    with raises(
        client.exceptions.DuplicateItemException,
        "An error occurred (DuplicateItemException) when calling the ExecuteStatement operation: Duplicate "
        "primary key exists in table",
    ):
        client.execute_statement(Statement="INSERT INTO tab VALUE {'pk': 'p', 'sk': 1}")


AWS_CLI = ("aws", "dynamodb", "execute-statement", "--region", "us-east-1", "--output", "json")


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_sends_statements(url: str) -> None:
    done = subprocess.run(
        [*AWS_CLI, "--statement", OF_P, "--parameters", '[{"S": "q"}]', "--endpoint-url", url],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Items"] == [{"sk": {"N": "1"}}]
