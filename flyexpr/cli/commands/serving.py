"""serve: an engine as a DynamoDB endpoint."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import click

from flyexpr.cli import notes, options
from flyexpr.errors import FlyexprError

if TYPE_CHECKING:
    from flyexpr.serve import Rights

_HINTS = {
    errno.EADDRINUSE: "--port 0 takes one that is free",
    errno.EACCES: "ports below 1024 need rights that you do not have; take a higher one",
    errno.EADDRNOTAVAIL: "--host takes an address of this machine",
}


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; `localhost` is 127.0.0.1 and ::1. Signatures are not checked: think before others "
    "can reach it.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Accept this host name, too, in the URLs of clients; localhost and addresses are always accepted. May be "
    "repeated.",
)
@click.option(
    "--console",
    is_flag=False,
    flag_value="read",
    type=click.Choice(["read", "write"]),
    help="Also a page to look through the tables in a browser; --console=write lets it change items.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    default=1,
    show_default=True,
    help="Processes that serve together, for an engine on a file: reads use several cores.",
)
@click.option(
    "--read-only",
    is_flag=True,
    help="Refuse every operation that can change something. On AWS, --console does that too; --console=write does not.",
)
@options.engine
def serve(port: int, host: str, hosts: tuple[str, ...], console: Rights | None, workers: int, read_only: bool) -> None:
    """Serve an engine by DynamoDB's protocol until Ctrl-C: for the AWS CLI, SDKs and tests in any language.

    \b
    flyexpr serve --engine sqlite:scores.db --port 8000
    aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000
    flyexpr serve --console --engine sqlite:scores.db
    """
    from flyexpr.serve import serve as served

    if read_only and console == "write":
        raise click.UsageError("--read-only and --console=write cannot stand together")
    session = options.session(makes=not read_only)
    read_only = read_only or (console == "read" and session.is_aws)
    try:
        running = served(session.engine, port, host, hosts=hosts, console=console, workers=workers, read_only=read_only)
    except OSError as error:
        hint = f"\n  hint: {_HINTS[error.errno]}" if error.errno in _HINTS else ""
        raise FlyexprError(f"port {port} of {host} cannot be served: {error.strerror}{hint}") from None
    with running as server:
        try:
            reading = " for reading only" if read_only else ""
            notes.warn(f"{session.shown} is served at {server.url}{reading}; Ctrl-C ends it")
            if server.console_url:
                notes.warn(f"its console is at {server.console_url}")
            server.wait()
        except KeyboardInterrupt:
            click.echo(err=True)
