"""What to write instead, in the words of a command line: the library's hints are in Python's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from flyexpr.errors import FlyexprError, PlanError
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.expressions.parse import parse_condition, parse_update
from flyexpr.requests.hints import bare_words, text_and_hint

# A hint of the library, and the same for a command line; what still looks like Python afterwards is left out.
_WORDS = [
    (r"add eq\(\.\.\.\) for one of: (.*); or use scan\(\.\.\.\)", r"fix one of these by `=`: \1; or use flyexpr scan"),
    (
        r'add GlobalIndex\("…", "([^"]*)".*\), or use scan\(\.\.\.\)',
        r"use flyexpr scan, or add an index by \1 with flyexpr alter",
    ),
    (r"leave index= out, or add eq\(\.\.\.\) for that attribute", "leave --index out, or fix that attribute by `=`"),
    (r"choose one: (?:query|search)\(\.\.\., index='(.*)'\)", r"choose one: --index \1"),
    (r"leave consistent=True out", "leave --consistent out"),
    (r"with project=\[\.\.\.\], or name the index with index=", "with --project, or name the index with --index"),
    (r"a key is \((.*)\) as a tuple, or a dict .*", r"a key is a word for each of \1, or one JSON object with them"),
    (r"a key is one value of (.*), or a dict .*", r"a key is one word for \1, or a JSON object with that attribute"),
    (r"or evaluate a part with matches\(\.\.\.\)", "or leave a part to flyexpr filter"),
    (
        r"start= takes the \.cursor of an earlier read.*; this is that of a read in (\d+) parts.*",
        r"--start goes on with a scan with --segments \1",
    ),
    (
        r"start= takes the \.cursor of an earlier read(?: in \d+ segments)?; this is .*",
        "--start takes the cursor that --stats of an earlier read prints",
    ),
    (r"since= takes .*; this is not one", "the file of --resume does not hold the place of an earlier watch"),
    (r"give it by keyword, \w+=\.\.\., or write", "write"),
    (r"assign\(\.\.\., parents=True\) makes .*", "make the map first: SET NAME = if_not_exists(NAME, {})"),
    (r"run\(table, create_table\(if_missing=True\)\)", "flyexpr create with --if-missing"),
    (r'declare it, Table\(\.\.\., stream="both"\), .*', "flyexpr alter TABLE --stream both gives it one"),
    (
        r"put an item with the other key, and delete this one",
        "flyexpr put writes an item with another key, and flyexpr delete removes this one",
    ),
    (r"run\(table, search\(near\(.*\) reads it", "flyexpr search TABLE --near VECTOR reads it"),
    (r"leave out wide=True, and the client checks", "leave out --wide, and the client checks"),
    (r"leave host= out", "leave --host out"),
    (r"without throughput=", "without --billing READ,WRITE"),
    (r"workers=1\b", "--workers 1"),
    (r"consistent=True", "--consistent"),
    (r"use is_in\b", "use IN"),
    (r"connect without mode=ro", "leave ?mode=ro out of the engine's URL"),
    (r"declare it: attributes=.*", "write the value in the table's type; flyexpr describe says which it is"),
]


# What a text alone says to do: on which line of the input it is, the library does not know.
_BY_TEXT = [
    (r"^(?:line|item) .*, got dict$", '--wire reads DynamoDB JSON, {"id": {"S": "a"}}'),
    (r"expected a number, got str$", "write a number without quotes"),
    (r"expected str, got \S+$", "the table's type is text: write the value in quotes"),
    (r"expected bytes, got str$", 'a binary value is {"$bytes": "aGk="} in JSON, and x\'6869\' in a condition'),
    (
        r"line 1: not JSON: Expecting value at character 1$",
        "put reads CSV with --format csv; a file .csv needs no option",
    ),
]


def in_words(error: FlyexprError, arguments: Iterable[str] = ()) -> str:
    r"""The text of an error with a hint for the command line, taken from what was typed where that helps.

    >>> print(in_words(FlyexprError("not found\n  hint: leave consistent=True out")))
    not found
      hint: leave --consistent out
    >>> print(in_words(FlyexprError("not found\n  hint: run(table, create_table())")))
    not found
    """
    text, hint = text_and_hint(error, _WORDS)
    hint = _hint_of(error, text, arguments) or hint
    return f"{text}\n  hint: {hint}" if hint else text


def plan_in_words(text: str) -> str:
    """A plan of the library in the words of a command line.

    >>> plan_in_words("warning       a write may be missing (consistent=True costs twice as much)")
    'warning       a write may be missing (--consistent costs twice as much)'
    """
    return text.replace("consistent=True", "--consistent")


def _hint_of(error: FlyexprError, text: str, arguments: Iterable[str]) -> str:
    """A hint for the expression that an error is about, or for its text alone."""
    if isinstance(error, PlanError) and error.condition is not None:
        return quoting(error.condition)
    if "refers to an attribute that does not exist" in text:
        return next(filter(None, map(quoting, arguments)), "")
    return next((hint for pattern, hint in _BY_TEXT if re.search(pattern, text)), "")


def quoting(text: str) -> str:
    """A hint where an expression compares with an attribute, as it does when a shell takes the quotes away.

    >>> print(quoting("user = ada"))
    `ada` names an attribute here: the shell removed the quotes, or there were none; for the text write "user = 'ada'"
    >>> quoting("user = 'ada'"), quoting("not an expression")
    ('', '')
    """
    with suppress(FlyexprError):
        return _missing_quotes(parse_condition(text))
    with suppress(FlyexprError):
        return _missing_quotes(parse_update(text))
    return ""


def _missing_quotes(expression: Condition | Update) -> str:
    why = "the shell removed the quotes, or there were none"
    hints = (
        f'`{name}` names an attribute here: {why}; for the text write "{text}"' for name, text in bare_words(expression)
    )
    return next(hints, "")
