"""Rows of a label and a text, for a terminal and for a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LABEL = 14  # columns of the labels
WIDTH = 80 - LABEL  # of the texts
_FOLDED = 300  # characters of a text that a notebook shows at once
_WORDS = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|(?<!\w)'[^']*'| (?:=|<>|[<>]=?) |\S)+""")  # `a = 'b c'` is one
_JSON = re.compile(r"""(?:"(?:[^"\\]|\\.)*"(?:: (?!\[))?|\S)+""")  # a name stays with its value


def rows_text(rows: Iterable[tuple[str, str | list[str]]]) -> str:
    """The rows as lines of up to 80 columns, with a hanging indent; a list of lines stays as it is.

    >>> print(rows_text([("filter", "title = 'Comet Quest' AND " * 3 + "wins > 3"), ("cost", "nothing  is sent")]))
    filter        title = 'Comet Quest' AND title = 'Comet Quest' AND
                  title = 'Comet Quest' AND wins > 3
    cost          nothing  is sent
    """
    return "\n".join(f"{label:{LABEL}}{_indented(text)}" for label, text in rows)


def _indented(text: str | list[str]) -> str:
    return f"\n{' ' * LABEL}".join(text_lines(text) if isinstance(text, str) else text)


def text_lines(text: str) -> list[str]:
    """The text in lines of up to 66 characters, broken between words; a comparison stays in one line.

    >>> text_lines("title = 'Comet Quest' AND " * 2 + "info.rating > 8 AND wins > 3")
    ["title = 'Comet Quest' AND title = 'Comet Quest' AND", 'info.rating > 8 AND wins > 3']
    """
    return _lines(_WORDS, text, 0)


def wrapped(json: str, column: int) -> str:
    """JSON in lines, the first of which begins at a column; broken between values, so that it means the same.

    >>> print(wrapped('{"Key": {"id": {"S": "' + "a b " * 9 + '"}}, "sk": {"N": "1"}}', 20))
    {"Key": {"id": {"S": "a b a b a b a b a b a b a b a b a b "}},
    "sk": {"N": "1"}}
    """
    return "\n".join(_lines(_JSON, json, column))


def _lines(words: re.Pattern[str], text: str, column: int) -> list[str]:
    lines, end = [""], 0
    for word in words.finditer(text):
        more = text[end : word.end()]  # with the spaces before it
        if lines[-1] and column + len(more) > WIDTH:
            lines.append(word[0])
            column = len(word[0])
        else:
            lines[-1] += more
            column += len(more)
        end = word.end()
    return lines


def rows_html(rows: Iterable[tuple[str, str]]) -> str:
    """The rows as a table for a notebook; a long text is folded, and shown when one clicks on its start.

    >>> rows_html([("filter", "wins < 3")])
    "<table><tr><th ...>filter</th><td style='text-align:left'><code>wins &lt; 3</code></td></tr></table>"
    """
    return f"<table>{''.join(_html(rows))}</table>"


def _html(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    import html

    for label, text in rows:
        cell = f"<code>{html.escape(text)}</code>"
        if len(text) > _FOLDED:
            start = f"{html.escape(text[:60])}… ({len(text):,} characters)"
            cell = f"<details><summary><code>{start}</code></summary>{cell}</details>"
        yield (
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(label)}</th>"
            f"<td style='text-align:left'>{cell}</td></tr>"
        )


def amount(number: float, noun: str) -> str:
    """How many of something, for people.

    >>> amount(1, "item"), amount(50_000, "item"), amount(0.5, "read unit")
    ('1 item', '50,000 items', '0.5 read units')
    """
    return f"{number:,.12g} {noun}{'' if number == 1 else 's'}"
