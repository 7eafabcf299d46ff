"""DynamoDB's types of values and their limits, and what a value holds at a document path or as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NoReturn

quote = encode_basestring  # a str as JSON text; letters beyond ASCII are not escaped

Item = dict[str, Any]
"""An item: a plain dict of attributes by name."""
Frozen = tuple[str, Any]

if TYPE_CHECKING:
    from typing import Union

    from typing_extensions import TypeVar  # typing's own has no defaults before Python 3.13

    T = TypeVar("T", bound=Mapping[str, Any], default=Item)
    # An item to write. The function, which nobody passes, makes mypy read this argument after the table: only then does
    # it check a dict that is written in the call as the table's TypedDict.
    Given = Union[T, Callable[[NoReturn], T]]  # noqa: UP007  # to mypy, T | ... is no alias
else:
    from typing import TypeVar

    T = TypeVar("T")  # the type of a table's items, such as a TypedDict

TYPES = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
STORED_TYPES: dict[Any, str] = {  # by Python type: what its values are stored as
    str: "S",
    int: "N",
    float: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    list: "L",
    dict: "M",
}
ORDERED = frozenset({"S", "N", "B"})  # the types that <, BETWEEN and keys can compare
MAX_DEPTH = 32  # an attribute is level 1
MAX_ITEM = 409_600  # bytes of an item
# The service's words: for an item that a write or an update makes, and for a value of a request.
TOO_DEEP_AFTER = "Nesting Levels have exceeded supported limits"
TOO_DEEP = f"{TOO_DEEP_AFTER}: Attributes in the item have nested levels beyond supported limit"

MISSING: Any = object()  # what `find` gives where there is nothing


def find(steps: Iterable[str | int], item: Mapping[str, Any]) -> Any:
    """The value that the steps of a document path lead to in a plain item; MISSING where there is none.

    >>> find(("info", "actors", 0), {"info": {"actors": ["Tom Hanks"]}}), find(("info", 0), {"info": {}}) is MISSING
    ('Tom Hanks', True)
    """
    value: Any = item
    for step in steps:
        if isinstance(step, int):
            if not isinstance(value, (list, tuple)) or step >= len(value):
                return MISSING
        elif not (type(value) is dict or isinstance(value, Mapping)) or step not in value:
            return MISSING
        value = value[step]
    return value


def stored_type(value: Any) -> str:
    """The code of the type that a plain value is stored as.

    >>> stored_type("x"), stored_type({1, 2}), stored_type(None)
    ('S', 'NS', 'NULL')
    """
    if isinstance(value, set):
        return stored_type(next(iter(value))) + "S"
    return "NULL" if value is None else STORED_TYPES.get(type(value), "N")


def content(value: bytes | bytearray | memoryview) -> bytes:
    """The bytes that a bytes-like value holds, also where a subclass shows others or a memoryview leaves some out.

    >>> content(memoryview(b"abcd")[::2])
    b'ac'
    """
    return value if type(value) is bytes else bytes(memoryview(value))
