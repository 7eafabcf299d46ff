"""Text that a terminal shows as it is: control characters and marks of direction are escaped."""

from __future__ import annotations

import re
from typing import IO

# Control characters but newline and tab, line separators, and what reorders text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    r"""The text with `\u001b` for an escape character, and so on; JSON keeps its meaning.

    >>> print(plain("\x1b]0;title\x07 \u202eabc\n"), end="")
    \u001b]0;title\u0007 \u202eabc
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shown(text: str, stream: IO[str] | IO[bytes]) -> str:
    """The text for a stream: plain for a terminal, exact for a file or pipe.

    >>> import io
    >>> shown("\x1b", io.StringIO()) == "\x1b"
    True
    """
    return plain(text) if stream.isatty() else text
