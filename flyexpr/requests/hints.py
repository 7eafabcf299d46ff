"""Hints for people who do not write Python: the library's in other words, and for text without its quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flyexpr.expressions.nodes import Action, And, Between, Compare, Condition, In, Not, Or, Path, Update
from flyexpr.expressions.show import show

Words = Sequence[tuple[str, str]]  # patterns in texts of the library, and what stands for them

_PYTHON = re.compile(
    r"\(\.\.\.|\b(Table|GlobalIndex|LocalIndex|run|get|put|update|assign|epoch|fromisoformat)\(|(?<![?&])\b[a-z_]+=[\[({'\"\w]|F\["
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


def bare_words(expression: Condition | Update) -> Iterator[tuple[str, str]]:
    """The attributes that stand where a text may be meant, each with what to write for the text.

    >>> from flyexpr import parse_condition, parse_update
    >>> list(bare_words(parse_condition("user = ada AND wins > 3"))), list(bare_words(parse_update("SET a = b")))
    ([('ada', "user = 'ada'")], [('b', "SET a = 'b'")])
    """
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from bare_words(part)
        case Not(part):
            yield from bare_words(part)
        case Compare(operator, Path() as left, Path((str(name),))):
            yield name, f"{show(left)} {operator} '{name}'"
        case Between(Path() as left, Path((str(name),))):
            yield name, f"{show(left)} BETWEEN '{name}' AND ..."
        case In(Path() as left, options):
            names = [each.parts[0] for each in options if isinstance(each, Path) and isinstance(each.parts[0], str)]
            yield from ((name, f"{show(left)} IN ('{name}')") for name in names)
        case Update(actions):
            for action in actions:
                match action:
                    case Action("SET", path, Path((str(name),))):
                        yield name, f"SET {show(path)} = '{name}'"
