"""serve: an engine as a DynamoDB endpoint."""

from __future__ import annotations

import threading

import click

from flyexpr.cli import options
from flyexpr.errors import FlyexprError


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes one that is free."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Signatures are not checked: think before you open it to others.",
)
@options.engine
def serve(port: int, host: str) -> None:
    """Serve an engine by DynamoDB's protocol until Ctrl-C: for the AWS CLI, SDKs and tests in any language.

    \b
    flyexpr serve --engine sqlite:scores.db --port 8000
    aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000
    """
    from flyexpr.serve import serve as served

    session = options.session(makes=True)
    try:
        running = served(session.engine, port, host)
    except OSError as error:
        reason = f"port {port} of {host} cannot be served: {error.strerror}"
        raise FlyexprError(f"{reason}\n  hint: --port 0 takes one that is free") from None
    with running as server:
        options.warn(f"{session.place} is served at {server.url}; Ctrl-C ends it")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo(err=True)
