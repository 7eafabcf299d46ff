"""A server with a console, and one that only reads."""

import json
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from program import Program

from flyexpr import DynamoError, connect


class Serving(NamedTuple):
    """A server that runs: the URL of its tables, and the first lines that it has written."""

    url: str
    lines: list[str]


@contextmanager
def serving(program: Program, *options: str, lines: int = 1) -> Iterator[Serving]:
    """The server, which Ctrl-C ends; it writes so many lines at its begin, and an empty one at its end."""
    process: subprocess.Popen[bytes] = program.start("serve", "--port", "0", *options)
    assert process.stderr
    alarm = threading.Timer(60, process.kill)  # which ends the wait for a line that does not come
    alarm.start()
    try:
        said = [process.stderr.readline().decode().rstrip("\n") for _ in range(lines)]
        alarm.cancel()
        assert all(said), "the server has ended, or was ended as it said nothing"
        yield Serving(said[0].partition(" is served at ")[2].partition(";")[0].partition(" ")[0], said)
    finally:
        alarm.cancel()
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, b"\n")


def tables(console: str) -> Any:
    url, _, token = console.partition("?token=")
    headers = {"Content-Type": "application/json", "X-Flyexpr-Token": token}
    with urllib.request.urlopen(urllib.request.Request(f"{url}api/tables", b"{}", headers), timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("option", ["--console", "--console=read", "--console=write"])
def test_a_server_with_a_console_says_where_it_is(program: Program, option: str):
    with serving(program, option, "--engine", "sqlite:shown.db", lines=2) as server:
        assert server.lines[0] == f"sqlite:shown.db is served at {server.url}; Ctrl-C ends it"
        console = server.lines[1].removeprefix("its console is at ")
        assert console.startswith(f"{server.url}/console/?token=")
        assert tables(console) == {"engine": "sqlite:shown.db", "writable": "write" in option, "tables": []}


def test_a_console_is_not_for_other_machines(program: Program):
    assert program.error("serve", "--port", "0", "--host", "0.0.0.0", "--console") == (
        "flyexpr: a console is for this machine alone, and other machines can reach the host '0.0.0.0'\n"
        "  hint: leave --host out\n"
    )


def test_a_console_has_one_process(program: Program):
    assert program.error("serve", "--port", "0", "--console", "--workers", "2") == (
        "flyexpr: a console lives in one process\n  hint: --workers 1, or a server of its own for it\n"
    )


def refusal(server: Serving) -> str:
    with connect(server.url) as client, pytest.raises(DynamoError) as refused:
        client("DeleteTable", b'{"TableName": "Movies"}')
    return refused.value.code


def test_a_server_that_only_reads(movies: Program):
    with serving(movies, "--read-only") as server, connect(server.url) as client:
        assert server.lines == [f"sqlite:tables.db is served at {server.url} for reading only; Ctrl-C ends it"]
        assert json.loads(client("ListTables", b"{}")) == {"TableNames": ["Movies"]}
        assert refusal(server) == "AccessDeniedException"
    assert movies("tables") == "Movies\n"


def test_a_server_that_only_reads_makes_no_file(program: Program):
    said = program.error("serve", "--port", "0", "--read-only", "--engine", "sqlite:none.db")
    assert said.startswith("flyexpr: there is no file none.db")


@pytest.mark.parametrize("options", [["--console"], ["--read-only"], ["--console", "--read-only"]])
def test_a_console_of_aws_only_reads(program: Program, options: list[str]):
    lines = 2 if "--console" in options else 1
    with serving(program, *options, "--engine", "dynamodb://eu-west-1", lines=lines) as server:
        assert server.lines[0] == f"dynamodb://eu-west-1 is served at {server.url} for reading only; Ctrl-C ends it"
        assert refusal(server) == "AccessDeniedException"  # of the server: AWS would not know the keys


def test_a_console_of_aws_that_writes(program: Program):
    with serving(program, "--console=write", "--engine", "dynamodb://eu-west-1", lines=2) as server:
        assert server.lines[0] == f"dynamodb://eu-west-1 is served at {server.url}; Ctrl-C ends it"


def test_who_only_reads_does_not_write(program: Program):
    said = program.error("serve", "--read-only", "--console=write", code=2)
    assert "--read-only and --console=write cannot stand together" in said
