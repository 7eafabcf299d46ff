"""A Lambda function: counts what arrives from a queue, each message once, and reports those that failed.

Handler: lambda_handler.handler. TABLE names the table, and ENGINE the engine: `dynamodb://` by default, in the
function's own region. The engine is made at the first call and kept for the next ones, with its connections.
"""

import json
import os
from functools import lru_cache
from typing import Any

from flyexpr import (
    ConditionFailed,
    FlyexprError,
    Table,
    TransactionCancelled,
    connect,
    incr,
    not_exists,
    put_item,
    template,
    transact_write,
    update_item,
)

COUNTERS = Table("Counters", "pk", attributes={"pk": template("{kind}#{id}")})


@lru_cache(maxsize=1)
def counters() -> Table:
    return COUNTERS.named(os.environ["TABLE"]).on(connect(os.environ.get("ENGINE", "dynamodb://")))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """For an SQS trigger with ReportBatchItemFailures: the messages that are to come again."""
    failures = []
    for record in event["Records"]:
        try:
            count(record["messageId"], json.loads(record["body"]))
        except (FlyexprError, ValueError, LookupError, TypeError) as error:
            print(f"message {record['messageId']}: {error}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def count(message: str, body: dict[str, Any]) -> None:
    """Adds to the counter of a page, unless this message was counted before."""
    table = counters()
    try:
        transact_write(
            [
                (table, put_item({"kind": "MESSAGE", "id": message}, condition=not_exists("pk"))),
                (table, update_item({"kind": "PAGE", "id": body["page"]}, incr("views", body.get("views", 1)))),
            ]
        )
    except TransactionCancelled as error:
        if not isinstance(error.reasons[0], ConditionFailed):  # it was another reason, such as a conflict
            raise
