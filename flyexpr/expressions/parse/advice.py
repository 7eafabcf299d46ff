"""Hints for texts that cannot be read: what to write instead of habits from SQL, Python and other languages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flyexpr.expressions.parse.tokens import Token

# Patterns of the text around `@`, which stands before the token where reading stopped. Words are in capitals; `''` is
# any text in quotes, and `""` any quoted name.
_IN_BOTH = [
    (r"=@=", "write one = for `is equal`"),
    (r"''@\w", "write a quote inside a text twice: 'it''s'"),
    (r"""@['"](?!['"])""", "close the quote"),
    (r"\d@-\d", "write a date in quotes: '2026-01-31'"),
    (r"[A-Z_]((?![A-Z_])\w)*@-\w", "write a name that holds - in double quotes"),
    (r"@[^\x00-\x7f]", "write such a name in double quotes"),
    (r"@;", "leave the ; out"),
    (r"[=<>+-] ?@<EOF>", "a value or a name is missing at the end; text stands in quotes: 'text'"),
]
_IN_A_CONDITION = [
    (r"^(?!NOT\b)[\w.]*[\w\]\"'] ?@<EOF>", "write a comparison, such as NAME = 'text', or attribute_exists(NAME)"),
    (r"@IS NOT NULL\b", "write attribute_exists(NAME); NOT attribute_type(NAME, 'NULL') is true of a missing one too"),
    (r"@IS\b", "write attribute_type(NAME, 'NULL'), or attribute_not_exists(NAME) for a missing one"),
    (r"@(NOT )?I?LIKE\b", "write begins_with(NAME, 'text') or contains(NAME, 'text')"),
    (r"@(NOT )?CONTAINS\b", "write contains(NAME, 'text')"),
    (r"@(NOT )?(STARTS|BEGINS)", "write begins_with(NAME, 'text')"),
    (r"@NOT (IN|BETWEEN)\b", "write NOT in front of it all: NOT NAME IN (1, 2), NOT NAME BETWEEN 1 AND 2"),
    (r"\bIN ?@", "write the values in parentheses: NAME IN (1, 2)"),
    (r"\bBETWEEN ?\( ?\S+@,", "write NAME BETWEEN 1 AND 2"),
    (r"@! ?=", "write <> for `is not equal`"),
    (r"=@>", "write >="),
    (r"=@<", "write <="),
    (r"@(&&?|\|\|?)", "write AND, OR"),
    (r"@!", "write NOT"),
    (r"^(SET|REMOVE|ADD|DELETE) @", "this is an update; a condition compares, as in wins > 3"),
]
_IN_AN_UPDATE = [
    (r"@(\+=|\+\+)", "write SET NAME = NAME + 1, or ADD NAME 1"),
    (r"@(-=|--)", "write SET NAME = NAME - 1, or ADD NAME -1"),
    (r", ?(SET|REMOVE|ADD|DELETE) @", "write no comma in front of SET, REMOVE, ADD or DELETE"),
    (r"(ADD|DELETE) \w+ ?@=", "ADD and DELETE take a name and a value without `=`"),
    (r"(ADD|DELETE) \w+ @\w", "ADD and DELETE take a value, such as 1 or <<'a'>>, and no other attribute"),
    (r"REMOVE \w+ ?@=", "REMOVE takes names only"),
    (r"@AND\b", "write a comma between actions"),
    (r"@[*/%]", "an update adds and subtracts only"),
]
_AT_THE_END = [(r"@<EOF>", "something is missing at the end")]
_CONDITION = "attribute_exists, attribute_not_exists, attribute_type, begins_with, contains, size"
_UPDATE = "if_not_exists, list_append"
_FUNCTIONS = {
    "exists": "attribute_exists",
    "not_exists": "attribute_not_exists",
    "type_is": "attribute_type",
    "is_in": "NAME IN (1, 2)",
    "between": "NAME BETWEEN 1 AND 2",
    "eq": "NAME = 1",
    "ne": "NAME <> 1",
    "lt": "NAME < 1",
    "le": "NAME <= 1",
    "gt": "NAME > 1",
    "ge": "NAME >= 1",
    "startswith": "begins_with",
    "starts_with": "begins_with",
    "len": "size",
    "length": "size",
}
_UPDATE_FUNCTIONS = {"append": "list_append", "prepend": "list_append"}
_SPELLED = {"string": "''", "quoted": '""'}
_BEFORE, _AFTER = 3, 3  # tokens that a pattern may look at


def syntax_hint(tokens: Sequence[Token], position: int, updating: bool) -> str | None:
    """What to write instead of a token that is not allowed at its position; None where there is no hint."""
    start = max(position - _BEFORE, 0)
    before, after = _spelled(tokens, start, position), _spelled(tokens, position, position + _AFTER)
    near = f"{before}{' @' if after.startswith(' ') else '@'}{after.lstrip()}"
    rows = [*_IN_BOTH, *(_IN_AN_UPDATE if updating else _IN_A_CONDITION), *_AT_THE_END]
    return next((hint for pattern, hint in rows if re.search(pattern, near)), None)


def function_hint(name: str, updating: bool) -> str:
    """What to write instead of a function that does not exist.

    >>> function_hint("exists", updating=False), function_hint("append", updating=True)
    ('write attribute_exists', 'write list_append')
    >>> function_hint("exists", updating=True)
    'the functions of an update are if_not_exists, list_append'
    """
    instead, names = (_UPDATE_FUNCTIONS, _UPDATE) if updating else (_FUNCTIONS, _CONDITION)
    plain = name.lower()
    right = plain if plain in names.split(", ") else instead.get(plain)
    return f"write {right}" if right else f"the functions of {'an update' if updating else 'a condition'} are {names}"


def _spelled(tokens: Sequence[Token], start: int, end: int) -> str:
    """The tokens as one text, with a space where their text has one."""
    text = ""
    for position in range(start, min(end, len(tokens))):
        token = tokens[position]
        space = " " if position and token.start > tokens[position - 1].end else ""
        text += space + _SPELLED.get(token.kind, token.text.upper() if token.kind == "word" else token.text)
    return text
