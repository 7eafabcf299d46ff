"""Query and update Amazon DynamoDB with composable expressions over plain dicts.

    >>> table = Table("GameScores", "userid", "title").on(connect("sqlite::memory:"))
    >>> run(table, create_table())
    >>> put(table, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001})
    >>> list(run(table, query(eq("userid", "abc") & gt("top_score", 9000))))
    [{'userid': 'abc', 'title': 'Galaxy Invaders', 'top_score': 9001}]

A record is a plain dict, a table an immutable descriptor; conditions and updates are values. Only `run` and its
one-step forms touch the outside world, through one function: an engine.
"""

from flyexpr.engine import Engine
from flyexpr.engines import call, connect
from flyexpr.errors import (
    BatchIncomplete,
    ConditionFailed,
    ConnectionFailed,
    DynamoError,
    ExpressionError,
    FlyexprError,
    NoSuchTable,
    NotBound,
    NotFound,
    PlanError,
    SeveralFound,
    Throttled,
    TransactionCancelled,
    ValidationError,
)
from flyexpr.explain import Plan, explain, request
from flyexpr.expressions.conditions import (
    all_of,
    any_of,
    begins_with,
    between,
    contains,
    eq,
    exists,
    ge,
    gt,
    is_in,
    le,
    lt,
    ne,
    not_exists,
    size,
    type_is,
    where,
)
from flyexpr.expressions.diff import diff, unchanged
from flyexpr.expressions.memory import apply, matches, show
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.expressions.paths import paths
from flyexpr.expressions.simplify import simplify
from flyexpr.expressions.terms import F
from flyexpr.expressions.updates import add, append, assign, decr, discard, if_not_exists, incr, prepend, remove
from flyexpr.requests.constructors import (
    batch_get,
    batch_write,
    condition_check,
    create_table,
    delete_item,
    delete_table,
    describe_table,
    get_item,
    put_item,
    query,
    scan,
    transact_get_items,
    transact_write_items,
    update_item,
    update_table,
)
from flyexpr.requests.operations import Operation
from flyexpr.schema.codecs import Attribute, Codec, epoch
from flyexpr.schema.indexes import GlobalIndex, LocalIndex
from flyexpr.schema.table import Table
from flyexpr.schema.templates import computed, template
from flyexpr.steps.stats import Stats
from flyexpr.sync import (
    Items,
    count,
    delete,
    delete_matching,
    first,
    get,
    modify,
    one,
    put,
    run,
    transact_get,
    transact_modify,
    transact_write,
    update,
    update_matching,
)
from flyexpr.values.kinds import Item
from flyexpr.version import __version__ as __version__

__all__ = [
    "add",
    "all_of",
    "any_of",
    "append",
    "apply",
    "assign",
    "Attribute",
    "batch_get",
    "batch_write",
    "BatchIncomplete",
    "begins_with",
    "between",
    "call",
    "Codec",
    "computed",
    "Condition",
    "condition_check",
    "ConditionFailed",
    "connect",
    "ConnectionFailed",
    "contains",
    "count",
    "create_table",
    "decr",
    "delete",
    "delete_item",
    "delete_matching",
    "delete_table",
    "describe_table",
    "diff",
    "discard",
    "DynamoError",
    "Engine",
    "epoch",
    "eq",
    "exists",
    "explain",
    "ExpressionError",
    "F",
    "first",
    "FlyexprError",
    "ge",
    "get",
    "get_item",
    "GlobalIndex",
    "gt",
    "if_not_exists",
    "incr",
    "is_in",
    "Item",
    "Items",
    "le",
    "LocalIndex",
    "lt",
    "matches",
    "modify",
    "ne",
    "NoSuchTable",
    "not_exists",
    "NotBound",
    "NotFound",
    "one",
    "Operation",
    "parse_condition",
    "parse_update",
    "paths",
    "Plan",
    "PlanError",
    "prepend",
    "put",
    "put_item",
    "query",
    "remove",
    "request",
    "run",
    "scan",
    "SeveralFound",
    "show",
    "simplify",
    "size",
    "Stats",
    "Table",
    "template",
    "Throttled",
    "transact_get",
    "transact_get_items",
    "transact_modify",
    "transact_write",
    "transact_write_items",
    "TransactionCancelled",
    "type_is",
    "unchanged",
    "Update",
    "update",
    "update_item",
    "update_matching",
    "update_table",
    "ValidationError",
    "where",
]
