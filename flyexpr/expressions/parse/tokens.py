"""Texts as tokens: words, names, values, numbers and marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of a text: its kind, which is a group's name in the dialect's `tokens`, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str, pattern: str) -> tuple[Token, ...]:
    """The tokens of a text, and one for its end; `pattern` is the dialect's.

    >>> [token.text for token in tokens_of("a >= 1", "(?P<space>[ ])|(?P<word>[a-z])|(?P<mark>>=|.)")]
    ['a', '>=', '1', '<EOF>']

    They are remembered: an engine is sent the same texts over and over, with other values. A character takes up to
    120 bytes as tokens, so what is remembered is bounded by characters: 128 K of short texts, 128 K of long ones.
    """
    size = len(text)
    if size <= 512:
        return _short(text, pattern)
    return _long(text, pattern) if size <= 4096 else _split(text, pattern)


def _split(text: str, pattern: str) -> tuple[Token, ...]:
    tokens = [
        Token(match.lastgroup or "", match[0], match.start(), match.end())
        for match in _lexer(pattern).finditer(text)
        if match.lastgroup != "space"
    ]
    return (*tokens, Token("end", "<EOF>", len(text), len(text)))


_short, _long = lru_cache(maxsize=256)(_split), lru_cache(maxsize=32)(_split)


@cache  # compiled when first needed: it is a twentieth of `import flyexpr`
def _lexer(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


def closing_parentheses(tokens: Sequence[Token]) -> dict[int, int]:
    """The position of the closing parenthesis for that of every opening one.

    >>> closing_parentheses(tokens_of("(a)(", "(?P<word>[a-z])|(?P<mark>.)"))
    {0: 2}
    """
    closing, opened = {}, []
    for position, token in enumerate(tokens):
        if token.text == "(":
            opened.append(position)
        elif token.text == ")" and opened:
            closing[opened.pop()] = position
    return closing


def is_text(token: Token, text: str) -> bool:
    """Whether a token is this mark or keyword; keywords may be in small letters."""
    return token.text == text or (token.kind == "word" and token.text.upper() == text)
