"""Whether a stored value fits its attribute's declared type; checked before the value is decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from flyexpr.schema.codecs import Codec, codec_of
from flyexpr.values.freeze import freeze
from flyexpr.values.numbers import Number

_TYPES: dict[str, frozenset[type]] = {
    "S": frozenset({str}),
    "N": frozenset({int, Decimal}),
    "B": frozenset({bytes}),
    "BOOL": frozenset({bool}),
    "L": frozenset({list}),
    "M": frozenset({dict}),
    **dict.fromkeys(("SS", "NS", "BS", "a set"), frozenset({set})),
}
Fit = tuple[frozenset[type], Callable[[Any], bool] | None]
Check = tuple[str, frozenset[type], Callable[[Any], bool] | None]  # an attribute, and how it is stored


def fit_of(codec: Codec) -> Fit | None:
    """How a codec's values are stored: the types that they read as, and a function that checks their members.

    >>> types, members_fit = fit_of(codec_of(dict[str, float]))
    >>> types, members_fit({"a": 1}), members_fit({"a": "1"}), fit_of(codec_of(float))[1] is None
    (frozenset({<class 'dict'>}), True, False, True)

    None where any value fits: the `decode` of a Codec may read several types, for example while data is moved from one
    to another.
    """
    types, member = _TYPES.get(_stored_as(codec)), codec.member or _SET_MEMBERS.get(codec.kind)
    if types is None or (codec.whole and codec.decode is not None):
        return None
    if codec.members:
        return types, partial(_each_fits, dict(codec.members))
    return types, None if member is None else _all_fit(member)


def first_misfit(checks: tuple[Check, ...], item: Mapping[str, Any]) -> str | None:
    """The first attribute that an item was stored with as something else; None where there is none.

    >>> first_misfit(Table("t", "id", attributes={"wins": int}).checks, {"id": "a", "wins": "3"})
    'wins'
    """
    get = item.get
    for name, held, members_fit in checks:
        value = get(name)
        if type(value) not in held or (members_fit is not None and value is not None and not members_fit(value)):
            return name
    return None


def _stored_as(codec: Codec) -> str:
    return codec.kind or ("a set" if codec.type in (set, frozenset) else "")


_SET_MEMBERS: dict[str | None, Codec] = {"SS": codec_of(str), "NS": codec_of(Number), "BS": codec_of(bytes)}


def _all_fit(member: Codec) -> Callable[[Any], bool] | None:
    fit = fit_of(member)
    if fit is None:
        return None
    types, members_fit = fit
    if members_fit is None:  # all types in one call: there may be many members
        return lambda value: types.issuperset(map(type, _members(value)))
    return lambda value: all(type(one) in types and members_fit(one) for one in _members(value))


def _each_fits(members: Mapping[str, Codec], value: Mapping[str, Any]) -> bool:
    return all(one is None or name not in members or _fits(members[name], one) for name, one in value.items())


def _fits(codec: Codec, value: Any) -> bool:
    fit = fit_of(codec)
    return fit is None or (type(value) in fit[0] and (fit[1] is None or fit[1](value)))


def _members(value: Any) -> Any:
    return value.values() if type(value) is dict else value


def misfit(codec: Codec, value: Any, at: str) -> str:
    """What does not fit, in words: the first value that is stored as another type.

    >>> misfit(codec_of(dict[str, float]), {"a": 1, "b": "2"}, "ratings")
    '`ratings.b` is stored as S, not as N'
    """
    kind = _stored_as(codec)
    members = value.items() if type(value) is dict else enumerate(value) if type(value) in (list, set) else ()
    if type(value) in _TYPES[kind]:
        for step, inner in members:
            member = codec.inside(step) or _SET_MEMBERS.get(codec.kind)
            if member is not None and not _fits(member, inner) and not (codec.members and inner is None):
                below = f".{step}" if type(value) is dict else f"[{step}]" if type(value) is list else ""
                return misfit(member, inner, at + below)
    return f"`{at}` is stored as {freeze(value)[0]}, not as {kind}"
