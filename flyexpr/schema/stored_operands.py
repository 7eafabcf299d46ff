"""What a table's declarations say of operands: how a constant is stored, and which operators a path can have."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.nodes import Action, Call, Condition, Operand, Path, Update, Value
from flyexpr.expressions.paths import paths
from flyexpr.expressions.show import show
from flyexpr.schema.codecs import ANYTHING, NUMBERS, Codec, codec_of, epoch, name_to_declare, type_name
from flyexpr.schema.stored_values import encoded_value
from flyexpr.schema.strict import refuse_unnamed
from flyexpr.schema.table import Table
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.refusals import type_text

SETS = frozenset({"SS", "NS", "BS"})
_INT = codec_of(int)
_TEXT, _ORDERED, _LIST = {"S", "B"}, {"S", "N", "B"}, {"L"}
_ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(("<", "<=", ">", ">=", "BETWEEN"), _ORDERED),
    "begins_with": _TEXT,
    "contains": {*_TEXT, *SETS, *_LIST},
    "size": {*_TEXT, *SETS, *_LIST, "M"},
    "list_append": _LIST,
    "+": {"N"},
    "-": {"N"},
    "ADD": {*SETS, "N"},
    "DELETE": {*SETS},
}


def is_stored(table: Table, operands: tuple[Operand, ...] | list[Operand]) -> bool:
    """Whether operands go as they are: no attribute in them is declared, and no constant is of a foreign type.

    >>> table = Table("t", "id", attributes={"wins": int})
    >>> is_stored(table, (Path(("losses",)), Value("N", 1))), is_stored(table, (Path(("wins",)), Value("N", 1)))
    (True, False)
    """
    codecs = table.codecs
    for operand in operands:
        node_type = type(operand)
        if node_type is Path:
            if operand.parts[0] in codecs:  # type: ignore[union-attr, operator]
                return False
        elif node_type is Value:
            if operand.kind in MAY_BE_FOREIGN:  # type: ignore[union-attr]
                return False
        else:  # not by `children`: that takes a microsecond of an update's 20
            below = operand.arguments if isinstance(operand, Call) else (operand.left, operand.right)  # type: ignore[union-attr]
            if not is_stored(table, below):
                return False
    return True


MAY_BE_FOREIGN = frozenset({"PYTHON", "L", "M"})  # lists and maps may hold values of foreign types


def codec_at(table: Table, path: Path) -> Codec | None:
    """The codec of what a path leads to; None where nothing is declared.

    >>> table = Table("t", "id", attributes={"scores": dict[str, int]})
    >>> codec_at(table, Path(("scores", "ada"))) is codec_of(int), codec_at(table, Path(("other",)))
    (True, None)
    """
    codec = table.codecs.get(str(path.parts[0]))
    for step in path.parts[1:]:
        codec = codec.inside(step) if codec else None
    return None if codec is ANYTHING else codec


def stored_constant(table: Table, path: Path, codec: Codec | None, value: Value) -> Value:
    """The constant as it is stored at a path, by the path's codec or that of its members.

    >>> from datetime import date
    >>> table = Table("t", "id", attributes={"day": date})
    >>> stored_constant(table, Path(("day",)), codec_of(date), Value("PYTHON", date(2026, 1, 31)))
    Value(kind='S', body='2026-01-31')
    """
    if codec is None:
        return _undeclared(table, path, value)
    if value.kind == codec.kind and (codec.plain or (codec is _INT and type(value.body) is int)):
        return value
    plain = thaw((value.kind, value.body))
    if len(path.parts) == 1 and codec is table.codecs[str(path.parts[0])]:
        return Value(*freeze(encoded_value(table, str(path.parts[0]), plain), show(path)))
    try:
        return Value(*freeze(codec.encode(plain), show(path)))
    except ValidationError as error:
        raise ValidationError(error.message, at=show(path), hint=error.hint) from None


def _undeclared(table: Table, path: Path, value: Value) -> Value:
    if value.kind == "PYTHON":
        name = str(path.parts[0])
        declared = "epoch" if name == table.ttl else name_to_declare(value.body)
        declare = f"declare it: attributes={{{name!r}: {declared}}}"
        raise ValidationError(
            f"DynamoDB has no type for {_type_text(value.body)}",
            at=show(path),
            hint=declare if len(path.parts) == 1 else "store it as text or a number",
        )
    if value.kind in MAY_BE_FOREIGN:
        return Value(*freeze(thaw((value.kind, value.body)), show(path)))
    return value


def _type_text(value: Any) -> str:
    return f"set[{type_text(next(iter(value)))}]" if isinstance(value, frozenset) else type_text(value)


def allow(table: Table, here: Condition | Update, operator: str, path: Path, name: str | None = None) -> None:
    """None where the operator can work on what the path leads to; the error calls it by `name`, where that is given.

    >>> from flyexpr import begins_with
    >>> allow(Table("t", "id", attributes={"wins": int}), begins_with("wins", "1"), "begins_with", Path(("wins",)))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: begins_with cannot work on `wins`, which holds int
      expression: begins_with(wins, '1')
    """
    codec = codec_at(table, path)
    if codec is None or (_kind_allows(codec, operator) and _meaning_allows(codec, operator)):
        return
    changes = isinstance(here, Update) and _kind_allows(codec, operator)
    hint = "assign a new value, or change it with modify(...)" if changes else None
    raise ExpressionError(
        f"{name or operator} cannot work on `{show(path)}`, which holds {_held(table, path)}",
        expression=show(here),
        hint=hint,
    )


def _held(table: Table, path: Path) -> str:
    """The type of a path's attribute, as errors name it: as it is declared, or as a key or an index stores it."""
    name = str(path.parts[0])
    return type_name(table.attributes.get(name, table.codecs[name].type))


def _kind_allows(codec: Codec, operator: str) -> bool:
    kind, allowed = codec.kind, _ALLOWED.get(operator)
    return kind is None or allowed is None or kind in allowed


def _meaning_allows(codec: Codec, operator: str) -> bool:
    """Whether the operator fits what the stored value means: nobody adds to an Enum's value or to a time."""
    if operator in ("+", "-"):
        return codec in NUMBERS
    return not codec.sealed or operator not in ("ADD", "DELETE", "list_append", "contains") or codec.kind in _TEXT


def refuse_unlike(table: Table, here: Condition | Update, path: Path, other: Path) -> None:
    """An error where what is stored of one attribute says nothing of the other: their types store it in other ways.

    >>> from flyexpr import F, Codec, epoch, lt
    >>> from datetime import datetime
    >>> table = Table("t", "id", attributes={"made": datetime, "expires": epoch})
    >>> refuse_unlike(table, lt("made", F.expires), Path(("made",)), Path(("expires",)))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: `made` holds datetime and `expires` epoch, which are stored in different ways
      expression: made < expires
      hint: declare both by the same type, or read the item and compare its values
    """
    one, two = codec_at(table, path), codec_at(table, other)
    if one is None or two is None or _are_alike(one, two):
        return
    changes = isinstance(here, Update)
    is_other_kind = one.kind != two.kind and None not in (one.kind, two.kind)
    if (
        any(codec.sealed for codec in (*one.chain, *two.chain))
        or (is_other_kind and (changes or epoch in (one, two)))
        or (changes and one.kind == "S" and one.decode and two.decode)  # such as a datetime where a date is read
    ):
        instead = "change the item with modify(...)" if changes else "read the item and compare its values"
        raise ExpressionError(
            f"`{show(path)}` holds {_held(table, path)} and `{show(other)}` {_held(table, other)}, "
            "which are stored in different ways",
            expression=show(here),
            hint=f"declare both by the same type, or {instead}",
        )


def _are_alike(one: Codec, two: Codec) -> bool:
    """Whether two codecs are of the same type; each attribute that is an Enum or a list has a codec of its own."""
    if one == two:
        return True
    if one.member and two.member:
        return one.type == two.type and _are_alike(one.member, two.member)
    if one.members and two.members:
        mine, others = dict(one.members), dict(two.members)
        return mine.keys() == others.keys() and all(_are_alike(mine[name], others[name]) for name in mine)
    return one.type == two.type and one.decode is not None and one.decode == two.decode


def watch(table: Table, here: Condition | Update, node: Condition | Action) -> None:
    """An error for names that the table refuses, as far as it watches any: it is strict, or has a Codec of its own."""
    if table.strict:
        refuse_unnamed(table, node, here)
    if table.sealed:
        _refuse_inside(table, here, node)


def _refuse_inside(table: Table, here: Condition | Update, node: Condition | Action) -> None:
    """An error for a path that leads into an attribute whose Codec alone knows what is inside."""
    for path in paths(node):
        codec = table.codecs.get(str(path.parts[0]))
        for step in path.parts[1:]:
            if codec is not None and codec.sealed:
                name = show(Path(path.parts[:1]))
                raise ExpressionError(
                    f"`{show(path)}` lies inside `{name}`, and only its Codec knows what is there",
                    expression=show(here),
                    hint=f"compare and assign `{name}` as a whole, or change it with modify(...)",
                )
            codec = codec.inside(step) if codec else None
