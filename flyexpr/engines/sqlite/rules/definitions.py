"""Whether the parts of a table that is created, or of an index that is added, fit together (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid, invalid_parameter
from flyexpr.engines.sqlite.request.definitions import GLOBAL, LOCAL, check_bounds
from flyexpr.engines.sqlite.request.intents.tables import IndexAsked, TableAsked, VectorIndexAsked
from flyexpr.engines.sqlite.rules.throughput import Description, check_ceilings, check_throughput, unwanted_units

Wire = dict[str, Any]

MAX_LOCAL_INDEXES, MAX_GLOBAL_INDEXES, MAX_KEY_ATTRIBUTES, MAX_PROJECTED = 5, 20, 4, 100
_SAME_NAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name"


def check_definition(asked: TableAsked, mode: str) -> None:
    """None for a table whose keys, attributes, indexes and throughput fit together."""
    local_indexes, global_indexes = asked.local_indexes or [], asked.global_indexes or []
    _check_enough(asked.keys, asked.attributes)
    _check_key_schema(asked.keys, "")
    _check_local_indexes(local_indexes, asked.keys)
    for index in global_indexes:
        check_global_index(index)
    for member, indexes in ((GLOBAL, asked.global_indexes), (LOCAL, asked.local_indexes)):
        if indexes == []:
            raise invalid_parameter(f"List of {member} is empty")
    check_index_limits(len(global_indexes), [index.projection for index in (*global_indexes, *local_indexes)])
    check_index_names([index.name for index in (*local_indexes, *global_indexes)])
    schemas = [asked.keys, *(index.keys for index in (*local_indexes, *global_indexes))]
    _check_attributes(asked.attributes, schemas, asked.vector_indexes or ())
    check_throughput(asked.settings.throughput, mode, unwanted_units())
    check_ceilings(asked.settings.throughput, mode, new=True)
    check_bounds(asked.settings.throughput)
    for index in global_indexes:
        unwanted = f"ProvisionedThroughput should not be specified for index: {index.name}"
        check_throughput(index.throughput, mode, unwanted)
        check_ceilings(index.throughput, mode, new=True)
        check_bounds(index.throughput, f" for index {index.name}")


def _check_key_schema(keys: list[Wire], suffix: str) -> None:
    """At most one attribute of each kind in a table or a local index, the partition key first."""
    types = [key["KeyType"] for key in keys]
    if types[0] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{suffix}")
    if len(keys) > 2:
        raise invalid_parameter(f"KeySchema has more than 2 elements{suffix}")
    if types[1:] == ["HASH"]:
        raise invalid(f"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type{suffix}")
    if len({key["AttributeName"] for key in keys}) < len(keys):
        raise invalid(_SAME_NAME)


def check_index_limits(global_indexes: int, projections: Iterable[Wire]) -> None:
    """None for indexes that are not too many, and whose projections name no more than 100 attributes together."""
    if global_indexes > MAX_GLOBAL_INDEXES:
        raise invalid_parameter(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}")
    if sum(len(projection.get("NonKeyAttributes", ())) for projection in projections) > MAX_PROJECTED:
        raise invalid_parameter(f"Number of projected attributes exceeds the per-table limit of {MAX_PROJECTED}")


def check_global_index(index: IndexAsked) -> None:
    """None for a global index with up to four partition key and then up to four sort key attributes."""
    keys, suffix = index.keys, f" for index: {index.name}"
    types = [key["KeyType"] for key in keys]
    if types[0] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{suffix}")
    if types != sorted(types):
        raise invalid_parameter(f"All HASH key attributes must precede RANGE key attributes{suffix}")
    for key_type in ("HASH", "RANGE"):
        if types.count(key_type) > MAX_KEY_ATTRIBUTES:
            raise invalid_parameter(
                f"KeySchema{suffix} exceeds the maximum allowed number of {key_type} key attributes: "
                f"{MAX_KEY_ATTRIBUTES}"
            )
    if len({key["AttributeName"] for key in keys}) < len(keys):
        if types == ["HASH", "RANGE"]:
            raise invalid(_SAME_NAME)
        raise invalid_parameter(f"The KeySchema contains multiple key attributes with the same name{suffix}")
    _check_projection(index.projection)


def _check_local_indexes(indexes: list[IndexAsked], keys: list[Wire]) -> None:
    if indexes and len(keys) < 2:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if len(indexes) > MAX_LOCAL_INDEXES:
        raise invalid_parameter(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}")
    for index in indexes:
        index_keys, suffix = index.keys, f" for index: {index.name}"
        _check_key_schema(index_keys, suffix)
        if index_keys[0]["AttributeName"] != keys[0]["AttributeName"]:
            raise invalid_parameter(
                f"Index KeySchema does not have the same leading hash key as table KeySchema{suffix}. "
                f"index hash key: {index_keys[0]['AttributeName']}, table hash key: {keys[0]['AttributeName']}"
            )
        if len(index_keys) < 2:
            raise invalid_parameter(f"Index KeySchema does not have a range key{suffix}")
        _check_projection(index.projection)


def _check_projection(projection: Wire) -> None:
    check_projected(projection)
    if not all(1 <= len(name.encode()) <= 255 for name in projection.get("NonKeyAttributes") or ()):
        raise invalid_parameter(
            "Names of key attributes and attributes projected into an index must be between 1 and 255 characters"
        )


def check_projected(projection: Wire) -> None:
    """None for a projection whose type goes with its names, as that of every kind of index has to."""
    projected, names = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if projected is None:
        raise invalid_parameter("Unknown ProjectionType: null")
    if projected == "INCLUDE" and names is None:
        raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if projected != "INCLUDE" and names is not None:
        raise invalid_parameter(f"ProjectionType is {projected}, but NonKeyAttributes is specified")
    if names is not None and len(set(names)) < len(names):
        raise invalid_parameter("Duplicate names in NonKeyAttributes")


def check_index_names(names: Iterable[str]) -> None:
    """None if no two indexes of a table have the same name; an error otherwise."""
    for name, count in Counter(names).items():
        if count > 1:
            raise invalid_parameter(f"Duplicate index name: {name}")


def _check_attributes(definitions: list[Wire], schemas: list[list[Wire]], vectors: Sequence[VectorIndexAsked]) -> None:
    """Every key attribute of the table and its indexes has a definition, and every definition a use.

    Search schemas use definitions too. That of a vector has an error of its own, which comes later.
    """
    defined = [definition["AttributeName"] for definition in definitions]
    twice = [name for name, count in Counter(defined).items() if count > 1]
    if twice:
        raise invalid_parameter(f"Duplicate AttributeName in AttributeDefinitions: {twice[0]}")
    for schema in schemas:
        check_defined(schema, defined)
    used = names_of([*schemas, *(index.schema or [] for index in vectors)])
    if used < set(defined) and not any(index.attribute in defined for index in vectors):
        if len(schemas) == 1:
            raise invalid_parameter(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                "AttributeDefinitions"
            )
        raise invalid_parameter(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
            f"keys used: [{', '.join(sorted(used))}]"
        )


def _check_enough(schema: list[Wire], defined: Sequence[Any]) -> None:
    """None for a key of no more attributes than are defined; otherwise the service does not say which are missing."""
    if len(schema) > len(defined):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")


def check_defined(schema: list[Wire], defined: list[str]) -> None:
    """None for a key whose attributes all have a definition."""
    _check_enough(schema, defined)
    names = [key["AttributeName"] for key in schema]
    if not set(names) <= set(defined):
        raise invalid_parameter(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )


def names_of(schemas: Iterable[list[Wire]]) -> set[str]:
    """The attributes that key schemas name."""
    return {key["AttributeName"] for schema in schemas for key in schema}


def all_indexes(description: Description) -> list[Description]:
    """The indexes of a table of every kind, those of vectors last."""
    return [index for member in (GLOBAL, LOCAL, VECTORS) for index in description.get(member, ())]


def check_new_name(description: Description, name: str) -> None:
    """None for a name that no index of the table has."""
    if any(name == index["IndexName"] for index in all_indexes(description)):
        raise invalid("Attempting to create an index which already exists")


def remove_index(description: Description, member: str, name: str) -> bool:
    """Whether a table's description had an index of this name; then it is taken out.

    >>> table = {"GlobalSecondaryIndexes": [{"IndexName": "by_level"}]}
    >>> remove_index(table, GLOBAL, "by_level"), remove_index(table, GLOBAL, "by_level"), table
    (True, False, {})
    """
    indexes = description.pop(member, [])
    kept = [index for index in indexes if index["IndexName"] != name]
    if kept:
        description[member] = kept
    return len(kept) < len(indexes)
