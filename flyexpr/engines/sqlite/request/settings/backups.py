"""Backups, and the restoring of tables from them or to a point in time.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.faults import invalid
from flyexpr.engines.sqlite.request.definitions import (
    GLOBAL_OVERRIDE,
    LOCAL_OVERRIDE,
    OVERRIDES,
    read_object,
)
from flyexpr.engines.sqlite.request.intents.backups import (
    BackupAsked,
    BackupsAsked,
    Overrides,
    RecoveryAsked,
    RestoreAsked,
    RestoreToTimeAsked,
)
from flyexpr.engines.sqlite.request.intents.tables import Settings, Throughput
from flyexpr.engines.sqlite.request.member_rules import (
    ObjectRules,
    boolean_rule,
    choice_rule,
    integer_rule,
    map_rule,
    name_rule,
    sized_text_rule,
    table_rule,
    timestamp_rule,
)
from flyexpr.engines.sqlite.request.members import Members, check_table_name, read_members
from flyexpr.engines.sqlite.request.shapes import (
    RESTORE_TABLE_FROM_BACKUP,
    RESTORE_TABLE_TO_POINT_IN_TIME,
    UPDATE_CONTINUOUS_BACKUPS,
)
from flyexpr.engines.sqlite.request.tables import read_index

MAX_BACKUPS, MAX_DAYS = 100, 35
_BACKUP_ARN = sized_text_rule(37, 1024)
_CREATING = ObjectRules({"TableName": table_rule, "BackupName": name_rule}, ["TableName", "BackupName"])
_NAMING = ObjectRules({"BackupArn": _BACKUP_ARN}, ["BackupArn"])
_LISTING = ObjectRules(
    {
        "TableName": table_rule,
        "Limit": integer_rule(1, MAX_BACKUPS),
        "TimeRangeLowerBound": timestamp_rule,
        "TimeRangeUpperBound": timestamp_rule,
        "ExclusiveStartBackupArn": _BACKUP_ARN,
        "BackupType": choice_rule("USER", "SYSTEM", "AWS_BACKUP", "ALL"),
    }
)
_RECOVERING = ObjectRules(
    {"TableName": table_rule, "PointInTimeRecoverySpecification": map_rule},
    ("TableName", "PointInTimeRecoverySpecification"),
    {
        "PointInTimeRecoverySpecification": ObjectRules(
            {"PointInTimeRecoveryEnabled": boolean_rule, "RecoveryPeriodInDays": integer_rule(1, MAX_DAYS)},
            ("PointInTimeRecoveryEnabled",),
        )
    },
)
_FROM_BACKUP = ObjectRules(
    {"TargetTableName": name_rule, "BackupArn": _BACKUP_ARN, **OVERRIDES}, ("TargetTableName", "BackupArn")
)
_TO_TIME = ObjectRules(
    {
        "SourceTableArn": table_rule,
        "SourceTableName": table_rule,
        "TargetTableName": name_rule,
        "UseLatestRestorableTime": boolean_rule,
        "RestoreDateTime": timestamp_rule,
        **OVERRIDES,
    },
    ("TargetTableName",),
)


def read_create_backup(request: Members) -> BackupAsked:
    """What a CreateBackup asks for."""
    check_table_name(request)
    members = read_members(request, _CREATING)
    return BackupAsked(members["TableName"], members["BackupName"])


def read_backup_arn(request: Members) -> str:
    """The ARN that a DescribeBackup or DeleteBackup names."""
    arn: str = read_members(request, _NAMING)["BackupArn"]
    return arn


def read_list_backups(request: Members) -> BackupsAsked:
    """What a ListBackups asks for.

    >>> read_list_backups({})
    BackupsAsked(table=None, type='ALL', since=0.0, until=inf, after='', limit=100)
    """
    members = read_members(request, _LISTING)
    return BackupsAsked(
        members.get("TableName"),
        members.get("BackupType", "ALL"),
        members.get("TimeRangeLowerBound", 0.0),
        members.get("TimeRangeUpperBound", float("inf")),
        members.get("ExclusiveStartBackupArn", ""),
        members.get("Limit", MAX_BACKUPS),
    )


def read_restore_from_backup(request: Members) -> RestoreAsked:
    """What a RestoreTableFromBackup asks for."""
    members = read_object(request, RESTORE_TABLE_FROM_BACKUP, _FROM_BACKUP)
    return RestoreAsked(members["BackupArn"], members["TargetTableName"], _overrides(members))


def read_update_continuous_backups(request: Members) -> RecoveryAsked:
    """What an UpdateContinuousBackups asks for.

    >>> read_update_continuous_backups(
    ...     {"TableName": "scores", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    ... )
    RecoveryAsked(table='scores', days=35)
    """
    check_table_name(request)
    members = read_object(request, UPDATE_CONTINUOUS_BACKUPS, _RECOVERING)
    specification = members["PointInTimeRecoverySpecification"]
    days = specification.get("RecoveryPeriodInDays", MAX_DAYS)
    return RecoveryAsked(members["TableName"], days if specification["PointInTimeRecoveryEnabled"] else 0)


def read_restore_to_time(request: Members) -> RestoreToTimeAsked:
    """What a RestoreTableToPointInTime asks for."""
    members = read_object(request, RESTORE_TABLE_TO_POINT_IN_TIME, _TO_TIME)
    source = members.get("SourceTableName", members.get("SourceTableArn"))
    if source is None:
        raise invalid("Either SourceTableName or SourceTableArn must be specified")
    latest, seconds = members.get("UseLatestRestorableTime", False), members.get("RestoreDateTime")
    if latest == (seconds is not None):
        raise invalid("Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified")
    return RestoreToTimeAsked(source, members["TargetTableName"], seconds, _overrides(members))


def _overrides(members: Members) -> Overrides:
    return Overrides(
        Settings(
            members.get("BillingModeOverride"),
            Throughput(members.get("ProvisionedThroughputOverride"), members.get("OnDemandThroughputOverride")),
            encryption=members.get("SSESpecificationOverride"),
        ),
        [read_index(index) for index in members[GLOBAL_OVERRIDE]] if GLOBAL_OVERRIDE in members else None,
        [read_index(index) for index in members[LOCAL_OVERRIDE]] if LOCAL_OVERRIDE in members else None,
    )
