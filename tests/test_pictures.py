"""The pictures of the pages are what the program beside them draws, from the code and from real runs."""

import importlib.util
import xml.etree.ElementTree
from types import ModuleType

import pytest
from places import DOCS

FOLDER = DOCS / "pictures"


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw", FOLDER / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DRAWING = drawing()


@pytest.mark.parametrize("name", DRAWING.PICTURES)
def test_a_picture_is_what_is_drawn_now(name: str) -> None:
    if name == "terminal.svg":
        pytest.importorskip("click", reason="the command line needs click")
    drawn = DRAWING.PICTURES[name]()
    assert (FOLDER / name).read_text() == drawn, f"draw it again: python docs/pictures/draw.py {name}"
    xml.etree.ElementTree.fromstring(drawn)
    assert len(drawn) < 60_000


def test_every_picture_is_drawn() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.svg")) == sorted(DRAWING.PICTURES)


def test_nothing_in_the_house_imports_upwards() -> None:
    """As the picture says."""
    rooms = list(DRAWING.rooms_of((DOCS / "house.md").read_text()))
    assert len(rooms) > 15
    for place, room in enumerate(rooms):
        assert DRAWING.imports_of(room) <= {*rooms[: place + 1]}


def test_the_session_shows_no_failure_that_is_not_meant() -> None:
    commands = DRAWING.COMMANDS.splitlines()
    printed = dict(zip(commands, DRAWING.answers(commands), strict=True))
    refused = [command for command, text in printed.items() if text.startswith("flyexpr: ")]
    assert [command.split("flyexpr ")[1].split()[0] for command in refused] == ["update", "query"]
