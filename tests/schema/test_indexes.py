"""Types of indexes: what the rest of the library asks, an index answers, so a further type is one class."""

from collections.abc import Mapping
from typing import Any

import pytest
from raised import raises

from flyexpr import GlobalIndex, LocalIndex, PlanError, Table, all_of, create_table, eq, explain, query, request
from flyexpr.records import record
from flyexpr.requests import descriptions, tables
from flyexpr.schema.indexes import INDEX_TYPES, Index, Projection, described_keys
from flyexpr.steps.alter_table import alterations


@record
class FacetIndex(Index):
    """An index of a type that DynamoDB does not have: by one attribute, made with its table, never consistent."""

    name: str
    facet: str
    project: Projection = "all"

    word = "facet"
    wire_member = "FacetIndexes"

    @classmethod
    def described(cls, described: Mapping[str, Any], project: Projection) -> Index:
        return cls(described["IndexName"], described_keys(described)[0][0], project)

    @property
    def partition_keys(self) -> tuple[str, ...]:
        return (self.facet,)

    @property
    def sort_keys(self) -> tuple[str, ...]:
        return ()


FACET = FacetIndex("ByColour", "colour", "keys")
TABLE = Table("Things", "id", indexes=[FACET])


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tables, descriptions):
        monkeypatch.setattr(module, "INDEX_TYPES", (*INDEX_TYPES, FacetIndex))


@pytest.mark.usefixtures("known")
def test_an_index_of_a_further_type_is_created_and_described() -> None:
    _, wire = request(TABLE, create_table())
    assert wire["FacetIndexes"] == [
        {
            "IndexName": "ByColour",
            "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ]
    assert descriptions.described_table(wire).indexes == (FACET,)


def test_a_read_goes_through_an_index_of_a_further_type() -> None:
    plan = explain(TABLE, query(eq("colour", "red"), index="ByColour"))
    assert plan.index == "ByColour"
    assert plan.warnings[-1] == "eventually consistent: a facet index follows its table with a delay"
    assert "items come with the attributes that the index projects, not whole" in plan.warnings
    with raises(
        PlanError,
        "no index of 'Things' can give what this query asks for (ByColour: a facet index has no consistent "
        "reads)\n"
        "  condition: colour = 'red'\n"
        "  hint: leave consistent=True out",
    ):
        explain(TABLE, query(eq("colour", "red"), consistent=True))
    with raises(PlanError, "index 'ByColour' is facet, and a facet index has no consistent reads"):
        explain(TABLE, query(eq("colour", "red"), consistent=True, index="ByColour"))
    with raises(
        PlanError,
        "a query of 'Things' needs one partition key value, and the condition fixes none\n"
        "  condition: TRUE\n"
        "  hint: add eq(...) for one of: `id` (the table), `colour` (ByColour); or use scan(...)",
    ):
        explain(TABLE, query(all_of()))


def test_an_index_of_a_further_type_is_altered_only_if_it_says_so() -> None:
    plain = Table("Things", "id")
    with raises(PlanError, "facet index 'ByColour' can only be created with its table 'Things'"):
        alterations(plain, TABLE)
    assert alterations(TABLE, plain, drop=True) == []


def test_which_index_can_what() -> None:
    asked = ("consistent_reads", "fetches_missing", "has_throughput", "alterable")
    by_title, by_score = GlobalIndex("ByTitle", "title"), LocalIndex("ByScore", "score")
    assert [name for name in asked if getattr(by_title, name)] == ["has_throughput", "alterable"]
    assert [name for name in asked if getattr(by_score, name)] == ["consistent_reads", "fetches_missing"]
    assert by_score.partition_keys == ()
