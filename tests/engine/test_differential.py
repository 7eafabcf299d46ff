"""Random requests, on the embedded engine and on DynamoDB Local side by side: the same results, the same error codes.

Where DynamoDB Local is known to differ from the service, or what differs is not defined, DIFFERENCES says so; every
other difference is a defect of the embedded engine.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beside import REFERENCE, Both, Case
from engines import absence, closing, opened
from hypothesis import given, settings
from wild import ONE, TWO, Request, sessions

from flyexpr.engines import connect

pytestmark = pytest.mark.skipif(absence(REFERENCE) is not None, reason=f"{REFERENCE}: {absence(REFERENCE)}")


def removals(case: Case) -> list[Any]:
    """The updates of a request that only take away: of a missing item, DynamoDB Local makes an empty one."""
    updates = [case.request] if case.operation == "UpdateItem" else []
    if case.operation == "TransactWriteItems":
        updates = [action["Update"] for action in case.request["TransactItems"] if "Update" in action]
    return [update for update in updates if removes_only(update)]


def removes_only(update: Any) -> bool:
    actions = update.get("AttributeUpdates") or {}
    if actions:
        return all(action.get("Action") == "DELETE" for action in actions.values())
    clauses = set(re.findall("SET|ADD|REMOVE|DELETE", str(update.get("UpdateExpression"))))
    return bool(clauses) and clauses <= {"REMOVE", "DELETE"}


def _refused_with(*words: str) -> Callable[[Case], bool]:
    """True for what the embedded engine refuses in such words."""
    return lambda case: any(word in case.ours.message for word in words)


def _both_answer(case: Case) -> bool:
    return not case.ours.code and not case.theirs.code


def _both_refuse(case: Case) -> bool:
    return bool(case.ours.code and case.theirs.code)


# reason: which cases it explains. All are DynamoDB Local's own ways, but for the last two, which nobody defines.
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "REMOVE or DELETE alone makes an item of nothing, and looks for the parents in it": lambda case: bool(
        removals(case)
    ),
    "UPDATED_OLD and UPDATED_NEW of a nested path give the whole attribute": lambda case: (
        _both_answer(case)
        and str(case.request.get("ReturnValues")).startswith("UPDATED_")
        and re.search(r"[.\[]", case.request.get("UpdateExpression", "")) is not None
    ),
    "an update may give an index key the wrong type or size": lambda case: (
        not case.theirs.code
        and any(words in case.ours.message for words in ("Type mismatch for Index Key", "bytes IndexName: "))
    ),
    "a key of an index that the item is not in may not be too long": lambda case: "Size limit" in case.theirs.message,
    "a member of the wrong JSON type is converted": lambda case: case.ours.code == "SerializationException",
    "an InternalFailure": lambda case: case.theirs.code == "InternalFailure",
    "ExpressionAttributeNames without an expression": lambda case: (
        not case.theirs.code and "can only be specified when using expressions" in case.ours.message
    ),
    "takes two actions on one item in a transaction": _refused_with("cannot include multiple operations on one item"),
    "takes an Update without an expression in a transaction": _refused_with("update.updateExpression' failed"),
    "finds a ConditionCheck without condition after what is wrong with keys": _refused_with(
        "conditionCheck.conditionExpression' failed"
    ),
    "what keys and updates do not allow in a transaction is a plain error, or has other reasons": lambda case: (
        case.ours.code == "TransactionCanceledException" and "ValidationError" in case.ours.answer[0]
    ),
    "finds an empty key value in a transaction after a key of the wrong type": lambda case: (
        case.operation == "TransactWriteItems" and _both_refuse(case) and "cannot contain an empty" in case.ours.message
    ),
    "takes a zero with an exponent out of range": lambda case: (
        "0e126" in str(case.request) and "Number overflow" in case.ours.message
    ),
    "takes the digits of other scripts in a number, as Java does": lambda case: (
        not case.theirs.code and "numeric value" in case.ours.message and not case.ours.message.isascii()
    ),
    "TransactGetItems tells what is wrong with keys first, and without reasons": lambda case: (
        case.operation == "TransactGetItems" and _both_refuse(case)
    ),
    "the order of partitions means nothing": lambda case: (
        case.operation == "Scan" and "Limit" in case.request and _both_answer(case)
    ),
    "the order of equal index keys means nothing": lambda case: (
        case.operation == "Query" and "Limit" in case.request and "IndexName" in case.request and _both_answer(case)
    ),
}


STATE = [
    {"TableName": "tab_one"},
    {"TableName": "tab_two"},
    {"TableName": "tab_two", "IndexName": "by_g"},
    {"TableName": "tab_two", "IndexName": "by_l"},
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with opened(REFERENCE, tmp_path_factory.mktemp("engine")) as theirs, closing(connect("sqlite::memory:")) as ours:
        found = Both(ours, theirs, f"t{uuid.uuid4().hex[:12]}")
        found.everywhere("CreateTable", [ONE, TWO])
        yield found
        found.everywhere("DeleteTable", [{"TableName": table["TableName"]} for table in (ONE, TWO)])


def known(case: Case) -> str | None:
    """The reason why a case may come out otherwise, or None."""
    return next((reason for reason, applies in DIFFERENCES.items() if applies(case)), None)


def compare(both: Both, session: list[Request]) -> None:
    both.clear([ONE, TWO])
    for operation, request in session:
        case = both.ask(operation, request)
        if case.ours[:2] != case.theirs[:2]:
            assert known(case), case
            return  # from here on the two may hold different items
        for update in removals(case) if not case.ours.code else []:
            both.everywhere("DeleteItem", [{"TableName": update["TableName"], "Key": update["Key"]}])
    for scan in STATE:
        case = both.ask("Scan", scan)
        assert case.ours[:2] == case.theirs[:2]


@given(session=sessions)
@settings(max_examples=100)
def test_a_session_goes_as_on_dynamodb_local(both: Both, session: list[Request]) -> None:
    compare(both, session)


@pytest.mark.slow
@given(session=sessions)
@settings(max_examples=5000)
def test_many_sessions_go_as_on_dynamodb_local(both: Both, session: list[Request]) -> None:
    compare(both, session)
