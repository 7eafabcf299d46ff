"""What `repr` shows of tables, indexes and types, what a notebook shows of a table, and what is completed."""

import functools
import pickle
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from public import NAMES

from flyexpr import (
    Attribute,
    Codec,
    GlobalIndex,
    LocalIndex,
    Table,
    VectorIndex,
    aio,
    computed,
    connect,
    epoch,
    template,
)
from flyexpr.schema.codecs import codec_of


class Colour(Enum):
    RED = "red"


def grade(score: int) -> str:
    return "low" if score < 10 else "high"


SCOPE: dict[str, Any] = {**NAMES, "Colour": Colour, "grade": grade, "date": date, "Decimal": Decimal}
CODES = [
    "GlobalIndex('ByTitle', 'title')",
    "GlobalIndex('ByTitle', 'title', 'top_score', project='keys')",
    "GlobalIndex('ByMonth', ('a', 'b'), ('year', 'month'), project=['wins', 'losses'])",
    "LocalIndex('ByWins', 'wins')",
    "LocalIndex('ByWins', 'wins', project='keys')",
    "template('{type}:{id:05d}')",
    "computed(grade, 'score')",
    "computed(grade, 'score', 'wins', type=int)",
    "Attribute(int)",
    "Attribute(set[str], required=True, default=grade, check=grade)",
    "Attribute(int, default=0)",
    "Codec(round, float, int)",
    "Codec(grade, None)",
    "epoch",
]


@pytest.mark.parametrize("code", CODES)
def test_a_descriptor_prints_as_it_is_written(code: str) -> None:
    made = eval(code, dict(SCOPE))
    assert repr(made) == code
    assert eval(repr(made), dict(SCOPE)) == made


def test_epoch_is_epoch_after_a_pickle() -> None:
    assert repr(pickle.loads(pickle.dumps(epoch))) == "epoch"
    assert repr(codec_of(int)) == "Codec(_encode_int, None, int, whole=False)"


def test_attributes_print_their_types() -> None:
    types = {"a": int, "b": set[str], "c": int | Decimal, "d": dict[str, list[date]], "e": epoch, "f": Colour}
    made = {"g": template("{a}#"), "h": computed(lambda a: a, "a"), "i": Attribute(float, required=True)}
    assert repr(Table("t", "id", attributes=types | made).attributes) == (
        "{'a': int, 'b': set[str], 'c': int | Decimal, 'd': dict[str, list[date]], 'e': epoch, 'f': Colour, "
        "'g': template('{a}#'), 'h': computed(<lambda>, 'a'), 'i': Attribute(float, required=True)}"
    )


# --- tables


def plain(operation: str, body: bytes) -> bytes:
    return b"{}"


class Secretive:
    """An engine of somebody else, whose repr tells too much."""

    def __call__(self, operation: str, body: bytes) -> bytes:
        return b"{}"

    def __repr__(self) -> str:
        return "<engine http://user:password@example.com>"


@pytest.mark.parametrize(
    "engine, name",
    [
        (connect("sqlite::memory:"), "sqlite::memory:"),
        (connect("http://localhost:8000"), "http://localhost:8000"),
        (connect("http://user:password@localhost:8000"), "http://localhost:8000"),
        (connect("http://localhost:8000?transport=botocore"), "http://localhost:8000?transport=botocore"),
        (aio.connect("sqlite::memory:"), "sqlite::memory:"),
        (aio.connect("http://localhost:8000"), "http://localhost:8000"),
        (plain, "plain"),
        (functools.partial(plain, "password"), "partial"),
        (Secretive(), "Secretive"),
    ],
)
def test_a_table_says_where_it_lives(engine: Any, name: str) -> None:
    table = Table("Scores", "userid", "title", attributes={"wins": int}).on(engine)
    assert repr(table) == str(table) == f"<Table Scores (userid, title) on {name}>"
    assert f"<code>{name}</code>" in table._repr_html_()
    assert "password" not in table._repr_html_()


def test_a_table_without_an_engine_says_so() -> None:
    assert repr(Table("Scores", "userid")) == "<Table Scores (userid), not bound>"


def test_a_notebook_shows_keys_indexes_and_attributes() -> None:
    table = Table(
        "<Scores>",
        "userid",
        "when",
        attributes={"when": datetime, "wins": int, "<b>": template("{wins}<i>"), "gone": epoch},
        indexes=[GlobalIndex("ByWins", "wins"), LocalIndex("L", "x", project="keys")],
        ttl="gone",
        version="v",
        strict=True,
        throughput=(5, 1),
        stream="both",
        tags={"team": "blue"},
        deletion_protection=True,
    )
    shown = table._repr_html_()
    rows = [row.split("</th>") for row in shown.removeprefix("<table>").removesuffix("</table>").split("</tr>") if row]
    cells = [(label.rpartition(">")[2], text.split("<code>")[1].split("</code>")[0]) for label, text in rows]
    assert cells == [
        ("table", "&lt;Scores&gt;"),
        ("engine", "not bound"),
        ("partition key", "userid: str"),
        ("sort key", "when: datetime"),
        ("index", "GlobalIndex(&#x27;ByWins&#x27;, &#x27;wins&#x27;)"),
        ("index", "LocalIndex(&#x27;L&#x27;, &#x27;x&#x27;, project=&#x27;keys&#x27;)"),
        ("attribute", "wins: int"),
        ("attribute", "&lt;b&gt;: template(&#x27;{wins}&lt;i&gt;&#x27;)"),
        ("attribute", "gone: epoch"),
        ("strict", "True"),
        ("version", "v"),
        ("ttl", "gone"),
        ("throughput", "(5, 1)"),
        ("stream", "both"),
        ("tags", "{&#x27;team&#x27;: &#x27;blue&#x27;}"),
        ("deletion protection", "True"),
    ]


# --- completion

PUBLIC = {
    "Table": (
        Table("t", "id"),
        "name partition_key sort_key attributes indexes throughput ttl version strict stream tags deletion_protection "
        "engine on at named of keys index kind",
    ),
    "GlobalIndex": (
        GlobalIndex("a", "b"),
        "name partition_key sort_key project partition_keys sort_keys attributes",
    ),
    "LocalIndex": (LocalIndex("a", "b"), "name sort_key project partition_keys sort_keys"),
    "VectorIndex": (
        VectorIndex("a", "b", 2, filters=["c"]),
        "name attribute dimensions distance partition_key filters project typed",
    ),
    "Attribute": (Attribute(int), "type required default check"),
    "Codec": (Codec(round, float), "encode decode type member kind"),
    "template": (template("{a}"), "parts function text type value begun"),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_only_what_is_public_is_completed(name: str) -> None:
    made, names = PUBLIC[name]
    assert {each for each in dir(made) if not each.startswith("__")} - {"_repr_html_"} == {*names.split()}
    assert {"__eq__", "__hash__"} <= {*dir(made)}


def test_every_option_of_a_table_is_completed() -> None:
    table = Table("t", "id")
    assert {*Table.__match_args__} <= {*dir(table)}  # type: ignore[attr-defined]
    assert table.codecs  # what is not completed is there
    assert "codecs" not in dir(table)
