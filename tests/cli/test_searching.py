"""flyexpr search: results with their scores, plans, and what is refused."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from program import Program, settled

from flyexpr import Table, VectorIndex, connect, create_table, put, run

INDEXES = [VectorIndex("ByVector", "v", 2, filters=["lang"]), VectorIndex("ByDistance", "v", 2, distance="euclidean")]


@pytest.fixture
def docs(tmp_path: Path) -> Program:
    with connect(f"sqlite:{tmp_path / 'tables.db'}") as engine:
        table = Table("Docs", "id", attributes={"lang": str}, indexes=INDEXES).on(engine)
        run(table, create_table())
        put(table, {"id": "a", "v": [3, 4], "lang": "en"})
        put(table, {"id": "b", "v": [-1, 0], "lang": "de"})
        run(Table("Plain", "id").on(engine), create_table())
        two = [VectorIndex("ByText", "text", 2), VectorIndex("ByPicture", "picture", 2)]
        run(Table("Two", "id", indexes=two).on(engine), create_table())
    return Program(tmp_path)


def test_results_come_best_first_with_their_scores(docs: Program) -> None:
    (docs.folder / "vector.json").write_text("[0, 0]", "utf-8-sig")
    told = docs("search", "Docs", "--near", "@vector.json", "--index", "ByDistance", "--project", "id")
    assert [json.loads(line) for line in told.splitlines()] == [
        {"score": 1, "item": {"id": "b"}},
        {"score": 5, "item": {"id": "a"}},
    ]
    one = docs("search", "Docs", "--near", "[6, 8]", "lang = 'en'", "--index", "ByVector", "--top", "1")
    assert json.loads(one) == {"score": 0, "item": {"id": "a", "lang": "en"}}
    sheet = docs("search", "Docs", "--near", "[0, 0]", "--index", "ByDistance", "--format", "csv", "--top", "1")
    assert sheet.startswith("score,item\n1,")


def test_a_search_of_the_past(docs: Program) -> None:
    docs("alter", "Docs", "--stream", "both")
    noon = datetime.now(timezone.utc).isoformat()
    docs("delete", "Docs", "a")
    asked = ("search", "Docs", "--near", "[3, 4]", "--index", "ByVector", "--top", "1", "--project", "id")
    assert json.loads(docs(*asked))["item"] == {"id": "b"}
    assert json.loads(docs(*asked, "--at", noon)) == {"score": 0, "item": {"id": "a"}}


def test_another_command_names_search(docs: Program) -> None:
    told = docs.error("query", "Docs", "lang = 'en'", "--index", "ByVector", code=2)
    assert told == (
        "flyexpr: index 'ByVector' is a vector index\n  hint: flyexpr search TABLE --near VECTOR reads it\n"
    )


def test_a_region_that_compares_by_equality_alone(docs: Program) -> None:
    told = docs.error("search", "Docs", "--near", "[1, 0]", "lang > 'd'", "--wide", "--index", "ByVector", code=1)
    assert told == (
        "flyexpr: ValidationException: Invalid SearchConditionExpression: Invalid comparator used in "
        "SearchConditionExpression\n"
        "  hint: leave out --wide, and the client checks such conditions\n"
    )


def test_nothing_found(docs: Program) -> None:
    assert docs("search", "Docs", "--near", "[1, 0]", "lang = 'fr'", "--index", "ByVector", code=4) == ""


def test_the_plan(docs: Program) -> None:
    plan = docs("search", "Docs", "--near", "[1, 0]", "lang > 'd'", "--wide", "--index", "ByVector", "--explain")
    assert plan.startswith("operation     SearchVectors on Docs\nindex         ByVector\n")
    assert "filter        lang > 'd'" in plan


@pytest.mark.parametrize("arguments, text", [
    (["Docs", "--near", "[1"], (
        "Error: --near takes a JSON array of numbers, or @FILE: Expecting ',' delimiter: line 1 column 3 "
        "(char 2)\n"
    )),
    (["Docs", "--near", "{}"], "Error: --near takes a JSON array of numbers, or @FILE\n"),
    (["Docs", "--near", "@none.json"], "Error: --near: cannot read 'none.json': No such file or directory\n"),
    (["Docs", "--near", "[1, 0]", "--index", "nope"], "Error: 'Docs' has no vector index 'nope'\n"),
    (["Plain", "--near", "[1, 0]"], "Error: 'Plain' has no vector index\n"),
    (["Two", "--near", "[1, 0]"], "Error: 'Two' has vectors in picture and text; choose with --index\n"),
    (["Docs", "--near", "[1, 0, 0]"], (
        "flyexpr: no vector index of 'Docs' can serve this search (ByVector: it has 2 dimensions, and the "
        "vector 3; ByDistance: it has 2 dimensions, and the vector 3)\n"
    )),
    (["Docs", "--near", "[1, 0]", "--top", "101"], (
        "Error: Invalid value for '--top': 101 is not in the range 1<=x<=100.\n"
    )),
])  # fmt: skip
def test_what_is_refused(docs: Program, arguments: list[str], text: str) -> None:
    assert settled(docs.error("search", *arguments, code=2)) == text
