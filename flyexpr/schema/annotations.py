"""Reads the annotations of a TypedDict: the type of each attribute, and whether an item needs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import getitem, or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from flyexpr.errors import FlyexprError
from flyexpr.records import record


@record
class Field:
    """An attribute of a TypedDict: what declares it, and whether an item needs it."""

    type: Any
    required: bool


def fields_of(kind: Any, own: tuple[type, ...] = ()) -> Mapping[str, Field]:
    """The attributes of a TypedDict; of an Annotated type, the first metadata of our `own` types declares it.

    >>> from typing import TypedDict
    >>> fields_of(TypedDict("Score", {"userid": str, "wins": int | None}))
    {'userid': Field(type=<class 'str'>, required=True), 'wins': Field(type=<class 'int'>, required=False)}

    An attribute that may be None is not needed: a required one is never None.
    """
    try:
        hints = get_type_hints(kind, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise FlyexprError(
            f"the annotations of {kind.__name__} cannot be read: {error}\n"
            "  hint: define its types in the module, not in a function or below `if TYPE_CHECKING`"
        ) from None
    return {name: _field(hint, name in kind.__required_keys__, own) for name, hint in hints.items()}


def _field(hint: Any, required: bool, own: tuple[type, ...]) -> Field:
    hint, required = _unqualified(hint, required)
    options = _options(meant := _meant(hint, own))
    if type(None) in options:
        meant, required = reduce(or_, [each for each in options if each is not type(None)]), False
    return Field(_declared(meant, own), required)


def _unqualified(hint: Any, required: bool) -> tuple[Any, bool]:
    """The type without Required, NotRequired and ReadOnly, in an Annotated too; whether an item needs it.

    Python 3.10's own TypedDict does not know these words.
    """
    if get_origin(hint) is Annotated:
        inner, required = _unqualified(hint.__origin__, required)
        return getitem(Annotated, (inner, *hint.__metadata__)), required
    word = getattr(get_origin(hint), "_name", None)
    if word in ("Required", "NotRequired", "ReadOnly"):
        return _unqualified(get_args(hint)[0], required if word == "ReadOnly" else word == "Required")
    return hint, required


def _meant(hint: Any, own: tuple[type, ...]) -> Any:
    """The type behind an Annotated, a Literal, a NewType or `type X = ...`; or metadata of our own."""
    if get_origin(hint) is Annotated:
        return next((each for each in hint.__metadata__ if isinstance(each, own)), _meant(hint.__origin__, own))
    if get_origin(hint) is Literal:
        return reduce(or_, map(type, get_args(hint)))
    alias = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    return hint if alias is None else _meant(alias, own)


def _declared(hint: Any, own: tuple[type, ...]) -> Any:
    """What declares an attribute of this type; a type that nothing declares stays as it is, to be refused."""
    meant = _meant(hint, own)
    origin, arguments = get_origin(meant), get_args(meant)
    if origin in (list, set, frozenset, dict):
        return origin[tuple([_declared(each, own) for each in arguments])]
    if {*_options(meant)} == {int, float}:
        return float
    return Any if meant is object or (_options(meant) and _is_native(meant)) else meant


def _options(hint: Any) -> tuple[Any, ...]:
    """The types of a union; none for any other type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


_NATIVE = {str, int, bool, bytes, list, dict, type(None), Any, object}


def _is_native(hint: Any) -> bool:
    """Whether values of this type are stored and read back as they are, although nothing declares them."""
    meant = _meant(hint, ())
    if _options(meant) or get_origin(meant) in (list, dict):
        return all(map(_is_native, get_args(meant)))
    return meant in _NATIVE
