"""The pages of the documentation, and what stands in their blocks of code.

A block of Python is what a reader would paste. What a statement shows stands below it, in lines that begin with `#>`:
the value of an expression, what is printed, or the error that ends the statement. A block with a title is a file if the
title ends in `.py`; otherwise it is written for the library that the title names. A block may await, as it may at the
prompt of `python -m asyncio`.
"""

import ast
import asyncio
import inspect
import io
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import Any, NamedTuple

from places import DOCS, ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]*)\")?\n(?P<code>.*?)^```$", re.S | re.M)
LOOP = "the event loop of the page"  # not a name that a page could use
SHOWN = re.compile(r"^#>(?: (.*))?$")


class Block(NamedTuple):
    """A block of code: its language, its title if it has one, its text, and the line of its fence."""

    language: str
    title: str
    code: str
    line: int


class Step(NamedTuple):
    """A statement, what it has to show, and the line where it begins."""

    node: ast.stmt
    want: str
    line: int


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """The page's blocks in these languages; in all of them, if none is named."""
    text = page.read_text()
    found = (
        Block(match["language"], match["title"] or "", match["code"], text.count("\n", 0, match.start()) + 1)
        for match in BLOCK.finditer(text)
    )
    return [block for block in found if not languages or block.language in languages]


def sessions(page: Path) -> list[Block]:
    """The page's blocks of Python that are pasted, in order: one program."""
    return [block for block in blocks(page, "python") if not block.title]


def files(page: Path) -> dict[str, str]:
    """The files that the page shows whole, by name."""
    return {block.title: block.code for block in blocks(page, "python") if block.title.endswith(".py")}


def needed(page: Path) -> set[str]:
    """The packages that the page's blocks import: its optional ones may be missing."""
    own = {name.removesuffix(".py") for name in files(page)}
    found: set[str] = set()
    for block in blocks(page, "python"):
        if not block.title or block.title.endswith(".py"):
            found |= set(re.findall(r"^\s*(?:import|from) (\w+)", block.code, re.M))
    return found - own


def steps(code: str, above: int = 0) -> Iterator[Step]:
    """The statements of a block, each with the lines of `#>` below it.

    >>> [step.want for step in steps("a = 1\\nprint(a)\\n#> 1\\n#>\\n")]
    ['', '1\\n\\n']
    """
    shown = {number: match[1] or "" for number, line in enumerate(code.splitlines(), 1) if (match := SHOWN.match(line))}
    body = ast.parse(code).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        end, want = node.end_lineno or 0, []
        while end + 1 in shown:
            end += 1
            want.append(shown.pop(end) + "\n")
        assert after is None or end < after.lineno, f"two statements in line {above + end}"
        yield Step(node, "".join(want), above + node.lineno)
    assert not shown, f"no statement ends right above line {above + min(shown)}"


def shows(node: ast.stmt, names: dict[str, Any]) -> str:
    """What the statement prints, and the value of an expression; or the error that it ends with, without its module."""
    with redirect_stdout(io.StringIO()) as out:
        try:
            value = evaluated(
                ast.Expression(node.value) if isinstance(node, ast.Expr) else ast.Module([node], []), names
            )
            if value is not None:
                print(repr(value))
        except Exception as error:
            print(re.sub(r"^(?:\w+\.)+", "", "".join(traceback.format_exception_only(error))), end="")
    return out.getvalue()


def evaluated(tree: ast.Expression | ast.Module, names: dict[str, Any]) -> Any:
    """The value of an expression, or None for statements; what awaits runs in the event loop of the names."""
    how = "eval" if isinstance(tree, ast.Expression) else "exec"
    code = compile(tree, "<page>", how, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not code.co_flags & inspect.CO_COROUTINE:
        return eval(code, names)
    return (names.get(LOOP) or names.setdefault(LOOP, asyncio.new_event_loop())).run_until_complete(eval(code, names))


def difference(step: Step, got: str) -> str:
    """Nothing if the step showed what stands on the page, where `...` stands for anything; else both."""
    if OutputChecker().check_output(step.want, got, ELLIPSIS):
        return ""
    return f"line {step.line}: {ast.unparse(step.node)}\n  on the page:\n{step.want}  it shows:\n{got}"


def faults(page: Path, names: dict[str, Any]) -> list[str]:
    """Runs the page's blocks from the top, as one module; what differs from the page."""
    with closing_loop(names):
        return [
            wrong
            for block in sessions(page)
            for step in steps(block.code, block.line)
            if (wrong := difference(step, shows(step.node, names)))
        ]


@contextmanager
def closing_loop(names: dict[str, Any]) -> Iterator[None]:
    """Closes the event loop of the names at the end, if something was awaited."""
    try:
        yield
    finally:
        if LOOP in names:
            names.pop(LOOP).close()
