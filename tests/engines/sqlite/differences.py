"""How dynoxide is known to differ from the service: predicates on a request and what came of it on both sides.

Each names one fault of dynoxide, or one thing that nobody defines. It looks for the cause in the request and for the
consequence in both outcomes, so that a fault of the embedded engine in the same place is still found.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from beside import Case, Outcome, item_text
from differences_of_transactions import (
    NO_ATTRIBUTE,
    NO_PARENT,
    TOO_LONG,
    empty_key_of_wrong_type,
    keys_beside_projection,
    member_missing_as_read,
    no_placeholders,
    one_item_twice,
    other_reasons,
    placeholders_without_expression,
    unresolved_update,
)
from request_parts import (
    CANCELLED,
    CONDITION_FAILED,
    INVALID,
    answers,
    clause,
    expressions,
    has_path_as_default,
    kinds,
    longest,
    parts,
    paths,
    refused_here_alone,
    removes_only,
    shown,
    undefined,
    unused,
)
from wild import Wire

from flyexpr.values.decode import decode

Differences = dict[str, Callable[[Case], bool]]

HELD = {"by_g": {"pk", "sk", "gk", "gr", "a"}}


def explained(case: Case, differences: Differences) -> str | None:
    """The reason why a case may come out otherwise, or None."""
    return next((reason for reason, applies in differences.items() if applies(case)), None)


def update_without_expression(case: Case) -> bool:
    """The placeholders of an UpdateItem without UpdateExpression are not checked against its condition."""
    request = case.request
    if case.operation != "UpdateItem" or "UpdateExpression" in request or "ConditionExpression" not in request:
        return False
    return clause(case) in _misused(request) and case.theirs.code in ("", CONDITION_FAILED)


def _misused(request: Wire) -> Iterator[str]:
    """What the service says of each placeholder that the condition does not use or the request does not define."""
    for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        yield f"Value provided in {member} unused in expressions: keys: {{{', '.join(unused(request, member))}}}"
    start = "Invalid ConditionExpression: An expression attribute"
    for mark in undefined(request):
        word, where = ("name", "the document path") if mark[0] == "#" else ("value", "expression")
        yield f"{start} {word} used in {where} is not defined; attribute {word}: {mark}"


def conflicting_paths(case: Case) -> bool:
    """A projection, and an update of a transaction, may take one attribute for a map and for a list."""
    return any(
        case.ours.message == f"Invalid {member}: {words}" and case.theirs.code in codes
        for member, codes in (("ProjectionExpression", ("",)), ("UpdateExpression", ("", CANCELLED)))
        for part in parts(case)
        for words in conflicts(paths({name: part.get(name) for name in (member, "ExpressionAttributeNames")}))
    )


def conflicts(paths: list[list[str]]) -> Iterator[str]:
    """What the service says of every two paths of which one needs a map where the other needs a list."""
    start = "Two document paths conflict with each other; must remove or rewrite one of these paths"
    for one, two in combinations(paths, 2):
        step, other = next((pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]), ("", ""))
        if (step[:1] == "[") != (other[:1] == "["):
            yield f"{start}; path one: {shown(one)}, path two: {shown(two)}"


def constant_of_wrong_type(case: Case) -> bool:
    """The type of a constant is looked at only where begins_with takes one as its prefix."""
    wrong = re.fullmatch(
        "Invalid (?:Condition|Filter|Update)Expression: Incorrect operand type for operator or function; "
        "operator(?: or function)?: (.+), operand type: ([A-Za-z]+)(?:, typeSet: .*)?",
        clause(case),
    )
    if wrong is None or not refused_here_alone(case):
        return False
    operator, kind = wrong[1], _SPELLED.get(wrong[2], wrong[2])
    return any(
        operator in text and (kind in kinds(part) or (kind == "N" and "size(" in text))
        for part in parts(case)
        for text in expressions(part)
    )


_SPELLED = {"STRING": "S", "NUMBER": "N", "Binary": "B", "LIST": "L", "MAP": "M"}


def no_such_type(case: Case) -> bool:
    """attribute_type may ask for a type that does not exist, or for one that an attribute names."""
    types = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
    wrong = re.fullmatch(
        "Invalid (?:Condition|Filter)Expression: (?:Invalid attribute type name found; type: (.*), valid types: (.+)"
        "|Incorrect operand type for operator or function; operator or function: attribute_type, operand type: (.+))",
        clause(case),
    )
    if wrong is None or types not in wrong.groups() or not refused_here_alone(case):
        return False
    if wrong[3]:
        return any(re.search(r"attribute_type\(.+, *[^: ]", text) for part in parts(case) for text in expressions(part))
    return any({"S": wrong[1]} in (part.get("ExpressionAttributeValues") or {}).values() for part in parts(case))


def function_out_of_place(case: Case) -> bool:
    """if_not_exists may hold list_append; in a transaction, what a function holds is looked at as it is carried out."""
    start = "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: "
    inner = {"TransactWriteItems": r"\(.*?(\w+)\(", "UpdateItem": r"if_not_exists\([^()]*(list_append)\("}
    return case.theirs.code in ("", CANCELLED) and any(
        clause(case) == start + function
        for part in parts(case)
        for text in expressions({"UpdateExpression": part.get("UpdateExpression")})
        for function in re.findall(inner.get(case.operation, "$"), text)
    )


def value_twice(case: Case) -> bool:
    """`contains` refuses the same placeholder of a value twice."""
    twice = re.search(
        "Expression: The first operand must be distinct from the remaining operands for this operator or function; "
        r"operator: contains, first operand: \[(:\w+)\]$",
        case.theirs.message,
    )
    return (
        twice is not None
        and case.ours.code != "ValidationException"
        and any(
            re.search(rf"contains\({twice[1]} *, *{twice[1]}\)", text)
            for part in parts(case)
            for text in expressions(part)
        )
    )


def operand_twice(case: Case) -> bool:
    """One path may stand on both sides of an operator."""
    twice = re.fullmatch(
        "Invalid (?:Condition|Filter|Update)Expression: The first operand must be distinct from the remaining operands "
        r"for this operator or function; operator: (.+), first operand: (\[.+\])",
        clause(case),
    )
    if twice is None or not refused_here_alone(case):
        return False
    return any([shown(path) for path in paths(part)].count(twice[2]) > 1 for part in parts(case))


def reversed_bounds(case: Case) -> bool:
    """The bounds of BETWEEN are compared where an item is, but for the conditions of single writes."""
    said = "Invalid (?:Condition|Filter)Expression: The BETWEEN operator requires (same data type|upper bound)"
    wrong = re.match(said, clause(case))
    if wrong is None or case.operation not in ("Scan", "Query", "TransactWriteItems") or not refused_here_alone(case):
        return False
    bounds = [
        [(part.get("ExpressionAttributeValues") or {})[mark] for mark in marks]
        for part in parts(case)
        for text in expressions(part)
        for marks in re.findall(r"BETWEEN *(:\w+) *AND *(:\w+)", text)
    ]
    if wrong[1] == "upper bound":
        return any(low.keys() == high.keys() and ordered(low) > ordered(high) for low, high in bounds)
    return any(low.keys() != high.keys() for low, high in bounds)


def ordered(value: Wire) -> Any:
    """A string, number or binary as what it is compared by; of other values nothing."""
    return decode(dict(value)) if value.keys() & {"S", "N", "B"} else 0


def undefined_in_filter(case: Case) -> bool:
    """A value that a filter names and the request does not define is missed only where an item asks for it."""
    start = (
        "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: "
    )
    return (
        case.operation in ("Scan", "Query")
        and case.ours.message in {start + mark for mark in undefined(case.request)}
        and answers(case.theirs)
    )


def size_of_what_has_a_type(case: Case) -> bool:
    """`size` as the first argument of attribute_type is read as a name, which is reserved."""
    return (
        case.theirs.code == "ValidationException"
        and case.theirs.message.endswith("Expression: Attribute name is a reserved keyword; reserved keyword: size")
        and any("attribute_type(size(" in text for part in parts(case) for text in expressions(part))
    )


def size_of_constant(case: Case) -> bool:
    """`size` takes no value of the request."""
    said = re.search(r'Expression: Syntax error; token: "(:\w+)", near: "\( ?:\w+ ?\)?"$', case.theirs.message)
    return (
        said is not None
        and case.ours.code != "ValidationException"
        and any(f"size({said[1]})" in text for part in parts(case) for text in expressions(part))
    )


def blanks_in_brackets(case: Case) -> bool:
    """An index with blanks in its brackets is a syntax error."""
    said = re.search(r'Expression: Syntax error; token: "\d+", near: "\[ ?(\d+) ?\]?"$', case.theirs.message)
    return said is not None and any(
        re.search(rf"\[(\s+{said[1]}\s*|\s*{said[1]}\s+)\]", str(text))
        for part in parts(case)
        for text in part.values()
    )


def operand_in_parentheses(case: Case) -> bool:
    """An operand may not stand in parentheses."""
    said = r'Expression: (Syntax error; token: "[()]", near: ".+"|The expression has redundant parentheses;)$'
    operand = r"[#:]?\w+(\.[#\w]+|\[\d+\])*|size\([^()]*\)"
    return (
        case.ours.code != "ValidationException"
        and re.search(said, case.theirs.message) is not None
        and any(
            re.search(rf"((?<!\w)|(?<!\w)(AND|OR|NOT|BETWEEN))\(({operand})\)", text)
            for part in parts(case)
            for text in expressions(part)
        )
    )


def filter_beyond_index(case: Case) -> bool:
    """A read of an index may filter by, and project, what the index does not hold."""
    named = re.fullmatch(
        INVALID + "(?:Secondary|Global secondary) index (by_g) does not project (?:one or more filter attributes: )?"
        r"\[(.+)\]",
        case.ours.message,
    )
    return named is not None and answers(case.theirs) and not HELD[named[1]] & set(named[2].split(", "))


def not_contains_of_nothing(case: Case) -> bool:
    """NOT_CONTAINS is true of an attribute that an item does not have."""
    comparisons = {**(case.request.get("ScanFilter") or {}), **(case.request.get("Expected") or {})}
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
    "an index key may be of any length": long_index_key,
    "ALL_OLD of an item that was not there is its key": old_key,
    "the placeholders of an UpdateItem without an update are not checked": update_without_expression,
    "the paths of a projection, or of an update of a transaction, may conflict": conflicting_paths,
    "a read of an index may filter by, and project, what the index does not hold": filter_beyond_index,
    "a value that a filter does not define is missed only where an item asks for it": undefined_in_filter,
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
    "a member that is missing is found before a value of the wrong JSON type": member_missing_as_read,
    "a cancelled transaction has other reasons": other_reasons,
    "a key that is empty and does not fit may be called the one or the other": empty_key_of_wrong_type,
    "a key that does not fit and an item that is named twice may be found in either order": one_item_twice,
    "the order of partitions means nothing": lambda case: (
        case.operation == "Scan" and "Limit" in case.request and examined_alike(case)
    ),
    "the order of equal index keys means nothing": lambda case: (
        case.operation == "Query" and {"Limit", "IndexName"} <= case.request.keys() and examined_alike(case)
    ),
}
