"""A process for one library: it reads the name of a job from stdin, and writes the time of the job to stdout.

python -m bench.peers.worker boto3-client 12345
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from bench.peers.adapters import ADAPTERS
from bench.peers.jobs import Jobs, same

ROUND = 0.25  # seconds that one measurement should take


def jobs_of(library: str, port: int) -> Jobs:
    """The jobs that a library can do, with the replay server on that port; ImportError if it is not installed."""
    module, argument = ADAPTERS[library]
    jobs: Jobs = importlib.import_module(f"bench.peers.adapters.{module}").jobs(f"http://127.0.0.1:{port}", argument)
    return jobs


def prepare(jobs: Jobs, name: str, aim: float = ROUND) -> int:
    """How often to repeat a job in one measurement; AssertionError if the job gives other data than expected.

    A job that takes seconds is done only once.
    """
    job, began = jobs[name], time.perf_counter()
    result = (job.shown or job.run)()
    shown_in = time.perf_counter() - began
    assert same(name, result), f"{name} gave other data than was stored: {str(result)[:300]}"
    once = aim * 2 if shown_in > 20 * aim else measure(job.run, 1)[1]
    return 1 if once > aim else max(1, min(round(aim / max(measure(job.run, 3)[1], 1e-7)), 100_000))


def measure(run: Callable[[], Any], count: int) -> tuple[float, float]:
    """Seconds of CPU and of wall time for one run, as the mean of `count` runs."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count


def main() -> None:
    library, port, answers = sys.argv[1], int(sys.argv[2]), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that what a library prints is not taken for an answer
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the server has the other cores

    def answer(value: Any) -> None:
        print(json.dumps(value), file=answers, flush=True)

    try:
        jobs = jobs_of(library, port)
    except Exception as error:
        answer({"skipped": f"{type(error).__name__}: {error}"})
        return
    answer({"jobs": list(jobs)})
    counts: dict[str, int] = {}
    for line in sys.stdin:
        name = json.loads(line)
        try:
            if name not in counts:
                counts[name] = prepare(jobs, name)
                answer({"count": counts[name]})
            else:
                answer(measure(jobs[name].run, counts[name]))
        except Exception as error:
            traceback.print_exc()
            answer({"failed": f"{type(error).__name__}: {error}"[:300]})


if __name__ == "__main__":
    main()
