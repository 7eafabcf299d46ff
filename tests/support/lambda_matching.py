"""Lambda's matching of filters, by its documented rules, over records of a stream as JSON.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import json
from collections.abc import Mapping
from typing import Any


def lets_through(criteria: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether Lambda calls the function with the record: one of the patterns matches it.

    >>> criteria = {"Filters": [{"Pattern": '{"dynamodb": {"NewImage": {"a": {"S": ["x", {"prefix": "y"}]}}}}'}]}
    >>> [lets_through(criteria, {"dynamodb": {"NewImage": {"a": {"S": text}}}}) for text in ("x", "y1", "z")]
    [True, True, False]
    >>> lets_through(criteria, {"dynamodb": {}})
    False
    """
    return any(_matches(json.loads(each["Pattern"]), record) for each in criteria["Filters"])


def _matches(pattern: Mapping[str, Any], record: Any) -> bool:
    return all(
        _matches(below, _member(record, name))
        if isinstance(below, Mapping)
        else any(_holds(rule, _member(record, name)) for rule in below)
        for name, below in pattern.items()
    )


_ABSENT = object()


def _member(record: Any, name: str) -> Any:
    return record.get(name, _ABSENT) if isinstance(record, Mapping) else _ABSENT


def _holds(rule: Any, leaf: Any) -> bool:
    if isinstance(leaf, list):  # an array matches where one of its elements does
        return any(_holds(rule, element) for element in leaf)
    if isinstance(leaf, Mapping):
        return False  # rules are for leaves
    match rule:
        case {"exists": wanted}:
            return (leaf is not _ABSENT) is wanted
        case {"prefix": start}:
            return isinstance(leaf, str) and leaf.startswith(start)
        case {**others} if others:
            raise ValueError(f"this simulator does not know the rule {rule!r}")
    return type(leaf) is type(rule) and bool(leaf == rule)
