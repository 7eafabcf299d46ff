"""What the tests of the embedded engine share: a table, its keys, and a clock."""

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]

KEY = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
PLAIN = {
    "TableName": "tab",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": KEY,
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
}
"""A table without indexes."""
TABLE = {
    **PLAIN,
    "AttributeDefinitions": [
        *PLAIN["AttributeDefinitions"],
        {"AttributeName": "gk", "AttributeType": "S"},
        {"AttributeName": "lk", "AttributeType": "B"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": [{"AttributeName": "gk", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_l",
            "KeySchema": [KEY[0], {"AttributeName": "lk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def key(sort: int, partition: str = "p") -> dict[str, Any]:
    """The wire key of an item of `tab`."""
    return {"pk": {"S": partition}, "sk": {"N": str(sort)}}
