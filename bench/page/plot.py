"""The plot docs/benchmarks.svg: a row for each job, and a dot for each library's CPU time in times of flyexpr's.

It is made of the figures on the page docs/benchmarks.md, so both say the same.
`python -m bench.page.plot` draws it again.
"""

from __future__ import annotations

import re
from html import escape
from math import log10
from pathlib import Path

_DOCS = Path(__file__).parent.parent.parent / "docs"

_COLOURS = {
    "boto3-resource": "#d9822b",
    "boto3-client": "#f0b429",
    "pynamodb": "#3366cc",
    "dyntastic": "#7b4fb5",
    "aiodynamo": "#2a9d8f",
    "pydynox": "#c0392b",
    "floor-orjson": "#999999",
}
_LEFT, _WIDTH, _ROW, _TOP = 235, 585, 24, 118
_LOW, _HIGH = -0.5, 2.5  # powers of ten


_STYLE = (
    "<style>svg{color:#1f2328;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}</style>"
)


def plot(page: str) -> str:
    """The drawing, as SVG, of the first table of ratios on the page."""
    ratios = ratios_of(page)
    bottom = _TOP + _ROW * len(ratios)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30} {bottom + 50}" role="img" '
        'font-family="sans-serif" font-size="12" fill="currentColor">',
        _STYLE,
        _text(14, 24, "flyexpr and other libraries for DynamoDB: CPU time for the same job", "start", 16),
        _text(14, 44, "A dot is a library's CPU time; flyexpr's is the line at 1 x. Right of it, flyexpr is faster."),
        *_legend(),
        *_axis(bottom),
    ]
    for row, (job, times) in enumerate(ratios.items()):
        middle = _TOP + _ROW * row + _ROW // 2
        parts.append(_text(_LEFT - 12, middle + 4, job, "end"))
        for library, colour in _COLOURS.items():
            if library in times:
                parts.append(
                    f'<circle cx="{_across(times[library]):.0f}" cy="{middle}" r="5" fill="{colour}">'
                    f"<title>{library}: {times[library]:g} x</title></circle>"
                )
    return "\n".join([*parts, "</svg>\n"])


def ratios_of(page: str) -> dict[str, dict[str, float]]:
    """The ratios by job and library, from the first table of a page whose rows are jobs.

    >>> ratios_of("| job | flyexpr | boto3-client | floor |\\n|---|---|---|---|\\n| get | 117.1 µs | 7.2 x | – |\\n")
    {'get': {'boto3-client': 7.2}}
    """
    table = page[page.index("| job |") :].split("\n\n")[0]
    names, _, *rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines())
    shown = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    return {
        job: {name: float(cell[:-2]) for name, cell in cells.items() if re.fullmatch(r"[\d.]+ x", cell)}
        for job, cells in shown.items()
    }


def _text(across: float, down: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{across:g}" y="{down:g}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _across(ratio: float) -> float:
    return _LEFT + _WIDTH * (min(max(log10(ratio), _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)


def _legend() -> list[str]:
    step = (_LEFT + _WIDTH) // len(_COLOURS)
    return [
        f'<circle cx="{20 + step * number}" cy="68" r="5" fill="{colour}"/>' + _text(30 + step * number, 72, library)
        for number, (library, colour) in enumerate(_COLOURS.items())
    ]


def _axis(bottom: int) -> list[str]:
    parts = [
        _text(_LEFT - 12, _TOP - 16, "job", "end"),
        _text(_across(1), _TOP - 16, "flyexpr", "middle"),
        _text(_LEFT + _WIDTH / 2, bottom + 40, "CPU time, in times of flyexpr's (logarithmic)", "middle"),
    ]
    for ratio in (0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        across = round(_across(ratio))
        parts.append(
            f'<line x1="{across}" y1="{_TOP - 8}" x2="{across}" y2="{bottom}" '
            f'stroke="currentColor" stroke-opacity="{1 if ratio == 1 else 0.2}"/>'
        )
        parts.append(_text(across, bottom + 18, f"{ratio:g} x", "middle"))
    return parts


def draw() -> None:
    """Draws the page's figures again."""
    (_DOCS / "benchmarks.svg").write_text(plot((_DOCS / "benchmarks.md").read_text()))


if __name__ == "__main__":
    draw()
