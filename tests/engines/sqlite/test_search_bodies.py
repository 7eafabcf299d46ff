"""A search whose text was read before is carried out, and refused, as one that is read whole."""

import json
from typing import Any

import pytest
from known_texts import answer, text_of
from vector_requests import FILTER, index, numbers, search, table, where

from flyexpr.engines.sqlite import SqliteEngine
from flyexpr.engines.sqlite.request.known.search_bodies import SearchBodies

PLAIN = search("docs", 1, 0)
FILTERED = {**PLAIN, **where("f = :f", f={"S": "en"}), "ReturnConsumedCapacity": "TOTAL"}
VECTORS: tuple[Any, ...] = (
    [{"N": "1e-3"}, {"N": "+.5"}],
    [{"N": "-0"}, {"N": "007"}],
    [{"N": "1"}],
    [{"N": "1"}, {"N": "2"}, {"N": "3"}],
    [],
    None,
    "x",
    [{"N": ""}, {"N": "1"}],
    [{"N": " 1"}, {"N": "1"}],
    [{"N": "1_0"}, {"N": "1"}],
    [{"N": "NaN"}, {"N": "1"}],
    [{"N": "inf"}, {"N": "1"}],
    [{"N": "3.5e38"}, {"N": "1"}],
    [{"N": "3.4028235e38"}, {"N": "3.4028235e38"}],
    [{"N": "١"}, {"N": "1"}],
    [{"N": 'a","b":"'}, {"N": "1"}],
    [{"N": 1}, {"N": "1"}],
    [{"S": "1"}, {"N": "1"}],
    [{"N": "1", "S": "1"}, {"N": "1"}],
    [{"N": "1"}, [{"N": "1"}]],
)
ODD: tuple[dict[str, Any], ...] = (
    {"TopK": 1},
    {"TopK": 101},
    {"TopK": True},
    {"TableName": "none"},
    {"IndexName": "other"},
    {"Oddity": 1},
    {"ReturnConsumedCapacity": None},
    where("f = :f", f={"S": "de"}),
    where("f = :f", f={"N": "1"}),
    where("f = :f", f={"S": "en"}, g={"S": "en"}),
    where("f = :f", f={"M": {"SearchVector": {"L": [{"N": "1"}]}}}),
)


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("base", [PLAIN, FILTERED])
def test_searches_of_a_known_text(base: dict[str, Any], blank: str) -> None:
    made = table("docs", index(Dimensions=2, SearchSchema=[FILTER]), defined="pk:S f:S")
    with SqliteEngine(":memory:") as learning, SqliteEngine(":memory:") as other:
        for engine in (learning, other):
            engine("CreateTable", json.dumps(made).encode())
            for number in range(9):
                item = {
                    "pk": {"S": str(number)},
                    "v": {"L": numbers(number, 1)},
                    "f": {"S": "en" if number % 3 else "de"},
                }
                engine("PutItem", json.dumps({"TableName": "docs", "Item": item}).encode())
        _, bodies = learning._operations["SearchVectors"]
        assert isinstance(bodies, SearchBodies)
        other._operations["SearchVectors"][1].learn = lambda *_: None  # type: ignore[method-assign]
        again = text_of(base, blank).removesuffix(b"}") + b',"SearchVector":[{"N":"0"},{"N":"1"}]}'
        for request in (again, again, text_of({**base, "Oddity": [{"SearchVector": numbers(1)}]}, blank)):
            assert answer(learning, "SearchVectors", request) == answer(other, "SearchVectors", request)
            assert not bodies.known(request)
        assert answer(learning, "SearchVectors", text_of(base, blank)) == answer(
            other, "SearchVectors", text_of(base, blank)
        )
        known = bodies.known(text_of({**base, "SearchVector": numbers(0.25, -3)}, blank))
        assert known
        assert known.vector == (0.25, -3.0)
        assert len(answer(learning, "SearchVectors", text_of(base, blank))["SearchResults"]) == 3
        bodies.learn = lambda *_: None  # type: ignore[method-assign]  # so that what is odd stays unknown
        for odd in (*ODD, *({"SearchVector": vector} for vector in VECTORS)):
            request = text_of({**base, **odd}, blank)
            assert answer(learning, "SearchVectors", request) == answer(other, "SearchVectors", request), odd
        usual = text_of(base, blank)
        texts = (
            rb'"\u0031"',
            b'"\xff"',
            rb'"\ud800"',
            b"[" * 9999,
            b'"1"}]',
            b'"1"},{"N":"2"}],"TopK":1,"Old":[{"N":"3"',
        )
        for request in (usual + b"}", usual + b" ", b"", *(usual.replace(b'"1"', text, 1) for text in texts)):
            assert answer(learning, "SearchVectors", request) == answer(other, "SearchVectors", request)
