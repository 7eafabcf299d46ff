"""Statements of PartiQL, on every engine."""

from collections.abc import Callable
from typing import Any

import pytest
from engines import Engine, without_transport

from flyexpr import DynamoError, Table, call, create_table, put_all, run

pytestmark = pytest.mark.engine_fault("dynalite", reason="has no PartiQL")


@pytest.fixture(autouse=True)
def _without_the_server_of_moto(engine_name: str) -> None:
    """The moto in this process shows moto's faults; its server answers them with status 500, which is sent again."""
    if without_transport(engine_name) == "moto-server":
        pytest.skip("moto-server: answers what it does not read with status 500; moto in process takes part")


SCORES = Table("scores", "user", "title")
ITEMS: list[dict[str, Any]] = [
    {"user": "abc", "title": "Comet Quest", "wins": 1, "kind": "new"},
    {"user": "abc", "title": "Galaxy Invaders", "wins": 10, "tags": {"a", "b"}},
    {"user": "def", "title": "Comet Quest", "wins": 7, "log": [1, {"place": "here"}]},
]
ABC = "\"user\" = 'abc'"
COMET = f"{ABC} AND title = 'Comet Quest'"

# The rest of a statement after FROM, and the titles that it gives; then the engines that do not, and what they do.
READ: list[tuple[str, list[str], tuple[str, ...], str]] = [
    (f"WHERE {COMET}", ["Comet Quest"], (), ""),
    (f"WHERE {ABC}", ["Comet Quest", "Galaxy Invaders"], (), ""),
    ("WHERE wins = 7", ["Comet Quest"], ("moto",), "finds no number that is written in place"),
    (f"WHERE {ABC} AND wins > 5", ["Galaxy Invaders"], (), ""),
    (f"WHERE {ABC} AND kind IS MISSING", ["Galaxy Invaders"], (), ""),
    (f"WHERE {ABC} AND kind IS NOT MISSING", ["Comet Quest"], (), ""),
    (f"WHERE {ABC} AND wins IS NUMERIC", ["Comet Quest", "Galaxy Invaders"], ("moto",), "reads IS as something else"),
    (f"WHERE {ABC} AND begins_with(title, 'G')", ["Galaxy Invaders"], ("moto",), "takes functions for true"),
    (f"WHERE {ABC} AND contains(tags, 'a')", ["Galaxy Invaders"], ("moto",), "takes functions for true"),
    (f"WHERE {ABC} AND size(kind) = 3", ["Comet Quest"], ("moto",), "does not read size"),
    (f"WHERE {ABC} AND wins IN [1, 2]", ["Comet Quest"], ("moto",), "does not read IN with brackets"),
    (f"WHERE {ABC} AND wins BETWEEN 5 AND 15", ["Galaxy Invaders"], ("moto",), "does not read BETWEEN"),
    (f"WHERE {ABC} AND NOT wins = 1", ["Galaxy Invaders"], ("moto",), "does not read NOT"),
    (f"WHERE {ABC} AND wins <> 1", ["Galaxy Invaders"], ("moto",), "finds no number that is written in place"),
    ("WHERE log[1].place = 'here'", ["Comet Quest"], (), ""),
    (f"WHERE {ABC} ORDER BY title DESC", ["Galaxy Invaders", "Comet Quest"], ("moto",), "does not sort"),
]
REFUSED: list[tuple[str, str, tuple[str, ...], str]] = [
    ("SELECT * FROM {} WHERE", "ValidationException", ("moto",), "fails"),
    ("SELECT * FROM {} WHERE wins < true", "ValidationException", ("moto",), "is lenient"),
    (f"UPDATE {{}} SET wins = 1 WHERE {ABC}", "ValidationException", ("moto",), "is lenient"),
    ("DELETE FROM {}", "ValidationException", ("moto",), "is lenient"),
    (
        f"UPDATE {{}} SET wins = 2 WHERE {COMET} AND wins = 9",
        "ConditionalCheckFailedException",
        ("moto",),
        "is lenient",
    ),
    (
        "UPDATE {} SET wins = 2 WHERE \"user\" = 'x' AND title = 'y'",
        "ConditionalCheckFailedException",
        ("moto",),
        "fails",
    ),
    (
        "INSERT INTO {} VALUE {{'user': 'abc', 'title': 'Comet Quest'}}",
        "DuplicateItemException",
        ("moto",),
        "is lenient",
    ),
    ("SELECT * FROM missing_{} WHERE wins = 1", "ResourceNotFoundException", (), ""),
]


@pytest.fixture
def name(engine: Engine, fresh_name: str) -> str:
    table = SCORES.named(fresh_name).on(engine)
    run(table, create_table())
    put_all(table, ITEMS)
    return fresh_name


def execute(engine: Engine, statement: str, *parameters: Any, **members: Any) -> Any:
    if parameters:
        members["Parameters"] = [*parameters]
    return call(engine, "ExecuteStatement", {"Statement": statement, **members})


def titles(answer: Any) -> list[str]:
    return [item["title"]["S"] for item in answer["Items"]]


@pytest.mark.parametrize("clause, expected, unlike, why", READ, ids=[clause for clause, *_ in READ])
def test_what_a_select_gives(
    engine: Engine,
    name: str,
    clause: str,
    expected: list[str],
    unlike: tuple[str, ...],
    why: str,
    known_fault: Callable[..., None],
) -> None:
    known_fault(*unlike, reason=why)
    assert titles(execute(engine, f"SELECT title FROM {name} {clause}")) == expected


@pytest.mark.parametrize("statement, code, unlike, why", REFUSED, ids=[statement for statement, *_ in REFUSED])
def test_what_is_refused(
    engine: Engine,
    name: str,
    statement: str,
    code: str,
    unlike: tuple[str, ...],
    why: str,
    known_fault: Callable[..., None],
) -> None:
    known_fault(*unlike, reason=why)
    with pytest.raises(DynamoError) as error:
        execute(engine, statement.format(name))
    assert error.value.code == code


@pytest.mark.engine_fault("moto", reason="takes constants only in place in INSERT")
def test_an_item_is_made_and_deleted(engine: Engine, name: str) -> None:
    text = f"INSERT INTO {name} VALUE {{'user': 'new', 'title': ?, 'wins': 3}}"
    assert execute(engine, text, {"S": "It"}).get("Items", []) == []
    one = f"{name} WHERE \"user\" = 'new' AND title = 'It'"
    assert execute(engine, f"SELECT wins FROM {one}")["Items"] == [{"wins": {"N": "3"}}]
    execute(engine, f"DELETE FROM {one}")
    assert execute(engine, f"SELECT wins FROM {one}")["Items"] == []
    execute(engine, f"DELETE FROM {one}")


@pytest.mark.engine_fault("moto", reason="reads no sums, and SET once")
def test_an_item_is_updated(engine: Engine, name: str) -> None:
    text = (
        f"UPDATE {name} SET wins = wins + ?, was = wins SET kind = 'old' REMOVE tags WHERE {COMET} RETURNING ALL NEW *"
    )
    (item,) = execute(engine, text, {"N": "2"})["Items"]
    assert {name: item[name] for name in ("wins", "kind")} == {"wins": {"N": "3"}, "kind": {"S": "old"}}


def test_a_batch(engine: Engine, name: str) -> None:
    statements = [
        {"Statement": f"SELECT wins FROM {name} WHERE {COMET}"},
        {"Statement": f'SELECT * FROM {name} WHERE "user" = ? AND title = ?', "Parameters": [{"S": "x"}, {"S": "y"}]},
    ]
    first, second = call(engine, "BatchExecuteStatement", {"Statements": statements})["Responses"]
    assert (first["Item"], "Item" in second) == ({"wins": {"N": "1"}}, False)


@pytest.mark.engine_fault("moto", reason="takes constants only as parameters in UPDATE")
def test_a_transaction(engine: Engine, name: str) -> None:
    statements = [
        {"Statement": f"UPDATE {name} SET wins = 5 WHERE {COMET}"},
        {"Statement": f"INSERT INTO {name} VALUE {{'user': 'new', 'title': 'It'}}"},
    ]
    call(engine, "ExecuteTransaction", {"TransactStatements": statements})
    assert execute(engine, f"SELECT wins FROM {name} WHERE {COMET}")["Items"] == [{"wins": {"N": "5"}}]
    with pytest.raises(DynamoError):
        call(engine, "ExecuteTransaction", {"TransactStatements": statements[::-1]})
