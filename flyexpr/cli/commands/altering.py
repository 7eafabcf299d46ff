"""alter, drop: a table that changes, and one that goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from flyexpr.cli import completions, dialogue, notes, options
from flyexpr.cli.jobs.progress import last_counted, waiting
from flyexpr.cli.schemas import altered_schema, setting_words
from flyexpr.doors.plain import perform
from flyexpr.drive import relayed
from flyexpr.errors import FlyexprError
from flyexpr.explanation import explain as explained
from flyexpr.requests.constructors import delete_table, describe_table, update_table
from flyexpr.requests.operations import UpdateTable
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.course import course
from flyexpr.steps.step import Step, Steps
from flyexpr.sync import run


@click.command()
@options.table
@options.global_index("Add a global index")
@options.vector_index("Add a vector index")
@click.option(
    "--drop-index",
    "drops",
    multiple=True,
    metavar="NAME",
    help="Drop an index; its items stay in the table.",
    shell_complete=completions.index_names,
)
@options.ttl
@click.option("--no-ttl", is_flag=True, help="Items no longer expire.")
@options.settings
@options.explain
@options.dry_run
@options.engine
def alter(
    table: str,
    indexes: tuple[str, ...],
    vectors: tuple[str, ...],
    drops: tuple[str, ...],
    explain: bool,
    dry_run: bool,
    **settings: Any,
) -> None:
    """Change the indexes and settings of a table, and wait until it can be used.

    It makes one change after the other, and leaves alone what is already as you ask.

    \b
    flyexpr alter Movies --index "ByRating rating:N" --drop-index ByTitle
    flyexpr alter Movies --ttl expires --stream both --dry-run
    """
    if not (indexes or vectors or drops or any(settings.values())):
        raise click.UsageError("say what to change, as by --index, --drop-index or --ttl")
    descriptor, description = options.session().described(table)
    wanted = altered_schema(run(descriptor, describe_table()), indexes, vectors, drops, setting_words(**settings))
    steps = run(wanted, update_table(drop=bool(drops), dry_run=True))
    lines = [dialogue.step("change", text) for text in steps or ["none: the table is so already"]]
    if any(text.startswith("create index") for text in steps):
        lines.append(dialogue.step("items", f"{last_counted(description)}; a new index reads them all"))
    dialogue.plan(explain or dry_run, dialogue.step("operation", f"UpdateTable on {table}"), *lines)
    _alter(wanted, UpdateTable(drop=bool(drops)), steps)
    notes.note("; ".join(steps) or "nothing is changed: the table is so already")


def _alter(table: Table, operation: UpdateTable, steps: list[str]) -> None:
    """Does the steps, and says at a terminal which one is under way."""
    with waiting() as tell:
        left = iter(f"{number} of {len(steps)}: {text}" for number, text in enumerate(steps, 1))
        perform(relayed(course(table, operation), _watch, lambda: tell(next(left)), FlyexprError), [table])


def _watch(begin: Callable[[], None], step: Step) -> Steps[Any]:
    if isinstance(step, Request) and step.operation in ("UpdateTable", "UpdateTimeToLive"):
        begin()
    return (yield step)


@click.command()
@options.table
@options.yes
@options.explain
@options.dry_run
@options.engine
def drop(table: str, yes: bool, explain: bool, dry_run: bool) -> None:
    """Remove a table with all of its items, and wait until it is gone. It asks first, unless you write --yes.

    \b
    flyexpr drop Movies
    flyexpr drop Movies --yes
    """
    session = options.session()
    descriptor, description = session.described(table)
    counted = dialogue.step("items", last_counted(description))
    dialogue.plan(explain or dry_run, explained(descriptor, delete_table()), counted)
    if descriptor.deletion_protection:
        raise FlyexprError(f"{table} is protected from being dropped\n  hint: flyexpr alter {table} --protect off")
    dialogue.confirm(f"Drop the table {table} of {session.shown} with all of its items?", yes)
    with waiting() as tell:
        tell(f"drop {table}")
        run(descriptor, delete_table())
