"""The order of a Scan, of the items with one key of an index, and the segments are those of the service's hash.

The hashes of `tests/data/hashes.txt` were computed by dynalite; those of "A" and "B" were seen on AWS.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import EMBEDDED, Engine, absence, opened

from flyexpr import DynamoError
from flyexpr.engines import call
from flyexpr.engines.sqlite.disk.keys import hashed_bytes
from flyexpr.values.decode import decode

LINES = (Path(__file__).parents[2] / "data" / "hashes.txt").read_text(encoding="utf-8").splitlines()[1:]
HASHES = {line[7:]: line[:6] for line in LINES}
KINDS = ("S", "N", "B")
LONE = {kind: [key for key in map(json.loads, HASHES) if len(key) == 1 and kind in key[0]] for kind in KINDS}
GROUP = [{"AttributeName": "g", "KeyType": "HASH"}]
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(absence(name) is not None, reason=f"{name}: {absence(name)}"))
    for name in (*EMBEDDED, "dynalite", "dynoxide")
]


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(engine_name: str) -> Iterator[Engine]:
    with opened(engine_name) as opened_engine:
        yield opened_engine


def hash_of(*values: Any) -> str:
    return HASHES[json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))]


def make(engine: Engine, name: str, kinds: str, items: list[dict[str, Any]]) -> None:
    """A table keyed by `p`, or by `p` and `s`, with an index by `g`, and its items."""
    keys = [{"AttributeName": "ps"[place], "KeyType": ("HASH", "RANGE")[place]} for place in range(len(kinds))]
    index = {"IndexName": "by_g", "KeySchema": GROUP, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    types = [{"AttributeName": "g", "AttributeType": "S"}]
    types += [{"AttributeName": "ps"[place], "AttributeType": kind} for place, kind in enumerate(kinds)]
    members = {"AttributeDefinitions": types, "GlobalSecondaryIndexes": [index], "BillingMode": "PAY_PER_REQUEST"}
    call(engine, "CreateTable", {"TableName": name, "KeySchema": keys, **members})
    while call(engine, "DescribeTable", {"TableName": name})["Table"]["TableStatus"] != "ACTIVE":
        pass
    for item in items:
        call(engine, "PutItem", {"TableName": name, "Item": {**item, "g": {"S": "all"}}})


def keys_of(engine: Engine, operation: str, request: dict[str, Any]) -> list[Any]:
    return [item["p"] for item in call(engine, operation, request)["Items"]]


@pytest.mark.parametrize("key", HASHES)
def test_hashes_of_keys_are_those_of_the_service(key: str) -> None:
    kinds = "".join(kind for part in json.loads(key) for kind in part)
    values = [decode(part) for part in json.loads(key)]
    assert f"{int.from_bytes(hashed_bytes(kinds, *values)[:4], 'big') >> 7:06x}" == HASHES[key]


@pytest.mark.engine_fault("dynoxide", reason="has an order of its own")
@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_and_equal_keys_of_an_index_are_in_the_order_of_the_hash(
    engine: Engine, kind: str, fresh_name: str
) -> None:
    make(engine, fresh_name, kind, [{"p": key} for (key,) in LONE[kind]])
    in_order = sorted((key for (key,) in LONE[kind]), key=hash_of)
    assert keys_of(engine, "Scan", {"TableName": fresh_name}) == in_order
    assert keys_of(engine, "Scan", {"TableName": fresh_name, "IndexName": "by_g"}) == in_order
    equal = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "all"}}}
    assert keys_of(engine, "Query", {"TableName": fresh_name, "IndexName": "by_g", **equal}) == in_order


@pytest.mark.engine_fault("dynoxide", reason="has an order of its own")
def test_equal_keys_of_an_index_are_in_the_order_of_the_hash_of_the_whole_key(engine: Engine, fresh_name: str) -> None:
    sorts = [{"N": str(number)} for number in range(6)]
    make(engine, fresh_name, "SN", [{"p": {"S": p}, "s": sort} for p in "AB" for sort in sorts])
    found = call(engine, "Scan", {"TableName": fresh_name, "IndexName": "by_g"})["Items"]
    keys = [(item["p"]["S"], int(item["s"]["N"])) for item in found]
    assert keys == list(zip("ABAAAABBBABB", (1, 2, 2, 0, 4, 3, 5, 4, 0, 5, 1, 3), strict=True))


@pytest.mark.parametrize("total", [2, 3, 4, 16, 4096])
def test_segments_have_an_equal_share_of_the_first_twelve_bits(engine: Engine, total: int, fresh_name: str) -> None:
    make(engine, fresh_name, "N", [{"p": key} for (key,) in LONE["N"]])
    expected = defaultdict(list)
    for key in sorted((key for (key,) in LONE["N"]), key=hash_of):
        expected[int(hash_of(key)[:3], 16) * total // 4096].append(key)
    for segment in {*expected, 0, total - 1}:
        request = {"TableName": fresh_name, "Segment": segment, "TotalSegments": total}
        assert keys_of(engine, "Scan", request) == expected[segment]


@pytest.mark.engine_fault("dynoxide", reason="takes a start key of another segment")
def test_a_start_key_belongs_to_one_segment(engine: Engine, fresh_name: str) -> None:
    make(engine, fresh_name, "S", [{"p": {"S": "A"}}, {"p": {"S": "B"}}])  # 0cb and 2a5 of 000 to fff
    start = {"TableName": fresh_name, "TotalSegments": 16, "ExclusiveStartKey": {"p": {"S": "A"}}}
    assert call(engine, "Scan", {**start, "Segment": 0})["Items"] == []
    with pytest.raises(DynamoError, match="Please use ExclusiveStartKey with correct Segment"):
        call(engine, "Scan", {**start, "Segment": 2})
