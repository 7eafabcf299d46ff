"""What an operation reads as a picture: SVG without scripts, for notebooks and pages, on light and dark backgrounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from flyexpr.values.layout import text_lines

RANGES = {"all": (0.0, 1.0), "start": (0.0, 0.42), "middle": (0.3, 0.72), "end": (0.58, 1.0), "item": (0.49, 0.51)}
_LABELS, _ACROSS, _LINE, _THICK = 120, 560, 18, 14  # pixels: the column of labels, a bar; the height of a line, a bar
_BARS = 6  # bars that are drawn; the number of the others is said
_LINES = 4  # lines of a text that are drawn
_KEPT = 0.45  # the part of a bar that a filter is drawn to keep: nobody knows it before the read
_DROPPED, _DROPPED_WIDTH = "dropped, but paid for", 165
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
    'style="max-width:100%" font-family="ui-monospace,monospace" font-size="12" fill="currentColor">\n'
    "<title>{title}</title>\n"
    # only where the picture is a document of its own; in a page it has the colour of the text around it
    "<style>svg:root{{color:#1f2328;background:#fff}}"
    "@media (prefers-color-scheme:dark){{svg:root{{color:#e6edf3;background:#0d1117}}}}</style>\n"
)


def picture(
    title: str,
    verb: str,
    ranges: Sequence[tuple[str, str]],
    filters: Iterable[tuple[str, str]] = (),
    notes: Iterable[tuple[str, str]] = (),
) -> str:
    """An SVG of bars, in which the range that is read is blue, and of what filters leave of it.

    >>> drawn = picture("Query", "reads", [("userid = 'abc'", "end")], [("filter", "wins < 3")], [("cost", "1 unit")])
    >>> drawn.startswith("<svg "), "userid = &#x27;abc&#x27;" in drawn, "wins &lt; 3" in drawn
    (True, True, True)

    Each of `ranges` is a text, which follows the `verb`, and one of `RANGES`. `filters` and `notes` are labels and
    texts. Text is escaped; a character that XML does not have becomes U+FFFD, and a long text ends with `…`.
    """
    parts, down = [_text(0, 15, title, weight="bold")], 2 * _LINE
    for piece, height in _pieces(verb, ranges, filters, notes):
        parts.append(f'<g transform="translate(0 {down})">{piece}</g>')
        down += height
    head = _HEAD.format(width=_LABELS + _ACROSS + 2, height=down + 4, title=_escaped(_clipped(title)))
    return head + "\n".join(parts) + "\n</svg>"


def _pieces(
    verb: str,
    ranges: Sequence[tuple[str, str]],
    filters: Iterable[tuple[str, str]],
    notes: Iterable[tuple[str, str]],
) -> Iterator[tuple[str, int]]:
    """The parts from top to bottom, each with its height."""
    for text, name in ranges[:_BARS]:
        yield _words(verb, text)
        yield _bar(*RANGES[name])
    if len(ranges) > _BARS:
        yield _words("", f"and {len(ranges) - _BARS:,} more")
    left, right = RANGES[ranges[0][1]] if ranges else (0.0, 0.0)
    for label, text in filters:
        yield _words(label, text)
        yield _bar(left, right, kept=_KEPT)
        right = left + (right - left) * _KEPT
    for label, text in notes:
        yield _words(label, text)


def _words(label: str, text: str) -> tuple[str, int]:
    lines = [*map(_clipped, text_lines(text))]
    if len(lines) > _LINES:
        lines[_LINES - 1 :] = ["…"]
    drawn = [_text(_LABELS, 12 + _LINE * number, line) for number, line in enumerate(lines)]
    return _text(0, 12, label, opacity="0.65") + "".join(drawn), _LINE * len(lines)


def _bar(left: float, right: float, kept: float = 1.0) -> tuple[str, int]:
    """A partition and what is read of it; or what a filter keeps of that, and in dashes what it drops."""
    start, width = _LABELS + left * _ACROSS, (right - left) * _ACROSS
    kept_box = _box(start, width * kept, 'fill="#3b82c4"')
    if kept == 1:
        return _box(_LABELS, _ACROSS, 'fill="#888888" fill-opacity="0.25"') + kept_box, _THICK + 10
    dropped = width * (1 - kept)
    words_at = start + width * kept + 8 if dropped > _DROPPED_WIDTH else start + width + 8
    dashes = _box(start + width * kept, dropped, 'fill="none" stroke="#c9762c" stroke-dasharray="4 3"')
    return kept_box + dashes + _text(words_at, 13, _DROPPED, opacity="0.65"), _THICK + 10


def _box(across: float, width: float, paint: str) -> str:
    return f'<rect x="{across:g}" y="2" width="{width:g}" height="{_THICK}" {paint}/>'


def _text(across: float, down: float, text: str, **attributes: str) -> str:
    more = "".join(f' {"font-" if name == "weight" else ""}{name}="{value}"' for name, value in attributes.items())
    return f'<text x="{across:g}" y="{down:g}" xml:space="preserve"{more}>{_escaped(_clipped(text))}</text>'


def _clipped(text: str) -> str:
    return text if len(text) <= 76 else f"{text[:75]}…"


def _escaped(text: str) -> str:
    from html import escape

    return escape(_NOT_XML.sub("\ufffd", text))
