"""Indexes, as people write them on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args

from flyexpr.errors import ValidationError
from flyexpr.schema.codecs import KEY_TYPES
from flyexpr.schema.indexes import Distance, GlobalIndex, LocalIndex, VectorIndex

GLOBAL_WORDS = "NAME KEY [KEY] [project=keys|a,b]"
LOCAL_WORDS = "NAME KEY [project=keys|a,b]"
VECTOR_WORDS = (
    f"NAME ATTRIBUTE DIMENSIONS [{'|'.join(get_args(Distance))}] [partition=KEY] [filters=KEY,...] [project=keys|a,b]"
)


def read_keys(
    words: Sequence[str], types: dict[str, str], owner: str, most: int = 2, form: str | None = None
) -> list[tuple[str, ...]]:
    """The attributes of each key; their types are entered. `form` says how an index is written.

    >>> read_keys(["year:N", "title"], types := {}, "table 'Movies'"), types
    ([('year',), ('title',)], {'year': 'N', 'title': 'S'})
    """
    if not 1 <= len(words) <= most:
        has = "one sort key" if most == 1 else "a partition key and at most a sort key"
        raise ValidationError(f"{owner} has {has}, not {len(words)} keys", hint=form and f"write '{form}'")
    return [tuple(_attribute(part, types) for part in word.split(",")) for word in words]


def _attribute(word: str, types: dict[str, str]) -> str:
    name, mark, kind = word.rpartition(":")
    if not mark:
        name, kind = word, types.get(word, "S")
    if kind not in KEY_TYPES or not name:
        raise ValidationError(f"{word!r} is not a key attribute; write NAME:TYPE, the type one of S N B")
    if types.setdefault(name, kind) != kind:
        raise ValidationError(f"{name!r} is both {types[name]} and {kind}")
    return name


def _project(words: list[str]) -> Any:
    if not words[-1:] or not words[-1].startswith("project="):
        return "all"
    return _project_of(words.pop().removeprefix("project="))


def _project_of(text: str) -> Any:
    return text if text in ("all", "keys") else tuple(text.split(","))


def global_index(text: str, types: dict[str, str]) -> GlobalIndex:
    """The global index of the words after `--index`; the types of its keys are entered.

    >>> global_index("ByDay day at:N project=keys", types := {}), types
    (GlobalIndex('ByDay', 'day', 'at', project='keys'), {'day': 'S', 'at': 'N'})
    """
    words = text.split()
    project = _project(words)
    name, *keys = words or [""]
    partition, *sort = read_keys(keys, types, f"index {name!r}", form=GLOBAL_WORDS)
    return GlobalIndex(name, partition, sort[0] if sort else None, project)


def local_index(text: str, types: dict[str, str], partition: tuple[str, ...]) -> LocalIndex:
    """The local index of the words after `--local`; the partition key of its table may be named or left out.

    >>> local_index("ByRank id rank:N", {}, ("id",))
    LocalIndex('ByRank', 'rank')
    """
    words = text.split()
    project = _project(words)
    name, *keys = words or [""]
    if keys and keys[0].partition(":")[0] in partition:
        keys = keys[1:]
    ((sort,),) = read_keys(keys, types, f"local index {name!r}", 1, LOCAL_WORDS)
    return LocalIndex(name, sort, project)


def vector_index(text: str, types: dict[str, str]) -> VectorIndex:
    """The vector index of the words after `--vectors`; the types of what its searches can ask for are entered.

    >>> vector_index("ByMeaning embedding 384 filters=lang,pages:N", types := {}), types
    (VectorIndex('ByMeaning', 'embedding', 384, filters=('lang', 'pages')), {'lang': 'S', 'pages': 'N'})
    """
    plain = [word for word in text.split() if "=" not in word]
    named = dict(word.split("=", 1) for word in text.split() if "=" in word)
    right = len(plain) in (3, 4) and plain[2].isdecimal() and {*plain[3:]} <= {*get_args(Distance)}
    if not right or not named.keys() <= {"partition", "filters", "project"}:
        raise ValidationError(f"{text!r} is not a vector index; write {VECTOR_WORDS}")
    return VectorIndex(
        plain[0],
        plain[1],
        int(plain[2]),
        cast(Distance, plain[3] if len(plain) > 3 else "cosine"),
        partition_key=_attribute(named["partition"], types) if "partition" in named else None,
        filters=[_attribute(word, types) for word in named["filters"].split(",")] if "filters" in named else (),
        project=_project_of(named.get("project", "all")),
    )
