"""Which read finds what a condition asks for, when the user does not say."""

from __future__ import annotations

from flyexpr.errors import PlanError
from flyexpr.expressions.nodes import ALWAYS, Condition
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
    >>> from flyexpr.expressions.nodes import ALWAYS
    >>> read_of(scores, ALWAYS)[1]
    'reads the whole table'
    """
    if condition == ALWAYS:
        return Scan(index=index, consistent=consistent), f"reads {scanned(index)}"
    read = Query(condition, index, consistent=consistent)
    try:
        access_of(table, read)
    except PlanError as error:
        whole = Scan(condition, index, consistent=consistent)
        access_of(table, whole)  # which is no answer to the wrong name of an index
        return whole, f"reads {scanned(index)}: {error.why}"
    return read, ""


def scanned(index: str | None) -> str:
    """What a scan reads, in words.

    >>> scanned(None), scanned("ByTitle")
    ('the whole table', 'all of ByTitle')
    """
    return "the whole table" if index is None else f"all of {index}"
