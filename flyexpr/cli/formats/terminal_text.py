"""Text for a terminal: control characters and marks of direction are escaped, and some words have a colour."""

from __future__ import annotations

import os
import re
from typing import IO

# Control characters but newline and tab, line separators, and what reorders text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    r"""The text with `\u001b` for an escape character, and so on; JSON keeps its meaning.

    >>> print(plain("\x1b]0;title\x07 \u202eabc\n"), end="")
    \u001b]0;title\u0007 \u202eabc
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def in_one_line(text: str) -> str:
    r"""The text with `\u000a` for a line break, so that a reader of lines gets it as one.

    >>> print(in_one_line("one\ntwo"))
    one\u000atwo
    """
    return text.replace("\r", "\\u000d").replace("\n", "\\u000a")


def shown(text: str, stream: IO[str] | IO[bytes]) -> str:
    """The text for a stream: plain for a terminal, exact for a file or pipe.

    >>> import io
    >>> shown("\x1b", io.StringIO()) == "\x1b"
    True
    """
    return plain(text) if stream.isatty() else text


_STYLES = {"plain": "", "error": "1;31", "warning": "33", "label": "1", "hint": "36"}


def has_colour(stream: IO[str] | IO[bytes]) -> bool:
    """Whether text on the stream may have a colour: on a terminal, unless NO_COLOR is set.

    >>> import io
    >>> has_colour(io.StringIO())
    False
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: str, stream: IO[str] | IO[bytes]) -> str:
    """The text in a style, "plain", "error", "warning", "label" or "hint", where the stream may have one."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if text and _STYLES[style] and has_colour(stream) else text


def labelled(text: str, width: int, stream: IO[str] | IO[bytes]) -> str:
    """Lines that begin with a label of this width, as a plan has them; a warning has a colour of its own."""

    def paint(match: re.Match[str]) -> str:
        label = match[0]
        return painted(label, "warning" if label.startswith("warning") else "label", stream)

    return re.sub(rf"(?m)^(?=\S).{{{width - 1}}} ", paint, text) if has_colour(stream) else text
