"""What is said of wrong writes, batches and transactions."""

from embedded import key
from words import ENVELOPE, INVALID, ONE, A, Row, broken, mixed
from words_of_reads import CONSTANTS

PUT_ONE = {"PutRequest": {"Item": key(1)}}
MAP_VALUE = (
    "at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less "
    "than or equal to 25, Member must have length greater than or equal to 1]"
)
TWO_TYPES = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
KEYS_OF_TAB = (
    f"{ENVELOPE}Value at 'RequestItems.tab.member.Keys' failed to satisfy constraint: Member must have length "
)
SEVERAL: list[Row] = [
    (
        "BatchGetItem",
        {},
        f"{ENVELOPE}Value at 'RequestItems' failed to satisfy constraint: Member must have length greater "
        "than or equal to 1",
    ),
    ("BatchGetItem", {"RequestItems": {"tab": {}}}, broken("requestItems.tab.member.keys", "null", "not be null")),
    ("BatchGetItem", {"RequestItems": {"tab": {"Keys": []}}}, KEYS_OF_TAB + "greater than or equal to 1"),
    (
        "BatchGetItem",
        {"RequestItems": {"tab": {"Keys": [key(n) for n in range(101)]}}},
        KEYS_OF_TAB + "less than or equal to 100",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {name: {"Keys": [key(n) for n in range(51)]} for name in ("tab", "units")}},
        "Too many items requested for the BatchGetItem call",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {"tab": {"Keys": [key(1), key(1)]}}},
        "Provided list of item keys contains duplicates",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {"ab": {"Keys": [key(1)]}}},
        broken("tableName", "'ab'", "have length greater than or equal to 3"),
    ),
    (
        "BatchGetItem",
        {
            "RequestItems": {
                "tab": {"Keys": [key(1)], "AttributesToGet": ["x"]},
                "units": {"Keys": [{"id": A}], "ProjectionExpression": "x"},
            }
        },
        mixed("AttributesToGet", "ProjectionExpression"),
    ),
    ("BatchWriteItem", {}, "The requestItems parameter is required for BatchWriteItem"),
    ("BatchWriteItem", {"RequestItems": {"tab": []}}, f"{ENVELOPE}Value '{{tab=[]}}' {MAP_VALUE}"),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [{"PutRequest": {"Item": key(n)}} for n in range(26)]}},
        f"{ENVELOPE}Value '{{tab=[...]}}' {MAP_VALUE}",
    ),
    (
        "BatchWriteItem",
        {"RequestItems": {name: [{"PutRequest": {"Item": key(n)}} for n in range(13)] for name in ("tab", "units")}},
        "Too many items requested for the BatchWriteItem call",
    ),
    ("BatchWriteItem", {"RequestItems": {"tab": [{}]}}, TWO_TYPES),
    ("BatchWriteItem", {"RequestItems": {"tab": [{**PUT_ONE, "DeleteRequest": {"Key": key(2)}}]}}, TWO_TYPES),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [PUT_ONE, {"DeleteRequest": {}}]}},
        broken("requestItems.tab.member.2.member.deleteRequest.key", "null", "not be null"),
    ),
    (
        "BatchWriteItem",
        {"RequestItems": {"tab": [PUT_ONE, {"DeleteRequest": {"Key": key(1)}}]}},
        "Provided list of item keys contains duplicates",
    ),
    ("TransactGetItems", {"TransactItems": [{}]}, broken("transactItems.1.member.get", "null", "not be null")),
    (
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "tab"}}]},
        broken("transactItems.1.member.get.key", "null", "not be null"),
    ),
    (
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "tab", "Key": key(1)}}] * 2},
        "Transaction request cannot include multiple operations on one item",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": []},
        broken("transactItems", "'[]'", "have length greater than or equal to 1"),
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{}]},
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {}, "Delete": {}}]},
        "TransactItems can only contain one of Check, Put, Update or Delete",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "tab"}}]},
        broken("transactItems.1.member.put.item", "null", "not be null"),
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {"TableName": "tab", "Key": key(1)}}], "ClientRequestToken": "x" * 37},
        broken("clientRequestToken", f"'{'x' * 37}'", "have length less than or equal to 36"),
    ),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {
                    "Delete": {
                        "TableName": "tab",
                        "Key": key(1),
                        "ConditionExpression": "x = :v",
                        "ExpressionAttributeValues": {":v": {"N": "x"}},
                    }
                }
            ]
        },
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for "
        "key :v",
    ),
]
WRITES: list[Row] = [
    ("PutItem", {"Item": {**key(1), "a": {"BS": []}}}, f"{ENVELOPE}{INVALID}Binary sets should not be empty"),
    ("PutItem", {"Item": {**key(1), "a": {"NS": []}}}, f"{ENVELOPE}{INVALID}An number set  may not be empty"),
    ("PutItem", {"Item": {**key(1), "a": {"SS": []}}}, f"{ENVELOPE}{INVALID}An string set  may not be empty"),
    (
        "PutItem",
        {"Item": {**key(1), "a": {"BS": ["AA==", "AA=="]}}},
        f"{ENVELOPE}{INVALID}Input collection [AA==, AA==]of type BS contains duplicates.",
    ),
    (
        "PutItem",
        {"Item": {**key(1), "a": {"SS": ["b", "b"]}}},
        f"{ENVELOPE}{INVALID}Input collection [b, b] contains duplicates.",
    ),
    *(
        (
            "PutItem",
            {"Item": {**key(1), "a": {"N": text}}},
            f"{ENVELOPE}The parameter cannot be converted to a numeric value: {text}",
        )
        for text in ("１", "1_0", " 1", "1 ", "--1", "0x10", "1,0", "Infinity", "1e5 ", "1e", "٣")
    ),
    (
        "PutItem",
        {"Item": {**key(1), "a": {"N": ""}}},
        ENVELOPE + "The parameter cannot be converted to a numeric value",
    ),
    (
        "PutItem",
        {"Item": {**key(1), "a": {}}},
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    ),
    ("PutItem", {"Item": {**key(1), "a": {"S": "x", "N": "1"}}}, TWO_TYPES),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET nines = nines + :v", CONSTANTS: {":v": {"N": "0.1"}}},
        "Attempting to store more than 38 significant digits in a Number",
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "ADD s :v", CONSTANTS: {":v": ONE}},
        "An operand in the update expression has an incorrect data type",
    ),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "SET big = list_append(big, big)"},
        "Item size to update has exceeded the maximum allowed size",
    ),
    ("PutItem", {"Item": key(1), "ReturnValues": "UPDATED_NEW"}, f"{ENVELOPE}ReturnValues can only be ALL_OLD or NONE"),
    (
        "PutItem",
        {"Item": key(1), "ReturnItemCollectionMetrics": "YES"},
        broken("returnItemCollectionMetrics", "'YES'", "satisfy enum value set: [SIZE, NONE]"),
    ),
]
