"""What a person sees of long work: a line on stderr while it runs, and one at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flyexpr.cli.formats.terminal_text import plain

Tick = Callable[[float, float, float | None], None]
"""Takes the number of items done, the units spent, and the number of all items, if it is known by now."""


def last_counted(description: Mapping[str, Any]) -> str:
    """How many items a table has, for people; the service counts them every six hours or so.

    >>> last_counted({"ItemCount": 50_000})
    '50,000 when the table was last counted'
    """
    return f"{description.get('ItemCount', 0):,} when the table was last counted"


@contextmanager
def progress(title: str, done: float = 0) -> Iterator[Tick]:
    """A function that shows how far the work is; it shows nothing where stderr is not a terminal.

    >>> with progress("copy") as tick:
    ...     print(tick(10, 5.0, None))
    None

    The bar and the time left need the number of items; of a table the service counts it every six hours or so.
    """
    if not sys.stderr.isatty():
        yield lambda done, units, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:,.0f} items"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[units]:,.0f} units"),
        TimeElapsedColumn(),
        TextColumn("passed"),
        TextColumn("{task.fields[left]}"),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=None, completed=int(done), rate="", units=0.0, left="")

        def tick(done: float, units: float, total: float | None) -> None:
            speed, seconds = shown.tasks[task].speed, shown.tasks[task].time_remaining
            rate = f"{speed:,.0f}/s" if speed else ""
            left = "" if seconds is None else f"{timedelta(seconds=round(seconds))} left"
            shown.update(task, completed=done, total=total, units=units, rate=rate, left=left)

        yield tick


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """A function that says what is waited for, on stderr and only at a terminal, with the time that it takes.

    >>> with waiting() as tell:
    ...     tell("1 of 2: create index ByTitle")
    """
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [SpinnerColumn("line"), TextColumn("{task.description}", markup=False), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda text: shown.reset(task, description=plain(text))
