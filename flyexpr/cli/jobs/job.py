"""How a command does long work: its options, its journal and rejects, and the line at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from flyexpr.cli import dialogue, notes, options
from flyexpr.cli.jobs.rejects import Rejects, fact_of
from flyexpr.cli.jobs.work import Job
from flyexpr.steps.journals.journal import Journal

_options = options.all_of(
    options.rate,
    options.explain,
    options.dry_run,
    options.rejects,
    options.resume,
    options.quiet,
    options.engine,
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a job is to be done: what its options say.

    >>> Manner().dry_run
    False
    """

    rate: float | None = None
    explain: bool = False
    dry_run: bool = False
    rejects: Path | None = None
    resume: Path | None = None
    quiet: bool = False

    def plan(self, *lines: object, look: Callable[[], object] | None = None) -> None:
        """Ends the command with its plan where only that is wanted; with a dry run after it where that is."""
        dialogue.plan(self.explain or self.dry_run, *lines, look=look if self.dry_run else None)


def bulk(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a job as one decorator; the command takes what they say as `manner`."""

    @wraps(command)
    def gathered(
        *,
        rate: float | None,
        explain: bool,
        dry_run: bool,
        rejects: Path | None,
        resume: Path | None,
        quiet: bool,
        **others: Any,
    ) -> None:
        command(manner=Manner(rate, explain, dry_run, rejects, resume, quiet), **others)

    return _options(gathered)


@contextmanager
def job(title: str, verb: str, settings: dict[str, Any], manner: Manner, total: int | None = None) -> Iterator[Job]:
    """A job of the command line: its journal is gone once it is done, and a line says what it came to.

    A dry run looks at the same entries, and keeps no journal.
    """
    verb, resume = ("checked", None) if manner.dry_run else (verb, manner.resume)
    journal = Journal(resume, {"command": title, "engine": options.session().shown, **settings})
    try:
        refused = Rejects(manner.rejects, journal.fact(fact_of(manner.rejects)) or 0)
    except BaseException:
        journal.release()
        raise
    work = Job(title, journal, refused, manner.rate, total)
    try:
        yield work
    except BaseException:
        if work.done and not manner.quiet:
            notes.note(work.summary(f"{verb} so far"))
        raise
    else:
        journal.close()
    finally:
        work.close()
    if not manner.quiet:
        notes.note(work.summary(verb))
    if work.refused:
        raise click.exceptions.Exit(notes.FAILED)
