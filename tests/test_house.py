"""The shape of the house: who may import whom, what is public, and what `import flyexpr` costs."""

import ast
import inspect
import itertools
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import flyexpr

ROOT = Path(flyexpr.__file__).parent


# From the ground up; a file imports only what stands on a line before its own. What stands on one line, a
# folder too, does not import its neighbours, save inside an engine, which is a house of its own.
HOUSE = [
    "errors records version",
    "numbers",
    "reserved advice",
    "values",
    "forms",
    "familiar",
    "nodes",
    "terms",
    "conditions updates",
    "attributes",
    "interpret/* inverse",
    "reasons changes",
    "memory",
    "tables",
    "parts derive",
    "items",
    "lower",
    "operations",
    "versions",
    "plan",
    "prepare",
    "requests responses",
    "table_requests",
    "engines/urls",
    "engines/__init__",
    "engines/awaited",
    "engines/aws/* engines/sqlite/*",
    "steps/__init__",
    "steps/step",
    "steps/read steps/batches steps/parents steps/alter_table",
    "steps/items steps/lanes steps/lifecycle",
    "steps/transactions steps/matching",
    "steps/modify steps/course",
    "threads",
    "sync aio",
    "explain",
    "curried",
    "serve/limits testing",
    "serve/heads serve/room serve/line serve/hosts serve/listeners serve/workers",
    "serve/bodies serve/answers",
    "serve/talks",
    "serve/watch",
    "serve/__init__",
    "cli/files cli/plain cli/hints cli/pace cli/progress cli/session",
    "cli/marked cli/journal cli/rejects cli/options",
    "cli/wire cli/sheets cli/words cli/folders cli/bulk cli/reads",
    "cli/sources cli/sinks cli/writes",
    "cli/jobs",
    "cli/tables cli/reading cli/writing cli/moving cli/lines cli/serving cli/completion",
    "cli/app",
    "cli/__init__",
    "cli/__main__ __main__",
]
DOORS = {
    "__init__",
    "interpret/__init__",
}  # they open the house to the outside; nothing inside goes through them


def storey(name: str) -> int | None:
    """The line of HOUSE that a file stands on."""
    for number, line in enumerate(HOUSE):
        if any(name == place or (place.endswith("/*") and name.startswith(place[:-1])) for place in line.split()):
            return number
    return None


def files() -> list[str]:
    """Every file of the package, without its suffix."""
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py"))


@cache
def imported(name: str) -> frozenset[str]:
    """The files of the package that a file imports, at its top, for its types or inside its functions."""
    tree = ast.parse((ROOT / f"{name}.py").read_text())
    return frozenset(file for node in ast.walk(tree) for module in modules(node, name) if (file := file_of(module)))


def modules(node: ast.AST, name: str) -> Iterator[str]:
    """The dotted names an import statement of the file asks for, absolute."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = ["flyexpr", *name.split("/")][: -node.level] if node.level else []
        base = ".".join([*package, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def file_of(module: str) -> str | None:
    """The file that a dotted name leads to, or None outside the package.

    >>> file_of("flyexpr.values.encode"), file_of("flyexpr.engines.connect"), file_of("json")
    ('values', 'engines/__init__', None)
    """
    head, *parts = module.split(".")
    if head != "flyexpr":
        return None
    here = "/".join(parts)
    if (ROOT / f"{here}.py").is_file():
        return here
    if (ROOT / here / "__init__.py").is_file():
        return f"{here}/__init__".lstrip("/")
    return file_of(".".join([head, *parts[:-1]]))


def test_every_file_has_its_place() -> None:
    assert [name for name in files() if name not in DOORS and storey(name) is None] == []


@pytest.mark.parametrize("name", [name for name in files() if name not in DOORS])
def test_imports_go_down(name: str) -> None:
    assert sorted(other for other in imported(name) if not may_import(name, other)) == []


def may_import(name: str, other: str) -> bool:
    """True when the house lets the first file import the second."""
    if name == other or in_one_engine(name, other):
        return True
    if name == "engines/__init__" and other.startswith("engines/"):
        return True  # `connect` picks an engine; test_nothing_else_imports_an_engine holds the rest
    below, here = storey(other), storey(name)
    return below is not None and here is not None and below < here


def in_one_engine(*names: str) -> bool:
    """True for files of one engine.

    >>> in_one_engine("engines/sqlite/wire", "engines/sqlite/keys"), in_one_engine("engines/aws/x", "plan")
    (True, False)
    """
    return len({tuple(name.split("/")[:2]) for name in names}) == 1 and names[0].startswith("engines/")


def test_nothing_else_imports_an_engine() -> None:
    in_front = {"engines/__init__", "engines/urls"}
    behind = {other for other in files() if other.startswith("engines/") and other not in in_front}
    assert [name for name in files() if not name.startswith("engines/") and imported(name) & behind] == []


def test_engines_are_imported_when_asked_for() -> None:
    tree = ast.parse((ROOT / "engines/__init__.py").read_text())
    at_top = {file_of(module) for node in tree.body for module in modules(node, "engines/__init__")}
    assert {file for file in at_top if file and file.startswith("engines/")} == set()


def test_public_names_are_what_is_visible() -> None:
    visible = {
        name for name in dir(flyexpr) if not name.startswith("_") and not isinstance(getattr(flyexpr, name), ModuleType)
    }
    assert sorted(flyexpr.__all__) == sorted(visible - {"annotations"})


def test_public_names_are_the_same_whatever_was_imported_before() -> None:
    """A submodule and a function may share a name, `flyexpr.run`; importing one must not hide the other."""
    code = """
import importlib, sys, types, flyexpr
importlib.import_module("flyexpr." + sys.argv[1])
functions = set(flyexpr.__all__)
print(*(name for name in functions if isinstance(getattr(flyexpr, name), types.ModuleType)))
"""
    homonyms = {module.name for module in pkgutil.iter_modules([str(ROOT)])} & set(flyexpr.__all__)
    assert [name for name in sorted(homonyms) if fresh(code, name)] == []


@pytest.mark.parametrize("name", flyexpr.__all__)
def test_public_names_are_documented(name: str) -> None:
    thing = getattr(flyexpr, name)
    if typing.get_origin(thing) or not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return  # an alias of a type, or a value such as F
    text = vars(thing).get("__doc__") or "" if inspect.isclass(thing) else thing.__doc__ or ""
    assert text.strip(), "no docstring"
    assert not text.startswith(f"{name}("), "only the signature that dataclass writes"
    assert ">>>" in text, "no doctest"


@pytest.mark.parametrize("heavy", ["botocore", "sqlite3", "toolz", "dateutil", "ssl", "asyncio", "dataclasses"])
def test_import_is_light(heavy: str) -> None:
    assert heavy not in modules_after_import()


@cache
def modules_after_import() -> frozenset[str]:
    return frozenset(fresh("import sys, flyexpr; print(*sys.modules)").split())


def fresh(code: str, *arguments: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_two_files_import_each_other() -> None:
    pairs = itertools.combinations(files(), 2)
    assert [(a, b) for a, b in pairs if b in imported(a) and a in imported(b) and not in_one_engine(a, b)] == []
