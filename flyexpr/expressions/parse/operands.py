"""Operands: document paths, constants and functions."""

from __future__ import annotations

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import CLAUSES, Call, Operand, Path, Step, Test, Value
from flyexpr.expressions.parse.advice import function_hint
from flyexpr.expressions.parse.dialects import NOT_AFTER_DOT
from flyexpr.expressions.parse.literals import is_literal_word, read_constant
from flyexpr.expressions.parse.reader import Reader
from flyexpr.expressions.parse.tokens import is_text
from flyexpr.expressions.sides import OPERANDS, TESTS

_CONDITION_FUNCTIONS = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains")
_VALUE_FUNCTIONS = ("size", "if_not_exists", "list_append")
_STATEMENT_FUNCTIONS = {False: (*_CONDITION_FUNCTIONS, "size"), True: ("list_append",)}  # by whether it is an update
_GRAMMAR = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", *CLAUSES})


def read_operand(reader: Reader) -> Operand:
    """The operand that follows."""
    operand = read_operand_or_test(reader)
    if isinstance(operand, Test):
        reader.fail(f"The function is not allowed to be used this way in an expression; function: {operand.function}")
    return operand


def read_operand_or_test(reader: Reader) -> Operand | Test:
    """The operand that follows, or a function that is a condition."""
    token = reader.token
    if token.kind == "word" and reader.tokens[reader.position + 1].text == "(":
        return _function(reader)
    if reader.dialect.statements and is_text(token, "MISSING"):
        reader.note("MISSING must be compared using IS operator")
        reader.position += 1
        return Value("NULL", None)
    if token.kind in ("word", "name", "quoted") and not is_literal_word(reader, token):
        return read_path(reader)
    if token.kind == "value":
        return reader.value()
    if reader.take("("):
        if reader.follows("(") and not reader.dialect.statements:
            raise ExpressionError("The expression has redundant parentheses;")
        operand = read_operand(reader)
        reader.expect(")")
        return operand
    if reader.dialect.literals:
        return read_constant(reader)
    reader.refuse()


def _function(reader: Reader) -> Call | Test:
    if reader.dialect.statements:
        return _function_of_statement(reader)
    name = reader.next("word")
    tests, values = (TESTS, OPERANDS) if reader.dialect.literals and not reader.updating else ((), ())
    if name in _CONDITION_FUNCTIONS or name in tests:
        return Test(name, tuple(reader.in_parentheses(read_operand)))
    if name in _VALUE_FUNCTIONS or name in values:
        return Call(name, tuple(reader.in_parentheses(read_operand)))
    reader.fail(f"Invalid function name; function: {name}", hint=function_hint(name, reader.updating))


def _function_of_statement(reader: Reader) -> Call | Test:
    """The function that follows; its name may be in capitals. An unknown one is not a syntax error here."""
    token = reader.token
    word = token.text.upper()
    if word in reader.dialect.reserved and word != "EXISTS":
        reader.refuse()
    name = reader.next("word").lower()
    if name not in _STATEMENT_FUNCTIONS[reader.updating]:
        reader.note(f"Unrecognized function: {name}", token)
    arguments: tuple[Operand, ...] = ()
    if reader.follows("(", ")"):  # too few arguments are no problem of syntax either
        reader.position += 2
    else:
        arguments = tuple(reader.in_parentheses(read_operand))
    return Test(name, arguments) if name in _CONDITION_FUNCTIONS else Call(name, arguments)


def read_path(reader: Reader) -> Path:
    """The document path that follows."""
    steps: list[Step] = [_name(reader)]
    while True:
        if reader.take("."):
            if reader.dialect.statements and reader.token.text.upper() in NOT_AFTER_DOT:
                reader.malformed("Invalid path dot component")
            steps.append(_name(reader))
        elif reader.take("["):
            index = reader.next("whole")
            if index[0] == "0" and index != "0":
                reader.position -= 1
                reader.refuse()
            steps.append(int(index[:30]))
            reader.expect("]")
        else:
            return Path(tuple(steps))


def _name(reader: Reader) -> str:
    if reader.token.kind == "name":
        return reader.name()
    text = reader.next("word", "quoted")
    if text[0] == '"':
        if text == '""':
            reader.note("Path component cannot be an empty string")
        return text[1:-1].replace('""', '"')
    word = text.upper()
    if word in reader.dialect.reserved:
        if word in _GRAMMAR or reader.dialect.statements:
            reader.position -= 1
            reader.refuse()
        reader.fail(f"Attribute name is a reserved keyword; reserved keyword: {text}")
    return text
