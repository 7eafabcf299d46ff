"""Text read as conditions, updates and projections: the inverse of `compile` and of `show`.

Two dialects of one grammar. On the wire, names and values stand behind placeholders and everything that DynamoDB
refuses while reading is refused here in its words. In text written by people, literals stand in place ('text', 1.5,
true, null, [..], {..}, <<..>>, x'6869', "odd.name"), as `show` prints them, and no word is reserved.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple, NoReturn, TypeVar

from flyexpr.errors import ExpressionError, ValidationError
from flyexpr.expressions.advice import function_hint, syntax_hint
from flyexpr.expressions.nodes import (
    ALWAYS,
    CLAUSES,
    NEVER,
    Action,
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Path,
    Step,
    Test,
    Update,
    Value,
    joined,
)
from flyexpr.expressions.reserved import RESERVED
from flyexpr.expressions.terms import operand
from flyexpr.values.freeze import freeze, thaw
from flyexpr.values.kinds import ORDERED
from flyexpr.values.numbers import EXACT, negated

Read = TypeVar("Read")

MAX_DEPTH = 32  # of a literal: lists and maps in one another

_CONDITION_FUNCTIONS = (
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
)
_VALUE_FUNCTIONS = ("size", "if_not_exists", "list_append")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


def parse_condition(text: str, **values: Any) -> Condition:
    """The condition that a text in DynamoDB's syntax says; `:name` stands for a value given by keyword.

    >>> from flyexpr import eq, gt
    >>> parse_condition("userid = :user AND wins > 3", user="abc") == eq("userid", "abc") & gt("wins", 3)
    True
    >>> parse_condition("a = = 1")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: Syntax error; token: "=", near: "= = 1"
      expression: a = = 1
                      ^

    Reads what `show` prints.
    """
    scope = _text_scope(text, values)
    return _all_used(scope, read_condition(text, scope))


def parse_update(text: str, **values: Any) -> Update:
    """The update that a text in DynamoDB's syntax says; `:name` stands for a value given by keyword.

    >>> from flyexpr import assign, incr
    >>> parse_update("ADD wins 1 SET info.seen = :seen", seen=True) == incr("wins") + assign("info.seen", True)
    True
    """
    scope = _text_scope(text, values)
    return _all_used(scope, read_update(text, scope))


class Scope:
    """What placeholders stand for, and which of them were met; with `literals`, the dialect of people.

    `verify` is shown each comparison and function as soon as it is read, for whoever wants the leftmost problem first.

    >>> scope = Scope({"#n": "name"}, {":v": Value("N", 1), ":spare": Value("N", 2)})
    >>> read_condition("#n = :v", scope)
    Compare(operator='=', left=Path(parts=('name',)), right=Value(kind='N', body=1))
    >>> sorted(scope.used)
    ['#n', ':v']
    """

    __slots__ = ("literals", "names", "used", "values", "verify")

    def __init__(
        self,
        names: Mapping[str, str],
        values: Mapping[str, Value],
        literals: bool = False,
        verify: Callable[[Condition], None] | None = None,
    ) -> None:
        self.names, self.values, self.literals, self.verify = names, values, literals, verify
        self.used = set[str]()


def _text_scope(text: str, values: Mapping[str, Any]) -> Scope:
    if not isinstance(text, str):
        raise TypeError(f"an expression is read from a text, not from {text!r}")
    constants = {}
    for name, value in values.items():
        found = operand(value)
        if not isinstance(found, Value):
            raise TypeError(f"`:{name}` stands for a value, not for {value!r}")
        constants[":" + name] = found
    return Scope({}, constants, literals=True)


def _all_used(scope: Scope, found: Read) -> Read:
    unused = sorted(scope.values.keys() - scope.used)
    if unused:
        raise ExpressionError(f"the text does not speak of {', '.join(f'`{mark}`' for mark in unused)}")
    return found


def read_condition(text: str, scope: Scope) -> Condition:
    """The condition of a request's expression member."""
    reader = _Reader(text, scope)
    return reader.whole(reader.condition)


def read_update(text: str, scope: Scope) -> Update:
    """The update of a request's UpdateExpression."""
    reader = _Reader(text, scope)
    return reader.whole(reader.update)


def read_projection(text: str, scope: Scope) -> tuple[Path, ...]:
    """The paths of a request's ProjectionExpression."""
    reader = _Reader(text, scope)
    return reader.whole(reader.projection)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_COMMON = r"""
      (?P<space>[ \t\r\n]+)
    | (?P<name>\#[A-Za-z0-9_]+)
    | (?<!['"])(?P<value>:[A-Za-z0-9_]+)
    """
_WIRE = (
    _COMMON
    + r"""
    | (?P<word>[A-Za-z][A-Za-z0-9_]*)
    | (?P<whole>[0-9]+)
    | (?P<mark><>|<=|>=|.)
    """
)
_TEXT = (
    _COMMON
    + r"""
    | (?P<bytes>[xX]'(?:[0-9a-fA-F]{2})*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<string>'(?:[^']|'')*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]*\.[0-9]+)
    | (?P<whole>[0-9]+)
    | (?P<mark><<|>>|<>|<=|>=|.)
    """
)


@cache  # compiled when first needed: it is a twentieth of `import flyexpr`
def _lexer(literals: bool) -> re.Pattern[str]:
    return re.compile(_TEXT if literals else _WIRE, re.VERBOSE | re.DOTALL)


def _tokens(text: str, literals: bool) -> tuple[_Token, ...]:
    """The tokens of a text; remembered, since an engine is sent the same texts over and over, with other values.

    A character takes up to 120 bytes as tokens, so what is remembered is bounded by characters: 128 K of short texts,
    128 K of long ones.
    """
    size = len(text)
    if size <= 512:
        return _short(text, literals)
    return _long(text, literals) if size <= 4096 else _split(text, literals)


def _split(text: str, literals: bool) -> tuple[_Token, ...]:
    tokens = [
        _Token(found.lastgroup or "", found[0], found.start(), found.end())
        for found in _lexer(literals).finditer(text)
        if found.lastgroup != "space"
    ]
    return (*tokens, _Token("end", "<EOF>", len(text), len(text)))


_short, _long = lru_cache(maxsize=256)(_split), lru_cache(maxsize=32)(_split)


def _closing(tokens: Sequence[_Token]) -> dict[int, int]:
    """For the place of every opening parenthesis that of its closing one."""
    closing, opened = {}, []
    for place, token in enumerate(tokens):
        if token.text == "(":
            opened.append(place)
        elif token.text == ")" and opened:
            closing[opened.pop()] = place
    return closing


class _Group:
    """One level of parentheses while a condition is read."""

    __slots__ = ("ands", "nots", "opened", "ors")

    def __init__(self, opened: int) -> None:
        self.opened, self.nots = opened, 0
        self.ors, self.ands = list[Condition](), list[Condition]()

    def add(self, part: Condition) -> None:
        for _ in range(self.nots):
            part = Not(part)
        self.nots = 0
        self.ands.append(part)

    def end_and(self) -> None:
        self.ors.append(joined(And, self.ands))
        self.ands = []


class _Reader:
    """A text being read from left to right."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text, self.scope, self.place = text, scope, 0
        self.tokens = _tokens(text, scope.literals)
        self.closing = _closing(self.tokens)
        self.problem: ExpressionError | None = None
        self.updating = False

    def whole(self, read: Callable[[], Read]) -> Read:
        if not self.text:
            raise ExpressionError("The expression can not be empty;")
        try:
            found = read()
        except RecursionError:  # functions in functions in functions
            raise ExpressionError("The expression is nested too deeply") from None
        if self.token.kind != "end":
            self.refuse()
        self.conclude()
        return found

    def conclude(self) -> None:
        """Raise the leftmost problem with what the text speaks of; the service finds syntax errors before it."""
        if self.problem is not None:
            raise self.problem

    # tokens

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def follows(self, *texts: str) -> bool:
        """Whether the tokens to come are these keywords or marks."""
        coming = self.tokens[self.place : self.place + len(texts)]
        return len(coming) == len(texts) and all(map(_is, coming, texts))

    def take(self, text: str) -> bool:
        if not _is(self.token, text):
            return False
        self.place += 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            self.refuse()

    def next(self, *kinds: str) -> str:
        token = self.token
        if token.kind not in kinds:
            self.refuse()
        self.place += 1
        return token.text

    def refuse(self, hint: str | None = None) -> NoReturn:
        """The service's syntax error: the token where reading stopped, and the text from just before to just after."""
        token = self.token
        first = self.tokens[max(self.place - 1, 0)]
        last = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        if first.kind == "end":
            near = self.text
        elif token.kind == "end":
            near = first.text
        else:
            near = self.text[first.start : last.end if last.kind != "end" else token.end]
        hint = hint or (syntax_hint(self.tokens, self.place, self.updating) if self.scope.literals else None)
        self.fail(f'Syntax error; token: "{token.text}", near: "{near}"', token.start, hint)

    def fail(self, message: str, at: int | None = None, hint: str | None = None) -> NoReturn:
        raise self.error(message, at, hint)

    def note(self, message: str, hint: str) -> None:
        """Keep a problem for `conclude`, unless there is one further left; the hint is for people."""
        if self.problem is None:
            self.problem = self.error(message, hint=hint)

    def error(self, message: str, at: int | None = None, hint: str | None = None) -> ExpressionError:
        start = self.tokens[self.place - 1].start if at is None else at
        line = self.text.replace("\n", " ").replace("\t", " ")
        left = max(start - 60, 0)
        pointed = f"{line[left : start + 40]}\n              {' ' * (start - left)}^"
        return ExpressionError(message, expression=pointed, hint=hint if self.scope.literals else None)

    # conditions

    def condition(self) -> Condition:
        # An explicit stack of open parentheses: the depth of a text is bounded by its length, not by Python's stack.
        groups = [_Group(-1)]
        closed = (-1, -1)
        while True:
            group = groups[-1]
            while self.take("NOT"):
                group.nots += 1
            if self.opens_group():
                groups.append(_Group(self.place))
                self.place += 1
                continue
            part = self.comparison()
            self.verify(part)
            while True:
                groups[-1].add(part)
                if self.take("AND"):
                    break
                groups[-1].end_and()
                if self.take("OR"):
                    break
                part = joined(Or, groups[-1].ors)
                if len(groups) == 1:
                    return part
                self.expect(")")
                span = (groups.pop().opened, self.place - 1)
                if closed == (span[0] + 1, span[1] - 1) and not self.scope.literals:
                    raise ExpressionError("The expression has redundant parentheses;")
                closed = span

    def verify(self, part: Condition) -> None:
        if self.scope.verify is not None and self.problem is None:
            try:
                self.scope.verify(part)
            except ExpressionError as error:
                self.problem = error

    def opens_group(self) -> bool:
        """Whether a parenthesis to come holds a condition, and not just an operand such as `(a) = :v`."""
        if not self.follows("("):
            return False
        after = self.tokens[self.closing.get(self.place, -2) + 1]
        return not _compares(after)

    def comparison(self) -> Condition:
        if (
            self.scope.literals
            and self.token.text.upper() in ("TRUE", "FALSE")
            and not _compares(self.tokens[self.place + 1])
        ):
            return ALWAYS if self.next("word").upper() == "TRUE" else NEVER
        left = self.operand_or_test()
        if isinstance(left, Test):
            return left
        if self.take("BETWEEN"):
            low = self.operand()
            self.expect("AND")
            return Between(left, low, self.operand())
        if self.take("IN"):
            return In(left, tuple(self.in_parentheses(self.operand)))
        if self.token.text not in _COMPARISONS:
            self.refuse()
        operator = self.next("mark")
        return Compare(operator, left, self.operand())

    def in_parentheses(self, read: Callable[[], Read]) -> list[Read]:
        self.expect("(")
        found = [read()]
        while self.take(","):
            found.append(read())
        self.expect(")")
        return found

    # operands

    def operand(self) -> Operand:
        found = self.operand_or_test()
        if isinstance(found, Test):
            self.fail(f"The function is not allowed to be used this way in an expression; function: {found.function}")
        return found

    def operand_or_test(self) -> Operand | Test:
        token = self.token
        if token.kind == "word" and self.tokens[self.place + 1].text == "(":
            return self.function()
        if token.kind in ("word", "name", "quoted") and not self.is_literal_word(token):
            return self.path()
        if token.kind == "value":
            return self.placeholder_value()
        if self.take("("):
            if self.follows("("):
                raise ExpressionError("The expression has redundant parentheses;")
            found = self.operand()
            self.expect(")")
            return found
        if self.scope.literals:
            return self.constant()
        self.refuse()

    def function(self) -> Call | Test:
        name = self.next("word")
        if name in _CONDITION_FUNCTIONS:
            return Test(name, tuple(self.in_parentheses(self.operand)))
        if name in _VALUE_FUNCTIONS:
            return Call(name, tuple(self.in_parentheses(self.operand)))
        self.fail(f"Invalid function name; function: {name}", hint=function_hint(name, self.updating))

    def placeholder_value(self) -> Value:
        mark = self.next("value")
        self.scope.used.add(mark)
        if mark not in self.scope.values:
            self.note(
                f"An expression attribute value used in expression is not defined; attribute value: {mark}",
                hint=f"give it by keyword, {mark[1:]}=..., or write the value itself in its place",
            )
        return self.scope.values.get(mark, _UNDEFINED)

    def path(self) -> Path:
        steps: list[Step] = [self.name()]
        while True:
            if self.take("."):
                steps.append(self.name())
            elif self.take("["):
                index = self.next("whole")
                if index[0] == "0" and index != "0":
                    self.place -= 1
                    self.refuse()
                steps.append(int(index[:30]))
                self.expect("]")
            else:
                return Path(tuple(steps))

    def name(self) -> str:
        token = self.token
        text = self.next("word", "name", "quoted")
        if token.kind == "name":
            return self.placeholder_name(text)
        if token.kind == "quoted":
            return text[1:-1].replace('""', '"')
        if not self.scope.literals and text.upper() in RESERVED:
            if text.upper() in _GRAMMAR:
                self.place -= 1
                self.refuse()
            self.fail(f"Attribute name is a reserved keyword; reserved keyword: {text}")
        return text

    def placeholder_name(self, mark: str) -> str:
        self.scope.used.add(mark)
        if mark not in self.scope.names:
            self.note(
                f"An expression attribute name used in the document path is not defined; attribute name: {mark}",
                hint=f'write the name itself in place of {mark}, in double quotes where it is odd: "a.b"',
            )
        return self.scope.names.get(mark, mark)

    # literals

    def constant(self) -> Value:
        start = self.token.start
        try:
            return Value(*freeze(self.literal(1)))
        except (ValidationError, ArithmeticError) as error:
            self.fail(str(error).partition("\n")[0] if isinstance(error, ValidationError) else _NO_NUMBER, start)

    def is_literal_word(self, token: _Token) -> bool:
        return self.scope.literals and token.kind == "word" and token.text.upper() in _LITERAL_WORDS

    def literal(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.fail("nested more than 32 levels deep")
        token = self.token
        if self.is_literal_word(token):
            return _LITERAL_WORDS[self.next("word").upper()]
        if token.kind == "value":
            value = self.placeholder_value()
            return thaw((value.kind, value.body))
        if token.kind == "string":
            return self.next("string")[1:-1].replace("''", "'")
        if token.kind == "bytes":
            return unhexlify(self.next("bytes")[2:-1])
        if self.take("<<"):
            return self.set_literal(depth)
        if self.take("["):
            return self.until("]", lambda: self.literal(depth + 1))
        if self.take("{"):
            return dict(self.until("}", lambda: self.entry(depth + 1)))
        negative = self.take("-")
        number = _number(self.next("number", "whole"))
        return negated(number) if negative else number

    def set_literal(self, depth: int) -> set[Any]:
        start = self.tokens[self.place - 1].start
        members = self.until(">>", lambda: self.literal(depth + 1))
        kinds = {freeze(member)[0] for member in members}
        if len(kinds) > 1 or not kinds <= ORDERED:
            self.fail("a set holds only strings, only numbers or only bytes", start)
        return set(members)

    def entry(self, depth: int) -> tuple[str, Any]:
        name = self.next("string", "quoted")
        quote = name[0]
        self.expect(":")
        return name[1:-1].replace(quote * 2, quote), self.literal(depth)

    def until(self, end: str, read: Callable[[], Read]) -> list[Read]:
        found: list[Read] = []
        while not self.take(end):
            if found:
                self.expect(",")
            found.append(read())
        return found

    # updates and projections

    def update(self) -> Update:
        self.updating = True
        actions: list[Action] = []
        seen: set[str] = set()
        while not seen or self.token.kind != "end":
            clause = self.token.text.upper()
            if clause not in CLAUSES:
                self.refuse(None if seen else "an update begins with SET, REMOVE, ADD or DELETE")
            self.place += 1
            if clause in seen:
                self.fail(
                    f'The "{clause}" section can only be used once in an update expression;',
                    hint=f"write all of its actions after one {clause}, with commas between",
                )
            seen.add(clause)
            actions.append(self.action(clause))
            while self.take(","):
                actions.append(self.action(clause))
        self.conclude()  # before the actions are joined, which finds those that overlap
        return Update(tuple(actions))

    def action(self, clause: str) -> Action:
        path = self.path()
        if clause == "REMOVE":
            return Action(clause, path, None)
        if clause == "SET":
            self.expect("=")
            return Action(clause, path, self.assigned())
        if self.token.kind != "value" and (not self.scope.literals or self.token.kind in ("name", "quoted", "end")):
            self.refuse()
        return Action(clause, path, self.operand())

    def assigned(self) -> Operand:
        bracketed = self.follows("(")
        if bracketed:
            self.place += 1
        left = self.operand()
        if self.token.text in ("+", "-"):
            operator = self.next("mark")
            left = Arithmetic(operator, left, self.operand())
        if bracketed:
            self.expect(")")
        return left

    def projection(self) -> tuple[Path, ...]:
        found = [self.path()]
        while self.take(","):
            found.append(self.path())
        return tuple(found)


_NO_NUMBER = "not a number that DynamoDB can store"
_UNDEFINED = Value("PYTHON", None)  # stands in for a value that is not there, until `conclude`
_GRAMMAR = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", *CLAUSES})
_LITERAL_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}


def _is(token: _Token, text: str) -> bool:
    return token.text == text or (token.kind == "word" and token.text.upper() == text)


def _compares(token: _Token) -> bool:
    return token.text in _COMPARISONS or _is(token, "BETWEEN") or _is(token, "IN")


def _number(text: str) -> int | Decimal:
    return int(text) if text.isdecimal() and len(text) < 100 else Decimal(text, EXACT)
