"""TagResource, UntagResource and ListTagsOfResource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.schema import Definition
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import not_found
from flyexpr.engines.sqlite.request.intents.settings import Resource, TagsAsked, UntagAsked
from flyexpr.errors import DynamoError

MAX_TAGS = 50


def tag_resource(storage: Storage, asked: TagsAsked, now: float) -> bytes:
    """The answer to TagResource; a tag replaces an older one with the same key."""
    with storage.transaction("IMMEDIATE"):
        definition = _definition(storage, asked.resource)
        tags = {**definition["Tags"], **asked.tags}
        if len(tags) > MAX_TAGS:
            raise DynamoError.of("LimitExceededException", f"A table has at most {MAX_TAGS} tags")
        storage.next_version()
        storage.define(asked.resource.table, {**definition, "Tags": tags})
    return b"{}"


def untag_resource(storage: Storage, asked: UntagAsked, now: float) -> bytes:
    """The answer to UntagResource; a key that no tag has is not an error."""
    with storage.transaction("IMMEDIATE"):
        definition = _definition(storage, asked.resource)
        tags = {key: value for key, value in definition["Tags"].items() if key not in asked.keys}
        storage.next_version()
        storage.define(asked.resource.table, {**definition, "Tags": tags})
    return b"{}"


def list_tags_of_resource(storage: Storage, resource: Resource, now: float) -> bytes:
    """The answer to ListTagsOfResource: all tags in one page."""
    with storage.transaction("DEFERRED"):
        definition = storage.definition(resource.table)
    if definition is None:  # the service does not say that it is missing, only that it may not be seen
        raise DynamoError.of(
            "AccessDeniedException",
            "User: arn:aws:iam::000000000000:root is not authorized to perform: dynamodb:ListTagsOfResource on "
            f"resource: {resource.arn}",
        )
    return json_text({"Tags": [{"Key": key, "Value": value} for key, value in definition["Tags"].items()]})


def _definition(storage: Storage, resource: Resource) -> Definition:
    definition = storage.definition(resource.table)
    if definition is None:
        raise not_found(f"Requested resource not found: ResourcArn: {resource.arn} not found")
    return definition
