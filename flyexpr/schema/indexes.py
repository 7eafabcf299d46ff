"""Immutable descriptors of a table's indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from flyexpr.errors import FlyexprError
from flyexpr.records import fill, record

Keys = str | tuple[str, ...]
Projection = Literal["all", "keys"] | tuple[str, ...] | list[str]
MAX_KEYS = 4  # attributes of each key of a global index


@record
class GlobalIndex:
    """A global secondary index: another key over the items that have all of its attributes.

    >>> GlobalIndex("GameTitleIndex", "title", "top_score", project="keys").attributes
    ('title', 'top_score')

    Each key may be a tuple of up to four attributes. `project` is what a read of the index can give: "all", "keys",
    or the names of attributes besides the keys. Reads are eventually consistent.
    """

    name: str
    partition_key: Keys
    sort_key: Keys | None = None
    project: Projection = "all"

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        keys = {"partition_key": _plain_key(self.partition_key), "sort_key": _plain_key(self.sort_key)}
        fill(self, **keys, project=_projection(self.project))
        if not 1 <= len(self.partition_keys) <= MAX_KEYS or len(self.sort_keys) > MAX_KEYS:
            raise FlyexprError(
                f"index {self.name!r}: each key has at most {MAX_KEYS} attributes, and a partition key one"
            )
        if len({*self.attributes}) < len(self.attributes):
            raise FlyexprError(f"index {self.name!r} names an attribute twice in its keys")

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The attributes of the partition key, of which a query fixes every one."""
        return _tuple(self.partition_key)

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attributes of the sort key, in their order."""
        return _tuple(self.sort_key)

    @property
    def attributes(self) -> tuple[str, ...]:
        """All attributes of the key; an item without one of them is not in the index."""
        return self.partition_keys + self.sort_keys


@record
class LocalIndex:
    """A local secondary index: another order of the items under one partition key.

    >>> LocalIndex("ByScore", "top_score").sort_keys
    ('top_score',)

    Consistent reads work, and attributes that are not projected are fetched from the table.
    """

    name: str
    sort_key: str
    project: Projection = "all"

    def __post_init__(self) -> None:
        check_name("an index", self.name)
        check_name(f"the sort key of index {self.name!r}", self.sort_key)
        fill(self, project=_projection(self.project))

    @property
    def sort_keys(self) -> tuple[str, ...]:
        """The attribute of the sort key, as a tuple."""
        return (self.sort_key,)


def _tuple(key: Keys | None) -> tuple[str, ...]:
    return () if key is None else (key,) if isinstance(key, str) else tuple(key)


def _plain_key(key: Keys | None) -> Keys | None:
    _check_key(key)
    names = _tuple(key)
    return names[0] if len(names) == 1 else names or None


def _check_key(key: Any) -> None:
    if key is not None and not (isinstance(key, Iterable) and all(isinstance(name, str) and name for name in key)):
        raise TypeError(f"a key of an index is the name of an attribute or a tuple of names, not {key!r}")


def _projection(project: Projection) -> Projection:
    if isinstance(project, str):
        if project not in ("all", "keys"):
            raise FlyexprError(f"project is 'all', 'keys' or a list of attribute names, not {project!r}")
        return project
    return tuple(project)


Index = GlobalIndex | LocalIndex


def check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise FlyexprError(f"{what} needs a name, a str, not {name!r}")
