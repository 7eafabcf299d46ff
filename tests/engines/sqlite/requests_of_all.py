"""For every operation, requests that are right and together have every member that the service knows."""

import json
from base64 import b64encode
from typing import Any

from embedded import KEY, TABLE, key

from flyexpr.engines.sqlite.request.next_tokens import digest_of, write_token
from flyexpr.expressions.nodes import Value

Wire = dict[str, Any]
ARN = "arn:aws:dynamodb:local:000000000000:table/tab"
UNITS = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
CEILINGS = {"MaxReadRequestUnits": 9, "MaxWriteRequestUnits": 10}
WARM = {"ReadUnitsPerSecond": 15_000, "WriteUnitsPerSecond": 6_000}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
POLICY = '{"Version": "2012-10-17"}'
INCLUDING = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}
GLOBAL, LOCAL = TABLE["GlobalSecondaryIndexes"][0], {**TABLE["LocalSecondaryIndexes"][0], "Projection": INCLUDING}
STREAMED = {**TABLE, "TableName": "streamed", "StreamSpecification": STREAM, "LocalSecondaryIndexes": [LOCAL]}
STREAMED |= {"ResourcePolicy": POLICY}
OF_STREAM = {"StreamArn": f"{ARN.removesuffix('tab')}streamed/stream/2027-01-15T08:00:00.000"}
SHARD = "shardId-00000001800000000000-9f27eb69"
OF_POLICY = {"ResourceArn": f"{ARN.removesuffix('tab')}streamed", "ExpectedRevisionId": "1800000000000"}
OF_SHARD = {**OF_STREAM, "ShardId": SHARD}
ITERATOR = f"{OF_STREAM['StreamArn']}|1|{b64encode(f'{SHARD} 5 1800000000000'.encode()).decode()}"
BACKUP = f"{ARN.removesuffix('tab')}streamed/backup/01800000000000-0fcf6580"
ENCRYPTION = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine"}
OVERRIDES = {
    "BillingModeOverride": "PAY_PER_REQUEST",
    "OnDemandThroughputOverride": CEILINGS,
    "SSESpecificationOverride": ENCRYPTION,
    "GlobalSecondaryIndexOverride": [{**GLOBAL, "OnDemandThroughput": CEILINGS, "WarmThroughput": WARM}],
    "LocalSecondaryIndexOverride": [LOCAL],
}
PROVISIONED = {
    "BillingModeOverride": "PROVISIONED",
    "ProvisionedThroughputOverride": UNITS,
    "GlobalSecondaryIndexOverride": [{**GLOBAL, "ProvisionedThroughput": UNITS}],
}
BY_K = {
    "IndexName": "by_k",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "Projection": INCLUDING,
}
ITEM = {
    **key(1),
    "s": {"S": "a"},
    "b": {"B": "YQ=="},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "ss": {"SS": ["a"]},
    "ns": {"NS": ["1"]},
    "bs": {"BS": ["YQ=="]},
    "l": {"L": [{"N": "1"}]},
    "m": {"M": {"a": {"S": "b"}}},
}
EQ = {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}
OF_P = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]}
NAMED = {"ExpressionAttributeNames": {"#x": "x"}}
MAPS = {**NAMED, "ExpressionAttributeValues": {":v": {"N": "1"}}}
CONDITION = {"ConditionExpression": "#x = :v OR attribute_not_exists(#x)", **MAPS}
TOLD = {"ReturnConsumedCapacity": "TOTAL"}
WRITING = {
    "TableName": "tab",
    **TOLD,
    "ReturnItemCollectionMetrics": "SIZE",
    "ReturnValues": "ALL_OLD",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
EXPECTED = {
    "Expected": {
        "x": {"Exists": False},
        "n": {"ComparisonOperator": "NULL"},
        "y": {"ComparisonOperator": "NE", "Value": {"N": "1"}},
        "w": {"ComparisonOperator": "NE", "AttributeValueList": [{"N": "1"}]},
    },
    "ConditionalOperator": "AND",
}
START = {"ExclusiveStartKey": key(0), "Limit": 2, "Select": "SPECIFIC_ATTRIBUTES", "ConsistentRead": True}
FAILING = {"ReturnValuesOnConditionCheckFailure": "NONE", "TableName": "tab"}

STATEMENT = "SELECT * FROM tab WHERE pk = 'p' AND x = ?"
TWO: list[Wire] = [{"N": "2"}]
TOKEN = write_token(digest_of(STATEMENT, TWO, [Value("N", 2)]) or b"", json.dumps(key(0)).encode())
DELETING = {
    "Statement": "DELETE FROM tab WHERE pk = 'p' AND sk = ?",
    "Parameters": TWO,
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}

BY_V = {
    "IndexName": "by_v",
    "VectorAttribute": {"AttributeName": "v"},
    "Dimensions": 3,
    "DistanceFunction": "COSINE",
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
    "SearchSchema": [{"AttributeName": "f", "SearchSchemaElementType": "INLINE_FILTER"}],
}
REQUESTS: list[tuple[str, Wire]] = [
    ("BatchExecuteStatement", {"Statements": [{**DELETING, "ConsistentRead": True}], **TOLD}),
    (
        "BatchGetItem",
        {"RequestItems": {"tab": {"Keys": [key(1)], "ProjectionExpression": "#x", **NAMED}}, **TOLD},
    ),
    ("BatchGetItem", {"RequestItems": {"tab": {"Keys": [key(1)], "AttributesToGet": ["x"], "ConsistentRead": True}}}),
    (
        "BatchWriteItem",
        {
            "RequestItems": {"tab": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": key(2)}}]},
            "ReturnItemCollectionMetrics": "SIZE",
            **TOLD,
        },
    ),
    ("CreateBackup", {"TableName": "tab", "BackupName": "again"}),
    (
        "CreateTable",
        {
            **TABLE,
            "TableName": "new",
            "ResourcePolicy": POLICY,
            "OnDemandThroughput": CEILINGS,
            "WarmThroughput": WARM,
            "DeletionProtectionEnabled": True,
            "StreamSpecification": STREAM,
            "SSESpecification": ENCRYPTION,
            "TableClass": "STANDARD",
            "Tags": [{"Key": "a", "Value": "b"}],
            "GlobalSecondaryIndexes": [
                {**TABLE["GlobalSecondaryIndexes"][0], "OnDemandThroughput": CEILINGS, "WarmThroughput": WARM}
            ],
            "LocalSecondaryIndexes": [LOCAL],
        },
    ),
    (
        "CreateTable",
        {
            "TableName": "new",
            "KeySchema": KEY[:1],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "k", "AttributeType": "S"},
            ],
            "ProvisionedThroughput": UNITS,
            "GlobalSecondaryIndexes": [{**BY_K, "ProvisionedThroughput": UNITS}],
        },
    ),
    (
        "CreateTable",
        {
            "TableName": "new",
            "KeySchema": KEY[:1],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "f", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "VectorIndexes": [BY_V],
        },
    ),
    ("DeleteBackup", {"BackupArn": BACKUP}),
    ("DeleteItem", {**WRITING, "Key": key(1), **CONDITION}),
    ("DeleteItem", {**WRITING, "Key": key(1), **EXPECTED}),
    ("DeleteResourcePolicy", OF_POLICY),
    ("DeleteTable", {"TableName": "tab"}),
    ("DescribeBackup", {"BackupArn": BACKUP}),
    ("DescribeContinuousBackups", {"TableName": "tab"}),
    ("DescribeContributorInsights", {"TableName": "tab", "IndexName": "by_g"}),
    ("DescribeEndpoints", {}),
    ("DescribeKinesisStreamingDestination", {"TableName": "tab"}),
    ("DescribeLimits", {}),
    (
        "DescribeStream",
        {
            **OF_STREAM,
            "Limit": 1,
            "ExclusiveStartShardId": SHARD,
            "ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": SHARD},
        },
    ),
    ("DescribeTable", {"TableName": "tab"}),
    ("DescribeTableReplicaAutoScaling", {"TableName": "tab"}),
    ("DescribeTimeToLive", {"TableName": "tab"}),
    (
        "ExecuteStatement",
        {
            "Statement": STATEMENT,
            "Parameters": TWO,
            "ConsistentRead": True,
            "NextToken": TOKEN,
            "Limit": 1,
            "ReturnValuesOnConditionCheckFailure": "NONE",
            **TOLD,
        },
    ),
    ("ExecuteTransaction", {"TransactStatements": [DELETING], "ClientRequestToken": "once", **TOLD}),
    (
        "GetItem",
        {"TableName": "tab", "Key": key(1), "ProjectionExpression": "#x", **NAMED, "ConsistentRead": True, **TOLD},
    ),
    ("GetItem", {"TableName": "tab", "Key": key(1), "AttributesToGet": ["x"]}),
    ("GetRecords", {"ShardIterator": ITERATOR, "Limit": 1}),
    (
        "GetShardIterator",
        {**OF_SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "100001800000000000000"},
    ),
    ("GetShardIterator", {**OF_SHARD, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.5}),
    ("GetResourcePolicy", {"ResourceArn": OF_POLICY["ResourceArn"]}),
    ("ListBulkOperations", {"MaxResults": 5, "NextToken": "x"}),
    ("ListContributorInsights", {"TableName": "tab", "MaxResults": 5, "NextToken": "x"}),
    ("ListExports", {"TableArn": ARN, "MaxResults": 5, "NextToken": "x"}),
    ("ListGlobalTables", {"ExclusiveStartGlobalTableName": "abc", "Limit": 5, "RegionName": "eu-west-1"}),
    ("ListImports", {"TableArn": ARN, "PageSize": 5, "NextToken": "x"}),
    (
        "ListBackups",
        {
            "TableName": "streamed",
            "Limit": 1,
            "TimeRangeLowerBound": 1_700_000_000.5,
            "TimeRangeUpperBound": 1_900_000_000.5,
            "ExclusiveStartBackupArn": f"{BACKUP[:-8]}00000000",
            "BackupType": "USER",
        },
    ),
    ("ListStreams", {"TableName": "streamed", "Limit": 1, "ExclusiveStartStreamArn": OF_STREAM["StreamArn"]}),
    ("ListTables", {"ExclusiveStartTableName": "aaa", "Limit": 1}),
    ("ListTagsOfResource", {"ResourceArn": ARN, "NextToken": "x"}),
    ("RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": BACKUP, **OVERRIDES}),
    ("RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": BACKUP, **PROVISIONED}),
    (
        "RestoreTableToPointInTime",
        {
            "SourceTableName": "streamed",
            "TargetTableName": "new",
            "UseLatestRestorableTime": False,
            "RestoreDateTime": 1_800_000_000,
            **OVERRIDES,
        },
    ),
    (
        "RestoreTableToPointInTime",
        {
            "SourceTableArn": f"{ARN.removesuffix('tab')}streamed",
            "TargetTableName": "new",
            "UseLatestRestorableTime": True,
            **PROVISIONED,
        },
    ),
    ("PutItem", {**WRITING, "Item": ITEM, **CONDITION}),
    ("PutItem", {**WRITING, "Item": ITEM, **EXPECTED}),
    ("PutResourcePolicy", {**OF_POLICY, "Policy": POLICY, "ConfirmRemoveSelfResourceAccess": True}),
    (
        "Query",
        {
            "TableName": "tab",
            "IndexName": "by_l",
            "KeyConditionExpression": "pk = :p",
            "FilterExpression": "#x = :v",
            "ProjectionExpression": "#x",
            **NAMED,
            "ExpressionAttributeValues": {":v": {"N": "1"}, ":p": {"S": "p"}},
            **START,
            "ExclusiveStartKey": {**key(0), "lk": {"B": "YQ=="}},
            "ScanIndexForward": False,
            **TOLD,
        },
    ),
    (
        "Query",
        {
            "TableName": "tab",
            "KeyConditions": {"pk": OF_P},
            "QueryFilter": {"x": EQ, "y": EQ},
            "ConditionalOperator": "OR",
            "AttributesToGet": ["x"],
        },
    ),
    (
        "Scan",
        {
            "TableName": "tab",
            "IndexName": "by_l",
            "FilterExpression": "#x = :v",
            "ProjectionExpression": "#x",
            **MAPS,
            **START,
            "ExclusiveStartKey": {**key(0), "lk": {"B": "YQ=="}},
            "Segment": 0,
            "TotalSegments": 1,
            **TOLD,
        },
    ),
    (
        "Scan",
        {"TableName": "tab", "ScanFilter": {"x": EQ, "y": EQ}, "ConditionalOperator": "OR", "AttributesToGet": ["x"]},
    ),
    ("TagResource", {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}]}),
    (
        "TransactGetItems",
        {
            "TransactItems": [{"Get": {"TableName": "tab", "Key": key(1), "ProjectionExpression": "#x", **NAMED}}],
            **TOLD,
        },
    ),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"ConditionCheck": {**FAILING, "Key": key(1), **CONDITION}},
                {"Put": {**FAILING, "Item": {**ITEM, **key(2)}, **CONDITION}},
                {"Update": {**FAILING, "Key": key(3), "UpdateExpression": "SET y = :v", **CONDITION}},
                {"Delete": {**FAILING, "Key": key(4), **CONDITION}},
            ],
            "ClientRequestToken": "once",
            "ReturnItemCollectionMetrics": "SIZE",
            **TOLD,
        },
    ),
    ("UntagResource", {"ResourceArn": ARN, "TagKeys": ["a"]}),
    ("UpdateItem", {**WRITING, "Key": key(1), "UpdateExpression": "SET y = :v", **CONDITION}),
    (
        "UpdateItem",
        {**WRITING, "Key": key(1), "AttributeUpdates": {"x": {"Action": "PUT", "Value": {"N": "1"}}}, **EXPECTED},
    ),
    (
        "UpdateContinuousBackups",
        {
            "TableName": "tab",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
        },
    ),
    (
        "UpdateTable",
        {
            "TableName": "tab",
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [
                {"Create": {**BY_K, "OnDemandThroughput": CEILINGS, "WarmThroughput": WARM}},
                {"Update": {"IndexName": "by_g", "OnDemandThroughput": CEILINGS, "WarmThroughput": WARM}},
            ],
            "OnDemandThroughput": CEILINGS,
            "WarmThroughput": WARM,
            "DeletionProtectionEnabled": True,
            "StreamSpecification": STREAM,
            "SSESpecification": ENCRYPTION,
            "TableClass": "STANDARD",
        },
    ),
    (
        "UpdateTable",
        {
            "TableName": "tab",
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": UNITS,
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [
                {"Update": {"IndexName": "by_g", "ProvisionedThroughput": UNITS}},
                {"Create": {**BY_K, "ProvisionedThroughput": UNITS}},
            ],
        },
    ),
    ("UpdateTable", {"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_g"}}]}),
    (
        "UpdateTable",
        {
            "TableName": "tab",
            "AttributeDefinitions": [{"AttributeName": "f", "AttributeType": "S"}],
            "VectorIndexUpdates": [{"Create": BY_V}],
        },
    ),
    (
        "UpdateTimeToLive",
        {"TableName": "tab", "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}},
    ),
]

KINESIS = {"TableName": "tab", "StreamArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/s"}
GLOBAL = {"GlobalTableName": "tab"}
REFUSED: list[tuple[str, Wire]] = [
    ("UpdateTable", {"TableName": "tab", "VectorIndexUpdates": [{"Delete": {"IndexName": "by_v"}}]}),
    ("UpdateTable", {"TableName": "tab", "ReplicaUpdates": [{}], "GlobalTableWitnessUpdates": [{}]}),
    ("CreateTable", {**STREAMED, "TableName": "copy", "GlobalTableSourceArn": ARN}),
    ("CancelBulkOperation", {"BulkOperationArn": f"{ARN}/bulk/1"}),
    ("CreateGlobalTable", {**GLOBAL, "ReplicationGroup": [{}]}),
    ("DescribeBulkOperation", {"BulkOperationArn": f"{ARN}/bulk/1"}),
    ("DescribeExport", {"ExportArn": f"{ARN}/export/1"}),
    ("DescribeGlobalTable", GLOBAL),
    ("DescribeGlobalTableSettings", GLOBAL),
    ("DescribeImport", {"ImportArn": f"{ARN}/import/1"}),
    ("DisableKinesisStreamingDestination", {**KINESIS, "EnableKinesisStreamingConfiguration": {}}),
    ("EnableKinesisStreamingDestination", {**KINESIS, "EnableKinesisStreamingConfiguration": {}}),
    (
        "ExportTableToPointInTime",
        {
            "TableArn": ARN,
            "ExportTime": 1_800_000_000.5,
            "ClientToken": "t",
            "S3Bucket": "b",
            "S3BucketOwner": "000000000000",
            "S3Prefix": "p",
            "S3SseAlgorithm": "KMS",
            "S3SseKmsKeyId": "k",
            "ExportFormat": "ION",
            "ExportType": "FULL_EXPORT",
            "IncrementalExportSpecification": {},
            "FilterSpecification": {},
        },
    ),
    (
        "ImportTable",
        {
            "ClientToken": "t",
            "S3BucketSource": {},
            "InputFormat": "CSV",
            "InputFormatOptions": {},
            "InputCompressionType": "GZIP",
            "TableCreationParameters": {},
        },
    ),
    (
        "StartBulkPutItems",
        {
            "ClientToken": "t",
            "InputS3Configuration": {},
            "OutputS3Configuration": {},
            "TableName": "tab",
            "MaxWriteRequestUnits": 2048,
            "PerformanceTier": "STANDARD",
        },
    ),
    (
        "UpdateContributorInsights",
        {
            "TableName": "tab",
            "IndexName": "by_g",
            "ContributorInsightsAction": "ENABLE",
            "ContributorInsightsMode": "THROTTLED_KEYS",
        },
    ),
    ("UpdateGlobalTable", {**GLOBAL, "ReplicaUpdates": [{}]}),
    (
        "UpdateGlobalTableSettings",
        {
            **GLOBAL,
            "GlobalTableBillingMode": "PROVISIONED",
            "GlobalTableProvisionedWriteCapacityUnits": 5,
            "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate": {},
            "GlobalTableGlobalSecondaryIndexSettingsUpdate": [{}],
            "ReplicaSettingsUpdate": [{}],
        },
    ),
    ("UpdateKinesisStreamingDestination", {**KINESIS, "UpdateKinesisStreamingConfiguration": {}}),
    (
        "UpdateTableReplicaAutoScaling",
        {
            "TableName": "tab",
            "GlobalSecondaryIndexUpdates": [{}],
            "ProvisionedWriteCapacityAutoScalingUpdate": {},
            "ReplicaUpdates": [{}],
        },
    ),
]
"""Requests that are right, of operations that the engine refuses."""
