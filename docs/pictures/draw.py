"""Draws the pictures of these pages: `python docs/pictures/draw.py` writes them beside this file.

    house.svg      which room of the package imports from which, read from the code
    plan.svg       what `explain` shows in a notebook
    terminal.svg   commands and what they print, from a real run
    ../tour.ipynb  the notebook, run from top to bottom, with what its cells show

The tests compare the files with what this program draws.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGE = ROOT / "flyexpr"

_COLOURS = (
    "<style>svg{color:#1f2328;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}</style>\n"
)


# --- the house


def house() -> str:
    """A row and a column for each room, from the ground up, and a dot where the room of the row imports the other."""
    rooms = list(rooms_of((ROOT / "docs/house.md").read_text()))
    left, top, cell = 120, 110, 22
    side = cell * len(rooms)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + side + 60} {top + side + 50}" role="img" '
        'font-family="sans-serif" font-size="12" fill="currentColor">',
        "<title>Which room of flyexpr imports from which</title>",
        _COLOURS.rstrip(),
    ]
    for row, room in enumerate(rooms):
        middle = top + cell * row + cell // 2
        across = left + cell * row + cell // 2
        line = f'<line x1="{left}" y1="{middle}" x2="{across}" y2="{middle}" stroke="currentColor" opacity="0.15"/>'
        line += (
            f'<line x1="{across}" y1="{middle}" x2="{across}" y2="{top + side}" stroke="currentColor" opacity="0.15"/>'
        )
        parts.append(line + f'<text x="{left - 8}" y="{middle + 4}" text-anchor="end">{room}</text>')
        parts.append(f'<text transform="translate({across + 4} {middle - 9}) rotate(-45)" opacity="0.65">{room}</text>')
        for other in sorted(imports_of(room) - {room}):
            dot = left + cell * rooms.index(other) + cell // 2
            parts.append(
                f'<circle cx="{dot}" cy="{middle}" r="5" fill="#3b82c4"><title>{room} → {other}</title></circle>'
            )
    note = "A room imports from those with a dot in its row. No dot is right of the diagonal: nothing imports upwards."
    parts.append(f'<text x="12" y="24">{note}</text>')
    return "\n".join([*parts, "</svg>\n"])


def rooms_of(page: str) -> Iterator[str]:
    """The folders and files in the root of the package, in the order of the page's map.

    >>> list(rooms_of("```\\nflyexpr/\\n  errors.py  drive.py\\n     words\\n  values/   words\\n    parts/\\n```"))
    ['errors', 'drive', 'values']
    """
    for line in page.split("```")[1].strip().splitlines()[1:]:
        if re.match(r"  \S", line):
            yield from (name.rstrip("/").removesuffix(".py") for name in re.findall(r"[a-z_]+(?:\.py|/)(?=\s|$)", line))


def imports_of(room: str) -> set[str]:
    """The rooms that a room imports from, at the top of its files or within functions.

    >>> "errors" in imports_of("values"), "cli" in imports_of("values")
    (True, False)
    """
    paths = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else [*(PACKAGE / room).rglob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {module.split(".")[1] for module in modules if module.startswith("flyexpr.")}


# --- a plan


def plan() -> str:
    """The picture of a query through an index with a filter."""
    from flyexpr import GlobalIndex, Table, eq, explain, gt, query

    scores = Table(
        "GameScores",
        "userid",
        "title",
        attributes={"top_score": int},
        indexes=[GlobalIndex("ByTitle", "title", "top_score")],
    )
    return explain(scores, query(eq("title", "Comet Quest") & gt("top_score", 9000) & gt("wins", 3))).svg() + "\n"


# --- a terminal

COMMANDS = r"""
export FLYEXPR_ENGINE=sqlite:movies.db              # or dynamodb://eu-west-1, http://localhost:8000
flyexpr create Movies year:N title --index "ByTitle title"
flyexpr put Movies '{"year": 2013, "title": "Rush", "info": {"rating": 8.3}, "tags": {"$set": ["cars"]}}'
flyexpr put Movies '{"year": 1991, "title": "Rush", "info": {"rating": 6.5}}'
flyexpr query Movies "title = 'Rush' AND info.rating > 8"
flyexpr explain Movies "title = 'Rush' AND info.rating > 8" | head -n 5
flyexpr update Movies 2013 Rush "SET info.seen = true ADD views 1" --returns UPDATED_NEW
flyexpr update Movies 2013 Rush "ADD views 1" --if "views > 5"
flyexpr query Movies "info.rating > 8"
""".strip()


def terminal() -> str:
    """The commands and what they print, line by line, as at a terminal; it plays once, and then stands still."""
    lines = list(session(COMMANDS.splitlines()))
    width, height = 28 + 7.25 * max(len(text) for _, text, _ in lines), 18 * len(lines) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" role="img" '
        'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="12" fill="#d7dde4">',
        "<title>A session with flyexpr at a terminal</title>",
        "<style>text{opacity:0;animation:on 1ms forwards}@keyframes on{to{opacity:1}}"
        "@media (prefers-reduced-motion:reduce){text{animation-delay:0s!important}}</style>",
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#14181d"/>',
    ]
    for number, (at, text, is_command) in enumerate(lines):
        colour = ' fill="#7ee0a2"' if is_command else ""
        parts.append(
            f'<text x="12" y="{26 + 18 * number}" xml:space="preserve" style="animation-delay:{at:.1f}s"{colour}>'
            f"{escape(text)}</text>"
        )
    return "\n".join([*parts, "</svg>\n"])


def session(commands: Sequence[str]) -> Iterator[tuple[float, str, bool]]:
    """Each line of the terminal, the second at which it appears, and whether it is a command."""
    at = 0.0
    for command, printed in zip(commands, answers(commands), strict=True):
        yield at, f"$ {command}", True
        at += 0.8
        for line in printed.splitlines():
            yield at, line, False
        at += 1.2 if printed else 0.2


def answers(commands: Sequence[str]) -> list[str]:
    """What each command prints, of all in one bash."""
    mark = "=== "
    script = [f'flyexpr() {{ "{sys.executable}" -m flyexpr.cli "$@"; }}', "exec 2>&1"]
    script += [f"echo '{mark}'\n{command}" for command in commands]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLYEXPR_", "AWS_"))}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"},
        )
    return done.stdout.split(f"{mark}\n")[1:]


# --- the notebook


def tour() -> str:
    """The notebook with what its cells show today, as Jupyter would write it."""
    notebook = json.loads((HERE / "../tour.ipynb").read_text())
    names: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        value = value_of("".join(cell["source"]), names)
        cell["execution_count"] = number
        cell["outputs"] = []
        if value is not None:
            data = {"text/plain": repr(value).splitlines(keepends=True)}
            if hasattr(value, "_repr_html_"):
                data = {"text/html": value._repr_html_().splitlines(keepends=True), **data}
            result = {"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}}
            cell["outputs"] = [result]
    names["engine"].close()
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def value_of(cell: str, names: dict[str, Any]) -> Any:
    """What a notebook shows below a cell: the value of its last line, if that is an expression.

    >>> value_of("a = 1\\na + 1", {}), value_of("a = 1", {})
    (2, None)
    """
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


PICTURES: dict[str, Callable[[], str]] = {
    "house.svg": house,
    "plan.svg": plan,
    "terminal.svg": terminal,
    "../tour.ipynb": tour,
}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for name in sys.argv[1:] or PICTURES:
        (HERE / name).write_text(PICTURES[name]())
