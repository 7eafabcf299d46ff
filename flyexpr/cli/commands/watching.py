"""watch: the changes of a table, as they are made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from flyexpr.changes.change import Change
from flyexpr.cli import dialogue, options
from flyexpr.cli.formats.sinks import write_items
from flyexpr.doors.plain import perform
from flyexpr.errors import FlyexprError
from flyexpr.steps.journals.files import replace_file
from flyexpr.steps.streams.watching import Watching
from flyexpr.values.types import Item

_WORDS = ("latest", "beginning")
_IDLE = 60.0  # seconds without a change to print, after which the place is kept all the same


@click.command()
@options.table
@options.condition_or_all
@click.option("--since", metavar="WHEN", help="latest, beginning, or a time such as 2026-01-31T12:00:00Z.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the place there, and go on after it.",
)
@click.option("--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so many seconds.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N changes.")
@options.engine
def watch(
    table: str, condition: str | None, since: str | None, resume: Path | None, seconds: float | None, limit: int | None
) -> None:
    """The changes of a table as they are made, one JSON object a line, until Ctrl-C.

    A change has kind, key, old and new. In the condition, old(NAME) is what an attribute was before; changed(NAME) and
    appeared(NAME) ask about both. The table needs a stream: flyexpr alter TABLE --stream both.

    \b
    flyexpr watch Orders "old(status) = 'open' AND status = 'done'"
    flyexpr watch Orders --since beginning --resume orders.place
    """
    if since is not None and resume is not None and resume.exists():
        raise click.UsageError(f"{resume} says where to go on; leave out --since, or name another file")
    descriptor = options.session().table(table)
    budget: Any = None if seconds is None else {"seconds": seconds}
    beginning = _kept(resume) or options.moment_of(since or "latest", *_WORDS)
    wanted = None if condition is None else options.condition_of(condition)
    watching = Watching(descriptor, wanted, beginning, budget, clock=time.monotonic, now=time.time)
    perform(watching.begin(), [descriptor])
    _keep(resume, watching)  # or a watch that is ended before its first change would begin anew
    number = 0
    with dialogue.standard_output() as stream:
        while not watching.over and number != limit:
            change = perform(watching.next_change(_IDLE), [descriptor])
            if change is not None:
                write_items([_shown(change)], stream, "json")
                stream.flush()
                number += 1
            _keep(resume, watching)


def _shown(change: Change) -> Item:
    return {
        "kind": change.kind,
        "key": change.key,
        "old": change.old,
        "new": change.new,
        "at": None if change.at is None else change.at.isoformat().replace("+00:00", "Z"),
        "sequence": change.sequence,
        "by_ttl": change.by_ttl,
    }


def _kept(file: Path | None) -> str | None:
    """The place that an earlier watch has kept."""
    if file is None or not file.exists():
        return None
    try:
        return file.read_text().strip()
    except (OSError, ValueError) as error:
        raise FlyexprError(f"{file} cannot be read: {error}") from None


def _keep(file: Path | None, watching: Watching) -> None:
    """Keeps the place after what is printed: a crash in between prints that again."""
    if file is not None and watching.cursor is not None:
        replace_file(file, f"{watching.cursor}\n".encode())
