"""Every command that a page shows at a `$` does what the page shows."""

import inspect
import os
import re
import shutil
import subprocess
from decimal import Decimal

import click
import pytest
from pages import PAGES, blocks, page_id
from program import ROOT, Program

from flyexpr import Table, connect, run, scan
from flyexpr.cli.app import _COMMANDS, program
from flyexpr.serve import serve

COMMAND_LINE = ROOT / "docs" / "command-line.md"
PAGE = COMMAND_LINE.read_text()
WITH_COMMANDS = [page for page in PAGES if blocks(page, "console")]


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a console block, and the output shown under it.

    >>> commands("$ cat <<E\\n> a\\n> E\\na\\n$ true\\n")
    [('cat <<E\\na\\nE', 'a\\n'), ('true', '')]
    """
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        more = 1
        while more < len(lines) and lines[more].startswith("> "):
            more += 1
        command = "".join([lines[0], *(line[2:] for line in lines[1:more])])
        found.append((command.rstrip("\n"), "".join(lines[more:])))
    return found


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=page_id)
def test_the_commands_of_a_page(page, tmp_path):
    """All commands in one bash, so that what one leaves behind is there for the next."""
    tour, mark = [pair for block in blocks(page, "console") for pair in commands(block.code)], "=== "
    assert len(tour) > (30 if page == COMMAND_LINE else 0)
    # the mark leaves `$?` as it was
    marked = (f"(code=$?; echo '{mark}{place}'; exit $code)\n{command}" for place, (command, _) in enumerate(tour))
    script = "\n".join(marked)
    said = Program(tmp_path).shell(script + "\n")
    shown = re.split(rf"^{mark}\d+\n", said, flags=re.MULTILINE)[1:]
    for (command, expected), actual in zip(tour, shown, strict=True):
        assert actual == expected, command


@pytest.mark.slow
def test_the_aws_cli_does_the_same(tmp_path):
    """The other side of the page for its users leaves the items that ours leaves."""
    if shutil.which("aws") is None:
        pytest.skip("the AWS CLI is not installed")
    page = ROOT / "docs" / "coming-from-aws-cli.md"
    theirs = [block.code for block in blocks(page, "sh") if block.title == "AWS CLI"]
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
        run_it = ["bash", "-e", "-c", "\n".join(theirs)]
        there = os.environ | keys | {"AWS_ENDPOINT_URL_DYNAMODB": server.url}
        done = subprocess.run(run_it, cwd=tmp_path, capture_output=True, text=True, env=there)
        assert (done.returncode, done.stderr) == (0, "")
        movies = Table("Movies", "year", "title", attributes={"year": int}).on(engine)
        left = [(item["year"], item["title"], item["info"], item.get("views")) for item in run(movies, scan())]
    assert sorted(left, key=str) == [
        (2013, "Gravity", {"rating": Decimal("8.2")}, None),
        (2013, "Rush", {"rating": Decimal("8.3"), "seen": True}, 1),
    ]


@pytest.mark.parametrize("name", program.list_commands(click.Context(program)))
def test_every_command_and_option_has_a_sentence_of_help(name: str):
    command = program.get_command(click.Context(program), name)
    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.opts for each in options if not (each.help or "").endswith(".")] == []


def test_the_page_names_every_command():
    from flyexpr.cli.app import _COMMANDS

    assert [name for name in _COMMANDS if not re.search(rf"\b{name}\b", PAGE)] == []


@pytest.mark.parametrize("name", program.list_commands(click.Context(program)))
def test_the_page_names_every_option(name: str):
    options = [option for each in program.get_command(click.Context(program), name).params for option in each.opts]
    words = [option for option in options if option.startswith("--")]
    assert [word for word in words if not re.search(rf"{word}(?![\w-])", PAGE)] == []


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130])
def test_the_page_names_every_exit_code(code: int):
    assert f"| {code} | " in PAGE


def help_of(command: click.Command) -> str:
    """What a command says of itself and of each of its options, without the layout of a terminal.

    >>> far = click.Option(["--far/--near"], help="How far.")
    >>> print(help_of(click.Command("go", help="Go.", params=[far])), end="")
    Go.
      --far --near: How far.
    """
    options = [each for each in command.params if isinstance(each, click.Option) and each.name != "version"]
    names = [" ".join(filter(None, (*each.opts, *each.secondary_opts, each.metavar))) for each in options]
    said = inspect.cleandoc(command.help or "").replace("\b\n", "")  # the mark of lines that click does not wrap
    return "\n".join([said, *(f"  {name}: {each.help}" for name, each in zip(names, options, strict=True)), ""])


def test_every_word_of_the_help():
    """The file has what `flyexpr --help` and `flyexpr COMMAND --help` say."""
    context = click.Context(program)
    commands = {name: program.get_command(context, name) for name in program.list_commands(context)}
    short = "".join(f"{name}: {_COMMANDS[name][1]}\n" for name in commands)
    said = [f"== flyexpr {name}\n{help_of(command)}" for name, command in commands.items() if command]
    assert "\n".join([help_of(program), short, *said]) == (ROOT / "tests" / "data" / "help.txt").read_text()
