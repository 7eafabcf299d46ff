"""Statements on dynoxide, an engine that is checked against the service: the same answers, mostly in the same words."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from beside import REFERENCE
from embedded import TABLE
from engines import absence, closing, opened
from hypothesis import assume, given
from hypothesis import strategies as st
from partiql_text import Text
from test_partiql import ITEMS, STATEMENTS, Step, answer_of
from test_partiql_laws import asked, executed, said

from flyexpr import DynamoError, Table, connect, create_table, put_all, run
from flyexpr.engines import call
from flyexpr.expressions.nodes import Condition
from flyexpr.values.encode import encode_item

pytestmark = pytest.mark.skipif(absence(REFERENCE) is not None, reason=f"{REFERENCE}: {absence(REFERENCE)}")

# Statements to which dynoxide answers something else, by the reason.
UNLIKE = {
    "it reads several partitions in the order of its scan": [
        "SELECT pk, sk FROM tab WHERE pk IN ['q', 'p'] AND sk < 3",
        "SELECT pk, sk FROM tab WHERE (pk = 'q' OR pk = 'p') AND sk < 3",
        "SELECT sk FROM tab WHERE pk = 'p' AND sk = 3 OR pk = 'p' AND sk = 1",
    ],
    "it takes an empty key, and a name in place of a string": [
        "SELECT sk FROM tab WHERE pk = ''",
        'SELECT sk FROM tab WHERE x = {"a": 1}',
    ],
    "it looks at no constant of a function within IN": ["SELECT sk FROM tab WHERE t IN [begins_with(y, 1)]"],
    "it counts parameters before it looks at operands": ["SELECT sk FROM tab WHERE x < true AND y = ?"],
    "it orders only where the partition key is asked for once": [
        "SELECT sk FROM tab WHERE pk = 'p' AND pk = 'p' ORDER BY sk"
    ],
    "it does not read parentheses around an operand": ["SELECT sk FROM tab WHERE pk = 'p' AND ((x)) = (1)"],
    "it takes a path on the right side for a string": [
        "UPDATE tab SET fresh = x WHERE pk = 'p' AND sk = 2 RETURNING MODIFIED NEW *",
        "UPDATE tab SET fresh = nothing WHERE pk = 'p' AND sk = 2",
    ],
}
OTHER_WORDS = [
    "SELECT sk FROM tab WHERE pk = 'p' AND attribute_type(y, 'Q')",
    "SELECT * FROM tab WHERE x IN ?",
    "SELECT * FROM tab WHERE x IN [1, 2",
    "SELECT * FROM tab WHERE (x = 1",
    "SELECT * FROM tab WHERE x LIKE 'a'",
    "SELECT * FROM tab WHERE x # y",
    "SELECT * FROM tab /* WHERE",
    "UPDATE tab WHERE pk = 'p'",
    "INSERT INTO tab VALUES {'pk': 'p'}",
    "INSERT INTO tab VALUE 'p'",
    "UPDATE tab SET fresh = if_not_exists(fresh, 1) WHERE pk = 'p' AND sk = 2",
    "UPDATE tab SET m = 1, m.a = 2 WHERE pk = 'p' AND sk = 1",
    "UPDATE tab SET x = 1 WHERE pk = 'p' AND sk = 1 RETURNING ALL OLD",
    "EXISTS(SELECT * FROM tab WHERE pk = 'p' AND sk = 1, SELECT * FROM tab)",
    "EXISTS(DELETE FROM tab WHERE pk = 'p' AND sk = 1)",
]
KNOWN = [statement for statements in UNLIKE.values() for statement in statements]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    with opened(REFERENCE) as engine:
        yield engine


class Renamed:
    """An engine on which `tab` has another name of three letters, so that what stands behind it keeps its place."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.name = engine, b"T" + uuid.uuid4().hex[:2].encode()

    def __call__(self, operation: str, body: bytes) -> bytes:
        answer: bytes = self.engine(operation, body.replace(b"tab", self.name))
        return answer


@pytest.mark.parametrize("steps", STATEMENTS, ids=[steps[0].statement[:60] for steps in STATEMENTS])
def test_the_same_answers(theirs: Any, steps: list[Step]) -> None:
    engine = Renamed(theirs)
    call(engine, "CreateTable", TABLE)
    try:
        for item in ITEMS:
            engine("PutItem", f'{{"TableName":"tab","Item":{encode_item(item)}}}'.encode())
        for step in steps:
            answer = answer_of(engine, step.statement, step.parameters)
            agrees = comparable(answer, step) == comparable(expected(step), step)
            assert agrees is (step.statement not in KNOWN), step.statement
    finally:
        call(engine, "DeleteTable", {"TableName": "tab"})


def expected(step: Step) -> Any:
    """What the table of statements says, as `answer_of` gives it."""
    return step.answer[2:] if step.answer.startswith("!") else [json.dumps(one) for one in json.loads(step.answer[2:])]


def comparable(answer: Any, step: Step) -> Any:
    if isinstance(answer, str):
        return answer.partition(":")[0] if step.statement in OTHER_WORDS else answer
    items = [json.dumps(json.loads(item), sort_keys=True) for item in answer]
    return sorted(items) if step.answer.startswith("~") else items


# Which conditions beside an OR count is not known of the service.
OVERLAP = "Overlapping conditions with range keys"
UNHELD = "does not project one or more filter attributes"
# Nor is it known whether a partition key with two conditions can give an order.
UNPINNED = "Must have at least one non-optional hash key condition"


@given(asked=asked(), number=st.integers(0, 3), order=st.sampled_from(["", "", "pk, sk DESC", "pk DESC", "sk"]))
def test_random_reads_give_and_cost_the_same(
    theirs: Any, asked: tuple[Table, list[dict[str, Any]], Condition], number: int, order: str
) -> None:
    unbound, items, condition = asked
    name = f"t{uuid.uuid4().hex[:16]}"
    index = unbound.indexes[number] if number < len(unbound.indexes) else None
    text = Text()
    statement = f"SELECT * FROM things{'' if index is None else f'.{index.name}'} WHERE {said(condition, text)}"
    statement += f" ORDER BY {order}" if order else ""
    with closing(connect("sqlite::memory:")) as ours:
        outcomes = []
        for engine in (ours, theirs):
            table = unbound.named(name).on(engine)
            run(table, create_table())
            put_all(table, items)
            outcomes.append(outcome(engine, statement.replace("things", name, 1), text, bool(order)))
            call(engine, "DeleteTable", {"TableName": name})
    assume(not any(OVERLAP in str(one) or "empty" in str(one) for one in outcomes))
    assume(" OR " not in statement or not any(UNHELD in str(one) for one in outcomes))
    names = re.findall(r'"\w+"', statement)
    assume(len(names) == len(set(names)) or UNPINNED not in str(outcomes[1]))
    assert outcomes[0] == outcomes[1]


def outcome(engine: Any, statement: str, text: Text, ordered: bool) -> Any:
    try:
        answer = executed(engine, statement, text, ReturnConsumedCapacity="INDEXES")
    except DynamoError as error:
        return error.code, error.message
    items = [json.dumps(item, sort_keys=True) for item in answer["Items"]]
    return items if ordered else sorted(items), answer["ConsumedCapacity"]
