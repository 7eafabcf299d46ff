"""What follows IS in a statement of PartiQL: MISSING, or the name of a type."""

from __future__ import annotations

from flyexpr.expressions.nodes import NEVER, Condition, Not, Operand, Test, Value
from flyexpr.expressions.parse.reader import Reader

# The words after IS, and the type of a value for which it is true. Two of them are words for one type.
_TYPES = {
    "NULL": "NULL",
    "BOOLEAN": "BOOL",
    "BOOL": "BOOL",
    "BLOB": "B",
    "STRING": "S",
    "NUMERIC": "N",
    "STRUCT": "M",
    "TUPLE": "M",
    "LIST": "L",
}
_OTHER_TYPES = {
    "SMALLINT": "Smallint",
    "INT": "Integer",
    "INTEGER": "Integer",
    "INT4": "Integer4",
    "INT8": "Integer8",
    "BIGINT": "Integer8",
    "FLOAT": "Float",
    "REAL": "Real",
    "DECIMAL": "Decimal",
    "TIMESTAMP": "Timestamp",
    "DATE": "Date",
    "TIME": "Time",
    "CHAR": "Character",
    "CHARACTER": "Character",
    "VARCHAR": "CharacterVarying",
    "SYMBOL": "Symbol",
    "CLOB": "Clob",
    "SEXP": "Sexp",
    "BAG": "Bag",
    "ANY": "Any",
}
_SUPPORTED = "Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"


def read_type_test(reader: Reader, left: Operand) -> Condition:
    """The condition `left IS type`; a missing attribute has no type, so `IS NOT type` is true of it."""
    start = reader.tokens[reader.position - 2]
    negated = reader.take("NOT")
    word = reader.token.text.upper()
    condition: Condition = NEVER
    if word == "MISSING":
        condition = Test("attribute_not_exists", (left,))
    elif word in _TYPES:
        condition = Test("attribute_type", (left, Value("S", _TYPES[word])))
    elif word in _OTHER_TYPES:
        name = f"{_OTHER_TYPES[word]}Type"
        reader.note(f"Unsupported data type for IS operator: {name}. {_SUPPORTED}", start)
    else:
        reader.malformed("Expected type name")
    reader.next("word")
    return Not(condition) if negated else condition
