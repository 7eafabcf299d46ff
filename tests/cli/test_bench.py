"""The benchmark of the command line at a tiny size. No figure is judged."""

import json
import os
import subprocess
import sys

from program import ROOT

from bench.cli import JOBS, ROWS


def run(*arguments):
    """The output of Python with these arguments, where a page of the data has five items."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"BENCH_PAGE": "5"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_job_is_measured():
    output = run("-m", "bench.cli", "--rounds", "1", "--load", "50")
    ours = [line.split("flyexpr ") for line in output.splitlines() if "flyexpr " in line]  # not a path with its name
    assert [job.strip() for job, _ in ours] == list(JOBS)
    assert all(figures.count("1.00 x") == 2 for _, figures in ours)


def test_the_figures_of_the_page():
    output = run("-c", "import json, bench.cli; print(json.dumps(bench.cli.figures(1, load=50)))")
    figures = json.loads(output.splitlines()[-1])
    assert figures
    assert figures.keys() <= {row.what for row in ROWS}
    assert all(figure > 0 for figure in figures.values())
