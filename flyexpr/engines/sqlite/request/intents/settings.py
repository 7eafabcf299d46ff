"""What is asked of a table besides its definition: its time to live, tags and policy; and what has one answer."""

from __future__ import annotations

from typing import Any, NamedTuple


class ExpiryAsked(NamedTuple):
    """What UpdateTimeToLive asks for; `wire` is the specification as the answer repeats it."""

    table: str
    attribute: str
    enabled: bool
    wire: dict[str, Any]


class Resource(NamedTuple):
    """A table, by its ARN."""

    arn: str
    table: str


class TagsAsked(NamedTuple):
    """What TagResource asks for."""

    resource: Resource
    tags: dict[str, str]


class UntagAsked(NamedTuple):
    """What UntagResource asks for."""

    resource: Resource
    keys: list[str]


class ProbeAsked(NamedTuple):
    """What an operation with one answer asks for: its name and the members of its request."""

    operation: str
    members: dict[str, Any]


class PolicyAsked(NamedTuple):
    """What the operations on resource policies ask for.

    `text` is the policy to put, and `expected` the revision that has to be there: "NO_POLICY" for none, None for any.
    """

    resource: Resource
    expected: str | None = None
    text: str = ""
