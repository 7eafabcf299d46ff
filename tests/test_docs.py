"""The pages and the demo run as a reader would run them, and they leave nothing out."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from codeop import CommandCompiler
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, README, blocks, difference, faults, files, needed, page_id, sessions, shows, steps
from places import DOCS, ROOT
from public import GROUPS, PUBLIC

import flyexpr
from flyexpr import Table, connect, create_table, eq, gt, query, run
from flyexpr.serve import serve

DEMO = ROOT / "examples/demo.py"
SPOKEN = [page for page in PAGES if sessions(page)]  # the others show commands or figures
WITH_FILES = {"docs/embedded-engine.md"}  # its examples make files
LANGUAGES = {"", "console", "js", "json", "python", "sh"}  # "" is for drawings, such as a tree of folders
each_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


@pytest.mark.parametrize("page", SPOKEN, ids=page_id)
def test_a_page_needs_no_name_that_it_does_not_import(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks of Python run as one program in an empty folder, and show what stands below each statement."""
    present(page)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    assert "\n".join(faults(page, {"__name__": "__main__"})) == ""
    assert page_id(page) in WITH_FILES or list(tmp_path.iterdir()) == []


def present(page: Path) -> None:
    """Skips the test of a page for an optional package that is not installed."""
    for package in sorted(needed(page)):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("page", SPOKEN, ids=page_id)
def test_a_page_goes_into_an_interpreter(page: Path) -> None:
    """A prompt takes each block as it is copied: no prompts in it, and an empty line ends what is indented."""
    for block in sessions(page):
        assert [line for line in block.code.splitlines() if line.startswith((">>>", "... "))] == [], page
        assert unfinished(block.code) == "", f"{page_id(page)}, line {block.line}"


def unfinished(code: str) -> str:
    """What a prompt refuses of the code, or has not run yet after a last Enter; nothing if all is well.

    >>> unfinished("if a:\\n    b\\nc\\n")
    'if a:\\n    b\\nc'
    """
    compiled, waiting = CommandCompiler(), ""
    compiled.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for line in [*code.splitlines(), ""]:
        waiting = f"{waiting}\n{line}" if waiting else line
        try:
            if compiled(waiting) is not None:
                waiting = ""
        except SyntaxError:
            return waiting
    return waiting


@pytest.mark.parametrize("page", [page for page in PAGES if files(page)], ids=page_id)
def test_the_files_of_a_page_are_tests_that_pass(page: Path, tmp_path: Path) -> None:
    present(page)
    for name, code in files(page).items():
        (tmp_path / name).write_text(code)
    run_it = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(run_it, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@each_page
def test_every_block_has_a_language_that_is_checked(page: Path) -> None:
    assert page.read_text().count("\n```") == 2 * len(blocks(page))
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert all(block.title for block in blocks(page, "js"))  # only for the other side of a comparison
    for block in blocks(page, "json"):
        json.loads(block.code)
    for block in blocks(page, "sh"):
        subprocess.run(["sh", "-n"], input=block.code, text=True, check=True)


def test_a_step_that_shows_something_else_is_found() -> None:
    """The check of the pages can fail: by a value, by a print, by an error that comes and by one that does not."""
    code = "1 + 1\n#> 3\nprint('a')\n1 / 0\n#> ZeroDivisionError: division by zero\nx = 1\n#> KeyError: 'a'\n{}['b']\n"
    wrong = [bool(difference(step, shows(step.node, {}))) for step in steps(code)]
    assert wrong == [True, True, False, True, True]
    for apart in ("#> 1\n1\n", "1\n\n#> 1\n", "1; 2\n#> 2\n", "if 1:\n    a\n#> 1\n    b\n"):
        with pytest.raises(AssertionError):
            list(steps(apart))


@each_page
def test_a_page_links_to_what_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if ":" not in link and not (page.parent / link).exists()] == []


def test_every_page_is_on_the_map() -> None:
    """mkdocs.yml says where each page stands in the site; README.md is its home."""
    places = re.findall(r"([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    elsewhere = {"index.md", "changelog.md", *(place for place in places if place.startswith("examples/"))}
    assert sorted(set(places) - elsewhere) == [page.relative_to(DOCS).as_posix() for page in PAGES if page != README]
    assert len(places) == len(set(places))
    programs = {f"examples/{path.stem}.md" for path in (ROOT / "examples").glob("*.py")}
    assert elsewhere == {"index.md", "changelog.md"} | programs


def test_every_public_name_is_in_the_reference() -> None:
    """The pages of the reference are the groups of help(flyexpr), in its order."""
    pages = {purpose: (DOCS / f"reference/{purpose.replace(' ', '-')}.md").read_text() for purpose in GROUPS}
    entries = re.compile(r"^::: flyexpr(?:\.\w+)?\.(\w+)$", re.MULTILINE)
    assert {purpose: entries.findall(text) for purpose, text in pages.items()} == GROUPS


@pytest.mark.parametrize("door", ["aio", "curried", "events"])
def test_every_name_of_a_door_is_in_the_reference(door: str) -> None:
    words = re.findall(r"\w+", (DOCS / "reference" / f"{door}.md").read_text())
    assert sorted(set(importlib.import_module(f"flyexpr.{door}").__all__) - set(words)) == []


@each_page
def test_a_page_fits_a_window(page: Path) -> None:
    lines = [line for line in page.read_text().splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > 160] == []


# Wordings over which readers stumbled, or that were not true; each sentence has a plainer one now.
STUMBLED = [
    "need no care",
    "get wrong in silence",
    "has touched what you have read",
    "is given as its key, and",
    "is a text to go on from",
    "without such a promise",
    "all that a query gives",
    "made up by rule",
    "writes a request and tries again",
    "counts from before",
    "no ignoring of case",
    "as well, which looks besides",
    "that is no item ends",
    "are told once",
    "tests know to differ",
    "or it is said why not",
    "What is missed",
    "this is none",
    "cannot name a table",
    "`call(client",
    "`rate_limit=` | `budget=",
]


def test_no_sentence_is_back_over_which_readers_stumbled() -> None:
    sources = [*PAGES, *sorted((ROOT / "flyexpr").rglob("*.py"))]
    texts = {page_id(path): " ".join(path.read_text(encoding="utf-8").split()) for path in sources}
    assert [(page, words) for page, text in texts.items() for words in STUMBLED if words in text] == []


def test_every_public_name_is_on_a_page() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    words = set(re.findall(r"\w+", text))
    assert [name for name in PUBLIC if name not in words] == []


def test_the_comparison_gives_the_same_both_ways() -> None:
    """Both halves of the README's comparison run, on moto."""
    moto, boto3 = pytest.importorskip("moto"), pytest.importorskip("boto3")
    place, theirs = next((n, block.code) for n, block in enumerate(blocks(README, "python")) if block.title == "boto3")
    ours = blocks(README, "python")[place + 1].code
    with moto.mock_aws():
        scores = Table("GameScores", "userid", "title").on(connect("dynamodb://eu-west-1?transport=botocore"))
        run(scores, create_table())
        for number in range(8998, 9005):
            flyexpr.put(scores, {"userid": "abc", "title": f"Game {number}", "top_score": number})
        names: dict[str, Any] = {}
        exec(theirs, names)
        mine: dict[str, Any] = {"run": run, "query": query, "eq": eq, "gt": gt, "scores": scores}
        exec(ours, mine)
    assert boto3.__name__ in theirs
    assert mine["items"] == names["items"]
    assert [item["top_score"] for item in mine["items"]] == [9001, 9002, 9003, 9004]


def test_the_changelog_names_the_version() -> None:
    assert f"## [{flyexpr.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_changelog_says_nothing_twice() -> None:
    entries = re.findall(r"(?m)^- .*\n(?:  .*\n)*", (ROOT / "CHANGELOG.md").read_text())
    assert [entry for entry, times in Counter(entries).items() if times > 1] == []


# --- the demo


def demo(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What the demo prints in a new interpreter, with every warning an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", str(DEMO), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def answers(printed: str) -> Iterator[list[str]]:
    """The lines of each answer, by question."""
    for part in printed.split("\n# ")[1:]:
        lines = part[part.index("  answer ") :].splitlines() if "  answer " in part else part.splitlines()
        yield [line[11:] for line in lines if line.startswith(("  answer", " " * 11, "  refused", "  stored"))]


def scores_of_the_demo() -> list[dict[str, Any]]:
    names: dict[str, Any] = {"__name__": "demo"}
    exec(compile(DEMO.read_text(), DEMO, "exec"), names)
    return list(names["generated_scores"](2026))


def test_the_demo_takes_one_new_file(tmp_path: Path) -> None:
    helped = demo("--help", folder=tmp_path)
    assert (helped.returncode, helped.stdout.startswith("usage: demo.py [-h] [file]\n")) == (0, True)
    (tmp_path / "taken.db").touch()
    taken = demo("taken.db", folder=tmp_path)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert taken.stderr.endswith("demo.py: error: taken.db exists already; name a new file\n")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.db"]


def test_the_demo_ends_quietly_with_its_reader(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, str(DEMO)], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_demo_gives_the_right_answers(tmp_path: Path) -> None:
    done = demo("scores.db", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    written, above, won, record, comet, threads, late = answers(done.stdout)
    scores = [
        score for score in scores_of_the_demo() if (score["userid"], score["title"]) != ("abc", "Galaxy Invaders")
    ]
    scores.append({"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001})

    def of(**wanted: str) -> list[dict[str, Any]]:
        return [score for score in scores if wanted.items() <= score.items()]

    def high(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [score for score in found if score["top_score"] > 9000]

    assert written == ["done"]
    assert [line[6:23].strip() for line in above] == sorted(score["title"] for score in high(of(userid="abc")))
    assert won[0].split() == ["abc", "Alien", "Adventure", "-", "1", "wins"]
    best = max(of(title="Galaxy Invaders"), key=lambda score: score["top_score"])
    assert (record[0].split()[0], str(best["top_score"]) in record[0]) == (best["userid"], True)
    assert {line.split()[0] for line in comet} == {score["userid"] for score in high(of(title="Comet Quest"))}
    assert comet
    assert re.fullmatch(r"(\d+) \+ 8 x 50 = (\d+): yes", threads[0])
    assert late[0] == "top_score < 150 was false: top_score is 9001"
    assert "9001" in late[1]
    assert "CHANGED" not in late[1]


def test_the_demo_names_the_index_of_each_question(tmp_path: Path) -> None:
    printed = demo(folder=tmp_path).stdout
    assert re.findall(r"^  index +(.+)$", printed, re.MULTILINE) == [
        "none: the table itself",
        "GameTitleIndex",
        "GameTitleIndex",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_demo_leaves_a_file_that_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "scores.db").write_text("mine")
    done = demo("scores.db", folder=tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("usage: ")
    assert (tmp_path / "scores.db").read_text() == "mine"


# --- the awaited example


@pytest.mark.parametrize("served", [False, True], ids=["embedded", "served"])
def test_the_awaited_example(served: bool) -> None:
    """In threads for the embedded engine, and over connections of the event loop for one behind HTTP."""
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        url = [server.url] if served else []
        run_it = [sys.executable, "-W", "error", str(ROOT / "examples/awaited.py"), *url]
        done = subprocess.run(run_it, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "100 players read at the same time",
        "the best: player099 990 player098 980 player097 970",
        "3 pages; the last ends with player000",
        "player007 was visited 20 times",
    ]
