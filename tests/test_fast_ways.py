"""Each fast way gives what the slow way gives, or leaves the work to it: also for bytes that are damaged."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw import HEAD

from flyexpr import DynamoError, FlyexprError
from flyexpr.byte_readers import read
from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.answers import item_text
from flyexpr.engines.sqlite.disk.item_texts import changed_text, read_first, read_text
from flyexpr.engines.sqlite.disk.key_schema import KeyAttribute, KeySchema
from flyexpr.engines.sqlite.disk.key_texts import key_reader
from flyexpr.engines.sqlite.request.known.put_bodies import BatchBodies, PutBodies
from flyexpr.engines.sqlite.request.known.update_bodies import UpdateBodies
from flyexpr.engines.sqlite.request.numerals import is_plain, read_number
from flyexpr.serve.answers import operation_of, without_engine
from flyexpr.serve.bodies import read_body
from flyexpr.serve.heads import Head, read_head
from flyexpr.serve.known import KnownHeads
from flyexpr.serve.limits import USUAL, Refused
from flyexpr.values.answers import item_and_rest
from flyexpr.values.encode import encode_item
from flyexpr.values.numbers import number_text
from flyexpr.values.pattern_cache import SEVERAL, Forms
from flyexpr.values.patterns import form_of, item_pattern
from flyexpr.values.sizes import item_size


@st.composite
def damaged(draw: st.DrawFn, texts: list[bytes], marks: list[bytes]) -> bytes:
    """One of the texts with up to three changes: something put in, left out, exchanged or written twice."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        end = min(len(text), place + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 30])))
        new = draw(st.sampled_from([b"", *marks])) + text[place:end] * draw(st.sampled_from([0, 0, 0, 1, 2]))
        text = text[:place] + new + text[end:]
    return text


# Requests that the embedded engine knows

JSON = [b'"', b"\\", b"\\u0041", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"0", b".", b"-", b"null", b"\xff"]
WORDS = [b'"S"', b'"N"', b'"Key":', b'"Item":', b'"TableName":"tab",', b'"A":1,', b'{"S":"a"}', b'{"N":"01"}', b"e2"]
ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "n": {"N": "-1.5"},
    "b": {"B": "YWI="},
    "t": {"BOOL": True},
    "ss": {"SS": ["a", "b"]},
    "m": {"M": {"é": {"NS": ["1", "2"]}, "l": {"L": [{"M": {"k": {"S": "v"}}}]}}},
}
PUTS = [
    {"TableName": "tab", "Item": ITEM},
    {"TableName": "tab", "Item": {**ITEM, "n": {"N": "7"}}, "ReturnValues": "ALL_OLD"},
]
BATCHES = [{"RequestItems": {"tab": [{"PutRequest": {"Item": {**ITEM, "pk": {"S": name}}}} for name in "ab"]}}]
UPDATES = [
    {
        "TableName": "tab",
        "Key": {"pk": {"S": "a"}},
        "UpdateExpression": "SET #s = :s ADD wins :n",
        "ConditionExpression": "attribute_not_exists(wins) OR wins < :most",
        "ExpressionAttributeNames": {"#s": "state"},
        "ExpressionAttributeValues": {":s": {"S": "x"}, ":n": {"N": "1"}, ":most": {"N": "9000"}},
        "ReturnValues": "ALL_NEW",
    }
]
TABLE = {
    "TableName": "tab",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
REQUESTS: dict[str, list[dict[str, Any]]] = {"PutItem": PUTS, "BatchWriteItem": BATCHES, "UpdateItem": UPDATES}


def compact(request: Any) -> bytes:
    return json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode()


def texts_of(operation: str) -> list[bytes]:
    """The requests as flyexpr writes them, and as other clients do."""
    return [write(one) for one in REQUESTS[operation] for write in (compact, lambda one: json.dumps(one).encode())]


def answer(engine: SqliteEngine, operation: str, body: bytes) -> Any:
    try:
        return engine(operation, body)
    except DynamoError as error:
        return error.code, error.message, error.fields


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[SqliteEngine, SqliteEngine]]:
    """One that knows these requests, and one that knows none; neither learns more."""
    with SqliteEngine(":memory:") as knowing, SqliteEngine(":memory:") as other:
        for engine in (knowing, other):
            engine("CreateTable", compact(TABLE))
        for operation in REQUESTS:
            bodies: Any = knowing._operations[operation][1]
            assert isinstance(bodies, PutBodies | BatchBodies | UpdateBodies)
            if not isinstance(bodies, UpdateBodies):
                pattern = item_pattern(ITEM)
                assert pattern is not None
                bodies.patterns.add(pattern, ITEM)
            for text in texts_of(operation):
                for _ in range(2 * SEVERAL):
                    assert answer(knowing, operation, text) == answer(other, operation, text)
                assert bodies.known(text)
            for engine in (knowing, other):
                engine._operations[operation][1].learn = lambda *_: None  # type: ignore[method-assign]
        yield knowing, other


@pytest.mark.parametrize("operation", REQUESTS)
@given(data=st.data())
@settings(max_examples=100)
def test_a_request_that_an_engine_knows(
    engines: tuple[SqliteEngine, SqliteEngine], operation: str, data: st.DataObject
) -> None:
    knowing, other = engines
    for bodies in (knowing._operations["PutItem"][1], knowing._operations["BatchWriteItem"][1]):
        bodies.patterns._failed = 0  # type: ignore[attr-defined]  # it never gives up its pattern
    body = data.draw(damaged(texts_of(operation), JSON + WORDS))
    assert answer(knowing, operation, body) == answer(other, operation, body)
    assert knowing("Scan", b'{"TableName":"tab"}') == other("Scan", b'{"TableName":"tab"}')


def test_a_request_that_is_too_large_is_read_where_it_is_refused(
    engines: tuple[SqliteEngine, SqliteEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = engines[0]._operations["PutItem"][1]
    text = compact(PUTS[0])
    monkeypatch.setattr("flyexpr.engines.sqlite.request.known.put_bodies.MAX_BODY", len(text))
    assert bodies.known(text)
    monkeypatch.setattr("flyexpr.engines.sqlite.request.known.put_bodies.MAX_BODY", len(text) - 1)
    assert bodies.known(text) is None


# Heads that the server knows

LINES = [
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\n",
    b"\t",
    b"\0",
    b"\x80",
    b" ",
    b":",
    b",",
    b"0",
    b"3",
    b"{}",
    b"Content-Length: 2\r\n",
    b"\r\ncontent-length:2",
    b"\r\nX-Amz-Date: 7",
    b"\r\nAuthorization:",
    b"\r\nExpect: 100-continue",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nContent-Encoding: gzip",
    b"\r\nConnection: close",
    b"\r\nHost: localhost",
    b"POST / HTTP/1.1\r\n",
]
SENT = HEAD + b"Authorization: AWS4 a\r\nX-Amz-Date: 1\r\nContent-Length: 2\r\n\r\n{}"
CHANGING = {"content-length", "authorization", "x-amz-date"}


def slowly(data: bytes) -> Any:
    """The operation, the head without what changes, and the body; None for what is not one plain request."""
    rest = bytearray(data)
    try:
        head = read(read_head(rest, USUAL.head), lambda size: b"")
        assert head is not None
        body = read(read_body(rest, head.length, USUAL), lambda size: b"")
    except (Refused, AssertionError):
        return None
    if rest or head.length is None or head.old or head.expects or not head.keep or without_engine(head, body):
        return None
    return operation_of(head), without_changing(head), body


def without_changing(head: Head) -> Head:
    headers = {name: value for name, value in head.headers.items() if name not in CHANGING}
    return head._replace(length=0, headers=headers)


@given(damaged([SENT], LINES))
@settings(max_examples=300)
def test_a_request_whose_head_the_server_knows(data: bytes) -> None:
    heads = KnownHeads(lambda head: None)
    assert heads.read(SENT)
    for _ in range(2):
        if found := heads.read(data):
            known, body = found
            assert (known.operation, without_changing(known.head), body) == slowly(data)


# Items that an engine has stored

TRICKY = ["a", "b", "", 'a":{"S":"x"}', ',"b":{"N":"1"}', "\\", '"', "é", "\n", "}", "{"]
NAMES = [name for name in TRICKY if name]
PLAIN = st.sampled_from([*TRICKY, 0, 1, -1, 10**37, Decimal("0.5"), Decimal("-12.25"), b"", b"ab", True, None, {"a"}])
VALUES = PLAIN | st.dictionaries(st.sampled_from(NAMES), PLAIN, max_size=2) | st.lists(PLAIN, max_size=2)
ITEMS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=5)


@given(ITEMS, ITEMS)
def test_a_text_whose_attributes_are_exchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    after = {**before, **after}
    gone = [name for name in before if name != next(iter(before)) and len(name) % 2]
    for name in gone:
        after.pop(name)
    changed = [name for name in {**before, **after} if before.get(name, ...) is not after.get(name, ...)]
    text = changed_text(item_text(before), after, changed)
    pairs = json.loads(text, object_pairs_hook=lambda pairs: (len({name for name, _ in pairs}) == len(pairs), pairs))
    assert pairs[0], "a name that is there twice"
    assert read_text(text) == after
    assert item_size(read_text(text)) == item_size(after)


@given(ITEMS, st.lists(st.sampled_from(NAMES), max_size=4, unique=True), st.integers(0, 5), st.booleans())
def test_attributes_that_are_read_alone(item: dict[str, Any], names: list[str], place: int, in_map: bool) -> None:
    """In an item that is long enough for it, wherever they stand: also in a map, and before or behind one."""
    long = [("long", "x" * 300)]
    attributes = [*item.items()]
    attributes[place:place] = [("map", dict(item))] if in_map else []
    item = dict(long + attributes)
    text = item_text(item)
    assert read_text(text, names) == {name: item[name] for name in names if name in item}
    assert read_text(text, names) == {name: value for name, value in read_text(text).items() if name in names}


KEYS: dict[str, Any] = {
    "S": st.sampled_from(["a", "é", '"', "\\", "x" * 300]),
    "N": st.integers(-(10**38) + 1, 10**38 - 1) | st.sampled_from([0, 100, -100, Decimal("0.05"), Decimal("-1.5")]),
    "B": st.binary(min_size=1, max_size=4),
}
KIND = st.sampled_from(sorted(KEYS))


@given(st.data(), KIND, st.none() | KIND, st.sampled_from(NAMES), ITEMS, st.booleans())
def test_a_key_that_is_cut_out_of_its_item(
    data: st.DataObject, kind: str, sort: str | None, name: str, more: dict[str, Any], first: bool
) -> None:
    key = {name: data.draw(KEYS[kind])} | ({"sort": data.draw(KEYS[sort])} if sort else {})
    more = {other: value for other, value in more.items() if other not in key}
    attributes = [KeyAttribute(name, kind), *([KeyAttribute("sort", sort)] if sort else [])]
    text = item_text({**key, **more} if first else {**more, **dict(reversed(key.items()))})
    expected = item_text(key), item_size(key)
    assert key_reader(KeySchema(tuple(attributes[:1]), tuple(attributes[1:])))(text) == expected
    assert read_first(text, list(key)) == read_text(text, key) == key


# Answers and numbers


@given(ITEMS, st.data())
def test_an_item_that_comes_alone(item: dict[str, Any], data: st.DataObject) -> None:
    text = encode_item(item)
    body = f'{{"Item":{text},"ConsumedCapacity":{{"CapacityUnits":0.5}}}}'.encode()
    known = Forms()
    form = form_of(json.loads(text))
    if form is not None:
        known.add(form)
    body = data.draw(damaged([body, f'{{"Item":{text}}}'.encode()], JSON + WORDS))

    def outcome(forms: Forms) -> Any:
        read: Callable[..., Any] = item_and_rest
        try:
            return repr(read(body, "Item", forms))
        except FlyexprError as error:
            return type(error)

    assert outcome(known) == outcome(Forms())


@given(st.text("0015.-+eE ", max_size=8) | st.integers(34, 42).map("1".__mul__) | st.sampled_from(["-", "0.", "1."]))
def test_a_number_that_is_stored_as_it_stands(text: str) -> None:
    try:
        written = number_text(read_number(text))
    except DynamoError:
        written = None
    assert is_plain(text) == (written == text and len(text) <= 38)
