"""completion: what a shell needs to complete commands, options and table names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_FLYEXPR_COMPLETE"  # by which the shell's script asks the program


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """The script that makes a shell complete commands, options and table names.

    \b
    flyexpr completion bash >> ~/.bashrc
    flyexpr completion zsh >> ~/.zshrc
    flyexpr completion fish > ~/.config/fish/completions/flyexpr.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(click.get_current_context().find_root().command, {}, "flyexpr", VARIABLE).source())
