"""ListStreams, DescribeStream, GetShardIterator and GetRecords.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.intents.streams import (
    IteratorAsked,
    RecordsAsked,
    ShardIterator,
    StreamAsked,
    StreamsAsked,
)
from flyexpr.engines.sqlite.request.member_rules import (
    ObjectRules,
    choice_rule,
    integer_rule,
    map_rule,
    sized_text_rule,
    table_rule,
    timestamp_rule,
)
from flyexpr.engines.sqlite.request.members import Members, read_members

MAX_STREAMS, MAX_RECORDS = 100, 1000
SEQUENCE = 10**20  # added to the number of a change: so all have 21 digits, which sort as text as they do as numbers
_ARN = re.compile(r"arn:[^:]*:dynamodb:[^:]*:[^:]*:table/[^/|]+/stream/[^/|]+")
_TOKEN = re.compile(r"([^|]+)\|1\|([A-Za-z0-9+/=]+)")
_POSITION = re.compile(r"(shardId-[0-9a-f-]+) ([0-9]{1,18}) ([0-9]{1,18})")

_STREAM_ARN, _SHARD_ID = sized_text_rule(37, 1024), sized_text_rule(28, 65)
_LISTING = ObjectRules(
    {"TableName": table_rule, "ExclusiveStartStreamArn": _STREAM_ARN, "Limit": integer_rule(1, MAX_STREAMS)}
)
_DESCRIBING = ObjectRules(
    {
        "StreamArn": _STREAM_ARN,
        "ExclusiveStartShardId": _SHARD_ID,
        "Limit": integer_rule(1, MAX_STREAMS),
        "ShardFilter": map_rule,
    },
    ["StreamArn"],
)
_FILTER = ObjectRules({"Type": choice_rule("CHILD_SHARDS"), "ShardId": _SHARD_ID}, ["Type"])
_ITERATING = ObjectRules(
    {
        "StreamArn": _STREAM_ARN,
        "ShardId": _SHARD_ID,
        "ShardIteratorType": choice_rule(
            "TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"
        ),
        "SequenceNumber": sized_text_rule(21, 40),
        "Timestamp": timestamp_rule,
    },
    ["StreamArn", "ShardId", "ShardIteratorType"],
)
_READING = ObjectRules(
    {"ShardIterator": sized_text_rule(1, 2048), "Limit": integer_rule(1, MAX_RECORDS)}, ["ShardIterator"]
)


def read_list_streams(request: Members) -> StreamsAsked:
    """What a ListStreams asks for.

    >>> read_list_streams({})
    StreamsAsked(table=None, after='', limit=100)
    """
    members = read_members(request, _LISTING)
    after = members.get("ExclusiveStartStreamArn")
    return StreamsAsked(
        members.get("TableName"), "" if after is None else _arn(after), members.get("Limit", MAX_STREAMS)
    )


def read_describe_stream(request: Members) -> StreamAsked:
    """What a DescribeStream asks for."""
    members = read_members(request, _DESCRIBING)
    parent = None
    if "ShardFilter" in members:
        only = read_members(members["ShardFilter"], _FILTER, "shardFilter.")
        if "ShardId" not in only:
            raise invalid_parameter("ShardFilter.ShardId cannot be null when ShardFilter.Type is CHILD_SHARDS")
        if not only["ShardId"].startswith("shardId-"):
            raise invalid_parameter(f"ShardFilter.ShardId is not the id of a shard: {only['ShardId']}")
        parent = only["ShardId"]
    return StreamAsked(
        _arn(members["StreamArn"]), members.get("ExclusiveStartShardId"), members.get("Limit", MAX_STREAMS), parent
    )


def read_get_shard_iterator(request: Members) -> IteratorAsked:
    """What a GetShardIterator asks for."""
    members = read_members(request, _ITERATING)
    kind, text, seconds = members["ShardIteratorType"], members.get("SequenceNumber"), members.get("Timestamp")
    arn = _arn(members["StreamArn"])
    if kind.endswith("SEQUENCE_NUMBER") and text is None:
        raise invalid_parameter("SequenceNumber cannot be null")
    if not kind.endswith("SEQUENCE_NUMBER") and text is not None:
        raise invalid_parameter("SequenceNumber should not be passed for this iterator type")
    if kind == "AT_TIMESTAMP" and seconds is None:
        raise invalid_parameter("Timestamp cannot be null")
    if kind != "AT_TIMESTAMP" and seconds is not None:
        raise invalid_parameter("Timestamp should not be passed for this iterator type")
    return IteratorAsked(arn, members["ShardId"], kind, None if text is None else _number(text), seconds or 0.0)


def read_get_records(request: Members) -> RecordsAsked:
    """What a GetRecords asks for."""
    members = read_members(request, _READING)
    return RecordsAsked(_read_iterator(members["ShardIterator"]), members.get("Limit", MAX_RECORDS))


def sequence_number(number: int) -> str:
    """The SequenceNumber of a change.

    >>> sequence_number(1_800_000_000_000_000)
    '100001800000000000000'
    """
    return str(SEQUENCE + number)


def iterator_text(iterator: ShardIterator) -> str:
    """A place in a shard as clients hold it: they hand it back as it is.

    >>> place = ShardIterator("arn:aws:dynamodb:local:000000000000:table/t/stream/2027", "shardId-1", 5, 6)
    >>> _read_iterator(iterator_text(place)) == place
    True
    """
    position = f"{iterator.shard} {iterator.after} {iterator.made}"
    return f"{iterator.arn}|1|{b2a_base64(position.encode(), newline=False).decode()}"


def _read_iterator(text: str) -> ShardIterator:
    token = _TOKEN.fullmatch(text)
    if token is not None and _ARN.fullmatch(token[1]):
        try:
            position = _POSITION.fullmatch(a2b_base64(token[2]).decode())
        except ValueError:
            position = None
        if position is not None:
            return ShardIterator(token[1], position[1], int(position[2]), int(position[3]))
    raise invalid("Invalid ShardIterator")


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    number = int(text) - SEQUENCE
    return number if 0 <= number < 2**62 else None


def _arn(text: str) -> str:
    """The same text, if it is the ARN of a stream."""
    if not _ARN.fullmatch(text):
        raise invalid(f"Invalid StreamArn: {text}")
    return text
