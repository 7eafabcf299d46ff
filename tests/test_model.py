"""Random programs: each request of the library, and others, gets the answer that the naive model gives."""

import json
from contextlib import closing, suppress
from typing import Any

import pytest
import related
from beside_model import BesideModel
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from naive_text import Wire
from strategies import accepted, trees

from flyexpr import (
    BatchIncomplete,
    DynamoError,
    ExpressionError,
    GlobalIndex,
    LocalIndex,
    PlanError,
    Table,
    ValidationError,
    batch_get,
    batch_write,
    begins_with,
    between,
    call,
    condition_check,
    connect,
    count,
    create_table,
    delete_item,
    eq,
    exists,
    ge,
    get_item,
    gt,
    lt,
    not_exists,
    put_item,
    query,
    run,
    scan,
    transact_get,
    transact_write,
    update_item,
)
from flyexpr.expressions.compile import Placeholders, compile
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.requests.operations import Operation

WIDE = Table(
    "wide",
    "pk",
    "sk",
    attributes={"sk": int, "gr": int},
    indexes=[
        GlobalIndex("by_g", "gk", "gr", project=["a"]),
        GlobalIndex("by_a", "a"),
        LocalIndex("by_l", "lk", project="keys"),
        LocalIndex("by_gr", "gr"),
    ],
)
PLAIN = Table("plain", "pk")
BARE = Table(
    "wide", "pk", "sk", attributes={"sk": int}
)  # declares no index, so that the engine, not the library, refuses what an index refuses
INDEXES = [None, None, *[index.name for index in WIDE.indexes]]

# few keys and items, so that writes hit the same ones; an index key may be missing, empty or of a wrong type

PARTITIONS, SORTS = st.sampled_from("pq"), st.integers(0, 3)
GROUPS = st.sampled_from(["g", "h", "😀", "｡"])
INDEXED = {"gk": GROUPS, "gr": SORTS, "lk": GROUPS}
ODD: st.SearchStrategy[Any] = st.sampled_from(["", 1, "g", None, {"a"}])
ATTRIBUTES = {name: related.ATTRIBUTES[name] for name in ("a", "n", "s", "l", "o")}
tables = st.sampled_from([BARE, BARE, BARE, PLAIN])


def keys(table: Table) -> st.SearchStrategy[Any]:
    return st.tuples(PARTITIONS) if table is PLAIN else st.tuples(PARTITIONS, SORTS)


@st.composite
def items(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    item: dict[str, Any] = draw(st.fixed_dictionaries({}, optional={**INDEXED, **ATTRIBUTES}))
    if draw(st.integers(0, 9)) == 0:
        item[draw(st.sampled_from([*INDEXED]))] = draw(ODD)
    return {**item, **dict(zip(table.keys, draw(keys(table)), strict=True))}


# expressions

leaves = (
    related.leaves | related.pairs() | st.sampled_from([exists("pk"), not_exists("pk"), eq("gk", "g"), gt("gr", 1)])
)
conditions = trees(leaves.filter(accepted), 2)
maybe = st.none() | conditions
index_actions = st.sampled_from([*INDEXED]).flatmap(
    lambda name: st.builds(
        lambda value: related.Action("SET", Path((name,)), related.operand(value)), INDEXED[name] | INDEXED[name] | ODD
    )
) | st.sampled_from([related.Action("REMOVE", Path((name,)), None) for name in INDEXED])
updates = st.lists(related.actions | index_actions, min_size=1, max_size=3).map(related.compatible).filter(accepted)
projections = st.lists(
    st.sampled_from(["pk", "a", "gk", "gr", "o.a", "o.l[1]", "o.l[0]", "l[1]", "l[0]", "s", "nope"]),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def key_conditions(draw: st.DrawFn, index: str | None) -> Condition:
    """A condition on the partition key, and mostly one on the sort key."""
    partition, sort = {
        None: (eq("pk", draw(PARTITIONS)), ("sk", SORTS)),
        "by_g": (eq("gk", draw(GROUPS)), ("gr", SORTS)),
        "by_a": (eq("a", draw(related.TEXTS.filter(bool))), None),
        "by_l": (eq("pk", draw(PARTITIONS)), ("lk", GROUPS)),
        "by_gr": (eq("pk", draw(PARTITIONS)), ("gr", SORTS)),
    }[index]
    if sort is None or draw(st.integers(0, 2)) == 0:
        return partition
    name, pool = sort
    low, high = sorted([draw(pool), draw(pool)])
    choices = [eq(name, low), lt(name, high), ge(name, low), between(name, low, high)]
    choices += [begins_with(name, low)] if pool is GROUPS else []
    return partition & draw(st.sampled_from(choices))


@st.composite
def wire_reads(draw: st.DrawFn) -> tuple[str, Wire]:
    """A Query or Scan in wire form, also with values of Select that the library does not send."""
    index = draw(st.sampled_from(INDEXES))
    request: Wire = {"TableName": WIDE.name, **({"IndexName": index} if index else {})}
    expressions: dict[str, Any] = {}
    operation = draw(st.sampled_from(["Query", "Scan"]))
    if operation == "Query":
        expressions["KeyConditionExpression"] = draw(key_conditions(index))
        request["ScanIndexForward"] = draw(st.booleans())
    elif draw(st.booleans()):
        total = draw(st.integers(1, 3))
        request |= {"TotalSegments": total, "Segment": draw(st.integers(0, total - 1))}
    if draw(st.booleans()):
        expressions["FilterExpression"] = draw(conditions)
    if draw(st.integers(0, 2)) == 0:
        expressions["ProjectionExpression"] = tuple(Path((name,)) for name in draw(st.sampled_from(["an", "gs", "pa"])))
    marks = Placeholders()
    request |= {member: compile(expression, marks) for member, expression in expressions.items()}
    request |= json.loads(f"{{{','.join(marks.members())}}}")
    optional = {
        "Select": st.sampled_from(["COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"]),
        "Limit": st.integers(1, 4),
        "ConsistentRead": st.booleans(),
        "ReturnConsumedCapacity": st.sampled_from(["NONE", "TOTAL", "INDEXES"]),
    }
    return operation, request | draw(st.fixed_dictionaries({}, optional=optional))


@st.composite
def writes(draw: st.DrawFn, table: Table, returning: bool = True) -> Operation:
    """A put, update or delete, with or without a condition and returns=."""
    returns = st.none() | st.sampled_from(["ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"])
    kind, condition = draw(st.sampled_from("ppuud")), draw(maybe)
    returned = draw(returns) if returning else None
    of_whole = returned if returned in (None, "ALL_OLD") else None
    if kind == "p":
        return put_item(draw(items(table)), condition=condition, returns=of_whole)
    if kind == "d":
        return delete_item(draw(keys(table)), condition=condition, returns=of_whole)
    return update_item(draw(keys(table)), draw(updates), condition=condition, returns=returned)


class Programs(RuleBasedStateMachine):
    """One engine, two tables, and random operations in random order."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = closing(connect("sqlite::memory:"))
        self.engine = BesideModel(self.closing.__enter__())
        for table in (WIDE, PLAIN):
            run(table.on(self.engine), create_table())

    def teardown(self) -> None:
        for table in (WIDE, PLAIN):
            list(run(table.on(self.engine), scan()))
        self.closing.__exit__(None, None, None)

    @rule(data=st.data(), table=tables)
    def write(self, data: st.DataObject, table: Table) -> None:
        self.attempt(lambda: run(table.on(self.engine), data.draw(writes(table))))

    @rule(data=st.data(), table=tables, project=st.none() | projections, consistent=st.booleans())
    def get(self, data: st.DataObject, table: Table, project: Any, consistent: bool) -> None:
        run(table.on(self.engine), get_item(data.draw(keys(table)), project=project, consistent=consistent))

    @rule(data=st.data(), table=tables)
    def write_batch(self, data: st.DataObject, table: Table) -> None:
        one = items(table).map(put_item) | keys(table).map(delete_item)
        self.attempt(lambda: run(table.on(self.engine), batch_write(data.draw(st.lists(one, min_size=1, max_size=6)))))

    @rule(data=st.data(), table=tables, project=st.none() | projections)
    def get_batch(self, data: st.DataObject, table: Table, project: Any) -> None:
        asked = data.draw(st.lists(keys(table), min_size=1, max_size=6))
        run(table.on(self.engine), batch_get(asked, project=project))

    @rule(data=st.data())
    def transact(self, data: st.DataObject) -> None:
        """A transaction with one action for each of some items, in both tables."""
        actions = {}
        for _ in range(data.draw(st.integers(1, 3))):
            table = data.draw(tables)
            check = st.builds(condition_check, keys(table), conditions)
            action = data.draw(writes(table, returning=False) | check)
            key = getattr(action, "key", None) or tuple(action.item[name] for name in table.keys)
            actions[table.name, key] = (table.on(self.engine), action)
        self.attempt(lambda: transact_write([*actions.values()]))

    @rule(data=st.data(), project=st.none() | projections)
    def get_together(self, data: st.DataObject, project: Any) -> None:
        asked = {(table, data.draw(keys(table))) for table in data.draw(st.lists(tables, min_size=1, max_size=3))}
        transact_get([(table.on(self.engine), get_item(key, project=project)) for table, key in asked])

    @rule(data=st.data(), index=st.sampled_from(INDEXES), reverse=st.booleans(), project=st.none() | projections)
    def query(self, data: st.DataObject, index: str | None, reverse: bool, project: Any) -> None:
        condition, residue = data.draw(key_conditions(index)), data.draw(maybe)
        size, table = data.draw(st.none() | st.integers(1, 3)), WIDE.on(self.engine)
        with suppress(PlanError, ExpressionError, ValidationError):
            asked = condition if residue is None else condition & residue
            read = query(asked, index=index, reverse=reverse, project=project, page_size=size)
            assert len(list(run(table, read))) == count(table, query(asked, index=index))

    @rule(data=st.data(), table=tables, condition=maybe, size=st.none() | st.integers(1, 3))
    def scan(self, data: st.DataObject, table: Table, condition: Condition | None, size: int | None) -> None:
        index = None if table is PLAIN else data.draw(st.sampled_from(INDEXES))
        table = WIDE if index else table
        with suppress(PlanError, ExpressionError, ValidationError):
            read = scan(index=index, page_size=size) if condition is None else scan(condition, page_size=size)
            list(run(table.on(self.engine), read))

    @rule(read=wire_reads())
    def read_pages(self, read: tuple[str, Wire]) -> None:
        """Reads page after page, in wire form."""
        operation, request = read
        with suppress(DynamoError):
            while "LastEvaluatedKey" in (answer := call(self.engine, operation, request)):
                request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def attempt(self, write: Any) -> None:
        """Sends the write. A refusal of the engine was compared already; a condition that is never true is not sent."""
        try:
            write()
        except (DynamoError, BatchIncomplete):
            pass
        except ExpressionError as error:
            if not error.message.startswith("the condition is never true"):
                raise


@pytest.mark.parametrize("examples", [40, pytest.param(600, marks=pytest.mark.slow)], ids=["quick", "slow"])
def test_any_program_is_answered_as_the_model_answers_it(examples: int) -> None:
    run_state_machine_as_test(
        Programs,
        settings=settings(
            max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=[*HealthCheck]
        ),
    )
