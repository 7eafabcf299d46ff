"""Which read finds what a condition asks for, when the user does not say."""

from __future__ import annotations

from dataclasses import replace

from flyexpr.errors import PlanError
from flyexpr.expressions.nodes import Action, Call, Condition, Path, Update, Value
from flyexpr.expressions.paths import paths
from flyexpr.requests.operations import Query, Scan
from flyexpr.requests.plan.access import access_of
from flyexpr.schema.table import Table


def read_of(
    table: Table, condition: Condition, index: str | None = None, consistent: bool = False
) -> tuple[Query | Scan, str]:
    """The query that answers a condition, or else the scan, and why it has to be one.

    >>> read_of(scores, parse_condition("userid = 'abc'"))[1]
    ''
    >>> read_of(scores, parse_condition("wins > 2"))[1]
    'reads the whole table: the condition fixes no partition key value'
    """
    read = Query(condition, index, consistent=consistent)
    try:
        access_of(table, read)
    except PlanError as error:
        scanned = "the whole table" if index is None else f"all of {index}"
        return Scan(condition, index, consistent=consistent), f"reads {scanned}: {_why(error.message)}"
    return read, ""


def _why(message: str) -> str:
    """Why no query serves, for a command that need not be one."""
    if message.startswith("a query of "):
        return "the condition fixes no partition key value"
    return message.rpartition(" cannot serve this query: ")[2].removesuffix(
        ", and a query needs one partition key value"
    )


def bulk_read(
    table: Table, condition: Condition, index: str | None, change: Update | None
) -> tuple[Query | Scan, str, bool]:
    """The read that finds the items to change, why it reads everything where it does, and whether items move in it.

    An index whose key the update changes is not used unless it is named: an item that moves in it would be read again.
    Where it is named, all of the items have to be read before the first one is changed.
    """
    read, why = read_of(table, condition, index)
    used = access_of(table, read).index
    actions = () if change is None else change.actions
    changed = {action.path.parts[0] for action in actions}
    moved = ", ".join(sorted(map(str, changed & {*table.keys_of(used)}))) if used is not None else ""
    if used is not None and index is None and moved:
        why = f"reads the whole table: the update changes {moved}, a key of {used.name}"
        read, used = Scan(condition), None
    exact = change is not None and not is_repeatable(change) and (used is None or used.consistent_reads)
    return replace(read, project=read_for(change, table), consistent=exact), why, bool(used is not None and moved)


def is_repeatable(update: Update) -> bool:
    """Whether doing an update again changes nothing more.

    >>> texts = ("SET a = 1 REMOVE b", "ADD wins 1", "SET a = b", "ADD tags <<'x'>>")
    >>> [is_repeatable(parse_update(text)) for text in texts]
    [True, False, False, True]
    """
    return all(map(_is_repeatable, update.actions))


def _is_repeatable(action: Action) -> bool:
    if any(isinstance(step, int) for step in action.path.parts):
        return False  # an element of a list is another one when one before it is gone
    match action.operand:
        case None:
            return True
        case Value(kind):
            return action.clause != "ADD" or kind != "N"
        case Call("if_not_exists", (path, Value())):
            return path == action.path
    return False


def read_for(update: Update | None, table: Table) -> tuple[Path, ...]:
    """The attributes to read of an item before a change: its key, and what a change touches that must not be repeated.

    >>> [path.parts[0] for path in read_for(incr("wins", 1), Table("t", "id"))]
    ['id', 'wins']
    """
    changed = [] if update is None or is_repeatable(update) else [path.parts[0] for path in paths(update)]
    return tuple(Path((name,)) for name in dict.fromkeys([*table.keys, *changed]))
