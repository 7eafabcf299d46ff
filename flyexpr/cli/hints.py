"""What to write instead, in the words of a command line: the library's hints are in Python's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from flyexpr.errors import FlyexprError
from flyexpr.expressions.nodes import Action, And, Between, Compare, Condition, In, Not, Or, Path, Update
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.expressions.show import show

# A hint of the library, and the same for a command line; what still looks like Python afterwards is left out.
_WORDS = [
    (r"add eq\(\.\.\.\) for one of: (.*); or use scan\(\.\.\.\)", r"fix one of these by `=`: \1; or use flyexpr scan"),
    (r'add GlobalIndex\("…", "([^"]*)".*\), or use scan\(\.\.\.\)', r"use flyexpr scan, or make an index by \1"),
    (r"leave index= out, or add eq\(\.\.\.\) for that attribute", "leave --index out, or fix that attribute by `=`"),
    (r"choose one: query\(\.\.\., index='(.*)'\)", r"choose one: --index \1"),
    (r"leave consistent=True out", "leave --consistent out"),
    (r"with project=\[\.\.\.\], or name the index with index=", "with --project, or name the index with --index"),
    (r"a key is \((.*)\) as a tuple, or a dict .*", r"a key is a word for each of \1, or one JSON object with them"),
    (r"a key is one value of (.*), or a dict .*", r"a key is one word for \1, or a JSON object with that attribute"),
    (r"or evaluate a part with matches\(\.\.\.\)", "or leave a part to flyexpr filter"),
    (r"start= takes the \.cursor of an earlier read; this is .*", "--start takes what --stats of an earlier read says"),
    (r"write str\(\.\.\.\), or, where the key is .*", "the table's type is text: write the value in quotes"),
    (r"give it by keyword, \w+=\.\.\., or write", "write"),
    (r"declare it: attributes=.*", "write the value in the table's type; flyexpr describe says which it is"),
]
_PYTHON = re.compile(
    r"\(\.\.\.|\b(Table|GlobalIndex|LocalIndex|run|get|put|update|assign|epoch)\(|\b[a-z_]+=[\[({'\"\w]|F\["
)


def in_words(error: FlyexprError, arguments: Iterable[str] = ()) -> str:
    r"""The text of an error with a hint for the command line, taken from what was typed where that helps.

    >>> print(in_words(FlyexprError("not found\n  hint: leave consistent=True out")))
    not found
      hint: leave --consistent out
    >>> print(in_words(FlyexprError("not found\n  hint: run(table, create_table())")))
    not found
    """
    text, _, hint = str(error).partition("\n  hint: ")
    for python, words in _WORDS:
        text, hint = re.sub(python, words, text), re.sub(python, words, hint)
    hint = _hint_of(text, arguments) or ("" if _PYTHON.search(hint) else hint)
    return f"{text}\n  hint: {hint}" if hint else text


def _hint_of(text: str, arguments: Iterable[str]) -> str:
    """A hint from the text of an error alone, which contains the expression."""
    if found := re.search(r"\n  condition: (.*)", text):
        return quoting(found[1])
    if "refers to an attribute that does not exist" in text:
        return next(filter(None, map(quoting, arguments)), "")
    return ""


def quoting(text: str) -> str:
    """A hint where an expression compares with an attribute, as it does when a shell takes the quotes away.

    >>> print(quoting("user = ada"))
    `ada` names an attribute here; for the text write user = 'ada', all of it in double quotes for the shell
    >>> quoting("user = 'ada'"), quoting("not an expression")
    ('', '')
    """
    with suppress(FlyexprError):
        return next(_bare(parse_condition(text)), "")
    with suppress(FlyexprError):
        return next(_assigned(parse_update(text)), "")
    return ""


def _bare(condition: Condition) -> Iterator[str]:
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _bare(part)
        case Not(part):
            yield from _bare(part)
        case Compare(operator, Path() as left, Path((str(name),))):
            yield _said(name, f"{show(left)} {operator} '{name}'")
        case Between(Path() as left, Path((str(name),))):
            yield _said(name, f"{show(left)} BETWEEN '{name}' AND ...")
        case In(Path() as left, options):
            for option in options:
                if isinstance(option, Path) and isinstance(option.parts[0], str):
                    yield _said(option.parts[0], f"{show(left)} IN ('{option.parts[0]}')")


def _assigned(update: Update) -> Iterator[str]:
    for action in update.actions:
        match action:
            case Action("SET", path, Path((str(name),))):
                yield _said(name, f"SET {show(path)} = '{name}'")


def _said(name: str, instead: str) -> str:
    return f"`{name}` names an attribute here; for the text write {instead}, all of it in double quotes for the shell"
