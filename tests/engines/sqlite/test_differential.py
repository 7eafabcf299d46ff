"""Random requests, on the embedded engine and on dynoxide side by side: the same results, the same error codes.

Where dynoxide is known to differ from the service, or what differs is not defined, DIFFERENCES says so; every
other difference is a defect of the embedded engine.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from beside import REFERENCE, Both, Case
from differences import DIFFERENCES, explained
from engines import absence, closing, opened
from hypothesis import given, settings
from request_parts import removes_only
from wild import ONE, TWO, Request, sessions

from flyexpr.engines import connect

pytestmark = pytest.mark.skipif(absence(REFERENCE) is not None, reason=f"{REFERENCE}: {absence(REFERENCE)}")


def removals(case: Case) -> list[Any]:
    """The updates of a request that only take away: of a missing item, dynoxide makes an empty one."""
    updates = [case.request] if case.operation == "UpdateItem" else []
    if case.operation == "TransactWriteItems":
        updates = [action["Update"] for action in case.request["TransactItems"] if "Update" in action]
    return [update for update in updates if removes_only(update)]


STATE = [
    {"TableName": "tab_one"},
    {"TableName": "tab_two"},
    {"TableName": "tab_two", "IndexName": "by_g"},
    {"TableName": "tab_two", "IndexName": "by_l"},
]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with opened(REFERENCE) as theirs, closing(connect("sqlite::memory:")) as ours:
        found = Both(ours, theirs, f"t{uuid.uuid4().hex[:12]}")
        found.everywhere("CreateTable", [ONE, TWO])
        yield found
        found.everywhere("DeleteTable", [{"TableName": table["TableName"]} for table in (ONE, TWO)])


def compare(both: Both, session: list[Request]) -> None:
    both.clear([ONE, TWO])
    for operation, request in session:
        case = both.ask(operation, request)
        if case.ours[:2] != case.theirs[:2]:
            both.renew([ONE, TWO])  # the two may hold different items
            assert explained(case, DIFFERENCES), case
            return
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
@settings(derandomize=True, max_examples=2500)
def test_many_sessions_go_as_on_dynoxide(both: Both, session: list[Request]) -> None:
    compare(both, session)
