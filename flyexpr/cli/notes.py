"""What the program says to people, on stderr, and the codes by which it ends."""

from __future__ import annotations

import re
import sys

from flyexpr.cli.formats.terminal_text import painted, plain

FAILED, USAGE, CONDITION_FALSE, NOTHING_FOUND = 1, 2, 3, 4


class NothingFound(Exception):
    """Nothing was found."""


def note(message: str, style: str = "plain") -> None:
    """A line for people, on stderr; the style, as of an error or warning, is that of the program's name before it."""
    warn(f"flyexpr: {message}", style)


def warn(text: str, style: str = "plain") -> None:
    """Text for people, on stderr; it may hold data, so a terminal's control characters are escaped."""
    for line in plain(text).split("\n"):
        label = _LABEL.match(line)
        end = label.end() if label else 0
        look = "hint" if line.startswith(" ") else style
        print(painted(line[:end], look, sys.stderr) + line[end:], file=sys.stderr)


_LABEL = re.compile(r"(flyexpr|Error|  hint|  note):")
