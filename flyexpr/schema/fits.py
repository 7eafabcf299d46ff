"""Whether a stored value fits its attribute's declared type: asked before it is decoded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flyexpr.schema.codecs import Codec, codec_of
from flyexpr.values.freeze import freeze
from flyexpr.values.numbers import Number

_HELD: dict[str, frozenset[type]] = {
    "S": frozenset({str}),
    "N": frozenset({int, Decimal}),
    "B": frozenset({bytes}),
    "BOOL": frozenset({bool}),
    "L": frozenset({list}),
    "M": frozenset({dict}),
    **dict.fromkeys(("SS", "NS", "BS", "a set"), frozenset({set})),
}
Fit = tuple[frozenset[type], Callable[[Any], bool] | None]


def fit_of(codec: Codec) -> Fit | None:
    """How a value is stored that the codec made: the types that it reads as, and what says whether its members fit.

    >>> held, members_fit = fit_of(codec_of(dict[str, float]))
    >>> held, members_fit({"a": 1}), members_fit({"a": "1"}), fit_of(codec_of(float))[1] is None
    (frozenset({<class 'dict'>}), True, False, True)

    None for any way: a Codec's own `decode` may read several, as while data is moved to a new one.
    """
    held, member = _HELD.get(_stored_as(codec)), _inside(codec)
    if held is None or (codec.whole and codec.decode is not None):
        return None
    return held, None if member is None else _all_fit(member)


def _stored_as(codec: Codec) -> str:
    return codec.kind or ("a set" if codec.type in (set, frozenset) else "")


def _inside(codec: Codec) -> Codec | None:
    """The codec of the members of what is stored."""
    return codec.member or _SET_MEMBERS.get(codec.kind)


_SET_MEMBERS: dict[str | None, Codec] = {"SS": codec_of(str), "NS": codec_of(Number), "BS": codec_of(bytes)}


def _all_fit(member: Codec) -> Callable[[Any], bool] | None:
    fit = fit_of(member)
    if fit is None:
        return None
    held, inside = fit
    if inside is None:  # one look at the types of all: there may be many
        return lambda value: held.issuperset(map(type, _members(value)))
    return lambda value: all(type(one) in held and inside(one) for one in _members(value))


def _fits(codec: Codec, value: Any) -> bool:
    fit = fit_of(codec)
    return fit is None or (type(value) in fit[0] and (fit[1] is None or fit[1](value)))


def _members(value: Any) -> Any:
    return value.values() if type(value) is dict else value


def misfit(codec: Codec, value: Any, at: str) -> str:
    """What does not fit, in words: the first value that is stored as something else.

    >>> misfit(codec_of(dict[str, float]), {"a": 1, "b": "2"}, "ratings")
    '`ratings.b` is stored as S, not as N'
    """
    kind, member = _stored_as(codec), _inside(codec)
    places = value.items() if type(value) is dict else enumerate(value) if type(value) in (list, set) else ()
    found = [(step, one) for step, one in places if member and type(value) in _HELD[kind] and not _fits(member, one)]
    if member is None or not found:
        return f"`{at}` is stored as {freeze(value)[0]}, not as {kind}"
    step, one = found[0]
    inside = f".{step}" if type(value) is dict else f"[{step}]" if type(value) is list else ""
    return misfit(member, one, at + inside)
