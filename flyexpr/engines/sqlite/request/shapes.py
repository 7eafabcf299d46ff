"""The JSON shape of every operation's request.

The service reads a body whole before it looks at a member, so a value of a wrong JSON type is a SerializationException
wherever it stands, whatever else is wrong. Here a request is looked through only when it is refused, to see whether
that was the reason: what is right costs nothing.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from typing import Any

from flyexpr.engines.sqlite.request.json_types import (
    BOOLEAN,
    INTEGER,
    ITEM,
    LONG,
    NAMES,
    STRING,
    STRINGS,
    TIMESTAMP,
    VALUE,
    VALUES,
    ListOf,
    MapOf,
    Shape,
    Structure,
    check_shape,
)
from flyexpr.errors import DynamoError, FlyexprError


def check_refused(shape: Structure, request: dict[str, Any], error: FlyexprError) -> None:
    """None for a request that was refused for another reason than the JSON type of a member, however deep.

    >>> from flyexpr.engines.sqlite.faults import invalid
    >>> check_refused(GET_ITEM, {"Key": {"id": {"S": 1}}}, invalid("1 validation error detected: ..."))
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: SerializationException: NUMBER_VALUE cannot be converted to String

    What comes of the items that are stored comes after all reading, and is not looked into.
    """
    if isinstance(error, DynamoError) and error.code not in _LATER:
        check_shape(request, shape)


_LATER = ("ConditionalCheckFailedException", "TransactionCanceledException")


def _structure(name: str, **members: Shape) -> Structure:
    return Structure(name, members)


_TABLE: dict[str, Shape] = {"TableName": STRING}
_CAPACITY: dict[str, Shape] = {"ReturnConsumedCapacity": STRING}
_METRICS: dict[str, Shape] = {**_CAPACITY, "ReturnItemCollectionMetrics": STRING}
_MAPS: dict[str, Shape] = {"ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": ITEM}

_COMPARISON: dict[str, Shape] = {"ComparisonOperator": STRING, "AttributeValueList": VALUES}
_CONDITIONS = MapOf(Structure("Condition", _COMPARISON), "Condition")
_EXPECTED = MapOf(
    _structure("ExpectedAttributeValue", **_COMPARISON, Exists=BOOLEAN, Value=VALUE), "ExpectedAttributeValue"
)
_UPDATES = MapOf(_structure("AttributeValueUpdate", Action=STRING, Value=VALUE), "AttributeValueUpdate")
_WRITE: dict[str, Shape] = {
    **_TABLE,
    **_METRICS,
    **_MAPS,
    "ConditionExpression": STRING,
    "ConditionalOperator": STRING,
    "Expected": _EXPECTED,
    "ReturnValues": STRING,
    "ReturnValuesOnConditionCheckFailure": STRING,
}
_PROJECTION: dict[str, Shape] = {
    "ProjectionExpression": STRING,
    "ExpressionAttributeNames": NAMES,
    "AttributesToGet": STRINGS,
    "ConsistentRead": BOOLEAN,
}
_PAGE: dict[str, Shape] = {
    **_TABLE,
    **_CAPACITY,
    **_PROJECTION,
    **_MAPS,
    "IndexName": STRING,
    "Select": STRING,
    "Limit": INTEGER,
    "ExclusiveStartKey": ITEM,
    "FilterExpression": STRING,
    "ConditionalOperator": STRING,
}

_ACTION: dict[str, Shape] = {
    **_TABLE,
    **_MAPS,
    "ConditionExpression": STRING,
    "ReturnValuesOnConditionCheckFailure": STRING,
}
ACTIONS = {
    "ConditionCheck": _structure("ConditionCheck", **_ACTION, Key=ITEM),
    "Put": _structure("Put", **_ACTION, Item=ITEM),
    "Update": _structure("Update", **_ACTION, Key=ITEM, UpdateExpression=STRING),
    "Delete": _structure("Delete", **_ACTION, Key=ITEM),
}
GET = _structure("Get", **_TABLE, Key=ITEM, ProjectionExpression=STRING, ExpressionAttributeNames=NAMES)
KEYS_AND_ATTRIBUTES = _structure("KeysAndAttributes", **_PROJECTION, Keys=ListOf(ITEM))
_WRITE_REQUEST = _structure(
    "WriteRequest",
    PutRequest=_structure("PutRequest", Item=ITEM),
    DeleteRequest=_structure("DeleteRequest", Key=ITEM),
)

_STATEMENT: dict[str, Shape] = {
    "Statement": STRING,
    "Parameters": VALUES,
    "ReturnValuesOnConditionCheckFailure": STRING,
}
BATCH_STATEMENT = _structure("BatchStatementRequest", **_STATEMENT, ConsistentRead=BOOLEAN)
PARAMETERIZED_STATEMENT = Structure("ParameterizedStatement", _STATEMENT)

_SCHEMA = ListOf(_structure("KeySchemaElement", AttributeName=STRING, KeyType=STRING))
_UNITS: dict[str, Shape] = {
    "ProvisionedThroughput": _structure("ProvisionedThroughput", ReadCapacityUnits=LONG, WriteCapacityUnits=LONG),
    "OnDemandThroughput": _structure("OnDemandThroughput", MaxReadRequestUnits=LONG, MaxWriteRequestUnits=LONG),
    "WarmThroughput": _structure("WarmThroughput", ReadUnitsPerSecond=LONG, WriteUnitsPerSecond=LONG),
}
_LOCAL_INDEX: dict[str, Shape] = {
    "IndexName": STRING,
    "KeySchema": _SCHEMA,
    "Projection": _structure("Projection", ProjectionType=STRING, NonKeyAttributes=STRINGS),
}
_GLOBAL_INDEX: dict[str, Shape] = {**_LOCAL_INDEX, **_UNITS}
_DEFINITION: dict[str, Shape] = {
    **_TABLE,
    **_UNITS,
    "AttributeDefinitions": ListOf(_structure("AttributeDefinition", AttributeName=STRING, AttributeType=STRING)),
    "BillingMode": STRING,
    "DeletionProtectionEnabled": BOOLEAN,
    "StreamSpecification": _structure("StreamSpecification", StreamEnabled=BOOLEAN, StreamViewType=STRING),
    "SSESpecification": _structure("SSESpecification", Enabled=BOOLEAN, SSEType=STRING, KMSMasterKeyId=STRING),
    "TableClass": STRING,
}
_OVERRIDES: dict[str, Shape] = {
    "BillingModeOverride": STRING,
    "LocalSecondaryIndexOverride": ListOf(Structure("LocalSecondaryIndex", _LOCAL_INDEX)),
    "GlobalSecondaryIndexOverride": ListOf(Structure("GlobalSecondaryIndex", _GLOBAL_INDEX)),
    "ProvisionedThroughputOverride": _UNITS["ProvisionedThroughput"],
    "OnDemandThroughputOverride": _UNITS["OnDemandThroughput"],
    "SSESpecificationOverride": _DEFINITION["SSESpecification"],
}
_TAGS = ListOf(_structure("Tag", Key=STRING, Value=STRING))
_VECTOR_INDEX: dict[str, Shape] = {
    "IndexName": STRING,
    "VectorAttribute": _structure("VectorAttribute", AttributeName=STRING),
    "Dimensions": LONG,
    "DistanceFunction": STRING,
    "Projection": _LOCAL_INDEX["Projection"],
    "SearchSchema": ListOf(_structure("SearchSchemaElement", AttributeName=STRING, SearchSchemaElementType=STRING)),
}
_VECTOR_UPDATE = _structure(
    "VectorIndexUpdate",
    Create=Structure("CreateVectorIndexAction", _VECTOR_INDEX),
    Delete=_structure("DeleteVectorIndexAction", IndexName=STRING),
)
_INDEX_UPDATE = _structure(
    "GlobalSecondaryIndexUpdate",
    Create=Structure("CreateGlobalSecondaryIndexAction", _GLOBAL_INDEX),
    Update=_structure("UpdateGlobalSecondaryIndexAction", IndexName=STRING, **_UNITS),
    Delete=_structure("DeleteGlobalSecondaryIndexAction", IndexName=STRING),
)

BATCH_EXECUTE_STATEMENT = Structure(
    "BatchExecuteStatementInput",
    {**_CAPACITY, "Statements": ListOf(BATCH_STATEMENT)},
)
BATCH_GET_ITEM = Structure(
    "BatchGetItemInput",
    {
        **_CAPACITY,
        "RequestItems": MapOf(KEYS_AND_ATTRIBUTES, "KeysAndAttributes"),
    },
)
BATCH_WRITE_ITEM = Structure(
    "BatchWriteItemInput",
    {
        **_METRICS,
        "RequestItems": MapOf(ListOf(_WRITE_REQUEST), "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>"),
    },
)
CREATE_TABLE = Structure(
    "CreateTableInput",
    {
        **_DEFINITION,
        "KeySchema": _SCHEMA,
        "LocalSecondaryIndexes": ListOf(Structure("LocalSecondaryIndex", _LOCAL_INDEX)),
        "GlobalSecondaryIndexes": ListOf(Structure("GlobalSecondaryIndex", _GLOBAL_INDEX)),
        "VectorIndexes": ListOf(Structure("VectorIndex", _VECTOR_INDEX)),
        "Tags": _TAGS,
        "ResourcePolicy": STRING,
        "GlobalTableSourceArn": STRING,
    },
)
CREATE_BACKUP = Structure("CreateBackupInput", {**_TABLE, "BackupName": STRING})
DELETE_BACKUP = Structure("DeleteBackupInput", {"BackupArn": STRING})
DELETE_ITEM = Structure("DeleteItemInput", {**_WRITE, "Key": ITEM})
DELETE_TABLE = Structure("DeleteTableInput", _TABLE)
DESCRIBE_BACKUP = Structure("DescribeBackupInput", {"BackupArn": STRING})
DESCRIBE_CONTINUOUS_BACKUPS = Structure("DescribeContinuousBackupsInput", _TABLE)
DESCRIBE_STREAM = Structure(
    "DescribeStreamInput",
    {
        "StreamArn": STRING,
        "Limit": INTEGER,
        "ExclusiveStartShardId": STRING,
        "ShardFilter": _structure("ShardFilter", Type=STRING, ShardId=STRING),
    },
)
DESCRIBE_TABLE = Structure("DescribeTableInput", _TABLE)
DESCRIBE_TIME_TO_LIVE = Structure("DescribeTimeToLiveInput", _TABLE)
EXECUTE_STATEMENT = Structure(
    "ExecuteStatementInput",
    {**_STATEMENT, **_CAPACITY, "ConsistentRead": BOOLEAN, "NextToken": STRING, "Limit": INTEGER},
)
EXECUTE_TRANSACTION = Structure(
    "ExecuteTransactionInput",
    {
        **_CAPACITY,
        "ClientRequestToken": STRING,
        "TransactStatements": ListOf(PARAMETERIZED_STATEMENT),
    },
)
GET_ITEM = Structure("GetItemInput", {**_TABLE, **_CAPACITY, **_PROJECTION, "Key": ITEM})
GET_RECORDS = Structure("GetRecordsInput", {"ShardIterator": STRING, "Limit": INTEGER})
GET_SHARD_ITERATOR = Structure(
    "GetShardIteratorInput",
    {
        "StreamArn": STRING,
        "ShardId": STRING,
        "ShardIteratorType": STRING,
        "SequenceNumber": STRING,
        "Timestamp": TIMESTAMP,
    },
)
LIST_BACKUPS = Structure(
    "ListBackupsInput",
    {
        **_TABLE,
        "Limit": INTEGER,
        "TimeRangeLowerBound": TIMESTAMP,
        "TimeRangeUpperBound": TIMESTAMP,
        "ExclusiveStartBackupArn": STRING,
        "BackupType": STRING,
    },
)
LIST_STREAMS = Structure("ListStreamsInput", {"TableName": STRING, "Limit": INTEGER, "ExclusiveStartStreamArn": STRING})
LIST_TABLES = Structure("ListTablesInput", {"ExclusiveStartTableName": STRING, "Limit": INTEGER})
LIST_TAGS_OF_RESOURCE = Structure("ListTagsOfResourceInput", {"ResourceArn": STRING, "NextToken": STRING})
_POLICY: dict[str, Shape] = {"ResourceArn": STRING, "ExpectedRevisionId": STRING}
DELETE_RESOURCE_POLICY = Structure("DeleteResourcePolicyInput", _POLICY)
GET_RESOURCE_POLICY = Structure("GetResourcePolicyInput", {"ResourceArn": STRING})
PUT_RESOURCE_POLICY = Structure(
    "PutResourcePolicyInput", {**_POLICY, "Policy": STRING, "ConfirmRemoveSelfResourceAccess": BOOLEAN}
)
PUT_ITEM = Structure("PutItemInput", {**_WRITE, "Item": ITEM})
QUERY = Structure(
    "QueryInput",
    {
        **_PAGE,
        "KeyConditions": _CONDITIONS,
        "KeyConditionExpression": STRING,
        "QueryFilter": _CONDITIONS,
        "ScanIndexForward": BOOLEAN,
    },
)
RESTORE_TABLE_FROM_BACKUP = Structure(
    "RestoreTableFromBackupInput", {"TargetTableName": STRING, "BackupArn": STRING, **_OVERRIDES}
)
RESTORE_TABLE_TO_POINT_IN_TIME = Structure(
    "RestoreTableToPointInTimeInput",
    {
        "SourceTableArn": STRING,
        "SourceTableName": STRING,
        "TargetTableName": STRING,
        "UseLatestRestorableTime": BOOLEAN,
        "RestoreDateTime": TIMESTAMP,
        **_OVERRIDES,
    },
)
SCAN = Structure("ScanInput", {**_PAGE, "ScanFilter": _CONDITIONS, "Segment": INTEGER, "TotalSegments": INTEGER})
SEARCH_VECTORS = Structure("SearchVectorsInput", {})  # its host has a reader of JSON of its own: searches/bodies.py
TAG_RESOURCE = Structure("TagResourceInput", {"ResourceArn": STRING, "Tags": _TAGS})
TRANSACT_GET_ITEMS = Structure(
    "TransactGetItemsInput",
    {
        **_CAPACITY,
        "TransactItems": ListOf(_structure("TransactGetItem", Get=GET)),
    },
)
TRANSACT_WRITE_ITEMS = Structure(
    "TransactWriteItemsInput",
    {
        **_METRICS,
        "ClientRequestToken": STRING,
        "TransactItems": ListOf(_structure("TransactWriteItem", **ACTIONS)),
    },
)
UNTAG_RESOURCE = Structure("UntagResourceInput", {"ResourceArn": STRING, "TagKeys": STRINGS})
UPDATE_CONTINUOUS_BACKUPS = Structure(
    "UpdateContinuousBackupsInput",
    {
        **_TABLE,
        "PointInTimeRecoverySpecification": _structure(
            "PointInTimeRecoverySpecification", PointInTimeRecoveryEnabled=BOOLEAN, RecoveryPeriodInDays=INTEGER
        ),
    },
)
UPDATE_ITEM = Structure(
    "UpdateItemInput", {**_WRITE, "Key": ITEM, "UpdateExpression": STRING, "AttributeUpdates": _UPDATES}
)
UPDATE_TABLE = Structure(
    "UpdateTableInput",
    {
        **_DEFINITION,
        "GlobalSecondaryIndexUpdates": ListOf(_INDEX_UPDATE),
        "VectorIndexUpdates": ListOf(_VECTOR_UPDATE),
        "ReplicaUpdates": ListOf(_structure("ReplicationGroupUpdate")),
        "GlobalTableWitnessUpdates": ListOf(_structure("GlobalTableWitnessGroupUpdate")),
    },
)
UPDATE_TIME_TO_LIVE = Structure(
    "UpdateTimeToLiveInput",
    {
        **_TABLE,
        "TimeToLiveSpecification": _structure("TimeToLiveSpecification", AttributeName=STRING, Enabled=BOOLEAN),
    },
)
