"""Texts that the service refuses while it reads them, each with the service's words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from raised import raises

from flyexpr import ExpressionError, eq, parse_condition, parse_update
from flyexpr.expressions.nodes import Value
from flyexpr.expressions.parse import MOST_CHARACTERS, TEXT, Scope, read_condition, read_projection, read_update
from flyexpr.expressions.reserved import RESERVED

CONDITIONS = [
    ("", "The expression can not be empty;"),
    ("   ", 'Syntax error; token: "<EOF>", near: "   "'),
    ("((a = :v))", "The expression has redundant parentheses;"),
    ("((a)) = :v", "The expression has redundant parentheses;"),
    ("NOT ((a = :v))", "The expression has redundant parentheses;"),
    ("a = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
    ("#b = :v", "An expression attribute name used in the document path is not defined; attribute name: #b"),
    ("a[01] = :v", 'Syntax error; token: "1", near: "01]"'),
    ("a[007] = :v", 'Syntax error; token: "0", near: "007"'),
    ("status = :v", "Attribute name is a reserved keyword; reserved keyword: status"),
    ("a.name = :v", "Attribute name is a reserved keyword; reserved keyword: name"),
    ("and = :v", 'Syntax error; token: "and", near: "and ="'),
    ("foo(a)", "Invalid function name; function: foo"),
    ("Size(a) = :v", "Invalid function name; function: Size"),
    ("a = :v b", 'Syntax error; token: "b", near: ":v b"'),
    ("a", 'Syntax error; token: "<EOF>", near: "a"'),
    ("a :v", 'Syntax error; token: ":v", near: "a :v"'),
    ("a == :v", 'Syntax error; token: "=", near: "== :v"'),
    (
        "a = begins_with(a, :s)",
        "The function is not allowed to be used this way in an expression; function: begins_with",
    ),
    ("size(a)", 'Syntax error; token: "<EOF>", near: ")"'),
    ("a IN ()", 'Syntax error; token: ")", near: "()"'),
    ("a BETWEEN :v OR :v", 'Syntax error; token: "OR", near: ":v OR :v"'),
    ("a[:v] = :v", 'Syntax error; token: ":v", near: "[:v]"'),
    ("a[x] = :v", 'Syntax error; token: "x", near: "[x]"'),
    ("a.", 'Syntax error; token: "<EOF>", near: "."'),
    ("a = :v AND", 'Syntax error; token: "<EOF>", near: "AND"'),
    ("aé = :v", 'Syntax error; token: "é", near: "aé ="'),
    ("a = :v AND (b = :v", 'Syntax error; token: "<EOF>", near: ":v"'),
    ("begins_with(a :s)", 'Syntax error; token: ":s", near: "a :s)"'),
    ("attribute_exists(a,)", 'Syntax error; token: ")", near: ",)"'),
    ("a + :v = :v", 'Syntax error; token: "+", near: "a + :v"'),
    ("a = 1", 'Syntax error; token: "1", near: "= 1"'),
    ("a = 'x'", 'Syntax error; token: "\'", near: "= \'x"'),
    ("a = :w AND b =", 'Syntax error; token: "<EOF>", near: "="'),
]
UPDATES = [
    ("", "The expression can not be empty;"),
    ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
    ("SET a", 'Syntax error; token: "<EOF>", near: "a"'),
    ("SET a =", 'Syntax error; token: "<EOF>", near: "="'),
    ("SET a = :v SET b = :v", 'The "SET" section can only be used once in an update expression;'),
    ("HELLO a = :v", 'Syntax error; token: "HELLO", near: "HELLO a"'),
    ("ADD a", 'Syntax error; token: "<EOF>", near: "a"'),
    ("ADD a a", 'Syntax error; token: "a", near: "a a"'),
    ("DELETE a #a", 'Syntax error; token: "#a", near: "a #a"'),
    ("REMOVE a :v", 'Syntax error; token: ":v", near: "a :v"'),
    ("SET a = :v + :v + :v", 'Syntax error; token: "+", near: ":v + :v"'),
    ("SET a = :v,", 'Syntax error; token: "<EOF>", near: ","'),
    ("SET a = foo(a)", "Invalid function name; function: foo"),
    ("SET a = if_not_exists(a, :v + :v)", 'Syntax error; token: "+", near: ":v + :v"'),
    (
        "SET a = begins_with(a, :s)",
        "The function is not allowed to be used this way in an expression; function: begins_with",
    ),
    ("SET a = :v REMOVE", 'Syntax error; token: "<EOF>", near: "REMOVE"'),
    ("ADD a :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
    ("SET a = :v BY b", 'Syntax error; token: "BY", near: ":v BY b"'),
]
PROJECTIONS = [
    ("", "The expression can not be empty;"),
    ("a,", 'Syntax error; token: "<EOF>", near: ","'),
    ("a b", 'Syntax error; token: "b", near: "a b"'),
    ("!!", 'Syntax error; token: "!", near: "!!"'),
    ("name", "Attribute name is a reserved keyword; reserved keyword: name"),
    ("a[0", 'Syntax error; token: "<EOF>", near: "0"'),
    (":v", 'Syntax error; token: ":v", near: ":v"'),
    ("a, #b", "An expression attribute name used in the document path is not defined; attribute name: #b"),
]
CASES: list[tuple[Callable[[str, Scope], Any], str, str]] = [
    *((read_condition, text, message) for text, message in CONDITIONS),
    *((read_update, text, message) for text, message in UPDATES),
    *((read_projection, text, message) for text, message in PROJECTIONS),
]


@pytest.mark.parametrize("read, text, message", CASES, ids=[f"{read.__name__} {text}" for read, text, _ in CASES])
def test_a_text_that_is_refused(read: Callable[[str, Scope], Any], text: str, message: str) -> None:
    scope = Scope({"#a": "a"}, {":v": Value("N", 1), ":s": Value("S", "x")})
    with pytest.raises(ExpressionError) as caught:
        read(text, scope)
    assert caught.value.message == message


STRICT_LITERALS = replace(TEXT, reserved=RESERVED, strict=True, hints=False)


def test_a_dialect_is_a_value() -> None:
    """A third dialect needs no code: here one with literals, but also with reserved words."""
    assert read_condition("a = 'x'", Scope({}, {}, STRICT_LITERALS)) == eq("a", "x")
    refused = {
        "status = 'x'": "Attribute name is a reserved keyword; reserved keyword: status",
        "((a = 1))": "The expression has redundant parentheses;",
        "a == 1": 'Syntax error; token: "=", near: "== 1"',
    }
    for text, message in refused.items():
        with pytest.raises(ExpressionError) as caught:
            read_condition(text, Scope({}, {}, STRICT_LITERALS))
        assert (caught.value.message, caught.value.hint) == (message, None)


@pytest.mark.parametrize("word", ["AND", "OR", "BETWEEN", "IN", "SET", "ADD", "DELETE", "in"])
def test_a_word_of_the_grammar_is_no_name_where_words_are_reserved(word: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_condition(f"a = {word}", Scope({}, {}, STRICT_LITERALS))
    assert caught.value.message == f'Syntax error; token: "{word}", near: "= {word}"'


@pytest.mark.parametrize("read, start", [(parse_condition, "a = '"), (parse_update, "SET a = '")])
def test_a_text_has_a_longest_length(read: Callable[[str], Any], start: str) -> None:
    text = f"{start:x<{MOST_CHARACTERS - 1}}'"
    assert "xxx" in str(read(text))
    with raises(ExpressionError, "the text of an expression has up to 500,000 characters, not 500,001"):
        read(text + " ")


def test_the_hint_for_a_long_name_takes_no_longer_than_its_length() -> None:
    with pytest.raises(ExpressionError) as caught:  # at the square of its length it would take minutes
        parse_condition("a" * 200_000)
    assert caught.value.hint == "write a comparison, such as NAME = 'text', or attribute_exists(NAME)"
