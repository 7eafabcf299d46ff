"""An engine whose answers are all compared with those of the naive model."""

import json
import re
from collections import Counter
from typing import Any

from naive import item_meaning
from naive_tables import Refused, Rows, Tables
from naive_text import Wire

from flyexpr import DynamoError, Engine, call

READ = ("TableName", "IndexName", "KeyConditionExpression", "ScanIndexForward", "Segment", "TotalSegments")


class BesideModel:
    """Gives the engine's answers and errors; AssertionError if the model's differ."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.model = Tables(self.order)

    def __call__(self, operation: str, body: bytes) -> bytes:
        request = json.loads(body)
        expected, refusal, answer = self.expected(operation, request), None, b"{}"
        try:
            answer = self.engine(operation, body)
        except DynamoError as error:
            refusal = error
        if refusal:
            assert meaning({"Error": refusal.code, **refusal.fields}) == expected, refusal
            raise refusal
        if "Table" not in operation:
            assert meaning(without_costs(request, json.loads(answer))) == expected
        return answer

    def expected(self, operation: str, request: Wire) -> Wire:
        try:
            return meaning(self.model(operation, request))
        except Refused as refused:
            return meaning({"Error": refused.code, **getattr(refused, "fields", {})})

    def order(self, operation: str, request: Wire, rows: Rows) -> Rows:
        """The rows in the engine's order; each partition must be in the order of the sort key."""
        table, index = self.model.table(request), self.model.index(request)
        asked = {member: request[member] for member in READ if member in request}
        marks = re.findall("[#:][0-9]+", asked.get("KeyConditionExpression", ""))
        for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if marks:
                asked[part] = {mark: value for mark, value in request[part].items() if mark in marks}
        by_key = {table.identity(row): row for row in rows}
        found = [by_key[table.identity(item)] for item in call(self.engine, operation, asked)["Items"]]
        assert "Segment" in request or Counter(map(id, found)) == Counter(map(id, rows))
        partitions = [[row[name] for name in index.partition] for row in found]
        for place in range(1, len(found)):
            if partitions[place] == partitions[place - 1]:
                first, second = index.order(found[place - 1]), index.order(found[place])
                assert first >= second if request.get("ScanIndexForward") is False else first <= second
            else:
                assert partitions[place] not in partitions[:place], "a partition is in one piece"
        return found


def without_costs(request: Wire, answer: Wire) -> Wire:
    """The answer without its capacity, which must be there if and only if it was asked for."""
    costs = answer.pop("ConsumedCapacity", None)
    assert (costs is not None) is (request.get("ReturnConsumedCapacity", "NONE") != "NONE")
    assert costs != [None]
    return answer


def meaning(answer: Wire) -> Wire:
    """The meaning of an answer: without the order of attributes and sets, and without the texts of reasons."""
    return {member: MEANINGS.get(member, lambda body: body)(body) for member, body in answer.items()}


def responses(body: Any) -> Any:
    """The items of a batch come in any order."""
    if isinstance(body, list):
        return [meaning(each) for each in body]
    return {table: Counter(map(item_meaning, items)) for table, items in body.items()}


MEANINGS: dict[str, Any] = {
    **dict.fromkeys(("Item", "Attributes", "LastEvaluatedKey"), item_meaning),
    "Items": lambda items: [item_meaning(item) for item in items],
    "Responses": responses,
    "CancellationReasons": lambda reasons: [
        meaning({member: body for member, body in reason.items() if member != "Message"}) for reason in reasons
    ],
}
