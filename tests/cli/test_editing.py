"""edit: one item in an editor, which is a script here."""

import sys
from pathlib import Path

import pytest
from program import Ended, Inside, Program

KEY = ["edit", "Movies", "1991", "Rush"]


@pytest.fixture
def edited(movies: Program, inside: Inside, monkeypatch: pytest.MonkeyPatch):
    """A run of edit with an editor that does what a piece of Python does to `text`; the drafts are in this folder."""
    monkeypatch.setattr("tempfile.tempdir", str(movies.folder))

    def run(code: str, *arguments: str) -> Ended:
        script = movies.folder / "editor.py"
        script.write_text(
            "import os, sys\npath = sys.argv[1]\ntext = open(path).read()\n" + code + "\nopen(path, 'w').write(text)\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
        monkeypatch.delenv("VISUAL", raising=False)
        return inside(*KEY, *arguments)

    return run


def drafts() -> list[Path]:
    return list(Path().glob("Movies-*.json"))


def kept() -> str:
    """The draft that is kept, the only one."""
    (draft,) = drafts()
    return str(draft.resolve())


def test_what_differs_is_printed_and_written(edited, inside: Inside):
    assert edited("text = text.replace('6.5', '7.0').replace('\"wins\": 1', '\"seen\": true')") == (
        0,
        "SET info.rating = 7\nSET seen = true\nREMOVE wins\n",
        "",
    )
    assert inside("get", *KEY[1:]).out == '{"year": 1991, "title": "Rush", "info": {"rating": 7}, "seen": true}\n'
    assert drafts() == []


def test_the_text_has_an_attribute_a_line(edited):
    edited("open('seen', 'w').write(text)")
    lines = ["{", '  "year": 1991,', '  "title": "Rush",', '  "info": {"rating": 6.5},', '  "wins": 1', "}"]
    assert sorted(line.strip(",") for line in Path("seen").read_text().splitlines()) == sorted(
        line.strip(",") for line in lines
    )


@pytest.mark.parametrize("code", ["pass", "text = text.replace('\\n', '')", "text = text.replace('6.5', '6.50')"])
def test_what_is_unchanged_is_not_written(edited, code: str):
    assert edited(code) == (0, "", "flyexpr: nothing is changed\n")
    assert drafts() == []


def test_a_dry_run_keeps_the_text(edited, inside: Inside):
    end = edited("text = text.replace('6.5', '7')", "--dry-run")
    assert end == (0, "SET info.rating = 7\n", f"flyexpr: nothing is written; the text is kept in {kept()}\n")
    assert '"rating": 7' in Path(kept()).read_text()
    assert '"rating": 6.5' in inside("get", *KEY[1:]).out


@pytest.mark.parametrize(
    "change, said",
    [
        ("SET info.rating = 9", "info = {'rating': 6.5} was false: info is {'rating': 9}"),
        ("REMOVE info", "info = {'rating': 6.5} was false: info is missing"),
    ],
)
def test_a_conflict_says_so_and_keeps_the_text(edited, inside: Inside, change: str, said: str):
    meanwhile = f"os.system({sys.executable!r} + ' -m flyexpr update Movies 1991 Rush \"{change}\"')"
    end = edited(f"{meanwhile}\ntext = text.replace('6.5', '7')")
    assert end == (
        3,
        "SET info.rating = 7\n",
        f"flyexpr: somebody has changed the item meanwhile, so nothing is written: {said}\n"
        f"flyexpr: the text is kept in {kept()}\n",
    )
    assert '"rating": 7' in Path(kept()).read_text()
    assert '"rating": 7' not in inside("get", *KEY[1:]).out


def test_other_attributes_may_change_meanwhile(edited, inside: Inside):
    meanwhile = f"os.system({sys.executable!r} + ' -m flyexpr update Movies 1991 Rush \"ADD wins 1\"')"
    assert edited(f"{meanwhile}\ntext = text.replace('6.5', '7')").code == 0
    assert '"wins": 2' in inside("get", *KEY[1:]).out


def test_an_item_that_is_deleted_meanwhile_stays_deleted(edited, inside: Inside):
    meanwhile = f"os.system({sys.executable!r} + ' -m flyexpr delete Movies 1991 Rush')"
    end = edited(f'{meanwhile}\ntext = text.replace(\'"wins": 1\', \'"wins": 1, "new": 2\')')
    assert end.code == 3
    assert "so nothing is written: there is no such item" in end.err
    assert inside("get", *KEY[1:]).code == 4


@pytest.mark.parametrize(
    "code, exit_code, said",
    [
        ("text = text.replace(',', '', 1)", 1, "line 3: not JSON: Expecting ',' delimiter at character 3"),
        (
            "text = '{\"year\": 1991 }'",
            2,
            "at `title`: the key of an item cannot be changed\n"
            "  hint: flyexpr put writes an item with another key, and flyexpr delete removes this one",
        ),
        (
            "text = text.replace('Rush', 'Rash')",
            2,
            "at `title`: the key of an item cannot be changed\n"
            "  hint: flyexpr put writes an item with another key, and flyexpr delete removes this one",
        ),
        ("text = ''", 1, "the file has 0 items, and one was to be edited; nothing is written"),
        ("text += text", 1, "the file has 2 items, and one was to be edited; nothing is written"),
        (
            "text = text.replace('\"wins\": 1', '\"wins\": ' + '1' * 40)",
            2,
            "40 significant digits; a number holds at most 38",
        ),
    ],
)
def test_text_that_cannot_be_written_is_kept(edited, inside: Inside, code: str, exit_code: int, said: str):
    before = inside("get", *KEY[1:]).out
    end = edited(code)
    assert end.code == exit_code
    assert f"flyexpr: the text is kept in {kept()}\n" in end.err
    assert end.err.replace(f"flyexpr: the text is kept in {kept()}\n", "") == f"flyexpr: {said}\n"
    assert inside("get", *KEY[1:]).out == before


def test_an_editor_that_fails(edited, inside: Inside, monkeypatch: pytest.MonkeyPatch):
    end = edited("sys.exit(1)")
    assert end.code == 1
    assert end.err.endswith("Editing failed; nothing is written\n  hint: EDITOR names the editor\n")
    assert drafts() == []


def test_an_editor_that_removes_the_file(edited, inside: Inside):
    end = edited("os.remove(path); os._exit(0)")
    assert end.code == 1
    assert end.err.startswith("flyexpr: ")
    assert end.err.endswith(".json: No such file or directory\n")
    assert "kept" not in end.err


def test_an_item_that_is_not_there(inside: Inside):
    inside("create", "Movies", "year:N", "title")
    assert inside(*KEY) == (4, "", "")


def test_an_interruption_keeps_the_text(edited, monkeypatch: pytest.MonkeyPatch):
    def interrupted(filename: str) -> None:
        Path(filename).write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("click.edit", interrupted)
    end = edited("")
    assert end == (130, "", f"flyexpr: the text is kept in {kept()}\n\nflyexpr: interrupted\n")
