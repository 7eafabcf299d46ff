"""What a shell may complete: names, functions, words of expressions, URLs."""

import shlex

import pytest
from click.shell_completion import ShellComplete
from program import Inside, Program

from flyexpr.cli.app import program as command
from flyexpr.cli.session import Session


@pytest.fixture
def completed(movies: Program, inside: Inside):
    def completed(line: str, engine: str | None = None) -> list[str]:
        """What may stand for the last word of a line, in which quotes may be open."""
        *words, last = shlex.split(line.replace("|", "'|'"))
        found = ShellComplete(command, {}, "flyexpr", "").get_completions(words, last.replace("|", ""))
        return [each.value for each in found]

    return completed


@pytest.mark.parametrize(
    "line, values",
    [
        ("de|", ["describe", "delete"]),
        ("query Mo|", ["Movies"]),
        ("query Movies --index By|", ["ByTitle"]),
        ("alter Movies --drop-index By|", ["ByTitle"]),
        ("alter Movies --stream k|", ["keys"]),
        ("query Movies --format |", ["json", "csv", "table"]),
        ("query Movies ti|", ["title"]),
        ("query Movies 'year = 2013 AND ti|'", ["year = 2013 AND title"]),
        ("query Movies 'year = 2013 A|'", ["year = 2013 AND"]),
        ("query Movies 'NOT begins|'", ["NOT begins_with("]),
        ("scan Movies 'contains(info.genres, \"x\") AND w|'", ['contains(info.genres, "x") AND wins']),
        ("update Movies 2013 Rush 'SET wi|'", ["SET wins"]),
        ("update Movies 2013 Rush 'SET a = if|'", ["SET a = if_not_exists("]),
        ("update Movies R|", ["REMOVE"]),
        ("update Movies --where 'attribute_ex|'", ["attribute_exists("]),
        ("delete Movies 2013 Rush --if 'wi|'", ["wins"]),
        ("scan Movies --project 'year, in|'", ["year, info"]),
        ("scan Movies --engine s|", ["sqlite:"]),
        ("--engine d|", ["dynamodb://"]),
        ("copy Movies --to h|", ["http://localhost:8000"]),
        ("diff Movies --to s|", ["sqlite:"]),
        ("diff Movies M|", ["Movies"]),
        ("query Nothing ti|", []),
        ("query ti|", []),
        ("query Movies ti --engine sqlite:none.db --project y|", []),
    ],
)
def test_completed(completed, line: str, values: list[str]):
    assert completed(line) == values


def test_a_text_is_not_completed(completed):
    found = ShellComplete(command, {}, "flyexpr", "").get_completions(["query", "Movies"], "title = 'R")
    assert found == []


def test_an_engine_that_costs_is_not_read(completed, monkeypatch: pytest.MonkeyPatch):
    """The names are those of the keys, and what an index projects."""
    completed("scan Movies --project i|")
    monkeypatch.setattr(Session, "is_embedded", False)
    assert completed("scan Movies --project i|") == []
    assert completed("scan Movies --project y|") == ["year"]


def test_what_an_index_projects_is_completed(completed, inside: Inside, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Session, "is_embedded", False)
    inside("create", "Books", "id", "--index", "ByAuthor author project=price,pages")
    assert completed("scan Books --project p|") == ["pages", "price"]


def test_a_name_that_must_stand_in_quotes_is_not_completed(completed, inside: Inside):
    inside("put", "Movies", '{"year": 1, "title": "a", "runtime": 1, "run-up": 2, "rung\\u00e9": 3, "run up": 4}')
    assert completed("scan Movies --project run|") == ["runtime"]
