"""The benchmark of the command line at a tiny size. No figure is judged."""

import os
import subprocess
import sys

from program import ROOT


def test_every_job_is_measured():
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", "--rounds", "1", "--load", "50"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"BENCH_PAGE": "5"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    ours = [line.split("flyexpr") for line in done.stdout.splitlines() if "flyexpr" in line]
    assert [job.strip() for job, _ in ours] == ["start-up", "one query", "scan 20 MB", "load"]
    assert all(figures.count("1.00 x") == 2 for _, figures in ours)
