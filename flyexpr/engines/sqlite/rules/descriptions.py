"""Table descriptions: what CreateTable makes of a request, and what UpdateTable sets in the same way (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

import time
from typing import Any

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid_parameter
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL
from flyexpr.engines.sqlite.request.intents.tables import IndexAsked, Settings, TableAsked
from flyexpr.engines.sqlite.rules.definitions import check_definition
from flyexpr.engines.sqlite.rules.throughput import (
    PROVISIONED,
    Description,
    set_billing_mode,
    set_throughput,
)
from flyexpr.engines.sqlite.rules.vector_definitions import check_vector_indexes, new_vector_index

STREAM_MEMBERS = ("StreamSpecification", "LatestStreamLabel", "LatestStreamArn")
_ARN = "arn:aws:dynamodb:local:000000000000:table/"
_KEYS = "arn:aws:kms:local:000000000000:"
_OWN_KEY = "key/6a7e5d1c-0d3b-5c0a-9f0e-2b8d4f6a1c3e"


def table_arn(name: str) -> str:
    """The ARN of a table; the region is called `local`, whatever region a request is signed for.

    >>> table_arn("scores")
    'arn:aws:dynamodb:local:000000000000:table/scores'
    """
    return _ARN + name


def index_arn(table: str, name: str) -> str:
    """The ARN of an index.

    >>> index_arn("scores", "by_level")
    'arn:aws:dynamodb:local:000000000000:table/scores/index/by_level'
    """
    return f"{_ARN}{table}/index/{name}"


def new_description(asked: TableAsked, now: float) -> Description:
    """The description of a table to be created; ValidationException where its parts do not fit together.

    >>> key, attribute = {"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "id", "AttributeType": "S"}
    >>> on_demand = Settings(billing_mode="PAY_PER_REQUEST")
    >>> asked = TableAsked("scores", [key], [attribute], on_demand, None, None, tags=[])
    >>> new_description(asked, now=5.0)["BillingModeSummary"]
    {'BillingMode': 'PAY_PER_REQUEST', 'LastUpdateToPayPerRequestDateTime': 5.0}
    """
    mode = asked.settings.billing_mode or PROVISIONED
    check_definition(asked, mode)
    check_vector_indexes(asked, mode)
    description = {
        "AttributeDefinitions": asked.attributes,
        "TableName": asked.name,
        "TableArn": table_arn(asked.name),
        "KeySchema": asked.keys,
        "DeletionProtectionEnabled": False,
    }
    set_billing_mode(description, mode, now)
    set_throughput(description, asked.settings.throughput, mode, now)
    if asked.local_indexes:
        description[LOCAL] = [_new_local_index(asked.name, index) for index in asked.local_indexes]
    if asked.global_indexes:
        description[GLOBAL] = [new_index(asked.name, index, mode, now) for index in asked.global_indexes]
    if asked.vector_indexes:
        description[VECTORS] = [
            new_vector_index(index, index_arn(asked.name, index.name)) for index in asked.vector_indexes
        ]
    set_features(description, asked.settings, now)
    return description


def _new_local_index(table: str, index: IndexAsked) -> Description:
    return {
        "IndexName": index.name,
        "KeySchema": index.keys,
        "Projection": index.projection,
        "IndexArn": index_arn(table, index.name),
    }


def new_index(table: str, index: IndexAsked, mode: str, now: float) -> Description:
    """The description of a global index."""
    description = _new_local_index(table, index)
    set_throughput(description, index.throughput, mode, now)
    if index.throughput.warm is not None:
        description["WarmThroughput"] = index.throughput.warm
    return description


def set_features(description: Description, settings: Settings, now: float) -> None:
    """Take over the settings that change nothing but what a description says."""
    if settings.deletion_protection is not None:
        description["DeletionProtectionEnabled"] = settings.deletion_protection
    if settings.throughput.warm is not None:
        description["WarmThroughput"] = settings.throughput.warm
    if settings.stream is not None:
        _set_stream(description, settings.stream, now)
    if settings.encryption is not None:
        _set_encryption(description, settings.encryption)
    if settings.table_class is not None:
        description["TableClassSummary"] = {"TableClass": settings.table_class}


def _set_stream(description: Description, stream: dict[str, Any], now: float) -> None:
    """Enter a stream. The label of the latest one stays when it is switched off."""
    if not stream["StreamEnabled"] and stream.get("StreamViewType"):
        raise invalid_parameter("StreamViewType cannot be specified when StreamEnabled is false")
    if stream["StreamEnabled"] and not stream.get("StreamViewType"):
        raise invalid_parameter("StreamViewType must be specified when StreamEnabled is true")
    description.pop("StreamSpecification", None)
    if stream["StreamEnabled"]:
        description["StreamSpecification"] = stream
        set_stream_label(description, now)


def set_stream_label(description: Description, now: float) -> None:
    """Enter the label of a table's stream, which is the time when it was enabled, and its ARN.

    >>> table = {"TableName": "scores"}
    >>> set_stream_label(table, 1_800_000_000.25)
    >>> table["LatestStreamArn"]
    'arn:aws:dynamodb:local:000000000000:table/scores/stream/2027-01-15T08:00:00.250'
    """
    label = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03}"
    description |= {
        "LatestStreamLabel": label,
        "LatestStreamArn": f"{table_arn(description['TableName'])}/stream/{label}",
    }


def _set_encryption(description: Description, encryption: dict[str, Any]) -> None:
    """Enter a KMS key; without one the service encrypts a table by a key of its own, and shows nothing of it."""
    description.pop("SSEDescription", None)
    if encryption.get("Enabled"):
        key = encryption.get("KMSMasterKeyId", _OWN_KEY)
        path = key if key.startswith(("arn:", "alias/", "key/")) else f"key/{key}"
        arn = path if path.startswith("arn:") else _KEYS + path
        description["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn}
