"""Every command of docs/command-line.md does what the page shows."""

import re

import pytest
from program import ROOT, Program

PAGE = (ROOT / "docs" / "command-line.md").read_text()


def commands(page: str) -> list[tuple[str, str]]:
    """Each command of the page's console blocks, and the output shown under it.

    >>> commands("```console\\n$ cat <<E\\n> a\\n> E\\na\\n$ true\\n```\\n")
    [('cat <<E\\na\\nE', 'a\\n'), ('true', '')]
    """
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            more = 1
            while more < len(lines) and lines[more].startswith("> "):
                more += 1
            command = "".join([lines[0], *(line[2:] for line in lines[1:more])])
            found.append((command.rstrip("\n"), "".join(lines[more:])))
    return found


def test_the_tour(tmp_path):
    """All commands in one bash, so that what one leaves behind is there for the next."""
    tour, mark = commands(PAGE), "=== "
    assert len(tour) > 30
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
