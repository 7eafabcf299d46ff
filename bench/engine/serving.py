"""`flyexpr serve` beside dynoxide, a DynamoDB server in Rust that also keeps its tables in SQLite.

    FLYEXPR_DYNOXIDE=/path/to/dynoxide python -m bench.engine.serving          prints all figures of all servers

Each server is a process of its own. The client is one process with bare sockets; within a round it drives one server
after the other, in random order.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.engine import raw
from bench.environment import environment
from bench.part import Bound, Figures, Part

SECONDS = 0.5  # of one job in one round
IDLE = 1000  # connections
_PEER = "dynoxide"
_BATCHES = ("batch get", "batch put")


@dataclass(frozen=True, slots=True)
class Side:
    """One comparison: a way to run flyexpr, the way to run dynoxide that is like it, and the number of clients."""

    name: str
    clients: int
    ours: str
    theirs: str

    def row(self, job: str) -> str:
        """The name of the row with the rates of a job."""
        return f"{self.name}, {job}"


_ONE_CLIENT = Side("one client, in memory", 1, "flyexpr", _PEER)
_ON_A_FILE = Side("one client, on a file", 1, "flyexpr, file", f"{_PEER}, file")
_EIGHT_CLIENTS = Side("eight clients, on a file, two processes", 8, "flyexpr, file, 2 processes", f"{_PEER}, file")
_ONE_PROCESS = Side("eight clients, in memory, one process", 8, "flyexpr", _PEER)
SIDES = (_ONE_CLIENT, _ON_A_FILE, _EIGHT_CLIENTS, _ONE_PROCESS)


@dataclass(frozen=True, slots=True)
class Run:
    """What one job has taken on one server: requests a second, µs of the server's CPU, and times in ms."""

    rate: float
    cpu: float
    median: float
    p99: float


Runs = dict[tuple[str, int, str], list[Run]]  # by server, number of clients and job; one a round


def dynoxide() -> str | None:
    """The path of dynoxide's program: that in the environment, or on the PATH."""
    return os.environ.get("FLYEXPR_DYNOXIDE") or shutil.which(_PEER)


def _commands(folder: Path) -> dict[str, list[str]]:
    """The commands that start the servers, without the port."""
    ours = [sys.executable, "-m", "flyexpr", "serve"]
    commands = {
        "flyexpr": [*ours, "--engine", "sqlite::memory:"],
        "flyexpr, file": [*ours, "--engine", f"sqlite:{folder / 'one.db'}?sync=full"],
        "flyexpr, file, 2 processes": [*ours, "--engine", f"sqlite:{folder / 'two.db'}?sync=full", "--workers", "2"],
    }
    if program := dynoxide():
        quiet = [program, "--log", "quiet"]
        commands |= {_PEER: quiet, f"{_PEER}, file": [*quiet, "--db-path", str(folder / "theirs.db")]}
    return commands


@contextmanager
def _started(command: list[str]) -> Iterator[tuple[int, str]]:
    """The number of a server's process, and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--port", str(port)], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield process.pid, url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            raw.connected(url).close()
            return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise
        time.sleep(0.05)


def measured(rounds: int, chance: random.Random, seconds: float = SECONDS) -> Runs:
    """All jobs on all servers that are there."""
    runs: Runs = {}
    with TemporaryDirectory() as folder, ExitStack() as running:
        started = {name: running.enter_context(_started(command)) for name, command in _commands(Path(folder)).items()}
        for _, url in started.values():
            raw.load(url)
        pairs = sorted({(name, side.clients) for side in SIDES for name in (side.ours, side.theirs)})
        for job in raw.JOBS:
            for _ in range(rounds):
                for name, clients in chance.sample(pairs, len(pairs)):
                    if name in started:
                        run = _driven(*started[name], job, clients, seconds)
                        runs.setdefault((name, clients, job), []).append(run)
    return runs


def _driven(process: int, url: str, job: str, clients: int, seconds: float) -> Run:
    command = [sys.executable, "-m", "bench.engine.raw", url, job, str(clients), str(seconds)]
    before = _cpu(process)
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{job}: {ended.stderr.strip().splitlines()[-1][:500]}")
    found = json.loads(ended.stdout)
    return Run(found["rate"], (_cpu(process) - before) / found["count"] * 1e6, found["median"], found["p99"])


def _cpu(process: int) -> float:
    """Seconds of CPU that a process and its children have taken; 0 where the system does not say it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0.0
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(_cpu(int(child)) for child in children)


def idle_memory() -> float:
    """How many MB a server takes for idle connections; each has sent one request."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    with TemporaryDirectory() as folder, ExitStack() as open_:
        process, url = open_.enter_context(_started(_commands(Path(folder))["flyexpr"]))
        raw.load(url)
        raw.drive(url, "get", 8, 0.5)
        before = _resident(process)
        request = raw.requests("get", url.removeprefix("http://"))[0]
        for _ in range(IDLE):
            connection = open_.enter_context(raw.connected(url))
            connection.sendall(request)
            raw.received(connection)
        return _resident(process) - before


def _resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def figures(rounds: int) -> Figures:
    """The rows of the page; those beside dynoxide are left out, and named, if it is not there."""
    runs = measured(rounds, random.Random(1))
    found: Figures = {}
    if not dynoxide():
        print(f"  without {_PEER}: set FLYEXPR_DYNOXIDE to the path of its program", file=sys.stderr)
    for side in SIDES:
        for job in raw.JOBS:
            ours, theirs = (runs.get((name, side.clients, job), []) for name in (side.ours, side.theirs))
            if theirs:
                found[side.row(job)] = max(run.rate for run in ours) / max(run.rate for run in theirs)
                found[_cpu_row(side, job)] = median(b.cpu / max(a.cpu, 1) for a, b in zip(ours, theirs, strict=True))
            if side is _EIGHT_CLIENTS:
                found[_p99_row(job)] = median(a.p99 / a.median for a in ours)
    return found | {_IDLE_ROW: idle_memory()}


def _cpu_row(side: Side, job: str) -> str:
    return f"{side.row(job)}: {_PEER}'s CPU over ours"


def _p99_row(job: str) -> str:
    return f"eight clients, {job}: 99th percentile over median"


_IDLE_ROW = f"{IDLE:,} idle connections"


def _goals() -> dict[str, Bound]:
    goals = {}
    for job in raw.JOBS:
        goals[_ONE_CLIENT.row(job)] = Bound(1.3 if job in _BATCHES else 0.85)
        goals[_EIGHT_CLIENTS.row(job)] = Bound(0.95)
        goals[_p99_row(job)] = Bound(10, least=False)
    return goals | {_IDLE_ROW: Bound(40, least=False, unit="MB")}


PART = Part(
    "serve",
    "The server",
    "Requests a second of `flyexpr serve`, over those of dynoxide 3.2, which is written in Rust and uses SQLite\n"
    "too; each in the fastest tenth of its best round, as other programs can only slow it down. A client of bare\n"
    "sockets sends prepared bytes, and shares the two cores with the server. Items have 1 KB, a query gives 20 of\n"
    "them, a batch has 25. On a file both wait for the disk at every write, as dynoxide always does and flyexpr\n"
    "with `?sync=full`. `FLYEXPR_DYNOXIDE=PATH python -m bench.engine.serving` prints the figures of each server;\n"
    "`python -m bench --only '^serve$' --keep` measures this section again.",
    figures,
    _goals(),
    why="Python takes 100 of the 200 µs of an update in memory to read the stored item, evaluate the expressions and "
    "write the text again, and more where other programs, or the system calls of a request, have used the caches: the "
    "engine takes 70 µs for a put after a put, 87 between the calls of a server. On a file, writers wait for the disk "
    "together, but write one after the other, and the two processes share two cores with the client",
)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for name, runs in sorted(measured(rounds, random.Random(1)).items(), key=lambda pair: pair[0][::-1]):
        server, clients, job = name
        rate, cpu = median(run.rate for run in runs), median(run.cpu for run in runs)
        half, most = median(run.median for run in runs), median(run.p99 for run in runs)
        print(f"{job:10} {clients} {server:28} {rate:8,.0f}/s {cpu:6.0f} µs CPU {half:7.2f} ms, 99 %: {most:7.2f} ms")
    print(f"{_IDLE_ROW}: {idle_memory():.1f} MB")


if __name__ == "__main__":
    main()
