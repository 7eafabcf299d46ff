"""A text being read from left to right: its tokens, what its placeholders stand for, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar

from flyexpr.errors import ExpressionError
from flyexpr.expressions.nodes import Condition, Value
from flyexpr.expressions.parse.advice import syntax_hint
from flyexpr.expressions.parse.dialects import WIRE, Dialect
from flyexpr.expressions.parse.malformed import expected, unexpected
from flyexpr.expressions.parse.tokens import Token, closing_parentheses, is_text, tokens_of

R = TypeVar("R")


class Scope:
    """What placeholders stand for, which of them were used, and the dialect of the text.

    The placeholders of a statement are all written `?`. Here they are `?0`, `?1`, in the order of the text. `verify` is
    called with each comparison and function as soon as it is read, for a caller that wants the leftmost problem first.

    >>> from flyexpr.expressions.parse import read_condition
    >>> scope = Scope({"#n": "name"}, {":v": Value("N", 1), ":spare": Value("N", 2)})
    >>> read_condition("#n = :v", scope)
    eq('name', 1)
    >>> sorted(scope.used)
    ['#n', ':v']
    """

    __slots__ = ("dialect", "names", "used", "values", "verify")

    def __init__(
        self,
        names: Mapping[str, str],
        values: Mapping[str, Value],
        dialect: Dialect = WIRE,
        verify: Callable[[Condition], None] | None = None,
    ) -> None:
        self.names, self.values, self.dialect, self.verify = names, values, dialect, verify
        self.used = set[str]()


class Reader:
    """A text being read.

    >>> Reader("a = b", Scope({}, {})).token.text
    'a'
    """

    def __init__(self, text: str, scope: Scope) -> None:
        self.text, self.scope, self.dialect, self.position = text, scope, scope.dialect, 0
        self.tokens = tokens_of(text, scope.dialect.tokens)
        self.closing = closing_parentheses(self.tokens)
        self.updating = False
        self._problem: ExpressionError | None = None

    def whole(self, read: Callable[[Reader], R]) -> R:
        """The expression in the whole text, read by a function of the reader."""
        if not self.text:
            raise ExpressionError("The expression can not be empty;")
        try:
            expression = read(self)
        except RecursionError:  # functions in functions in functions
            text = "Statement" if self.dialect.statements else "The expression"
            raise ExpressionError(f"{text} is nested too deeply") from None
        if self.token.kind != "end":
            self.refuse()
        self.conclude()
        return expression

    def conclude(self) -> None:
        """Raises the leftmost problem that is not one of syntax; the service finds errors of syntax first."""
        if self._problem is not None:
            raise self._problem

    # tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def follows(self, *texts: str) -> bool:
        """Whether the next tokens are these keywords or marks."""
        coming = self.tokens[self.position : self.position + len(texts)]
        return len(coming) == len(texts) and all(map(is_text, coming, texts))

    def take(self, text: str) -> bool:
        """Whether the next token is this keyword or mark; if so, reading goes on after it."""
        if not is_text(self.tokens[self.position], text):
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        """Goes on after this keyword or mark; an error where it does not follow."""
        if self.take(text):
            return
        if self.dialect.statements:
            self.malformed(expected(text))
        self.refuse()

    def next(self, *kinds: str) -> str:
        """The text of the next token, which is of one of these kinds."""
        token = self.token
        if token.kind not in kinds:
            self.refuse()
        self.position += 1
        return token.text

    def in_parentheses(self, read: Callable[[Reader], R]) -> list[R]:
        """What is read one by one, with commas between, inside parentheses."""
        return self.enclosed("(", ")", read)

    def enclosed(self, start: str, end: str, read: Callable[[Reader], R]) -> list[R]:
        """What is read one by one, with commas between, from one mark to another; at least one."""
        self.expect(start)
        members = self.listed(read)
        self.expect(end)
        return members

    def listed(self, read: Callable[[Reader], R]) -> list[R]:
        """What is read one by one, with commas between; at least one."""
        members = [read(self)]
        while self.take(","):
            members.append(read(self))
        return members

    def until(self, end: str, read: Callable[[Reader], R]) -> list[R]:
        """What is read one by one, with commas between, up to a mark; nothing is read where the mark follows."""
        members: list[R] = []
        while not self.take(end):
            if members and not self.take(","):
                self.expect(end)
            members.append(read(self))
        return members

    # placeholders

    def value(self) -> Value:
        """The value of the next token, a placeholder."""
        mark = self.next("value")
        if self.dialect.statements:
            mark += str(len(self.scope.used))
        self.scope.used.add(mark)
        if mark not in self.scope.values and not self.dialect.statements:
            self._note(
                f"An expression attribute value used in expression is not defined; attribute value: {mark}",
                hint=f"give it by keyword, {mark[1:]}=..., or write the value itself in its place",
            )
        return self.scope.values.get(mark, _UNDEFINED)

    def name(self) -> str:
        """The attribute name of the next token, a placeholder."""
        mark = self.next("name")
        self.scope.used.add(mark)
        if mark not in self.scope.names:
            self._note(
                f"An expression attribute name used in the document path is not defined; attribute name: {mark}",
                hint=f'write the name itself in place of {mark}, in double quotes where it is odd: "a.b"',
            )
        return self.scope.names.get(mark, mark)

    # problems

    def verify(self, part: Condition) -> None:
        """Calls the scope's `verify` with a part, and keeps its error unless there is a problem further left."""
        if self.scope.verify is not None and self._problem is None:
            try:
                self.scope.verify(part)
            except ExpressionError as error:
                self._problem = error

    def refuse(self, hint: str | None = None) -> NoReturn:
        """The service's syntax error: the token where reading stopped, from one token before it to one after it."""
        if self.dialect.statements:
            self.malformed(unexpected(self.tokens, self.position))
        token = self.token
        first = self.tokens[max(self.position - 1, 0)]
        last = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        if first.kind == "end":
            near = self.text
        elif token.kind == "end":
            near = first.text
        else:
            near = self.text[first.start : last.end if last.kind != "end" else token.end]
        if hint is None and self.dialect.hints:
            hint = syntax_hint(self.tokens, self.position, self.updating)
        self.fail(f'Syntax error; token: "{token.text}", near: "{near}"', token.start, hint)

    def malformed(self, reason: str) -> NoReturn:
        """The service's syntax error for a statement."""
        raise ExpressionError(f"Statement wasn't well formed, can't be processed: {reason}")

    def note(self, problem: str, token: Token | None = None) -> None:
        """Keeps a problem of a statement that is not one of syntax, with the place of a token, unless there is one."""
        self._keep(ExpressionError(f"{problem} at {self.place(token)}" if token else problem))

    def ahead(self, read: Callable[[Reader], R]) -> R:
        """What is read by a function; what is wrong with it comes before what is wrong further left."""
        noted, self._problem = self._problem, None
        part = read(self)
        if noted is not None:
            self._keep(noted)
        return part

    def place(self, token: Token) -> str:
        """Where a token stands: its line, its column and its length, counted from 1."""
        line = self.text.count("\n", 0, token.start) + 1
        column = token.start - self.text.rfind("\n", 0, token.start)
        return f"{line}:{column}:{token.end - token.start}"

    def fail(self, message: str, at: int | None = None, hint: str | None = None) -> NoReturn:
        """The error, with the text and a mark below the character `at`, or below the token just read."""
        raise self._error(message, at, hint)

    def _note(self, message: str, hint: str) -> None:
        self._keep(self._error(message, hint=hint))

    def _keep(self, problem: ExpressionError) -> None:
        if self._problem is None:
            self._problem = problem

    def _error(self, message: str, at: int | None = None, hint: str | None = None) -> ExpressionError:
        start = self.tokens[self.position - 1].start if at is None else at
        line = self.text.replace("\n", " ").replace("\t", " ")
        left = max(start - 60, 0)
        pointed = f"{line[left : start + 40]}\n              {' ' * (start - left)}^"
        return ExpressionError(message, expression=pointed, hint=hint if self.dialect.hints else None, position=start)


_UNDEFINED = Value("PYTHON", None)  # used for a placeholder without a value, until the caller raises
