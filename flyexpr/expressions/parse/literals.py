"""Literals, which are constants in the text itself: 'text', 1.5, true, null, [..], {..}, <<..>>, x'6869'."""

from __future__ import annotations

from binascii import unhexlify
from decimal import Decimal
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Value
from flyexpr.expressions.parse.reader import Reader
from flyexpr.expressions.parse.tokens import Token
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.kinds import MAX_DEPTH, ORDERED
from flyexpr.values.numbers import EXACT, negated

_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_NO_NUMBER = "not a number that DynamoDB can store"


def is_literal_word(reader: Reader, token: Token) -> bool:
    """Whether a token is TRUE, FALSE or NULL in a dialect that has literals."""
    return reader.dialect.literals and token.kind == "word" and token.text.upper() in _WORDS


def read_constant(reader: Reader) -> Value:
    """The constant that follows."""
    start = reader.token.start
    try:
        return Value(*freeze(_literal(reader, 1)))
    except (ValidationError, ArithmeticError) as error:
        reader.fail(str(error).partition("\n")[0] if isinstance(error, ValidationError) else _NO_NUMBER, start)


def _literal(reader: Reader, depth: int) -> Any:
    if depth > MAX_DEPTH:
        reader.fail("nested more than 32 levels deep")
    token = reader.token
    if is_literal_word(reader, token):
        return _WORDS[reader.next("word").upper()]
    if token.kind == "value":
        value = reader.value()
        return thaw((value.kind, value.body))
    if token.kind == "string":
        return reader.next("string")[1:-1].replace("''", "'")
    if token.kind == "bytes":
        return unhexlify(reader.next("bytes")[2:-1])
    if reader.take("<<"):
        return _set(reader, depth)
    if reader.take("["):
        return reader.until("]", lambda reader: _literal(reader, depth + 1))
    if reader.take("{"):
        return dict(reader.until("}", lambda reader: _entry(reader, depth + 1)))
    negative = reader.take("-")
    number = _number(reader.next("number", "whole"))
    return negated(number) if negative else number


def _set(reader: Reader, depth: int) -> set[Any]:
    start = reader.tokens[reader.position - 1].start
    members = reader.until(">>", lambda reader: _literal(reader, depth + 1))
    kinds = {freeze(member)[0] for member in members}
    if len(kinds) > 1 or not kinds <= ORDERED:
        reader.fail("a set holds only strings, only numbers or only bytes", start)
    return set(members)


def _entry(reader: Reader, depth: int) -> tuple[str, Any]:
    name = reader.next("string", "quoted")
    quote = name[0]
    reader.expect(":")
    return name[1:-1].replace(quote * 2, quote), _literal(reader, depth)


def _number(text: str) -> int | Decimal:
    return int(text) if text.isdecimal() and len(text) < 100 else Decimal(text, EXACT)
