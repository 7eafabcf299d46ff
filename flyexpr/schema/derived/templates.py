"""Attributes that are made of others: by a template of text, or by a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.records import later, record
from flyexpr.values.foreign import standard
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.numbers import EXACT


@record
class Derived:
    """An attribute that is made of others: a put fills it in, nobody sets it; see `template` and `computed`.

    >>> template("{type}:{id}").value({"type": "facebook", "id": "1"})
    'facebook:1'
    """

    parts: tuple[str, ...]
    function: Callable[..., Any] | None
    text: str = ""
    type: Any = str

    __repr__ = later("flyexpr.schema.code", "code")

    def value(self, values: Mapping[str, Any], unique: bool = False, narrow: bool = False) -> Any:
        """The attribute's value, made of the values of its parts; None leaves the attribute out of the item.

        `unique`, for the table's key, refuses a part that contains the text which separates it from the next: two items
        could get the same key. `narrow`, for any key, refuses a number that is wider than its format: it would be
        sorted among smaller numbers.
        """
        if self.function is not None:
            return self.function(*(values[part] for part in self.parts))
        return "".join(_pieces(self.text, values, unique, narrow))

    def begun(self, values: Mapping[str, Any]) -> Begun:
        """The start of a template's text when only some parts are known, and what comes next.

        >>> template("{type}:{id:05d}#{day}").begun({"type": "facebook"})
        Begun(text='facebook:', part='id', spec='05d', after='#', open=True)
        """
        parsed = pieces_of(self.text)
        names = [name for _, name, _ in parsed]
        position = next((at for at, name in enumerate(names) if name and values.get(name) is None), None)
        text = "".join(_pieces(self.text, values))
        if position is None:
            return Begun(text)
        _, part, spec = parsed[position]
        after = parsed[position + 1][0] if position + 1 < len(parsed) else ""
        return Begun(text, part, spec, after, any(names[position + 1 :]))


@record
class Begun:
    """The start of a text that is certain; the first part that is not known, its format and the text after it.

    `open` says that more parts follow.
    """

    text: str
    part: str | None = None
    spec: str = ""
    after: str = ""
    open: bool = False


def template(text: str) -> Derived:
    """A text attribute made of others, such as a composite key: filled in on put, and found by conditions on its parts.

    >>> accounts = Table("accounts", "uid", attributes={"uid": template("{type}:{id}")})
    >>> request(accounts, query(eq("type", "facebook") & eq("id", "1")))[1]["Key"]
    {'uid': {'S': 'facebook:1'}}

    Parts take Python's format specifications (`{n:05d}`), and those of dates: `{at:%Y-%m-%d}` writes a date, or a
    datetime in UTC, by the fields %Y %m %d %j %G %V %u %H %M %S %f. In the table's own key, a part may not contain the
    text that separates it from the next, or two items could get the same key. In any key, a number may not be wider
    than its format. If another program wrote an item without a part, the part is read from the key. A range on a part
    is one on the key, where the texts of the part sort as its values do.
    """
    if not isinstance(text, str):
        raise TypeError(f"template takes a text such as '{{type}}:{{id}}', not {text!r}")
    parsed = pieces_of(text)
    parts = tuple(dict.fromkeys(name for _, name, _ in parsed if name is not None))
    if not all(part.isidentifier() for part in parts):
        raise FlyexprError(f"template {text!r}: a part is the name of an attribute, as in '{{type}}:{{id}}'")
    for (_, name, spec), (literal, following, _) in pairwise(parsed):
        if name is not None and following is not None and not literal and not spec:
            raise FlyexprError(
                f"template {text!r}: put a text between {{{name}}} and {{{following}}}, which runs into it"
            )
    return Derived(parts, None, text)


def computed(function: Callable[..., Any], *parts: str, type: Any = str) -> Derived:
    """An attribute that a function makes of others; where it returns None, the item has no such attribute.

    >>> low = computed(lambda score: "low" if score < 10 else None, "score")
    >>> low.value({"score": 3}), low.value({"score": 12})
    ('low', None)

    For a key attribute of an index, None keeps the item out of the index. `type` is what the function returns, for an
    attribute that does not hold text: `computed(len, "word", type=int)`.
    """
    if not callable(function):
        raise TypeError(f"computed takes a function and the names of its parts, not {function!r}")
    return Derived(parts, function, type=type)


@lru_cache(maxsize=256)
def pieces_of(text: str) -> tuple[tuple[str, str | None, str], ...]:
    """The pieces of a template: each a text, the part that follows it (None at the end), and the part's format.

    >>> pieces_of("O#{order:04d}#")
    (('O#', 'order', '04d'), ('#', None, ''))
    """
    from string import Formatter

    try:
        parsed = tuple(Formatter().parse(text))
    except ValueError as error:
        raise FlyexprError(f"template {text!r}: {error}") from None
    for _, name, spec, conversion in parsed:
        if conversion or "{" in (spec or ""):
            raise FlyexprError(f"template {text!r}: {{{name}}} takes a fixed format, such as {{{name}:05d}}, and no !")
        if spec and "%" in spec:
            _check_fields(text, name, spec)
    return tuple((literal, name, spec or "") for literal, name, spec, _ in parsed)


def _check_fields(text: str, name: str | None, spec: str) -> None:
    from flyexpr.schema.derived.date_formats import is_date_format, known_fields, wrong_field

    if is_date_format(spec) and (wrong := wrong_field(spec)):
        raise FlyexprError(
            f"template {text!r}: {{{name}}} has {wrong}, which is not a field of a date\n  hint: use {known_fields()}"
        )


def piece_of(value: Any, spec: str, at: str = "") -> str:
    """A part's value in its format. It formats what DynamoDB would give back: 1, 1.0 and Decimal("1.00") look the same.

    >>> from datetime import date
    >>> piece_of(7.0, "03d"), piece_of(date(2026, 1, 31), ""), piece_of(date(2026, 1, 31), "%Y-%m")
    ('007', '2026-01-31', '2026-01')
    """
    if "%" in spec:
        from flyexpr.schema.derived.date_formats import date_piece, is_date_format  # here, because it is rarely needed

        if is_date_format(spec):
            return date_piece(value, spec, at)
    plain = thaw(freeze(standard(value), at))
    try:
        with localcontext(EXACT):  # the context decides how a format such as `{n:.2f}` rounds
            return format(plain, spec)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValidationError(f"the value does not fit '{{{at}:{spec}}}': {error}", at=at) from None


_WIDTH = r"(?:.?[<>=^])?[-+ ]?z?#?0?([0-9]*)"


@cache
def width_of(spec: str) -> int | None:
    """The width to which a format pads a number; None for a format without one.

    >>> width_of("05d"), width_of("8.2f"), width_of("")
    (5, 8, None)
    """
    match = re.match(_WIDTH, spec)
    return int(match[1]) if match and match[1] else None


def _pieces(text: str, values: Mapping[str, Any], unique: bool = False, narrow: bool = False) -> Iterator[str]:
    """The pieces of a template up to the first part that is not known."""
    parsed = pieces_of(text)
    for after, (literal, name, spec) in enumerate(parsed, 1):
        yield literal
        if name is None:
            continue
        if values.get(name) is None:
            return
        piece = piece_of(values[name], spec, name)
        following = parsed[after][0] if after < len(parsed) else ""
        if unique and following and following in piece + following[:-1]:
            raise ValidationError(f"a part of {text!r} may not contain the {following!r} that ends it", at=name)
        if narrow and _is_wide(values[name], piece, spec):
            raise ValidationError(
                f"{piece!r} is wider than its format in {text!r}, so a key would sort it among smaller numbers",
                at=name,
                hint=f"a format that fills up to {len(piece)} characters holds it",
            )
        yield piece


def _is_wide(value: Any, piece: str, spec: str) -> bool:
    return isinstance(standard(value), (int, float, Decimal)) and len(piece) > (width_of(spec) or len(piece))
