"""The pictures of the pages are what the program beside them draws, from the code and from real runs.

That of the house is tested in test_house.py.
"""

import json
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest
from places import DOCS, loaded

FOLDER = DOCS / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


DRAWING = loaded(FOLDER / "draw.py")
PHOTOGRAPHS = loaded(FOLDER / "console.py")


@pytest.mark.parametrize("name", [name for name in DRAWING.PICTURES if name != "house.svg"])
def test_a_picture_is_what_is_drawn_now(name: str) -> None:
    if name == "terminal.svg":
        pytest.importorskip("click", reason="the command line needs click")
    drawn = DRAWING.PICTURES[name]()
    assert (FOLDER / name).read_text() == drawn, f"draw it again: python docs/pictures/draw.py {name}"
    if name.endswith(".svg"):
        xml.etree.ElementTree.fromstring(drawn)
    assert len(drawn) < 60_000


def test_the_notebook_shows_the_right_things() -> None:
    names: dict[str, Any] = {}
    cells = [cell for cell in json.loads((DOCS / "tour.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    shown = [DRAWING.value_of("".join(cell["source"]), names) for cell in cells]
    table, written, plan, _, best, items, fan_out, page, *_, difference, updated, beginners, both = shown
    assert "GameScores" in table._repr_html_()
    assert "<svg " in plan._repr_html_()
    assert (plan.index, plan.filter) == ("ByScore", "wins > 2")
    high = [number for number in range(0, 300, 3) if number * 37 % 1000 > 900 and number % 7 > 2]
    assert {name for name, _ in best} == {f"u{number:03}" for number in high}
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    assert "all read" in items._repr_html_()
    assert (len(fan_out.requests), len(page)) == (2, 3)
    low = [number * 37 % 1000 for number in range(2, 300, 3) if number * 37 % 1000 < 100]
    assert (written, updated, beginners[0]) == (300, len(low), sorted(low))
    assert difference == "SET wins = 1, tags = <<'late'>>"
    assert both.operation == "TransactWriteItems"
    names["engine"].close()


def test_every_picture_is_drawn() -> None:
    assert {path.name for path in FOLDER.glob("*.svg")} == {name for name in DRAWING.PICTURES if name.endswith(".svg")}


def test_the_console_is_photographed_as_it_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures have the size and the names of those that the program makes; their pixels are the browser's."""
    monkeypatch.chdir(tmp_path)
    PHOTOGRAPHS.photograph(tmp_path)
    names = {path.name for path in FOLDER.glob("*.png")}
    assert names == {path.name for path in tmp_path.glob("*.png")} == set(PHOTOGRAPHS.PICTURES)
    assert {name for name in names if size_of(FOLDER / name) != size_of(tmp_path / name)} == set()


def size_of(picture: Path) -> bytes:
    """The width and the height in the head of a PNG."""
    return picture.read_bytes()[16:24]


def test_the_photographs_of_the_console_are_small_and_shown() -> None:
    page = (DOCS / "how-to/console.md").read_text()
    for name in PHOTOGRAPHS.PICTURES:
        assert (FOLDER / name).stat().st_size < 110_000
        assert f"](../pictures/{name})" in page


def test_the_session_shows_no_failure_that_is_not_meant() -> None:
    """The picture's lines that begin with the program's name are its errors."""
    lines = [each.text or "" for each in xml.etree.ElementTree.parse(FOLDER / "terminal.svg").iter(f"{SVG}text")]
    commands = [line for line in lines if line.startswith("$ ")]
    assert [command.removeprefix("$ ") for command in commands] == DRAWING.COMMANDS.splitlines()
    refused = [lines[number - 1] for number, line in enumerate(lines) if line.startswith("flyexpr: ")]
    assert [command.split("flyexpr ")[1].split()[0] for command in refused] == ["update", "query"]
