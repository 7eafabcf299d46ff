"""Options that several commands share, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from flyexpr.cli import completions, environment
from flyexpr.cli.formats.csv_rows import BY_CELL, Types
from flyexpr.cli.index_words import GLOBAL_WORDS, VECTOR_WORDS
from flyexpr.cli.session import Session
from flyexpr.expressions.nodes import ALWAYS, Condition
from flyexpr.expressions.nodes import Path as DocumentPath
from flyexpr.expressions.parse import TEXT, Scope, parse_condition, read_projection
from flyexpr.schema.table import Table

Command = TypeVar("Command", bound=Callable[..., Any])


def all_of(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """The options as one decorator, in the order in which `--help` lists them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _keep_engine(context: click.Context, _: click.Parameter, url: str | None) -> None:
    if url is not None:
        context.find_root().obj = Session(url)


engine = click.option(
    "--engine",
    metavar="URL",
    expose_value=False,
    callback=_keep_engine,
    shell_complete=completions.engines,
    help=environment.ENGINE_HELP,
)


def session(makes: bool = False) -> Session:
    """The session of the command that runs; one that `makes` makes the file of an engine if it is missing."""
    current: Session = click.get_current_context().find_root().obj or Session()
    return replace(current, makes=makes)


table = click.argument("table", shell_complete=completions.table_names)
index = click.option("--index", metavar="NAME", help="Read this index.", shell_complete=completions.index_names)
file = click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
consistent = click.option(
    "--consistent", is_flag=True, help="See every write that was acknowledged; costs twice as much."
)
limit = click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N items.")
project = click.option(
    "--project",
    metavar="PATHS",
    help="Only these attributes: 'title, info.rating'.",
    shell_complete=completions.attributes,
)
reverse = click.option("--reverse", is_flag=True, help="From the largest sort key down.")
segments = click.option(
    "--segments",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=4,
    show_default=True,
    help="Parts read at the same time.",
)
at = click.option(
    "--at", metavar="TIME", help="Read the table as it stood then, such as 2026-01-31T12:00:00Z; only with sqlite:PATH."
)
start = click.option(
    "--start", metavar="CURSOR", help="Go on after an earlier read, from the cursor that its --stats printed."
)
stats = click.option(
    "--stats", is_flag=True, help="Print on stderr what the read has cost, and the cursor if there is more."
)
wire = click.option(
    "--wire", is_flag=True, help='DynamoDB JSON, {"id": {"S": "a"}}, as the AWS CLI and exports to S3 have it.'
)
explain = click.option("--explain", is_flag=True, help="Print what would be done, and why; touch nothing.")
dry_run = click.option("--dry-run", is_flag=True, help="Print what would be done, and to how many; change nothing.")
condition_if = click.option(
    "--if",
    "condition",
    metavar="CONDITION",
    help="Only where this is true of the item; else exit code 3.",
    shell_complete=completions.conditions,
)
condition = click.argument("condition", shell_complete=completions.conditions)
condition_or_all = click.argument("condition", required=False, shell_complete=completions.conditions)
rate = click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="UNITS",
    help="Use at most UNITS read and write units a second.",
)
ttl = click.option(
    "--ttl",
    metavar="ATTRIBUTE",
    help="The attribute with the time after which an item may be removed, in seconds since 1970.",
)
settings = all_of(
    click.option(
        "--stream",
        type=click.Choice(["keys", "new", "old", "both", "off"]),
        help="What the stream has of each change: the keys, the new item, the old one, or both.",
    ),
    click.option("--billing", metavar="MODE", help="on-demand, or READ,WRITE units a second, such as 5,2."),
    click.option("--protect", type=click.Choice(["on", "off"]), help="on: the table cannot be dropped."),
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")
rejects = click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write each refused item there, with the reason, and go on.",
)
resume = click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep a journal there; after an interruption the same command goes on.",
)
quiet = click.option("--quiet", is_flag=True, help="No line on stderr at the end.")


def form(*allowed: str) -> Callable[[Command], Command]:
    """The option for the form of items that are written, or read."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(allowed),
        default="json",
        show_default=True,
        help="The format of the items.",
    )


def global_index(what: str) -> Callable[[Command], Command]:
    """The option for global indexes to make."""
    return click.option("--index", "indexes", multiple=True, metavar="TEXT", help=f"{what}: '{GLOBAL_WORDS}'.")


def vector_index(what: str) -> Callable[[Command], Command]:
    """The option for vector indexes to make."""
    return click.option("--vectors", multiple=True, metavar="TEXT", help=f"{what}: '{VECTOR_WORDS}'.")


def form_of(form: str, wire: bool) -> str:
    """The form that `--format` and `--wire` ask for."""
    if wire and form != "json":
        raise click.UsageError("--wire and --format cannot stand together")
    return "wire" if wire else form


def output(command: Callable[..., None]) -> Callable[..., None]:
    """The options for the form in which items are written, as one decorator; the command takes it as `form`."""

    @wraps(command)
    def gathered(*, form: str, wire: bool, text: bool, **others: Any) -> None:
        if text and form != "csv":
            raise click.UsageError("--text is for --format csv")
        command(form="text" if text else form_of(form, wire), **others)

    return all_of(form("json", "csv", "table"), wire, plain_text)(gathered)


plain_text = click.option(
    "--text", is_flag=True, help="With --format csv: texts as they are, without the quotes that tell them from numbers."
)


def sheet(command: Callable[..., None]) -> Callable[..., None]:
    """The options for the types of a sheet that is read, as one decorator; the command takes them as `types`."""

    @wraps(command)
    def gathered(*, typed: tuple[str, ...], text: bool, **others: Any) -> None:
        command(types=_types(typed, text), **others)

    return all_of(
        click.option(
            "--types",
            "typed",
            multiple=True,
            metavar="NAME:TYPE,...",
            help="The types of columns of a CSV file, S, N or B: 'zip:S,price:N'.",
        ),
        click.option("--text", is_flag=True, help="Read all other columns of a CSV file as text."),
    )(gathered)


def _types(typed: Iterable[str], text: bool) -> Types:
    kinds = {}
    for word in (word for words in typed for word in words.split(",")):
        name, _, kind = word.rpartition(":")
        if not name or kind not in ("S", "N", "B"):
            raise click.UsageError(f"--types takes NAME:TYPE, the type one of S N B, not {word!r}")
        kinds[name] = kind
    return Types(kinds, text, frozenset(kinds))


def check_sheet(types: Types, form: str) -> None:
    """UsageError where types are given for items that say their own."""
    if types != BY_CELL and form != "csv":
        raise click.UsageError("--types and --text are for CSV files; JSON says its types itself")


def paths_of(text: str | None) -> tuple[DocumentPath, ...] | None:
    """The paths of `--project`."""
    return None if text is None else read_projection(text, Scope({}, {}, TEXT))


def condition_of(text: str | None) -> Condition:
    """The condition in a text; without a text, one that is always true."""
    return ALWAYS if text is None else parse_condition(text)


def moment_of(text: str, *words: str) -> str | datetime:
    """What --since says: one of the words, or a time."""
    return text if text in words else _time(text, f"--since takes {', '.join(words)} or")


def table_at(name: str, text: str | None) -> Table[Any]:
    """The table of that name, as it stood at the time that `--at` says."""
    table = session().table(name)
    return table if text is None else table.at(_time(text, "--at takes"))


def _time(text: str, takes: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise click.UsageError(f"{takes} a time such as 2026-01-31T12:00:00Z, not {text!r}") from None
