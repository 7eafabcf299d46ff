"""The model of an engine: tables of wire items in plain dicts, and DynamoDB's answers to operations on items.

Like `naive`, it imports nothing of flyexpr. `Tables()(operation, request)` gives the answer, or raises `Refused` with a
code and, as DynamoDB does, further members. It does not know sizes, capacity, streams, tags and older members, and
takes only start keys that a page gave.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from naive import (
    Item,
    Refused,
    Wire,
    check_item,
    holds,
    item_meaning,
    meaning,
    need,
    projected,
    updated,
)
from naive_text import check_key_condition, read, roots

Rows = list[Item]
Order = Callable[[str, Wire, Rows], Rows]


class Failed(Refused):
    """Any other error of the service."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.code, self.fields = code, fields


class Index:
    """The key attributes of a table or of one of its indexes, and the attributes that it holds (None for all)."""

    def __init__(self, spec: Wire, table: "Index | None" = None, is_global: bool = False) -> None:
        kinds = [(each["AttributeName"], each["KeyType"]) for each in spec["KeySchema"]]
        self.partition = tuple(name for name, kind in kinds if kind == "HASH")
        self.sort = tuple(name for name, kind in kinds if kind == "RANGE")
        self.names, self.is_global, self.held = self.partition + self.sort, is_global, None
        projection = spec.get("Projection", {})
        if table is not None and projection["ProjectionType"] != "ALL":
            self.held = {*self.names, *table.names, *projection.get("NonKeyAttributes", ())}

    def key(self, item: Item) -> Item:
        return {name: item[name] for name in self.names}

    def order(self, item: Item) -> tuple[Any, ...]:
        return tuple(meaning(item[name])[1] for name in self.sort)


class Table(Index):
    """A table: its indexes by name, and its items by key."""

    def __init__(self, spec: Wire) -> None:
        super().__init__(spec)
        self.types = {each["AttributeName"]: each["AttributeType"] for each in spec["AttributeDefinitions"]}
        self.items: dict[Any, Item] = {}
        self.indexes = {
            each["IndexName"]: Index(each, self, member.startswith("Global"))
            for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for each in spec.get(member, ())
        }

    def identity(self, item: Item) -> Any:
        return item_meaning(self.key(item))

    def check_given(self, kind: str, request: Wire) -> None:
        """Raises Refused unless the key, or the item of a Put, has the key attributes with the right types."""
        if kind == "Put":
            need({*self.names} <= {*request["Item"]}, "Missing the key in the item")
            self.check_types(request["Item"])
        else:
            need({*request["Key"]} == {*self.names}, "The provided key element does not match the schema")
            self.check_empty(request["Key"])
            self.check_types(request["Key"])

    def check_types(self, item: Item) -> None:
        for name, kind in self.types.items():
            need(name not in item or kind in item[name], f"Type mismatch for key {name}")

    def check_empty(self, item: Item) -> None:
        for name, kind in self.types.items():
            if item.get(name) == {kind: ""}:
                raise EmptyKey(f"an empty value for key {name}")


class EmptyKey(Refused):
    """A key of the table or of an index is empty: an error of the whole transaction, and not a reason."""


def as_they_come(operation: str, request: Wire, rows: Rows) -> Rows:
    """The rows as they are; a Query's are in the order of their sort keys already."""
    return rows


class Tables:
    """The model. Where DynamoDB defines no order, `order` puts the rows of a read in the order of the real engine."""

    def __init__(self, order: Order = as_they_come) -> None:
        self.tables: dict[str, Table] = {}
        self.order = order

    def __call__(self, operation: str, request: Wire) -> Wire:
        request = deepcopy(request)
        answer: Wire = deepcopy(getattr(self, operation)(request))
        return answer

    def table(self, members: Wire) -> Table:
        if members["TableName"] not in self.tables:
            raise Failed("ResourceNotFoundException")
        return self.tables[members["TableName"]]

    # tables

    def CreateTable(self, request: Wire) -> Wire:
        self.tables[request["TableName"]] = Table(request)
        return {}

    def DescribeTable(self, request: Wire) -> Wire:
        return {"Table": {"TableStatus": "ACTIVE", "ItemCount": len(self.table(request).items)}}

    def DeleteTable(self, request: Wire) -> Wire:
        return {"Table": self.tables.pop(request["TableName"]) and {}}

    # one item

    def GetItem(self, request: Wire) -> Wire:
        paths = read(request).get("ProjectionExpression")
        self.table(request).check_given("Get", request)
        return self.got(request, paths)

    def got(self, request: Wire, paths: Any) -> Wire:
        table = self.table(request)
        item = table.items.get(table.identity(request["Key"]))
        return {} if item is None else {"Item": projected(paths, item) if paths else item}

    def PutItem(self, request: Wire) -> Wire:
        return self.written(request, "Put", ("NONE", "ALL_OLD"))

    def DeleteItem(self, request: Wire) -> Wire:
        return self.written(request, "Delete", ("NONE", "ALL_OLD"))

    def UpdateItem(self, request: Wire) -> Wire:
        return self.written(request, "Update", ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))

    def written(self, request: Wire, kind: str, allowed: tuple[str, ...]) -> Wire:
        returns = request.get("ReturnValues", "NONE")
        need(returns in allowed, "Return values set to invalid value")
        trees = self.checked(kind, request)
        self.table(request).check_given(kind, request)
        old, new = self.images(kind, request, trees)
        self.store(request, new)
        shown = old if returns.endswith("OLD") else new
        if returns.startswith("UPDATED") and shown is not None:
            shown = projected([steps for _, steps, _ in trees.get("UpdateExpression", ())], shown)
        return {"Attributes": shown} if returns != "NONE" and shown else {}

    def checked(self, kind: str, request: Wire) -> Wire:
        """The expressions of a write; Refused if the request holds a value that cannot be stored."""
        trees, table = read(request), self.table(request)
        if kind == "Put":
            check_item(request["Item"])
        table.check_empty(request["Item" if kind == "Put" else "Key"])
        return trees

    def images(self, kind: str, request: Wire, trees: Wire) -> tuple[Item | None, Item | None]:
        """The item before and after a write; the error of the condition, if it is false."""
        table = self.table(request)
        for _, steps, _ in trees.get("UpdateExpression", ()):
            need(steps[0] not in table.names, f"Cannot update attribute {steps[0]}. This attribute is part of the key")
        key = table.key(request["Item" if kind == "Put" else "Key"])
        old = table.items.get(table.identity(key))
        if "ConditionExpression" in trees and not holds(trees["ConditionExpression"], old or {}):
            shows = old is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise Failed("ConditionalCheckFailedException", **({"Item": old} if shows else {}))
        if kind == "Update":
            new = updated(trees["UpdateExpression"], old, key) if "UpdateExpression" in trees else old or key
            table.check_empty(new or key)
            table.check_types(new or key)
            return old, new
        return old, {"Put": request.get("Item"), "Delete": None, "ConditionCheck": old}[kind]

    def store(self, request: Wire, new: Item | None) -> None:
        table = self.table(request)
        identity = table.identity(request.get("Item") or request["Key"])
        table.items.pop(identity, None)
        if new is not None:
            table.items[identity] = new

    # several items

    def BatchWriteItem(self, request: Wire) -> Wire:
        writes = [
            (kind, {"TableName": name, **members})
            for name, requests in request["RequestItems"].items()
            for each in requests
            for kind, members in each.items()
        ]
        need(1 <= len(writes) <= 25, "Too many items requested")
        for kind, members in writes:
            self.checked(kind.removesuffix("Request"), members)
            self.table(members).check_given(kind.removesuffix("Request"), members)
        self.need_apart([members for _, members in writes])
        for _, members in writes:
            self.store(members, members.get("Item"))
        return {"UnprocessedItems": {}}

    def BatchGetItem(self, request: Wire) -> Wire:
        responses = {}
        for name, members in request["RequestItems"].items():
            paths = read(members).get("ProjectionExpression")
            gets: list[Wire] = [{"TableName": name, "Key": key} for key in members["Keys"]]
            for get in gets:
                self.table(get).check_given("Get", get)
            self.need_apart(gets)
            found = [self.got(get, paths) for get in gets]
            responses[name] = [each["Item"] for each in found if each]
        need(sum(len(members["Keys"]) for members in request["RequestItems"].values()) <= 100, "Too many items")
        return {"Responses": responses, "UnprocessedKeys": {}}

    def need_apart(self, members: list[Wire]) -> None:
        keys = [(each["TableName"], self.table(each).identity(each.get("Item") or each["Key"])) for each in members]
        need(len({*keys}) == len(keys), "several operations on one item")

    def TransactGetItems(self, request: Wire) -> Wire:
        gets = [each["Get"] for each in request["TransactItems"]]
        paths = [read(get).get("ProjectionExpression") for get in gets]
        self.need_apart(gets)
        found = [self.got(*each) for each in zip(gets, paths, strict=True)]
        return {"Responses": [each if each.get("Item") else {} for each in found]}

    def TransactWriteItems(self, request: Wire) -> Wire:
        actions = [(kind, members) for each in request["TransactItems"] for kind, members in each.items()]
        need(1 <= len(actions) <= 100, "1 to 100 actions")
        trees = [self.checked(kind, members) for kind, members in actions]
        for place, (kind, members) in enumerate(actions):
            try:
                self.table(members).check_given(kind, members)
            except Refused:  # only the first error counts
                reasons = [{"Code": "ValidationError" if place == other else "None"} for other in range(len(actions))]
                raise Failed("TransactionCanceledException", CancellationReasons=reasons) from None
        self.need_apart([members for _, members in actions])
        outcomes = [self.outcome(*action, tree) for action, tree in zip(actions, trees, strict=True)]
        if any(reason["Code"] != "None" for reason, _ in outcomes):
            raise Failed("TransactionCanceledException", CancellationReasons=[reason for reason, _ in outcomes])
        for (_, members), (_, new) in zip(actions, outcomes, strict=True):
            self.store(members, new)
        return {}

    def outcome(self, kind: str, members: Wire, trees: Wire) -> tuple[Wire, Item | None]:
        """The cancellation reason of an action, and the item that it would leave."""
        try:
            return {"Code": "None"}, self.images(kind, members, trees)[1]
        except Failed as failed:
            return {"Code": "ConditionalCheckFailed", **failed.fields}, None
        except EmptyKey:
            raise
        except Refused:
            return {"Code": "ValidationError"}, None

    # reads

    def Query(self, request: Wire) -> Wire:
        trees, table, index = read(request), self.table(request), self.index(request)
        condition = trees["KeyConditionExpression"]
        check_key_condition(condition, index.partition, index.sort, table.types)
        tested = roots(trees["FilterExpression"]) if "FilterExpression" in trees else set()
        need(not tested & {*index.names}, "Filter Expression can only contain non-primary key attributes")
        need(index.held is None or tested <= index.held, "does not project one or more filter attributes")
        rows = [item for item in self.rows(request) if holds(condition, item)]
        rows.sort(key=index.order, reverse=request.get("ScanIndexForward") is False)
        answer = self.page("Query", request, trees, rows)
        if not index.sort and "IndexName" not in request:
            answer.pop("LastEvaluatedKey", None)
        return answer

    def Scan(self, request: Wire) -> Wire:
        trees = read(request)
        return self.page("Scan", request, trees, self.rows(request))

    def index(self, request: Wire) -> Index:
        table = self.table(request)
        need(request.get("IndexName", "") in {"", *table.indexes}, "The table does not have the specified index")
        index = table.indexes[request["IndexName"]] if "IndexName" in request else table
        need(not (index.is_global and request.get("ConsistentRead")), "Consistent reads are not supported")
        return index

    def rows(self, request: Wire) -> Rows:
        """The items in a table or index; an index has those with all of its key attributes."""
        index = self.index(request)
        return [item for item in self.table(request).items.values() if {*index.names} <= {*item}]

    def page(self, operation: str, request: Wire, trees: Wire, rows: Rows) -> Wire:
        table, index = self.table(request), self.index(request)
        shows = self.selection(request, trees)
        rows = self.order(operation, request, rows)
        if "ExclusiveStartKey" in request:
            identities = [table.identity(row) for row in rows]
            rows = rows[identities.index(table.identity(request["ExclusiveStartKey"])) + 1 :]
        examined = rows[: request.get("Limit", len(rows))]
        # In a global index, the filter of a Scan finds attributes missing that the index does not hold.
        seen = index.held if index.is_global and index.held is not None else None
        wanted = trees.get("FilterExpression")
        found = [row for row in examined if wanted is None or holds(wanted, only(row, seen))]
        answer: Wire = {"Count": len(found), "ScannedCount": len(examined)}
        if len(examined) == request.get("Limit"):
            answer["LastEvaluatedKey"] = index.key(examined[-1]) | table.key(examined[-1])
        return answer if shows is None else {"Items": [shows(row) for row in found], **answer}

    def selection(self, request: Wire, trees: Wire) -> Callable[[Item], Item] | None:
        """What a read returns of each item; None if it only counts."""
        index, paths = self.index(request), trees.get("ProjectionExpression")
        select = request.get("Select")
        need(select != "ALL_PROJECTED_ATTRIBUTES" or "IndexName" in request, "only when Querying using an IndexName")
        need((select == "SPECIFIC_ATTRIBUTES") <= (paths is not None), "Must specify the ProjectionExpression")
        need(paths is None or select in (None, "SPECIFIC_ATTRIBUTES"), "Cannot specify the ProjectionExpression")
        held = index.held
        if index.is_global and held is not None:
            spoken = {steps[0] for steps in paths or ()}
            need(spoken <= held and select != "ALL_ATTRIBUTES", "Global secondary index does not project")
        if select == "COUNT":
            return None
        if paths is not None:
            return lambda item: projected(paths, item)
        if held is None or select == "ALL_ATTRIBUTES":
            return lambda item: item
        return lambda item: only(item, held)


def only(item: Item, names: set[str] | None) -> Item:
    """The attributes of these names; all of them if no names are given."""
    return item if names is None else {name: value for name, value in item.items() if name in names}
