"""Lines of exports in Amazon Ion, as the wire values that lines of DynamoDB JSON hold.

    $ion_1_0 {Item:{id:"a",wins:3.,tags:$dynamodb_SS::["new"]}}

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib import import_module
from typing import Any

from flyexpr.errors import FlyexprError, ValidationError
from flyexpr.values.numbers import number_text


def ion_reader() -> Callable[[bytes], Any]:
    """A reader of Ion text, as the wire values that a line of DynamoDB JSON would hold."""
    try:
        ion = import_module("amazon.ion.simpleion")
    except ImportError:
        raise FlyexprError("this export is in Ion\n  hint: pip install 'flyexpr[exports]'") from None

    def read(line: bytes) -> Any:
        try:
            value = ion.loads(line.decode())
        except Exception as error:  # the package has errors of many kinds
            raise ValueError("not Ion") from error
        return {part: _part(part, below) for part, below in value.items()}

    return read


def _part(part: str, value: Any) -> Any:
    """`Item`, `Keys` and the images are items; `Metadata` is a map of plain values."""
    return dict(value) if part == "Metadata" else {name: _value(below) for name, below in value.items()}


def _value(value: Any) -> dict[str, Any]:
    sets = [str(note.text).removeprefix("$dynamodb_") for note in value.ion_annotations]
    if sets:
        return {sets[0]: [next(iter(_value(member).values())) for member in value]}
    match value:
        case str():
            return {"S": str(value)}
        case int() | Decimal():
            return {"N": number_text(Decimal(value))}
        case bytes():
            return {"B": bytes(value)}
        case Mapping():
            return {"M": {name: _value(below) for name, below in value.items()}}
        case list():
            return {"L": [_value(below) for below in value]}
    return _rest(value)


def _rest(value: Any) -> dict[str, Any]:
    """NULL and BOOL, for which the package has classes of its own."""
    match value.ion_type.name:
        case "BOOL":
            return {"BOOL": bool(value)}
        case "NULL":
            return {"NULL": True}
    raise ValidationError(f"an export does not hold Ion's type {value.ion_type.name}")
