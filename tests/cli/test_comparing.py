"""diff: what differs between two tables."""

import json

import pytest
from program import Inside

ONE = [{"id": "a", "n": 1}, {"id": "b", "n": -1, "m": {"x": 1, "y": [2]}}, {"id": "c"}]
TWO = [{"id": "d"}, {"m": {"y": [3], "x": 1}, "n": -2, "id": "b"}, {"n": 1.0, "id": "a"}]


@pytest.fixture
def tables(inside: Inside) -> Inside:
    for name, items in (("One", ONE), ("Two", TWO)):
        inside("create", name, "id")
        inside("put", name, stdin="\n".join(map(json.dumps, items)))
    return inside


@pytest.mark.parametrize("segments", ["1", "3"])
def test_what_differs(tables: Inside, segments: str):
    end = tables("diff", "One", "Two", "--segments", segments)
    assert (end.code, sorted(end.out.splitlines()), end.err) == (
        3,
        ['+ {"id": "d"}', '- {"id": "c"}', '~ {"id": "b"} SET m.y[0] = 3, n = -2'],
        "flyexpr: 1 item less, 1 more, 1 changed\n",
    )


def test_a_text_of_several_lines_forges_no_line(tables: Inside):
    tables("put", "Two", '{"id": "a", "n": 1, "text": "x\\n- {\\"id\\": \\"c\\"}\\r"}')
    end = tables("diff", "One", "Two")
    assert """~ {"id": "a"} SET text = 'x\\u000a- {"id": "c"}\\u000d'""" in end.out.split("\n")
    assert len(end.out.splitlines()) == 4


def test_tables_that_are_the_same(tables: Inside):
    assert tables("diff", "One", "One") == (0, "", "")
    tables("copy", "One", "--to", "sqlite:copy.db", "--as", "Copy")
    assert tables("diff", "One", "Copy", "--to", "sqlite:copy.db") == (0, "", "")
    tables("delete", "Copy", "a", "--engine", "sqlite:copy.db")
    assert tables("diff", "One", "Copy", "--to", "sqlite:copy.db") == (
        3,
        '- {"id": "a"}\n',
        "flyexpr: 1 item less, 0 more, 0 changed\n",
    )


def test_the_same_table_of_another_engine(tables: Inside):
    tables("copy", "One", "--to", "sqlite:copy.db")
    assert tables("diff", "One", "--to", "sqlite:copy.db") == (0, "", "")
    assert tables("diff", "One") == (
        2,
        "",
        "Usage: flyexpr diff [OPTIONS] TABLE [OTHER]\nTry 'flyexpr diff --help' for help.\n\n"
        "Error: say which table to compare with: its name, or by --to the engine that has it too\n",
    )


def test_an_item_that_has_become_the_same_meanwhile(tables: Inside, monkeypatch: pytest.MonkeyPatch):
    """What is printed is the difference between the items as they are read last."""
    monkeypatch.setattr("flyexpr.cli.commands.comparing._digest", lambda item: object())
    assert tables("diff", "One", "One") == (0, "", "")


def test_tables_with_other_keys(tables: Inside):
    tables("create", "Three", "id:N")
    assert tables("diff", "One", "Three") == (
        1,
        "",
        "flyexpr: One and Three have different keys, so their items cannot be compared\n",
    )
