"""Photographs the console for its page: `python docs/pictures/console.py` writes console-*.png beside this file.

It needs Chromium and selenium. What is in the tables is made up; the pictures are of a real server.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.absolute()
sys.path.append(str(HERE.parent.parent / "tests" / "support"))

from browser import browsing  # noqa: E402
from console_page import ConsolePage  # noqa: E402

from flyexpr import (  # noqa: E402
    GlobalIndex,
    Table,
    VectorIndex,
    assign,
    connect,
    create_table,
    incr,
    put,
    run,
    update,
)
from flyexpr.serve import serve  # noqa: E402

FILMS = Table(
    "Films",
    "director",
    "year",
    attributes={"year": int, "rating": Decimal},
    indexes=[GlobalIndex("ByGenre", "genre", "rating"), VectorIndex("ByPlot", "plot", 3)],
    stream="both",
)
MADE_UP = [
    ("Ada Brandt", 2013, "The Long Tide", "drama", "8.3", [1, 0, 0]),
    ("Ada Brandt", 2016, "Salt", "drama", "7.4", [0.9, 0.1, 0.2]),
    ("Ada Brandt", 2019, "Night Ferry", "thriller", "8.8", [0.7, 0.6, 0]),
    ("Ada Brandt", 2023, "A Map of Rain", "drama", "6.9", [0.8, 0.2, 0.4]),
    ("Jun Okada", 2011, "Paper Moons", "animation", "8.1", [0, 0.2, 1]),
    ("Jun Okada", 2018, "The Clockmaker's Cat", "animation", "9", [0.1, 0, 0.9]),
    ("Mara Silva", 2015, "Seven Minutes", "thriller", "7.9", [0.2, 1, 0]),
    ("Mara Silva", 2021, "The Last Exchange", "thriller", "8.4", [0.3, 0.9, 0.1]),
]
WIDE, PHONE = (1100, 740, False), (360, 620, True)


def the_question(page: ConsolePage, films: Table[Any]) -> None:
    """A condition, its plan, and what it finds."""
    page.open(table="Films", text="genre = 'thriller' AND rating > 8")
    page.says("#items-count", "Page 1: 2 items")


def the_scan(page: ConsolePage, films: Table[Any]) -> None:
    """A scan, refused until it has a budget."""
    page.open(table="Films")
    page.type("text", "contains(title, 'The')")
    page.says("#verdict", "A scan")
    page.keys("\ue007")
    page.says("#scan-problem", "Not run")


def the_edit(page: ConsolePage, films: Table[Any]) -> None:
    """An edited item, and what it changes."""
    page.open(table="Films", text="director = 'Ada Brandt'")
    page.says("#items-count", "4 items")
    page.script("document.querySelectorAll('#items-rows th button')[2].click()")
    page.says("#item-body", "Night Ferry")
    page.press("Edit")
    page.edit("item-text", "8.8", '8.9,\n  "seen": true')
    page.edit("item-text", '"dark", ', "")
    page.press("Show the changes")
    page.says("#item-title", "Write these changes?")


def the_changes(page: ConsolePage, films: Table[Any]) -> None:
    """Changes as they arrive, on a phone at night."""
    page.open(table="Films", view="changes")
    page.until("return watch.cursor")
    put(films, {"director": "Noor Haddad", "year": 2026, "title": "First Light", "genre": "drama"})
    update(films, ("Noor Haddad", 2026), assign("rating", Decimal("8.2")))
    update(films, ("Jun Okada", 2018), incr("views"))
    page.says("#changes-state", "3 changes")


PICTURES: dict[str, tuple[Callable[[ConsolePage, Table[Any]], None], tuple[int, int, bool], str]] = {
    "console-question.png": (the_question, WIDE, "light"),
    "console-scan.png": (the_scan, WIDE, "light"),
    "console-edit.png": (the_edit, WIDE, "light"),
    "console-changes.png": (the_changes, PHONE, "dark"),
}


@contextmanager
def films() -> Iterator[Table[Any]]:
    """The table of made-up films, in a file of the current folder."""
    with connect("sqlite:films.db") as engine:
        table = FILMS.on(engine)
        run(table, create_table())
        for director, year, title, genre, rating, plot in MADE_UP:
            item = {"director": director, "year": year, "title": title, "genre": genre, "rating": Decimal(rating)}
            put(table, {**item, "moods": {"dark", "slow", "wet"}, "views": 3 * year % 100, "plot": plot})
        run(Table("Tickets", "id").on(engine), create_table())
        run(Table("Visitors", "id").on(engine), create_table())
        yield table


def photograph(folder: Path) -> None:
    """Writes the pictures into a folder; its files of a moment go into the current one."""
    with (
        browsing(Path("profile").absolute()) as browser,
        films() as table,
        serve(table.engine, console="write") as server,
    ):
        page = ConsolePage(browser, server)
        for name, (bring, (width, height, mobile), scheme) in PICTURES.items():
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            feature = {"name": "prefers-color-scheme", "value": scheme}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
            bring(page, table)
            (folder / name).write_bytes(browser.get_screenshot_as_png())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        photograph(HERE)
        os.chdir(HERE)
