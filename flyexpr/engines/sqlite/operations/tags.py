"""TagResource, UntagResource and ListTagsOfResource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
"""

from __future__ import annotations

import re
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter, not_found, validation_errors
from flyexpr.engines.sqlite.request.member_rules import Rule, list_rule, sized_text_rule, text_rule, texts_rule
from flyexpr.engines.sqlite.request.members import Members, gather
from flyexpr.errors import DynamoError

MAX_TAGS = 50
_RULES: dict[str, Rule] = {
    "ResourceArn": sized_text_rule(1, 1283),
    "Tags": list_rule(),
    "TagKeys": texts_rule(),
    "NextToken": text_rule,
}
_TAG: dict[str, Rule] = {"Key": sized_text_rule(1, 128), "Value": sized_text_rule(0, 256)}
_TEXT = re.compile(r"[\w\s+\-=.:/]*")
_ARN = re.compile(r"arn:[^:]*:dynamodb:[^:]*:[^:]*:table/([^/]+)")


def tag_resource(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to TagResource; a tag of a key that is there replaces the old one."""
    members = _read(request, "Tags")
    if not members["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    given = check_tags(members["Tags"])
    with storage.transaction("IMMEDIATE"):
        name, definition = _tagged(storage, members["ResourceArn"])
        tags = {**definition["Tags"], **given}
        if len(tags) > MAX_TAGS:
            raise DynamoError.of("LimitExceededException", f"A table has at most {MAX_TAGS} tags")
        storage.next_version()
        storage.define(name, {**definition, "Tags": tags})
    return b"{}"


def untag_resource(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to UntagResource; a key that no tag has is no error."""
    members = _read(request, "TagKeys")
    if not members["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    with storage.transaction("IMMEDIATE"):
        name, definition = _tagged(storage, members["ResourceArn"])
        tags = {key: value for key, value in definition["Tags"].items() if key not in members["TagKeys"]}
        storage.next_version()
        storage.define(name, {**definition, "Tags": tags})
    return b"{}"


def list_tags_of_resource(storage: Storage, request: Members, now: float) -> bytes:
    """The answer to ListTagsOfResource: all tags in one page."""
    arn = _read(request)["ResourceArn"]
    with storage.transaction("DEFERRED"):
        definition = storage.definition(_named(arn))
    if definition is None:  # of what is not there, the service tells no more than that it may not be seen
        raise DynamoError.of(
            "AccessDeniedException",
            "User: arn:aws:iam::000000000000:root is not authorized to perform: dynamodb:ListTagsOfResource on "
            f"resource: {arn}",
        )
    return json_text({"Tags": [{"Key": key, "Value": value} for key, value in definition["Tags"].items()]})


def check_tags(tags: list[Any]) -> dict[str, str]:
    """Tags as a dict, each key once.

    >>> check_tags([{"Key": "env", "Value": "test"}])
    {'env': 'test'}
    """
    problems: list[str] = []
    read = [gather(tag, _TAG, _TAG, f"tags.{position}.member.", problems) for position, tag in enumerate(tags, 1)]
    if problems:
        raise validation_errors(problems)
    given = {tag["Key"]: tag["Value"] for tag in read}
    if not all(map(_TEXT.fullmatch, [*given.keys(), *given.values()])):
        raise invalid_parameter(
            "Tag keys and values can only contain letters, digits, whitespace and the characters + - = . _ : /"
        )
    if len(given) < len(read):
        raise invalid_parameter("Duplicate tag keys")
    if any(key.lower().startswith("aws:") for key in given):
        raise invalid_parameter("Tag keys starting with aws: are reserved")
    return given


def _read(request: Members, *required: str) -> Members:
    """The members of a request, which names a resource by an ARN of a table."""
    if request.get("ResourceArn") is None:
        raise invalid("Invalid TableArn")
    problems: list[str] = []
    members = gather(request, _RULES, required, "", problems)
    if problems:
        raise validation_errors(problems)
    _named(members["ResourceArn"])
    return members


def _named(arn: str) -> str:
    matched = _ARN.fullmatch(arn)
    if matched is None:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return matched[1]


def _tagged(storage: Storage, arn: str) -> tuple[str, Definition]:
    definition = storage.definition(_named(arn))
    if definition is None:
        raise not_found(f"Requested resource not found: ResourcArn: {arn} not found")
    return _named(arn), definition
