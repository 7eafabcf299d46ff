"""Wrong input, with the whole error text and the proof that nothing was sent; and mistakes of other libraries."""

import asyncio
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path as File
from typing import Any

import public
import pytest
from places import DATA, ROOT
from raised import raises

from flyexpr import (
    ConditionFailed,
    DynamoError,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    NoSuchTable,
    PlanError,
    Table,
    TransactionCancelled,
    ValidationError,
    add,
    aio,
    append,
    apply,
    assign,
    batch_get,
    batch_write,
    between,
    computed,
    connect,
    create_table,
    delete_item,
    eq,
    ge,
    get,
    gt,
    incr,
    is_in,
    le,
    matches,
    not_exists,
    parse_condition,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    show,
    template,
    transact_write,
    update,
    update_item,
)


class Odd:
    """A value of a type that DynamoDB does not have."""

    def __repr__(self) -> str:
        return "Odd()"


SENT: list[str] = []


def counting(operation: str, body: bytes) -> bytes:
    """An engine that only notes the requests that reach it."""
    SENT.append(operation)
    return b"{}"


scores = Table(
    "scores",
    "userid",
    "title",
    attributes={"top_score": int, "when": datetime, "tags": set[str], "n": Decimal},
    indexes=[
        GlobalIndex("ByTitle", "title", "top_score"),
        GlobalIndex("ByTitleToo", "title", "wins", project="keys"),
        LocalIndex("ByWins", "wins"),
    ],
).on(counting)
derived = Table("derived", "pk", attributes={"pk": template("U#{user}#{shop}")}).on(counting)
twins = Table("twins", "id", indexes=[GlobalIndex("One", "a"), GlobalIndex("Two", "a")]).on(counting)
NAMES = public.NAMES | {
    "scores": scores,
    "twins": twins,
    "derived": derived,
    "key": ("abc", "x"),
    "Odd": Odd,
    "date": date,
    "datetime": datetime,
    "Decimal": Decimal,
    "reduce": reduce,
}


def cases() -> Iterator[tuple[str, str]]:
    """The blocks of tests/data/refusals.txt: the code, and the text of its error."""
    for block in (DATA / "refusals.txt").read_text().split("\n\n"):
        code, _, text = block.partition("\n")
        if code.startswith(">>> "):
            yield code.removeprefix(">>> "), text.rstrip("\n")


@pytest.mark.parametrize("code, text", [*cases()])
def test_refused_before_anything_is_sent(code: str, text: str) -> None:
    SENT.clear()
    with pytest.raises((FlyexprError, TypeError, ValueError, AttributeError)) as caught:
        eval(code, dict(NAMES))
    assert f"{type(caught.value).__name__}: {caught.value}" == text
    assert SENT == []


async def counting_awaited(operation: str, body: bytes) -> bytes:
    return counting(operation, body)


counting_awaited.__name__ = counting.__name__  # which the texts name


def waited_for(function: Any) -> Any:
    """An awaited function as a plain one: a read gives a list."""

    def call(*arguments: Any, **options: Any) -> Any:
        async def result() -> Any:
            given = function(*arguments, **options)
            return [item async for item in given] if isinstance(given, aio.Items) else await given

        return asyncio.run(result())

    return call


VERBS = [name for name in aio.__all__ if inspect.isfunction(getattr(aio, name)) and name != "connect"]
AWAITED = (
    NAMES
    | {name: waited_for(getattr(aio, name)) for name in VERBS}
    | {name: NAMES[name].on(counting_awaited) for name in ("scores", "twins", "derived")}
)
OF_ITEMS = re.compile(r"(len|bool)\(run|run\(.*\)\[0\]$")  # each door has its own text for what Items refuse
AT_THE_DOOR = [(code, text) for code, text in cases() if re.search(rf"\b({'|'.join(VERBS)})\(", code)]


@pytest.mark.parametrize("code, text", [case for case in AT_THE_DOOR if not OF_ITEMS.match(case[0])])
def test_refused_at_the_awaited_door_in_the_same_words(code: str, text: str) -> None:
    SENT.clear()
    with pytest.raises((FlyexprError, TypeError, ValueError, AttributeError)) as caught:
        eval(code, dict(AWAITED))
    assert f"{type(caught.value).__name__}: {caught.value}" == text
    assert SENT == []


def test_the_counting_engine_counts() -> None:
    SENT.clear()
    put(scores, {"userid": "abc", "title": "x"})
    assert SENT == ["PutItem"]


# where an engine cannot be


def refused(url: str) -> str:
    with pytest.raises(FlyexprError) as caught:
        connect(url)
    return str(caught.value)


SCHEMES = "sqlite:PATH, sqlite::memory:, dynamodb://REGION, http://HOST:PORT, https://HOST:PORT"


@pytest.mark.parametrize("url", ["mysql://localhost", "", "sqlite:", "localhost", "dynamodb:eu-west-1"])
def test_an_unknown_scheme(url: str) -> None:
    assert refused(url) == f"no engine for {url!r}\n  write one of: {SCHEMES}"


def test_an_unknown_option() -> None:
    assert "colour" in refused("sqlite::memory:?colour=red")
    assert "sync=normal" in refused("sqlite::memory:?colour=red")
    assert refused("sqlite:x.db?sync=maybe") == "sync='maybe' is neither 'normal' nor 'full'"
    assert refused("http://localhost:8000?colour=red") == (
        "no option 'colour' in 'http://localhost:8000?colour=***'\n"
        "  write one of: profile, region, transport, timeout, attempts, retry_mode"
    )
    assert refused("dynamodb://eu-west-1?timeout=soon") == (
        "timeout= in 'dynamodb://eu-west-1?timeout=soon' takes a positive number, not 'soon'"
    )


def test_a_file_that_is_no_database(tmp_path: File) -> None:
    (tmp_path / "notes.txt").write_text("dear diary, " * 100)
    assert refused(f"sqlite:{tmp_path}/notes.txt") == (
        f"cannot use '{tmp_path}/notes.txt' as a table file: file is not a database"
    )
    assert refused(f"sqlite:{tmp_path}/no/x.db") == (
        f"cannot open '{tmp_path}/no/x.db': there is no folder '{tmp_path}/no'"
    )
    assert refused(f"sqlite:{tmp_path}").startswith(f"cannot open '{tmp_path}': it is a folder")


URLS = ["sqlite::memory:", "http://localhost:1?transport=direct", "http://localhost:1?transport=botocore"]


@pytest.mark.parametrize("url", URLS)
def test_the_wrong_with_of_an_engine(url: str) -> None:
    async def wrong() -> None:
        plain: Any = connect(url)
        with closing(plain), pytest.raises(TypeError) as caught:
            async with plain:
                pass
        assert str(caught.value) == "write `with connect(...)`, not `async with`; or use aio.connect(...)"
        awaited: Any = aio.connect(url)
        with pytest.raises(TypeError) as caught, awaited:
            pass
        await awaited.close()
        assert str(caught.value) == (
            "write `async with aio.connect(...)`, not `with`; or use connect(...) of flyexpr itself"
        )

    asyncio.run(wrong())


# mistakes of other libraries


@pytest.fixture
def table() -> Iterator[Table]:
    indexes = [GlobalIndex("ByTitle", "title")]
    with closing(connect("sqlite::memory:")) as engine:
        made = Table("peers", "id", "n", attributes={"n": int}, indexes=indexes).on(engine)
        run(made, create_table())
        run(made, batch_write([put_item({"id": "a", "n": n, "v": n % 3}) for n in range(30)]))
        yield made


def test_and_does_not_drop_a_condition() -> None:
    with raises(
        TypeError,
        "a condition has no truth value; write `(F.a == 1) & (F.b == 2)`, not `and` (`|` for `or`, `~` for "
        "`not`, `between(path, low, high)` for `low <= F.a <= high`, `is_in(path, values)` for `in`)",
    ):
        eq("a", 1) and eq("b", 2)


def test_equality_of_a_path_is_a_condition() -> None:
    assert (F.a == 1) == eq("a", 1)
    assert show(F.a == 1) == "a = 1"


def test_a_second_condition_on_one_attribute_does_not_replace_the_first(table: Table) -> None:
    both = ge("v", 1) & le("v", 1)
    assert [matches(both, {"v": v}) for v in (0, 1, 2)] == [False, True, False]
    assert {item["v"] for item in run(table, query(eq("id", "a") & both))} == {1}
    key = query(eq("id", "a") & ge("n", 3) & le("n", 9) & gt("n", 4))
    assert [item["n"] for item in run(table, key)] == [5, 6, 7, 8, 9]


def test_joining_conditions_loses_no_limit(table: Table) -> None:
    read = run(table, scan(eq("id", "a") & ge("v", 1) & le("v", 2), limit=4, page_size=3))
    assert len([*read]) == 4
    assert read.stats.examined == 6


def test_in_of_nothing_is_never_sent() -> None:
    with raises(
        ExpressionError,
        "is_in needs at least one value\n"
        "  expression: a IN ()\n"
        "  hint: no value is in an empty list; leave out the read when the list is empty",
    ):
        is_in("a", [])
    with raises(
        ExpressionError,
        "is_in needs at least one value\n"
        "  expression: a IN ()\n"
        "  hint: no value is in an empty list; leave out the read when the list is empty",
    ):
        is_in("a", (n for n in ()))


def test_overlapping_paths_are_found_here() -> None:
    with raises(
        ExpressionError,
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
        "[a, b], path two: [a]\n"
        "  hint: each action of one update needs a path of its own",
    ):
        assign("a.b", 1) + remove("a")


def test_a_text_beside_a_built_condition_keeps_its_values(table: Table) -> None:
    mixed = eq("id", "a") & parse_condition("v = :v0 AND n < :v1", v0=1, v1=5) & gt("n", 0)
    assert [item["n"] for item in run(table, query(mixed))] == [1, 4]


def test_a_batch_that_fails_while_it_is_made_writes_nothing(table: Table) -> None:
    def broken() -> Iterator[Any]:
        yield put_item({"id": "new", "n": 1})
        raise RuntimeError("no more")

    with raises(RuntimeError, "no more"):
        run(table, batch_write(broken()))
    with pytest.raises(ValidationError):
        run(table, batch_write([put_item({"id": "new", "n": 1}), put_item({"id": "new"})]))
    assert get(table, ("new", 1)) is None


def test_batch_get_keeps_order_and_says_what_is_missing(table: Table) -> None:
    keys = [("a", 7), ("nobody", 1), ("a", 3), ("a", 7)]
    found = run(table, batch_get(keys))
    assert [item and item["n"] for item in found] == [7, None, 3, 7]


def test_a_failed_condition_is_an_error(table: Table) -> None:
    with pytest.raises(ConditionFailed) as caught:
        put(table, {"id": "a", "n": 1}, condition=not_exists("id"))
    assert caught.value.item == {"id": "a", "n": 1, "v": 1}
    assert str(caught.value) == "attribute_not_exists(id) was false: id is 'a'"


PATH = "ValidationException: The document path provided in the update expression is invalid for update: "
OPERAND = "ValidationException: An operand in the update expression has an incorrect data type\n"
PARENTS = "  hint: assign(..., parents=True) makes the maps that are missing"
REFUSED: list[tuple[Any, str]] = [
    (assign("info.x", 1), f"{PATH}`info` is missing or is not a map\n  expression: SET info.x = 1\n{PARENTS}"),
    (assign("v.x", 1), f"{PATH}`v` is missing or is not a map\n  expression: SET v.x = 1\n{PARENTS}"),
    (assign("log[0]", 1), f"{PATH}`log` is missing or is not a list\n  expression: SET log[0] = 1"),
    (remove("info.x"), f"{PATH}`info` is missing or is not a map\n  expression: REMOVE info.x"),
    (incr("id2"), f"{OPERAND}  expression: ADD id2 1\n  hint: ADD needs a number at `id2`"),
    (add("v", "x"), f"{OPERAND}  expression: ADD v <<'x'>>\n  hint: ADD needs a set of the same type at `v`"),
    (assign("q", F.v - F.id2), f"{OPERAND}  expression: SET q = v - id2\n  hint: - needs a number at `v` and `id2`"),
    (
        append("v", 1),
        f"{OPERAND}  expression: SET v = list_append(if_not_exists(v, []), [1])\n"
        "  hint: list_append needs a list at `v`",
    ),
]


@pytest.mark.parametrize("change, text", REFUSED, ids=[show(change) for change, _ in REFUSED])
def test_an_update_that_the_item_does_not_fit_says_where(table: Table, change: Any, text: str) -> None:
    update(table, ("a", 1), assign("id2", "text"))
    with pytest.raises(DynamoError) as caught:
        update(table, ("a", 1), change)
    assert str(caught.value) == text
    with pytest.raises(TransactionCancelled) as cancelled:
        transact_write([(table, put_item({"id": "b", "n": 2})), (table, update_item(("a", 1), change))])
    reason = text.replace("ValidationException", "ValidationError")
    assert str(cancelled.value) == f"operation 1 (update peers a, 1): {reason}"


def test_a_missing_table_is_named_with_its_engine() -> None:
    with closing(connect("sqlite::memory:")) as engine, pytest.raises(NoSuchTable) as caught:
        get(Table("Nope", "id").on(engine), "a")
    assert str(caught.value) == (
        "there is no table 'Nope' on sqlite::memory:\n  hint: run(table, create_table()) makes it"
    )


def test_a_missing_table_whose_name_is_nearly_that_of_another(table: Table) -> None:
    hint = "did you mean 'peers'? Otherwise run(table, create_table()) makes it"
    for reading in (lambda: get(table.named("Peer"), ("a", 1)), lambda: list(run(table.named("Peer"), scan()))):
        with pytest.raises(NoSuchTable) as caught:
            reading()
        assert str(caught.value) == f"there is no table 'Peer' on sqlite::memory:\n  hint: {hint}"
        assert caught.value.tables == ("peers",)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.tables) == (str(caught.value), ("peers",))


def test_of_the_tables_of_a_transaction_the_missing_one_is_named(table: Table) -> None:
    others = replace(table, name="others")
    with pytest.raises(NoSuchTable) as caught:
        transact_write([(table, delete_item(("a", 1))), (others, put_item({"id": "a", "n": 1}))])
    assert str(caught.value) == (
        "there is no table 'others' on sqlite::memory:\n  hint: run(table, create_table()) makes it"
    )
    assert get(table, ("a", 1)) is not None


def test_a_query_never_becomes_a_scan(table: Table) -> None:
    with raises(
        PlanError,
        "a query of 'peers' needs one partition key value, and the condition fixes none\n"
        "  condition: v >= 1\n"
        "  hint: add eq(...) for one of: `id` (the table), `title` (ByTitle); or use scan(...)",
    ):
        run(table, query(ge("v", 1)))


def test_capacity_adds_up_over_pages(table: Table) -> None:
    whole, paged = run(table, query(eq("id", "a"))), run(table, query(eq("id", "a"), page_size=7))
    assert [*whole] == [*paged]
    assert (paged.stats.requests, paged.stats.examined, paged.stats.returned) == (5, 30, 30)
    assert paged.stats.capacity >= whole.stats.capacity > 0


def test_incr_of_an_unset_attribute(table: Table) -> None:
    assert update(table, ("a", 1), incr("wins"), returns="UPDATED_NEW") == {"wins": 1}
    assert apply(incr("wins"), {}) == {"wins": 1}


def test_an_evaluator_in_doubt_does_not_say_true() -> None:
    for nonsense in (True, "a = 1", None, incr("a"), F.a):
        with pytest.raises(TypeError):
            matches(nonsense, {})  # type: ignore[arg-type]


UNPATCHED = """
import botocore.client, botocore.session, botocore.parsers
kept = [botocore.client.BaseClient._make_api_call, botocore.client.BaseClient._convert_to_request_dict,
        botocore.parsers.JSONParser.parse, botocore.parsers.ResponseParserFactory.create_parser]
from flyexpr import connect
connect("http://127.0.0.1:9?transport=botocore")
assert kept == [botocore.client.BaseClient._make_api_call, botocore.client.BaseClient._convert_to_request_dict,
        botocore.parsers.JSONParser.parse, botocore.parsers.ResponseParserFactory.create_parser]
client = botocore.session.Session().create_client("dynamodb", "us-east-1")
assert type(client._response_parser).__module__ == "botocore.parsers", client._response_parser
"""


def test_connecting_patches_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", UNPATCHED], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


# flywheel's defects


def test_a_put_says_whether_it_may_replace(table: Table) -> None:
    put(table, {"id": "a", "n": 1, "other": True})
    assert get(table, ("a", 1)) == {"id": "a", "n": 1, "other": True}
    with pytest.raises(ConditionFailed):
        put(table, {"id": "a", "n": 1}, condition=not_exists("id"))


def test_every_way_to_an_item_encodes_its_sort_key() -> None:
    with closing(connect("sqlite::memory:")) as engine:
        days = Table("days", "id", "day", attributes={"day": date}).on(engine)
        run(days, create_table())
        day = date(2026, 1, 31)
        put(days, {"id": "a", "day": day})
        update(days, ("a", day), assign("seen", 1), condition=eq("day", day))
        assert get(days, ("a", day)) == get(days, {"id": "a", "day": day}) == {"id": "a", "day": day, "seen": 1}
        assert run(days, batch_get([("a", day)])) == [{"id": "a", "day": day, "seen": 1}]
        assert [*run(days, query(eq("id", "a") & between("day", day, day)))] == run(days, batch_get([("a", day)]))


def test_a_derived_attribute_may_be_a_number() -> None:
    with closing(connect("sqlite::memory:")) as engine:
        made = Table(
            "likes",
            "uid",
            attributes={"uid": template("{kind}:{id}"), "score": computed(total, "likes", "views", type=int)},
            indexes=[GlobalIndex("ByKind", "kind", "score")],
        ).on(engine)
        run(made, create_table())
        put(made, {"kind": "post", "id": "1", "likes": 2, "views": 3})
        assert get(made, "post:1") == {"uid": "post:1", "kind": "post", "id": "1", "likes": 2, "views": 3, "score": 5}
        assert [item["score"] for item in run(made, query(eq("kind", "post") & gt("score", 4)))] == [5]


def total(likes: int, views: int) -> int:
    return likes + views
