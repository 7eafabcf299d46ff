"""Measures fresh processes: the import, the first item, and the memory for reading many pages.

python -m bench.peers.starts drain flyexpr 12345      reads all pages of a query, and prints its cost as JSON
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.environment import environment
from bench.peers.jobs import FEW
from bench.peers.worker import jobs_of, measure

IMPORTS = {
    "flyexpr": "from flyexpr import Table, connect, eq, get, put, query, run, update",  # a name brings its module
    "boto3": "import boto3",
    "botocore": "import botocore.session",
    "pynamodb": "import pynamodb.models",
    "aiodynamo": "import aiodynamo.client, aiodynamo.http.aiohttp",
    "dyntastic": "import dyntastic",
    "pydynox": "import pydynox",
}
_BOTO3 = "import boto3; client = boto3.client('dynamodb', endpoint_url={url!r}); "
FIRST = {
    "flyexpr": "from flyexpr import Table, connect, get; table = Table('items', 'pk', 'sk', attributes={{'sk': int}}); "
    "get(table.on(connect({url!r})), ('a', 7))",
    "boto3": _BOTO3 + "client.get_item(TableName='items', Key={{'pk': {{'S': 'a'}}, 'sk': {{'N': '7'}}}})",
}


def import_times(rounds: int, chance: random.Random) -> dict[str, float]:
    """Milliseconds of CPU to import each library, less those of a bare Python; absent libraries are left out."""
    return _over_bare(IMPORTS, environment(), rounds, chance)


def first_times(url: str, rounds: int, chance: random.Random) -> dict[str, float]:
    """Milliseconds of CPU to import, connect and read one item, with keys in the environment and in a file."""
    scripts = {library: script.format(url=url) for library, script in FIRST.items()}
    by_environment = _over_bare(scripts, environment(), rounds, chance)
    with TemporaryDirectory() as folder:
        keys = Path(folder, "credentials")
        keys.write_text("[default]\naws_access_key_id = key\naws_secret_access_key = secret\n")
        variables = environment() | {"AWS_SHARED_CREDENTIALS_FILE": str(keys)}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del variables[name]
        by_file = _over_bare(scripts, variables, rounds, chance)
    return by_environment | {f"{library}, keys in a file": took for library, took in by_file.items()}


def _over_bare(
    scripts: dict[str, str], variables: dict[str, str], rounds: int, chance: random.Random
) -> dict[str, float]:
    every = {"": "pass"} | {name: script for name, script in scripts.items() if _took(script, variables) is not None}
    times: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(rounds):
        for name in chance.sample(list(every), len(every)):
            times[name].append(_took(every[name], variables) or 0.0)
    bare = median(times.pop(""))
    return {name: (median(took) - bare) * 1000 for name, took in times.items()}


def _took(script: str, variables: dict[str, str]) -> float | None:
    """Seconds of CPU of a fresh process; None if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return None if ended.returncode else after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def drains(libraries: Iterable[str], port: int, pages: int) -> dict[str, dict[str, float]]:
    """What it costs to read that many pages in a fresh process, for each library: `mb` of memory, `seconds` of CPU."""
    costs = {library: _drain(library, port, pages) for library in libraries}
    return {library: cost for library, cost in costs.items() if cost is not None}


def _drain(library: str, port: int, pages: int) -> dict[str, float] | None:
    command = [sys.executable, "-m", "bench.peers.starts", "drain", library, str(port)]
    variables = environment() | {"BENCH_FEW": str(pages)}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode:
        return None
    cost: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return cost


def _drained(library: str, port: int) -> dict[str, Any]:
    jobs = jobs_of(library, port)
    jobs["get"].run()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # this resets the peak
    cpu, _ = measure(jobs["query pages"].run, 1)
    return {"mb": (_memory("VmHWM") - before) / 1024, "seconds": cpu, "pages": FEW}


def _memory(name: str) -> int:
    """Kilobytes, from Linux's figures for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


if __name__ == "__main__":
    print(json.dumps(_drained(sys.argv[2], int(sys.argv[3]))))
    sys.stdout.flush()
    os._exit(0)
