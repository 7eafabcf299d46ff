"""Operations on several items, several tables, or tables themselves: what is sent, retried, refused and reported."""

import asyncio
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import kept
import pytest
from engines import Engine
from raised import raises
from scripted import Recording, before, scripted

from flyexpr import (
    Attribute,
    BatchIncomplete,
    ConditionFailed,
    DynamoError,
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    NoSuchTable,
    PlanError,
    Table,
    TransactionCancelled,
    ValidationError,
    aio,
    assign,
    batch_get,
    batch_write,
    begins_with,
    call,
    condition_check,
    count,
    create_table,
    delete_item,
    delete_matching,
    delete_table,
    describe_table,
    eq,
    exists,
    first,
    ge,
    get,
    get_item,
    gt,
    incr,
    lt,
    not_exists,
    put,
    put_item,
    query,
    request,
    run,
    scan,
    template,
    transact_get,
    transact_write,
    transact_write_items,
    update,
    update_item,
    update_matching,
    update_table,
)
from flyexpr.requests.operations import PutItem

engine_name, engine = kept.engine_name, kept.engine

no_transactions = pytest.mark.engine_fault("dynalite", reason="has no transactions")
no_old_item = pytest.mark.engine_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")

things = Table("things", "id", attributes={"n": int})


def throttled() -> DynamoError:
    return DynamoError.of("ProvisionedThroughputExceededException", "too much")


def test_a_put_holds_the_dict_itself() -> None:
    item = {"id": "a", "n": 1}
    operation = put_item(item)
    item["n"] = 2
    assert request(things, operation)[1]["Item"] == {"id": {"S": "a"}, "n": {"N": "2"}}


@pytest.fixture
def table(engine: Engine, fresh_name: str) -> Table:
    """Numbered things: {"id": "7", "n": 7}."""
    made = replace(things, name=fresh_name).on(engine)
    run(made, create_table())
    return made


def thing(n: int) -> dict[str, Any]:
    return {"id": f"{n}", "n": n}


def fill(table: Table, size: int) -> None:
    assert run(table, batch_write(put_item(thing(n)) for n in range(size))) == size


def numbers(table: Table) -> list[int]:
    return sorted(item["n"] for item in run(table, scan(consistent=True)))


# --- batches of reads


def test_a_batch_of_reads_goes_in_hundreds(table: Table) -> None:
    fill(table, 150)
    recording = Recording(table.bound)
    keys = [f"{n}" for n in reversed(range(150))]
    assert run(table.on(recording), batch_get([*keys, *keys, "150"])) == [
        *(thing(n) for n in reversed(range(150))),
        *(thing(n) for n in reversed(range(150))),
        None,
    ]
    assert [len(body["RequestItems"][table.name]["Keys"]) for body in recording.bodies] == [100, 51]


def test_a_batch_of_no_reads_sends_nothing() -> None:
    assert run(things.on(scripted([])), batch_get([])) == []


def test_an_item_that_is_asked_for_twice_is_two_dicts(table: Table) -> None:
    put(table, {**thing(1), "log": ["a"]})
    one, other = run(table, batch_get(["1", "1"]))
    assert one is not None
    one["log"].append("b")
    assert other == {**thing(1), "log": ["a"]}


def wire(n: int) -> dict[str, Any]:
    return {"id": {"S": f"{n}"}, "n": {"N": f"{n}"}}


def key(n: int) -> dict[str, Any]:
    return {"id": {"S": f"{n}"}}


def found(*numbers: int, left: tuple[int, ...] = ()) -> dict[str, Any]:
    """The answer to a batch of reads that leaves some keys unprocessed."""
    unprocessed = {"UnprocessedKeys": {"things": {"Keys": [key(n) for n in left]}}} if left else {}
    return {"Responses": {"things": [wire(n) for n in numbers]}, **unprocessed}


def test_unprocessed_reads_are_asked_for_again_after_a_pause(pauses: list[float]) -> None:
    engine = scripted([found(3, left=(1, 2)), found(left=(2, 1)), found(2, 1)])
    items = run(things.on(engine), batch_get(["1", "2", "3"], project=["n"], consistent=True))
    assert items == [{"n": 1}, {"n": 2}, {"n": 3}]
    asked = [body["RequestItems"]["things"] for body in engine.bodies]
    assert [[one["id"]["S"] for one in each["Keys"]] for each in asked] == [["1", "2", "3"], ["1", "2"], ["2", "1"]]
    assert all(each["ConsistentRead"] and each["ProjectionExpression"] for each in asked)
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.1
    assert 0 <= pauses[1] <= 0.2


def test_reads_that_stay_unprocessed_are_reported(pauses: list[float]) -> None:
    engine = scripted([found(1, left=(2,)), *[found(left=(2,))] * 10])
    with pytest.raises(BatchIncomplete) as caught:
        run(things.on(engine), batch_get(["1", "2"]))
    assert str(caught.value) == "1 reads of the batch are done, and 1 is not: left unprocessed after 10 tries"
    assert (caught.value.written, caught.value.failed) == (1, ("2",))
    assert len(pauses) == 10


def test_reads_that_are_not_done_are_reported_as_they_were_asked_for() -> None:
    """So they can be asked for again, whatever their types, and by the parts of a template."""
    dated = Table("dated", "pk", "day", attributes={"pk": template("U#{user}"), "day": date})
    keys = [{"user": "ada", "day": date(2026, 1, 1) + timedelta(number)} for number in range(102)]
    nothing: dict[str, Any] = {"Responses": {"dated": []}}
    bound = dated.on(scripted([nothing, DynamoError.of("Odd", "refused"), nothing]))
    with raises(BatchIncomplete, "100 reads of the batch are done, and 2 are not: Odd: refused") as caught:
        run(bound, batch_get(keys))
    assert [*caught.value.failed] == keys[100:]
    assert run(bound, batch_get(caught.value.failed)) == [None, None]


@pytest.mark.parametrize("door", ["plain", "awaited"])
@pytest.mark.parametrize("workers", [1, 4])
def test_reads_that_are_done_are_in_the_error(door: str, workers: int, pauses: list[float]) -> None:
    """They are paid for. Each stands in the place of its key, in the table's types and as the projection says."""
    counted, asked = replace(things, attributes={"n": float}), [f"{n}" for n in (*range(100), 7, *range(100, 150))]
    answers = scripted([found(*range(99)), throttled()])

    async def awaited() -> Any:
        async def engine(operation: str, body: bytes) -> bytes:
            return answers(operation, body)

        return await aio.run(counted.on(engine), operation, workers=workers)

    def read() -> Any:
        return run(counted.on(answers), operation, workers=workers) if door == "plain" else asyncio.run(awaited())

    operation = batch_get(asked, project=["n"])
    with pytest.raises(BatchIncomplete) as caught:
        read()
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.items == (*({"n": float(n)} for n in range(99)), None, {"n": 7.0}, *[None] * 50)
    assert error.failed == tuple(f"{n}" for n in range(100, 150))
    assert caught.value.items[7] is not caught.value.items[100]


def test_a_bad_key_of_a_batch_sends_nothing() -> None:
    with pytest.raises(ValidationError) as caught:
        run(things.on(scripted([])), batch_get([*(f"{n}" for n in range(150)), 7]))
    assert str(caught.value) == (
        "at `id`: expected str, got int\n"
        "  hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}"
    )


# --- batches of writes


def test_a_batch_of_writes_goes_in_chunks_and_keeps_the_order_on_one_key(table: Table) -> None:
    recording = Recording(table.bound)
    puts = [put_item(thing(n)) for n in range(30)]
    again = [delete_item("29"), put_item({"id": "29", "n": -29}), delete_item("3")]
    assert run(table.on(recording), batch_write(puts + again)) == 33
    assert [len(body["RequestItems"][table.name]) for body in recording.bodies] == [25, 5, 1, 2]
    assert numbers(table) == [-29, 0, 1, 2, *range(4, 29)]


def left(*numbers: int) -> dict[str, Any]:
    """The answer to a batch of puts that leaves some of them unprocessed."""
    return {"UnprocessedItems": {"things": [{"PutRequest": {"Item": wire(n)}} for n in numbers]} if numbers else {}}


def sent(engine: Recording) -> list[list[int]]:
    """The numbers of the things in each batch of puts."""
    batches = (body["RequestItems"]["things"] for body in engine.bodies)
    return [[int(one["PutRequest"]["Item"]["n"]["N"]) for one in batch] for batch in batches]


def test_unprocessed_writes_are_sent_again_after_a_pause_before_any_other(pauses: list[float]) -> None:
    engine = scripted([left(0, 7), left(), left(29), left(), left()])
    assert run(things.on(engine), batch_write(put_item(thing(n)) for n in range(53))) == 53
    assert sent(engine) == [[*range(25)], [0, 7], [*range(25, 50)], [29], [*range(50, 53)]]
    assert len(pauses) == 2


def test_a_batch_that_ends_early_names_all_that_is_not_done(pauses: list[float]) -> None:
    operations = [put_item(thing(n)) for n in range(60)]
    with pytest.raises(BatchIncomplete) as caught:
        run(things.on(scripted([left(3)] * 11)), batch_write(operations))
    assert (caught.value.written, caught.value.failed) == (24, (operations[3], *operations[25:]))
    twice = [put_item(thing(0)), put_item(thing(1)), put_item(thing(0))]
    with pytest.raises(BatchIncomplete) as caught:
        run(things.on(scripted([left(0, 1)] * 11)), batch_write(iter(twice)))
    assert caught.value.failed == tuple(twice)
    with pytest.raises(BatchIncomplete) as caught:
        run(things.on(scripted([found(*range(100)), throttled()])), batch_get([str(n) for n in range(250)]))
    assert caught.value.failed == tuple(str(n) for n in range(100, 250))


def test_pauses_grow_while_nothing_is_written(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    engine = scripted([left(0, 1), left(0, 1), left(0, 1), left(1), left(1), left()])
    assert run(things.on(engine), batch_write([put_item(thing(0)), put_item(thing(1))])) == 2
    assert pauses == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_pauses_have_an_end(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    with pytest.raises(BatchIncomplete):
        run(things.on(scripted([left(0)] * 11)), batch_write([put_item(thing(0))]))
    assert max(pauses) == 10
    assert len(pauses) == 10


def test_writes_that_stay_unprocessed_are_reported_one_by_one(pauses: list[float]) -> None:
    operations = [put_item(thing(n)) for n in range(30)]
    engine = scripted([left(), *[left(25, 28)] * 11])
    with pytest.raises(BatchIncomplete) as caught:
        run(things.on(engine), batch_write(operations))
    error = caught.value
    assert (error.written, error.failed, error.items) == (28, (operations[25], operations[28]), ())
    assert str(error) == "28 writes of the batch are done, and 2 are not: left unprocessed after 10 tries"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.written, again.failed) == (str(error), error.written, error.failed)


def test_what_an_engine_refuses_ends_the_batch(pauses: list[float]) -> None:
    with raises(DynamoError, "ProvisionedThroughputExceededException: too much"):
        run(things.on(scripted([throttled()])), batch_write(put_item(thing(n)) for n in range(100)))
    engine = scripted([left(), throttled()])
    operations = [put_item(thing(n)) for n in range(100)]
    with raises(
        BatchIncomplete,
        "25 writes of the batch are done, and 75 are not: ProvisionedThroughputExceededException: too much",
    ) as caught:
        run(things.on(engine), batch_write(operations))
    assert len(engine.asked) == 2
    assert (caught.value.written, caught.value.failed) == (25, tuple(operations[25:]))
    assert isinstance(caught.value.__cause__, DynamoError)


BAD: list[tuple[Any, type[Exception], str]] = [
    (put_item({"n": 7}), ValidationError, "at `id`: an item of 'things' needs its key"),
    (put_item({"id": "x", "n": "7"}), ValidationError, "at `n`: expected int, got str"),
    (
        put_item({"id": "x", "blob": "x" * 409_600}),
        ValidationError,
        (
            "the item has 409,607 bytes; DynamoDB stores up to 409,600\n"
            "  hint: split it over several items, or keep the large part elsewhere"
        ),
    ),
    (
        delete_item(7),
        ValidationError,
        "at `id`: expected str, got int\n"
        "  hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}",
    ),
    (
        put_item({"id": "x"}, condition=not_exists("id")),
        FlyexprError,
        ("a batch takes no condition= and no returns=\n  hint: use transact_write, or put and delete one by one"),
    ),
    (
        delete_item("x", returns="ALL_OLD"),
        FlyexprError,
        ("a batch takes no condition= and no returns=\n  hint: use transact_write, or put and delete one by one"),
    ),
    (
        update_item("x", incr("n")),
        TypeError,
        "batch_write takes put_item(...) and delete_item(...), not update_item('x', incr('n'))",
    ),
    ({"id": "x"}, TypeError, "batch_write takes put_item(...) and delete_item(...), not {'id': 'x'}"),
]


@pytest.mark.parametrize("bad, kind, text", BAD, ids=[text.split(":")[0] for *_, text in BAD])
def test_a_bad_element_of_a_list_sends_nothing(bad: Any, kind: type[Exception], text: str) -> None:
    operations = [*(put_item(thing(n)) for n in range(60)), bad]
    for given in (operations, tuple(operations)):
        with pytest.raises(kind) as caught:
            run(things.on(scripted([])), batch_write(given))
        assert str(caught.value) == f"{text}\n  in operation 60 of the batch"


@pytest.mark.parametrize("bad, kind, text", BAD, ids=[text.split(":")[0] for *_, text in BAD])
def test_a_bad_element_of_an_iterator_stops_after_those_before_it(bad: Any, kind: type[Exception], text: str) -> None:
    engine = scripted([left(), left(), left()])
    operations = iter([*(put_item(thing(n)) for n in range(60)), bad, put_item(thing(61))])
    with pytest.raises(kind) as caught:
        run(things.on(engine), batch_write(operations))
    assert str(caught.value) == f"{text}\n  in operation 60 of the batch; the first 60 are written"
    assert sent(engine) == [[*range(25)], [*range(25, 50)], [*range(50, 60)]]
    assert list(operations) == [put_item(thing(61))]


WRITES: list[Callable[[PutItem], Any]] = [
    lambda one: request(things, one),
    lambda one: request(things, batch_write([one])),
    lambda one: request(transact_write_items([(things, one)])),
]


@pytest.mark.parametrize("sent_by", WRITES, ids=["alone", "batch", "transaction"])
def test_an_item_has_at_most_400_kb(sent_by: Callable[[PutItem], Any]) -> None:
    text = "é" * 204_796 + "x"
    _, body = sent_by(put_item({"id": "x", "text": text}))
    assert text in json.dumps(body, ensure_ascii=False)
    with pytest.raises(ValidationError) as caught:
        sent_by(put_item({"id": "xx", "text": text}))
    assert str(caught.value).startswith(
        "the item has 409,601 bytes; DynamoDB stores up to 409,600\n"
        "  hint: split it over several items, or keep the large part elsewhere"
    )


def test_a_batch_of_a_versioned_table_takes_no_puts() -> None:
    with raises(
        FlyexprError,
        "a batch cannot guard the versions of 'things'\n"
        "  hint: use transact_write, or put one by one\n"
        "  in operation 0 of the batch",
    ):
        run(replace(things, version="version").on(scripted([])), batch_write([put_item(thing(0))]))


# --- transactions


@pytest.fixture
def log(table: Table) -> Table:
    """A second table, keyed by a number and a text."""
    made = Table(f"{table.name}-log", "at", "who", attributes={"at": int}).on(table.bound)
    run(made, create_table())
    return made


@no_transactions
def test_a_transaction_tells_why_for_each_operation(table: Table, log: Table) -> None:
    fill(table, 3)
    with pytest.raises(TransactionCancelled) as caught:
        transact_write(
            [
                (table, update_item("0", incr("n"), condition=gt("n", 100) & exists("id"))),
                (log, put_item({"at": 1, "who": "me"})),
                (table, condition_check("1", eq("n", 1) & begins_with("id", "x"))),
                (table, delete_item("2", condition=lt("n", 1) | gt("n", 9))),
                (table, put_item(thing(9), condition=exists("id"))),
            ]
        )
    error = caught.value
    assert [reason and str(reason) for reason in error.reasons] == [
        "n > 100 was false: n is 0",
        None,
        "begins_with(id, 'x') was false: id is '1'",
        "n < 1 was false: n is 2; n > 9 was false: n is 2",
        "there is no such item, so attribute_exists(id) was false",
    ]
    assert [reason and reason.item for reason in error.reasons if isinstance(reason, ConditionFailed)] == [
        thing(0),
        thing(1),
        thing(2),
        None,
    ]
    assert str(error).splitlines() == [
        f"operation {place} ({error.operations[place]}): {reason}"
        for place, reason in enumerate(error.reasons)
        if reason is not None
    ]
    assert error.operations == (
        f"update {table.name} 0",
        f"put {log.name} 1, me",
        f"check {table.name} 1",
        f"delete {table.name} 2",
        f"put {table.name} 9",
    )
    assert error.code == "TransactionCanceledException"
    assert numbers(table) == [0, 1, 2]
    assert get(log, (1, "me")) is None


@no_transactions
@pytest.mark.engine_fault("moto", "moto-server", reason="refuses it before the transaction")
def test_a_service_s_own_reason_stands_beside_the_others(table: Table) -> None:
    put(table, {**thing(0), "text": "x"})
    with pytest.raises(TransactionCancelled) as caught:
        transact_write([(table, put_item(thing(1))), (table, update_item("0", incr("text")))])
    fine, wrong = caught.value.reasons
    assert fine is None
    assert wrong is not None
    assert (type(wrong), wrong.code) == (DynamoError, "ValidationError")
    assert wrong.message == "An operand in the update expression has an incorrect data type"
    assert str(wrong).splitlines() == [
        f"ValidationError: {wrong.message}",
        "  expression: ADD text 1",
        "  hint: ADD needs a number at `text`",
    ]
    assert get(table, "1") is None


def test_a_version_of_another_type_is_named_beside_what_is_updated(table: Table) -> None:
    put(table, {**thing(0), "version": "text"})
    counted = replace(table, version="version")
    for change, needed in ((incr("n"), "ADD needs a number at `n`; "), (assign("n", 7), "")):
        with pytest.raises(DynamoError) as caught:
            update(counted, "0", change)
        assert str(caught.value).splitlines()[2] == f"  hint: {needed}ADD needs a number at `version`"


@no_transactions
@pytest.mark.engine_fault("moto", "moto-server", reason="reads 25 items in a transaction, as the service once did")
def test_a_transaction_of_one_hundred(table: Table) -> None:
    transact_write((table, put_item(thing(n))) for n in range(100))
    assert transact_get((table, get_item(f"{n}")) for n in range(99, -1, -1)) == [thing(n) for n in range(99, -1, -1)]


@no_transactions
@pytest.mark.engine_fault("dynoxide", "moto", "moto-server", reason="gives more than what was asked for")
def test_a_transaction_of_reads_gives_the_parts_asked_for(table: Table) -> None:
    put(table, {**thing(1), "info": {"a": 1, "b": 2}})
    asked = [get_item("1", project=["n"]), get_item("2", project=["n"])]
    assert transact_get((table, one) for one in asked) == [{"n": 1}, None]


def test_a_transaction_has_a_token_of_its_own() -> None:
    engine = scripted([{}, {}, {}])
    for _ in range(2):
        transact_write([(things.on(engine), put_item(thing(1)))])
    transact_write([(things.on(engine), put_item(thing(1)))], token="mine")
    one, other, mine = (body["ClientRequestToken"] for body in engine.bodies)
    assert mine == "mine"
    assert one != other
    assert 30 <= len(one) <= 36


def test_a_transaction_names_an_item_by_the_key_that_it_sent() -> None:
    numbers = iter("abc")
    table = Table("keyed", "id", attributes={"id": Attribute(str, default=lambda: next(numbers))})
    refused = DynamoError.of("TransactionCanceledException", "", {"CancellationReasons": [{"Code": "ThrottlingError"}]})
    with pytest.raises(TransactionCancelled) as caught:
        transact_write([(table.on(scripted([refused])), put_item({"n": 1}))])
    assert str(caught.value) == "operation 0 (put keyed a): ThrottlingError"


def test_a_transaction_on_a_table_that_is_not_there() -> None:
    missing = DynamoError.of("ResourceNotFoundException", "Requested resource not found")
    engine = scripted([missing, missing])
    other = replace(things, name="others")
    with pytest.raises(NoSuchTable) as caught:
        transact_write([(things.on(engine), put_item(thing(1))), (other.on(engine), put_item(thing(1)))])
    assert str(caught.value) == (
        "there is no table 'things' or no table 'others'\n  hint: run(table, create_table()) makes it"
    )
    with pytest.raises(NoSuchTable) as caught:
        transact_get([(things.on(engine), get_item("1")), (things.on(engine), get_item("2"))])
    assert str(caught.value) == "there is no table 'things'\n  hint: run(table, create_table()) makes it"


def test_a_path_that_is_not_there_is_named(table: Table) -> None:
    put(table, thing(1))
    with pytest.raises(DynamoError) as caught:
        update(table, "1", assign("info.x", 1) + incr("n"))
    assert str(caught.value) == (
        f"{caught.value.code}: {caught.value.message}: `info` is missing or is not a map\n"
        "  expression: SET info.x = 1 ADD n 1\n"
        "  hint: assign(..., parents=True) makes the maps that are missing"
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_table_that_is_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    engine = scripted([{}, *([{"Table": {"TableStatus": "CREATING"}}] * 200)])
    with pytest.raises(DynamoError) as caught:
        run(things.on(engine), create_table())
    assert str(caught.value) == f"TimeoutError: table {things.name!r} was not ready after 600 seconds"
    assert pauses[:3] == [0.02, 0.04, 0.08]
    assert max(pauses) == 5.0
    assert 600 < sum(pauses) <= 606


def test_an_item_is_a_dict() -> None:
    with raises(TypeError, "an item is a dict, not 5"):
        request(things, PutItem(5))  # type: ignore[arg-type]


@no_transactions
@pytest.mark.engine_fault("moto", "moto-server", reason="takes a token for another transaction")
def test_a_token_belongs_to_one_transaction(table: Table) -> None:
    transact_write([(table, put_item(thing(1)))], token=f"a-{table.name}")
    with pytest.raises(DynamoError) as caught:
        transact_write([(table, put_item(thing(2)))], token=f"a-{table.name}")
    assert caught.value.code == "IdempotentParameterMismatchException"
    assert numbers(table) == [1]


unsent = things.on(scripted([]))
elsewhere = things.on(scripted([]))
a = put_item(thing(1))
NO_TRANSACTION: list[tuple[Any, type[Exception], str]] = [
    ([], FlyexprError, "a transaction needs at least one operation"),
    ([(unsent, a)] * 101, ValidationError, "transact_write takes 1 to 100 operations, not 101"),
    (
        [(unsent, a), (unsent, put_item(thing(2))), (unsent, delete_item("1"))],
        ValidationError,
        "operations 0 and 2 of the transaction are on one item",
    ),
    (
        [(unsent, a), (unsent, condition_check({"id": "1"}, exists("id")))],
        ValidationError,
        "operations 0 and 1 of the transaction are on one item",
    ),
    (
        [(unsent, a), (elsewhere, put_item(thing(2)))],
        FlyexprError,
        "the tables of a transaction have to be on one engine: bind them with the same connect(...)",
    ),
    ([(unsent, get_item("1"))], TypeError, "transact_write cannot hold get_item('1') (operation 0)"),
    (
        [(unsent, delete_item("1", returns="ALL_OLD"))],
        ValidationError,
        "a transaction returns no items; leave out returns= (operation 0)",
    ),
    (
        [(unsent, a), (unsent, update_item("2", assign("x.y", 1, parents=True)))],
        FlyexprError,
        "a transaction cannot make parents; leave out parents=True (operation 1)",
    ),
    (
        [(unsent, a), (unsent, put_item({"id": 2}))],
        ValidationError,
        (
            "at `id`: expected str, got int\n"
            "  hint: write str(...), or, where the key is a number, declare it: attributes={'id': int}"
        ),
    ),
    (
        [(things, a)],
        FlyexprError,
        "table 'things' has no engine; bind one with `table.on(connect('sqlite:things.db'))`",
    ),
]


@pytest.mark.parametrize("pairs, kind, text", NO_TRANSACTION, ids=[text[:40] for *_, text in NO_TRANSACTION])
def test_what_no_transaction_can_be(pairs: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        transact_write(pairs)
    assert str(caught.value) == text


def test_what_no_transaction_of_reads_can_be() -> None:
    with raises(ValidationError, "transact_get takes 1 to 100 operations, not 101"):
        transact_get((unsent, get_item(f"{n}")) for n in range(101))
    with raises(ValidationError, "operations 0 and 1 of the transaction are on one item"):
        transact_get([(unsent, get_item("1")), (unsent, get_item(("1",)))])
    with raises(TypeError, "transact_get cannot hold put_item({'id': '1', 'n': 1}) (operation 0)"):
        transact_get([(unsent, a)])  # type: ignore[list-item]


def test_only_a_transaction_takes_a_condition_check() -> None:
    with raises(
        TypeError,
        "expected an operation such as query(...) or put_item(...), not condition_check('1', "
        "exists('id')); only a transaction takes it",
    ):
        run(unsent, condition_check("1", exists("id")))


# --- conditions that fail


@no_old_item
def test_a_failed_condition_says_which_part_and_what_is_there(table: Table) -> None:
    item = {**thing(1), "info": {"rating": 7, "tags": {"b", "a"}}, "long": "x" * 200}
    put(table, item)
    told = {
        "n > 3 was false: n is 1": eq("id", "1") & gt("n", 3) & exists("nope"),
        "info.rating > 8 was false: info.rating is 7": gt("info.rating", 8),
        "attribute_not_exists(info.tags) was false: info.tags is <<'a', 'b'>>": not_exists("info.tags"),
        "nope = 1 was false: nope is missing": eq("nope", 1),
        "NOT n = 1 was false: n is 1": ~eq("n", 1),
        "n = 2 was false: n is 1; n = 3 was false: n is 1": eq("n", 2) | eq("n", 3),
        f"long = 'y' was false: long is '{'x' * 78}…": eq("long", "y"),
    }
    for text, condition in told.items():
        for operation in (
            put_item(thing(1), condition=condition),
            update_item("1", incr("n"), condition=condition),
            delete_item("1", condition=condition),
        ):
            with pytest.raises(ConditionFailed) as caught:
                run(table, operation)
            assert (str(caught.value), caught.value.item) == (text, item)
            assert caught.value.reason == text


def test_a_failed_condition_tells_a_missing_item_from_a_false_condition(table: Table) -> None:
    with pytest.raises(ConditionFailed) as caught:
        update(table, "no", incr("n"), condition=exists("id") & gt("n", 0))
    assert str(caught.value) == "there is no such item, so attribute_exists(id) was false"
    assert caught.value.item is None
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.item, again.code) == (str(caught.value), None, caught.value.code)


def test_a_failed_condition_of_which_every_part_holds_here_is_shown_whole() -> None:
    shown = {"Item": {"id": {"S": "a"}, "n": {"N": "5"}}}
    engine = scripted([DynamoError.of("ConditionalCheckFailedException", "The conditional request failed", shown)])
    with pytest.raises(ConditionFailed) as caught:
        update(things.on(engine), "a", incr("n"), condition=gt("n", 3) & exists("id"))
    assert caught.value.reason == "n > 3 AND attribute_exists(id) was false: n is 5, id is 'a'"


# --- parallel scans


@pytest.fixture
def filled(table: Table) -> Table:
    fill(table, 80)
    return table


def test_a_parallel_scan_stops_at_its_limit_and_goes_on_from_its_cursor(filled: Table) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    rounds = 0
    while cursor is not None:
        items = run(filled, scan(ge("n", 10), segments=3, limit=13, page_size=5, start=cursor))
        some = [item["n"] for item in items]
        assert len(some) <= 13
        assert items.stats.returned == len(some)
        seen, cursor, rounds = seen + some, items.cursor, rounds + 1
        assert rounds < 20
    assert sorted(seen) == [*range(10, 80)]
    assert rounds >= 6


def test_a_parallel_scan_counts_over_all_segments(filled: Table) -> None:
    items = run(filled, scan(segments=4, page_size=8))
    assert len([*items]) == 80
    assert items.stats.returned == items.stats.examined == 80
    assert items.stats.requests >= 10
    assert items.stats.capacity > 0
    assert items.cursor is None
    assert count(filled, scan(lt("n", 30), segments=4)) == 30


def test_an_error_in_a_segment_is_the_reader_s(filled: Table) -> None:
    def faulty(operation: str, body: bytes) -> bytes:
        if json.loads(body).get("Segment") == 2:
            raise throttled()
        return filled.bound(operation, body)

    with pytest.raises(DynamoError, match="too much"):
        list(run(filled.on(faulty), scan(segments=3)))


def test_a_budget_holds_for_all_segments_together(filled: Table) -> None:
    items = run(filled, scan(segments=4, page_size=2, budget={"requests": 6}))
    some = [item["n"] for item in items]
    assert items.stats.requests == 6
    assert len(some) == 12
    rest = run(filled, scan(segments=4, start=items.cursor))
    assert sorted(some + [item["n"] for item in rest]) == [*range(80)]


def test_a_cursor_of_other_segments_is_refused() -> None:
    with raises(ValidationError, "start= takes the .cursor of an earlier read in 3 segments; this is not one"):
        run(unsent, scan(segments=3, start="bm8"))


# --- budgets


@pytest.mark.engine_fault("moto", "moto-server", reason="consumes one unit whatever is read")
def test_a_budget_of_units_or_seconds_stops_between_pages(filled: Table) -> None:
    by_units = run(filled, scan(page_size=10, budget={"units": 0.75}))
    assert len([*by_units]) == 20
    by_time = run(filled, scan(page_size=10, budget={"seconds": 1e-9}))
    assert (by_time.stats.requests, [*by_time]) == (0, [])
    both = run(filled, scan(page_size=10, budget={"requests": 100, "units": 0.25}))
    assert len([*both]) == 10
    for items in (by_units, by_time, both):
        rest = run(filled, scan(start=items.cursor))
        assert len([*rest]) == 80 - items.stats.returned


@pytest.mark.parametrize("budget", [{}, {"money": 3}, {"requests": 0}, {"units": -1}])
def test_what_no_budget_can_be(budget: Any) -> None:
    with raises(ValueError, f"budget= takes a dict with positive requests, units, seconds, not {budget}"):
        scan(budget=budget)


# --- tables


OPTIONS: dict[str, Any] = {
    "throughput": {"throughput": (3, 2)},
    "stream": {"stream": "both"},
    "stream of keys": {"stream": "keys"},
    "protection": {"deletion_protection": True},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_table_is_made_with_its_options(engine: Engine, fresh_name: str, known_fault: Any, name: str) -> None:
    if name != "throughput":
        known_fault("dynalite", reason="knows no streams and no deletion protection")
    index = GlobalIndex("ByN", "n", project="keys")
    table = Table(fresh_name, "id", attributes={"n": int}, indexes=[index], **OPTIONS[name]).on(engine)
    run(table, create_table())
    described = run(table, describe_table())
    assert {option: getattr(described, option) for option in OPTIONS[name]} == OPTIONS[name]
    assert described.indexes == (index,)
    if table.deletion_protection:
        with pytest.raises(DynamoError):
            call(engine, "DeleteTable", {"TableName": table.name})
        assert run(replace(table, deletion_protection=False), update_table()) == ["deletion protection off"]


@pytest.mark.engine_fault("dynalite", reason="knows no tags")
def test_a_table_is_made_with_its_tags(engine: Engine, fresh_name: str) -> None:
    table = Table(fresh_name, "id", tags={"team": "games", "é": ""}).on(engine)
    run(table, create_table())
    arn = call(engine, "DescribeTable", {"TableName": table.name})["Table"]["TableArn"]
    tags = call(engine, "ListTagsOfResource", {"ResourceArn": arn})["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "games", "é": ""}


def test_a_table_without_options_is_on_demand() -> None:
    engine = scripted([{"TableDescription": {}}, {"Table": {"TableStatus": "ACTIVE"}}])
    run(things.on(engine), create_table())
    assert engine.bodies[0] == {
        "TableName": "things",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert engine.names == ["CreateTable", "DescribeTable"]


def test_a_table_is_waited_for(pauses: list[float]) -> None:
    def described(status: str, index: str) -> dict[str, Any]:
        return {"Table": {"TableStatus": status, "GlobalSecondaryIndexes": [{"IndexStatus": index}]}}

    engine = scripted(
        [{}, described("CREATING", "CREATING"), described("ACTIVE", "CREATING"), described("ACTIVE", "ACTIVE")]
    )
    run(things.on(engine), create_table())
    assert pauses == [0.02, 0.04]
    run(things.on(scripted([{}])), create_table(wait=False))
    run(things.on(scripted([{}])), delete_table(wait=False))


SHORT = ["t", "ab", "a" * 256, "with space", "é" * 5, "a/b"]


@pytest.mark.parametrize("name", SHORT)
def test_a_name_that_no_table_can_have_is_not_sent(name: str) -> None:
    for table in (things.named(name), replace(things, name="things", indexes=[GlobalIndex(name, "n")])):
        with raises(
            ValidationError,
            f"{name!r} is not a valid name for a table or an index\n"
            "  hint: use 3 to 255 letters, digits, `_`, `-` and `.`",
        ):
            run(table.on(scripted([])), create_table())


@pytest.fixture
def live(engine: Engine, fresh_name: str) -> Table:
    """A table with an index, and one item."""
    made = Table(fresh_name, "id", "n", attributes={"n": int}, indexes=[GlobalIndex("ByOwner", "owner", "n")])
    run(made.on(engine), create_table())
    put(made.on(engine), {"id": "a", "n": 1, "owner": "me", "day": "mon"})
    return made.on(engine)


@pytest.mark.engine_fault("dynalite", reason="adds no index to a table on demand without throughput")
def test_a_table_is_brought_to_its_descriptor_step_by_step(live: Table) -> None:
    wanted = replace(
        live, indexes=[GlobalIndex("ByDay", "day", project=["owner"]), GlobalIndex("ByN", "n", "owner", "keys")]
    )
    words = ["create index ByDay", "create index ByN"]
    recording = Recording(live.bound)
    assert run(wanted.on(recording), update_table(dry_run=True)) == words
    assert {*recording.names} == {"DescribeTable", "DescribeTimeToLive"}
    assert run(wanted, update_table(drop=True, dry_run=True)) == ["delete index ByOwner", *words]
    assert run(wanted, update_table()) == words
    assert {index.name for index in run(live, describe_table()).indexes} == {"ByOwner", "ByDay", "ByN"}
    assert first(wanted, query(eq("day", "mon"), project=["owner"])) == {"owner": "me"}
    assert run(wanted, update_table(drop=True)) == ["delete index ByOwner"]
    assert run(wanted, update_table(drop=True)) == []
    assert first(wanted, query(eq("n", 1), index="ByN", project=["id"])) == {"id": "a"}


@pytest.mark.engine_fault("dynoxide", reason="gives indexes no throughput")
def test_throughput_changes_with_that_of_the_indexes(live: Table) -> None:
    wanted = replace(live, throughput=(4, 3))
    assert run(wanted, update_table()) == ["throughput: 4 read and 3 write units"]
    described = call(live.bound, "DescribeTable", {"TableName": live.name})["Table"]
    (index,) = described["GlobalSecondaryIndexes"]
    for one in (described, index):
        units = one["ProvisionedThroughput"]
        assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (4, 3)
    assert run(wanted, update_table()) == []
    assert run(live, update_table()) == ["throughput: on demand"]
    assert run(live, describe_table()).throughput is None


@pytest.mark.engine_fault("dynalite", reason="knows no streams, no time to live and no deletion protection")
def test_options_are_turned_on_and_off(live: Table) -> None:
    wanted = replace(live, stream="new", deletion_protection=True, ttl="until")
    words = ["stream: new", "deletion protection on", "time to live: until"]
    assert run(wanted, update_table()) == words
    assert run(wanted, update_table()) == []
    described = run(live, describe_table())
    assert (described.stream, described.deletion_protection, described.ttl) == ("new", True, "until")
    assert run(live, update_table(dry_run=True)) == ["stream: off", "deletion protection off", "time to live: off"]
    run(replace(wanted, deletion_protection=False), update_table())


@pytest.mark.engine_fault("dynalite", reason="knows no streams")
@pytest.mark.engine_fault("moto", "moto-server", reason="a stream that was disabled cannot be enabled again")
def test_what_a_stream_shows_is_changed_by_another_stream(live: Table) -> None:
    assert run(replace(live, stream="new"), update_table()) == ["stream: new"]
    both = replace(live, stream="both")
    assert run(both, update_table()) == ["stream: off", "stream: both"]
    assert run(both, describe_table()).stream == "both"


def test_what_no_update_of_a_table_can_do_is_refused_before_it_begins(live: Table) -> None:
    recording = Recording(live.bound)
    refused = {
        f"the key of '{live.name}' is id (S), n (N), and no table changes its key": [
            replace(live, partition_key="other"),
            replace(live, sort_key=None),
            replace(live, attributes={"n": str}),
        ],
        f"local index 'Own' can only be created with its table '{live.name}'": [
            replace(live, indexes=[LocalIndex("Own", "day"), GlobalIndex("New", "day")])
        ],
        f"index 'ByOwner' of '{live.name}' is there, and differs: ": [
            replace(live, indexes=[GlobalIndex("ByOwner", "owner", "n", project="keys")]),
            replace(live, attributes={"n": int, "owner": int}),
        ],
    }
    for text, tables in refused.items():
        for table in tables:
            with pytest.raises(PlanError) as caught:
                run(table.on(recording), update_table())
            assert str(caught.value).startswith(text)
    assert "UpdateTable" not in recording.names


def test_a_described_table_needs_no_descriptor(live: Table) -> None:
    found = run(Table(live.name, "?").on(live.bound), describe_table())
    assert (found.keys, found.indexes, found.engine) == (live.keys, live.indexes, live.engine)
    assert first(found, query(eq("owner", "me") & gt("n", 0))) == {"id": "a", "n": 1, "owner": "me", "day": "mon"}
    update(found, ("a", 1), incr("seen"))
    assert get(found, {"id": "a", "n": 1}, project=["seen"]) == {"seen": 1}
    assert run(found, update_table(dry_run=True)) == []
    assert found == pickle.loads(pickle.dumps(replace(found, engine=None)))


# --- every item that a read gives


def test_a_dry_run_sends_only_reads(filled: Table) -> None:
    recording = Recording(filled.bound)
    table = filled.on(recording)
    assert delete_matching(table, scan(lt("n", 10)), dry_run=True) == 10
    assert update_matching(table, scan(lt("n", 10)), incr("n"), dry_run=True) == 10
    assert {*recording.names} == {"Scan"}
    assert numbers(filled) == [*range(80)]


def test_an_item_that_changed_meanwhile_stays_and_is_not_counted(table: Table) -> None:
    fill(table, 5)
    engine = before(table.bound, "DeleteItem", lambda: update(table, "3", assign("n", -3)))
    assert delete_matching(table.on(engine), scan(ge("n", 2))) == 2
    assert numbers(table) == [-3, 0, 1]
    gone = before(table.bound, "UpdateItem", lambda: run(table, delete_item("0")))
    assert update_matching(table.on(gone), scan(lt("n", 2)), assign("seen", True)) == 2
    assert sorted(item["n"] for item in run(table, scan(exists("seen")))) == [-3, 1]


def test_matching_by_a_query_over_several_pages(engine: Engine, fresh_name: str) -> None:
    table = Table(fresh_name, "day", "n", attributes={"n": int}).on(engine)
    run(table, create_table())
    run(table, batch_write(put_item({"day": day, "n": n}) for day in "ab" for n in range(30)))
    read = query(eq("day", "a") & ge("n", 5), page_size=7)
    assert update_matching(table, replace(read, limit=3), assign("seen", True)) == 3
    assert [item["n"] for item in run(table, query(eq("day", "a") & exists("seen")))] == [5, 6, 7]
    assert delete_matching(table, read) == 25
    assert [item["n"] for item in run(table, query(eq("day", "a")))] == [*range(5)]
    assert count(table, query(eq("day", "b"))) == 30


def test_matching_stops_at_what_the_engine_refuses(filled: Table) -> None:
    with pytest.raises(DynamoError) as caught:
        update_matching(filled, scan(lt("n", 10)), assign("no.parent", 1))
    assert caught.value.code == "ValidationException"
    assert numbers(filled) == [*range(80)]


def test_the_scripted_engine_fails_when_asked_too_often() -> None:
    with raises(AssertionError, 'asked once too often: GetItem b\'{"TableName":"things","Key":{"id":{"S":"1"}}}\''):
        get(unsent, "1")
