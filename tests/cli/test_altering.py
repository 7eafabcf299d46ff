"""alter and drop: what they do to a table, and what they say."""

import io

import pytest
from program import Inside, Program
from test_terminal import at_terminal

from flyexpr.cli.jobs.progress import waiting

PLAN = """\
operation     UpdateTable on Movies
change        delete index ByTitle
change        throughput: 5 read and 2 write units
change        create index ByG
change        stream: both
change        deletion protection on
change        time to live: expires
items         3 when the table was last counted; a new index reads them all
"""
CHANGES = [
    *["alter", "Movies", "--index", "ByG g rank:N project=keys", "--drop-index", "ByTitle", "--ttl", "expires"],
    *["--stream", "both", "--billing", "5,2", "--protect", "on"],
]


def described(inside: Inside) -> list[str]:
    return inside("describe", "Movies").out.splitlines()


def test_alter_shows_what_it_will_do_and_does_it_once(movies: Program, inside: Inside):
    before = described(inside)
    for option in ("--dry-run", "--explain"):
        assert inside(*CHANGES, option) == (0, PLAN, "")
    assert described(inside) == before
    assert inside(*CHANGES) == (
        0,
        "",
        "flyexpr: delete index ByTitle; throughput: 5 read and 2 write units; create index ByG; stream: both; "
        "deletion protection on; time to live: expires\n",
    )
    assert described(inside) == [
        "table          Movies",
        "partition key  year (N)",
        "sort key       title (S)",
        "global index   ByG: g (S), rank (N); keys only; 0 items, 0 bytes",
        "items          3 items, 155 bytes",
        "throughput     5 read and 2 write units",
        "time to live   expires",
        "stream         both",
        "deletion       protected",
    ]
    again = [word for word in CHANGES if word not in ("--drop-index", "ByTitle")]
    assert inside(*again) == (0, "", "flyexpr: nothing is changed: the table is so already\n")
    assert inside(*again, "--dry-run").out == (
        "operation     UpdateTable on Movies\nchange        none: the table is so already\n"
    )


def test_alter_takes_settings_back(movies: Program, inside: Inside):
    inside(*CHANGES)
    back = ["alter", "Movies", "--no-ttl", "--stream", "off", "--billing", "on-demand", "--protect", "off"]
    assert inside(*back).err == (
        "flyexpr: throughput: on demand; stream: off; deletion protection off; time to live: off\n"
    )
    assert described(inside)[5:] == ["throughput     on demand"]


@pytest.mark.parametrize(
    "words, code, said",
    [
        (
            ["--drop-index", "ByYear"],
            2,
            "flyexpr: index 'ByYear' of 'Movies' is not there\n  hint: those that can be dropped: ByTitle\n",
        ),
        (
            ["--drop-index", "ByTitle", "--index", "ByTitle g"],
            2,
            "flyexpr: index 'ByTitle' of 'Movies' is there, and differs: its key is title (S), year (N), and it "
            "projects 'all'\n  hint: give the new index another name, or drop the old one first\n",
        ),
        (["--index", "ByG year:S"], 2, "flyexpr: 'year' is both N and S\n"),
        (
            ["--billing", "much"],
            2,
            "flyexpr: 'much' is not a billing mode; write on-demand, or READ,WRITE units such as 5,2\n",
        ),
        *(
            (
                ["--vectors", wrong],
                2,
                f"flyexpr: '{wrong}' is not a vector index; write NAME ATTRIBUTE DIMENSIONS "
                "[cosine|euclidean|dot_product] [partition=KEY] [filters=KEY,...] [project=keys|a,b]\n",
            )
            for wrong in ("ByV v", "ByV v x", "ByV v 3 cos", "ByV v 3 cosine more", "ByV v 3 filter=a")
        ),
        (["--ttl", "a", "--no-ttl"], 2, "flyexpr: --ttl and --no-ttl cannot stand together\n"),
        (
            [],
            2,
            "Usage: flyexpr alter [OPTIONS] TABLE\nTry 'flyexpr alter --help' for help.\n\n"
            "Error: say what to change, as by --index, --drop-index or --ttl\n",
        ),
    ],
)
def test_what_alter_refuses(movies: Program, inside: Inside, words: list[str], code: int, said: str):
    before = described(inside)
    assert inside("alter", "Movies", *words) == (code, "", said)
    assert described(inside) == before


def test_a_local_index_cannot_be_dropped(inside: Inside):
    inside("create", "Ranks", "id", "at:N", "--local", "ByRank rank:N")
    assert inside("alter", "Ranks", "--drop-index", "ByRank") == (
        2,
        "",
        "flyexpr: index 'ByRank' of 'Ranks' is there from the beginning to the end of its table\n"
        "  hint: those that can be dropped: none\n",
    )


def test_create_has_the_same_settings(inside: Inside):
    assert inside("create", "Jobs", "id", "--stream", "keys", "--billing", "3,4", "--protect", "on").code == 0
    assert inside("describe", "Jobs").out.splitlines()[-3:] == [
        "throughput     3 read and 4 write units",
        "stream         keys",
        "deletion       protected",
    ]


def test_drop(movies: Program, inside: Inside):
    planned = inside("drop", "Movies", "--dry-run").out.splitlines()
    assert planned[0] == "operation     DeleteTable on Movies"
    assert planned[-1] == "items         3 when the table was last counted"
    assert inside("drop", "Movies") == (
        2,
        "",
        "Usage: flyexpr drop [OPTIONS] TABLE\nTry 'flyexpr drop --help' for help.\n\n"
        "Error: Drop the table Movies of sqlite:tables.db with all of its items? "
        "There is no terminal to ask at; write --yes.\n",
    )
    inside("alter", "Movies", "--protect", "on")
    assert inside("drop", "Movies", "--yes") == (
        1,
        "",
        "flyexpr: Movies is protected from being dropped\n  hint: flyexpr alter Movies --protect off\n",
    )
    assert inside("tables").out == "Movies\n"
    inside("alter", "Movies", "--protect", "off")
    assert inside("drop", "Movies", "--yes") == (0, "", "")
    assert inside("tables").out == ""


def test_drop_asks_at_a_terminal(movies: Program):
    question = b"Drop the table Movies of sqlite:tables.db with all of its items? [y/N]"
    code, seen = at_terminal(movies, "drop", "Movies", answers={question: b"n\n"})
    assert (code, "the answer was no, so nothing is changed" in seen) == (1, True)
    assert movies("tables") == "Movies\n"
    code, seen = at_terminal(movies, "drop", "Movies", answers={question: b"y\n"})
    assert (code, "drop Movies" in seen) == (0, True)
    assert movies("tables") == ""


def test_a_step_that_is_under_way_is_said_at_a_terminal(movies: Program):
    code, seen = at_terminal(movies, "alter", "Movies", "--ttl", "expires", "--stream", "new")
    assert code == 0
    assert "2 of 2: time to live: expires" in seen
    assert "flyexpr: stream: new; time to live: expires" in seen


def test_an_index_that_is_being_made_says_so():
    from flyexpr.cli.commands.tables import _size

    assert _size({"IndexStatus": "CREATING"}, "IndexSizeBytes", "IndexStatus") == "0 items, 0 bytes; CREATING"


def test_what_is_waited_for_is_shown_where_stderr_is_a_terminal(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with waiting() as tell:
        tell("1 of 1: create index [Bold]\x1b")
    assert "1 of 1: create index [Bold]\\u001b" in terminal.getvalue()


def test_vector_indexes_are_made_shown_and_dropped(inside: Inside):
    words = [
        "--vectors",
        "ByV v 3 filters=lang,pages:N",
        "--vectors",
        "ByT v 3 dot_product partition=tenant:B project=a,b",
    ]
    assert inside("create", "Docs", "id", *words) == (0, "", "")
    shown = [
        "vector index   ByV: v, 3 dimensions, cosine; filters lang (S), pages (N); all attributes; 0 items, 0 bytes",
        "vector index   ByT: v, 3 dimensions, dot_product; partition key tenant (B); a, b; 0 items, 0 bytes",
    ]
    assert inside("describe", "Docs").out.splitlines()[2:4] == shown
    assert inside("describe", "Docs", "--python").out.endswith(
        "from flyexpr import Table, VectorIndex\n\ndocs = Table(\n"
        '    "Docs",\n'
        '    "id",\n'
        '    attributes={"pages": int | Decimal, "tenant": bytes},\n'
        '    indexes=[VectorIndex("ByV", "v", 3, "cosine", filters=["lang", "pages"]), '
        'VectorIndex("ByT", "v", 3, "dot_product", partition_key="tenant", project=["a", "b"])],\n'
        ")\n"
    )
    assert inside("alter", "Docs", "--vectors", "ByW w 1536", "--drop-index", "ByT").err == (
        "flyexpr: delete index ByT; create index ByW\n"
    )
    assert inside("describe", "Docs").out.splitlines()[2:4] == [
        shown[0],
        "vector index   ByW: w, 1,536 dimensions, cosine; all attributes; 0 items, 0 bytes",
    ]
    assert inside("alter", "Docs", "--vectors", "ByW w 3").err == (
        "flyexpr: index 'ByW' of 'Docs' is there, and differs: it is VectorIndex('ByW', 'w', 1536)\n"
        "  hint: give the new index another name, or drop the old one first\n"
    )
    assert inside("create", "More", "id", "--vectors", "ByV v 3", "--billing", "5,2").err == (
        "flyexpr: table 'More': a vector index needs an on-demand table, without --billing READ,WRITE\n"
    )
