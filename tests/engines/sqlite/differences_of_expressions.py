"""How dynoxide is known to differ from the service in expressions: what it does not refuse, or not in time."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from beside import Case
from request_parts import (
    CANCELLED,
    CONDITION_FAILED,
    INVALID,
    answers,
    clause,
    expressions,
    kinds,
    map_member,
    parts,
    paths,
    refused_here_alone,
    shown,
    undefined,
    unused,
)
from wild import Wire

from flyexpr.values.decode import decode


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
    return any({"S": wrong[1]} in map_member(part, "ExpressionAttributeValues").values() for part in parts(case))


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
        [map_member(part, "ExpressionAttributeValues")[mark] for mark in marks]
        for part in parts(case)
        for text in expressions(part)
        for marks in re.findall(r"BETWEEN *(:\w+) *AND *(:\w+)", text)
    ]
    if wrong[1] == "upper bound":
        return any(low.keys() == high.keys() and ordered(low) > ordered(high) for low, high in bounds)
    return any(low.keys() != high.keys() for low, high in bounds)


def older_bounds(case: Case) -> bool:
    """The bounds of BETWEEN in a ScanFilter may be reversed, or of two types; only the first must have an order."""
    bounds = [
        comparison["AttributeValueList"]
        for comparison in map_member(case.request, "ScanFilter").values()
        if comparison.get("ComparisonOperator") == "BETWEEN"
    ]
    mixed = "AttributeValues inside AttributeValueList must be of same type"
    unordered = re.fullmatch(
        INVALID + r"ComparisonOperator BETWEEN is not valid for (\w+) AttributeValue type", case.ours.message
    )
    if not answers(case.theirs) or not all(len(several) == 2 for several in bounds):
        return False
    if unordered is not None:
        return any(unordered[1] in high and low.keys() & {"S", "N", "B"} for low, high in bounds)
    if case.ours.message == INVALID + mixed:
        return any(low.keys() != high.keys() for low, high in bounds)
    return case.ours.message == (
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    ) and any(low.keys() == high.keys() and ordered(low) > ordered(high) for low, high in bounds)


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
