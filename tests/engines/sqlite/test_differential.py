"""Random requests, on the embedded engine and on dynoxide side by side: the same results, the same error codes.

Where dynoxide is known to differ from the service, or what differs is not defined, DIFFERENCES says so; every
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
    """The updates of a request that only take away: of a missing item, dynoxide makes an empty one."""
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


# reason: which cases it explains. All are dynoxide's own ways, but for the last two, which nobody defines.
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "REMOVE or DELETE alone makes an item of nothing, and looks for the parents in it": lambda case: bool(
        removals(case)
    ),
    "a constant or a function of the wrong type is not refused, or only if it comes to it": _refused_with(
        "Incorrect operand type",
        "must be distinct from the remaining operands",
        " AttributeValue type",
    ),
    "the length of index keys is looked at after the condition": lambda case: (
        "Aggregated size" in case.ours.message and case.theirs.code == "ConditionalCheckFailedException"
    ),
    "ALL_OLD of an item that was not there is its key": lambda case: (
        case.operation == "UpdateItem"
        and _both_answer(case)
        and case.request.get("ReturnValues") == "ALL_OLD"
        and "Attributes" not in case.ours.answer
    ),
    "a value that no expression uses is not always refused": _refused_with("unused in expressions"),
    "a read of an index may filter by, and project, what the index does not hold": _refused_with("does not project"),
    "size of a value in a function is a reserved word": lambda case: "reserved keyword: size" in case.theirs.message,
    "blanks in the brackets of an index are not allowed": lambda case: (
        re.search(r"Syntax error; token: .*\[ ?[0-9]* ?\]?", case.theirs.message) is not None
    ),
    "a batch takes an index key that is too long": lambda case: (
        case.operation == "BatchWriteItem"
        and not case.theirs.code
        and any(words in case.ours.message for words in ("Size of hashkey", "Aggregated size"))
    ),
    "a transaction takes names and values without an expression": lambda case: (
        case.operation.startswith("Transact") and "can only be specified when using expressions" in case.ours.message
    ),
    "TransactGetItems gives keys beside the projection, and reads it only for items that are there": lambda case: (
        case.operation == "TransactGetItems" and "ProjectionExpression" in str(case.request)
    ),
    "what keys and updates do not allow in a transaction is a plain error, or has other reasons": lambda case: (
        case.ours.code == "TransactionCanceledException" and "ValidationError" in case.ours.answer[0]
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
@settings(derandomize=True, max_examples=100)
def test_a_session_goes_as_on_dynoxide(both: Both, session: list[Request]) -> None:
    compare(both, session)


@pytest.mark.slow
@given(session=sessions)
@settings(derandomize=True, max_examples=1500)
def test_many_sessions_go_as_on_dynoxide(both: Both, session: list[Request]) -> None:
    compare(both, session)
