"""Vector indexes that CreateTable makes, and that UpdateTable adds or deletes (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_VectorIndex.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flyexpr.engines.sqlite.disk.vectors import VECTORS
from flyexpr.engines.sqlite.faults import invalid_parameter, not_found
from flyexpr.engines.sqlite.request.intents.tables import TableAsked, VectorIndexAsked, VectorUpdate
from flyexpr.engines.sqlite.rules.definitions import check_index_names, check_new_name, check_projected, remove_index
from flyexpr.engines.sqlite.rules.throughput import ON_DEMAND, Description

MOST_INDEXES, MOST_DIMENSIONS = 5, 4096


def check_vector_indexes(asked: TableAsked, mode: str) -> None:
    """None for the vector indexes of a table that is created, if each is right, and all go together."""
    indexes = asked.vector_indexes
    if indexes is None:
        return
    if not indexes:
        raise invalid_parameter(f"List of {VECTORS} is empty")
    _check_mode(mode)
    defined = {one["AttributeName"] for one in asked.attributes}
    for index in indexes:
        _check_index(index, defined)
    check_index_names([index.name for index in indexes])
    _check_together(indexes)
    _check_declared(indexes, defined)
    check_index_names([index.name for index in (*(asked.local_indexes or ()), *(asked.global_indexes or ()), *indexes)])


def _check_mode(mode: str) -> None:
    if mode != ON_DEMAND:
        raise invalid_parameter("Vector indexes are only supported for PAY_PER_REQUEST tables")


def _check_index(index: VectorIndexAsked, defined: set[str]) -> None:
    if index.dimensions > MOST_DIMENSIONS:
        raise invalid_parameter(f"Number of dimensions must be between 1 and {MOST_DIMENSIONS} inclusive.")
    check_projected(index.projection)
    schema = index.schema or []
    if not {one["AttributeName"] for one in schema} <= defined:
        raise invalid_parameter("One element in SearchSchema is not defined in attribute definitions")
    hashes = [one for one in schema if one["SearchSchemaElementType"] == "HASH"]
    if len(hashes) > 1:
        problem = f"Value '{len(hashes)}' at 'SearchSchema' failed to satisfy constraint: "
        raise invalid_parameter(f"{problem}Member must have HASH count less than or equal to 1")
    if len({one["AttributeName"] for one in schema}) < len(schema):
        raise invalid_parameter("SearchSchema contains a duplicate AttributeName")


def _check_together(indexes: Sequence[VectorIndexAsked]) -> None:
    if len(indexes) > MOST_INDEXES:
        raise invalid_parameter(f"VectorIndex count exceeds the per-table limit of {MOST_INDEXES}")
    dimensions: dict[str, int] = {}
    for index in indexes:
        if dimensions.setdefault(index.attribute, index.dimensions) != index.dimensions:
            raise _conflicting(
                index.attribute, "All VectorIndexes on the same vector attribute must use the same dimensions."
            )


def _check_declared(indexes: Iterable[VectorIndexAsked], defined: set[str]) -> None:
    for index in indexes:
        if index.attribute in defined:
            raise _conflicting(
                index.attribute,
                "An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.",
            )


def _conflicting(name: str, why: str) -> Exception:
    return invalid_parameter(f"Conflicting attribute definition for '{name}'. {why}")


def new_vector_index(index: VectorIndexAsked, arn: str) -> Description:
    """The description of a vector index."""
    description: Description = {
        "IndexName": index.name,
        "VectorAttribute": {"AttributeName": index.attribute},
        "Dimensions": index.dimensions,
        "DistanceFunction": index.distance,
        "Projection": index.projection,
        "IndexArn": arn,
    }
    if index.schema is not None:
        description["SearchSchema"] = index.schema
    return description


def vector_index_asked(description: Description) -> VectorIndexAsked:
    """The vector index that a description says, as a request asks for it."""
    return VectorIndexAsked(
        description["IndexName"],
        description["VectorAttribute"]["AttributeName"],
        description["Dimensions"],
        description["DistanceFunction"],
        description["Projection"],
        description.get("SearchSchema"),
    )


def alter_vector_index(
    description: Description, update: VectorUpdate, attributes: Iterable[dict[str, str]], mode: str, arn: str
) -> None:
    """Enter a new vector index into a table's description, or take one out.

    `attributes` are those that the request defines.
    """
    name, new = update.name, update.new
    if new is None:
        if not remove_index(description, VECTORS, name):
            table = description["TableName"]
            raise not_found(f"Requested resource not found: Index {name} for table {table}")
        return
    _check_mode(mode)
    _check_index(new, {one["AttributeName"] for one in attributes})
    check_new_name(description, name)
    there: list[Description] = description.get(VECTORS, [])
    indexes = [*map(vector_index_asked, there), new]
    _check_together(indexes)
    defined = {one["AttributeName"] for one in (*attributes, *description["AttributeDefinitions"])}
    _check_declared([new], defined)
    description[VECTORS] = [*there, new_vector_index(new, arn)]


def check_not_vectors(description: Description, keys: list[dict[str, str]], definitions: list[dict[str, str]]) -> None:
    """None for the key of a new index, if none of its attributes holds the vectors of an index."""
    dimensions = {one["VectorAttribute"]["AttributeName"]: one["Dimensions"] for one in description.get(VECTORS, ())}
    types = {one["AttributeName"]: one["AttributeType"] for one in definitions}
    for key in keys:
        name = key["AttributeName"]
        if name in dimensions:
            raise invalid_parameter(
                "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
                f"defined. Existing schema: VectorIndexSchema:[VectorAttribute: key{{{name}:L:{dimensions[name]}}}] "
                f"New schema: Schema:[SchemaElement: key{{{name}:{types[name]}:{key['KeyType']}}}]"
            )


def search_schemas(description: Description) -> list[list[Description]]:
    """The attributes that the searches of a table may have conditions on, index by index."""
    return [index.get("SearchSchema", []) for index in description.get(VECTORS, ())]
