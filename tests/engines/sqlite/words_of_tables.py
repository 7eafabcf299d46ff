"""What is said of wrong requests about tables and tags."""

from typing import Any

from embedded import key
from words import INVALID, MISSING, NAMED_TAB, NO_TABLE, Row, Wire, broken, definitions, index, keys, units

SIMPLE: Wire = {
    "TableName": "new",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": keys("id"),
    "AttributeDefinitions": definitions("id"),
}
PROVISIONED: Wire = {**SIMPLE, "TableName": "units", "BillingMode": "PROVISIONED", **units(5, 6)}
PROVISIONED |= {
    "AttributeDefinitions": definitions("id g"),
    "GlobalSecondaryIndexes": [index("by_g", keys("g"), **units(2, 3))],
}
TOO_MANY = 1_000_000_000_001


def create(**changes: Any) -> Wire:
    return {**SIMPLE, **changes}


def of_index(*indexes: Wire, names: str = "id g", **changes: Any) -> Wire:
    return create(AttributeDefinitions=definitions(names), GlobalSecondaryIndexes=list(indexes), **changes)


def of_local(*indexes: Wire, names: str = "id s l", **changes: Any) -> Wire:
    changed = {"KeySchema": keys("id", "s"), "AttributeDefinitions": definitions(names), **changes}
    return create(LocalSecondaryIndexes=list(indexes), **changed)


def including(*names: str) -> Wire:
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)}


UNDEFINED = INVALID + "Some index key attributes are not defined in AttributeDefinitions. "
SAME_NAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name"
NEITHER = INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified"
ON_DEMAND = " when BillingMode is PAY_PER_REQUEST"
CREATE_TABLE: list[tuple[Wire, str]] = [
    ({}, "The parameter 'TableName' is required but was not present in the request"),
    (create(TableName="ab"), broken("tableName", "'ab'", "have length greater than or equal to 3")),
    (create(TableName="a" * 256), broken("tableName", f"'{'a' * 256}'", "have length less than or equal to 255")),
    (
        {"TableName": "new"},
        "2 validation errors detected: Value null at 'keySchema' failed to satisfy constraint: Member must "
        "not be null; "
        "Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null",
    ),
    (
        create(KeySchema=keys("a", "b c"), AttributeDefinitions=definitions("a b c")),
        broken("keySchema", "'[{...}, {...}, {...}]'", "have length less than or equal to 2"),
    ),
    (create(KeySchema=[]), broken("keySchema", "'[]'", "have length greater than or equal to 1")),
    (
        create(KeySchema=[{"AttributeName": "", "KeyType": "HASH"}]),
        broken("keySchema.1.member.attributeName", "''", "have length greater than or equal to 1"),
    ),
    (
        create(AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "BOOL"}]),
        broken("attributeDefinitions.1.member.attributeType", "'BOOL'", "satisfy enum value set: [B, N, S]"),
    ),
    (
        create(TableClass="GOOD"),
        broken("tableClass", "'GOOD'", "satisfy enum value set: [STANDARD, STANDARD_INFREQUENT_ACCESS]"),
    ),
    (
        create(KeySchema=keys("id id"), AttributeDefinitions=definitions("id")),
        "Invalid KeySchema: Some index key attribute have no definition",
    ),
    (create(AttributeDefinitions=[]), "Invalid KeySchema: Some index key attribute have no definition"),
    (create(KeySchema=keys("", "id")), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    (
        create(KeySchema=keys("id s"), AttributeDefinitions=definitions("id s")),
        "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
    ),
    (create(KeySchema=keys("id", "id"), AttributeDefinitions=definitions("id s")), SAME_NAME),
    (
        create(AttributeDefinitions=definitions("id id")),
        INVALID + "Duplicate AttributeName in AttributeDefinitions: id",
    ),
    (create(KeySchema=keys("pk")), UNDEFINED + "Keys: [pk], AttributeDefinitions: [id]"),
    (
        create(AttributeDefinitions=definitions("id s")),
        INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions",
    ),
    (create(GlobalSecondaryIndexes=[]), INVALID + "List of GlobalSecondaryIndexes is empty"),
    (create(LocalSecondaryIndexes=[]), INVALID + "List of LocalSecondaryIndexes is empty"),
    (
        of_index(index("by", keys("g"))),
        broken("globalSecondaryIndexes.1.member.indexName", "'by'", "have length greater than or equal to 3"),
    ),
    (
        of_index(index("by_g", keys("g", " ".join(f"r{n}" for n in range(8))))),
        broken(
            "globalSecondaryIndexes.1.member.keySchema",
            f"'[{', '.join(['{...}'] * 9)}]'",
            "have length less than or equal to 8",
        ),
    ),
    (
        of_index(index("by_g", keys("g"), including())),
        broken(
            "globalSecondaryIndexes.1.member.projection.nonKeyAttributes",
            "'[]'",
            "have length greater than or equal to 1",
        ),
    ),
    (
        of_index(index("by_g", keys("g"), including(*(f"a{n}" for n in range(21))))),
        broken(
            "globalSecondaryIndexes.1.member.projection.nonKeyAttributes",
            f"'[{', '.join(f'a{n}' for n in range(21))}]'",
            "have length less than or equal to 20",
        ),
    ),
    (of_index(index("by_g", keys("g h"))), UNDEFINED + "Keys: [g, h], AttributeDefinitions: [id, g]"),
    (
        of_index(index("by_g", keys("g")), names="id g x"),
        INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [id, g, x], keys used: [g, id]",
    ),
    (of_index(index("by_g", keys("g", "g"))), SAME_NAME),
    (
        of_index(index("by_g", keys("g h", "g")), names="id g h"),
        INVALID + "The KeySchema contains multiple key attributes with the same name for index: by_g",
    ),
    (
        of_index(index("by_g", keys("", "g"))),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type for index: by_g",
    ),
    (
        of_index(index("by_g", keys("g") + keys("", "r") + keys("h")), names="id g r h"),
        INVALID + "All HASH key attributes must precede RANGE key attributes for index: by_g",
    ),
    (
        of_index(index("by_g", keys("a b c d e")), names="id a b c d e"),
        INVALID + "KeySchema for index: by_g exceeds the maximum allowed number of HASH key attributes: 4",
    ),
    (
        of_index(index("by_g", keys("g", "a b c d e")), names="id g a b c d e"),
        INVALID + "KeySchema for index: by_g exceeds the maximum allowed number of RANGE key attributes: 4",
    ),
    (of_index(index("by_g", keys("g"), {"NonKeyAttributes": ["x"]})), INVALID + "Unknown ProjectionType: null"),
    (
        of_index(index("by_g", keys("g"), {"ProjectionType": "INCLUDE"})),
        INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
    ),
    (
        of_index(index("by_g", keys("g"), {"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["x"]})),
        INVALID + "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
    ),
    (
        of_index(index("by_g", keys("g"), including("x" * 256))),
        INVALID + "Names of key attributes and attributes projected into an index must be between 1 and 255 characters",
    ),
    (of_index(index("by_g", keys("g"), including("x", "x"))), INVALID + "Duplicate names in NonKeyAttributes"),
    (of_index(index("by_g", keys("g")), index("by_g", keys("g"))), INVALID + "Duplicate index name: by_g"),
    (
        of_index(*(index(f"by_{n}", keys("g")) for n in range(21))),
        INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
    ),
    (
        of_index(*(index(f"by_{n}", keys("g"), including(*(f"a{m}" for m in range(17)))) for n in range(6))),
        INVALID + "Number of projected attributes exceeds the per-table limit of 100",
    ),
    (
        create(LocalSecondaryIndexes=[index("by_l", keys("id", "l"))]),
        INVALID + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    (
        of_local(*(index(f"by_{n}", keys("id", "l")) for n in range(6))),
        INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
    ),
    (
        of_local(index("by_l", keys("", "l"))),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type for index: by_l",
    ),
    (of_local(index("by_l", keys("id", "s l"))), INVALID + "KeySchema has more than 2 elements for index: by_l"),
    (
        of_local(index("by_l", keys("id l"))),
        "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type for index: by_l",
    ),
    (of_local(index("by_l", keys("id", "id"))), SAME_NAME),
    (
        of_local(index("by_l", keys("l", "s"))),
        INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: by_l. index "
        "hash key: l, table hash key: id",
    ),
    (of_local(index("by_l", keys("id"))), INVALID + "Index KeySchema does not have a range key for index: by_l"),
    (of_local(index("by_l", keys("id", "l"), {"NonKeyAttributes": ["x"]})), INVALID + "Unknown ProjectionType: null"),
    (
        of_local(index("by_x", keys("id", "l")), GlobalSecondaryIndexes=[index("by_x", keys("s"))]),
        INVALID + "Duplicate index name: by_x",
    ),
    (create(**units(1, 1)), NEITHER + ON_DEMAND),
    (
        of_index(index("by_g", keys("g"), **units(1, 1))),
        INVALID + "ProvisionedThroughput should not be specified for index: by_g" + ON_DEMAND,
    ),
    (
        create(BillingMode="PROVISIONED"),
        INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    (
        of_index(index("by_g", keys("g")), BillingMode="PROVISIONED", **units(1, 1)),
        INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    (
        create(BillingMode="PROVISIONED", **units(TOO_MANY, 1)),
        "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
    ),
    (
        create(BillingMode="PROVISIONED", **units(1, TOO_MANY)),
        "Given value 1000000000001 for WriteCapacityUnits is out of bounds",
    ),
    (
        of_index(index("by_g", keys("g"), **units(1, TOO_MANY)), BillingMode="PROVISIONED", **units(1, 1)),
        "Given value 1000000000001 for WriteCapacityUnits is out of bounds for index by_g",
    ),
    (
        create(BillingMode="PROVISIONED", **units(0, 1)),
        broken("provisionedThroughput.readCapacityUnits", "'0'", "have value greater than or equal to 1"),
    ),
    (
        create(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1}),
        broken("provisionedThroughput.writeCapacityUnits", "null", "not be null"),
    ),
    (
        create(BillingMode="PROVISIONED", **units(1, 1), OnDemandThroughput={"MaxReadRequestUnits": 5}),
        INVALID
        + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED.",
    ),
    (
        create(OnDemandThroughput={"MaxWriteRequestUnits": -1}),
        INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
    ),
    (
        create(OnDemandThroughput={"MaxWriteRequestUnits": 0}),
        INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
    ),
    (
        create(OnDemandThroughput={"MaxWriteRequestUnits": -2}),
        INVALID + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range",
    ),
    (
        create(WarmThroughput={"ReadUnitsPerSecond": 0}),
        broken("warmThroughput.readUnitsPerSecond", "'0'", "have value greater than or equal to 1"),
    ),
    (
        create(SSESpecification={"Enabled": True, "SSEType": "DES"}),
        broken("sSESpecification.sSEType", "'DES'", "satisfy enum value set: [AES256, KMS]"),
    ),
    (
        create(StreamSpecification={"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"}),
        INVALID + "StreamViewType cannot be specified when StreamEnabled is false",
    ),
    (
        create(StreamSpecification={"StreamEnabled": True}),
        INVALID + "StreamViewType must be specified when StreamEnabled is true",
    ),
    (create(StreamSpecification={}), broken("streamSpecification.streamEnabled", "null", "not be null")),
    (
        create(Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)]),
        broken("tags", f"'[{', '.join(['{...}'] * 51)}]'", "have length less than or equal to 50"),
    ),
    (create(Tags=[{"Key": "aws:a", "Value": "b"}]), INVALID + "Tag keys starting with aws: are reserved"),
]
UPDATES = "GlobalSecondaryIndexUpdates"
NOTHING = (
    INVALID + "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)
CHOICE = "GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete"
BLOCKED = (
    "This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: "
    "Action Blocked: "
)
UNCHANGED = (
    "The provisioned throughput for the {what} will not change. The requested value equals the current value. Current "
    "ReadCapacityUnits provisioned for the {kind}: {read}. Requested ReadCapacityUnits: {read}. Current "
    "WriteCapacityUnits provisioned for the {kind}: {write}. Requested WriteCapacityUnits: {write}. "
    "Refer to the Amazon "
    "DynamoDB Developer Guide for current limits and how to request higher limits."
)
GONE: Wire = {"Delete": {"IndexName": "by_g"}}
ENABLED = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


def updating(*updates: Wire, table: str = "units", **members: Any) -> Wire:
    return {"TableName": table, UPDATES: list(updates), **members}


def new_units(name: str, read: int, write: int) -> Wire:
    return {"Update": {"IndexName": name, **units(read, write)}}


CHANGED_STREAM = INVALID + "StreamViewType cannot be specified when StreamEnabled is false"
UPDATE_TABLE: list[tuple[Wire, str]] = [
    ({}, "The parameter 'TableName' is required but was not present in the request"),
    ({"TableName": "ab"}, "TableName must be at least 3 characters long and at most 255 characters long"),
    ({"TableName": "a" * 256}, "TableName must be at least 3 characters long and at most 255 characters long"),
    ({"TableName": "a b"}, broken("tableName", "'a b'", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")),
    (NO_TABLE, NOTHING),
    ({**NO_TABLE, UPDATES: []}, NOTHING),
    ({**NO_TABLE, UPDATES: [{}]}, f"{INVALID}One of {CHOICE} must not be null"),
    ({**NO_TABLE, UPDATES: [{}] * 6}, f"{INVALID}One of {CHOICE} must not be null"),
    (
        {**NO_TABLE, UPDATES: [GONE, GONE]},
        INVALID + "Only one global secondary index update per index is allowed simultaneously. Index: by_g",
    ),
    (
        {**NO_TABLE, UPDATES: [{"Create": index("by_x", keys("x")), "Delete": {"IndexName": "xyz"}}]},
        f"{INVALID}Only one of {CHOICE} can be specified",
    ),
    ({**NO_TABLE, **units(TOO_MANY, 5)}, "Given value 1000000000001 for ReadCapacityUnits is out of bounds"),
    ({"TableName": "units", **units(5, 6)}, UNCHANGED.format(what="table", kind="table", read=5, write=6)),
    (
        {"TableName": "units", "BillingMode": "PROVISIONED", **units(5, 6)},
        UNCHANGED.format(what="table", kind="table", read=5, write=6),
    ),
    (updating(new_units("by_g", 2, 3)), UNCHANGED.format(what="index by_g", kind="index", read=2, write=3)),
    (updating(new_units("by_g", TOO_MANY, 3)), BLOCKED + "IndexUpdate"),
    (
        updating({"Create": index("by_h", keys("h"), **units(1, TOO_MANY))}, AttributeDefinitions=definitions("h")),
        BLOCKED + "IndexCreate",
    ),
    (
        updating({"Update": {"IndexName": "by_g"}}),
        broken("globalSecondaryIndexUpdates.1.member.update.provisionedThroughput", "null", "not be null"),
    ),
    (
        updating({"Update": {"IndexName": "by_g", "OnDemandThroughput": {"MaxReadRequestUnits": 1}}}),
        INVALID
        + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
    ),
    (updating(new_units("by_g", 1, 1), table="tab"), f"{NEITHER} for index: by_g{ON_DEMAND}"),
    (
        updating(
            {"Create": index("by_h", keys("h"), **units(1, 1))}, table="tab", AttributeDefinitions=definitions("h")
        ),
        f"{NEITHER} for index: by_h{ON_DEMAND}",
    ),
    (
        updating({"Create": index("by_h", keys("h"))}, AttributeDefinitions=definitions("h")),
        INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    (
        updating({"Create": index("by_h", keys("h"), **units(1, 1))}),
        "Invalid KeySchema: Some index key attribute have no definition",
    ),
    (
        updating({"Create": index("by_h", keys("h"), **units(1, 1))}, AttributeDefinitions=definitions("id")),
        UNDEFINED + "Keys: [h], AttributeDefinitions: [id]",
    ),
    (
        updating({"Create": index("by_h", keys("", "h"), **units(1, 1))}),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type for index: by_h",
    ),
    (updating({"Create": index("by_g", keys("g"))}), "Attempting to create an index which already exists"),
    (
        updating({"Create": index("by_l", keys("gk"))}, table="tab"),
        "Attempting to create an index which already exists",
    ),
    (
        {"TableName": "tab", "BillingMode": "PROVISIONED"},
        INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
    ),
    (
        {"TableName": "tab", "BillingMode": "PROVISIONED", **units(1, 1)},
        INVALID + "ProvisionedThroughput must be specified for index: by_g",
    ),
    (
        updating(
            {"Update": {"IndexName": "by_g", "WarmThroughput": {"ReadUnitsPerSecond": 1}}},
            table="tab",
            BillingMode="PROVISIONED",
            **units(1, 1),
        ),
        INVALID + "ProvisionedThroughput must be specified for index: by_g",
    ),
    ({"TableName": "tab", **units(1, 1)}, NEITHER + ON_DEMAND),
    ({"TableName": "units", "BillingMode": "PAY_PER_REQUEST", **units(1, 1)}, NEITHER + ON_DEMAND),
    (
        {"TableName": "units", "OnDemandThroughput": {"MaxReadRequestUnits": 1}},
        INVALID
        + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
    ),
    (
        {"TableName": "tab", "OnDemandThroughput": {"MaxReadRequestUnits": -2}},
        INVALID + "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range",
    ),
    ({"TableName": "units", "StreamSpecification": {"StreamEnabled": False}}, "Table has no stream to disable"),
    (
        {"TableName": "streaming", "StreamSpecification": ENABLED},
        "Table already has an enabled stream: TableName: streaming",
    ),
]
NOT_FOUND: list[Row] = [
    ("DescribeTable", NO_TABLE, MISSING + ": Table: nowhere not found"),
    ("DeleteTable", NO_TABLE, MISSING + ": Table: nowhere not found"),
    ("UpdateTable", {**NO_TABLE, UPDATES: [GONE]}, MISSING + ": Table: nowhere not found"),
    ("DescribeTimeToLive", NO_TABLE, MISSING + ": Table: nowhere not found"),
    ("UpdateTable", updating({"Delete": {"IndexName": "by_h"}}), MISSING + ": Index: by_h not found"),
    ("UpdateTable", updating(new_units("by_h", 1, 1)), MISSING + ": Index: by_h not found"),
    ("UpdateTable", updating({"Delete": {"IndexName": "by_l"}}, table="tab"), MISSING + ": Index: by_l not found"),
    (
        "TagResource",
        {"ResourceArn": NAMED_TAB + "nowhere", "Tags": [{"Key": "a", "Value": "b"}]},
        f"{MISSING}: ResourcArn: {NAMED_TAB}nowhere not found",
    ),
    (
        "UntagResource",
        {"ResourceArn": NAMED_TAB + "nowhere", "TagKeys": ["a"]},
        f"{MISSING}: ResourcArn: {NAMED_TAB}nowhere not found",
    ),
    (
        "Query",
        {**NO_TABLE, "KeyConditions": {"z": {"ComparisonOperator": "NULL"}}},
        MISSING,
    ),
    ("BatchGetItem", {"RequestItems": {"nowhere": {"Keys": [key(1)]}}}, MISSING),
    ("BatchWriteItem", {"RequestItems": {"nowhere": [{"DeleteRequest": {"Key": key(1)}}]}}, MISSING),
    ("TransactGetItems", {"TransactItems": [{"Get": {**NO_TABLE, "Key": key(1)}}]}, MISSING),
    ("TransactWriteItems", {"TransactItems": [{"Delete": {**NO_TABLE, "Key": key(1)}}]}, MISSING),
]
SHORT_NAME = "TableName must be at least 3 characters long and at most 255 characters long"
REQUIRED = "The parameter 'TableName' is required but was not present in the request"
ABOUT_TABLES: list[Row] = [
    *(
        row
        for operation in (
            "DeleteTable",
            "DescribeContinuousBackups",
            "DescribeTable",
            "DescribeTimeToLive",
            "UpdateTimeToLive",
        )
        for row in (
            (operation, {}, REQUIRED),
            (operation, {"TableName": ""}, SHORT_NAME),
            (operation, {"TableName": "a;"}, SHORT_NAME),
            (operation, {"TableName": "a" * 256}, SHORT_NAME),
            (
                operation,
                {"TableName": "a;b", "TimeToLiveSpecification": {"AttributeName": "exp", "Enabled": True}},
                broken("tableName", "'a;b'", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
            ),
            (operation, {"TableName": NAMED_TAB + "ab"}, SHORT_NAME),
        )
    ),
    ("UpdateTimeToLive", {"TableName": "tab"}, broken("timeToLiveSpecification", "null", "not be null")),
    *(
        ("UpdateTimeToLive", {"TableName": "tab", "TimeToLiveSpecification": specification}, refusal)
        for specification, refusal in (
            (
                {},
                broken("timeToLiveSpecification.attributeName", "null", "not be null", "2 validation errors")
                + "; Value null at 'timeToLiveSpecification.enabled' failed to satisfy constraint: "
                "Member must not be null",
            ),
            (
                {"AttributeName": "", "Enabled": True},
                broken("timeToLiveSpecification.attributeName", "''", "have length greater than or equal to 1"),
            ),
            (
                {"AttributeName": "a" * 256, "Enabled": True},
                broken(
                    "timeToLiveSpecification.attributeName", f"'{'a' * 256}'", "have length less than or equal to 255"
                ),
            ),
        )
    ),
    (
        "ListTables",
        {"ExclusiveStartTableName": ""},
        "2 validation errors detected: Value '' at 'exclusiveStartTableName' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'exclusiveStartTableName' failed to satisfy "
        "constraint: Member must have length greater than or equal to 3",
    ),
    ("ListTables", {"Limit": 0}, broken("limit", "'0'", "have value greater than or equal to 1")),
    ("ListTables", {"Limit": 101}, broken("limit", "'101'", "have value less than or equal to 100")),
    ("TagResource", {"Tags": []}, "Invalid TableArn"),
    ("UntagResource", {"TagKeys": []}, "Invalid TableArn"),
    ("ListTagsOfResource", {}, "Invalid TableArn"),
    ("ListTagsOfResource", {"ResourceArn": "x"}, "Invalid TableArn: Invalid ResourceArn provided as input x"),
    ("TagResource", {"ResourceArn": NAMED_TAB + "tab"}, broken("tags", "null", "not be null")),
    ("UntagResource", {"ResourceArn": NAMED_TAB + "tab"}, broken("tagKeys", "null", "not be null")),
    (
        "TagResource",
        {"ResourceArn": NAMED_TAB + "nowhere", "Tags": []},
        "Atleast one Tag needs to be provided as Input.",
    ),
    (
        "UntagResource",
        {"ResourceArn": NAMED_TAB + "nowhere", "TagKeys": []},
        "Atleast one Tag Key needs to be provided as Input.",
    ),
]


def tags(*pairs: tuple[str, str]) -> Wire:
    return {"ResourceArn": NAMED_TAB + "tab", "Tags": [{"Key": name, "Value": value} for name, value in pairs]}


LETTERS = INVALID + "Tag keys and values can only contain letters, digits, whitespace and the characters + - = . _ : /"
PROTECTED = {"TableName": "guarded", "DeletionProtectionEnabled": True}
TAGS: list[Row] = [
    (
        "DeleteTable",
        {"TableName": "guarded"},
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    ),
    ("TagResource", tags(("hi!", "")), LETTERS),
    ("TagResource", tags(("hi", "dog!")), LETTERS),
    ("TagResource", tags(("a", "b"), ("a", "c")), INVALID + "Duplicate tag keys"),
    ("TagResource", tags(("AWS:a", "b")), INVALID + "Tag keys starting with aws: are reserved"),
    ("TagResource", tags(("", "b")), broken("tags.1.member.key", "''", "have length greater than or equal to 1")),
    (
        "TagResource",
        tags(("a", "b"), ("a" * 129, "")),
        broken("tags.2.member.key", f"'{'a' * 129}'", "have length less than or equal to 128"),
    ),
    (
        "TagResource",
        tags(("a", "b" * 257)),
        broken("tags.1.member.value", f"'{'b' * 257}'", "have length less than or equal to 256"),
    ),
    (
        "TagResource",
        {"ResourceArn": NAMED_TAB + "tab", "Tags": [{"Key": "a"}]},
        broken("tags.1.member.value", "null", "not be null"),
    ),
]
