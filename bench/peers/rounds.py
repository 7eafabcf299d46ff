"""Runs rounds, in which each library does a job once, in random order and alone; and compares their times."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.environment import environment


@dataclass(slots=True)
class Worker:
    """A library's process, and the jobs that it can do."""

    library: str
    process: subprocess.Popen[str]
    jobs: list[str] = field(default_factory=list)
    skipped: str = ""

    def ask(self, job: str) -> Any:
        """The worker's answer to the name of a job."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """The next answer of the worker; a failure if its process has ended."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": f"{self.library}: the process ended ({self.process.wait()})"}


def start(library: str, port: int, verbose: bool = False) -> Worker:
    """A worker that is ready, or that says why it is skipped."""
    command = [sys.executable, "-m", "bench.peers.worker", library, str(port)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if verbose else subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    worker = Worker(library, process)
    ready = worker.answer()
    worker.jobs, worker.skipped = ready.get("jobs", []), ready.get("skipped") or ready.get("failed", "")
    return worker


@contextmanager
def replay_server() -> Iterator[int]:
    """The port of a replay server in a process of its own."""
    command = [sys.executable, "-m", "bench.peers.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield int(server.stdout.readline())
        server.stdin.close()  # the server ends with its input


def stop(workers: Iterable[Worker]) -> None:
    """Ends all workers."""
    for worker in workers:
        for pipe in (worker.process.stdin, worker.process.stdout):
            if pipe:
                pipe.close()
        worker.process.wait(timeout=30)


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds that one job took, by library and one number a round; and the failures, by library.

    >>> times = Times({"ours": [1.0, 1.0, 2.0], "theirs": [10.0, 14.0, 26.0]}, {}, {})
    >>> times.ratio("theirs", "ours"), times.ratio("theirs", "absent")
    (13.0, None)
    """

    cpu: dict[str, list[float]]
    wall: dict[str, list[float]]
    failed: dict[str, str]

    def ratio(self, slow: str, fast: str, wall: bool = False) -> float | None:
        """How many times as long one library takes as another: the median of the ratios within each round."""
        times = self.wall if wall else self.cpu
        if slow not in times or fast not in times:
            return None
        return median(mine / other for mine, other in zip(times[slow], times[fast], strict=True))


def compare(workers: Iterable[Worker], job: str, rounds: int, chance: random.Random) -> Times:
    """The times of a job, by all workers that can do it."""
    times = Times({}, {}, {})
    able = []
    for worker in workers:
        if job in worker.jobs:
            ready = worker.ask(job)
            if "failed" in ready:
                times.failed[worker.library] = ready["failed"]
            else:
                able.append(worker)
    for _ in range(rounds):
        for worker in chance.sample(able, len(able)):
            took = worker.ask(job)
            if isinstance(took, dict):
                times.failed[worker.library] = took["failed"]
                continue
            times.cpu.setdefault(worker.library, []).append(took[0])
            times.wall.setdefault(worker.library, []).append(took[1])
    for library in times.failed:
        times.cpu.pop(library, None)
        times.wall.pop(library, None)
    return times
