"""Every command as a process: what it prints, and the code it ends with."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from program import COMMAND, Program, settled

from flyexpr import FlyexprError, Table, connect, create_table, get, run, scan
from flyexpr.cli.app import _COMMANDS
from flyexpr.cli.session import Session
from flyexpr.serve import serve
from flyexpr.values.plain_json import read_item


def rows(text: str) -> list:
    return [read_item(line) for line in text.splitlines()]


def test_tables(movies: Program):
    movies("create", "Scores", "id")
    assert movies("tables") == "Movies\nScores\n"


def test_describe(movies: Program):
    shown = movies("describe", "Movies")
    assert shown.splitlines() == [
        "table          Movies",
        "partition key  year (N)",
        "sort key       title (S)",
        "global index   ByTitle: title (S), year (N); all attributes; 3 items, 155 bytes",
        "items          3 items, 155 bytes",
        "throughput     on demand",
    ]
    assert json.loads(movies("describe", "Movies", "--wire"))["TableName"] == "Movies"


def test_a_table_of_one_key_that_cannot_be_deleted_is_described(program: Program):
    with connect(f"sqlite:{program.folder / 'tables.db'}") as engine:
        table = Table("Kept", "id", throughput=(5, 2), ttl="until", stream="both", deletion_protection=True)
        run(table.on(engine), create_table())
    assert program("describe", "Kept").splitlines() == [
        "table          Kept",
        "partition key  id (S)",
        "items          0 items, 0 bytes",
        "throughput     5 read and 2 write units",
        "time to live   until",
        "stream         both",
        "deletion       protected",
    ]


def test_more_tables_than_one_answer_lists(program: Program):
    names = [f"t{number:03}" for number in range(102)]
    with connect(f"sqlite:{program.folder / 'tables.db'}") as engine:
        for name in names:
            run(Table(name, "id").on(engine), create_table())
    assert program("tables").split() == names


def test_described_python_is_the_table(program: Program):
    program(
        *["create", "Odd.Table", 'na"me:B', "at:N", "--ttl", "expires"],
        *["--index", "ByPlace country,city at:N project=a,b", "--local", "ByRank rank:N project=keys"],
    )
    names: dict = {}
    exec(program("describe", "Odd.Table", "--python"), names)
    engine = connect(f"sqlite:{program.folder / 'tables.db'}")
    from flyexpr import describe_table, epoch

    described = run(Table("Odd.Table", "x").on(engine), describe_table())
    assert names["odd_table"] == replace(described, attributes={**described.attributes, "expires": epoch})
    assert names["odd_table"].index("ByPlace").partition_keys == ("country", "city")
    engine.close()


@pytest.mark.parametrize("key", [["2013", "Rush"], ['{"year": 2013, "title": "Rush"}'], ["2.013e3", "Rush"]])
def test_get(movies: Program, key):
    assert rows(movies("get", "Movies", *key))[0]["tags"] == {"cars"}


def test_get_refinements(movies: Program):
    assert (
        movies("get", "Movies", "2013", "Rush", "--project", "info.rating", "--consistent")
        == '{"info": {"rating": 8.3}}\n'
    )
    assert movies("get", "Movies", "2013", "Rush", "--project", "tags", "--wire") == '{"tags":{"SS":["cars"]}}\n'


def test_nothing_found_is_exit_code_4(movies: Program):
    assert movies("get", "Movies", "2013", "Nothing", code=4) == ""
    assert movies("query", "Movies", "year = 1900", code=4) == ""
    assert movies("filter", "year = 1900", stdin=movies("scan", "Movies"), code=4) == ""
    assert movies("count", "Movies", "year = 1900") == "0\n"
    assert movies("scan", "Movies", "year = 1900") == ""


def test_query(movies: Program):
    assert [item["title"] for item in rows(movies("query", "Movies", "year = 2013"))] == ["Gravity", "Rush"]
    assert rows(movies("query", "Movies", "year = 2013", "--reverse", "--limit", "1"))[0]["title"] == "Rush"
    found = rows(
        movies("query", "Movies", "title = 'Rush' AND info.rating > 7", "--index", "ByTitle", "--project", "year")
    )
    assert found == [{"year": 2013}]


def test_a_limit_stops_the_read(movies: Program):
    said = movies.run("scan", "Movies", "--limit", "2", "--stats")
    assert b"1 request, 2 items examined, 2 returned" in said.stderr


@pytest.mark.parametrize("segments, requests", [(1, b"1 request,"), (2, b"2 requests,"), (3, b"3 requests,")])
def test_a_scan_is_read_in_so_many_segments(movies: Program, segments: int, requests: bytes):
    assert requests in movies.run("scan", "Movies", "--segments", str(segments), "--stats").stderr


def test_a_cursor_goes_on(movies: Program):
    said = movies.run("scan", "Movies", "--segments", "1", "--limit", "2", "--stats")
    assert b"1 request, 2 items examined, 2 returned" in said.stderr
    cursor = said.stderr.decode().rpartition("--start ")[2].strip()
    rest = movies("scan", "Movies", "--segments", "1", "--start", cursor)
    everything = movies("scan", "Movies", "--segments", "1")
    assert said.stdout.decode() + rest == everything


def test_a_query_never_reads_a_whole_table(movies: Program):
    said = movies.error("query", "Movies", "info.rating > 8", code=2)
    assert said.startswith("flyexpr: a query of 'Movies' needs one partition key value, and the condition fixes none\n")
    assert "scan" in said
    counted = movies.run("count", "Movies", "info.rating > 8")
    assert counted.stdout == b"2\n"
    assert counted.stderr.startswith(b"flyexpr: reads the whole table: ")


def test_explain_touches_nothing(movies: Program):
    assert "index         ByTitle" in movies("explain", "Movies", "title = 'Rush'")
    assert "reads the whole table" in movies("explain", "Movies", "info.rating > 8")
    assert movies("explain", "Movies").startswith("reads the whole table\noperation     Scan on Movies\n")
    for arguments in (
        ["get", "Movies", "2013", "Rush"],
        ["query", "Movies", "year = 2013"],
        ["scan", "Movies"],
        ["count", "Movies"],
        ["update", "Movies", "2013", "Rush", "REMOVE info"],
        ["update", "Movies", "REMOVE info", "--where", "year = 2013"],
        ["delete", "Movies", "2013", "Rush"],
        ["delete", "Movies", "--where", "year = 2013"],
        ["create", "Others", "id"],
        ["alter", "Movies", "--ttl", "expires"],
        ["drop", "Movies"],
        ["put", "Movies"],
        ["copy", "Movies", "--to", "sqlite:copy.db"],
        ["export", "Movies", "folder"],
        ["import", "Movies", "movies.jsonl"],
    ):
        before = movies("scan", "Movies", "--segments", "1")
        shown = movies(*arguments, "--explain", stdin='{"year": 1, "title": "x"}')
        assert shown.startswith("operation ")
        assert movies("scan", "Movies", "--segments", "1") == before
    assert movies("tables") == "Movies\n"
    assert {path.name for path in movies.folder.iterdir() if "tables.db" not in path.name} == set()


def test_plans_of_whole_tables(movies: Program):
    shown = movies("copy", "Movies", "--to", "sqlite:copy.db", "--explain").splitlines()
    assert "fan-out       4 requests, one for each segment" in shown
    assert shown[-3:] == [
        "items         3 when the table was last counted",
        "then          BatchWriteItem into Movies on sqlite:copy.db, made like Movies if",
        "              it is missing",
    ]
    shown = movies("export", "Movies", "folder", "--dry-run")
    assert shown.endswith("then          packed files and a manifest in folder\n")
    assert movies("export", "Movies", "movies.csv", "--dry-run").endswith("then          lines of movies.csv\n")
    assert movies("put", "Movies", "--explain") == (
        "operation     BatchWriteItem on Movies\n"
        "items         those of standard input; each replaces the one with its key\n"
        "cost          at least 1 write unit for each KB of an item, and of each index\n"
        "              that it is in\n"
    )


def test_dry_run_changes_nothing(movies: Program):
    before = movies("scan", "Movies", "--segments", "1")
    assert movies("delete", "Movies", "--where", "year = 2013", "--dry-run").endswith("items         2\n")
    assert movies("update", "Movies", "REMOVE info", "--where", "title = 'Rush'", "--dry-run").endswith(
        "items         2\n"
    )
    assert "BatchWriteItem into Copy" in movies("copy", "Movies", "--to", ".", "--as", "Copy", "--dry-run")
    assert "Scan on Movies" in movies("export", "Movies", "folder", "--dry-run")
    assert "CreateTable on Others" in movies("create", "Others", "id", "--dry-run")
    checked = movies.run("put", "Movies", "--dry-run", stdin='{"year": 1, "title": "x"}')
    assert checked.stdout.startswith(b"operation     BatchWriteItem on Movies\n")
    assert checked.stderr.startswith(b"flyexpr: 1 item checked,")
    assert "line 2: at `title`" in movies.error(
        "put", "Movies", "--dry-run", stdin='{"year": 1, "title": "x"}\n{"year": 1, "title": 2}'
    )
    assert movies("tables") == "Movies\n"
    assert movies("scan", "Movies", "--segments", "1") == before
    assert not (movies.folder / "folder").exists()


def test_update_one(movies: Program):
    assert movies("update", "Movies", "2013", "Rush", "SET info.seen = true ADD views 1") == ""
    changed = movies("update", "Movies", "2013", "Rush", "ADD views 1", "--returns", "UPDATED_NEW")
    assert changed == '{"views": 2}\n'


def test_a_false_condition_is_exit_code_3(movies: Program):
    said = movies.error("update", "Movies", "2013", "Rush", "ADD views 1", "--if", "views > 3", code=3)
    assert said == "flyexpr: views > 3 was false: views is missing\n"
    assert movies.error("delete", "Movies", "2013", "Rush", "--if", "attribute_not_exists(info)", code=3)
    assert "views" not in rows(movies("get", "Movies", "2013", "Rush"))[0]


def test_update_where(movies: Program):
    done = movies.run("update", "Movies", "SET old = true", "--where", "year < 2000")
    assert b"reads the whole table" in done.stderr
    assert b"1 item updated" in done.stderr
    assert movies("count", "Movies", "old = true AND year = 1991") == "1\n"


def test_an_update_does_not_chase_items_through_an_index(movies: Program):
    movies("create", "Moves", "id", "--index", "ByPlace place at:N")
    movies("put", "Moves", stdin='{"id": "a", "place": "x", "at": 1}')
    done = movies.run("update", "Moves", "SET at = at + 1", "--where", "place = 'x'")
    assert b"the update changes at, a key of ByPlace" in done.stderr
    assert rows(movies("get", "Moves", "a"))[0]["at"] == 2


def test_delete(movies: Program):
    changed = movies("update", "Movies", "1991", "Rush", "ADD wins 1", "--returns", "UPDATED_NEW", "--wire")
    assert changed == '{"wins":{"N":"2"}}\n'
    assert "Rush" in movies("delete", "Movies", "1991", "Rush", "--returns", "ALL_OLD")
    said = movies.error("delete", "Movies", "--where", "year = 2013", code=2)
    assert "write --yes" in said
    movies("delete", "Movies", "--where", "year = 2013", "--yes")
    assert movies("scan", "Movies") == ""


def test_filter_and_apply(movies: Program):
    good = movies("filter", "info.rating > 8.25", stdin=movies("scan", "Movies"))
    assert [item["title"] for item in rows(good)] == ["Rush"]
    changed = movies("apply", "SET info.rating = info.rating + 0.1 REMOVE tags", stdin=good)
    assert rows(changed)[0]["info"]["rating"] == Decimal("8.4")
    said = movies.error("apply", "SET a = b + 1", stdin='{"b": 1}\n{"c": 1}\n')
    assert said == "flyexpr: line 2: The provided expression refers to an attribute that does not exist in the item\n"
    over = "flyexpr: line 2: at `a`: number overflow: the largest magnitude is 9.99…E+125\n"
    for words in (("filter", "a = 1"), ("apply", "ADD a 1")):
        assert movies.error(*words, stdin='{"a": 1}\n{"a": 1e999}\n') == over


def test_forms(movies: Program):
    sheet = movies("query", "Movies", "year = 2013", "--format", "csv")
    assert sheet.splitlines()[0] == "year,title,info,tags"
    movies("create", "Copy", "year:N", "title")
    movies("put", "Copy", "--format", "csv", stdin=sheet)
    assert movies("query", "Copy", "year = 2013") == movies("query", "Movies", "year = 2013")
    table = movies("query", "Movies", "year = 2013", "--format", "table", NO_COLOR="1")
    assert "│ 2013 │ Gravity │" in table
    assert "\x1b" not in table
    assert movies("query", "Movies", "year = 1991", "--wire").startswith('{"year":{"N":"1991"}')
    movies("put", "Copy", "--wire", stdin=movies("query", "Movies", "year = 1991", "--wire"))
    assert movies("query", "Copy", "year = 1991") == movies("query", "Movies", "year = 1991")
    movies.error("scan", "Movies", "--wire", "--format", "csv", code=2)


COPY = (
    "flyexpr scan First | flyexpr put Second --quiet; diff <(flyexpr scan First | sort) <(flyexpr scan Second | sort)"
)


def test_scan_put_makes_an_equal_table(program: Program):
    program("create", "First", "$set:B", "n:N")
    program("create", "Second", "$set:B", "n:N")
    lines = [
        '{"$set": {"$bytes": "AA=="}, "n": 12345678901234567890123456789012345678}',
        '{"$set": {"$bytes": "AQ=="}, "n": -0.00012, "v": [null, {"$$set": ["a"]}, {"$set": [1.5, 2]}, "\\u0000é😀"]}',
        '{"$set": {"$bytes": "AQ=="}, "n": 1e125, "m": {"a": 1, "$bytes": {"$bytes": ""}}}',
        '{"$set": {"$bytes": "AQ=="}, "n": 0, "s": {"$set": [{"$bytes": "/w=="}]}}',
    ]
    program("put", "First", stdin="\n".join(lines))
    assert program.shell(COPY) == ""
    assert program("count", "Second") == "4\n"


def test_a_sheet_is_known_by_its_name(movies: Program):
    sheet = "year,title,n\n1,a,7\n2,b,8\n"
    (movies.folder / "more.csv").write_text(sheet)
    movies("put", "Movies", "more.csv")
    assert movies("get", "Movies", "2", "b") == '{"year": 2, "title": "b", "n": 8}\n'
    assert movies("filter", "n > 7", "more.csv") == '{"year": 2, "title": "b", "n": 8}\n'
    assert movies("apply", "SET n = n + 1", "more.csv", "--format", "csv") == "year,title,n\n1,a,8\n2,b,9\n"


def test_the_format_of_filter_is_that_of_its_output(movies: Program):
    lines = '{"id": "a", "n": 1}\n{"id": "b", "n": 2}\n'
    assert movies("filter", "n > 1", "--format", "csv", stdin=lines) == "id,n\nb,2\n"
    assert movies("apply", "REMOVE n", "--format", "csv", stdin=lines) == "id\na\nb\n"
    assert "│ b  │ 2 │" in movies("filter", "n > 1", "--format", "table", stdin=lines)
    assert movies("filter", "n > 1", "--wire", stdin='{"n":{"N":"2"}}') == '{"n":{"N":"2"}}\n'


def test_put_reads_files(movies: Program):
    (movies.folder / "more.jsonl.gz").write_bytes(gzip.compress(b'{"year": 1, "title": "a"}\n'))
    movies("put", "Movies", "more.jsonl.gz")
    assert movies("count", "Movies") == "4\n"
    assert movies.error("put", "Movies", "missing.jsonl") == "flyexpr: missing.jsonl: No such file or directory\n"


def test_the_later_of_two_lines_with_one_key_wins(movies: Program):
    lines = "".join(f'{{"year": 1, "title": "a", "n": {number}}}\n' for number in range(2500))
    movies("put", "Movies", stdin=lines)
    assert rows(movies("get", "Movies", "1", "a")) == [{"year": 1, "title": "a", "n": 2499}]


def many(number: int, bad: int = 0) -> str:
    return "".join(
        f'{{"id": "{line}", "n": {line}}}\n' if line != bad else f'{{"id": "{line}" "n": {line}}}\n'
        for line in range(1, number + 1)
    )


def test_bad_json_on_line_3017(program: Program):
    program("create", "Things", "id")
    said = program.error("put", "Things", stdin=many(5000, bad=3017))
    assert said.splitlines()[-1] == "flyexpr: line 3,017: not JSON: Expecting ',' delimiter at character 15"
    assert "3,016 items put so far" in said
    assert program("count", "Things") == "3016\n"


def test_rejects_go_to_a_file_with_the_reason(program: Program):
    program("create", "Things", "id")
    lines = many(2000, bad=1017) + '{"id": 5}\n{"n": 1}\n{"id": "big", "x": "' + "x" * 409_600 + '"}\n'
    lines += '{"id": "n",  "n": 1e200}\n'
    said = program.error("put", "Things", "--rejects", "rejects.jsonl", stdin=lines)
    assert "1,999 items put, 5 refused" in said
    found = [json.loads(line) for line in (program.folder / "rejects.jsonl").read_text().splitlines()]
    assert sorted((each["place"], each["reason"]) for each in found) == [
        ("line 1,017", "not JSON: Expecting ',' delimiter at character 15"),
        ("line 2,001", "at `id`: expected str, got int"),
        ("line 2,002", "at `id`: an item of 'Things' needs its key"),
        ("line 2,003", "the item has 409,606 bytes; DynamoDB stores up to 409,600"),
        ("line 2,004", "at `n`: number overflow: the largest magnitude is 9.99…E+125"),
    ]
    assert found[-1]["text"] == '{"id": "n",  "n": 1e200}'
    assert found[0]["text"] == '{"id": "1017" "n": 1017}'


def test_what_only_the_service_refuses_is_found_among_the_others(program: Program):
    program("create", "Things", "id", "--index", "ByN n:N")
    said = program.error("put", "Things", "--rejects", "rejects.jsonl", stdin=many(100) + '{"id": "x", "n": "text"}\n')
    assert "100 items put, 1 refused" in said
    (found,) = [json.loads(line) for line in (program.folder / "rejects.jsonl").read_text().splitlines()]
    assert "n" in found["reason"]


@pytest.mark.parametrize(
    "arguments, shown",
    [
        (
            ["query", "Movies", "year = = 1"],
            'flyexpr: Syntax error; token: "=", near: "= = 1"\n  expression: year = = 1\n                     ^\n',
        ),
        (
            ["update", "Movies", "1", "a", "SOT a = 1"],
            (
                'flyexpr: Syntax error; token: "SOT", near: "SOT a"\n'
                "  expression: SOT a = 1\n"
                "              ^\n"
                "  hint: an update begins with SET, REMOVE, ADD or DELETE\n"
            ),
        ),
        (
            ["scan", "Movies", "contains(a"],
            'flyexpr: Syntax error; token: "<EOF>", near: "a"\n  expression: contains(a\n                        ^\n'
            "  hint: something is missing at the end\n",
        ),
        (["get", "Movies", "2013"], "flyexpr: the key of 'Movies' is year:N title:S, and 1 of 2 are given\n"),
        (
            ["delete", "Movies", "year = 2013"],
            "flyexpr: the key of 'Movies' is year:N title:S, and 1 of 2 are given\n"
            "  hint: a condition is for query, and for --where of update and delete\n",
        ),
        (["get", "Movies", "x", "y"], "flyexpr: at `year`: 'x' is not a number\n"),
        (
            ["get", "Movies", "-5", "y"],
            "Error: No such option '-5'.\n  hint: write -- before a key that begins with a minus sign\n",
        ),
        (
            ["create", "Things", "id:X"],
            "flyexpr: 'id:X' is not a key attribute; write NAME:TYPE, the type one of S N B\n",
        ),
        (["scan", "Movies", "--limit", "0"], "Error: Invalid value for '--limit': 0 is not in the range x>=1.\n"),
        (["nothing"], "Error: No such command 'nothing'.\n"),
        *(
            (
                [*command, "--index", "ByTitel"],
                "flyexpr: table 'Movies' has no index 'ByTitel'; did you mean 'ByTitle'?\n",
            )
            for command in (
                ["query", "Movies", "title = 'Rush'"],
                ["scan", "Movies"],
                ["count", "Movies", "title = 'Rush'"],
                ["explain", "Movies", "title = 'Rush'"],
                ["update", "Movies", "SET a = 1", "--where", "title = 'Rush'"],
                ["delete", "Movies", "--where", "title = 'Rush'", "--yes"],
            )
        ),
        (
            ["tables", "--engine", "mysql:x"],
            (
                "flyexpr: no engine for 'mysql:x'\n"
                "  write one of: sqlite:PATH, sqlite::memory:, dynamodb://REGION, http://HOST:PORT, "
                "https://HOST:PORT\n"
            ),
        ),
    ],
)
def test_a_wrong_command_line_says_where(movies: Program, arguments, shown):
    code = 1 if "--engine" in arguments else 2
    assert settled(movies.error(*arguments, code=code)) == shown


def test_a_missing_table_is_exit_code_1(program: Program):
    program("create", "Things", "id")
    assert program.error("scan", "Nothing") == (
        "flyexpr: there is no table 'Nothing' in sqlite:tables.db\n"
        "  hint: flyexpr tables lists those that are there, and flyexpr create Nothing KEY makes it\n"
    )


def test_a_missing_table_is_named_without_a_password():
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        session = Session(server.url.replace("http://", "http://user:secret@"))
        with pytest.raises(FlyexprError, match=r"^there is no table 'Nothing' in http://\*\*\*@127"):
            session.described("Nothing")


def test_without_any_engine_it_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    said = Program(tmp_path, "").error("tables", **nowhere)
    assert said.endswith("write dynamodb://eu-west-1, or name another engine by --engine or FLYEXPR_ENGINE\n")


def test_a_port_that_is_taken(program: Program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = program.error("serve", "--port", port)
    assert said.startswith(f"flyexpr: port {port} of 127.0.0.1 cannot be served: ")
    assert said.endswith("  hint: --port 0 takes one that is free\n")


@pytest.mark.parametrize(
    "host, hint",
    [("192.0.2.77", "\n  hint: --host takes an address of this machine\n"), ("a" * 64, "this is not a host name\n")],
)
def test_a_host_that_cannot_be_served(program: Program, host: str, hint: str):
    said = program.error("serve", "--port", "0", "--host", host)
    assert said.startswith(f"flyexpr: port 0 of {host} cannot be served: ")
    assert said.endswith(hint)
    assert ("  hint: " in said) == ("hint" in hint)


@pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="the system hands over no connections")
def test_a_server_of_several_processes(program: Program):
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--workers", "2", "--engine", "sqlite:shared.db"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=program.folder,
        env=program.environment({}),
    )
    assert process.stderr
    url = process.stderr.readline().partition(" is served at ")[2].partition(";")[0]
    for _ in range(4):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "\n")
    assert program.error("serve", "--port", "0", "--workers", "2", "--engine", "sqlite::memory:") == (
        "flyexpr: tables in memory live in one process; use a file, such as connect('sqlite:tables.db')\n"
    )


@pytest.mark.parametrize("allowed", [False, True])
def test_a_server_answers_to_further_names(program: Program, allowed: bool):
    more = ["--allow-host", "db.example", "--allow-host", "other.example"] if allowed else []
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *more],
        stderr=subprocess.PIPE,
        text=True,
        cwd=program.folder,
        env=program.environment({}),
    )
    assert process.stderr
    url = process.stderr.readline().partition(" is served at ")[2].partition(";")[0]
    request = urllib.request.Request(url, headers={"Host": "db.example:8000"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (status, process.returncode, said) == (200 if allowed else 403, 0, "\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is not there")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["scan Movies", "tables", "get Movies 1 none"])
def test_a_full_disk_is_a_failure(movies: Program, command: str, unbuffered: str):
    said = movies.shell(f"PYTHONUNBUFFERED={unbuffered} flyexpr {command} > /dev/full; echo $?")
    assert said == ("4\n" if "none" in command else "flyexpr: No space left on device\n1\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_never_reads(movies: Program, unbuffered: str):
    script = f"export PYTHONUNBUFFERED={unbuffered}; (sleep 1; flyexpr scan Movies; echo $? >&2) | true"
    assert movies.shell(script) == "0\n"


def test_engine_options(program: Program):
    program("create", "Things", "id", "--engine", "sqlite:other.db")
    assert program("--engine", "sqlite:other.db", "tables") == "Things\n"
    assert program("--engine", "sqlite:tables.db", "tables", "--engine", "sqlite:other.db") == "Things\n"


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_has_an_example(program: Program, command):
    assert f"  flyexpr {command}" in program(command, "--help").replace("| flyexpr", "\n  flyexpr")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(program: Program, shell):
    assert "_FLYEXPR_COMPLETE" in program("completion", shell)


def test_completion_of_commands_and_tables(movies: Program):
    def completed(line: str) -> list[str]:
        said = movies(_FLYEXPR_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD="9999")
        return [line.partition(",")[2] for line in said.split()]

    assert completed("flyexpr de") == ["describe", "delete"]
    assert completed("flyexpr query Mo") == ["Movies"]
    assert completed("flyexpr --engine sqlite:tables.db query ") == ["Movies"]
    assert completed("flyexpr --engine http://127.0.0.1:9 query ") == []


def test_a_closed_pipe_is_quiet(program: Program):
    program("create", "Things", "id")
    program("put", "Things", stdin=many(20_000))
    said = program.shell("set -o pipefail; flyexpr scan Things | head -n 1 > /dev/null; echo ${PIPESTATUS[0]}")
    assert said == "0\n"
    assert program.shell("flyexpr filter 'n > 0' < <(flyexpr scan Things) | head -n 1 | wc -l").split() == ["1"]


def test_pipelines(movies: Program):
    assert movies.shell("flyexpr scan Movies | grep -c Rush").strip() == "2"
    assert movies.shell("flyexpr scan Movies | sort | wc -l").strip() == "3"
    shown = movies.shell("flyexpr get Movies 1991 Rush | python3 -m json.tool --no-ensure-ascii")
    assert json.loads(shown)["info"] == {"rating": 6.5}


def test_without_its_extra_it_says_what_to_install(program: Program):
    code = "import sys; sys.modules['click'] = None; sys.argv[1:] = ['tables']; from flyexpr.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=program.environment({}))
    assert (done.returncode, done.stderr) == (
        2,
        "flyexpr: the command line needs click and rich: pip install 'flyexpr[cli]'\n",
    )


@pytest.mark.parametrize("module", ["flyexpr", "flyexpr.cli"])
def test_the_program_is_a_module(program: Program, module: str):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True, env=program.environment({})
    )
    assert (done.returncode, done.stdout.startswith("flyexpr, version ")) == (0, True)


@pytest.mark.parametrize("arguments", [["tables"], ["--help"], ["query", "Movies", "year = 2013"], ["scan", "Movies"]])
def test_a_run_imports_what_it_needs(movies: Program, arguments):
    code = (
        "import sys, runpy; sys.argv = ['flyexpr', *sys.argv[1:]]\n"
        "try: runpy.run_module('flyexpr.cli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=movies.folder,
        env=movies.environment({}),
    )
    loaded = done.stderr.split()
    assert "flyexpr.cli.app" in loaded
    heavy = {"botocore", "rich", "csv", "http.server", "importlib.metadata", "toolz", "dateutil", "asyncio"}
    heavy |= {"flyexpr.cli.jobs.work", "tempfile"} | ({"concurrent.futures"} if "scan" not in arguments else set())
    assert not heavy & {*loaded}


def test_ctrl_c_is_said_in_a_word(movies: Program):
    process = subprocess.Popen(
        [*COMMAND, "filter", "n = 1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=movies.environment({}),
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b'{"n": 1}\n' * 3000)
    process.stdin.flush()
    os.read(process.stdout.fileno(), 100)  # it is at work
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.strip()) == (130, b"flyexpr: interrupted")


INTERRUPTED_AT = """
import os, signal, sys
_, module, handler = sys.argv
class Finder:
    def find_spec(self, name, *others):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, getattr(signal, handler))
sys.meta_path.insert(0, Finder())
sys.argv[1:] = ["--version"]
from flyexpr.cli import main
main()
"""


@pytest.mark.parametrize(
    "module, handler, code",
    [
        ("click", "default_int_handler", -signal.SIGINT),
        ("flyexpr.cli.app", "default_int_handler", -signal.SIGINT),
        ("flyexpr.cli.app", "SIG_IGN", 0),
    ],
)
def test_ctrl_c_while_the_program_loads_shows_no_traceback(
    movies: Program, module: str, handler: str, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module, handler],
        capture_output=True,
        text=True,
        env=movies.environment({}),
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_the_program_runs_in_a_thread(movies: Program):
    code = """
import sys, threading
from flyexpr.cli import main
sys.argv[1:] = ["--version"]
thread = threading.Thread(target=main)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=movies.environment({}))
    assert done.stdout.startswith("flyexpr, version ")
    assert done.stderr == ""


def test_items_are_the_librarys(movies: Program):
    engine = connect(f"sqlite:{movies.folder / 'tables.db'}")
    table = Table("Movies", "year", "title", attributes={"year": int}).on(engine)
    assert get(table, (2013, "Rush"))["tags"] == {"cars"}
    assert len(list(run(table, scan()))) == 3
    engine.close()
