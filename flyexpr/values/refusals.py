"""Why a value cannot be stored: what is raised where such a value is found, and the error that a user gets.

`Refused` is raised deep within a value, and gets the steps to it on the way up. `explained` makes the error of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from decimal import Decimal
from numbers import Integral, Rational, Real
from typing import Any, NoReturn

from flyexpr.errors import ValidationError
from flyexpr.values.numbers import number_text


class Refused(Exception):
    """A value that cannot be stored; `steps` lead to it from the value that was given."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint, self.steps = message, hint, list[str | int]()


class Unknown(Refused):
    """A value of a type that has no wire form of its own."""


def text_of_number(value: int | float | Decimal) -> str:
    """The wire text of a number; Refused for one that cannot be stored."""
    try:
        return number_text(value)
    except ArithmeticError as error:
        hint = HOLE_HINT if "NaN is" in str(error) else None
        raise Refused(str(error), hint) from None


def too_deep() -> Refused:
    return Refused("nested more than 32 levels deep")


def verify_text(text: str) -> None:
    """None for text that UTF-8 has bytes for; Refused for text with half of a surrogate pair.

    >>> verify_text("😀")
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused(half_a_pair(text[error.start])) from None


def check_pairs(text: str, value: Any) -> None:
    r"""UnicodeEncodeError if what was read from a JSON text holds half of a surrogate pair, which cannot be stored.

    >>> check_pairs(r'["\ud83d\ude00"]', ["😀"])
    """
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False, default=str).encode()


def half_a_pair(half: str) -> str:
    """Why text is refused in which half of a surrogate pair stands alone."""
    return f"text with half of a surrogate pair ({half!r}) cannot be stored"


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
        shape = getattr(value, "shape", None)  # a tuple, unlike that of `F.a`, which has every attribute
        return _DTYPES.get(letter) if isinstance(shape, tuple) and not shape else None
    if isinstance(value, Integral):
        return int
    return float if isinstance(value, Real) and not isinstance(value, Rational) else None


_DTYPES: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float}


def known(value: Any) -> Any:
    """A number of another library as bool, int or float; Refused for what stands for no value, Unknown for others."""
    number = native(value)
    if type(number) not in (bool, int, float):
        if is_hole(value):
            raise Refused(f"{value} is not a value that DynamoDB can store", HOLE_HINT)
        raise _unknown(value)
    return number


def _unknown(value: Any) -> Unknown:
    hint = _instead_of(value) or "declare the attribute's type on the table, or store a plain value"
    return Unknown(f"DynamoDB has no type for {type_text(value)}", hint)


def _instead_of(value: Any, expected: str = "list") -> str:
    """What to write instead of an array of numpy, a column of pandas, or a part of an expression; "" for others."""
    kind = type(value)  # an instance may seem to have every attribute, as `F.a` does
    if expected == "list" and hasattr(kind, "tolist") and hasattr(kind, "__len__"):
        return "write value.tolist() for a plain list"
    return getattr(kind, "__instead_of_value__", "")


HOLE_HINT = "leave the attribute out, or store None"


def is_hole(value: Any) -> bool:
    """Whether a value stands for a missing one, as NaN does, and NaT and NA of pandas: it does not equal itself.

    >>> is_hole(float("nan")), is_hole(0.0), is_hole(None)
    (True, False, False)
    """
    try:
        return bool(value != value)
    except Exception:  # NA is unsure even of this; an array answers for each of its members
        return type(value).__name__ == "NAType"


def type_text(value: Any) -> str:
    """The type of a value as a program would import it, for an error; only the name of a type of Python's own.

    >>> from decimal import Decimal
    >>> from click import Path
    >>> type_text(1), type_text(Decimal(1)), type_text(Path())
    ('int', 'Decimal', 'click.types.Path')
    """
    kind = type(value)
    public = kind.__module__.partition("._")[0]  # pandas._libs.missing is not to be imported
    ours = public in ("builtins", "__main__") or public.partition(".")[0] in sys.stdlib_module_names
    return kind.__name__ if ours else f"{public}.{kind.__name__}"


_MADE_BY = {  # the declared type and that of the value, which may come from JSON: what makes the one of the other
    ("datetime", "str"): "datetime.fromisoformat(...)",
    ("date", "str"): "date.fromisoformat(...)",
    ("date", "datetime"): "value.date()",
    ("UUID", "str"): "UUID(...)",
    ("Decimal", "str"): "Decimal(...)",
    ("Decimal", "float"): "Decimal(str(...))",
    ("set", "list"): "set(...)",
    ("set", "tuple"): "set(...)",
}


def mistyped(expected: str, value: Any, made_by: str = "") -> ValidationError:
    """The error for a value of another type than the declared one, with what makes the declared one of it.

    >>> print(mistyped("Decimal", 1.5))
    expected Decimal, got float
      hint: write Decimal(str(...))

    >>> print(mistyped("str", float("nan")))
    expected str, got nan
      hint: leave the attribute out, or store None
    """
    if is_hole(value):
        return ValidationError(f"expected {expected}, got {value}", hint=HOLE_HINT)
    made_by = made_by or _MADE_BY.get((expected, type_text(value)), "")
    hint = f"write {made_by}" if made_by else _instead_of(value, expected)
    return ValidationError(f"expected {expected}, got {type_text(value)}", hint=hint or None)


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
