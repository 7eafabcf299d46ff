"""TagResource, UntagResource and ListTagsOfResource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
"""

from __future__ import annotations

import re
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, validation_errors
from flyexpr.engines.sqlite.request.intents.settings import Resource, TagsAsked, UntagAsked
from flyexpr.engines.sqlite.request.json_types import Structure
from flyexpr.engines.sqlite.request.member_rules import (
    TABLE_ARN,
    ObjectRules,
    Rule,
    length_problems,
    list_rule,
    sized_text_rule,
    text_rule,
    texts_rule,
)
from flyexpr.engines.sqlite.request.members import Members, broken, gather, read_members, rules_of
from flyexpr.engines.sqlite.request.shapes import LIST_TAGS_OF_RESOURCE, TAG_RESOURCE, UNTAG_RESOURCE

_RULES: dict[str, Rule] = {
    "ResourceArn": sized_text_rule(1, 1283),
    "Tags": list_rule(),
    "TagKeys": texts_rule(),
    "NextToken": text_rule,
}
_LONGEST = 128
_KEY_LENGTH = (
    f"Member must satisfy constraint: [Member must have length less than or equal to {_LONGEST}, "
    "Member must have length greater than or equal to 1]"
)
_TAG = ObjectRules({"Key": sized_text_rule(1, _LONGEST), "Value": sized_text_rule(0, 256)}, ["Key", "Value"])
_TEXT = re.compile(r"[\w\s+\-=.:/]*")
_ARN = re.compile(TABLE_ARN)


def read_tag_resource(request: Members) -> TagsAsked:
    """What a TagResource asks for."""
    members = _read(request, TAG_RESOURCE, "Tags")
    if not members["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    return TagsAsked(_resource(members), read_tags(members["Tags"]))


def read_untag_resource(request: Members) -> UntagAsked:
    """What an UntagResource asks for."""
    members = _read(request, UNTAG_RESOURCE, "TagKeys")
    if not members["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    if any(length_problems(len(key), 1, _LONGEST) for key in members["TagKeys"]):
        raise validation_errors([broken("tagKeys", members["TagKeys"], _KEY_LENGTH)])
    return UntagAsked(_resource(members), members["TagKeys"])


def read_list_tags(request: Members) -> Resource:
    """What a ListTagsOfResource asks for."""
    return _resource(_read(request, LIST_TAGS_OF_RESOURCE))


def read_tags(tags: list[Any]) -> dict[str, str]:
    """Tags as a dict, each key once.

    >>> read_tags([{"Key": "env", "Value": "test"}])
    {'env': 'test'}
    """
    problems: list[str] = []
    read = [gather(tag, _TAG, f"tags.{position}.member.", problems) for position, tag in enumerate(tags, 1)]
    if problems:
        raise validation_errors(problems)
    by_key = {tag["Key"]: tag["Value"] for tag in read}
    if not all(map(_TEXT.fullmatch, [*by_key.keys(), *by_key.values()])):
        raise invalid_parameter(
            "Tag keys and values can only contain letters, digits, whitespace and the characters + - = . _ : /"
        )
    if len(by_key) < len(read):
        raise invalid_parameter("Duplicate tag keys")
    if any(key.lower().startswith("aws:") for key in by_key):
        raise invalid_parameter("Tag keys starting with aws: are reserved")
    return by_key


def _read(request: Members, shape: Structure, *required: str) -> Members:
    """The members of a request about a resource."""
    if request.get("ResourceArn") is None:
        raise invalid("Invalid TableArn")
    members = read_members(request, rules_of(shape, *required, among=_RULES))
    _resource(members)
    return members


def _resource(members: Members) -> Resource:
    arn = members["ResourceArn"]
    matched = _ARN.fullmatch(arn)
    if matched is None:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return Resource(arn, matched[1])
