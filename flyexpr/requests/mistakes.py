"""Error texts for arguments of operations that are swapped, misspelt or too many: what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from re import sub
from typing import Any

from flyexpr.errors import did_you_mean, unknown_option
from flyexpr.expressions.mistakes import in_words
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.requests.operations import ConditionCheck, GetItem, Operation, Query, Scan, Search
from flyexpr.schema.table import Table, check_table

_CALLS = {  # what to write instead of a constructor with a table
    "get_item": "get(table, key) or run(table, get_item(...))",
    "put_item": "put(table, item) or run(table, put_item(...))",
    "update_item": "update(table, key, change) or run(table, update_item(...))",
    "delete_item": "delete(table, key) or run(table, delete_item(...))",
    "condition_check": "transact_write([(table, condition_check(key, condition))])",
    "transact_write_items": "run(transact_write_items([(table, operation), ...]))",
    "transact_get_items": "run(transact_get_items([(table, get_item(key)), ...]))",
    **{f"{verb}_table": f"run(table, {verb}_table())" for verb in ("create", "delete", "update", "describe")},
}

_ONE_CONDITION = "write all of it as one condition, joined with &"
_MEANT = {  # an option that boto3, other libraries or other functions have, without case and underscores, and its place
    "conditionexpression": "write condition=",
    "consistentread": "write consistent=",
    "exclusivestartkey": "write start=, with the .cursor of an earlier read",
    "filter": _ONE_CONDITION,
    "filterexpression": _ONE_CONDITION,
    "indexname": "write index=",
    "keyconditionexpression": _ONE_CONDITION,
    "parents": "write assign(path, value, parents=True)",
    "projectionexpression": "write project=",
    "returnvalues": "write returns=",
    "scanindexforward": "write reverse=True for the other direction",
    "totalsegments": "write segments=",
}


def wrong_arguments(
    function: Callable[..., Any], first: Any, more: tuple[Any, ...], unknown: Mapping[str, Any]
) -> TypeError:
    """The error for arguments that a constructor does not take: further ones, above all the table, or unknown options.

    >>> from flyexpr.requests.constructors import query
    >>> print(wrong_arguments(query, eq("a", 1), (gt("b", 2),), {}))
    query takes one condition; join them with &: query((F.a == 1) & (F.b > 2))
    >>> print(wrong_arguments(query, eq("a", 1), (), {"reversed": True}))
    query has no option reversed=; did you mean reverse=?
    """
    if more and (isinstance(first, Table) or isinstance(more[0], Table)):
        return with_table(function)
    name = function.__name__
    return TypeError(_too_many(name, first, more[0]) if more else _unknown(function, next(iter(unknown))))


def with_table(function: Callable[..., Any]) -> TypeError:
    """The error for a table given to a constructor: an operation does not know its table."""
    name = function.__name__
    return TypeError(f"{name} does not take the table; write {_CALLS.get(name, f'run(table, {name}(...))')}")


def misplaced_option(function: Callable[..., Any], operation: Any, unknown: Mapping[str, Any]) -> TypeError:
    """The error for an option that a verb does not have; it may be one of the operation.

    >>> print(misplaced_option(run, scan(), {"limit": 3}))
    run has no option limit=; it belongs to the operation: scan(..., limit=...)
    """
    name, option = function.__name__, next(iter(unknown))
    if option in getattr(operation, "__match_args__", ()):
        constructor = sub(r"(?<=[a-z])(?=[A-Z])", "_", type(operation).__name__).lower()
        return TypeError(
            f"{name} has no option {option}=; it belongs to the operation: {constructor}(..., {option}=...)"
        )
    return TypeError(unknown_option(name, option, function.__kwdefaults__ or {}))


def need_table(table: Any, *others: Any) -> None:
    """None for a table; else a TypeError, which also says whether the table is among the other arguments.

    >>> need_table("abc", get_item(scores))
    Traceback (most recent call last):
    ...
    TypeError: expected a table, such as Table(...).on(connect(...)), not 'abc'; the table comes first
    """
    if not isinstance(table, Table):
        inside = [getattr(other, name) for other in others for name in getattr(other, "__match_args__", ())]
        misplaced = isinstance(table, Operation) or any(isinstance(other, Table) for other in (*others, *inside))
        check_table(table, "; the table comes first" if misplaced else "")


def need_read(read: Any) -> None:
    """None for a query or scan; else a TypeError that says what to write.

    >>> need_read(eq("userid", "abc"))
    Traceback (most recent call last):
    ...
    TypeError: expected query(...) or scan(...), not the condition userid = 'abc'; write query(...) around it
    """
    if not isinstance(read, (Query, Scan)):
        instead = ""
        if isinstance(read, Condition):
            instead = "; write query(...) around it"
        elif isinstance(read, Table):
            instead = "; the table comes first"
        elif isinstance(read, GetItem):
            instead = "; get(table, key) reads one item"
        elif isinstance(read, Search):
            instead = "; run(table, search(...)) gives a list, the best first"
        raise TypeError(f"expected query(...) or scan(...), not {in_words(read)}{instead}")


def checked_pairs(what: str, pairs: Any, second: str = "operation") -> tuple[tuple[Table, Any], ...]:
    """The pairs of a table and something else, as a tuple; a TypeError that names the entry that is not such a pair.

    >>> checked_pairs("a transaction", [(get_item("a"), scores)])
    Traceback (most recent call last):
    ...
    TypeError: a transaction takes pairs (table, operation); entry 0 is (operation, table): swap them
    """
    if isinstance(pairs, Operation) or not isinstance(pairs, Iterable):
        raise TypeError(f"{what} takes a list of pairs (table, {second}), not {in_words(pairs)}")
    checked = tuple(pairs)
    for number, pair in enumerate(checked):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Table):
            raise TypeError(f"{what} takes pairs (table, {second}); entry {number} is {_entry(checked, pair, second)}")
    return checked


def _entry(pairs: tuple[Any, ...], pair: Any, second: str) -> str:
    if isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], Table):
        return f"({second}, table): swap them"
    if isinstance(pair, Table) and len(pairs) == 2:
        return f"a table: write the pair in a list, [(table, {second})]"
    if isinstance(pair, Operation):
        return f"{type(pair).__name__} without its table"
    return type(pair).__name__


def not_an_operation(operation: Any) -> TypeError:
    """The error for what is not an operation on a table, with what to write instead.

    >>> print(not_an_operation(None))
    expected an operation after the table, such as query(...) or put_item(...)
    """
    if operation is None:
        return TypeError("expected an operation after the table, such as query(...) or put_item(...)")
    instead = ""
    if isinstance(operation, ConditionCheck):
        instead = "; only a transaction takes it"
    elif isinstance(operation, Condition):
        instead = "; write query(...) around it"
    elif isinstance(operation, Update):
        instead = "; write update(table, key, change)"
    elif callable(operation):
        instead = f"; call it: {getattr(operation, '__name__', '')}(...)"
    return TypeError(f"expected an operation such as query(...) or put_item(...), not {in_words(operation)}{instead}")


def _too_many(name: str, first: Any, second: Any) -> str:
    """What to say of a further positional argument."""
    if isinstance(second, Condition):
        if name in ("query", "scan"):
            return f"{name} takes one condition; join them with &: {name}((F.a == 1) & (F.b > 2))"
        return f"{name} takes its condition by name: {name}(..., condition=...)"
    if name == "put_item":
        return "put_item takes the item alone, with its key in it"
    if name in ("get_item", "delete_item"):
        return f"{name} takes fewer arguments; a key of two parts is a tuple: ({first!r}, {second!r})"
    return f"{name} takes fewer arguments; options are given by name"


def _unknown(function: Callable[..., Any], option: str) -> str:
    """What to say of an option that the function does not have."""
    name, options = function.__name__, function.__kwdefaults__ or {}
    meant = _MEANT.get(option.lower().replace("_", ""))
    if meant is None and name == "update_item" and not did_you_mean(option, options):
        meant = f"to set an attribute write assign({option!r}, value)"
    return f"{name} has no option {option}=; {meant}" if meant else unknown_option(name, option, options)
