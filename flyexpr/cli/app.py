"""The commands by name, and a run of the program from its arguments to its exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from flyexpr.cli import environment, notes
from flyexpr.cli.endings import ended, note_of_system
from flyexpr.records import later
from flyexpr.version import __version__

# Before it knows its command the program loads click and little else: what a command needs comes with the command's
# module, and the rest by `later`. With all imports at the top, `flyexpr --version` took twice as long.
Session = later("flyexpr.cli.session", "Session")
complete_engines = later("flyexpr.cli.completions", "engines")
meant_command = later("flyexpr.cli.other_names", "meant_command")

_COMMANDS = {
    "tables": ("tables", "The names of the tables."),
    "describe": ("tables", "What a table is."),
    "create": ("tables", "Make a table."),
    "alter": ("altering", "Change the indexes and settings of a table."),
    "drop": ("altering", "Remove a table."),
    "get": ("reading", "One item by its key."),
    "query": ("reading", "The items under one partition key that match."),
    "search": ("searching", "The items whose vectors are nearest to one."),
    "scan": ("reading", "All items of a table, or those that match."),
    "count": ("reading", "How many items match."),
    "explain": ("reading", "How a condition would be answered, and at what cost."),
    "watch": ("watching", "The changes of a table, as they are made."),
    "put": ("writing", "Write items, one JSON object a line."),
    "update": ("writing", "Change one item, or all that match."),
    "delete": ("writing", "Remove one item, or all that match."),
    "undo": ("undoing", "Make items what they were before."),
    "edit": ("editing", "Change one item in an editor."),
    "copy": ("copying", "Copy a table to another one."),
    "export": ("copying", "Write a table into a folder or file."),
    "import": ("copying", "Write the items of a folder or file into a table."),
    "diff": ("comparing", "What differs between two tables."),
    "filter": ("filtering", "The JSON Lines that match."),
    "apply": ("filtering", "JSON Lines with an update done to each."),
    "shell": ("prompting", "A prompt for these commands."),
    "serve": ("serving", "Serve an engine as a DynamoDB endpoint."),
    "completion": ("completion", "The script for a shell's completion."),
}


class _ReaderGone(Exception):
    """The reader of our output has closed it."""


class _Program(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # which click would make an exit code of 1
            raise _ReaderGone from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and name not in _COMMANDS and (meant := meant_command(name, _COMMANDS)):
            ctx.fail(f"No such command {name!r}. Did you mean {meant!r}?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"flyexpr.cli.commands.{_COMMANDS[name][0]}")
        command: click.Command = getattr(module, name + "_" * (name == "import"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option(
    "--engine",
    metavar="URL",
    shell_complete=complete_engines,
    help=environment.ENGINE_HELP,
)
@click.version_option(__version__, prog_name="flyexpr")
@click.pass_context
def program(context: click.Context, engine: str | None) -> None:
    """Query and update DynamoDB: JSON Lines in and out, conditions in DynamoDB's own syntax with literals in place.

    \b
    flyexpr query Movies "year = 2013 AND info.rating > 8" | flyexpr put Good
    export FLYEXPR_ENGINE=sqlite:movies.db

    Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 a condition was false, 4 nothing found.
    """
    if engine is not None or context.obj is None:  # a shell hands its own session to each of its commands
        context.obj = Session(engine)


def run_program(arguments: Sequence[str]) -> int:
    """The exit code of a run with these arguments; errors are written to stderr."""
    _open_what_is_closed()
    code = 0
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except (BrokenPipeError, _ReaderGone):
        code = 0
    except OSError as error:
        if code != notes.FAILED:  # else the error is written already
            note_of_system(error)
        code = notes.FAILED
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where the rest of the output goes
    return code


def _open_what_is_closed() -> None:
    """Opens the standard streams that a shell has closed, so that they fail; else a file would get their number."""
    for name, mode, flags in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, closefd=False))  # noqa: SIM115


def _run(arguments: Sequence[str]) -> int:
    if environment.COMPLETING in os.environ:
        importlib.import_module("flyexpr.cli.commands.completion")  # it completes in bash what click cannot
    return ended(arguments, lambda: program.main(list(arguments), "flyexpr", standalone_mode=False))
