"""Compares the command line with the AWS CLI and dql: `python -m bench.cli [--rounds N] [--load N] [--only REGEX]`.

Each job is a whole process that works against one server: the embedded engine in memory, behind `flyexpr.serve` in a
process of its own. The server remembers its answers to reads, because its own work is not to be compared. In each round
every program runs once, in random order; ratios are within a round. Wall time includes the server's work, CPU time only
the program's own. The items that a program writes are counted, so that none is quick by doing less.

The AWS CLI puts at most 25 items in one process. So its load is `xargs -P` over files of 25 items, with as many
processes at once as there are cores; a part of it is measured and multiplied. One row shows the same processes if they
only start. A script with boto3 shows what one process of Python takes without a command line. dql needs a pyparsing
that is older than Python 3.10, so it is started with the names that `collections` had then.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import data
from bench.environment import environment
from bench.part import Bound, Figures, Part

PAGES = 20  # each has 1000 items of about 1 KB: 20 MB in all
DELAY = 0.010  # seconds
BATCH, PROCESSES = 25, 16  # items that the AWS CLI puts at once, and how many of its processes are measured
BIN = Path(sys.executable).parent
FLYEXPR, AWS = str(BIN / "flyexpr"), str(BIN / "aws")
QUERY = "pk = 'customer#0001' AND sk = 7"

SERVER = """
import sys, time
delay, counted = float(sys.argv[1]), []
from flyexpr import connect
from flyexpr.serve import serve
engine, known = connect("sqlite::memory:"), {}
def answer(operation, body):
    if operation == "BatchWriteItem" and delay:
        time.sleep(delay)
        counted.append(body.count(b"PutRequest"))
        return b'{"UnprocessedItems":{}}'
    if operation == "Scan" and delay:
        return b'{"Count":%d,"ScannedCount":%d}' % (sum(counted), sum(counted))
    if operation not in ("DescribeTable", "Query", "Scan"):
        return engine(operation, body)
    if (operation, body) not in known:
        known[operation, body] = engine(operation, body)
    return known[operation, body]
with serve(answer) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""
DQL = """
import collections, collections.abc
for name in collections.abc.__all__:
    setattr(collections, name, getattr(collections.abc, name))
from dql import main
main()
"""
BOTO3 = """
import boto3, json, sys
from decimal import Decimal
url, table, file = sys.argv[1:]
with open(file) as lines, boto3.resource("dynamodb", endpoint_url=url).Table(table).batch_writer() as batch:
    for line in lines:
        batch.put_item(json.loads(line, parse_float=Decimal))
"""
CSV_IN = """
import boto3, csv, sys
url, table, file = sys.argv[1:]
with open(file, newline="") as rows, boto3.resource("dynamodb", endpoint_url=url).Table(table).batch_writer() as batch:
    for row in csv.DictReader(rows):
        batch.put_item(row | {"sk": int(row["sk"])})
"""
CSV_OUT = """
import boto3, csv, sys
url, table, file = sys.argv[1:]
pages = boto3.resource("dynamodb", endpoint_url=url).meta.client.get_paginator("scan").paginate(TableName=table)
with open(file, "w", newline="") as rows:
    writer = csv.DictWriter(rows, ["pk", "sk", "name"])
    writer.writeheader()
    for page in pages:
        writer.writerows(page["Items"])
"""


@dataclass(frozen=True)
class Took:
    """The seconds of wall time and of CPU that a job took.

    >>> Took(2.0, 1.5) * 10
    Took(wall=20.0, cpu=15.0)
    """

    wall: float
    cpu: float

    def __mul__(self, times: float) -> Took:
        return Took(self.wall * times, self.cpu * times)


Job = Callable[[], Took]
JOBS = ("start-up", "one query", "scan 20 MB", "load", "load over 10 ms", "CSV out", "CSV in")
WRITES = ("load", "load over 10 ms", "CSV in")  # the server remembers no answers to them


def main() -> None:
    """Prints a table: for each job and program the seconds, and their ratio to flyexpr's."""
    parser = argparse.ArgumentParser("python -m bench.cli", description="compare the command line with others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=int, default=100_000, help="how many items to load")
    parser.add_argument("--only", default="", metavar="REGEX", help=f"some of: {'; '.join(JOBS)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server() as url, server(DELAY) as slow:
        bench = Bench(Path(folder), url, slow, options.load)
        print(f"{'':14} {'':12} {'wall':>9} {'':9} {'CPU':>9}")
        for name, jobs in bench.jobs().items():
            if re.search(options.only, name):
                report(name, bench.times(name, jobs, options.rounds))


@contextmanager
def server(delay: float = 0) -> Iterator[str]:
    """The URL of a server in a process of its own; with a delay it takes these seconds for a batch of puts."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


def compare(jobs: dict[str, Job], rounds: int) -> dict[str, list[Took]]:
    """The times of each program, one a round."""
    times: dict[str, list[Took]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name in random.sample([*jobs], len(jobs)):
            times[name].append(jobs[name]())
    return times


def report(job: str, times: dict[str, list[Took]]) -> None:
    """Prints the times of the programs for one job."""
    for name, taken in times.items():
        row = [f"{job:14} {name:12}"]
        for clock in ("wall", "cpu"):
            seconds = median(getattr(took, clock) for took in taken)
            row.append(f"{seconds:8.2f}s {ratio(taken, times['flyexpr'], clock):7.2f} x")
        print(*row, flush=True)


class Bench:
    """The programs, their files, and the jobs."""

    def __init__(self, folder: Path, url: str, slow: str, load: int) -> None:
        self.folder, self.url, self.slow, self.load, self.tables = folder, url, slow, load, 0
        plain = {name: value for name, value in environment().items() if name != "PYTHONUNBUFFERED"}
        self.environment = plain | {"FLYEXPR_ENGINE": url, "AWS_PAGER": "", "HOME": str(folder)}
        host, _, port = url.removeprefix("http://").partition(":")
        self.aws = [AWS, "dynamodb", "--endpoint-url", url]
        self.dql = [sys.executable, "-W", "ignore", "-c", DQL, "--host", host, "--port", port]
        self._prepare()

    def run(self, *command: str, stdin: Path = Path(os.devnull)) -> Took:
        """The time of a process, whose output goes to a file; CalledProcessError if it fails."""
        with self.output.open("wb") as output, stdin.open("rb") as source:
            began = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=source, stdout=output, stderr=subprocess.DEVNULL, env=self.environment
            )
            _, status, usage = os.wait4(process.pid, 0)
            took = Took(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return took

    @property
    def output(self) -> Path:
        """The output of the last process."""
        return self.folder / "output"

    def _prepare(self) -> None:
        """Makes the table that is read, and the files that are loaded."""
        from flyexpr.values.plain_json import item_text

        self.run(FLYEXPR, "create", "Items", "pk", "sk:N")
        with (self.folder / "items.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(item_text(item) + "\n" for page in range(PAGES) for item in data.items(page))
        self.run(FLYEXPR, "put", "Items", str(self.folder / "items.jsonl"))
        self.lines = self.folder / "load.json"  # dql takes a file of this name for JSON Lines
        self.lines.write_text("".join(json.dumps(small(number)) + "\n" for number in range(self.load)))
        self.rows, self.sheet = self.folder / "rows.csv", self.folder / "sheet.csv"
        with self.rows.open("w", newline="") as sheet:
            writer = csv.DictWriter(sheet, ["pk", "sk", "name"])
            writer.writeheader()
            writer.writerows(map(small, range(self.load)))
        self.run(FLYEXPR, "create", "Rows", "pk", "sk:N")
        self.run(FLYEXPR, "put", "Rows", str(self.lines))
        self.run(FLYEXPR, "--engine", self.slow, "create", "Slow", "pk", "sk:N")

    def jobs(self) -> dict[str, dict[str, Job]]:
        """The programs that can do each job, by job and program."""
        aws, dql, boto3 = [AWS, "--version"], [*self.dql, "--version"], [sys.executable, "-c", "import boto3"]
        programs: dict[str, tuple[list[str], dict[str, Job]]] = {
            "flyexpr": ([FLYEXPR, "--version"], self._flyexpr()),
            "aws": (aws, self._aws()),
            "aws starting": (aws, {"load": self._aws_starting}),
            "dql": (dql, self._dql()),
            "boto3 script": (boto3, self._boto3()),
        }
        present = {name: jobs for name, (start, jobs) in programs.items() if self._starts(name, start)}
        return {job: {name: jobs[job] for name, jobs in present.items() if job in jobs} for job in JOBS}

    def times(self, job: str, jobs: dict[str, Job], rounds: int) -> dict[str, list[Took]]:
        """The times of the programs for a job, one a round."""
        if job not in WRITES:
            compare(jobs, 1)  # after this the server knows the answers, and all modules are compiled
        return compare(jobs, rounds)

    def _starts(self, name: str, command: Sequence[str]) -> bool:
        """Whether a program is installed and starts; it is compiled by that, and a missing one is reported."""
        try:
            self.run(*command)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"without {name}: {error}"[:200])
            return False
        return True

    def _flyexpr(self) -> dict[str, Job]:
        return {
            "start-up": lambda: self.run(FLYEXPR, "--version"),
            "one query": lambda: self._read(1, FLYEXPR, "query", "Items", QUERY),
            "scan 20 MB": lambda: self._read(PAGES * data.PAGE, FLYEXPR, "scan", "Items"),
            "load": lambda: self._written(
                self.load, lambda table: self.run(FLYEXPR, "put", table, "--quiet", stdin=self.lines)
            ),
            "load over 10 ms": lambda: self._over_delay(FLYEXPR, "--engine", self.slow, "put", "Slow", str(self.lines)),
            "CSV out": lambda: self._sheet(FLYEXPR, "export", "Rows", str(self.sheet), "--text", "--quiet"),
            "CSV in": lambda: self._written(
                self.load, lambda table: self.run(FLYEXPR, "import", table, str(self.rows), "--text", "--quiet")
            ),
        }

    def _aws(self) -> dict[str, Job]:
        """The jobs of the AWS CLI; it prints one JSON document of wire values, not lines."""
        values = json.dumps({":p": {"S": "customer#0001"}, ":s": {"N": "7"}})
        query = ["--key-condition-expression", "pk = :p AND sk = :s", "--expression-attribute-values", values]
        return {
            "start-up": lambda: self.run(AWS, "--version"),
            "one query": lambda: self._read(1, *self.aws, "query", "--table-name", "Items", *query),
            "scan 20 MB": lambda: self._read(PAGES * data.PAGE, *self.aws, "scan", "--table-name", "Items"),
            "load": self._load_by_aws,
        }

    def _dql(self) -> dict[str, Job]:
        return {
            "start-up": lambda: self.run(*self.dql, "--version"),
            "one query": lambda: self._read(1, *self.dql, "--json", "--command", f"SELECT * FROM Items WHERE {QUERY}"),
            "scan 20 MB": lambda: self._read(PAGES * data.PAGE, *self.dql, "--json", "--command", "SCAN * FROM Items"),
            "load": lambda: self._written(
                self.load, lambda table: self.run(*self.dql, "--command", f"LOAD '{self.lines}' INTO {table}")
            ),
        }

    def _read(self, items: int, *command: str) -> Took:
        """The time of a read that must print this number of items."""
        took = self.run(*command)
        text = self.output.read_bytes()
        count = json.loads(text)["Count"] if command[0] == AWS else sum(1 for line in text.splitlines() if line.strip())
        assert count == items, (command, count)
        return took

    def _written(self, items: int, load: Callable[[str], Took]) -> Took:
        """The time of a load into a new table, which must hold this number of items afterwards."""
        self.tables += 1
        table = f"Load{self.tables}"
        self.run(FLYEXPR, "create", table, "pk", "sk:N")
        took = load(table)
        self.run(FLYEXPR, "count", table)
        assert int(self.output.read_text()) == items, table
        return took

    def _load_by_aws(self) -> Took:
        def load(table: str) -> Took:
            for number in range(PROCESSES):
                batch = [{"PutRequest": {"Item": data.wire_item(small(number * BATCH + at))}} for at in range(BATCH)]
                (self.folder / f"batch{number}.json").write_text(json.dumps({table: batch}))
            return self._processes("--request-items", f"file://{self.folder}/batch{{}}.json")

        return self._written(PROCESSES * BATCH, load) * (self.load / BATCH / PROCESSES)

    def _aws_starting(self) -> Took:
        """The time of the AWS CLI's processes if they do all but send the request."""
        return self._processes("--generate-cli-skeleton", "input") * (self.load / BATCH / PROCESSES)

    def _processes(self, *arguments: str) -> Took:
        numbers = self.folder / "numbers"
        numbers.write_text("".join(f"{number}\n" for number in range(PROCESSES)))
        at_once = str(os.cpu_count() or 1)
        return self.run(*["xargs", "-P", at_once, "-I", "{}", *self.aws, "batch-write-item", *arguments], stdin=numbers)

    def _boto3(self) -> dict[str, Job]:
        python, lines = [sys.executable, "-c"], str(self.lines)
        return {
            "load": lambda: self._written(self.load, lambda table: self.run(*python, BOTO3, self.url, table, lines)),
            "load over 10 ms": lambda: self._over_delay(*python, BOTO3, self.slow, "Slow", lines),
            "CSV out": lambda: self._sheet(*python, CSV_OUT, self.url, "Rows", str(self.sheet)),
            "CSV in": lambda: self._written(
                self.load, lambda table: self.run(*python, CSV_IN, self.url, table, str(self.rows))
            ),
        }

    def _over_delay(self, *command: str) -> Took:
        """The time of a load over the slow server, which must be sent this number of items."""
        before = self._counted()
        took = self.run(*command)
        assert self._counted() - before == self.load, command
        return took

    def _counted(self) -> int:
        self.run(FLYEXPR, "--engine", self.slow, "count", "Slow")
        return int(self.output.read_text())

    def _sheet(self, *command: str) -> Took:
        """The time of an export into a sheet, which must have a row for each item."""
        self.sheet.unlink(missing_ok=True)
        took = self.run(*command)
        with self.sheet.open(newline="") as sheet:
            assert sum(1 for _ in csv.DictReader(sheet)) == self.load, command
        return took


def small(number: int) -> dict[str, Any]:
    """One item of the load."""
    return {"pk": "a", "sk": number, "name": f"item {number}"}


def ratio(slower: list[Took], faster: list[Took], clock: str) -> float:
    """How many times as long the slower one takes: the median of the ratios within each round."""
    ratios: list[float] = [getattr(a, clock) / getattr(b, clock) for a, b in zip(slower, faster, strict=True)]
    return median(ratios)


def figures(rounds: int, load: int = 100_000) -> Figures:
    """The figures of the page, by row."""
    taken: Figures = {}
    with tempfile.TemporaryDirectory() as folder, server() as url, server(DELAY) as slow:
        bench, rounds = Bench(Path(folder), url, slow, load), min(rounds, 2)  # a round takes minutes
        for job, able in bench.jobs().items():
            rows = [row for row in ROWS if row.job == job and {"flyexpr", row.other} <= able.keys()]
            programs = {"flyexpr", *(row.other for row in rows)}
            times = bench.times(job, {name: able[name] for name in able if name in programs}, rounds) if rows else {}
            for row in rows:
                pair = times[row.other], times["flyexpr"]
                taken[row.what] = ratio(*(pair[::-1] if row.share else pair), row.clock)
    return taken


class Row(NamedTuple):
    """One row of the page: flyexpr beside another program; a share is flyexpr's time over the other's."""

    what: str
    job: str
    other: str
    bound: float | None = None
    clock: str = "cpu"
    share: bool = False


ROWS = (
    Row("start-up, CPU: share of awscli", "start-up", "aws", 0.2, share=True),
    Row("one query, CPU: share of awscli", "one query", "aws", share=True),
    Row("scan of 20 MB, CPU: over awscli", "scan 20 MB", "aws", 8),
    Row("scan of 20 MB, wall: over awscli", "scan 20 MB", "aws", clock="wall"),
    Row("scan of 20 MB, CPU: over dql", "scan 20 MB", "dql"),
    Row("load of 100,000 items, CPU: over a boto3 script", "load", "boto3 script", 4),
    Row("load of 100,000 items, wall: over a boto3 script", "load", "boto3 script", clock="wall"),
    Row("load over 10 ms, wall: over one connection of boto3", "load over 10 ms", "boto3 script", 10, clock="wall"),
    Row("100,000 rows to CSV, CPU: over csv with boto3", "CSV out", "boto3 script", 2),
    Row("100,000 rows from CSV, CPU: over csv with boto3", "CSV in", "boto3 script", 2),
)

PART = Part(
    "command line",
    "The command line",
    "Each job is a whole process that works against the embedded engine in memory, behind a server that remembers its\n"
    "answers to reads. `python -m bench.cli` prints the seconds, and the other programs.",
    figures,
    {row.what: Bound(row.bound, least=not row.share) for row in ROWS if row.bound},
    why="before the program knows the command it imports little but click. Over 10 ms, 3.8 of the 4.7 s of a load are "
    "the program's own work, and the server takes 1.6 on the second core: where others share the two cores, both wait",
)


if __name__ == "__main__":
    main()
