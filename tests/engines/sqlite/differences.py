"""How dynoxide is known to differ from the service: predicates on a request and what came of it on both sides.

Each names one fault of dynoxide, or one thing that nobody defines. It looks for the cause in the request and for the
consequence in both outcomes, so that a fault of the embedded engine in the same place is still found.
"""

import json
import re
from collections.abc import Callable

from beside import Case, Outcome, item_text
from differences_of_expressions import (
    blanks_in_brackets,
    conflicting_paths,
    constant_of_wrong_type,
    function_out_of_place,
    no_such_type,
    older_bounds,
    operand_in_parentheses,
    operand_twice,
    reversed_bounds,
    size_of_constant,
    size_of_what_has_a_type,
    undefined_in_filter,
    update_without_expression,
    value_twice,
)
from differences_of_transactions import (
    NO_ATTRIBUTE,
    NO_PARENT,
    TOO_LONG,
    index_key_emptied,
    keys_before_projection,
    keys_beside_projection,
    no_placeholders,
    one_item_twice,
    other_reasons,
    placeholders_without_expression,
    unresolved_update,
)
from request_parts import (
    CONDITION_FAILED,
    INVALID,
    answers,
    has_path_as_default,
    longest,
    map_member,
    parts,
    paths,
    removes_only,
)
from wild import Wire

Differences = dict[str, Callable[[Case], bool]]

HELD = {"by_g": {"pk", "sk", "gk", "gr", "a"}}


def explained(case: Case, differences: Differences) -> str | None:
    """The reason why a case may come out otherwise, or None."""
    return next((reason for reason, applies in differences.items() if applies(case)), None)


def filter_beyond_index(case: Case) -> bool:
    """A read of an index may filter by, and project, what the index does not hold."""
    named = re.fullmatch(
        INVALID + "(?:Secondary|Global secondary) index (by_g) does not project (?:one or more filter attributes: )?"
        r"\[(.+)\]",
        case.ours.message,
    )
    return named is not None and answers(case.theirs) and not HELD[named[1]] & set(named[2].split(", "))


def empty_key_value(case: Case) -> bool:
    """A key condition may ask for an empty value."""
    empty = re.fullmatch(
        "One or more parameter values are not valid. "
        r"The AttributeValue for a key attribute cannot contain an empty (string|binary) value. Key: \w+",
        case.ours.message,
    )
    if empty is None or case.operation != "Query" or not answers(case.theirs):
        return False
    value = {"S": ""} if empty[1] == "string" else {"B": ""}
    older = [one for part in map_member(case.request, "KeyConditions").values() for one in part["AttributeValueList"]]
    return value in [*map_member(case.request, "ExpressionAttributeValues").values(), *older]


def found_as_read(case: Case) -> bool:
    """A missing member or wrong ReturnValues are found before a value of the wrong JSON type."""
    missing = re.fullmatch(r"missing field `(\w+)` at line 1 column \d+", case.theirs.message)
    if case.ours.code != "SerializationException" or case.theirs.code != "ValidationException":
        return False
    if missing is not None:
        return any(missing[1] not in part for part in parts(case))
    return (
        case.theirs.message == "1 validation error detected: ReturnValues can only be ALL_OLD or NONE"
        and case.operation in ("PutItem", "DeleteItem")
        and case.request.get("ReturnValues") in ("ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
    )


def value_before_member(case: Case) -> bool:
    """A value that no item can hold is found before a ReturnValuesOnConditionCheckFailure of the wrong JSON type."""
    return (
        case.ours.code == "SerializationException"
        and case.theirs.code == "ValidationException"
        and re.search(_WRONG_VALUE, case.theirs.message) is not None
        and not isinstance(case.request.get("ReturnValuesOnConditionCheckFailure"), str | None)
    )


_WRONG_VALUE = (
    "^(1 validation error detected: )?(ExpressionAttributeValues contains invalid value: )?(Number (over|under)flow"
    "|The parameter cannot be converted to a numeric value|Attempting to store more than 38 significant digits"
    f"|{INVALID}|Supplied AttributeValue|Nesting Levels have exceeded supported limits)"
)


def not_contains_of_nothing(case: Case) -> bool:
    """NOT_CONTAINS is true of an attribute that an item does not have."""
    comparisons = {**map_member(case.request, "ScanFilter"), **map_member(case.request, "Expected")}
    names = [name for name, comparison in comparisons.items() if comparison.get("ComparisonOperator") == "NOT_CONTAINS"]
    if case.operation == "PutItem":
        return bool(names) and case.ours.code == CONDITION_FAILED and answers(case.theirs)
    if not names or not answers(case.ours) or not answers(case.theirs):
        return False
    ours, theirs = set(case.ours.answer["Items"]), set(case.theirs.answer["Items"])
    return ours < theirs and all(f'"{names[0]}":' not in item for item in theirs - ours)


def removal_of_nothing(case: Case) -> bool:
    """REMOVE or DELETE alone makes an item of nothing, and looks for the parents in it."""
    if case.operation != "UpdateItem" or not removes_only(case.request) or not answers(case.ours):
        return False
    if case.theirs.code:
        return case.theirs.message == NO_PARENT and "Attributes" not in case.ours.answer
    return gives_the_key(case)


def default_not_looked_at(case: Case) -> bool:
    """The default of if_not_exists need not be there where it is not needed."""
    return (
        case.operation == "UpdateItem"
        and case.ours.message == NO_ATTRIBUTE
        and answers(case.theirs)
        and has_path_as_default(case.request)
    )


def old_key(case: Case) -> bool:
    """ALL_OLD of an item that was not there is its key."""
    return case.operation == "UpdateItem" and case.request.get("ReturnValues") == "ALL_OLD" and gives_the_key(case)


def whole_attribute(case: Case) -> bool:
    """UPDATED_OLD and UPDATED_NEW give the whole attribute where an update goes through an index."""
    if case.operation != "UpdateItem" or not answers(case.ours) or not answers(case.theirs):
        return False
    ours, theirs = (updated(outcome) for outcome in (case.ours, case.theirs))
    differing = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    indexed = {path[0] for path in paths(case.request) if any(step[0] == "[" for step in path[1:])}
    asked = case.request.get("ReturnValues") in ("UPDATED_OLD", "UPDATED_NEW")
    return asked and bool(differing) and differing <= indexed & theirs.keys()


def updated(outcome: Outcome) -> Wire:
    """The attributes that an update gave back, by name."""
    attributes: Wire = json.loads(outcome.answer.get("Attributes", '{"M":{}}'))["M"]
    return attributes


def gives_the_key(case: Case) -> bool:
    """Whether only dynoxide gives attributes, and they are the key."""
    return (
        answers(case.ours)
        and answers(case.theirs)
        and "Attributes" not in case.ours.answer
        and case.theirs.answer == {**case.ours.answer, "Attributes": item_text(case.request["Key"])}
    )


def long_index_key(case: Case) -> bool:
    """An index key may be of any length."""
    return (
        TOO_LONG.fullmatch(case.ours.message) is not None
        and case.theirs.code in ("", CONDITION_FAILED)
        and longest(case.request) > 1024
    )


def examined_alike(case: Case) -> bool:
    """Whether both read as many items; a filter may then hold for more of the ones than of the others."""
    return (
        not case.ours.code
        and not case.theirs.code
        and case.ours.answer["ScannedCount"] == case.theirs.answer["ScannedCount"]
    )


# reason: which cases it explains. All are dynoxide's own ways, but for those that nobody defines, which come last.
DIFFERENCES: Differences = {
    "REMOVE or DELETE alone makes an item of nothing, and looks for the parents in it": removal_of_nothing,
    "a constant of the wrong type is not refused": constant_of_wrong_type,
    "attribute_type may ask for a type that does not exist": no_such_type,
    "if_not_exists may hold list_append, and a function of a transaction any other": function_out_of_place,
    "an operand may stand twice": operand_twice,
    "a value may not stand twice in contains": value_twice,
    "the bounds of BETWEEN are looked at late in filters and transactions": reversed_bounds,
    "the bounds of BETWEEN in a ScanFilter may be reversed, or of two types": older_bounds,
    "an index key may be of any length": long_index_key,
    "ALL_OLD of an item that was not there is its key": old_key,
    "the placeholders of an UpdateItem without an update are not checked": update_without_expression,
    "the paths of a projection, or of an update of a transaction, may conflict": conflicting_paths,
    "a read of an index may filter by, and project, what the index does not hold": filter_beyond_index,
    "a value that a filter does not define is missed only where an item asks for it": undefined_in_filter,
    "a key condition may ask for an empty value": empty_key_value,
    "NOT_CONTAINS is true of a missing attribute": not_contains_of_nothing,
    "size of a value is not an operand of attribute_type": size_of_what_has_a_type,
    "an operand may not stand in parentheses": operand_in_parentheses,
    "the default of if_not_exists need not be there where it is not needed": default_not_looked_at,
    "size takes no value of the request": size_of_constant,
    "UPDATED_OLD and UPDATED_NEW give the whole attribute where an update goes through an index": whole_attribute,
    "blanks in the brackets of an index are not allowed": blanks_in_brackets,
    "a Put or Delete of a transaction takes names and values without a condition": placeholders_without_expression,
    "a transaction takes an empty map of names or values": no_placeholders,
    "what an update of a transaction does not define is a reason": unresolved_update,
    "TransactGetItems gives keys beside the projection": keys_beside_projection,
    "TransactGetItems looks at keys before projections": keys_before_projection,
    "a missing member or wrong ReturnValues are found before a value of the wrong JSON type": found_as_read,
    "a wrong value is found before a member of the wrong JSON type": value_before_member,
    "a cancelled transaction has other reasons": other_reasons,
    "a key that does not fit and an item that is named twice may be found in either order": one_item_twice,
    "a key that does not fit and an index key that is emptied may be found in either order": index_key_emptied,
    "the order of partitions means nothing": lambda case: (
        case.operation == "Scan" and "Limit" in case.request and examined_alike(case)
    ),
    "the order of equal index keys means nothing": lambda case: (
        case.operation == "Query" and {"Limit", "IndexName"} <= case.request.keys() and examined_alike(case)
    ),
}
