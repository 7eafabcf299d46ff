"""Cursors that no read gave, or another read: each is refused in the same words, or leads to a place of the read."""

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    BadCursor,
    DynamoError,
    Engine,
    FlyexprError,
    GlobalIndex,
    Table,
    Throttled,
    batch_write,
    connect,
    create_table,
    eq,
    gt,
    is_in,
    put_item,
    query,
    run,
    scan,
)
from flyexpr.steps.reads.cursors import closed_cursor
from flyexpr.steps.reads.reading import Reading

TABLE = Table(
    "Cursors",
    "pk",
    "sk",
    attributes={"pk": str, "sk": int, "kind": str, "n": int, "b": bytes},
    indexes=[GlobalIndex("ByN", "kind", "n"), GlobalIndex("ByB", "kind", "b")],
)
FOREIGN = "start= takes the .cursor of an earlier read; this is not one"


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with closing(connect("sqlite::memory:")) as engine:
        bound = TABLE.on(engine)
        run(bound, create_table())
        run(replace(bound, name="Others"), create_table())
        items = [{"pk": pk, "sk": n, "kind": "k", "n": n % 3, "b": bytes([n])} for pk in "ab" for n in range(1, 8)]
        run(bound, batch_write(map(put_item, items)))
        yield bound


READS = {
    "query": query(eq("pk", "a")),
    "bounded": query(eq("pk", "a") & gt("sk", 1), page_size=2),
    "reverse": query(eq("pk", "a"), reverse=True),
    "fan-out": query(is_in("pk", ["a", "b"]), page_size=3),
    "filtered": query(eq("pk", "a") & gt("n", 0)),
    "filtered otherwise": query(eq("pk", "a") & gt("n", 1)),
    "left to the client": query(eq("pk", "a") & gt("pk", "0")),
    "index": query(eq("kind", "k"), index="ByN"),
    "index of bytes": query(eq("kind", "k"), index="ByB"),
    "scan": scan(),
    "filtered scan": scan(gt("n", 0)),
    "scan of an index": scan(index="ByN"),
}


def cursors(table: Table, name: str) -> list[str]:
    """The cursors after each item of a read."""
    items, found = run(table, READS[name]), []
    for _ in items:
        found.append(items.cursor)
    return [cursor for cursor in found if cursor]


OF_ANOTHER = ", of another table or with another condition or direction"


def index_of(read: Any) -> str:
    """What is read, in the words of an error."""
    return read.index or "the table"


@pytest.mark.parametrize("name", READS)
def test_a_cursor_belongs_to_one_read(table: Table, name: str) -> None:
    own = cursors(table, name)
    for other, read in READS.items():
        if other != name:
            mine, others = (index_of(each) for each in (READS[name], read))
            why = f": of {mine}, and this one reads {others}" if mine != others else OF_ANOTHER
            with raises(BadCursor, f"the cursor comes from another read{why}"):
                run(table, replace(read, start=own[0]))
    with raises(
        BadCursor, "the cursor comes from another read, of another table or with another condition or direction"
    ):
        run(replace(table, name="Others"), replace(READS[name], start=own[0]))
    assert all(len(cursor) <= 160 for cursor in own)


@pytest.mark.parametrize("name", READS)
def test_the_same_read_goes_on(table: Table, name: str) -> None:
    whole = list(run(table, READS[name]))
    for place, cursor in enumerate(cursors(table, name), 1):
        same = replace(READS[name], start=cursor, page_size=1, project=READS[name].project, limit=3, consistent=False)
        assert list(run(table, same)) == whole[place : place + 3]


def opened(cursor: str) -> list[Any]:
    found = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert isinstance(found, list)
    return found


def forged(cursor: str, **changes: Any) -> str:
    """The cursor with another index, branch, sign or start, or members of the start."""
    index, branch, sign, start = opened(cursor)
    fields = {"index": index, "branch": branch, "sign": sign, "start": start} | changes
    return closed_cursor(json.dumps([*fields.values()], separators=(",", ":")))


BRANCHES: list[Any] = [0.0, -0.0, 1, -1, True, False, None, "0", [], {}, 1e400, 10**30]
STARTS: list[Any] = [
    {},
    [],
    5,
    "a",
    {"pk": {"S": "a"}},
    {"pk": {"S": "a"}, "sk": {"N": "1"}, "more": {"S": "x"}},
    {"pk": {"S": "a"}, "other": {"N": "1"}},
    {"pk": "a", "sk": 1},
    {"pk": {"S": "a"}, "sk": {}},
    {"pk": {"S": "a"}, "sk": {"N": "1", "S": "1"}},
    {"pk": {"S": "a"}, "sk": {"L": []}},
    {"pk": {"S": "a"}, "sk": {"NS": ["1"]}},
    {"pk": {"S": 1}, "sk": {"N": "1"}},
    {"pk": {"S": None}, "sk": {"N": "1"}},
    *(
        {"pk": {"S": "a"}, "sk": {"N": text}}
        for text in [*"0x10 sNaN NaN Infinity - +1 1.0 01 1e3 1_0 １ 1e99999999".split(), "", " 1", "9" * 5000]
    ),
    {"pk": {"S": "a"}, "sk": {"N": 1}},
    {"pk": {"B": "!"}, "sk": {"N": "1"}},
    {"pk": {"B": "YQ"}, "sk": {"N": "1"}},
    {"pk": {"S": "a"}, "sk": {"S": "1"}},
    {"pk": {"S": ""}, "sk": {"N": "1"}},
    {"pk": {"S": "b"}, "sk": {"N": "1"}},  # of another partition
]


@pytest.mark.parametrize("branch", BRANCHES, ids=repr)
def test_a_forged_branch(table: Table, branch: Any) -> None:
    with pytest.raises(BadCursor, match=f"{FOREIGN}|the cursor comes from another read"):
        run(table, replace(READS["query"], start=forged(cursors(table, "query")[0], branch=branch)))


@pytest.mark.parametrize("start", STARTS, ids=lambda start: repr(start)[:60])
def test_a_forged_place(table: Table, start: Any) -> None:
    with pytest.raises(BadCursor) as caught:
        run(table, replace(READS["query"], start=forged(cursors(table, "query")[0], start=start)))
    assert str(caught.value) == FOREIGN


DEEP = closed_cursor("[" * 100_000)
WORDS: list[Any] = ["x", "é", "====", DEEP, *map(closed_cursor, ["{}", "[0]", "7"]), b"AAAA", 7, [1]]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: repr(word)[:20])
def test_what_was_never_a_cursor(table: Table, word: Any) -> None:
    with pytest.raises(BadCursor) as caught:
        run(table, replace(READS["query"], start=word))
    assert str(caught.value) == FOREIGN
    with pytest.raises(BadCursor) as caught:
        run(table, scan(segments=2, start=word))
    text = "start= takes the .cursor of an earlier read in 2 segments; this is not one"
    assert str(caught.value) == text


@pytest.mark.parametrize("members", [[5, ""], [None], [None, None, None], [{}, ""], "ab"], ids=repr)
def test_forged_segments(table: Table, members: Any) -> None:
    with pytest.raises(BadCursor, match="in 2 segments; this is "):
        run(table, scan(segments=2, start=closed_cursor(json.dumps(members))))
    with raises(BadCursor, "start= takes the .cursor of an earlier read; this is not one"):
        run(table, scan(segments=2, start=closed_cursor(json.dumps(["x", ""]))))


def test_a_cursor_of_one_segment_is_not_another_s(table: Table) -> None:
    members = []
    for segment in (0, 1):
        reading = Reading(table, scan(part=(segment, 2)), lambda: 0.0)
        request = reading.request()
        assert request is not None
        next(iter(reading.feed(table.bound(request.operation, request.body))), None)
        members.append(reading.cursor)
    assert len(list(run(table, scan(segments=2, start=closed_cursor(json.dumps(members)))))) < 14
    with raises(
        BadCursor, "the cursor comes from another read, of another table or with another condition or direction"
    ):
        run(table, scan(segments=2, start=closed_cursor(json.dumps(members[::-1]))))


def test_a_scan_goes_on_after_a_key_whose_type_is_not_declared() -> None:
    with closing(connect("sqlite::memory:")) as engine:
        numbered = Table("Numbered", "id", attributes={"id": int}).on(engine)
        run(numbered, create_table())
        run(numbered, batch_write(put_item({"id": n}) for n in range(5)))
        undeclared = Table("Numbered", "id").on(engine)
        items = run(undeclared, scan(limit=2))
        assert len([*items, *run(undeclared, scan(start=items.cursor))]) == 5


def in_form(cursor: str, other: str) -> str:
    """The cursor's text with other white space, another order or other base64, which say the same."""
    text = json.dumps(opened(cursor))
    return {
        "space": closed_cursor(text.replace(",", ", ")),
        "padding": cursor + "=" * (-len(cursor) % 4),
        "tail": cursor + "====",
        "noise": cursor[:5] + "\n!" + cursor[5:],
        "ascii": urlsafe_b64encode(text.encode("utf-16")).decode(),
    }[other]


@pytest.mark.parametrize("other", ["space", "padding", "tail", "noise", "ascii"])
def test_a_cursor_has_one_form(table: Table, other: str) -> None:
    cursor = cursors(table, "index of bytes")[0]
    if in_form(cursor, other) != cursor:
        with raises(BadCursor, "start= takes the .cursor of an earlier read; this is not one"):
            run(table, replace(READS["index of bytes"], start=in_form(cursor, other)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.sampled_from(["", "a", "1", "0x10", "sNaN", "-"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("SNBLM"), below, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(READS)), st.integers(0, 2**32), VALUES, st.integers(0, 5))
@settings(max_examples=400)
def test_a_mutated_cursor(table: Table, name: str, seed: int, value: Any, way: int) -> None:
    chance = random.Random(seed)
    cursor = chance.choice(cursors(table, name))
    fields = opened(cursor)
    if way == 0:  # a letter
        place = chance.randrange(len(cursor))
        mutated = cursor[:place] + chance.choice("ABab01-_=%é") + cursor[place + chance.randint(0, 1) :]
    elif way == 1:  # a field
        fields[chance.choice([0, 1, 3])] = value
        mutated = closed_cursor(json.dumps(fields, separators=(",", ":")))
    elif way == 2:  # an attribute of the place, or its value
        start = fields[3]
        attribute = chance.choice(sorted(start))
        start[attribute] = chance.choice([value, {chance.choice("SNB"): value}])
        mutated = closed_cursor(json.dumps(fields, separators=(",", ":")))
    elif way == 3:  # a piece
        cut = chance.randrange(len(cursor))
        mutated = chance.choice([cursor[:cut], cursor[cut:], cursor + cursor[cut:]])
    elif way == 4:  # a number or text of the place
        (kind, text), *_ = fields[3][attribute := chance.choice(sorted(fields[3]))].items()
        texts = [text + "1", text[::-1], text + " ", f"{text}e1", text.upper(), "é"]
        fields[3][attribute] = {kind: chance.choice(texts)}
        mutated = closed_cursor(json.dumps(fields, separators=(",", ":")))
    else:  # nothing but the number of fields
        mutated = closed_cursor(json.dumps(fields[: chance.randrange(4)] if chance.randint(0, 1) else [*fields, value]))
    answer = outcome(table, replace(READS[name], start=mutated))
    if isinstance(answer, list):
        whole = list(run(table, READS[name]))
        assert all(item in whole for item in answer)
    else:
        assert answer.startswith((FOREIGN, "the cursor comes from another read"))


def outcome(table: Table, read: Any) -> "list[Any] | str":
    """The items of a read, or the words in which its cursor is refused; an engine never sees a wrong one."""
    try:
        return list(run(table, read))
    except BadCursor as error:
        return str(error)


# --- a read that an error ended


def breaking(engine: Engine, at: int) -> Engine:
    """The engine, whose `at`-th page is an error."""
    pages = count(1)

    def ask(operation: str, body: bytes) -> bytes:
        if operation in ("Query", "Scan") and next(pages) == at:
            raise DynamoError.of("ThrottlingException", "slow down")
        return engine(operation, body)

    return ask


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_read_that_an_error_ended_does_not_just_stop(prefetch: bool) -> None:
    """An iterator that ends would say that these were all items."""
    with closing(connect("sqlite::memory:")) as engine:
        table = Table("Broken", "id", "n").on(engine)
        run(table, create_table())
        run(table, batch_write(put_item({"id": "a", "n": str(number)}) for number in range(9)))
        read = query(eq("id", "a"), page_size=3, prefetch=prefetch)
        items = run(table.on(breaking(engine, 3)), read)
        with pytest.raises(Throttled):
            list(items)
        for _ in range(2):
            with raises(
                FlyexprError,
                "this read was ended by an error; a new one goes on from its cursor: query(..., start=items.cursor)",
            ):
                next(items)
        rest = run(table, replace(read, start=items.cursor))
        assert [item["n"] for item in rest] == ["6", "7", "8"]
