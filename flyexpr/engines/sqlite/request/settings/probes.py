"""The operations with one answer, whatever is stored: they are about things that only several Regions or services have.

Tools ask them in passing, after CreateTable or before a change. Some are answered with what is always true here; the
others are refused, with the error that the service has for it or with the reason.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.faults import NO_REPLICAS
from flyexpr.engines.sqlite.request.intents.settings import ProbeAsked
from flyexpr.engines.sqlite.request.json_types import INTEGER, LONG, STRING, ListOf, Shape, Structure
from flyexpr.engines.sqlite.request.member_rules import (
    ObjectRules,
    Rule,
    choice_rule,
    integer_rule,
    list_rule,
    long_rule,
    map_rule,
    name_rule,
    sized_text_rule,
    table_rule,
    text_rule,
)
from flyexpr.engines.sqlite.request.members import Members, read_members


class Refusal(NamedTuple):
    """An error; `{Name}` in its words stands for a member of the request."""

    code: str
    message: str


class Probe(NamedTuple):
    """The members of a request, the names of those it must have first; its answer; and the error for a missing table.

    A text `{Name}` in an answer stands for a member of the request; without that member it is left out. No `missing`
    means that no table is looked up.
    """

    required: str
    optional: str
    answer: Mapping[str, Any] | Refusal
    missing: str = ""


_UNITS = 80_000
_RESOURCE, _TABLE = "ResourceNotFoundException", "TableNotFoundException"


def _refused(reason: str) -> Refusal:
    return Refusal("ValidationException", reason)


_NO_S3 = _refused(
    "The embedded engine has no S3. Export and import items with the commands `flyexpr export` and `flyexpr import`"
)
_NO_REGIONS = _refused(NO_REPLICAS)
_NO_SCALING = _refused("The embedded engine has no auto scaling: it throttles nothing")
_NO_INSIGHTS = _refused("The embedded engine has no CloudWatch, where Contributor Insights would be shown")
_NO_KINESIS = _refused("The embedded engine has no Kinesis, and so no stream {StreamArn}")
_NO_GLOBAL_TABLE = Refusal("GlobalTableNotFoundException", "Global table not found: {GlobalTableName}")
_NO_BULK_OPERATION = Refusal(_RESOURCE, "Bulk operation not found: {BulkOperationArn}")


def _no_destination(action: str, word: str) -> Refusal:
    return _refused(
        f"Table is not in a valid state to {action} Kinesis Streaming Destination: "
        f"KinesisStreamingDestination must be ACTIVE to perform {word} operation."
    )


PROBES: dict[str, Probe] = {
    "CancelBulkOperation": Probe("BulkOperationArn", "", _NO_BULK_OPERATION),
    "CreateGlobalTable": Probe("GlobalTableName ReplicationGroup", "", _NO_REGIONS),
    "DescribeBulkOperation": Probe("BulkOperationArn", "", _NO_BULK_OPERATION),
    "DescribeContributorInsights": Probe(
        "TableName",
        "IndexName",
        {"TableName": "{TableName}", "IndexName": "{IndexName}", "ContributorInsightsStatus": "DISABLED"},
        _RESOURCE,
    ),
    "DescribeEndpoints": Probe(
        "", "", {"Endpoints": [{"Address": "dynamodb.local.amazonaws.com", "CachePeriodInMinutes": 1440}]}
    ),
    "DescribeExport": Probe("ExportArn", "", Refusal("ExportNotFoundException", "Export not found: {ExportArn}")),
    "DescribeGlobalTable": Probe("GlobalTableName", "", _NO_GLOBAL_TABLE),
    "DescribeGlobalTableSettings": Probe("GlobalTableName", "", _NO_GLOBAL_TABLE),
    "DescribeImport": Probe("ImportArn", "", Refusal("ImportNotFoundException", "Import not found: {ImportArn}")),
    "DescribeKinesisStreamingDestination": Probe(
        "TableName", "", {"TableName": "{TableName}", "KinesisDataStreamDestinations": []}, _RESOURCE
    ),
    "DescribeLimits": Probe(
        "",
        "",
        {
            "AccountMaxReadCapacityUnits": _UNITS,
            "AccountMaxWriteCapacityUnits": _UNITS,
            "TableMaxReadCapacityUnits": _UNITS // 2,
            "TableMaxWriteCapacityUnits": _UNITS // 2,
        },
    ),
    "DescribeTableReplicaAutoScaling": Probe(
        "TableName",
        "",
        {"TableAutoScalingDescription": {"TableName": "{TableName}", "TableStatus": "ACTIVE", "Replicas": []}},
        _RESOURCE,
    ),
    "DisableKinesisStreamingDestination": Probe(
        "TableName StreamArn", "EnableKinesisStreamingConfiguration", _no_destination("disable", "DISABLE"), _RESOURCE
    ),
    "EnableKinesisStreamingDestination": Probe(
        "TableName StreamArn", "EnableKinesisStreamingConfiguration", _NO_KINESIS, _RESOURCE
    ),
    "ExportTableToPointInTime": Probe(
        "TableArn S3Bucket",
        "ExportTime ClientToken S3BucketOwner S3Prefix S3SseAlgorithm S3SseKmsKeyId ExportFormat ExportType "
        "IncrementalExportSpecification FilterSpecification",
        _NO_S3,
        _TABLE,
    ),
    "ImportTable": Probe(
        "S3BucketSource InputFormat TableCreationParameters",
        "ClientToken InputFormatOptions InputCompressionType",
        _NO_S3,
    ),
    "ListBulkOperations": Probe("", "MaxResults NextToken", {"BulkOperationsSummaryList": []}),
    "ListContributorInsights": Probe("", "TableName MaxResults NextToken", {"ContributorInsightsSummaries": []}),
    "ListExports": Probe("", "TableArn MaxResults NextToken", {"ExportSummaries": []}),
    "ListGlobalTables": Probe("", "ExclusiveStartGlobalTableName Limit RegionName", {"GlobalTables": []}),
    "ListImports": Probe("", "TableArn PageSize NextToken", {"ImportSummaryList": []}),
    "StartBulkPutItems": Probe(
        "InputS3Configuration OutputS3Configuration TableName",
        "ClientToken MaxWriteRequestUnits PerformanceTier",
        _NO_S3,
        _RESOURCE,
    ),
    "UpdateContributorInsights": Probe(
        "TableName ContributorInsightsAction", "IndexName ContributorInsightsMode", _NO_INSIGHTS, _RESOURCE
    ),
    "UpdateGlobalTable": Probe("GlobalTableName ReplicaUpdates", "", _NO_GLOBAL_TABLE),
    "UpdateGlobalTableSettings": Probe(
        "GlobalTableName",
        "GlobalTableBillingMode GlobalTableProvisionedWriteCapacityUnits "
        "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate GlobalTableGlobalSecondaryIndexSettingsUpdate "
        "ReplicaSettingsUpdate",
        _NO_GLOBAL_TABLE,
    ),
    "UpdateKinesisStreamingDestination": Probe(
        "TableName StreamArn", "UpdateKinesisStreamingConfiguration", _no_destination("update", "UPDATE"), _RESOURCE
    ),
    "UpdateTableReplicaAutoScaling": Probe(
        "TableName",
        "GlobalSecondaryIndexUpdates ProvisionedWriteCapacityAutoScalingUpdate ReplicaUpdates",
        _NO_SCALING,
        _RESOURCE,
    ),
}

_STRUCTURES = (
    "EnableKinesisStreamingConfiguration FilterSpecification "
    "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate IncrementalExportSpecification InputFormatOptions "
    "InputS3Configuration OutputS3Configuration ProvisionedWriteCapacityAutoScalingUpdate S3BucketSource "
    "TableCreationParameters UpdateKinesisStreamingConfiguration"
).split()
_LISTS = (
    "GlobalSecondaryIndexUpdates GlobalTableGlobalSecondaryIndexSettingsUpdate ReplicaSettingsUpdate ReplicaUpdates "
    "ReplicationGroup"
).split()
_ARN, _NUMBER = (STRING, sized_text_rule(37, 1024)), (INTEGER, integer_rule(1))
_MEMBERS: dict[str, tuple[Shape, Rule]] = {
    "BulkOperationArn": _ARN,
    "ContributorInsightsAction": (STRING, choice_rule("ENABLE", "DISABLE")),
    "ContributorInsightsMode": (STRING, choice_rule("ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS")),
    "ExclusiveStartGlobalTableName": (STRING, name_rule),
    "ExportArn": _ARN,
    "ExportFormat": (STRING, choice_rule("DYNAMODB_JSON", "ION")),
    "ExportTime": (LONG, long_rule(0)),
    "ExportType": (STRING, choice_rule("FULL_EXPORT", "INCREMENTAL_EXPORT")),
    "GlobalTableBillingMode": (STRING, choice_rule("PROVISIONED", "PAY_PER_REQUEST")),
    "GlobalTableName": (STRING, name_rule),
    "GlobalTableProvisionedWriteCapacityUnits": (LONG, long_rule(1)),
    "ImportArn": _ARN,
    "IndexName": (STRING, name_rule),
    "InputCompressionType": (STRING, choice_rule("GZIP", "ZSTD", "NONE")),
    "InputFormat": (STRING, choice_rule("DYNAMODB_JSON", "ION", "CSV")),
    "Limit": _NUMBER,
    "MaxResults": _NUMBER,
    "MaxWriteRequestUnits": (LONG, long_rule(1024)),
    "PageSize": (INTEGER, integer_rule(1, 25)),
    "PerformanceTier": (STRING, choice_rule("STANDARD", "ACCELERATED")),
    "S3SseAlgorithm": (STRING, choice_rule("AES256", "KMS")),
    "StreamArn": _ARN,
    "TableArn": (STRING, table_rule),
    "TableName": (STRING, table_rule),
}


def probe_shape(operation: str) -> Structure:
    """The JSON shape of a request; what lies deeper is not looked at.

    >>> probe_shape("DescribeGlobalTable").members
    {'GlobalTableName': Scalar(name='java.lang.String')}
    """
    return Structure(f"{operation}Input", {name: _member(name)[0] for name in _names(PROBES[operation])})


def probe_reader(operation: str) -> Callable[[Members], ProbeAsked]:
    """A function of a request's members that gives what the request asks for.

    >>> probe_reader("ListGlobalTables")({"Limit": 5}).members
    {'Limit': 5}
    """
    probe = PROBES[operation]
    rules = ObjectRules({name: _member(name)[1] for name in _names(probe)}, probe.required.split())

    def read(request: Members) -> ProbeAsked:
        return ProbeAsked(operation, read_members(request, rules))

    return read


def _names(probe: Probe) -> list[str]:
    return [*probe.required.split(), *probe.optional.split()]


def _member(name: str) -> tuple[Shape, Rule]:
    if name in _STRUCTURES:
        return Structure(name, {}), map_rule
    if name in _LISTS:
        return ListOf(Structure(name, {})), list_rule()
    return _MEMBERS.get(name, (STRING, text_rule))
