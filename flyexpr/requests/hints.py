"""Hints and warnings in other words than Python's, for people who do not write Python."""

from __future__ import annotations

import re
from collections.abc import Sequence

Words = Sequence[tuple[str, str]]  # patterns in texts of the library, and what stands for them

_PYTHON = re.compile(
    r"\(\.\.\.|\b(Table|GlobalIndex|LocalIndex|run|get|put|update|assign|epoch)\(|(?<![?&])\b[a-z_]+=[\[({'\"\w]|F\["
)


def in_other_words(text: str, words: Words) -> str:
    """A text with what stands for each pattern in it.

    >>> in_other_words("leave consistent=True out", [("consistent=True", "--consistent")])
    'leave --consistent out'
    """
    for python, instead in words:
        text = re.sub(python, instead, text)
    return text


def text_and_hint(error: Exception, words: Words) -> tuple[str, str]:
    r"""The text of an error and its hint, in other words.

    >>> text_and_hint(ValueError("too much\n  hint: leave consistent=True out"), [("consistent=True", "--consistent")])
    ('too much', 'leave --consistent out')
    >>> text_and_hint(ValueError("too much\n  hint: run(table, create_table())"), [])
    ('too much', '')

    A hint that still looks like Python is left out.
    """
    text, _, hint = str(error).partition("\n  hint: ")
    hint = in_other_words(hint, words)
    return in_other_words(text, words), "" if _PYTHON.search(hint) else hint
