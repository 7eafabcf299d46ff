"""Random tables on the embedded engine and on dynoxide side by side: indexes of all kinds, and made in between.

Like test_differential, which says more of expressions and of what is wrong with requests.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beside import REFERENCE, Both, Case, Outcome, comparable, item_text
from engines import Engine, absence, closing, opened
from hypothesis import given, settings
from wild import Request, Wire
from wild_tables import NAME, Shape, fillings, sessions

from flyexpr import DynamoError
from flyexpr.engines import connect

pytestmark = pytest.mark.skipif(absence(REFERENCE) is not None, reason=f"{REFERENCE}: {absence(REFERENCE)}")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    with opened(REFERENCE, tmp_path_factory.mktemp("engine")) as theirs, closing(connect("sqlite::memory:")) as ours:
        yield ours, theirs


def _gives_a_key(case: Case) -> bool:
    """Whether only the reference gives old attributes, and they are the key."""
    given = case.theirs.answer.get("Attributes") == item_text(case.request["Key"])
    return given and "Attributes" not in case.ours.answer


# reason: which cases it explains. All are dynoxide's own ways.
DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "ALL_OLD of an item that was not there is its key": lambda case: (
        case.operation == "UpdateItem" and not case.ours.code and not case.theirs.code and _gives_a_key(case)
    ),
    "what keys do not allow in a transaction does not keep it from trying the other actions": lambda case: (
        case.ours.code == case.theirs.code == "TransactionCanceledException"
        and "ValidationError" in case.ours.answer[0]
    ),
    "a filter may name what an index does not hold, and finds nothing in it": lambda case: (
        not case.theirs.code and "does not project one or more filter attributes" in case.ours.message
    ),
    "a Scan of a local index does not fetch what the index does not hold": lambda case: (
        case.operation == "Scan" and case.request.get("IndexName") == "by_l" and not case.ours.code
    ),
}


def outcome(both: Both, engine: Engine, shape: Shape, operation: str, request: Wire) -> Outcome:
    """What comes of a request; of a read, what comes of all its pages and segments."""
    if operation not in ("Query", "Scan"):
        found = both.outcome(engine, operation, request)
        if operation == "DescribeTable":
            return Outcome("", described(found.answer["Table"]))
        return found
    segments = [{**request, "Segment": number} for number in range(request.get("TotalSegments", 0))] or [request]
    try:
        pages = [page for segment in segments for page in read(both, engine, operation, segment)]
    except DynamoError as error:
        return Outcome(error.code, None, error.message)
    whole = {name: sum(page[name] for page in pages) for name in ("Count", "ScannedCount")}
    if "Items" in pages[0]:
        whole["Items"] = [item for page in pages for item in page["Items"]]
    if not {"Limit", "TotalSegments"} & set(request):  # how many pages there are is not defined, and each costs
        whole["ConsumedCapacity"] = pages[0]["ConsumedCapacity"]
    answer = comparable(whole, ordered=False)
    keys = {"": shape.key, **shape.index_keys()}.get(request.get("IndexName", ""), [])
    if operation == "Query" and "Items" in whole and len(keys) > 1:
        answer["Order"] = [item_text({keys[1]: item[keys[1]]}) for item in whole["Items"]]
    return Outcome("", answer)


def read(both: Both, engine: Engine, operation: str, request: Wire) -> Iterator[Any]:
    """All pages."""
    start: Wire = {}
    while True:
        page = both.call(engine, operation, {**request, **start})
        yield page
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def described(table: Any) -> Any:
    """What of a table's description does not depend on the engine."""
    indexes = [*table.get("GlobalSecondaryIndexes", ()), *table.get("LocalSecondaryIndexes", ())]
    return [
        *(table[name] for name in ("KeySchema", "ItemCount", "TableSizeBytes")),
        sorted(table["AttributeDefinitions"], key=str),
        {one["IndexName"]: [one[name] for name in ("KeySchema", "Projection", "ItemCount")] for one in indexes},
    ]


def compare(engines: tuple[Engine, Engine], shape: Shape, session: list[Request]) -> None:
    both = Both(*engines, f"t{uuid.uuid4().hex[:12]}")
    both.everywhere("CreateTable", [shape.create])
    try:
        for operation, request in session:
            case = Case(
                operation, request, *(outcome(both, engine, shape, operation, request) for engine in both.engines)
            )
            if case.ours[:2] != case.theirs[:2]:
                assert any(explains(case) for explains in DIFFERENCES.values()), case
                if case.ours.code != case.theirs.code:
                    return  # from here on the two may hold different items
    finally:
        both.everywhere("DeleteTable", [{"TableName": NAME}])


@given(drawn=sessions())
@settings(derandomize=True, max_examples=100)
def test_a_table_goes_as_on_dynoxide(engines: tuple[Engine, Engine], drawn: tuple[Shape, list[Request]]) -> None:
    compare(engines, *drawn)


@pytest.mark.slow
@given(drawn=sessions())
@settings(derandomize=True, max_examples=600)
def test_many_tables_go_as_on_dynoxide(engines: tuple[Engine, Engine], drawn: tuple[Shape, list[Request]]) -> None:
    compare(engines, *drawn)


@pytest.mark.slow
@given(drawn=fillings())
@settings(derandomize=True, max_examples=200)
def test_a_new_index_is_filled_as_on_dynoxide(
    engines: tuple[Engine, Engine], drawn: tuple[Shape, list[Request], Request]
) -> None:
    shape, puts, (operation, request) = drawn
    both = Both(*engines, f"t{uuid.uuid4().hex[:12]}")
    both.everywhere("CreateTable", [shape.create])
    try:
        for case in (both.ask(*put) for put in puts):
            assert case.ours[:2] == case.theirs[:2]
        both.everywhere(operation, [request])
        wait_for_index(both)
        for case in both.ask("Scan", {"TableName": NAME, "IndexName": "by_w"}), both.ask("Scan", {"TableName": NAME}):
            assert case.ours[:2] == case.theirs[:2]
    finally:
        both.everywhere("DeleteTable", [{"TableName": NAME}])


def wait_for_index(both: Both) -> None:
    """Until dynoxide has filled its indexes, or half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        table = both.call(both.engines[1], "DescribeTable", {"TableName": NAME})["Table"]
        if all(index["IndexStatus"] == "ACTIVE" for index in table["GlobalSecondaryIndexes"]):
            return
        time.sleep(0.05)
    raise AssertionError("the index is not filled")
