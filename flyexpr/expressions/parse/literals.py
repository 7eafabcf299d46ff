"""Literals, which are constants in the text itself: 'text', 1.5, true, null, [..], {..}, <<..>>, x'6869'."""

from __future__ import annotations

from binascii import unhexlify
from decimal import Decimal
from itertools import count
from typing import Any

from flyexpr.errors import ValidationError
from flyexpr.expressions.nodes import Value
from flyexpr.expressions.parse.ion import ion_type
from flyexpr.expressions.parse.reader import Reader
from flyexpr.expressions.parse.tokens import Token
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.numbers import EXACT, negated
from flyexpr.values.types import MAX_DEPTH, ORDERED

_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
_NO_NUMBER = "not a number that DynamoDB can store"


def is_literal_word(reader: Reader, token: Token) -> bool:
    """Whether a token is TRUE, FALSE or NULL in a dialect that has literals."""
    return reader.dialect.literals and token.kind == "word" and token.text.upper() in _WORDS


def read_constant(reader: Reader) -> Value:
    """The constant that follows."""
    start = reader.token.start
    # A statement is refused for its depth as it is read, an item that a parameter makes too deep when it is stored.
    level = -MAX_DEPTH if reader.dialect.statements else 1
    try:
        return Value(*freeze(_literal(reader, 1, ""), level=level))
    except (ValidationError, ArithmeticError) as error:
        if reader.dialect.statements:
            reader.note(_words_of_statement(error))
            return Value("PYTHON", None)
        reader.fail(str(error).partition("\n")[0] if isinstance(error, ValidationError) else _NO_NUMBER, start)


def _words_of_statement(error: Exception) -> str:
    """What ExecuteStatement says of a constant that cannot be stored; "root" is the constant."""
    problem = next((words for start, words in _STATEMENT_WORDS.items() if start in str(error)), _NO_NUMBER)
    if problem == _NO_NAME:
        return problem
    at = getattr(error, "at", "")
    return f"{problem} under root{'.' if at and at[0] != '[' else ''}{at}"


_NO_NAME = "Path component cannot be an empty string"
_STATEMENT_WORDS = {
    "overflow": "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "underflow": "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    "significant digits": "Attempting to store more than 38 significant digits in a Number",
    "attribute name": _NO_NAME,
    "nested": "Nesting Levels have exceeded supported limits",
}


def _literal(reader: Reader, depth: int, at: str) -> Any:
    """What a literal stands for; `at` is where it stands in the constant."""
    if depth > MAX_DEPTH:
        if reader.dialect.statements:
            reader.fail(f"{_STATEMENT_WORDS['nested']} under root{at}")
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
        return _set(reader, depth, at)
    if reader.take("["):
        places = count()
        return reader.until("]", lambda reader: _literal(reader, depth + 1, f"{at}[{next(places)}]"))
    if reader.take("{"):
        return dict(reader.until("}", lambda reader: _entry(reader, depth + 1, at)))
    if token.kind == "ion":
        _refuse_ion(reader, token, at)
        return reader.next("ion")
    negative = reader.take("-")
    if reader.dialect.statements and not negative:
        reader.take("+")
    number = _number(reader.next("number", "whole"))
    return negated(number) if negative else number


def _refuse_ion(reader: Reader, token: Token, at: str) -> None:
    kind = ion_type(token.text)
    if kind is None:
        reader.malformed("")
    reader.note(f"Ion Literals are not supported: {kind} under key root{at}", token)


def _set(reader: Reader, depth: int, at: str) -> set[Any]:
    if reader.dialect.statements:
        return _set_of_statement(reader, depth, at)
    start = reader.tokens[reader.position - 1].start
    members = reader.until(">>", lambda reader: _literal(reader, depth + 1, at))
    kinds = {freeze(member)[0] for member in members}
    if len(kinds) > 1 or not kinds <= ORDERED:
        reader.fail("a set holds only strings, only numbers or only bytes", start)
    return set(members)


def _set_of_statement(reader: Reader, depth: int, at: str) -> set[Any]:
    """A set of strings or of numbers, whichever its first member is; what else it holds is not a problem of syntax."""
    tokens = list[Token]()

    def member(reader: Reader) -> Any:
        tokens.append(reader.token)
        return reader.next("ion") if reader.token.kind == "ion" else _literal(reader, depth + 1, at)

    members = reader.until(">>", member)
    if not members:
        reader.note("Empty bags are not supported")
    kinds = [_member_kind(one, token) for one, token in zip(members, tokens, strict=True)]
    for kind, token in zip(kinds, tokens, strict=True):
        if kind not in ("S", "N") or kind != kinds[0]:
            _refuse_member(reader, kinds[0], kind, token, at)
            return {""}
    if len(set(members)) < len(members):
        listed = ", ".join(map(str, members))
        ending = f"! under root{at}" if kinds[0] == "N" else "."
        twice = f"Input collection [{listed}] contains duplicates{ending}"
        reader.note(f"One or more parameter values were invalid: {twice}")
    return set(members) or {""}


def _member_kind(member: Any, token: Token) -> str:
    """The type of a member of a set; a `?` and an Ion literal cannot be one."""
    return token.kind if token.kind in ("value", "ion") else freeze(member)[0]


def _refuse_member(reader: Reader, first: str, kind: str, token: Token, at: str) -> None:
    if kind == "value" and first in ("S", "N"):
        reader.note(f"Unsupported data type: Parameter under key root{at}", token)
    elif kind == "ion" and first in ("S", "N"):
        _refuse_ion(reader, token, at)
    elif kind == "NULL" and first == "N":
        reader.note("One or more parameter values were invalid: Numeric sets may not contain null under root")
    else:
        words = "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
        reader.note(words, None if first == "N" else token)


def _entry(reader: Reader, depth: int, at: str) -> tuple[str, Any]:
    name = read_entry_name(reader)
    return name, _literal(reader, depth, f"{at}.{name}")


def read_entry_name(reader: Reader) -> str:
    """The name that follows in a map, and the colon after it."""
    name = reader.next("string") if reader.dialect.statements else reader.next("string", "quoted")
    quote = name[0]
    reader.expect(":")
    return name[1:-1].replace(quote * 2, quote)


def _number(text: str) -> int | Decimal:
    return int(text) if text.isdecimal() and len(text) < 100 else Decimal(text, EXACT)
