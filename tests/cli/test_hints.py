"""What the program says to people: hints in its own words, and what was probably meant."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from program import Inside, settled

from flyexpr import (
    GlobalIndex,
    PlanError,
    Table,
    VectorIndex,
    any_of,
    eq,
    explain,
    get_item,
    near,
    query,
    request,
    scan,
    search,
)
from flyexpr.cli.app import _COMMANDS as COMMANDS
from flyexpr.cli.hints import in_words
from flyexpr.cli.other_names import meant_command, meant_option
from flyexpr.errors import FlyexprError


@pytest.fixture
def users(inside: Inside) -> Inside:
    inside("create", "Users", "user", "--index", "ByAge age:N", "--index", "AlsoByAge age:N")
    inside("put", "Users", stdin='{"user": "ada", "age": 36}\n{"user": "bob", "age": 40}\n')
    return inside


NAMED = "`ada` names an attribute here: the shell removed the quotes, or there were none; for the text write"
NOTHING = f"flyexpr: nothing found\n  hint: {NAMED}"
WHOLE = "flyexpr: reads the whole table: the condition fixes no partition key value\n"


@pytest.mark.parametrize(
    "arguments, code, text",
    [
        (
            ["query", "Users", "user=ada"],
            2,
            "flyexpr: a query of 'Users' needs one partition key value, and `ada` is an attribute\n"
            "  condition: user = ada\n"
            f"  hint: {NAMED} \"user = 'ada'\"\n",
        ),
        (
            ["query", "Users", "user = ada AND age > 3"],
            2,
            "flyexpr: a query of 'Users' needs one partition key value, and `ada` is an attribute\n"
            "  condition: user = ada AND age > 3\n"
            f"  hint: {NAMED} \"user = 'ada'\"\n",
        ),
        (["scan", "Users", "user=ada"], 0, f"{NOTHING} \"user = 'ada'\"\n"),
        (["scan", "Users", "NOT (a = 1) AND (b = 2 OR user = ada)"], 0, f"{NOTHING} \"user = 'ada'\"\n"),
        (["scan", "Users", "user IN (ada, 'bob')", "--project", "x"], 0, ""),
        (["scan", "Users", "name IN ('x', ada)"], 0, f"{NOTHING} \"name IN ('ada')\"\n"),
        (["scan", "Users", "name BETWEEN ada AND 'b'"], 0, f"{NOTHING} \"name BETWEEN 'ada' AND ...\"\n"),
        (["count", "Users", "user=ada"], 0, f"{WHOLE}{NOTHING} \"user = 'ada'\"\n"),
        (
            ["update", "Users", "SET n = 1", "--where", "user = ada", "--quiet"],
            0,
            f"{WHOLE}{NOTHING} \"user = 'ada'\"\n",
        ),
        (["delete", "Users", "--where", "user = ada", "--yes", "--quiet"], 0, f"{WHOLE}{NOTHING} \"user = 'ada'\"\n"),
        (
            ["update", "Users", "ada", "SET name = ada"],
            1,
            "flyexpr: ValidationException: The provided expression refers to an attribute that does not "
            "exist in the item\n"
            f"  hint: {NAMED} \"SET name = 'ada'\"\n",
        ),
        (
            ["query", "Users", "age > 3"],
            2,
            "flyexpr: a query of 'Users' needs one partition key value, and the condition fixes none\n"
            "  condition: age > 3\n"
            "  hint: fix one of these by `=`: `user` (the table), `age` (ByAge), `age` (AlsoByAge); or use "
            "flyexpr scan\n",
        ),
        (
            ["query", "Users", "name = 'x'"],
            2,
            "flyexpr: no index of 'Users' starts with `name`, and a query needs one partition key value\n"
            "  condition: name = 'x'\n"
            "  hint: use flyexpr scan, or add an index by name with flyexpr alter\n",
        ),
        (
            ["query", "Users", "name = 'x' AND n > 1"],
            2,
            "flyexpr: no index of 'Users' starts with `name`, and a query needs one partition key value\n"
            "  condition: name = 'x' AND n > 1\n"
            "  hint: use flyexpr scan, or add an index by name with flyexpr alter\n",
        ),
        (
            ["query", "Users", "age = 36"],
            2,
            "flyexpr: ByAge and AlsoByAge of 'Users' would serve this query equally well\n"
            "  condition: age = 36\n"
            "  hint: choose one: --index ByAge\n",
        ),
        (
            ["query", "Users", "user = 'a'", "--index", "ByAge"],
            2,
            "flyexpr: index 'ByAge' cannot serve this query: its partition key `age` has no value\n"
            "  condition: user = 'a'\n"
            "  hint: leave --index out, or fix that attribute by `=`\n",
        ),
        (
            ["query", "Users", "age = 36", "--consistent"],
            2,
            "flyexpr: no index of 'Users' can give what this query asks for (ByAge: a global index has no "
            "consistent reads; AlsoByAge: a global index has no consistent reads)\n"
            "  condition: age = 36\n"
            "  hint: leave --consistent out\n",
        ),
        (
            ["query", "Users", "user = 5"],
            2,
            "flyexpr: at `user`: expected str, got int\n  hint: the table's type is text: write the value in quotes\n",
        ),
        (
            ["query", "Users", "age = '36'", "--index", "ByAge"],
            2,
            "flyexpr: at `age`: expected a number, got str\n  hint: write a number without quotes\n",
        ),
        (
            ["put", "Users", '{"user": {"S": "ada"}}'],
            1,
            "flyexpr: line 1: at `user`: expected str, got dict\n"
            '  hint: --wire reads DynamoDB JSON, {"id": {"S": "a"}}\n',
        ),
        (
            ["put", "Users", '{"user": 5}'],
            1,
            "flyexpr: line 1: at `user`: expected str, got int\n"
            "  hint: the table's type is text: write the value in quotes\n",
        ),
        (
            ["query", "Users", "user = 'ada'", "--start", "junk"],
            2,
            "flyexpr: --start takes the cursor that --stats of an earlier read prints\n",
        ),
        (
            ["scan", "Users", "--start", "junk"],
            2,
            "flyexpr: --start takes the cursor that --stats of an earlier read prints\n",
        ),
        (
            ["scan", "Users", "--start", "W251bGwsICJ4Il0", "--segments", "3"],
            2,
            "flyexpr: --start goes on with a scan with --segments 2\n",
        ),
        (
            ["get", "Users", '{"id": "ada"}'],
            2,
            "flyexpr: the key of 'Users' lacks `user`, and `id` is not part of it\n"
            "  hint: a key is one word for user, or a JSON object with that attribute\n",
        ),
        (
            ["scan", "Users", "name IS NULL"],
            2,
            'flyexpr: Syntax error; token: "IS", near: "name IS NULL"\n'
            "  expression: name IS NULL\n"
            "                   ^\n"
            "  hint: write attribute_type(NAME, 'NULL'), or attribute_not_exists(NAME) for a missing one\n",
        ),
        (
            ["scan", "Users", "name is null"],
            2,
            'flyexpr: Syntax error; token: "is", near: "name is null"\n'
            "  expression: name is null\n"
            "                   ^\n"
            "  hint: write attribute_type(NAME, 'NULL'), or attribute_not_exists(NAME) for a missing one\n",
        ),
        (
            ["scan", "Users", "name is not null"],
            2,
            'flyexpr: Syntax error; token: "is", near: "name is not"\n'
            "  expression: name is not null\n"
            "                   ^\n"
            "  hint: write attribute_exists(NAME); NOT attribute_type(NAME, 'NULL') is true of a missing "
            "one too\n",
        ),
        (
            ["scan", "Users", "name = :name"],
            2,
            "flyexpr: An expression attribute value used in expression is not defined; attribute value: :name\n"
            "  expression: name = :name\n"
            "                     ^\n"
            "  hint: write the value itself in its place\n",
        ),
        (
            ["query", "Users", "usr = 'ada'"],
            2,
            "flyexpr: no index of 'Users' starts with `usr`, and a query needs one partition key value\n"
            "  condition: usr = 'ada'\n"
            "  hint: did you mean `user`, the partition key? Otherwise use flyexpr scan, or add an index "
            "by usr with flyexpr alter\n",
        ),
        (
            ["scan", "Users", "name LIKE 'a%'"],
            2,
            'flyexpr: Syntax error; token: "LIKE", near: "name LIKE \'a%\'"\n'
            "  expression: name LIKE 'a%'\n"
            "                   ^\n"
            "  hint: write begins_with(NAME, 'text') or contains(NAME, 'text')\n",
        ),
        (
            ["scan", "Users", "age != 36"],
            2,
            'flyexpr: Syntax error; token: "!", near: "age !="\n'
            "  expression: age != 36\n"
            "                  ^\n"
            "  hint: write <> for `is not equal`\n",
        ),
        (
            ["scan", "Users", "age == 36"],
            2,
            'flyexpr: Syntax error; token: "=", near: "== 36"\n'
            "  expression: age == 36\n"
            "                   ^\n"
            "  hint: write one = for `is equal`\n",
        ),
        (
            ["scan", "Users", "age = 36 && n = 1"],
            2,
            'flyexpr: Syntax error; token: "&", near: "36 &&"\n'
            "  expression: age = 36 && n = 1\n"
            "                       ^\n"
            "  hint: write AND, OR\n",
        ),
        (
            ["scan", "Users", "age = = 'x != y'"],
            2,
            'flyexpr: Syntax error; token: "=", near: "= = \'x != y\'"\n'
            "  expression: age = = 'x != y'\n"
            "                    ^\n",
        ),
        (
            ["scan", "Users", "exists(age)"],
            2,
            "flyexpr: Invalid function name; function: exists\n"
            "  expression: exists(age)\n"
            "              ^\n"
            "  hint: write attribute_exists\n",
        ),
        (
            ["scan", "Users", "not_exists(age)"],
            2,
            "flyexpr: Invalid function name; function: not_exists\n"
            "  expression: not_exists(age)\n"
            "              ^\n"
            "  hint: write attribute_not_exists\n",
        ),
        (
            ["scan", "Users", "type_is(age, 'N')"],
            2,
            "flyexpr: Invalid function name; function: type_is\n"
            "  expression: type_is(age, 'N')\n"
            "              ^\n"
            "  hint: write attribute_type\n",
        ),
        (
            ["scan", "Users", "sizes(age)"],
            2,
            "flyexpr: Invalid function name; function: sizes\n"
            "  expression: sizes(age)\n"
            "              ^\n"
            "  hint: the functions of a condition are attribute_exists, attribute_not_exists, "
            "attribute_type, begins_with, contains, size\n",
        ),
        (
            ["scan", "Users", "名前 = 'x'"],
            2,
            'flyexpr: Syntax error; token: "名", near: "名前"\n'
            "  expression: 名前 = 'x'\n"
            "              ^\n"
            "  hint: write such a name in double quotes\n",
        ),
        (
            ["scan", "Users", "größe > 1"],
            2,
            'flyexpr: Syntax error; token: "ö", near: "größ"\n'
            "  expression: größe > 1\n"
            "                ^\n"
            "  hint: write such a name in double quotes\n",
        ),
        (
            ["filter", "age == 1"],
            2,
            'flyexpr: Syntax error; token: "=", near: "== 1"\n'
            "  expression: age == 1\n"
            "                   ^\n"
            "  hint: write one = for `is equal`\n",
        ),
        (["filter", "user = ada"], 4, f"{NOTHING} \"user = 'ada'\"\n"),
        (
            ["update", "Users", "ada", "age = 37"],
            2,
            'flyexpr: Syntax error; token: "age", near: "age ="\n'
            "  expression: age = 37\n"
            "              ^\n"
            "  hint: an update begins with SET, REMOVE, ADD or DELETE\n",
        ),
        (
            ["update", "Users", "ada", "SET age == 37"],
            2,
            'flyexpr: Syntax error; token: "=", near: "== 37"\n'
            "  expression: SET age == 37\n"
            "                       ^\n"
            "  hint: write one = for `is equal`\n",
        ),
        (
            ["apply", "age = 37"],
            2,
            'flyexpr: Syntax error; token: "age", near: "age ="\n'
            "  expression: age = 37\n"
            "              ^\n"
            "  hint: an update begins with SET, REMOVE, ADD or DELETE\n",
        ),
        (
            ["update", "Users", "ada", "SET info.x = 1"],
            1,
            "flyexpr: ValidationException: The document path provided in the update expression is invalid "
            "for update: `info` is missing or is not a map\n"
            "  expression: SET info.x = 1\n"
            "  hint: make the map first: SET NAME = if_not_exists(NAME, {})\n",
        ),
        (
            ["create", "Users", "user"],
            1,
            "flyexpr: there is already a table 'Users' on sqlite:tables.db\n"
            "  hint: flyexpr create with --if-missing takes it as it is\n",
        ),
        (["create", "Users", "user", "--if-missing"], 0, ""),
        (
            ["put", "Users", '{"user": "eve"}', "--engine", "sqlite:tables.db?mode=ro"],
            1,
            "flyexpr: AccessDeniedException: tables.db was opened to be read only, and BatchWriteItem writes\n"
            "  hint: leave ?mode=ro out of the engine's URL\n",
        ),
        (["drop-table", "Users"], 2, "Error: No such command 'drop-table'. Did you mean 'drop'?\n"),
        (
            ["update", "Users", "SET n = 1"],
            2,
            "flyexpr: the key of 'Users' is user:S, and 0 of 1 are given\n"
            "  hint: for all items that match write --where CONDITION\n",
        ),
        (
            ["update", "Users", "user=ada b", "SET n = 1"],
            2,
            "flyexpr: a key is written without the names of its attributes\n"
            "  hint: write 'ada b'; values that begin like this go into a JSON object\n",
        ),
        (["delete-table", "Users"], 2, "Error: No such command 'delete-table'. Did you mean 'drop'?\n"),
        (["quary", "Users", "user = 'ada'"], 2, "Error: No such command 'quary'. Did you mean 'query'?\n"),
        (["nothing"], 2, "Error: No such command 'nothing'.\n"),
        (["scan", "Users", "--output", "json"], 2, "Error: No such option '--output'.\n  hint: write --format\n"),
        (
            ["scan", "Users", "--region", "eu-west-1"],
            2,
            "Error: No such option '--region'.\n  hint: write --engine dynamodb://REGION\n",
        ),
        (
            ["scan", "Users", "--profile", "x"],
            2,
            "Error: No such option '--profile'.\n  hint: write --engine 'dynamodb://REGION?profile=NAME'\n",
        ),
        (["scan", "Users", "--limits", "5"], 2, "Error: No such option '--limits'. Did you mean '--limit'?\n"),
        (
            ["query", "Users", "user", "=", "ada"],
            2,
            "Error: Got unexpected extra arguments (= ada)\n  hint: what has spaces in it takes quotes\n",
        ),
        (
            ["update", "Users", "ada", "lovelace", "SET n = 1"],
            2,
            "flyexpr: the key of 'Users' is user:S, and 2 of 1 are given\n  hint: what has spaces in it takes quotes\n",
        ),
        (
            ["update", "Users", "ada", "SET", "n", "=", "1"],
            2,
            "flyexpr: the key of 'Users' is user:S, and 4 of 1 are given\n  hint: what has spaces in it takes quotes\n",
        ),
        (
            ["get", "Users", "ada", "lovelace"],
            2,
            "flyexpr: the key of 'Users' is user:S, and 2 of 1 are given\n  hint: what has spaces in it takes quotes\n",
        ),
        (
            ["update", "Users", "n > 1", "m > 1", "SET n = 1"],
            2,
            "flyexpr: the key of 'Users' is user:S, and 2 of 1 are given\n"
            "  hint: a condition is for query, and for --where of update and delete\n",
        ),
        (
            ["get", "Nope", "a"],
            1,
            "flyexpr: there is no table 'Nope' in sqlite:tables.db\n"
            "  hint: flyexpr tables lists those that are there, and flyexpr create Nope KEY makes it\n",
        ),
        (["get", "Users", "nobody"], 4, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_hints(users: Inside, arguments: list[str], code: int, text: str):
    said = users(*arguments)
    assert (said.code, settled(said.err)) == (code, text)


docs = Table(
    "Docs",
    "id",
    "n",
    indexes=[VectorIndex("ByV", "v", dimensions=2), VectorIndex("AlsoByV", "v", dimensions=2), GlobalIndex("ByK", "k")],
)


@pytest.mark.parametrize(
    "operation, hint",
    [
        (get_item({"x": 1}), "a key is a word for each of id, n, or one JSON object with them"),
        (query(eq("k", 5)), "the table's type is text: write the value in quotes"),
        (query(eq("id", "a") & eq("n", 5)), "the table's type is text: write the value in quotes"),
        (query(eq("id", "a"), index="ByV"), "flyexpr search TABLE --near VECTOR reads it"),
        (search(near("v", [1, 2])), "choose one: --index ByV"),
        (scan(any_of(*[eq("z", n) for n in range(302)])), "an expression has at most 300; use IN, or several requests"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hints_of_the_library_in_the_words_of_a_command_line(operation: Any, hint: str):
    with pytest.raises(FlyexprError) as refused:
        request(docs, operation)
    assert in_words(refused.value).partition("\n  hint: ")[2] == hint


def test_the_hint_for_a_condition_is_of_the_one_that_the_error_carries():
    refused = PlanError("no", condition="title = 'two\nlines' AND user = ada", hint="use scan(...)")
    assert in_words(pickle.loads(pickle.dumps(refused))).endswith("for the text write \"user = 'ada'\"")
    assert in_words(FlyexprError("no\n  condition: user = ada")) == "no\n  condition: user = ada"


@pytest.mark.parametrize(
    "command, others",
    [
        ("drop", "drop-table delete-table remove-table rm dropdb delete_table RM"),
        ("alter", "update-table add-index create-index update_table"),
        ("create", "create-table make mk create_table"),
        ("describe", "describe-table desc show info schema"),
        ("tables", "list-tables ls list"),
        ("get", "get-item read"),
        ("put", "put-item batch-write-item load insert write"),
        ("delete", "delete-item remove"),
        ("update", "update-item set"),
        ("query", "find select"),
        ("explain", "plan"),
        ("export", "backup dump"),
        ("import", "restore bootstrap"),
        ("shell", "repl prompt"),
        ("serve", "server start local"),
    ],
)
def test_commands_by_other_names(command: str, others: str):
    assert {meant_command(name, COMMANDS) for name in others.split()} == {command}


@pytest.mark.parametrize(
    "option, meant",
    [
        ("--endpoint-url", "--engine http://HOST:PORT"),
        ("--max-items", "--limit"),
        ("--table-name", "the name alone: it is the first argument"),
        ("--filter-expression", "the condition alone: it is an argument"),
        ("--index-name", "--index"),
        ("--projection-expression", "--project"),
        ("--consistent-read", "--consistent"),
        ("--force", "--yes"),
    ],
)
def test_options_by_other_names(option: str, meant: str):
    assert meant_option(option) == meant


def test_a_plan_speaks_of_options(users: Inside):
    for command in (["explain", "Users", "user = 'ada'"], ["query", "Users", "user = 'ada'", "--explain"]):
        said = users(*command).out
        assert "a write of the last second may be missing (--consistent" in said.replace("\n              ", " ")
        assert "consistent=True" not in said


@pytest.mark.parametrize(
    "hint",
    [
        "run(table, create_table())",
        "declare GlobalIndex('ByX', 'x')",
        "write update(..., parents=True)",
        'F["a..b"] names one attribute',
        "use attributes={'x': int}",
        "SET a = 1",
        "use begins_with(a, 'x')",
        "a list for mixed values",
    ],
)
def test_hints_in_python_are_left_out(hint: str):
    said = in_words(FlyexprError(f"no\n  hint: {hint}"))
    kept = hint.startswith(("SET", "use begins", "a list"))
    assert said == (f"no\n  hint: {hint}" if kept else "no")


def lasting_files() -> list[Path]:
    """The files that are here, without those that SQLite keeps beside a database while it is open."""
    return sorted(path for path in Path().iterdir() if not path.name.endswith(("-wal", "-shm")))


@pytest.mark.parametrize(
    "command",
    [
        ["tables"],
        ["describe", "Users"],
        ["alter", "Users", "--no-ttl"],
        ["drop", "Users", "--yes"],
        ["get", "Users", "ada"],
        ["query", "Users", "user = 'ada'"],
        ["scan", "Users"],
        ["count", "Users"],
        ["explain", "Users", "user = 'ada'"],
        ["put", "Users"],
        ["update", "Users", "ada", "SET n = 1"],
        ["delete", "Users", "ada"],
        ["copy", "Users", "--to", "sqlite:new.db"],
        ["export", "Users", "folder"],
        ["import", "Users", "users.jsonl"],
    ],
    ids=lambda command: command[0],
)
def test_a_mistyped_path_makes_no_database(users: Inside, command: list[str]):
    Path("users.jsonl").write_text('{"user": "eve"}\n')
    before = lasting_files()
    end = users(*command, "--engine", "sqlite:tabels.db", stdin='{"user": "eve"}\n')
    assert (end.code, end.err) == (
        1,
        "flyexpr: there is no file tabels.db for the engine sqlite:tabels.db\n  hint: did you mean tables.db?\n",
    )
    assert users(*command, "--engine", "sqlite:far/away.db?sync=full").err == (
        "flyexpr: there is no file far/away.db for the engine sqlite:far/away.db?sync=full\n"
        "  hint: flyexpr create makes it, with its first table\n"
    )
    assert lasting_files() == before


def test_what_makes_a_database(users: Inside):
    assert users("create", "Things", "id", "--engine", "sqlite:made.db").code == 0
    assert users("copy", "Users", "--to", "sqlite:copied.db").code == 0
    assert users("tables", "--engine", "sqlite:made.db").out == "Things\n"
    assert users("tables", "--engine", "sqlite:copied.db").out == "Users\n"
    assert users("tables", "--engine", "sqlite::memory:").out == ""
    for url in ("sqlite:", "sqlite://x.db", "sqlite:memory"):
        assert users("tables", "--engine", url).err.startswith(f"flyexpr: no engine for '{url}'")


def test_an_empty_table_is_found(users: Inside):
    users("create", "Empty", "id")
    for form in ("json", "csv", "table"):
        assert users("scan", "Empty", "--format", form) == (0, "", "")
    assert users("query", "Empty", "id = 'a'").code == 4


def test_keys_of_a_sheet_have_the_types_of_the_table(users: Inside):
    users("create", "Tab", "id", "n:N", "--index", "ByZip zip rank:N", "--local", "ByName name")
    sheet = "id,n,zip,rank,name,other\n007,01,02858,+5,true,02858\n1e3,2,56838,1e3,null,56838\n"
    assert users("put", "Tab", "--format", "csv", stdin=sheet).code == 0
    assert sorted(users("scan", "Tab").out.splitlines()) == [
        '{"id": "007", "n": 1, "zip": "02858", "rank": 5, "name": "true", "other": "02858"}',
        '{"id": "1e3", "n": 2, "zip": "56838", "rank": 1000, "name": "null", "other": 56838}',
    ]
    Path("tab.csv").write_text(sheet.replace("+5", "five"))
    assert "line 2: at `rank`: " in users("import", "Tab", "tab.csv").err
    assert users("filter", "rank = 1000", stdin=users("scan", "Tab").out).code == 0


def test_described_python_has_the_time_to_live(users: Inside):
    users("create", "Sessions", "id", "--ttl", "expires")
    assert users("describe", "Sessions", "--python").out == (
        "from flyexpr import Table, epoch\n\n"
        'sessions = Table(\n    "Sessions",\n    "id",\n    attributes={"expires": epoch},\n    ttl="expires",\n)\n'
    )
    users("create", "ByTime", "id", "--ttl", "at", "--index", "Expiring at:N", "--index", "Other n:N")
    assert 'attributes={"at": epoch, "n": int | Decimal},\n' in users("describe", "ByTime", "--python").out
    users("create", "TextTime", "id", "at:S", "--ttl", "at")
    assert "epoch" not in users("describe", "TextTime", "--python").out


def test_an_update_of_a_named_index_that_moves_its_items(users: Inside):
    """Each item is met once, though the update puts it where the read comes along later."""
    users("create", "Moves", "id", "--index", "ByAt place at:N")
    users("put", "Moves", stdin="".join(f'{{"id": "{n:04}", "place": "x", "at": {n}}}\n' for n in range(3000)))
    for where in ("place = 'x'", "at >= 0"):
        change = ["update", "Moves", "SET at = at + 10000", "--where", where, "--index", "ByAt"]
        for more in ([], ["--resume", "journal"]):
            end = users(*change, *more)
            assert (end.code, "3,000 items updated" in end.err) == (0, True)
    assert users("count", "Moves", "at >= 40000 AND at < 43000").out == "3000\n"
    end = users("update", "Moves", "SET at = 1", "--where", "place = 'x'")
    assert "reads the whole table: the update changes at, a key of ByAt" in end.err
    end = users("update", "Moves", "SET n = 1", "--where", "at = 1", "--index", "ByAt", "--resume", "journal")
    assert "reads all of ByAt: its partition key `place` has no value" in end.err


def test_an_index_for_a_search_is_chosen_by_an_option() -> None:
    docs = Table("Docs", "id", indexes=[VectorIndex("ByA", "v", 2), VectorIndex("ByB", "v", 2)])
    with pytest.raises(PlanError) as caught:
        explain(docs, search(near("v", [1, 0])))
    assert in_words(caught.value).endswith("\n  hint: choose one: --index ByA")
