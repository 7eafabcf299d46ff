"""Requests to two engines side by side, and what of their answers is to be compared."""

import json
from typing import Any, NamedTuple

from flyexpr import DynamoError
from flyexpr.engine import Engine
from flyexpr.values.decode import decode
from flyexpr.values.encode import encode_frozen
from flyexpr.values.freeze import freeze

REFERENCE = "dynoxide"


class Outcome(NamedTuple):
    """What came of a request: the error's code or "", what is to be compared of the answer, and the error's words.

    `reasons` are the words of the cancellation reasons of a transaction, "" where there is none.
    """

    code: str
    answer: Any
    message: str = ""
    reasons: tuple[str, ...] = ()


class Case(NamedTuple):
    """A request, and what came of it on both sides."""

    operation: str
    request: Any
    ours: Outcome
    theirs: Outcome


class Both:
    """Two engines with the same tables, whose names begin alike."""

    def __init__(self, ours: Engine, theirs: Engine, prefix: str) -> None:
        self.engines = (ours, theirs)
        self.prefix = prefix

    def call(self, engine: Engine, operation: str, request: Any) -> Any:
        body = json.dumps(request).replace('"tab_', f'"{self.prefix}_').encode()
        return json.loads(engine(operation, body).replace(f'"{self.prefix}_'.encode(), b'"tab_') or b"{}")

    def ask(self, operation: str, request: Any) -> Case:
        return Case(operation, request, *(self.outcome(engine, operation, request) for engine in self.engines))

    def outcome(self, engine: Engine, operation: str, request: Any) -> Outcome:
        try:
            answer = self.call(engine, operation, request)
        except DynamoError as error:
            reasons = error.fields.get("CancellationReasons", ())
            codes = [reason["Code"] for reason in reasons]
            words = tuple(reason.get("Message", "") for reason in reasons)
            return Outcome(error.code, [codes, item_text(error.fields.get("Item"))], error.message, words)
        return Outcome("", comparable(answer, ordered=operation == "Query" and "IndexName" not in request))

    def everywhere(self, operation: str, tables: list[Any]) -> None:
        for engine in self.engines:
            for table in tables:
                self.call(engine, operation, table)

    def renew(self, tables: list[Any]) -> None:
        """Make tables anew, as one must where an engine has changed the key of an item and not its place."""
        self.everywhere("DeleteTable", [{"TableName": table["TableName"]} for table in tables])
        self.everywhere("CreateTable", tables)

    def clear(self, tables: list[Any]) -> None:
        """Delete all items of tables, each given by the request that made it."""
        for engine in self.engines:
            for table in tables:
                names = [key["AttributeName"] for key in table["KeySchema"]]
                for item in self.call(engine, "Scan", {"TableName": table["TableName"]})["Items"]:
                    key = {name: item[name] for name in names}
                    self.call(engine, "DeleteItem", {"TableName": table["TableName"], "Key": key})


def comparable(answer: Any, ordered: bool) -> Any:
    """An answer with its items as texts that are equal when the items are; sorted where the order means nothing.

    Whether the last page has a LastEvaluatedKey is not defined.
    """
    found = {name: member for name, member in answer.items() if name != "LastEvaluatedKey"}
    if "ItemCollectionMetrics" in found:
        found["ItemCollectionMetrics"] = with_keys_as_texts(found["ItemCollectionMetrics"])
    for name in {"Item", "Attributes"} & found.keys():
        found[name] = item_text(found[name])
    if "Items" in found:
        texts = [item_text(item) for item in found["Items"]]
        found["Items"] = texts if ordered else sorted(map(str, texts))
    if isinstance(found.get("Responses"), list):
        found["Responses"] = [item_text(response.get("Item")) for response in found["Responses"]]
    elif "Responses" in found:
        found["Responses"] = {
            name: sorted(str(item_text(item)) for item in items) for name, items in found["Responses"].items()
        }
    return found


def with_keys_as_texts(metrics: Any) -> Any:
    """Item collection metrics, of one table or of several, with their keys in one canonical form.

    >>> with_keys_as_texts({"scores": [{"ItemCollectionKey": {"id": {"N": "2.0"}}, "SizeEstimateRangeGB": [0, 1]}]})
    {'scores': [{'ItemCollectionKey': '{"M":{"id":{"N":"2"}}}', 'SizeEstimateRangeGB': [0, 1]}]}
    """
    if "ItemCollectionKey" in metrics:
        return {**metrics, "ItemCollectionKey": item_text(metrics["ItemCollectionKey"])}
    return {table: [with_keys_as_texts(one) for one in several] for table, several in metrics.items()}


def item_text(item: Any) -> str | None:
    """The item's wire text in one canonical form.

    >>> item_text({"b": {"NS": ["2", "1.0"]}, "a": {"N": "1e0"}})
    '{"M":{"a":{"N":"1"},"b":{"NS":["1","2"]}}}'
    """
    return None if item is None else encode_frozen(freeze(decode({"M": json.loads(json.dumps(item, sort_keys=True))})))
