"""What is said of wrong reads and expressions."""

from embedded import key
from words import ENVELOPE, INVALID, ONE, UNUSABLE, A, Row, Wire, broken
from words_of_older import OF_P

NESTED = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
VALUES = {"ExpressionAttributeValues": {":p": {"S": "p"}, ":v": ONE}}


def of_key(text: str) -> Wire:
    used = {name: value for name, value in VALUES["ExpressionAttributeValues"].items() if name in text}
    return (
        {"KeyConditionExpression": text, "ExpressionAttributeValues": used}
        if used
        else {"KeyConditionExpression": text}
    )


CONDITION = "Invalid condition in KeyConditionExpression: "
OPERATOR = "Invalid operator used in KeyConditionExpression: "
KEY_CONDITION = "Invalid KeyConditionExpression: KeyConditionExpressions "
READS: list[Row] = [
    ("GetItem", {"Key": key(1), "ProjectionExpression": "pk[0]"}, NESTED + "Key: pk"),
    ("GetItem", {"Key": key(1), "ProjectionExpression": "x, sk.q"}, NESTED + "Key: sk"),
    ("GetItem", {"Key": key(1), "ProjectionExpression": "gk.b"}, NESTED + "IndexKey: gk"),
    ("Scan", {"ProjectionExpression": "lk.b"}, NESTED + "IndexKey: lk"),
    ("Scan", {"FilterExpression": "attribute_exists(pk.q)"}, NESTED + "Key: pk"),
    ("Scan", {"FilterExpression": "attribute_exists(gk[1])"}, NESTED + "IndexKey: gk"),
    ("Query", {**of_key("pk = :p"), "ProjectionExpression": "pk.q"}, NESTED + "Key: pk"),
    ("Query", {**of_key("pk = :p"), "FilterExpression": "attribute_exists(gk.q)"}, NESTED + "IndexKey: gk"),
    (
        "Query",
        {**of_key("pk = :p"), "FilterExpression": "attribute_exists(pk.q)"},
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: pk",
    ),
    (
        "Query",
        {**of_key("gk = :p"), "IndexName": "by_g", "FilterExpression": "attribute_exists(y)"},
        INVALID + "Secondary index by_g does not project one or more filter attributes: [y]",
    ),
    (
        "Scan",
        {"IndexName": "by_g", "ProjectionExpression": "x, y, z"},
        INVALID + "Global secondary index by_g does not project [y, z]",
    ),
    (
        "Scan",
        {"IndexName": "by_g", "Select": "ALL_ATTRIBUTES"},
        INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index by_g because its projection "
        "type is not ALL",
    ),
    ("Scan", {"IndexName": "by_x"}, "The table does not have the specified index: by_x"),
    ("Query", of_key(":p = :p"), CONDITION + "No key attribute specified"),
    ("Query", of_key("size(pk) = :v"), KEY_CONDITION + "cannot contain nested operations"),
    ("Query", of_key("pk = :p AND size(sk) BETWEEN :v AND :v"), KEY_CONDITION + "cannot contain nested operations"),
    ("Query", of_key("pk = :p AND sk = x"), CONDITION + "Multiple attribute names used in one condition"),
    ("Query", of_key("pk = :p AND sk BETWEEN :v AND x"), CONDITION + "Multiple attribute names used in one condition"),
    ("Query", of_key("begins_with(pk, x)"), CONDITION + "Multiple attribute names used in one condition"),
    (
        "Query",
        of_key("pk = :p AND :v BETWEEN sk AND :v"),
        CONDITION + "BETWEEN operator must have the key attribute as its first operand",
    ),
    (
        "Query",
        of_key("begins_with(:p, pk)"),
        CONDITION + "begins_with operator must have the key attribute as its first operand",
    ),
    ("Query", of_key("pk = :p AND sk <> :v"), OPERATOR + "<>"),
    ("Query", of_key("pk = :p AND sk IN (:v)"), OPERATOR + "IN"),
    ("Query", of_key("pk = :p OR sk = :v"), OPERATOR + "OR"),
    ("Query", of_key("NOT pk = :p"), OPERATOR + "NOT"),
    ("Query", of_key("pk = :p AND (pk = :p OR sk = :v)"), OPERATOR + "OR"),
    ("Query", of_key("pk = :p AND NOT (pk = :p AND sk = :v)"), OPERATOR + "NOT"),
    ("Query", of_key("pk = :p AND contains(sk, :v)"), OPERATOR + "contains"),
    ("Query", of_key("pk = :p AND attribute_exists(sk)"), OPERATOR + "attribute_exists"),
    ("Query", of_key("pk = :p AND pk = :p"), KEY_CONDITION + "must only contain one condition per key"),
    ("Query", of_key("pk = :p AND sk.a = :v"), KEY_CONDITION + "cannot have conditions on nested attributes"),
    (
        "Query",
        {**of_key("pk = :p AND sk = :v AND x = :v")},
        "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
    ),
    (
        "Query",
        {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": ""}}},
        UNUSABLE + "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
    ),
    (
        "Query",
        {"IndexName": "by_l", "KeyConditionExpression": "pk = :p AND lk = :b"}
        | {"ExpressionAttributeValues": {":p": {"S": "p"}, ":b": {"B": ""}}},
        UNUSABLE + "The AttributeValue for a key attribute cannot contain an empty binary value. Key: lk",
    ),
    ("Query", of_key("pk = :v"), INVALID + "Condition parameter type does not match schema type"),
    (
        "Scan",
        {"Limit": 0},
        f"{ENVELOPE}Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    ("Scan", {"Limit": 0.5}, broken("limit", "'0'", "have value greater than or equal to 1")),
    ("Scan", {"Limit": -(2**40)}, broken("limit", "'-2147483648'", "have value greater than or equal to 1")),
    (
        "Scan",
        {"Segment": -1, "TotalSegments": 0},
        "2 validation errors detected: Value at 'Segment' failed to satisfy constraint: Member must have value greater "
        "than or equal to 0; Value at 'TotalSegments' failed to satisfy constraint: Member must have value "
        "greater than "
        "or equal to 1",
    ),
    (
        "Scan",
        {"TotalSegments": 2},
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
    ),
    (
        "Scan",
        {"Segment": 0},
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    ),
    (
        "Scan",
        {"Segment": 2, "TotalSegments": 2},
        "The Segment parameter is zero-based and must be less than parameter TotalSegments",
    ),
    (
        "Scan",
        {"Segment": 0, "TotalSegments": 64, "ExclusiveStartKey": key(1)},
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
        "Segment. TotalSegments: 64 Segment: 0",
    ),
    ("Scan", {"ExclusiveStartKey": {"pk": A}}, "The provided starting key is invalid"),
    ("Scan", {"ExclusiveStartKey": {"pk": A, "x": ONE}}, "The provided starting key is invalid"),
    (
        "Scan",
        {"ExclusiveStartKey": {"pk": {"S": ""}, "sk": ONE}},
        UNUSABLE + "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
    ),
    (
        "Scan",
        {"ExclusiveStartKey": {"pk": {"S": "x" * 2049}, "sk": ONE}},
        INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
    ),
    (
        "Scan",
        {"Select": "COUNT", "AttributesToGet": ["x"]},
        f"{ENVELOPE}Cannot specify the AttributesToGet when choosing to get only the Count",
    ),
    (
        "Scan",
        {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "x"},
        f"{ENVELOPE}Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
    ),
    (
        "Scan",
        {"Select": "SPECIFIC_ATTRIBUTES"},
        f"{ENVELOPE}Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    ),
    (
        "Scan",
        {"Select": "ALL_PROJECTED_ATTRIBUTES"},
        f"{ENVELOPE}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    ),
    (
        "Scan",
        {"IndexName": "by_g", "ConsistentRead": True},
        "Consistent reads are not supported on global secondary indexes",
    ),
]
NAMES, CONSTANTS = "ExpressionAttributeNames", "ExpressionAttributeValues"
EXPRESSIONS: list[Row] = [
    (
        "Scan",
        {"FilterExpression": "#n = #m", NAMES: {"#n": "", "#m": "x"}},
        f"{NAMES} contains invalid value: Empty attribute name for key #n",
    ),
    ("Scan", {"FilterExpression": "x = y", NAMES: {"": "x"}}, f'{NAMES} contains invalid key: Syntax error; key: ""'),
    ("Scan", {"FilterExpression": "x = y", NAMES: {}}, f"{NAMES} must not be empty"),
    ("Scan", {"FilterExpression": "x = y", CONSTANTS: {}}, f"{CONSTANTS} must not be empty"),
    (
        "Scan",
        {"FilterExpression": "x = y", CONSTANTS: {"v": ONE}},
        f'{CONSTANTS} contains invalid key: Syntax error; key: "v"',
    ),
    (
        "Scan",
        {"FilterExpression": "x = y", NAMES: {"#n": "z", "#m": "z"}},
        f"Value provided in {NAMES} unused in expressions: keys: {{#n, #m}}",
    ),
    (
        "Query",
        {"KeyConditionExpression": "pk = :v", CONSTANTS: {":v": None}},
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    ),
    (
        "Query",
        {"KeyConditions": {"pk": OF_P}, CONSTANTS: {":v": ONE}},
        f"{CONSTANTS} can only be specified when using expressions: FilterExpression and "
        "KeyConditionExpression are null",
    ),
    (
        "GetItem",
        {"Key": key(1), NAMES: {"#n": "x"}},
        f"{NAMES} can only be specified when using expressions",
    ),
    (
        "Scan",
        {"FilterExpression": "x = " + "y" * 4093},
        "Invalid FilterExpression: Expression size has exceeded the maximum allowed size;",
    ),
]
