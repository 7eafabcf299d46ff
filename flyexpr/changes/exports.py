"""Exports to S3 as tables: their items and changes, in a table's types, and the filter that makes an export smaller."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from os import PathLike
from typing import Any

from flyexpr.changes.change import Change, check_condition
from flyexpr.changes.export_folders import Export, export_in, lines_of
from flyexpr.changes.ion_text import ion_reader
from flyexpr.errors import ExpressionError, FlyexprError, ValidationError
from flyexpr.expressions.memory import matches
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.show import show
from flyexpr.expressions.sides import asks_before
from flyexpr.records import replace
from flyexpr.requests.constructors import scan
from flyexpr.requests.expression_members import expression_members
from flyexpr.requests.operations import Part, Paths
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.refinements import checked_part
from flyexpr.schema.stored_items import read_item
from flyexpr.schema.table import Table, check_table
from flyexpr.values.types import Item
from flyexpr.values.wire_json import item_of_wire

_START = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read_export(
    folder: str | PathLike[str], table: Table[Any], condition: Condition | None = None, *, part: Part | None = None
) -> Iterator[Item | Change]:
    """What an export holds: the items of a full export, or each `Change` of an incremental one, one by one.

    >>> read_export("nowhere", scores)
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: nowhere holds no export: there is no manifest-summary.json in it

    With a condition, only those for which it holds. The folder is a copy of what DynamoDB wrote to S3: the manifest,
    and the data files below it or, of an incremental export, beside it. The lines are DynamoDB JSON or Ion text,
    packed by gzip or Zstandard (Ion and Zstandard need `pip install 'flyexpr[exports]'`). Each file is checked against
    the manifest before its first item is given. An incremental export has one change for each item, with its last
    state, in no order; with NEW_IMAGE alone, it does not say whether an item is new, and its `kind` is "MODIFY".

    With `part=(0, 8)` and so on up to `(7, 8)`, eight programs share the files between them, on any machines that have
    the folder. A full export of a table of some GB has hundreds of files.
    """
    check_condition(table, condition)
    export = _shared(opened_export(folder), checked_part(part))
    if export.view is None:
        if condition is not None and asks_before(condition):
            raise ExpressionError(
                "a full export holds items, and this condition asks about changes", expression=show(condition)
            )
        return _items(export, table, condition)
    return changes_of_export(export, table, condition)


def changes_of_export(export: Export, table: Table[Any], condition: Condition | None) -> Iterator[Change]:
    """The changes of an export for which a condition holds; an item of a full export is one that is new.

    >>> from pathlib import Path as FilePath
    >>> list(changes_of_export(Export(FilePath("x"), "DYNAMODB_JSON", None, ()), scores, None))
    []
    """
    check_condition(table, condition)
    changes = _changes if export.view else _items_as_changes
    return (change for change in changes(export, table) if condition is None or change.matches(condition))


def opened_export(folder: str | PathLike[str]) -> Export:
    """The export in a folder or somewhere below it, in a form that can be read; else FlyexprError."""
    export = export_in(folder)
    if export.form not in _FORMS:
        forms = " and ".join(_FORMS)
        raise FlyexprError(f"{export.folder} is an export in the form {export.form}; {forms} can be read")
    return export


def _shared(export: Export, part: Part | None) -> Export:
    """The export with the files of one part only: every n-th one."""
    mine, parts = part or (0, 1)
    return replace(export, files=export.files[mine::parts])


def _items(export: Export, table: Table[Any], condition: Condition | None) -> Iterator[Item]:
    for line, where in _lines(export):
        with _naming(where):
            item = read_item(table, item_of_wire(line["Item"]))
        if condition is None or matches(condition, item):
            yield item


def _items_as_changes(export: Export, table: Table[Any]) -> Iterator[Change]:
    for line, where in _lines(export):
        with _naming(where):
            item = line["Item"]
            item_of_wire(item)
            image = {"Keys": table.key_in(item), "NewImage": item}
        yield Change("INSERT", table.name, "", None, False, image, table)


def _changes(export: Export, table: Table[Any]) -> Iterator[Change]:
    for line, where in _lines(export):
        with _naming(where):
            change = _change(export, table, line)
        yield change


def _change(export: Export, table: Table[Any], line: Mapping[str, Any]) -> Change:
    micros = _micros(line["Metadata"]["WriteTimestampMicros"])
    kind: Any = "REMOVE" if "NewImage" not in line else "MODIFY"
    if kind == "MODIFY" and "OldImage" not in line and export.view == "NEW_AND_OLD_IMAGES":
        kind = "INSERT"
    item_of_wire(line["Keys"], "Keys")
    image = {**line, "StreamViewType": export.view}
    return Change(kind, table.name, str(micros), _START + timedelta(microseconds=micros), False, image, table)


def _micros(stamp: Any) -> int:
    """The microseconds of a `WriteTimestampMicros`: `{"N": "1700000000000000"}`, or the bare number."""
    return int(stamp["N"] if isinstance(stamp, Mapping) else stamp)


def _lines(export: Export) -> Iterator[tuple[Any, str]]:
    """What each line says, and where it stands."""
    read = _FORMS[export.form]()
    for file in export.files:
        for number, line in enumerate(lines_of(file), 1):
            where = f"{file.path}, line {number}"
            with _naming(where):
                entry = read(line)
            yield entry, where


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Makes an error about a line one that says where the line stands."""
    try:
        yield
    except ValidationError as error:
        raise FlyexprError(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise FlyexprError(f"{where}: this is not a line of an export") from error


def _json_reader() -> Callable[[bytes], Any]:
    return json.loads


_FORMS: dict[str, Callable[[], Callable[[bytes], Any]]] = {"DYNAMODB_JSON": _json_reader, "ION": ion_reader}


def export_filter(condition: Condition, table: Table[Any], *, project: Paths | None = None) -> dict[str, Any]:
    """The `FilterSpecification` of ExportTableToPointInTime for the items for which a condition holds.

    >>> export_filter(gt("wins", 3), scores, project=["userid", "wins"])["FilterExpression"]
    '#0 > :0'

    The result is a dict for boto3, with the expressions that a scan would send. What a scan leaves to the client is not
    in it, and `read_export` with the same condition checks that. ExpressionError for what DynamoDB refuses, and for a
    condition that no item meets.
    """
    check_table(table)
    access = access_of(table, scan(condition, project=project))
    if not access.sends:
        raise ExpressionError("no item can match this condition", expression=show(condition))
    members = expression_members(("FilterExpression", access.filter), ("ProjectionExpression", access.fetch))
    specification: dict[str, Any] = json.loads("{" + ",".join(members) + "}")
    return specification
