"""undo: items as they were before, from the stream or from an incremental export."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import click

from flyexpr.cli import dialogue, options
from flyexpr.cli.jobs.swaps import swapped
from flyexpr.doors.plain import in_bulk
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.many.images import OnRefused
from flyexpr.steps.streams.undoing import Undoing
from flyexpr.values.layout import amount


@click.command()
@options.table
@options.condition_or_all
@click.option("--since", metavar="WHEN", help="beginning, or a time such as 2026-01-31T12:00:00Z.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Take back the changes of this incremental export, and not those of the stream.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the stream has to be without news before it counts as read.",
)
@click.option("--dry-run", is_flag=True, help="Say how many items would be changed; change nothing.")
@options.yes
@options.rate
@options.engine
def undo(
    table: str,
    condition: str | None,
    since: str | None,
    export: Path | None,
    wait: float,
    dry_run: bool,
    yes: bool,
    rate: float | None,
) -> None:
    """Take back what was changed since then: each item becomes what it was before.

    The condition is asked of all that happened to an item as one change: old(NAME) is what an attribute was before. An
    item that has been changed again is left alone, and printed with its key and what it is now; the exit code is 1
    then. The table needs a stream that keeps both images: flyexpr alter TABLE --stream both.

    \b
    flyexpr undo Orders --since 2026-01-31T12:00:00Z --dry-run
    flyexpr undo Orders --since beginning "status = 'oops'" --yes
    """
    if (since is None) == (export is None):
        raise click.UsageError("write --since WHEN, or --export FOLDER")
    begin = None if since is None else options.moment_of(since, "beginning")
    descriptor = options.session().table(table)
    wanted = None if condition is None else options.condition_of(condition)
    undoing = Undoing(descriptor, begin, wanted, export, wait, clock=time.monotonic, now=time.time)

    def take_back(only_look: bool, refused: OnRefused | None = None) -> int:
        bulk = Bulk(rate=rate, clock=time.monotonic)
        return in_bulk(undoing.steps(only_look, refused, bulk), (descriptor,), bulk)

    only_look = dry_run
    if not dry_run and not yes:
        number = take_back(only_look=True)  # so what cannot be done is refused before anybody is asked
        only_look = not number  # nobody is asked about nothing, so nothing may be changed
        if number:
            items = amount(number, "item")
            dialogue.confirm(f"Take back the changes of {items} of {table} since {since or export}?", yes)
    swapped(partial(take_back, only_look), "as it was", dry_run=dry_run)
