"""What INSERT, UPDATE, DELETE and EXISTS write or check: one item, by the writes that are there.

An INSERT is a Put on the condition that there is no such item. An UPDATE never makes an item, for its whole WHERE
clause is a condition. A DELETE of an item that is not there changes nothing, whatever its clause says.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute
from flyexpr.engines.sqlite.disk.schema import StoredTable
from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.clauses import find_clause
from flyexpr.engines.sqlite.request.expressions import attribute_names
from flyexpr.engines.sqlite.request.intents import STATEMENT
from flyexpr.engines.sqlite.request.intents.statements import StatementAsked
from flyexpr.engines.sqlite.request.intents.writes import Write
from flyexpr.engines.sqlite.rules.key_ranges import check_key_value, wrong_key_type
from flyexpr.engines.sqlite.rules.keys import check_key_size
from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import ALWAYS, Condition, Or, Path, Test, Update, Value, parts_of
from flyexpr.expressions.parse.statements import Exists, Insert, UpdateOrDelete
from flyexpr.values.sizes import item_size
from flyexpr.values.types import MAX_ITEM, Item, stored_type


def write_of(table: StoredTable, asked: StatementAsked) -> Write:
    """The write that a statement asks for; ValidationException where it does not fit the table."""
    match asked.statement:
        case Insert(_, item):
            return _insert(table, item)
        case UpdateOrDelete(_, None, condition):
            return _delete(table, condition, asked)
        case UpdateOrDelete(_, update, condition):
            return _write("Update", table, _key(table, condition), condition, asked, update)
        case Exists(select):
            key = _key(table, select.condition)
            if not _asks_more(table, select.condition):
                raise invalid("EXISTS must have a condition beside the primary key in the where clause.")
            return _write("ConditionCheck", table, key, select.condition, asked)
    raise TypeError(f"{asked.statement!r} writes nothing")


def _write(
    action: str,
    table: StoredTable,
    key: Item,
    condition: Condition | None,
    asked: StatementAsked,
    update: Update | None = None,
) -> Write:
    names = attribute_names(condition, update)
    return Write(action, table.name, key, None, condition, update, asked.shows_failed, STATEMENT, names)


def _insert(table: StoredTable, item: Item) -> Write:
    for attribute in table.key.attributes:
        if attribute.name in item and stored_type(item[attribute.name]) != attribute.kind:
            raise wrong_key_type(attribute.name)
    size = item_size(item)
    if size > MAX_ITEM:
        raise invalid("Item size has exceeded the maximum allowed size")
    condition = _no_item(table)
    return Write("Put", table.name, item, _image(item, size), condition, by=STATEMENT, names=attribute_names(condition))


def _image(item: Item, size: int) -> Image | None:
    """The item to store; None where a parameter in it is nested too deep, which is said only if it is not there yet."""
    try:
        return Image(item, size, item_text(item))
    except ValidationError:
        return None


def _delete(table: StoredTable, condition: Condition | None, asked: StatementAsked) -> Write:
    key = _key(table, condition)
    if condition is None or not _asks_more(table, condition):
        return _write("Delete", table, key, None, asked)
    return _write("Delete", table, key, Or((_no_item(table), condition)), asked)


def _no_item(table: StoredTable) -> Condition:
    return Test("attribute_not_exists", (Path((table.key.names[0],)),))


# The key


def _key(table: StoredTable, condition: Condition | None) -> Item:
    """The key of the one item that a WHERE clause names: every part of the key has an equality of its own."""
    pinned = {attribute: _pinned(attribute, condition) for attribute in table.key.attributes}
    key = {attribute.name: value.body for attribute, value in pinned.items()}
    check_key_size(table.key, key)
    return key


def _pinned(attribute: KeyAttribute, condition: Condition | None) -> Value:
    values = [value for name, value in _equalities(condition) if name == attribute.name]
    for value in values:
        check_key_value(attribute, value)
    if len(set(values)) > 1:
        raise invalid(
            f"Multiple conditions on same key {attribute.name}. Only single item Update/Insert/Delete are supported"
        )
    if not values:
        raise invalid("Where clause does not contain a mandatory equality on all key attributes")
    return values[0]


def _equalities(condition: Condition | None) -> list[tuple[str, Value]]:
    clauses = map(find_clause, parts_of(ALWAYS if condition is None else condition))
    return [(clause.name, clause.values[0]) for clause in clauses if clause is not None and clause.operator == "="]


def _asks_more(table: StoredTable, condition: Condition | None) -> bool:
    """Whether a WHERE clause has conditions beside those that give the key."""
    on_key = [name for name, _ in _equalities(condition) if name in table.key.names]
    return condition is not None and len(on_key) < len(parts_of(condition))
