"""Every command that a page shows at a `$` does what the page shows."""

import re

import pytest
from pages import PAGES, blocks, page_id
from program import ROOT, Program

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


def test_the_page_names_every_command():
    from flyexpr.cli.app import _COMMANDS

    assert [name for name in _COMMANDS if not re.search(rf"\b{name}\b", PAGE)] == []


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130])
def test_the_page_names_every_exit_code(code: int):
    assert f"| {code} | " in PAGE
