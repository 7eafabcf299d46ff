"""How dynoxide is known to differ from the service in transactions."""

import json
import re
from collections.abc import Callable

from beside import Case, Outcome, item_text
from request_parts import (
    CANCELLED,
    INVALID,
    answers,
    has_path_as_default,
    longest,
    map_member,
    parts,
    paths,
    refused_here_alone,
    removes_only,
    undefined,
)
from wild import Wire

Reason = tuple[str, str]
Applies = Callable[[Wire, list[Reason], list[Reason], int], bool]

NO_PARENT = "The document path provided in the update expression is invalid for update"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
SEVERAL = "Transaction request cannot include multiple operations on one item"
TOO_LONG = re.compile(
    INVALID + "(Size of hashkey has exceeded the maximum size limit of2048 bytes"
    "|Aggregated size of all range keys has exceeded the size limit of 1024 bytes) IndexName: by_[gl]"
)
_OF_A_KEY = (
    "The provided key element does not match the schema$"
    f"|{INVALID}(Type mismatch for (key|Index Key)|Missing the key|Size of hashkey|Aggregated size)"
    "|One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty"
)


def keys_beside_projection(case: Case) -> bool:
    """TransactGetItems gives the key beside what a projection finds."""
    if case.operation != "TransactGetItems" or not answers(case.ours) or not answers(case.theirs):
        return False
    expected = [
        text if text is None or "ProjectionExpression" not in get else with_key(text, get["Key"])
        for text, get in zip(case.ours.answer["Responses"], parts(case), strict=True)
    ]
    return bool(expected == case.theirs.answer["Responses"])


def with_key(text: str, key: Wire) -> str | None:
    return item_text({**json.loads(text)["M"], **key})


def unresolved_update(case: Case) -> bool:
    """What an update of a transaction names and does not define is found only as it is carried out."""
    said = (
        "Invalid UpdateExpression: An expression attribute (?:name used in the document path|value used in expression)"
    )
    missing = re.fullmatch(rf"{said} is not defined; attribute (?:name|value): ([#:]\w+)", case.ours.message)
    return (
        missing is not None
        and case.operation == "TransactWriteItems"
        and case.theirs.code == CANCELLED
        and any(missing[1] in undefined({**part, "ConditionExpression": None}) for part in parts(case))
    )


def placeholders_without_expression(case: Case) -> bool:
    """A Put or Delete of a transaction takes names and values without a condition."""
    return (
        case.operation == "TransactWriteItems"
        and refused_here_alone(case)
        and any(
            case.ours.message == f"{member} can only be specified when using expressions"
            and any(member in part and "ConditionExpression" not in part for part in parts(case))
            for member in ("ExpressionAttributeNames", "ExpressionAttributeValues")
        )
    )


def no_placeholders(case: Case) -> bool:
    """A transaction takes an empty map of names or values."""
    return refused_here_alone(case) and any(
        case.ours.message == f"{member} must not be empty" and any(part.get(member) == {} for part in parts(case))
        for member in ("ExpressionAttributeNames", "ExpressionAttributeValues")
    )


def keys_before_projection(case: Case) -> bool:
    """A transaction of reads is cancelled for a key that does not fit before its projections are checked."""
    return (
        case.operation == "TransactGetItems"
        and case.ours.message.startswith("Invalid ProjectionExpression: Two document paths ")
        and any(of_a_key(*reason) for reason in reasons(case.theirs, 0) or ())
    )


def key_of(part: Wire) -> Wire:
    """The key of an action, or its item."""
    return part.get("Key", part.get("Item", {}))


def one_item_twice(case: Case) -> bool:
    """Whether two actions on one item are found before or after a key that does not fit is not defined."""
    found = reasons(case.ours, 0)
    if found is None or case.theirs.code != "ValidationException" or case.theirs.message != SEVERAL:
        return False
    keys = [
        (part["TableName"], item_text({n: key_of(part).get(n) for n in ("pk", "sk") if n in key_of(part)}))
        for part in parts(case)
    ]
    return any(of_a_key(*reason) for reason in found) and len(set(keys)) < len(keys)


def index_key_emptied(case: Case) -> bool:
    """Whether an update that empties an index key is found before or after a key that does not fit is not defined."""
    said = "One or more parameter values are not valid. The update expression attempted to update a secondary index key"
    failing = [reason for reason in reasons(case.ours, 0) or () if reason[0] != "None"]
    return (
        case.theirs.code == "ValidationException"
        and case.theirs.message.startswith(said)
        and len(failing) == 1
        and of_a_key(*failing[0])
        and any(
            "" in value.values()
            for part in parts(case)
            if "UpdateExpression" in part
            for value in map_member(part, "ExpressionAttributeValues").values()
        )
    )


def reasons(outcome: Outcome, actions: int) -> list[Reason] | None:
    """The code and the words of what came of each action; None for an error of the whole request."""
    if answers(outcome):
        return [("None", "")] * actions
    return list(zip(outcome.answer[0], outcome.reasons, strict=True)) if outcome.code == CANCELLED else None


def of_a_key(code: str, words: str) -> bool:
    """Whether a reason is that a key, or an index key of a put, does not fit its table or is empty."""
    return code == "ValidationError" and re.match(_OF_A_KEY, words) is not None


def other_reasons(case: Case) -> bool:
    """Each reason of a cancelled transaction that differs does so for one of the causes of REASONS."""
    if not case.operation.startswith("Transact"):
        return False
    actions = parts(case)
    ours, theirs = reasons(case.ours, len(actions)), reasons(case.theirs, len(actions))
    if ours is None or theirs is None:
        return False
    differing = [place for place in range(len(actions)) if ours[place][0] != theirs[place][0]]
    return bool(differing) and all(
        any(applies(actions[place], ours, theirs, place) for applies in REASONS.values()) for place in differing
    )


def _tried_all_the_same(action: Wire, ours: list[Reason], theirs: list[Reason], place: int) -> bool:
    failing = [number for number, (code, _) in enumerate(ours) if code != "None"]
    if len(failing) != 1 or place in failing or not of_a_key(*ours[failing[0]]):
        return False
    if theirs[place][0] == "ConditionalCheckFailed":
        return "ConditionExpression" in action
    own = not of_a_key(*theirs[place]) or "UpdateExpression" in action and "Index Key" in theirs[place][1]
    return theirs[place][0] == "ValidationError" and (place > failing[0] or own)


def _removed_from_nothing(action: Wire, ours: list[Reason], theirs: list[Reason], place: int) -> bool:
    return ours[place][0] == "None" and theirs[place] == ("ValidationError", NO_PARENT) and removes_only(action)


def _key_changed(action: Wire, ours: list[Reason], theirs: list[Reason], place: int) -> bool:
    changed = re.fullmatch(
        INVALID + r"Cannot update attribute (\w+). This attribute is part of the key", ours[place][1]
    )
    return changed is not None and theirs[place][0] == "None" and [changed[1]] in paths(action)


def _default_not_looked_at(action: Wire, ours: list[Reason], theirs: list[Reason], place: int) -> bool:
    return (
        ours[place] == ("ValidationError", NO_ATTRIBUTE) and theirs[place][0] == "None" and has_path_as_default(action)
    )


def _index_key_too_long(action: Wire, ours: list[Reason], theirs: list[Reason], place: int) -> bool:
    too_long = TOO_LONG.fullmatch(ours[place][1]) is not None and longest(action) > 1024
    return too_long and theirs[place][0] in ("None", "ConditionalCheckFailed")


REASONS: dict[str, Applies] = {
    "a key that does not fit is not reported alone: the other actions are tried all the same": _tried_all_the_same,
    "REMOVE or DELETE alone looks for the parents in an item that is not there": _removed_from_nothing,
    "an update may change an attribute of the key": _key_changed,
    "the default of if_not_exists need not be there where it is not needed": _default_not_looked_at,
    "an index key may be of any length": _index_key_too_long,
}
