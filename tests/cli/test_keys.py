"""Keys and schemas as people write them, and commands that print what a table is; run in this process."""

import gzip
import json
import shlex
import socket
from pathlib import Path

import pytest
from program import Inside
from raised import raises

from flyexpr import Table
from flyexpr.cli.keys import key_words
from flyexpr.cli.schemas import schema_words
from flyexpr.errors import ValidationError


@pytest.mark.parametrize(
    "words, key",
    [
        (["x'6869'"], {"id": b"hi"}),
        (["X'FF00'"], {"id": b"\xff\x00"}),
        (["x''"], {"id": b""}),
        (['{"id": {"$bytes": "aGk="}}'], {"id": b"hi"}),
        ([' {"id": 1}'], {"id": 1}),
    ],
)
def test_binary_keys(words, key):
    assert key_words(Table("t", "id", attributes={"id": bytes}), words) == key


@pytest.mark.parametrize(
    "kind, word, message",
    [
        (bytes, "hi", "at `id`: 'hi' is not a binary value; write one as x'6869'"),
        (bytes, "x'6'", "at `id`: \"x'6'\" is not a binary value; write one as x'6869'"),
        (int, "one", "at `id`: 'one' is not a number"),
        (int, "1e9999", "at `id`: '1e9999' is not a number"),
        (int, "", "at `id`: '' is not a number"),
    ],
)
def test_words_that_are_no_keys(kind, word, message):
    with pytest.raises(ValidationError) as caught:
        key_words(Table("t", "id", attributes={"id": kind}), [word])
    assert str(caught.value) == message


def test_a_word_with_the_name_of_its_attribute_is_a_value_beside_others():
    table = Table("t", "a", "b")
    with pytest.raises(ValidationError) as caught:
        key_words(table, ["a=1", "b="])
    assert str(caught.value) == (
        "a key is written without the names of its attributes\n"
        "  hint: write 1 ''; values that begin like this go into a JSON object"
    )
    assert key_words(table, ["a=1", "x"]) == {"a": "a=1", "b": "x"}
    assert key_words(table, ['{"a": "a=1", "b": "b=2"}']) == {"a": "a=1", "b": "b=2"}


def test_a_key_needs_a_word_for_each_attribute():
    with raises(
        ValidationError, "the key of 't' is a:S n:N, and 3 of 2 are given\n  hint: what has spaces in it takes quotes"
    ):
        key_words(Table("t", "a", "n", attributes={"n": int}), ["x", "1", "y"])


GLOBAL, LOCAL = "NAME KEY [KEY] [project=keys|a,b]", "NAME KEY [project=keys|a,b]"


@pytest.mark.parametrize(
    "keys, indexes, locals_, message",
    [
        (["a", "b", "c"], [], [], "table 't' has a partition key and at most a sort key, not 3 keys"),
        (["a:S"], ["I a:N"], [], "'a' is both S and N"),
        ([":S"], [], [], "':S' is not a key attribute; write NAME:TYPE, the type one of S N B"),
        (["a:X"], [], [], "'a:X' is not a key attribute; write NAME:TYPE, the type one of S N B"),
        (["a"], [""], [], f"index '' has a partition key and at most a sort key, not 0 keys\n  hint: write '{GLOBAL}'"),
        (
            ["a"],
            ["I"],
            [],
            f"index 'I' has a partition key and at most a sort key, not 0 keys\n  hint: write '{GLOBAL}'",
        ),
        (["a", "b"], [], ["L"], f"local index 'L' has one sort key, not 0 keys\n  hint: write '{LOCAL}'"),
        (["a", "b"], [], ["L c d"], f"local index 'L' has one sort key, not 2 keys\n  hint: write '{LOCAL}'"),
    ],
)
def test_schemas_that_are_none(keys, indexes, locals_, message):
    with pytest.raises(ValidationError) as caught:
        schema_words("t", keys, indexes, locals_)
    assert str(caught.value) == message


def test_schemas():
    table = schema_words("t", ["a", "b:N"], ["I c,d b project=keys", "J e project=x,y"], ["L a f:B project=all"])
    assert table.keys == ("a", "b")
    assert [table.kind(name) for name in "abcdef"] == ["S", "N", "S", "S", "S", "B"]
    assert (table.index("I").partition_keys, table.index("I").project) == (("c", "d"), "keys")
    assert (table.index("J").project, table.index("L").project) == (("x", "y"), "all")
    assert table.index("L").sort_key == "f"


@pytest.fixture
def odd(inside: Inside) -> Inside:
    inside(
        *["create", "Odd.Table", 'na"me:B', "at:N", "--ttl", "expires"],
        *["--index", "ByPlace country,city at:N project=a,b", "--local", "ByRank rank:N project=keys"],
    )
    return inside


def test_what_a_table_is(odd: Inside):
    assert odd("describe", "Odd.Table").out.splitlines() == [
        "table          Odd.Table",
        'partition key  na"me (B)',
        "sort key       at (N)",
        'local index    ByRank: na"me (B), rank (N); keys only; 0 items, 0 bytes',
        "global index   ByPlace: country (S), city (S), at (N); a, b; 0 items, 0 bytes",
        "items          0 items, 0 bytes",
        "throughput     on demand",
        "time to live   expires",
    ]
    assert json.loads(odd("describe", "Odd.Table", "--wire").out)["TableName"] == "Odd.Table"
    assert odd("describe", "Odd.Table", "--python").out == (
        "from decimal import Decimal\n\nfrom flyexpr import GlobalIndex, LocalIndex, Table, epoch\n\n"
        'odd_table = Table(\n    "Odd.Table",\n    "na\\"me",\n    "at",\n'
        '    attributes={"na\\"me": bytes, "at": int | Decimal, "rank": int | Decimal, "expires": epoch},\n'
        '    indexes=[LocalIndex("ByRank", "rank", project="keys"), '
        'GlobalIndex("ByPlace", ("country", "city"), "at", project=["a", "b"])],\n    ttl="expires",\n)\n'
    )
    odd("create", "2nd-table", "id")
    assert "\nt2nd_table = Table(\n" in odd("describe", "2nd-table", "--python").out
    odd("create", "Class", "id")
    assert "\ntclass = Table(\n" in odd("describe", "Class", "--python").out


def test_filter_and_apply_read_files_of_all_forms(inside: Inside):
    Path("in.jsonl").write_text('\n{"id": "a", "n": 1}\n{"id": "b", "n": 2}\n')
    Path("in.csv.gz").write_bytes(gzip.compress(b"id,n\na,1\nb,2\n"))
    Path("in.wire").write_text('{"Item": {"id": {"S": "a"}, "n": {"N": "1"}}}\n{"id":{"S":"b"},"n":{"N":"2"}}\n')
    Path("IN.CSV.GZ").write_bytes(Path("in.csv.gz").read_bytes())
    for command in (["in.jsonl"], ["in.csv.gz"], ["IN.CSV.GZ"]):
        assert inside("filter", "n > 1", *command) == (0, '{"id": "b", "n": 2}\n', "")
        assert inside("apply", "REMOVE n", *command) == (0, '{"id": "a"}\n{"id": "b"}\n', "")
    assert inside("filter", "n > 1", "in.wire", "--wire").out == '{"id":{"S":"b"},"n":{"N":"2"}}\n'
    assert inside("filter", "n > 5", "in.jsonl").code == 4
    assert inside("filter", "n > 1", "--format", "table", "in.jsonl").out.splitlines()[3].split() == "│ b │ 2 │".split()
    assert inside("filter", "n > 1", stdin='{"n": 1e99999999999999999999}') == (
        1,
        "",
        "flyexpr: line 1: a number is out of range: magnitudes go from 1E-130 to 9.99…E+125\n",
    )
    for command in (["filter", "attribute_exists(id)"], ["apply", "REMOVE n"]):
        assert inside(*command, stdin='{"id": "a"}\n{"id": "\\ud800"}\n{"id": "b"}\n') == (
            1,
            '{"id": "a"}\n',
            "flyexpr: line 2: text with half of a surrogate pair ('\\ud800') cannot be stored\n",
        )
    assert inside("apply", "SET a = b + c", stdin='{"b": 1, "c": 1}\n{"b": 1}').err == (
        "flyexpr: line 2: The provided expression refers to an attribute that does not exist in the item\n"
    )


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"a": {"$set": [1, 1]}}', None),
        ('{"a": {"$bytes": "a"}}', '{"$bytes": "..."} takes base64 text'),
        ('{"a": 1', "not JSON: Expecting ',' delimiter at character 8"),
        ('"' + "x" * 70 + '"', 'an item is a JSON object, not "' + "x" * 59 + "…"),
        (
            '{"a": ' + "9" * 5000 + "}",
            "a number is out of range: magnitudes go from 1E-130 to 9.99…E+125",
        ),  # Python 3.10 goes on otherwise
    ],
)
def test_faults_of_lines(inside: Inside, text: str, message: str | None):
    end = inside("filter", "attribute_exists(a)", stdin=text)
    assert end.code == (0 if message is None else 1)
    assert end.err.startswith("" if message is None else f"flyexpr: line 1: {message}")


@pytest.mark.parametrize(
    "wire, message",
    [
        ("1", "an item is a JSON object"),
        ('{"Item": [1]}', "a map of attribute values was expected"),
        ('{"a": {"M": [1]}}', "at `a`: a map of attribute values was expected"),
        ('{"a": {"S": "x", "N": "1"}}', 'at `a`: an attribute value is an object such as {"S": "text"}'),
        ('{"a": {"L": 5}}', "at `a`: L takes a list"),
        ('{"a": {"SS": [1]}}', "at `a`: S takes a string"),
        ('{"a": {"NS": []}}', "at `a`: NS takes a list of numbers in strings, not empty"),
        ('{"a": {"BS": "x"}}', "at `a`: BS takes a list of base64 texts, not empty"),
        ('{"a": {"B": "?"}}', "at `a`: B takes base64 text"),
        ('{"a": {"N": "1e"}}', "at `a`: N takes a number in a string"),
        ('{"a": ' + '{"L": [' * 33 + "]}" * 33 + "}", f"at `a{'[0]' * 32}`: nested more than 32 levels deep"),
    ],
)
def test_faults_of_wire_lines(inside: Inside, wire: str, message: str):
    end = inside("filter", "a = 1", "--wire", stdin=wire)
    assert (end.code, end.err) == (1, f"flyexpr: line 1: {message}\n")


def test_wire_lines(inside: Inside):
    deep = '{"a": ' + '{"L": [' * 31 + '{"NULL": true}' + "]}" * 31 + "}"
    for wire in (
        deep,
        '{"Item": {"Item": {"M": {}}}}',
        '{"a": {"NS": ["1", "2.5"]}, "b": {"BS": ["AA=="]}, "c": {"BOOL": false}, "d": {"B": ""}, "e": {"N": "-.5e3"}}',
    ):
        end = inside("apply", "REMOVE zz", "--wire", stdin=wire)
        assert (end.code, end.err) == (0, "")


@pytest.mark.parametrize("shell, word", [("bash", "COMPREPLY"), ("zsh", "compdef"), ("fish", "complete --no-files")])
def test_completion_scripts(inside: Inside, shell: str, word: str):
    end = inside("completion", shell)
    assert end.code == 0
    assert word in end.out
    assert "_FLYEXPR_COMPLETE" in end.out


def test_a_port_that_is_taken(inside: Inside):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        end = inside("serve", "--port", str(port))
    assert end.code == 1
    assert end.err == (
        f"flyexpr: port {port} of 127.0.0.1 cannot be served: Address already in use\n"
        "  hint: --port 0 takes one that is free\n"
    )


def test_a_csv_file_that_is_read_as_json_is_recognised(inside: Inside):
    inside("create", "Things", "id")
    assert inside("put", "Things", "--quiet", stdin="id,n\na,1\n").err == (
        "flyexpr: line 1: not JSON: Expecting value at character 1\n"
        "  hint: put reads CSV with --format csv; a file .csv needs no option\n"
    )


def test_one_item_or_many_and_not_both(inside: Inside):
    inside("create", "Things", "id")
    both = ["--where", "n = 1"]
    for command in (["update", "Things", "a", "SET n = 1", *both], ["delete", "Things", "a", *both]):
        end = inside(*command)
        assert (end.code, end.err.splitlines()[-1]) == (2, "Error: give a key or --where, not both")
    for command in (
        ["update", "Things", "SET n = 1", *both, "--if", "n = 1"],
        ["delete", "Things", *both, "--returns", "ALL_OLD"],
    ):
        end = inside(*command)
        assert (end.code, end.err.splitlines()[-1]) == (
            2,
            "Error: --if and --returns are for one item; --where is a condition already",
        )
    for option in (["--index", "ByN"], ["--rate", "5"], ["--rejects", "out"], ["--resume", "journal"]):
        for command in (["update", "Things", "a", "SET n = 1"], ["delete", "Things", "a"]):
            end = inside(*command, *option)
            assert (end.code, end.err.splitlines()[-1]) == (
                2,
                "Error: --index, --rate, --rejects and --resume are for --where; a key is one item",
            )
    end = inside("delete", "Things", *both)
    assert (
        end.err.splitlines()[-1]
        == "Error: Delete every item of Things where n = 1? There is no terminal to ask at; write --yes."
    )
    end = inside("copy", "Things", "--to", ".")
    assert end.err.splitlines()[-1] == "Error: a table cannot be copied onto itself; give it another name with --as"


def test_what_a_read_costs(inside: Inside):
    inside("create", "Things", "id")
    inside("put", "Things", stdin='{"id": "a"}\n{"id": "b"}\n')
    end = inside("scan", "Things", "--stats", "--limit", "1")
    cost = "flyexpr: 1 request, 1 item examined, 1 returned, 0.5 read units\n"
    assert end.err.startswith(f"{cost}flyexpr: there is more: --start ")
    cursor = end.err.split()[-1]
    rest = inside("scan", "Things", "--segments", "1", "--start", cursor, "--stats")
    assert len((end.out + rest.out).splitlines()) == 2
    assert rest.err == cost
    assert inside("count", "Things").err == ""
    why = "reads the whole table: no index of 'Things' starts with `n`\n"
    assert inside("count", "Things", "n = 1").err == f"flyexpr: {why}"
    assert inside("explain", "Things", "n = 1").out.startswith(f"{why}operation     Scan on Things\n")


@pytest.mark.parametrize(
    "command, said",
    [
        *(
            (command, f"Invalid value for '{parameter}': File '.' is a directory.")
            for command, parameter in [
                ("put Things --resume .", "--resume"),
                ("put Things --rejects .", "--rejects"),
                ("put Things .", "[FILE|ITEM]"),
                ("filter 'n = 1' .", "[FILE]"),
                ("apply 'ADD n 1' .", "[FILE]"),
                ("watch Things --resume .", "--resume"),
            ]
        ),
        ("undo Things --export nowhere", "Invalid value for '--export': Directory 'nowhere' does not exist."),
        ("undo Things --export tables.db", "Invalid value for '--export': Directory 'tables.db' is a file."),
        ("undo Things --wait -1", "Invalid value for '--wait': -1.0 is not in the range x>=0."),
        ("watch Things --for -1", "Invalid value for '--for': -1.0 is not in the range x>=0."),
        ("watch Things --limit 0", "Invalid value for '--limit': 0 is not in the range x>=1."),
        ("put Things --rate 0", "Invalid value for '--rate': 0.0 is not in the range x>0."),
        ("export Things folder --segments 0", "Invalid value for '--segments': 0 is not in the range 1<=x<=1000."),
        ("copy Things --to . --segments 1001", "Invalid value for '--segments': 1001 is not in the range 1<=x<=1000."),
        ("serve --port -1", "Invalid value for '--port': -1 is not in the range 0<=x<=65535."),
        ("serve --port 65536", "Invalid value for '--port': 65536 is not in the range 0<=x<=65535."),
        ("serve --workers 0", "Invalid value for '--workers': 0 is not in the range 1<=x<=64."),
        ("serve --workers 65", "Invalid value for '--workers': 65 is not in the range 1<=x<=64."),
        ("serve --console=all", "Invalid value for '--console': 'all' is not one of 'read', 'write'."),
        ("search Things --near [1] --top 0", "Invalid value for '--top': 0 is not in the range 1<=x<=100."),
        ("scan Things --format xml", "'xml' is not one of 'json', 'csv', 'table'."),
        ("create Other id --stream all", "'all' is not one of 'keys', 'new', 'old', 'both', 'off'."),
        ("create Other id --protect yes", "'yes' is not one of 'on', 'off'."),
        ("update Things a 'ADD n 1' --returns NONE", "one of 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'."),
        ("delete Things a --returns ALL_NEW", "'ALL_NEW' is not 'ALL_OLD'."),
        ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'."),
        ("get Things", "Missing argument 'KEY...'."),
        ("edit Things", "Missing argument 'KEY...'."),
        ("update Things", "Missing argument '[KEY]... UPDATE'."),
        ("create Other", "Missing argument 'KEY[:TYPE] [KEY[:TYPE]]'."),
        ("copy Things", "Missing option '--to'."),
        ("search Things", "Missing option '--near'."),
    ],
)
def test_what_a_parameter_does_not_take(inside: Inside, command: str, said: str):
    inside("create", "Things", "id")
    end = inside(*shlex.split(command))
    assert (end.code, end.err.splitlines()[-1][-len(said) :]) == (2, said)
