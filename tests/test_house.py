"""The shape of the package: which file may import which, what is public, and what `import flyexpr` loads."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from places import DOCS, loaded
from public import GROUPS, NAMES, PUBLIC

import flyexpr

ROOT = Path(flyexpr.__file__).parent


# One stage a line, from the ground up: a file imports from its own stage and from those above it here. The embedded
# engine and the command line have stages of their own.
STAGES = {
    "": """
        errors records version engine byte_readers drive
        values
        expressions
        engines
        schema
        requests
        changes
        steps
        doors
        sync aio
        explanation
        events curried serve testing
        cli
        __main__
    """,
    "engines/sqlite": """
        faults
        answers
        disk
        request
        rules
        operations
        engine
        __init__
    """,
    "cli": """
        environment hints other_names
        formats
        notes
        index_words
        keys schemas session
        completions
        dialogue
        options
        endings
        jobs
        commands
        app
        __init__
        __main__
    """,
}


def stage(name: str, house: str = "") -> int | None:
    """The number of the stage of a file in a house; None outside of that house.

    >>> stage("values/encode") < stage("schema/codecs"), stage("cli/jobs/rate", "cli") < stage("cli/app", "cli")
    (True, True)
    """
    if not name.startswith(house):
        return None
    room = name.removeprefix(house).lstrip("/").split("/")[0]
    return next((number for number, line in enumerate(STAGES[house].splitlines()) if room in line.split()), None)


def files() -> list[str]:
    """Every file of the package, without its suffix."""
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py"))


@cache
def imported(name: str) -> frozenset[str]:
    """The files of the package that a file imports, at its top, for its types or inside its functions."""
    tree = ast.parse((ROOT / f"{name}.py").read_text())
    return frozenset(file for node in ast.walk(tree) for module in modules(node, name) if (file := file_of(module)))


def modules(node: ast.AST, name: str) -> Iterator[str]:
    """The absolute dotted names that an import statement of the file asks for."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = ["flyexpr", *name.split("/")][: -node.level] if node.level else []
        base = ".".join([*package, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def file_of(module: str) -> str | None:
    """The file that a dotted name leads to, or None outside the package.

    >>> file_of("flyexpr.values.encode.encode"), file_of("flyexpr.engines.connect"), file_of("json")
    ('values/encode', 'engines/__init__', None)
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


def houses(name: str) -> Iterator[str]:
    """The houses that hold a file: the whole package, and maybe the embedded engine or the command line."""
    return (house for house in STAGES if name.startswith(house))


INSIDE = [name for name in files() if name != "__init__"]  # the door to the outside, which may import all


@pytest.mark.parametrize("name", INSIDE)
def test_every_file_has_its_place(name: str) -> None:
    assert None not in [stage(name, house) for house in houses(name)]


@pytest.mark.parametrize("name", INSIDE)
def test_imports_go_down(name: str) -> None:
    for house in houses(name):
        stages = {other: stage(other, house) for other in imported(name)}
        here = stage(name, house) or 0
        assert [other for other, there in stages.items() if there is not None and there > here] == []


def test_no_circle() -> None:
    assert [name for name in files() if name in reached(name)] == []


def reached(name: str) -> set[str]:
    """The files that a file imports, and those that they import, and so on."""
    found: set[str] = set()
    ahead = [*imported(name) - {name}]
    while ahead:
        other = ahead.pop()
        if other not in found:
            found.add(other)
            ahead += imported(other) - {other}
    return found


def test_nothing_else_imports_an_engine() -> None:
    in_front = {"engines/__init__", "engines/urls"}
    behind = {other for other in files() if other.startswith("engines/") and other not in in_front}
    assert [name for name in files() if not name.startswith("engines/") and imported(name) & behind] == []


def test_only_the_doors_and_the_server_call_an_engine() -> None:
    calling = {
        name
        for name in files()
        if not name.startswith("engines/")
        for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("engine", "bound")
    }
    assert calling == {"doors/plain", "doors/awaited", "doors/threads", "serve/answers"}


def test_engines_are_imported_when_asked_for() -> None:
    tree = ast.parse((ROOT / "engines/__init__.py").read_text())
    at_top = {file_of(module) for node in tree.body for module in modules(node, "engines/__init__")}
    assert {file for file in at_top if file and file.startswith("engines/")} == set()


def test_what_is_imported_with_a_star() -> None:
    """Functions, values, errors, and the classes that one makes instances of, as their own examples do."""
    assert {*flyexpr.__all__} == {name for name, value in NAMES.items() if is_written(name, value)}
    assert len(flyexpr.__all__) == len({*flyexpr.__all__}) <= 120


def is_written(name: str, value: Any) -> bool:
    """Whether a program writes the name in a statement; not only in annotations.

    >>> [name for name in PUBLIC if name[0] in "CFS" and is_written(name, NAMES[name])]
    ['Codec', 'ConditionFailed', 'ConnectionFailed', 'F', 'FlyexprError', 'Found', 'SeveralFound', 'Stats']
    """
    if typing.get_origin(value) is not None or not inspect.isclass(value):
        return typing.get_origin(value) is None
    return issubclass(value, Exception) or re.search(rf">>> .*\b{name}\(", value.__doc__ or "") is not None


def test_the_map_has_every_public_name_once() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == PUBLIC


DOORS = {"aio", "curried", "errors", "events", "serve", "testing"}  # public modules


def test_only_what_is_public_is_completed() -> None:
    modules = {name for name in dir(flyexpr) if isinstance(getattr(flyexpr, name), ModuleType)}
    assert modules == DOORS
    assert {name for name in vars(flyexpr) if name.startswith("__")} <= {*dir(flyexpr)}


def test_the_other_doors_open_when_they_are_asked_for() -> None:
    code = "import flyexpr, sys; print('flyexpr.aio' in sys.modules, flyexpr.aio.get.__module__)"
    assert fresh(code).split() == ["False", "flyexpr.aio"]
    for door in DOORS:  # each in a program that has imported nothing else
        assert fresh(f"import flyexpr; print(flyexpr.{door}.__name__)") == f"flyexpr.{door}"
    with pytest.raises(AttributeError, match="module 'flyexpr' has no attribute 'qurey'"):
        _ = flyexpr.qurey  # type: ignore[attr-defined]


def test_every_public_name_can_be_imported_under_mypy_strict() -> None:
    """Strict checkers take a name that is not in `__all__` only where it is imported as itself."""
    explicit = {alias.name for _, alias in for_checkers() if alias.asname == alias.name}
    assert sorted({*flyexpr.__all__} | explicit - {"__version__", *DOORS}) == PUBLIC
    assert {*flyexpr.__all__} & explicit == set()


def test_checkers_read_what_programs_get() -> None:
    read = {alias.name: getattr(importlib.import_module(module), alias.name) for module, alias in for_checkers()}
    assert read == {name: getattr(flyexpr, name) for name in [*PUBLIC, *DOORS, "__version__"]}


def for_checkers() -> Iterator[tuple[str, ast.alias]]:
    """What `flyexpr/__init__.py` imports where type checkers read it, each name with its module."""
    for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias) for alias in node.names)


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


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name: str) -> None:
    thing = getattr(flyexpr, name)
    if typing.get_origin(thing) or not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return  # an alias of a type, or a value such as F
    text = vars(thing).get("__doc__") or "" if inspect.isclass(thing) else thing.__doc__ or ""
    assert text.strip(), "no docstring"
    assert not text.startswith(f"{name}("), "only the signature that dataclass writes"
    assert ">>>" in text, "no doctest"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_fork_waits_for_a_name_that_another_thread_imports() -> None:
    code = """
import flyexpr, os, signal, sys, threading, time, warnings

warnings.simplefilter("ignore")  # Python warns of every fork beside a thread

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "flyexpr.sync":
            begun.set()
            time.sleep(0.1)

sys.meta_path.insert(0, Slow())
begun = threading.Event()
threading.Thread(target=lambda: flyexpr.put).start()
begun.wait()
child = os.fork()
if not child:
    signal.alarm(5)
    os._exit(flyexpr.put is None)
print(os.waitpid(child, 0)[1])
"""
    assert fresh(code) == "0"


def test_import_alone_loads_nothing_else() -> None:
    assert [name for name in fresh("import flyexpr, sys; print(*sys.modules)").split() if "flyexpr" in name] == [
        "flyexpr"
    ]


@pytest.mark.parametrize("heavy", "botocore sqlite3 toolz dateutil ssl asyncio dataclasses logging".split())
def test_the_public_names_are_light(heavy: str) -> None:
    assert heavy not in modules_of_all_names()


@pytest.mark.parametrize("scheme, expected", [("http", "False"), ("https", "True")])
def test_only_an_endpoint_with_tls_loads_it(scheme: str, expected: str) -> None:
    code = "import sys; from flyexpr import *; print(connect(sys.argv[1]), 'ssl' in sys.modules)"
    shown = fresh(code, f"{scheme}://localhost:9?transport=direct")
    assert "by direct" in shown
    assert shown.endswith(expected)


def test_the_program_loads_the_library_when_it_knows_its_command() -> None:
    loaded = fresh("import sys, flyexpr.cli.app; print(*sys.modules)").split()
    ground = {"flyexpr", "flyexpr.errors", "flyexpr.records", "flyexpr.version"}
    assert {name for name in loaded if name.startswith("flyexpr") and ".cli" not in name} == ground


PRINTERS = sorted(
    {
        tuple(ast.literal_eval(argument) for argument in node.args)
        for name in files()
        for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "later"
    }
)


@pytest.mark.parametrize("module, name", PRINTERS)
def test_what_prints_is_there_and_imported_when_something_is_printed(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))
    assert module not in modules_of_all_names()


@cache
def modules_of_all_names() -> frozenset[str]:
    return frozenset(fresh("import sys; from flyexpr import *; print(*sys.modules)").split())


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


PLAN = (DOCS / "house.md").read_text()


def test_the_plan_draws_every_room() -> None:
    """The tree shows every folder, and every file in the root of the package."""
    folders = {f"{path.relative_to(ROOT).as_posix()}/" for path in ROOT.rglob("*") if list(path.glob("*.py"))}
    assert set(drawn(PLAN)) == folders | {path.name for path in ROOT.glob("*.py")} - {"__init__.py", "__main__.py"}


def drawn(page: str) -> Iterator[str]:
    """What the page's tree shows, each with its path.

    >>> list(drawn("```\\nflyexpr/\\n  a.py  b.py   words\\n  c/  words\\n    d/  more\\n```"))
    ['a.py', 'b.py', 'c/', 'c/d/']
    """
    above: list[str] = []
    for line in page.split("```")[1].strip().splitlines()[1:]:
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        for name in re.findall(r"[a-z_]+(?:\.py|/)(?=\s|$)", line):
            above[depth:] = [name]
            yield "".join(above)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_/]+(?:\.py|/))`", PLAN))))
def test_the_plan_names_what_is_there(path: str) -> None:
    assert any(
        (folder / path).exists() for folder in (ROOT.parent, ROOT, ROOT / "engines/sqlite", ROOT / "cli/formats")
    )


def test_the_picture_of_the_house_is_drawn_from_its_imports() -> None:
    drawing = loaded(DOCS / "pictures/draw.py")
    drawn = drawing.house()
    assert (DOCS / "pictures/house.svg").read_text() == drawn, "draw it again: python docs/pictures/draw.py house.svg"
    rooms = list(drawing.rooms_of(PLAN))
    assert len(rooms) > 15
    upwards = [(room, other) for n, room in enumerate(rooms) for other in drawing.imports_of(room) - {*rooms[: n + 1]}]
    assert upwards == []  # as the picture says


def test_code_is_run_from_text_in_one_place() -> None:
    running = {
        name
        for name in files()
        for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("exec", "eval")
    }
    assert running == {"records"}


def test_few_things_stand_in_one_place() -> None:
    """A reader can take in some two dozen names; a folder with more hides a folder that nobody has made."""
    crowded = {
        path.relative_to(ROOT).as_posix(): len(inside)
        for path in [ROOT, *filter(Path.is_dir, ROOT.rglob("*"))]
        if path.name != "__pycache__"
        and len(inside := [entry for entry in path.iterdir() if entry.name != "__pycache__"]) > 25
    }
    assert crowded == {}
    assert len([entry for entry in (ROOT / "engines/sqlite").iterdir() if entry.name != "__pycache__"]) <= 8


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{name}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for name in files()
        for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


LONGEST_FUNCTION = 40  # lines, docstring and doctests included
