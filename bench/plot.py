"""The plot docs/benchmarks.svg: a row for each job, and a dot for each library's CPU time in times of flyexpr's."""

from __future__ import annotations

from html import escape
from math import log10

from bench.jobs import JOBS
from bench.results import Results

_COLOURS = {
    "boto3-resource": "#d9822b",
    "boto3-client": "#f0b429",
    "pynamodb": "#3366cc",
    "dyntastic": "#7b4fb5",
    "aiodynamo": "#2a9d8f",
    "pydynox": "#c0392b",
    "floor-orjson": "#999999",
}
_LEFT, _WIDTH, _ROW, _TOP = 215, 585, 24, 54
_LOW, _HIGH = -0.5, 2.5  # powers of ten


def plot(results: Results) -> str:
    """The drawing, as SVG."""
    jobs = [job for job in JOBS if "flyexpr" in getattr(results.times.get(job), "cpu", {})]
    bottom = _TOP + _ROW * len(jobs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {bottom + 30}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_LEFT + _WIDTH + 20}" height="{bottom + 30}" fill="white"/>',
        *_legend(),
        *_axis(bottom),
    ]
    for row, job in enumerate(jobs):
        middle = _TOP + _ROW * row + _ROW // 2
        parts.append(f'<text x="{_LEFT - 12}" y="{middle + 4}" text-anchor="end">{escape(job)}</text>')
        for library, colour in _COLOURS.items():
            ratio = results.faster(job, library)
            if ratio:
                parts.append(
                    f'<circle cx="{_across(ratio):.0f}" cy="{middle}" r="5" fill="{colour}">'
                    f"<title>{library}: {ratio:.1f} x</title></circle>"
                )
    return "\n".join([*parts, "</svg>\n"])


def _across(ratio: float) -> float:
    return _LEFT + _WIDTH * (min(max(log10(ratio), _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)


def _legend() -> list[str]:
    step = (_LEFT + _WIDTH) // len(_COLOURS)
    return [
        f'<circle cx="{14 + step * number}" cy="16" r="5" fill="{colour}"/>'
        f'<text x="{24 + step * number}" y="20">{library}</text>'
        for number, (library, colour) in enumerate(_COLOURS.items())
    ]


def _axis(bottom: int) -> list[str]:
    parts = []
    for ratio in (0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        across = round(_across(ratio))
        parts.append(
            f'<line x1="{across}" y1="{_TOP - 6}" x2="{across}" y2="{bottom}" '
            f'stroke="{"black" if ratio == 1 else "#dddddd"}"/>'
            f'<text x="{across}" y="{bottom + 18}" text-anchor="middle">{ratio:g} x</text>'
        )
    return parts
