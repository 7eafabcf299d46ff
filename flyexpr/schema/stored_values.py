"""The values of single attributes as a table stores them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.schema.codecs import name_to_declare
from flyexpr.schema.table import Table
from flyexpr.values.refusals import native


def stored_value(table: Table, name: str, value: Any) -> Any:
    """A declared attribute's value as it is stored, once its type and check have accepted it.

    >>> stored_value(Table("t", "id", attributes={"wins": int}), "wins", 3.0)
    3
    """
    rule = table.rules.get(name)
    if rule and value is None and rule.required:
        raise ValidationError("a required attribute may not be None", at=name)
    if rule and rule.check and value is not None and not rule.check(value):
        raise ValidationError(f"{value!r} fails the check of this attribute", at=name)
    return encoded_value(table, name, value)


def encoded_value(table: Table, name: str, value: Any) -> Any:
    """A declared attribute's value as DynamoDB stores it; ValidationError for a value of another type.

    >>> encoded_value(Table("t", "id"), "id", 7)
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `id`: expected str, got int
      hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}

    None stays None, which is NULL, except in the key.
    """
    if value is None:
        if name in table.keys:
            raise ValidationError("a key attribute cannot be None", at=name)
        return None
    try:
        return table.codecs[name].encode(value)
    except ValidationError as error:
        hint = error.hint
        if name not in table.attributes and not hint:
            hint = f"declare it: attributes={{{name!r}: {name_to_declare(native(value))}}}"
            if isinstance(native(value), (int, float, Decimal)):
                hint = f"write str(...), or, where the key is a number, {hint}"
        raise ValidationError(error.message, at=name, hint=hint) from None
