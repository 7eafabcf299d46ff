"""DynamoDB's kinds of values and their limits, and the errors for values that cannot be stored."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any, NoReturn

from flyexpr.errors import ValidationError
from flyexpr.values.numbers import number_text

quote = encode_basestring  # a str as JSON text; letters beyond ASCII are not escaped

Item = dict[str, Any]
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

KINDS = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
KIND_OF_TYPE: dict[Any, str] = {  # how the values of a type are stored
    str: "S",
    int: "N",
    float: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    list: "L",
    dict: "M",
}
ORDERED = frozenset({"S", "N", "B"})  # the kinds that <, BETWEEN and keys can compare
MAX_DEPTH = 32  # an attribute is level 1
MAX_ITEM = 409_600  # bytes of an item
TOO_DEEP = (  # the service's words
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)


class Refused(Exception):
    """A value that cannot be stored; `steps` lead to it from the value that was given."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint, self.steps = message, hint, list[str | int]()


class Unknown(Refused):
    """A value of a type that has no wire form of its own."""


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
        elif not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = value[step]
    return value


def text_of_number(value: int | float | Decimal) -> str:
    """The wire text of a number; Refused for one that cannot be stored."""
    try:
        return number_text(value)
    except ArithmeticError as error:
        hint = "leave the attribute out, or store None" if "NaN is" in str(error) else None
        raise Refused(str(error), hint) from None


def too_deep() -> Refused:
    return Refused("nested more than 32 levels deep")


def refuse_name(name: Any) -> NoReturn:
    raise Refused("an attribute name is a non-empty str" + ("" if name == "" else f", not {name!r}"))


def native(value: Any) -> Any:
    """A number of another library, such as numpy's, as bool, int or float; any other value as it is.

    >>> from fractions import Fraction
    >>> native(True), native("a"), native(Fraction(1, 3))
    (True, 'a', Fraction(1, 3))

    Numbers are recognised by `numbers.Integral` and `numbers.Real`, with which libraries register theirs, and those of
    numpy by their `dtype`. A Fraction stays as it is, and so does a number that a float cannot hold exactly.
    """
    if isinstance(value, (int, float)):
        return value
    native_type = _native_type(value)
    plain = native_type(value) if native_type else value
    return value if native_type is float and plain == plain != value else plain


def _native_type(value: Any) -> type | None:
    letter = getattr(getattr(value, "dtype", None), "kind", None)
    if letter is not None:  # numpy registers its time spans as Integral too
        return _DTYPES.get(letter) if getattr(value, "shape", None) == () else None
    if isinstance(value, Integral):
        return int
    return float if isinstance(value, Real) and not isinstance(value, Rational) else None


_DTYPES: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float}


def known(value: Any) -> Any:
    """A number of another library as bool, int or float; Unknown for any other value."""
    number = native(value)
    if type(number) not in (bool, int, float):
        raise _unknown(value)
    return number


def _unknown(value: Any) -> Unknown:
    cls = type(value)
    # The module goes before the name where a builtin has the same name, as with some types of numpy.
    name = f"{cls.__module__}.{cls.__name__}" if hasattr(builtins, cls.__name__) else cls.__name__
    return Unknown(
        f"DynamoDB has no type for {name.removeprefix('builtins.')}",
        "declare the attribute's type on the table, or store a plain value",
    )


def explained(refused: Refused, at: str) -> ValidationError:
    """The error for a user, with the path to the value, which starts at `at`."""
    return ValidationError(refused.message, at=path_text(refused.steps, at), hint=refused.hint)


def path_text(steps: Iterable[str | int], at: str = "") -> str:
    """The text of a document path, for an error; it continues the path `at`, where that is given.

    >>> path_text(("info", "actors", 0)), path_text(("actors", 0), "info")
    ('info.actors[0]', 'info.actors[0]')
    """
    for step in steps:
        at += f"[{step}]" if isinstance(step, int) else f".{step}" if at else str(step)
    return at
