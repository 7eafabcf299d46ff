"""Query and update Amazon DynamoDB with composable expressions over plain dicts.

    >>> table = Table("GameScores", "userid", "title").on(connect("sqlite::memory:"))
    >>> run(table, create_table())
    >>> put(table, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001})
    >>> list(run(table, query(eq("userid", "abc") & gt("top_score", 9000))))
    [{'userid': 'abc', 'title': 'Galaxy Invaders', 'top_score': 9001}]

A record is a plain dict, a table an immutable descriptor; conditions and updates are values. Only `run` and its
one-step forms touch the outside world, through one function: an engine.

The public names by purpose; `help(query)` and so on say more:

    tables         Table GlobalIndex LocalIndex VectorIndex Attribute Codec epoch vector template computed kinds
    conditions     eq ne lt le gt ge between is_in begins_with contains exists not_exists type_is size
                   all_of any_of where live F
    updates        assign assign_all incr decr append prepend add discard remove if_not_exists diff unchanged
    operations     query scan segments search near get_item put_item update_item delete_item batch_get batch_write
                   transact_get_items transact_write_items condition_check
                   create_table update_table describe_table delete_table
    doing          run get put update delete first one count gather modify
                   put_all update_matching delete_matching transact_get transact_write transact_modify Stats
    without doing  request explain matches apply show parse_condition parse_update simplify paths key_of
                   to_wire from_wire to_json from_json to_arrow to_pandas
    engines        connect call
    errors         FlyexprError ExpressionError PlanError ValidationError BadCursor NotBound NotFound SeveralFound
                   BatchIncomplete DynamoError ConditionFailed TransactionCancelled NoSuchTable TableExists
                   Throttled ConnectionFailed
    annotations    Condition Update Item Items ItemPage Found Kinds Operation Query Scan Read Write Budget Plan Engine
                   Connection

`flyexpr.aio` has the functions that touch the outside world, awaited; `flyexpr.curried` functions that wait for their
last argument; `flyexpr.events` asks the same conditions of changes; `flyexpr.serve` puts an engine behind HTTP;
`flyexpr.testing` has fixtures for pytest; `flyexpr.errors` shows the tree of errors.

`from flyexpr import *` gives all of them but those for annotations, which are imported by name.
"""

import _thread
import os
import sys

__all__ = [
    "add",
    "all_of",
    "any_of",
    "append",
    "apply",
    "assign",
    "assign_all",
    "Attribute",
    "BadCursor",
    "batch_get",
    "batch_write",
    "BatchIncomplete",
    "begins_with",
    "between",
    "call",
    "Codec",
    "computed",
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
    "epoch",
    "eq",
    "exists",
    "explain",
    "ExpressionError",
    "F",
    "first",
    "FlyexprError",
    "Found",
    "from_json",
    "from_wire",
    "gather",
    "ge",
    "get",
    "get_item",
    "GlobalIndex",
    "gt",
    "if_not_exists",
    "incr",
    "is_in",
    "key_of",
    "kinds",
    "le",
    "live",
    "LocalIndex",
    "lt",
    "matches",
    "modify",
    "ne",
    "near",
    "NoSuchTable",
    "not_exists",
    "NotBound",
    "NotFound",
    "one",
    "parse_condition",
    "parse_update",
    "paths",
    "PlanError",
    "prepend",
    "put",
    "put_all",
    "put_item",
    "query",
    "remove",
    "request",
    "run",
    "scan",
    "search",
    "segments",
    "SeveralFound",
    "show",
    "simplify",
    "size",
    "Stats",
    "Table",
    "TableExists",
    "template",
    "Throttled",
    "to_arrow",
    "to_json",
    "to_pandas",
    "to_wire",
    "transact_get",
    "transact_get_items",
    "transact_modify",
    "transact_write",
    "transact_write_items",
    "TransactionCancelled",
    "type_is",
    "unchanged",
    "update",
    "update_item",
    "update_matching",
    "update_table",
    "ValidationError",
    "vector",
    "VectorIndex",
    "where",
]

# The modules and their public names. A module is imported when one of its names is asked for: so a program pays for the
# modules that it uses. Type checkers read the same from the imports below.
_NAMES = {
    "doors.plain_items": "Items",
    "engine": "Connection Engine",
    "engines": "call connect",
    "errors": (
        "BadCursor BatchIncomplete ConditionFailed ConnectionFailed DynamoError ExpressionError FlyexprError "
        "NoSuchTable NotBound NotFound PlanError SeveralFound TableExists Throttled TransactionCancelled "
        "ValidationError"
    ),
    "explanation": "explain request",
    "explanation.plan": "Plan",
    "expressions.conditions": (
        "all_of any_of begins_with between contains eq exists ge gt is_in le lt ne not_exists size type_is where"
    ),
    "expressions.diff": "diff unchanged",
    "expressions.memory": "apply matches show",
    "expressions.nodes": "Condition Update",
    "expressions.parse": "parse_condition parse_update",
    "expressions.paths": "paths",
    "expressions.simplify": "simplify",
    "expressions.terms": "F",
    "expressions.updates": "add append assign assign_all decr discard if_not_exists incr prepend remove",
    "requests.constructors": (
        "batch_get batch_write condition_check create_table delete_item delete_table describe_table get_item "
        "near put_item query scan search transact_get_items transact_write_items update_item update_table"
    ),
    "requests.operations": "Budget Found Operation Query Read Scan Write",
    "schema.codecs": "Attribute Codec epoch",
    "schema.derived.derived_keys": "key_of",
    "schema.derived.templates": "computed template",
    "schema.exchange": "from_json from_wire to_json to_wire",
    "schema.expiry": "live",
    "schema.frames": "to_arrow to_pandas",
    "schema.indexes": "GlobalIndex LocalIndex VectorIndex",
    "schema.kinds": "Kinds kinds",
    "schema.table": "Table",
    "schema.vectors": "vector",
    "steps.reads.item_pages": "ItemPage",
    "steps.many.parts": "gather segments",
    "steps.stats": "Stats",
    "sync": (
        "count delete delete_matching first get modify one put put_all run transact_get transact_modify "
        "transact_write update update_matching"
    ),
    "values.types": "Item",
    "version": "__version__",
}
_DOORS = ("aio", "curried", "errors", "events", "serve", "testing")  # modules that are public themselves
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __dir__() -> list[str]:
    """The public names and Python's own, without the modules behind them."""
    return sorted({*(name for name in globals() if name.startswith("__")), *_DOORS, *_HOMES})


TYPE_CHECKING = False  # what checkers take for true; typing's own would cost an import
if TYPE_CHECKING:
    from flyexpr import aio as aio
    from flyexpr import curried as curried
    from flyexpr import errors as errors
    from flyexpr import events as events
    from flyexpr import serve as serve
    from flyexpr import testing as testing
    from flyexpr.doors.plain_items import Items as Items
    from flyexpr.engine import Connection as Connection
    from flyexpr.engine import Engine as Engine
    from flyexpr.engines import call, connect
    from flyexpr.errors import (
        BadCursor,
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
        TableExists,
        Throttled,
        TransactionCancelled,
        ValidationError,
    )
    from flyexpr.explanation import explain, request
    from flyexpr.explanation.plan import Plan as Plan
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
    from flyexpr.expressions.nodes import Condition as Condition
    from flyexpr.expressions.nodes import Update as Update
    from flyexpr.expressions.parse import parse_condition, parse_update
    from flyexpr.expressions.paths import paths
    from flyexpr.expressions.simplify import simplify
    from flyexpr.expressions.terms import F
    from flyexpr.expressions.updates import (
        add,
        append,
        assign,
        assign_all,
        decr,
        discard,
        if_not_exists,
        incr,
        prepend,
        remove,
    )
    from flyexpr.requests.constructors import (
        batch_get,
        batch_write,
        condition_check,
        create_table,
        delete_item,
        delete_table,
        describe_table,
        get_item,
        near,
        put_item,
        query,
        scan,
        search,
        transact_get_items,
        transact_write_items,
        update_item,
        update_table,
    )
    from flyexpr.requests.operations import Budget as Budget
    from flyexpr.requests.operations import Found
    from flyexpr.requests.operations import Operation as Operation
    from flyexpr.requests.operations import Query as Query
    from flyexpr.requests.operations import Read as Read
    from flyexpr.requests.operations import Scan as Scan
    from flyexpr.requests.operations import Write as Write
    from flyexpr.schema.codecs import Attribute, Codec, epoch
    from flyexpr.schema.derived.derived_keys import key_of
    from flyexpr.schema.derived.templates import computed, template
    from flyexpr.schema.exchange import from_json, from_wire, to_json, to_wire
    from flyexpr.schema.expiry import live
    from flyexpr.schema.frames import to_arrow, to_pandas
    from flyexpr.schema.indexes import GlobalIndex, LocalIndex, VectorIndex
    from flyexpr.schema.kinds import Kinds as Kinds
    from flyexpr.schema.kinds import kinds
    from flyexpr.schema.table import Table
    from flyexpr.schema.vectors import vector
    from flyexpr.steps.many.parts import gather, segments
    from flyexpr.steps.reads.item_pages import ItemPage as ItemPage
    from flyexpr.steps.stats import Stats
    from flyexpr.sync import (
        count,
        delete,
        delete_matching,
        first,
        get,
        modify,
        one,
        put,
        put_all,
        run,
        transact_get,
        transact_modify,
        transact_write,
        update,
        update_matching,
    )
    from flyexpr.values.types import Item as Item
    from flyexpr.version import __version__ as __version__
else:  # type checkers would take any name for one of the module
    # A fork copies only the thread that forks. If another one were importing, the child would wait for it for ever.
    _importing = _thread.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_importing.acquire, after_in_parent=_importing.release, after_in_child=_importing.release
        )

    def __getattr__(name):
        if name in _DOORS:
            with _importing:
                return __import__(f"flyexpr.{name}", fromlist=[name])
        if name in _HOMES:
            with _importing:
                value = getattr(__import__(f"flyexpr.{_HOMES[name]}", fromlist=[name]), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'flyexpr' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
