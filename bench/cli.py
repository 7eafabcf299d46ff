"""The command line beside the AWS CLI and dql: `python -m bench.cli`, in the environment of the benchmark.

Each job is a process, from its start to its end, against one server: the embedded engine behind `flyexpr.serve`, in a
process of its own. In each round every program runs once, in random order; ratios are within a round.

The AWS CLI loads at most 25 items a process, so its load is measured on a part and multiplied; dql loads no JSON Lines.
dql wants a pyparsing older than Python 3.10, so it is started with the names that `collections` had then.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import data

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PAGES = 20  # of 1000 items of about 1 KB: 20 MB
LOAD, PART = 100_000, 1_000  # items of the load, and of the part that the AWS CLI loads
FLYEXPR = [sys.executable, "-m", "flyexpr.cli"]
SERVER = """
import sys
from flyexpr import connect
from flyexpr.serve import serve
with serve(connect(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""

DQL = """
import collections, collections.abc, sys
for name in collections.abc.__all__:
    setattr(collections, name, getattr(collections.abc, name))
from dql import main
main()
"""

Job = Callable[[], float]
"""Seconds that a job took, of which a part was measured where it says so."""


def main() -> None:
    """Prints a table: each job, the seconds of each program, and the ratio to flyexpr's."""
    with tempfile.TemporaryDirectory() as folder:
        server, url = start_server(Path(folder))
        try:
            bench = Bench(Path(folder), url)
            bench.prepare()
            for name, jobs in bench.jobs().items():
                report(name, compare(jobs))
        finally:
            assert server.stdin
            server.stdin.close()
            server.wait()


def start_server(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The server's process and its URL."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, f"sqlite:{folder / 'tables.db'}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    return server, server.stdout.readline().strip()


def compare(jobs: dict[str, Job]) -> dict[str, list[float]]:
    """The seconds of each program, one number a round."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name in random.sample([*jobs], len(jobs)):
            times[name].append(jobs[name]())
    return times


def report(job: str, times: dict[str, list[float]]) -> None:
    """Prints what the programs took for one job."""
    for name, taken in times.items():
        ratio = median(other / ours for other, ours in zip(taken, times["flyexpr"], strict=True))
        print(f"{job:14} {name:10} {median(taken):9.2f} s   {ratio:6.2f} x flyexpr", flush=True)


class Bench:
    """The programs, their files, and the jobs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
        self.environment = os.environ | keys | {"FLYEXPR_ENGINE": url, "AWS_PAGER": "", "HOME": str(folder)}
        self.aws = [str(Path(sys.executable).parent / "aws")]
        self.dql = [sys.executable, "-W", "ignore", "-c", DQL]

    def starts(self, command: list[str]) -> bool:
        """Whether a program is there and starts; said where it does not."""
        try:
            self.run(command)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"left out: {error}"[:200])
            return False
        return True

    def run(self, command: list[str], stdin: Path | None = None) -> float:
        """Seconds of a process whose output goes to a file."""
        with (self.folder / "output").open("wb") as output, (stdin or Path(os.devnull)).open("rb") as source:
            began = time.perf_counter()
            subprocess.run(
                command, stdin=source, stdout=output, stderr=subprocess.PIPE, env=self.environment, check=True
            )
            return time.perf_counter() - began

    def prepare(self) -> None:
        """The tables, and the files to load."""
        from flyexpr.cli.marked import item_text

        for table in ("Items", "Load"):
            self.run([*FLYEXPR, "create", table, "pk", "sk:N"])
        with (self.folder / "items.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(item_text(item) + "\n" for page in range(PAGES) for item in data.items(page))
        self.run([*FLYEXPR, "put", "Items", str(self.folder / "items.jsonl")])
        with (self.folder / "load.jsonl").open("w") as file:
            file.writelines(f'{{"pk": "a", "sk": {number}, "name": "item {number}"}}\n' for number in range(LOAD))
        for batch in range(PART // 25):
            puts = [{"PutRequest": {"Item": data.wire_item(small(batch * 25 + place))}} for place in range(25)]
            (self.folder / f"batch{batch}.json").write_text(json.dumps({"Load": puts}))

    def jobs(self) -> dict[str, dict[str, Job]]:
        """Each job by its name, and under it each program that can do it."""
        ours: dict[str, Job] = {
            "start-up": lambda: self.run([*FLYEXPR, "--version"]),
            "one query": lambda: self.run([*FLYEXPR, "query", "Items", "pk = 'customer#0001' AND sk = 7"]),
            "scan 20 MB": lambda: self.run([*FLYEXPR, "scan", "Items"]),
            "load 100,000": lambda: self.run([*FLYEXPR, "put", "Load", str(self.folder / "load.jsonl")]),
        }
        theirs = {
            "aws": self.aws_jobs() if self.starts([*self.aws, "--version"]) else {},
            "dql": self.dql_jobs() if self.starts([*self.dql, "--help"]) else {},
        }
        return {
            name: {"flyexpr": job, **{program: jobs[name] for program, jobs in theirs.items() if name in jobs}}
            for name, job in ours.items()
        }

    def aws_jobs(self) -> dict[str, Job]:
        """What the AWS CLI does; its scan gives one JSON document of wire values, not lines."""
        aws = [*self.aws, "dynamodb", "--endpoint-url", self.url]
        values = json.dumps({":p": {"S": "customer#0001"}, ":s": {"N": "7"}})
        query = ["--key-condition-expression", "pk = :p AND sk = :s", "--expression-attribute-values", values]
        return {
            "start-up": lambda: self.run([*self.aws, "--version"]),
            "one query": lambda: self.run([*aws, "query", "--table-name", "Items", *query]),
            "scan 20 MB": lambda: self.run([*aws, "scan", "--table-name", "Items"]),
            "load 100,000": lambda: self._load_by_aws(aws),
        }

    def _load_by_aws(self, aws: list[str]) -> float:
        """A part of the load, a process for each 25 items, times the rest; at most eight processes are measured."""
        batches = range(min(PART // 25, 8))
        took = sum(
            self.run([*aws, "batch-write-item", "--request-items", f"file://{self.folder}/batch{batch}.json"])
            for batch in batches
        )
        return took / (len(batches) * 25) * LOAD

    def dql_jobs(self) -> dict[str, Job]:
        """What dql does; it has no command that loads JSON Lines."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        dql = [*self.dql, "--host", host, "--port", port, "--json", "--command"]
        return {
            "start-up": lambda: self.run([*self.dql, "--help"]),
            "one query": lambda: self.run([*dql, "SELECT * FROM Items WHERE pk = 'customer#0001' AND sk = 7"]),
            "scan 20 MB": lambda: self.run([*dql, "SCAN * FROM Items"]),
        }


def small(number: int) -> data.Item:
    """An item of the load."""
    return {"pk": "a", "sk": number, "name": f"item {number}"}


if __name__ == "__main__":
    main()
