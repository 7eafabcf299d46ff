"""What a search of a vector index may ask for, and how near two vectors are (pure).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/vector-search.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from flyexpr.engines.sqlite.disk.vectors import VectorStoredIndex
from flyexpr.engines.sqlite.faults import UNUSABLE_PARAMETERS, invalid
from flyexpr.engines.sqlite.request.intents.reads import SearchAsked
from flyexpr.engines.sqlite.rules.keys import empty_key
from flyexpr.errors import DynamoError
from flyexpr.expressions.check.searching import compared_values, is_searchable
from flyexpr.expressions.nodes import Compare, Condition, Path, Value, parts_of
from flyexpr.expressions.paths import paths
from flyexpr.values.freeze import thaw

_INVALID = "Invalid SearchConditionExpression: "


def check_search_condition(condition: Condition, wide: bool) -> None:
    """None for a condition that a search may have, whatever its index is; `wide` is the language of newer Regions."""
    if not is_searchable(condition, wide=wide):
        raise _comparator()
    named = [path for part in parts_of(condition) for path in paths(part)]
    if any(len(path.parts) > 1 for path in named):
        raise invalid(f"{_INVALID}SearchConditionExpression cannot have conditions on nested attributes")
    if not wide and len({*named}) < len(named):
        raise invalid(f"{_INVALID}SearchConditionExpression must only contain one condition per attribute")


def _comparator() -> DynamoError:
    return invalid(f"{_INVALID}Invalid comparator used in SearchConditionExpression")


def check_search(index: VectorStoredIndex, asked: SearchAsked) -> None:
    """None for a search that goes with the index: its dimensions, and the attributes of its condition."""
    if len(asked.vector) != index.dimensions:
        raise invalid(
            f"Input search vector dimension {len(asked.vector)} does not match "
            f"vector index dimension {index.dimensions}"
        )
    kinds = {attribute.name: attribute.kind for attribute in index.schema}
    compared = [] if asked.condition is None else [*compared_values(asked.condition)]
    for path, _ in compared:
        if path.parts[0] not in kinds:
            raise invalid(
                "SearchConditionExpression must not contain any attributes that is not in SearchSchema. "
                f"Invalid attribute: {path.parts[0]}"
            )
    equal = equal_values(asked.condition)
    for name in index.key.names:
        if name not in equal:
            raise invalid("SearchConditionExpression must be provided when SearchSchema has a HASH key")
        if [path.parts[0] for path, _ in compared].count(name) > 1:
            raise _comparator()
    for path, value in compared:
        _check_value(index, str(path.parts[0]), value, kinds)


def _check_value(index: VectorStoredIndex, name: str, value: Value, kinds: Mapping[str, str]) -> None:
    if value.kind != kinds[name]:
        raise invalid(
            f"Type of '{name}' attribute in SearchConditionExpression ({value.kind}) does not match type in "
            f"search schema ({kinds[name]})"
        )
    if name in index.key.names and value.body in ("", b""):
        raise invalid(f"{UNUSABLE_PARAMETERS}{empty_key(value.body)} Key: {name}")


def equal_values(condition: Condition | None) -> dict[str, Value]:
    """The values that a condition says attributes are equal to, whatever else it says.

    >>> equal_values(Compare("=", Path(("lang",)), Value("S", "en")))
    {'lang': Value(kind='S', body='en')}
    """
    equal = {}
    for part in parts_of(condition) if condition is not None else ():
        match part:
            case Compare("=", Path((str(name),)), Value() as value) | Compare(
                "=", Value() as value, Path((str(name),))
            ):
                equal[name] = value
    return equal


def partition_of(index: VectorStoredIndex, condition: Condition | None) -> dict[str, object]:
    """The key of the partition that a search stays in; nothing for an index without one."""
    values = equal_values(condition)
    return {name: thaw((values[name].kind, values[name].body)) for name in index.key.names}


def cosine_score(product: float, square: float, square_of_query: float) -> float:
    """The score by COSINE, of two vectors with that dot product, and with these dot products with themselves.

    >>> cosine_score(0.0, 1.0, 4.0), cosine_score(0.0, 0.0, 4.0), cosine_score(0.3, 0.3, 0.3)
    (1.0, 1.0, 0.0)
    """
    lengths = math.sqrt(square * square_of_query)  # of two equal squares exactly one of them, so the score is 0
    return min(max(1 - product / lengths, 0.0), 2.0) if lengths else 1.0


def dot_score(product: float) -> float:
    """The score by DOT_PRODUCT, of vectors with that dot product.

    >>> dot_score(-5.0), dot_score(1e40)
    (-5.0, 3.4028234663852886e+38)

    It is held within the numbers of 32 bits.
    """
    return min(max(product, -_LARGEST), _LARGEST)


def euclidean_score(left: Sequence[float], right: Sequence[float]) -> float:
    """The score of two vectors by EUCLIDEAN, which is held within the numbers of 32 bits.

    >>> euclidean_score([0.0, 0.0], [3.0, 4.0])
    5.0
    """
    return min(math.dist(left, right), _LARGEST)


_LARGEST = 3.4028234663852886e38  # exactly, the largest float of 32 bits


def is_greater_better(distance: str) -> bool:
    """Whether the largest score is the best one.

    >>> is_greater_better("DOT_PRODUCT"), is_greater_better("COSINE")
    (True, False)
    """
    return distance == "DOT_PRODUCT"
