"""What ExecuteStatement says of a statement that is not well formed."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.expressions.parse.dialects import KEYWORDS, OPERATORS
from flyexpr.expressions.parse.tokens import Token

_COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_INFIX = _COMPARISONS | {"AND", "OR", "+", "-"}
_NAMES = {
    "(": "LEFT_PAREN",
    ")": "RIGHT_PAREN",
    "]": "RIGHT_BRACKET",
    "}": "RIGHT_CURLY",
    ">>": "RIGHT_DOUBLE_ANGLE_BRACKET",
    ":": "COLON",
    "AND": "AND keyword",
}


def unexpected(tokens: Sequence[Token], position: int) -> str:
    """What is wrong with the token at a position, where a value or a condition should stand.

    >>> from flyexpr.expressions.parse.dialects import PARTIQL
    >>> from flyexpr.expressions.parse.tokens import tokens_of
    >>> [unexpected(tokens_of(text, PARTIQL.tokens), 2) for text in ["a =", "a = AND", "a = SET", "a = ]"]]
    ['Missing right-hand side expression of infix operator', 'Unexpected operator', 'Unexpected keyword', \
'Unexpected term']
    """
    token, word = tokens[position], _word(tokens[position])
    if token.kind == "end" or token.text == ";":
        infix = position > 0 and _word(tokens[position - 1]) in _INFIX
        return "Missing right-hand side expression of infix operator" if infix else "Unexpected term"
    if word in OPERATORS or word in _COMPARISONS:
        return "Unexpected operator"
    return "Unexpected keyword" if word in KEYWORDS else "Unexpected term"


def expected(text: str) -> str:
    """What is missing: a mark or a keyword.

    >>> expected("]"), expected("FROM")
    ('Expected RIGHT_BRACKET', 'Expected FROM')
    """
    return f"Expected {_NAMES.get(text, text)}"


def _word(token: Token) -> str:
    return token.text if token.kind == "mark" else token.text.upper() if token.kind == "word" else ""
