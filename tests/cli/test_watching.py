"""flyexpr watch: changes as lines, the place that is kept, and what is refused."""

import json
from pathlib import Path

import pytest
from program import Inside, settled


@pytest.fixture
def orders(inside: Inside) -> Inside:
    inside("create", "Orders", "id", "--stream", "both")
    for status in ("open", "done"):
        inside("put", "Orders", json.dumps({"id": "7", "status": status}))
    inside("delete", "Orders", "7")
    return inside


def lines(end: tuple[int, str, str]) -> list[dict]:
    assert (end[0], end[2]) == (0, "")
    return [json.loads(line) for line in end[1].splitlines()]


def test_changes_come_as_lines(orders: Inside):
    found = lines(orders("watch", "Orders", "--since", "beginning", "--for", "0.2"))
    assert [(each["kind"], each["key"], each["old"], each["new"], each["by_ttl"]) for each in found] == [
        ("INSERT", {"id": "7"}, None, {"id": "7", "status": "open"}, False),
        ("MODIFY", {"id": "7"}, {"id": "7", "status": "open"}, {"id": "7", "status": "done"}, False),
        ("REMOVE", {"id": "7"}, {"id": "7", "status": "done"}, None, False),
    ]
    assert sorted(each["sequence"] for each in found) == [each["sequence"] for each in found]
    assert all(each["at"].endswith("Z") for each in found)


def test_a_condition_asks_about_both_sides(orders: Inside):
    end = orders("watch", "Orders", "old(status) = 'open' AND changed(status)", "--since", "beginning", "--for", "0.2")
    assert [each["new"] for each in lines(end)] == [{"id": "7", "status": "done"}]


def test_the_place_is_kept_and_gone_on_from(orders: Inside):
    first = lines(orders("watch", "Orders", "--since", "beginning", "--limit", "1", "--resume", "place"))
    rest = lines(orders("watch", "Orders", "--resume", "place", "--for", "0.2"))
    assert [each["kind"] for each in (*first, *rest)] == ["INSERT", "MODIFY", "REMOVE"]
    assert lines(orders("watch", "Orders", "--resume", "place", "--for", "0.2")) == []
    orders("put", "Orders", '{"id": "8"}')
    assert [each["key"] for each in lines(orders("watch", "Orders", "--resume", "place", "--for", "0.2"))] == [
        {"id": "8"}
    ]


def test_the_place_is_kept_before_the_first_change(orders: Inside, monkeypatch: pytest.MonkeyPatch):
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", interrupted)
        assert orders("watch", "Orders", "--resume", "place").code == 130
    orders("put", "Orders", '{"id": "8"}')
    assert [each["key"] for each in lines(orders("watch", "Orders", "--resume", "place", "--for", "0.2"))] == [
        {"id": "8"}
    ]


def test_the_place_moves_over_changes_that_are_not_printed(orders: Inside, monkeypatch: pytest.MonkeyPatch):
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("time.sleep", interrupted)
        patched.setattr("flyexpr.cli.commands.watching._IDLE", 0.0)
        end = orders("watch", "Orders", "status = 'lost'", "--since", "beginning", "--resume", "place")
    assert (end.code, end.out) == (130, "")
    orders("put", "Orders", '{"id": "8"}')
    assert [each["key"] for each in lines(orders("watch", "Orders", "--resume", "place", "--for", "0.2"))] == [
        {"id": "8"}
    ]


def test_a_time_is_where_to_begin(orders: Inside):
    assert len(lines(orders("watch", "Orders", "--since", "2026-01-01T00:00:00Z", "--for", "0.2"))) == 3
    assert lines(orders("watch", "Orders", "--for", "0.1")) == []


@pytest.mark.parametrize(
    "arguments, code, text",
    [
        (["--since", "2999-01-31"], 1, "flyexpr: since= is a moment that is not there yet: 2999-01-31 00:00:00\n"),
        (
            ["--since", "yesterday"],
            2,
            "Error: --since takes latest, beginning or a time such as 2026-01-31T12:00:00Z, not 'yesterday'\n",
        ),
        (
            ["--resume", "place", "--since", "latest"],
            2,
            "Error: place says where to go on; leave out --since, or name another file\n",
        ),
        (
            ["status = = 1"],
            2,
            (
                'flyexpr: Syntax error; token: "=", near: "= = 1"\n'
                "  expression: status = = 1\n"
                "                       ^\n"
            ),
        ),
        (["--limit", "0"], 2, "Error: Invalid value for '--limit': 0 is not in the range x>=1.\n"),
    ],
)
def test_what_is_refused(orders: Inside, arguments: list[str], code: int, text: str):
    orders("watch", "Orders", "--limit", "1", "--since", "beginning", "--resume", "place")
    end = orders("watch", "Orders", *arguments)
    assert (end.code, end.out) == (code, "")
    assert settled(end.err) == text


def test_a_forged_place_is_refused(orders: Inside):
    orders("watch", "Orders", "--limit", "1", "--since", "beginning", "--resume", "place")
    with open("place", "w") as file:
        file.write("nonsense")
    end = orders("watch", "Orders", "--resume", "place")
    assert (end.code, end.err) == (2, "flyexpr: the file of --resume does not hold the place of an earlier watch\n")


def test_a_file_that_is_no_place_is_refused_and_kept(orders: Inside):
    Path("place").write_bytes(b"\xff")
    code, out, said = orders("watch", "Orders", "--resume", "place", "--for", "0.1")
    assert (code, out) == (1, "")
    assert said.startswith("flyexpr: place cannot be read: 'utf-8' codec can't decode byte 0xff")
    assert Path("place").read_bytes() == b"\xff"


def test_a_table_without_a_stream_says_how_to_get_one(inside: Inside):
    inside("create", "Plain", "id")
    end = inside("watch", "Plain")
    assert (end.code, end.err) == (
        1,
        "flyexpr: 'Plain' has no stream\n  hint: flyexpr alter TABLE --stream both gives it one\n",
    )
