"""Single-table designs as AWS's guides draw them, each with its questions: the plan of each, and its answer.

Every design is filled twice: by flyexpr, from parts; and by a plain client, which writes keys as text and stores none
of their parts. Both tables have the same keys, and give the same answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import kept
import pytest
from engines import Engine

from flyexpr import (
    GlobalIndex,
    Table,
    assign,
    begins_with,
    between,
    call,
    computed,
    create_table,
    delete_matching,
    epoch,
    eq,
    exists,
    explain,
    first,
    ge,
    get,
    gt,
    is_in,
    lt,
    modify,
    put,
    query,
    run,
    template,
    update,
)
from flyexpr.expressions.paths import paths
from flyexpr.records import replace
from flyexpr.schema.stored_items import stored_item

engine_name, engine = kept.engine_name, kept.engine


@dataclass(frozen=True)
class Question:
    """A question, to the kind that it is about: its plan (index and key condition), and the sort keys of its answer."""

    text: str
    kind: str
    read: Any
    index: "str | None"
    key: str
    answer: list[str]


@dataclass(frozen=True)
class Design:
    """A table for items of several kinds: what flyexpr puts, the same as a plain client stores it, and questions."""

    name: str
    kinds: dict[str, Table]
    items: list[tuple[str, dict[str, Any]]]
    stored: list[dict[str, Any]]
    questions: list[Question]


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=timezone.utc)


def text(day: int, hour: int = 12, minute: int = 0) -> str:
    return f"2026-01-{day:02d}T{hour:02d}:{minute:02d}:00.000000+00:00"


def kinds(indexes: list[GlobalIndex], **attributes: dict[str, Any]) -> dict[str, Table]:
    return {name: Table("Design", "pk", "sk", attributes=types, indexes=indexes) for name, types in attributes.items()}


SHOP = Design(
    "online shop",
    kinds(
        [GlobalIndex("ByProduct", "g1", "g1s"), GlobalIndex("ByCustomer", "g2", "g2s")],
        customer={"pk": template("c#{customer}"), "sk": template("c#{customer}")},
        stock={"pk": template("p#{product}"), "sk": template("w#{warehouse}")},
        order={
            "pk": template("o#{order}"),
            "sk": template("c#{customer}"),
            "g2": template("c#{customer}"),
            "g2s": template("{placed}#{order}"),
            "placed": date,
        },
        line={
            "pk": template("o#{order}"),
            "sk": template("p#{product}"),
            "g1": template("p#{product}"),
            "g1s": template("{placed}#{order}"),
            "placed": date,
        },
    ),
    [
        ("customer", {"customer": "1", "mail": "ada@example.org"}),
        ("stock", {"product": "9", "warehouse": "2", "amount": 30}),
        ("stock", {"product": "9", "warehouse": "5", "amount": 7}),
        ("order", {"order": "71", "customer": "1", "placed": date(2026, 1, 10)}),
        ("order", {"order": "72", "customer": "1", "placed": date(2026, 2, 3)}),
        ("order", {"order": "80", "customer": "2", "placed": date(2026, 2, 3)}),
        ("line", {"order": "71", "product": "9", "placed": date(2026, 1, 10), "amount": 2}),
        ("line", {"order": "72", "product": "8", "placed": date(2026, 2, 3), "amount": 1}),
        ("line", {"order": "72", "product": "9", "placed": date(2026, 2, 3), "amount": 5}),
    ],
    [
        {"pk": "c#1", "sk": "c#1", "mail": "ada@example.org"},
        {"pk": "p#9", "sk": "w#2", "amount": 30},
        {"pk": "p#9", "sk": "w#5", "amount": 7},
        {"pk": "o#71", "sk": "c#1", "g2": "c#1", "g2s": "2026-01-10#71"},
        {"pk": "o#72", "sk": "c#1", "g2": "c#1", "g2s": "2026-02-03#72"},
        {"pk": "o#80", "sk": "c#2", "g2": "c#2", "g2s": "2026-02-03#80"},
        {"pk": "o#71", "sk": "p#9", "g1": "p#9", "g1s": "2026-01-10#71", "amount": 2},
        {"pk": "o#72", "sk": "p#8", "g1": "p#8", "g1s": "2026-02-03#72", "amount": 1},
        {"pk": "o#72", "sk": "p#9", "g1": "p#9", "g1s": "2026-02-03#72", "amount": 5},
    ],
    [
        Question("a customer", "customer", query(eq("customer", "1")), None, "pk = 'c#1' AND sk = 'c#1'", ["c#1"]),
        Question(
            "a product's stock in all warehouses",
            "stock",
            query(eq("product", "9")),
            None,
            "pk = 'p#9' AND begins_with(sk, 'w#')",
            ["w#2", "w#5"],
        ),
        Question(
            "an order's lines",
            "line",
            query(eq("order", "72")),
            None,
            "pk = 'o#72' AND begins_with(sk, 'p#')",
            ["p#8", "p#9"],
        ),
        Question(
            "an order with its lines", "order", query(eq("pk", "o#72")), None, "pk = 'o#72'", ["c#1", "p#8", "p#9"]
        ),
        Question(
            "the lines of several orders",
            "line",
            query(is_in("order", ["72", "71"]) & ge("product", "9")),
            None,
            "pk = 'o#72' AND sk BETWEEN 'p#9' AND 'p$' or pk = 'o#71' AND sk BETWEEN 'p#9' AND 'p$'",
            ["p#9", "p#9"],
        ),
        Question(
            "a customer's orders of January",
            "order",
            query(eq("customer", "1") & between("placed", date(2026, 1, 1), date(2026, 1, 31))),
            "ByCustomer",
            "g2 = 'c#1' AND g2s BETWEEN '2026-01-01#' AND '2026-01-31$'",
            ["c#1"],
        ),
        Question(
            "a product's sales since a day",
            "line",
            query(eq("product", "9") & ge("placed", date(2026, 1, 10))),
            "ByProduct",
            "g1 = 'p#9' AND g1s >= '2026-01-10#'",
            ["p#9", "p#9"],
        ),
        Question(
            "a product's sales after a day",
            "line",
            query(eq("product", "9") & gt("placed", date(2026, 1, 10))),
            "ByProduct",
            "g1 = 'p#9' AND g1s >= '2026-01-10#'",
            ["p#9"],
        ),
    ],
)

GAMES = Design(
    "game sessions",
    kinds(
        [GlobalIndex("Inverted", "sk", "pk"), GlobalIndex("OpenGames", "map", "open")],
        player={"pk": template("USER#{user}"), "sk": template("#METADATA#{user}")},
        score={"pk": template("USER#{user}"), "sk": template("SCORE#{score:06d}#{game}"), "score": int},
        game={
            "pk": template("GAME#{game}"),
            "sk": template("#METADATA#{game}"),
            "open": computed(lambda opened, people: opened if people < 50 else None, "opened", "people"),
            "people": int,
        },
        seat={"pk": template("GAME#{game}"), "sk": template("USER#{user}")},
    ),
    [
        ("player", {"user": "ada", "name": "Ada"}),
        ("score", {"user": "ada", "game": "g1", "score": 900}),
        ("score", {"user": "ada", "game": "g2", "score": 12_000}),
        ("game", {"game": "g1", "map": "Dockyard", "opened": "2026-01-10", "people": 2}),
        ("game", {"game": "g2", "map": "Dockyard", "opened": "2026-01-12", "people": 50}),
        ("game", {"game": "g3", "map": "Dockyard", "opened": "2026-01-14", "people": 0}),
        ("seat", {"game": "g1", "user": "ada"}),
        ("seat", {"game": "g1", "user": "bob"}),
        ("seat", {"game": "g2", "user": "ada"}),
    ],
    [
        {"pk": "USER#ada", "sk": "#METADATA#ada", "name": "Ada"},
        {"pk": "USER#ada", "sk": "SCORE#000900#g1"},
        {"pk": "USER#ada", "sk": "SCORE#012000#g2"},
        {
            "pk": "GAME#g1",
            "sk": "#METADATA#g1",
            "map": "Dockyard",
            "opened": "2026-01-10",
            "open": "2026-01-10",
            "people": 2,
        },
        {"pk": "GAME#g2", "sk": "#METADATA#g2", "map": "Dockyard", "opened": "2026-01-12", "people": 50},
        {
            "pk": "GAME#g3",
            "sk": "#METADATA#g3",
            "map": "Dockyard",
            "opened": "2026-01-14",
            "open": "2026-01-14",
            "people": 0,
        },
        {"pk": "GAME#g1", "sk": "USER#ada"},
        {"pk": "GAME#g1", "sk": "USER#bob"},
        {"pk": "GAME#g2", "sk": "USER#ada"},
    ],
    [
        Question(
            "a player",
            "player",
            query(eq("user", "ada")),
            None,
            "pk = 'USER#ada' AND sk = '#METADATA#ada'",
            ["#METADATA#ada"],
        ),
        Question(
            "a player's best games",
            "score",
            query(eq("user", "ada") & ge("score", 1000), reverse=True),
            None,
            "pk = 'USER#ada' AND sk BETWEEN 'SCORE#001000#' AND 'SCORE$'",
            ["SCORE#012000#g2"],
        ),
        Question(
            "who plays a game",
            "seat",
            query(eq("game", "g1")),
            None,
            "pk = 'GAME#g1' AND begins_with(sk, 'USER#')",
            ["USER#ada", "USER#bob"],
        ),
        Question(
            "a game with its players",
            "seat",
            query(eq("game", "g1") & exists("sk")),
            None,
            "pk = 'GAME#g1'",
            ["#METADATA#g1", "USER#ada", "USER#bob"],
        ),
        Question(
            "a player's games",
            "seat",
            query(eq("user", "ada")),
            "Inverted",
            "sk = 'USER#ada' AND begins_with(pk, 'GAME#')",
            ["USER#ada", "USER#ada"],
        ),
        Question(
            "open games of a map since a day",
            "game",
            query(eq("map", "Dockyard") & ge("open", "2026-01-11")),
            "OpenGames",
            "map = 'Dockyard' AND open >= '2026-01-11'",
            ["#METADATA#g3"],
        ),
    ],
)

SESSIONS = Design(
    "user sessions",
    kinds(
        [GlobalIndex("ByUser", "g", "gs")],
        session={
            "pk": template("SESSION#{token}"),
            "sk": template("SESSION"),
            "g": template("USER#{user}"),
            "gs": template("{created:%Y%m%dT%H%M%S.%f}"),
            "created": datetime,
            "expires": epoch,
        },
    ),
    [
        ("session", {"token": "t1", "user": "ada", "created": at(10), "expires": at(11)}),
        ("session", {"token": "t2", "user": "ada", "created": at(20), "expires": at(21)}),
        ("session", {"token": "t3", "user": "bob", "created": at(20), "expires": at(21)}),
    ],
    [
        {"pk": "SESSION#t1", "sk": "SESSION", "g": "USER#ada", "gs": "20260110T120000.000000", "expires": 1768132800},
        {"pk": "SESSION#t2", "sk": "SESSION", "g": "USER#ada", "gs": "20260120T120000.000000", "expires": 1768996800},
        {"pk": "SESSION#t3", "sk": "SESSION", "g": "USER#bob", "gs": "20260120T120000.000000", "expires": 1768996800},
    ],
    [
        Question(
            "a session", "session", query(eq("token", "t1")), None, "pk = 'SESSION#t1' AND sk = 'SESSION'", ["SESSION"]
        ),
        Question(
            "a user's sessions since a time",
            "session",
            query(eq("user", "ada") & ge("created", at(15))),
            "ByUser",
            "g = 'USER#ada' AND gs >= '20260115T120000.000000'",
            ["SESSION"],
        ),
        Question(
            "the sessions of two users before a time",
            "session",
            query(is_in("user", ["ada", "bob"]) & lt("created", at(20))),
            "ByUser",
            "g = 'USER#ada' AND gs <= '20260120T120000.000000' or g = 'USER#bob' AND gs <= '20260120T120000.000000'",
            ["SESSION"],
        ),
    ],
)

CHAT = Design(
    "chat messages",
    kinds(
        [GlobalIndex("ByUser", "sk", "pk")],
        member={"pk": template("ROOM#{room}"), "sk": template("MEMBER#{user}")},
        message={"pk": template("ROOM#{room}"), "sk": template("MSG#{sent}#{id}"), "sent": datetime},
    ),
    [
        ("member", {"room": "r1", "user": "ada"}),
        ("member", {"room": "r1", "user": "bob"}),
        ("member", {"room": "r2", "user": "ada"}),
        ("message", {"room": "r1", "sent": at(10, 9), "id": "m1", "text": "hello"}),
        ("message", {"room": "r1", "sent": at(10, 10), "id": "m2", "text": "hi"}),
        ("message", {"room": "r1", "sent": at(11, 8), "id": "m3", "text": "bye"}),
    ],
    [
        {"pk": "ROOM#r1", "sk": "MEMBER#ada"},
        {"pk": "ROOM#r1", "sk": "MEMBER#bob"},
        {"pk": "ROOM#r2", "sk": "MEMBER#ada"},
        {"pk": "ROOM#r1", "sk": f"MSG#{text(10, 9)}#m1", "text": "hello"},
        {"pk": "ROOM#r1", "sk": f"MSG#{text(10, 10)}#m2", "text": "hi"},
        {"pk": "ROOM#r1", "sk": f"MSG#{text(11, 8)}#m3", "text": "bye"},
    ],
    [
        Question(
            "messages since a time",
            "message",
            query(eq("room", "r1") & ge("sent", at(10, 10))),
            None,
            f"pk = 'ROOM#r1' AND sk BETWEEN 'MSG#{text(10, 10)}#' AND 'MSG$'",
            [f"MSG#{text(10, 10)}#m2", f"MSG#{text(11, 8)}#m3"],
        ),
        Question(
            "the last message before a time",
            "message",
            query(eq("room", "r1") & lt("sent", at(11, 8)), reverse=True, limit=1),
            None,
            f"pk = 'ROOM#r1' AND sk BETWEEN 'MSG#' AND 'MSG#{text(11, 8)}$'",
            [f"MSG#{text(10, 10)}#m2"],
        ),
        Question(
            "the messages of a day",
            "message",
            query(eq("room", "r1") & begins_with("sent", "2026-01-10")),
            None,
            "pk = 'ROOM#r1' AND begins_with(sk, 'MSG#2026-01-10')",
            [f"MSG#{text(10, 9)}#m1", f"MSG#{text(10, 10)}#m2"],
        ),
        Question(
            "who is in a room",
            "member",
            query(eq("room", "r1")),
            None,
            "pk = 'ROOM#r1' AND begins_with(sk, 'MEMBER#')",
            ["MEMBER#ada", "MEMBER#bob"],
        ),
        Question(
            "in which rooms somebody is",
            "member",
            query(eq("user", "ada")),
            "ByUser",
            "sk = 'MEMBER#ada' AND begins_with(pk, 'ROOM#')",
            ["MEMBER#ada", "MEMBER#ada"],
        ),
    ],
)

PAYMENTS = Design(
    "recurring payments",
    kinds(
        [GlobalIndex("Due", "due", "pk")],
        subscription={
            "pk": template("ACC#{account}"),
            "sk": template("SUB#{subscription}#SKU#{sku}"),
            "due": template("DUE#{next:%Y-%m-%d}"),
            "next": date,
            "price": Decimal,
        },
        receipt={
            "pk": template("ACC#{account}"),
            "sk": template("REC#{paid:%Y-%m-%d}#SKU#{sku}"),
            "paid": date,
            "amount": Decimal,
        },
    ),
    [
        (
            "subscription",
            {"account": "1", "subscription": "s1", "sku": "tv", "next": date(2026, 2, 1), "price": Decimal("9.5")},
        ),
        (
            "subscription",
            {"account": "1", "subscription": "s2", "sku": "net", "next": date(2026, 2, 9), "price": Decimal(30)},
        ),
        (
            "subscription",
            {"account": "2", "subscription": "s3", "sku": "tv", "next": date(2026, 2, 1), "price": Decimal("9.5")},
        ),
        ("receipt", {"account": "1", "sku": "tv", "paid": date(2025, 12, 1), "amount": Decimal("9.5")}),
        ("receipt", {"account": "1", "sku": "tv", "paid": date(2026, 1, 1), "amount": Decimal("9.5")}),
        ("receipt", {"account": "1", "sku": "net", "paid": date(2026, 1, 9), "amount": Decimal(30)}),
    ],
    [
        {"pk": "ACC#1", "sk": "SUB#s1#SKU#tv", "due": "DUE#2026-02-01", "price": Decimal("9.5")},
        {"pk": "ACC#1", "sk": "SUB#s2#SKU#net", "due": "DUE#2026-02-09", "price": 30},
        {"pk": "ACC#2", "sk": "SUB#s3#SKU#tv", "due": "DUE#2026-02-01", "price": Decimal("9.5")},
        {"pk": "ACC#1", "sk": "REC#2025-12-01#SKU#tv", "amount": Decimal("9.5")},
        {"pk": "ACC#1", "sk": "REC#2026-01-01#SKU#tv", "amount": Decimal("9.5")},
        {"pk": "ACC#1", "sk": "REC#2026-01-09#SKU#net", "amount": 30},
    ],
    [
        Question(
            "an account's subscriptions",
            "subscription",
            query(eq("account", "1")),
            None,
            "pk = 'ACC#1' AND begins_with(sk, 'SUB#')",
            ["SUB#s1#SKU#tv", "SUB#s2#SKU#net"],
        ),
        Question(
            "an account's receipts of this year",
            "receipt",
            query(eq("account", "1") & ge("paid", date(2026, 1, 1))),
            None,
            "pk = 'ACC#1' AND sk BETWEEN 'REC#2026-01-01#SKU#' AND 'REC$'",
            ["REC#2026-01-01#SKU#tv", "REC#2026-01-09#SKU#net"],
        ),
        Question(
            "an account's receipts of a day",
            "receipt",
            query(eq("account", "1") & eq("paid", date(2026, 1, 9))),
            None,
            "pk = 'ACC#1' AND begins_with(sk, 'REC#2026-01-09#SKU#')",
            ["REC#2026-01-09#SKU#net"],
        ),
        Question(
            "what is due on a day",
            "subscription",
            query(eq("next", date(2026, 2, 1))),
            "Due",
            "due = 'DUE#2026-02-01' AND begins_with(pk, 'ACC#')",
            ["SUB#s1#SKU#tv", "SUB#s3#SKU#tv"],
        ),
        Question(
            "what is due on the days of a list",
            "subscription",
            query(is_in("next", [date(2026, 2, 9), date(2026, 2, 10)])),
            "Due",
            "due = 'DUE#2026-02-09' AND begins_with(pk, 'ACC#') or due = 'DUE#2026-02-10' AND begins_with(pk, 'ACC#')",
            ["SUB#s2#SKU#net"],
        ),
    ],
)

LOG = Design(
    "device log",
    kinds(
        [GlobalIndex("ByOperator", "operator_key", "logged_key"), GlobalIndex("Escalated", "boss_key", "sk")],
        log={
            "pk": template("DEVICE#{device}"),
            "sk": template("{state}#{logged}"),
            "operator_key": template("OP#{operator}"),
            "logged_key": template("{logged}"),
            "boss_key": template("TO#{boss}"),
            "logged": datetime,
        },
    ),
    [
        ("log", {"device": "d1", "state": "NORMAL", "logged": at(10), "operator": "liz", "heat": 20}),
        ("log", {"device": "d1", "state": "WARNING1", "logged": at(11), "operator": "liz", "heat": 70}),
        ("log", {"device": "d1", "state": "WARNING1", "logged": at(20), "operator": "sue", "boss": "sara", "heat": 75}),
        ("log", {"device": "d2", "state": "WARNING4", "logged": at(12), "operator": "liz", "boss": "sara", "heat": 99}),
    ],
    [
        {"pk": "DEVICE#d1", "sk": f"NORMAL#{text(10)}", "operator_key": "OP#liz", "logged_key": text(10), "heat": 20},
        {"pk": "DEVICE#d1", "sk": f"WARNING1#{text(11)}", "operator_key": "OP#liz", "logged_key": text(11), "heat": 70},
        {
            "pk": "DEVICE#d1",
            "sk": f"WARNING1#{text(20)}",
            "operator_key": "OP#sue",
            "logged_key": text(20),
            "boss_key": "TO#sara",
            "heat": 75,
        },
        {
            "pk": "DEVICE#d2",
            "sk": f"WARNING4#{text(12)}",
            "operator_key": "OP#liz",
            "logged_key": text(12),
            "boss_key": "TO#sara",
            "heat": 99,
        },
    ],
    [
        Question(
            "all logs of a device, the last state first",
            "log",
            query(eq("device", "d1"), reverse=True),
            None,
            "pk = 'DEVICE#d1'",
            [f"WARNING1#{text(20)}", f"WARNING1#{text(11)}", f"NORMAL#{text(10)}"],
        ),
        Question(
            "the warnings of a device since a time",
            "log",
            query(eq("device", "d1") & eq("state", "WARNING1") & gt("logged", at(11))),
            None,
            f"pk = 'DEVICE#d1' AND sk BETWEEN 'WARNING1#{text(11)}' AND 'WARNING1$'",
            [f"WARNING1#{text(20)}"],
        ),
        Question(
            "the warnings of a device, of any level",
            "log",
            query(eq("device", "d1") & begins_with("state", "WARNING")),
            None,
            "pk = 'DEVICE#d1' AND begins_with(sk, 'WARNING')",
            [f"WARNING1#{text(11)}", f"WARNING1#{text(20)}"],
        ),
        Question(
            "what an operator logged between two times",
            "log",
            query(eq("operator", "liz") & between("logged", at(11), at(12))),
            "ByOperator",
            f"operator_key = 'OP#liz' AND logged_key BETWEEN '{text(11)}' AND '{text(12)}'",
            [f"WARNING1#{text(11)}", f"WARNING4#{text(12)}"],
        ),
        Question(
            "what was escalated to somebody, by state",
            "log",
            query(eq("boss", "sara") & ge("state", "WARNING4")),
            "Escalated",
            "boss_key = 'TO#sara' AND sk >= 'WARNING4'",
            [f"WARNING4#{text(12)}"],
        ),
    ],
)

DESIGNS = [SHOP, GAMES, SESSIONS, CHAT, PAYMENTS, LOG]
QUESTIONS = [(design, question) for design in DESIGNS for question in design.questions]


def wire(value: Any) -> dict[str, str]:
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def empty(design: Design, engine: Engine) -> dict[str, Table]:
    name = kept.unused("design")
    tables = {kind: replace(table, name=name).on(engine) for kind, table in design.kinds.items()}
    run(next(iter(tables.values())), create_table())
    return tables


def written_by_parts(design: Design, engine: Engine) -> dict[str, Table]:
    tables = empty(design, engine)
    for kind, item in design.items:
        put(tables[kind], item)
    return tables


def written_as_text(design: Design, engine: Engine) -> dict[str, Table]:
    tables = empty(design, engine)
    name = next(iter(tables.values())).name
    for item in design.stored:
        call(engine, "PutItem", {"TableName": name, "Item": {key: wire(value) for key, value in item.items()}})
    return tables


@pytest.fixture(scope="module")
def filled(engine: Engine) -> dict[str, list[dict[str, Table]]]:
    """The tables of each design: one written by flyexpr, one by a plain client."""
    return {design.name: [written_by_parts(design, engine), written_as_text(design, engine)] for design in DESIGNS}


@pytest.mark.parametrize("design, question", QUESTIONS, ids=[f"{d.name}: {q.text}" for d, q in QUESTIONS])
def test_a_question_has_its_plan(design: Design, question: Question) -> None:
    plan = explain(design.kinds[question.kind], question.read)
    assert (plan.index, plan.key_condition) == (question.index, question.key)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_both_writers_make_the_same_keys(design: Design) -> None:
    keys = next(iter(design.kinds.values())).key_attributes
    made = [stored_item(design.kinds[kind], item) for kind, item in design.items]
    assert [picked(item, keys) for item in made] == [picked(item, keys) for item in design.stored]


def picked(item: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


@pytest.mark.parametrize("design, question", QUESTIONS, ids=[f"{d.name}: {q.text}" for d, q in QUESTIONS])
def test_a_question_has_its_answer(
    filled: dict[str, list[dict[str, Table]]], design: Design, question: Question
) -> None:
    by_parts, as_text = (list(run(tables[question.kind], question.read)) for tables in filled[design.name])
    assert [item["sk"] for item in by_parts] == [item["sk"] for item in as_text] == question.answer
    of_every_kind = not {"pk", "sk"}.isdisjoint(path.parts[0] for path in paths(question.read.condition))
    for whole, read in zip(by_parts, as_text, strict=True):
        assert {name: whole[name] for name in read} == read
        assert of_every_kind or read == whole


@pytest.mark.parametrize("writer", [written_by_parts, written_as_text], ids=["by parts", "as text"])
def test_a_payment_moves_its_subscription_to_the_next_day(engine: Engine, writer: Any) -> None:
    subscriptions = writer(PAYMENTS, engine)["subscription"]
    key = {"account": "1", "subscription": "s1", "sku": "tv"}
    update(subscriptions, key, assign("next", date(2026, 3, 1)))
    assert [item["sk"] for item in run(subscriptions, query(eq("next", date(2026, 2, 1))))] == ["SUB#s3#SKU#tv"]
    assert (first(subscriptions, query(eq("next", date(2026, 3, 1)))) or {})["account"] == "1"
    modify(subscriptions, key, lambda item: item | {"next": date(2026, 4, 1)})
    assert (get(subscriptions, key) or {})["due"] == "DUE#2026-04-01"


@pytest.mark.parametrize("writer", [written_by_parts, written_as_text], ids=["by parts", "as text"])
def test_a_full_game_leaves_the_index_of_open_games(engine: Engine, writer: Any) -> None:
    games = writer(GAMES, engine)["game"]
    modify(games, {"game": "g3"}, lambda item: item | {"people": 50})
    assert [item["game"] for item in run(games, query(eq("map", "Dockyard") & ge("open", "2026-01-01")))] == ["g1"]


@pytest.mark.parametrize("writer", [written_by_parts, written_as_text], ids=["by parts", "as text"])
def test_a_user_is_signed_out_everywhere(engine: Engine, writer: Any) -> None:
    sessions = writer(SESSIONS, engine)["session"]
    assert delete_matching(sessions, query(eq("user", "ada") & lt("created", at(15)))) == 1
    assert delete_matching(sessions, query(eq("user", "ada"))) == 1
    assert [item["token"] for item in run(sessions, query(eq("user", "bob")))] == ["t3"]
