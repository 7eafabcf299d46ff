"""What is said of the older parameters."""

from typing import Any

from embedded import key
from words import ENVELOPE, INVALID, ONE, A, Row, Wire, broken, mixed

OF_P: Wire = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]}


def compare(operator: Any, *values: Wire) -> Wire:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


def expecting(**expected: Wire) -> Wire:
    return {"Item": key(1), "Expected": expected}


def acting(**updates: Wire) -> Wire:
    return {"Key": key(1), "AttributeUpdates": updates}


FILTERED = {"FilterExpression": "x = :v", "ExpressionAttributeValues": {":v": ONE}}
BY_EXPRESSION = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
BOUNDS = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
ALONE = "ConditionalOperator cannot be used without Filter or Expected"
TOGETHER = "ConditionalOperator can only be used when Filter or Expected has two or more elements"
ALIKE = INVALID + "AttributeValues inside AttributeValueList must be of same type"
NO_INDEX_OPERATION = "Attempted conditional constraint is not an indexable operation"
OLDER: list[Row] = [
    ("Query", {"KeyConditions": {"pk": OF_P}, **BY_EXPRESSION}, mixed("KeyConditions", "KeyConditionExpression")),
    (
        "Query",
        {"KeyConditions": {"pk": OF_P}, "QueryFilter": {}, **FILTERED},
        mixed("QueryFilter", "FilterExpression"),
    ),
    (
        "Query",
        {"AttributesToGet": ["x"], "KeyConditions": {"pk": OF_P}, "ConditionalOperator": "AND", **BY_EXPRESSION},
        mixed("AttributesToGet, ConditionalOperator, KeyConditions", "KeyConditionExpression"),
    ),
    (
        "Query",
        {"QueryFilter": {}, **BY_EXPRESSION, "FilterExpression": "x = :v", "ProjectionExpression": "x"},
        mixed("QueryFilter", "ProjectionExpression, FilterExpression, KeyConditionExpression"),
    ),
    ("Query", {"KeyConditions": {"pk": compare("NULL")}}, NO_INDEX_OPERATION),
    ("Query", {"KeyConditions": {"pk": OF_P, "sk": compare("NE", ONE)}}, NO_INDEX_OPERATION),
    ("Query", {"KeyConditions": {"z": compare("NULL")}}, "Query condition missed key schema element: pk"),
    ("Query", {"KeyConditions": {"pk": compare("GT", A)}}, "Query key condition not supported"),
    (
        "Query",
        {"KeyConditions": {"pk": OF_P, "z": compare("NULL")}},
        "Query condition missed key schema element: sk",
    ),
    (
        "Query",
        {"KeyConditions": {"pk": OF_P}, "QueryFilter": {"sk": compare("EQ", ONE)}},
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk",
    ),
    ("Query", {"KeyConditions": {"pk": OF_P}, "ConditionalOperator": "OR"}, ALONE),
    ("Query", {"KeyConditions": {"pk": OF_P}, "QueryFilter": {}, "ConditionalOperator": "OR"}, ALONE),
    (
        "Query",
        {"KeyConditions": {"pk": {}}},
        broken("keyConditions.pk.member.comparisonOperator", "null", "not be null"),
    ),
    ("Query", {"KeyConditions": {"pk": compare("FOO")}}, INVALID + "Invalid comparison operator"),
    ("Scan", {"ScanFilter": {}, "ConditionalOperator": "OR"}, ALONE),
    ("Scan", {"ScanFilter": {"x": {}}}, broken("scanFilter.x.member.comparisonOperator", "null", "not be null")),
    ("Scan", {"ScanFilter": {"x": compare("FOO", ONE)}}, INVALID + "Invalid comparison operator"),
    (
        "Scan",
        {"ScanFilter": {"x": compare("EQ")}},
        INVALID + "Invalid number of argument(s) for the EQ ComparisonOperator",
    ),
    (
        "Scan",
        {"ScanFilter": {"x": compare("IN")}},
        INVALID + "Invalid number of argument(s) for the IN ComparisonOperator",
    ),
    (
        "Scan",
        {"ScanFilter": {"x": compare("NOT_NULL", ONE)}},
        INVALID + "Invalid number of argument(s) for the NOT_NULL ComparisonOperator",
    ),
    (
        "Scan",
        {"ScanFilter": {"x": compare("CONTAINS", {"L": []})}},
        INVALID + "ComparisonOperator CONTAINS is not valid for L AttributeValue type",
    ),
    ("Scan", {"ScanFilter": {"x": compare("IN", ONE, A)}}, ALIKE),
    ("Scan", {"ScanFilter": {"x": compare("BETWEEN", {"N": "10"}, {"N": "9"})}}, BOUNDS),
    ("PutItem", {"Item": key(1), "ConditionalOperator": "OR"}, ENVELOPE + ALONE),
    ("UpdateItem", {**acting(x={"Value": ONE}), "Expected": {}, "ConditionalOperator": "OR"}, ENVELOPE + ALONE),
    ("PutItem", {**expecting(x={"Exists": False}), "ConditionalOperator": "AND"}, ENVELOPE + TOGETHER),
    ("Query", {"KeyConditions": {"pk": OF_P}, "QueryFilter": {"x": OF_P}, "ConditionalOperator": "OR"}, TOGETHER),
    ("Scan", {"ScanFilter": {"x": compare("FOO")}, "ConditionalOperator": "OR"}, TOGETHER),
    (
        "PutItem",
        expecting(a={"Value": A, **compare("EQ", A)}),
        f"{ENVELOPE}{INVALID}Value and AttributeValueList cannot be used together for Attribute: a",
    ),
    (
        "PutItem",
        expecting(a={"Exists": True, **compare("EQ", A)}),
        f"{ENVELOPE}{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: a",
    ),
    (
        "DeleteItem",
        {"Key": key(1), "Expected": {"a": {"ComparisonOperator": "LT"}}},
        f"{ENVELOPE}{INVALID}Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
    ),
    (
        "PutItem",
        expecting(a={"ComparisonOperator": "NULL", "Value": A}),
        f"{ENVELOPE}{INVALID}Invalid number of argument(s) for the NULL ComparisonOperator",
    ),
    (
        "PutItem",
        expecting(a={"ComparisonOperator": "BETWEEN", "Value": A}),
        f"{ENVELOPE}{INVALID}Invalid number of argument(s) for the BETWEEN ComparisonOperator",
    ),
    (
        "PutItem",
        expecting(a={"AttributeValueList": [A]}),
        f"{ENVELOPE}{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
    ),
    ("PutItem", expecting(a=compare("FOO", A)), f"{ENVELOPE}{INVALID}Invalid comparison operator"),
    ("PutItem", expecting(a=compare("IN", A, ONE)), ENVELOPE + ALIKE),
    (
        "PutItem",
        expecting(a=compare("IN", A, {"BOOL": True})),
        f"{ENVELOPE}{INVALID}ComparisonOperator IN is not valid for BOOL AttributeValue type",
    ),
    (
        "DeleteItem",
        {"Key": key(1), "Expected": {"a": compare("IN", {"SS": ["a"]})}},
        f"{ENVELOPE}{INVALID}ComparisonOperator IN is not valid for SS AttributeValue type",
    ),
    ("PutItem", expecting(a=compare("BETWEEN", {"S": "b"}, A)), ENVELOPE + BOUNDS),
    (
        "PutItem",
        expecting(a={"Exists": True}),
        f"{ENVELOPE}{INVALID}Value must be provided when Exists is true for Attribute: a",
    ),
    ("PutItem", expecting(a={}), f"{ENVELOPE}{INVALID}Value must be provided when Exists is null for Attribute: a"),
    (
        "PutItem",
        expecting(a={"Exists": False, "Value": A}),
        f"{ENVELOPE}{INVALID}Value cannot be used when Exists is false for Attribute: a",
    ),
    (
        "UpdateItem",
        acting(a={"Action": "FOO", "Value": A}),
        broken("attributeUpdates.a.member.action", "'FOO'", "satisfy enum value set: [ADD, DELETE, PUT]"),
    ),
    ("UpdateItem", acting(a={}), INVALID + "Only DELETE action is allowed when no attribute value is specified"),
    (
        "UpdateItem",
        acting(a={"Action": "ADD"}),
        INVALID + "Only DELETE action is allowed when no attribute value is specified",
    ),
    ("UpdateItem", acting(a={"Action": "ADD", "Value": A}), INVALID + "ADD action is not supported for the type S"),
    (
        "UpdateItem",
        acting(a={"Action": "DELETE", "Value": ONE}),
        INVALID + "DELETE action with value is not supported for the type N",
    ),
    ("UpdateItem", acting(s={"Action": "ADD", "Value": ONE}), "Type mismatch for attribute to update"),
    ("UpdateItem", acting(n={"Action": "ADD", "Value": {"SS": ["a"]}}), "Type mismatch for attribute to update"),
    ("UpdateItem", acting(s={"Action": "ADD", "Value": {"L": [A]}}), "Type mismatch for attribute to update"),
    ("UpdateItem", acting(n={"Action": "DELETE", "Value": {"SS": ["a"]}}), "Type mismatch for attribute to update"),
    (
        "UpdateItem",
        acting(nines={"Action": "ADD", "Value": {"N": "0.1"}}),
        "Attempting to store more than 38 significant digits in a Number",
    ),
    (
        "UpdateItem",
        acting(vast={"Action": "ADD", "Value": {"N": "9e125"}}),
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    ),
    (
        "GetItem",
        {"Key": key(1), "AttributesToGet": []},
        broken("attributesToGet", "'[]'", "have length greater than or equal to 1"),
    ),
    ("Scan", {"AttributesToGet": ["x", "x"]}, INVALID + "Duplicate value in attribute name: x"),
    ("GetItem", {"Key": key(1), "AttributesToGet": [""]}, "Empty attribute name"),
]
