"""flyexpr undo: changes taken back, what is left alone, and what is refused."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from export_folders import STAMP, written
from program import Inside, settled

from flyexpr import Table, connect, put
from flyexpr.steps.streams.undoing import Undoing


@pytest.fixture
def orders(inside: Inside) -> Inside:
    inside("create", "Orders", "id", "--stream", "both")
    for number in range(3):
        inside("put", "Orders", json.dumps({"id": str(number), "status": "open"}))
    return inside


def items(inside: Inside) -> list[dict]:
    return sorted(map(json.loads, inside("scan", "Orders").out.splitlines()), key=lambda item: item["id"])


def test_changes_are_taken_back(orders: Inside):
    orders("update", "Orders", "1", "SET status = 'oops'")
    undo = ("undo", "Orders", "--since", "beginning", "--wait", "0")
    end = orders(*undo, "--dry-run", "status = 'oops'")
    assert (end.code, end.out, end.err) == (0, "", "flyexpr: 1 item would be as it was\n")
    assert len(items(orders)) == 3
    end = orders(*undo, "--yes", "status = 'oops'")
    assert (end.code, end.err) == (0, "flyexpr: 1 item is as it was\n")
    assert [item["id"] for item in items(orders)] == ["0", "2"]
    end = orders(*undo, "--yes")
    assert (end.code, end.err) == (0, "flyexpr: 2 items are as they were\n")
    assert items(orders) == []


def test_a_time_is_where_the_changes_begin(orders: Inside):
    since = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    orders("delete", "Orders", "1")
    end = orders("undo", "Orders", "--since", since, "--wait", "0", "--yes")
    assert (end.code, end.err) == (0, "flyexpr: 1 item is as it was\n")
    assert len(items(orders)) == 3


def test_a_time_before_the_stream_is_refused(orders: Inside):
    end = orders("undo", "Orders", "--since", "2026-01-01T00:00:00Z", "--wait", "0", "--yes")
    assert end.code == 1
    assert end.err == (
        "flyexpr: the stream of 'Orders' does not reach back to 2026-01-01 00:00:00+00:00, so some changes would stay\n"
    )
    assert len(items(orders)) == 3


def test_nobody_is_asked_about_what_cannot_be_done(orders: Inside):
    orders("create", "Bare", "id")
    end = orders("undo", "Bare", "--since", "beginning", "--wait", "0")
    assert (end.code, end.err.splitlines()[0]) == (1, "flyexpr: 'Bare' has no stream")
    end = orders("undo", "Orders", "--since", "2026-01-01T00:00:00Z", "--wait", "0")
    assert (end.code, end.err) == (
        1,
        (
            "flyexpr: the stream of 'Orders' does not reach back to 2026-01-01 00:00:00+00:00, so some changes "
            "would stay\n"
        ),
    )


def test_the_question_says_how_many_items_it_is_about(orders: Inside):
    end = orders("undo", "Orders", "--since", "beginning", "--wait", "0", "id = '1'")
    assert settled(end.err) == (
        "Error: Take back the changes of 1 item of Orders since beginning? There is no terminal to ask at; "
        "write --yes.\n"
    )
    assert len(items(orders)) == 3


def test_nobody_is_asked_about_nothing(orders: Inside):
    end = orders("undo", "Orders", "--since", "beginning", "--wait", "0", "id = '9'")
    assert (end.code, end.err) == (0, "flyexpr: 0 items are as they were\n")
    assert len(items(orders)) == 3


def test_nothing_is_looked_at_beforehand_where_nobody_is_asked(orders: Inside, monkeypatch: pytest.MonkeyPatch):
    steps, looks = Undoing.steps, list[bool]()

    def noted(undoing: Undoing, only_look: bool, *more: Any) -> Any:
        looks.append(only_look)
        return steps(undoing, only_look, *more)

    monkeypatch.setattr(Undoing, "steps", noted)
    end = orders("undo", "Orders", "--since", "beginning", "--wait", "0", "--yes")
    assert (end.code, end.err, looks) == (0, "flyexpr: 3 items are as they were\n", [False])


def test_a_stream_is_read_once_and_what_comes_after_the_question_stays(orders: Inside, monkeypatch: pytest.MonkeyPatch):
    def answer(question: str, yes: bool) -> None:
        with connect("sqlite:tables.db") as engine:
            put(Table("Orders", "id").on(engine), {"id": "late"})

    monkeypatch.setattr("flyexpr.cli.dialogue.confirm", answer)
    end = orders("undo", "Orders", "--since", "beginning", "--wait", "0")
    assert (end.code, end.err) == (0, "flyexpr: 3 items are as they were\n")
    assert items(orders) == [{"id": "late"}]


def test_what_was_changed_again_is_printed(orders: Inside, tmp_path: Path):
    lines = [
        {
            "Metadata": {"WriteTimestampMicros": {"N": f"{STAMP}"}},
            "Keys": {"id": {"S": key}},
            "NewImage": {"id": {"S": key}, "status": {"S": status}},
        }
        for key, status in (("0", "open"), ("1", "other"))
    ]
    about = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES"}
    folder = written(tmp_path / "of S3", [json.dumps(line).encode() for line in lines], data="data", **about)
    end = orders("undo", "Orders", "--export", str(folder), "--yes")
    assert (end.code, end.err) == (1, "flyexpr: 1 item is as it was, and 1 was changed again\n")
    assert json.loads(end.out) == {"key": {"id": "1"}, "now": {"id": "1", "status": "open"}}
    assert [item["id"] for item in items(orders)] == ["1", "2"]


@pytest.mark.parametrize(
    "arguments, text",
    [
        ([], "Error: write --since WHEN, or --export FOLDER\n"),
        (["--since", "beginning", "--export", "."], "Error: write --since WHEN, or --export FOLDER\n"),
        (
            ["--since", "latest"],
            "Error: --since takes beginning or a time such as 2026-01-31T12:00:00Z, not 'latest'\n",
        ),
        (
            ["--since", "beginning", "--wait", "0"],
            (
                "Error: Take back the changes of 3 items of Orders since beginning? There is no terminal to "
                "ask at; write --yes.\n"
            ),
        ),
        (
            ["--since", "beginning", "status = = 1"],
            (
                'flyexpr: Syntax error; token: "=", near: "= = 1"\n'
                "  expression: status = = 1\n"
                "                       ^\n"
            ),
        ),
    ],
)
def test_what_is_refused(orders: Inside, arguments: list[str], text: str):
    end = orders("undo", "Orders", *arguments)
    assert end.code == 2
    assert settled(end.err) == text
    assert len(items(orders)) == 3
