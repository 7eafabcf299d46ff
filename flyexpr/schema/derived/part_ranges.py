"""Ranges on a part of a template, as ranges on the key that it is a part of.

A key sorts by its text. So a range on a part bounds the key where the texts of the part sort as its values do, and all
parts before it are known. What stands in the key after the part counts too: by `{name}#{id}`, `ann#1` comes after
`ann!#1`, though `ann` comes before `ann!`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from math import floor
from typing import Any

from flyexpr.expressions.nodes import Between, Compare, Condition, In, Path, Test, Value
from flyexpr.expressions.terms import operand
from flyexpr.records import record
from flyexpr.schema.codecs import Codec, codec_of, epoch, type_declared
from flyexpr.schema.derived.templates import Begun, piece_of, width_of
from flyexpr.schema.table import Table
from flyexpr.values.foreign import is_uuid
from flyexpr.values.freeze import thaw

_ZERO_FILLED = r"0[1-9][0-9]*(d|\.[0-9]+f)?"


@record
class Order:
    """That the texts of a part sort as its values do: its name, its format, and whether all texts have one length."""

    part: str
    spec: str
    fixed: bool


def part_bounds(table: Table, name: str, begun: Begun, parts: Iterable[Condition]) -> list[Condition]:
    """What conditions on the first unknown part of a template say about the key `name`.

    >>> keys = {"sk": template("EV#{n:03d}#{who}"), "n": int}
    >>> table = Table("t", "pk", "sk", attributes=keys)
    >>> begun = keys["sk"].begun({})
    >>> [show(bound) for bound in part_bounds(table, "sk", begun, [gt("n", 7), le("n", 9)])]
    ["sk >= 'EV#007#'", "sk < 'EV#009$'"]

    Each is true of every key whose part meets the condition, and of some others, such as here of EV#007#ann. The
    conditions are in stored types. Nothing where the order is not kept.
    """
    asked = [part for part in parts if begun.part and _is_on(part, begun.part)]
    order = order_of(table, begun.part, begun.spec) if asked and begun.part else ""
    if isinstance(order, str):
        return []
    return [bound for part in asked for bound in _bounds(table, Path((name,)), begun, order, part)]


def order_of(table: Table, part: str, spec: str) -> Order | str:
    """How the texts of a part sort; or, as words, why they do not sort as its values do.

    >>> table = Table("t", "pk", attributes={"n": int})
    >>> order_of(table, "n", "05d"), order_of(table, "who", "")
    (Order(part='n', spec='05d', fixed=True), Order(part='who', spec='', fixed=False))
    >>> order_of(table, "n", "")
    'the texts of {n} do not sort as numbers do; a fixed width, such as {n:05d}, does'
    """
    declared = type_declared(table.attributes.get(part))
    if isinstance(declared, Codec) and declared is not epoch:
        return f"only its Codec knows how `{part}` sorts"
    kind = None if declared is None else codec_of(declared).kind
    if "%" in spec:
        return _order_of_dates(part, spec, declared)
    if re.fullmatch(_ZERO_FILLED, spec) and kind in ("N", None) and (spec[-1] in "df" or declared is int):
        return Order(part, spec, True)
    if not spec and declared is epoch:
        return Order(part, spec, True)
    if not spec and kind in ("S", None):
        return Order(part, spec, declared in (date, datetime) or is_uuid(declared))
    shown = f"{{{part}:{spec}}}" if spec else f"{{{part}}}"
    if kind == "N":
        return f"the texts of {shown} do not sort as numbers do; a fixed width, such as {{{part}:05d}}, does"
    return f"the texts of {shown} do not sort as the values do"


def _order_of_dates(part: str, spec: str, declared: Any) -> Order | str:
    from flyexpr.schema.derived.date_formats import is_date_format, keeps_order

    if declared in (date, datetime, epoch) and is_date_format(spec) and keeps_order(spec):
        return Order(part, spec, True)
    return f"the texts of {{{part}:{spec}}} do not sort as times do; the year has to come first, then the month"


def _is_on(condition: Condition, part: str) -> bool:
    match condition:
        case Compare("<" | "<=" | ">" | ">=", Path((name,)), Value()) | Between(Path((name,)), Value(), Value()):
            return bool(name == part)
        case Test("begins_with", (Path((name,)), Value("S", _))):
            return bool(name == part)
        case In(Path((name,)), options):
            return name == part and all(isinstance(one, Value) for one in options)
    return False


def _bounds(table: Table, key: Path, begun: Begun, order: Order, condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, Test):
        whole, start = table.codecs.get(order.part), condition.arguments[1]
        if isinstance(start, Value) and not order.spec and (whole is None or whole.kind == "S"):
            text = begun.text + start.body
            yield from [Test("begins_with", (key, operand(text)))] if text else []
        return
    least, greatest = _ends(condition)
    lows = [_low(table, begun, order, value) for value in least]
    highs = [_high(table, begun, order, value) for value in greatest]
    if lows and all(lows):
        yield Compare(">=", key, operand(min(lows)))
    if highs and all(highs):
        yield Compare("<" if begun.open else "<=", key, operand(max(highs)))


def _ends(condition: Condition) -> tuple[Sequence[Any], Sequence[Any]]:
    """The candidates for the least value that a condition allows, and those for the greatest."""
    match condition:
        case Compare(">" | ">=", _, value):
            return [value], []
        case Compare("<" | "<=", _, value):
            return [], [value]
        case Between(_, low, high):
            return [low], [high]
        case In(_, options):
            return options, options
    return [], []


def _low(table: Table, begun: Begun, order: Order, value: Value) -> str:
    """The least key of a part that is not below the value; empty where there is none."""
    piece = _piece(table, order, value)
    return "" if piece is None else begun.text + piece + (begun.after if order.fixed else "")


def _high(table: Table, begun: Begun, order: Order, value: Value) -> str:
    """The greatest key of a part that is not above the value, or the first above all; empty where there is none."""
    piece = _piece(table, order, value)
    if piece is None:
        return ""
    # A shorter text comes before a longer one that begins with it. With what follows in the key, it may come after it.
    shorter = not order.fixed and (begun.after or begun.open)
    pieces = [piece[:end] for end in range(len(piece) + 1)] if shorter else [piece]
    texts = [f"{begun.text}{each}{begun.after}" for each in pieces]
    if not begun.open:
        return max(texts)
    above = [after_all(text) for text in texts]
    return max(above) if all(above) else ""


def _piece(table: Table, order: Order, value: Value) -> str | None:
    """The text of a constant in the key; None for one whose text does not sort among those of the others."""
    stored, codec = thaw((value.kind, value.body)), table.codecs.get(order.part)
    if "%" in order.spec or (codec is epoch and codec.decode):
        plain = codec.decode(stored) if codec and codec.decode else stored
        return piece_of(plain, order.spec, order.part)
    if not order.spec:
        return stored if isinstance(stored, str) else None
    if value.kind != "N" or stored < 0:  # below zero, the text -02 comes after -01
        return None
    piece = piece_of(floor(stored) if order.spec.endswith("d") else stored, order.spec, order.part)
    return piece if len(piece) == width_of(order.spec) else None


def after_all(prefix: Any) -> Any:
    """The least text, or bytes, above all that begin with the prefix; empty where there is none.

    >>> after_all("EV#"), after_all(b"a\\xff"), after_all("\\U0010ffff")
    ('EV$', b'b', '')
    """
    if isinstance(prefix, bytes):
        kept = prefix.rstrip(b"\xff")
        return kept[:-1] + bytes([kept[-1] + 1]) if kept else b""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return ""
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)


def unbounded(table: Table, name: str, begun: Begun, parts: Iterable[Condition]) -> str:
    """Why conditions on parts of a template do not bound the key `name`, in words; empty where they do.

    >>> keys = {"sk": template("EV#{n}#{who}"), "n": int}
    >>> unbounded(Table("t", "pk", "sk", attributes=keys), "sk", keys["sk"].begun({}), [gt("who", "ann")])
    'the condition on `who` does not bound `sk`: `n` comes before it, and no condition fixes `n`'
    """
    asked = {part for part in table.derived[name].parts for condition in parts if _is_on(condition, part)}
    if begun.part is None or not asked:
        return ""
    if begun.part not in asked:
        first = next(part for part in table.derived[name].parts if part in asked)
        why = f"`{begun.part}` comes before it, and no condition fixes `{begun.part}`"
        return f"the condition on `{first}` does not bound `{name}`: {why}"
    order = order_of(table, begun.part, begun.spec)
    return f"the condition on `{begun.part}` does not bound `{name}`: {order}" if isinstance(order, str) else ""
