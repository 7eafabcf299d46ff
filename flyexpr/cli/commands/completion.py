"""completion: what a shell needs to complete commands, options, files, and the names of tables and indexes."""

from __future__ import annotations

import os

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class

from flyexpr.cli.environment import COMPLETING


class _Bash(BashComplete):
    """Completion by the line itself, since bash takes words apart at a colon, and every URL has one."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' answer kind
    COMPREPLY=()
    for answer in $(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_CWORD=9999 %(complete_var)s=bash_complete "$1"); do
        kind=${answer%%%%,*}
        case $kind in
            plain)
                COMPREPLY+=("${answer#*,}")
                case $answer in *[:/\\(]) compopt -o nospace ;; esac ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, _ = super().get_completion_args()  # no word has the number 9999, so these are all there are
        is_begun = bool(words) and not os.environ["COMP_WORDS"][-1:].isspace()
        return words, words.pop() if is_begun else ""


add_completion_class(_Bash)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """The script that makes a shell complete commands, options, files, and the names of tables and indexes.

    \b
    flyexpr completion bash >> ~/.bashrc
    flyexpr completion zsh >> ~/.zshrc
    flyexpr completion fish > ~/.config/fish/completions/flyexpr.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(click.get_current_context().find_root().command, {}, "flyexpr", COMPLETING).source())
