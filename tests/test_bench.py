"""The parts of the benchmarks at a tiny size: replay server, worker, rounds, page. The figures are not tested."""

import doctest
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.dom import minidom

import pytest
from places import DOCS

from bench import __main__ as command
from bench import data, part
from bench.engine import backfill, vectors
from bench.page import goals, report
from bench.page import plot as plot_module
from bench.page.goals import GOALS, goal_table
from bench.page.report import page
from bench.page.results import Results, load
from bench.peers import bulk, rounds, server
from bench.peers import jobs as bench_jobs
from bench.peers.adapters import ours
from bench.peers.jobs import JOBS, SERVED, Jobs, same
from bench.peers.rounds import Times, compare, replay_server, start, stop
from bench.peers.worker import measure, prepare
from flyexpr import call, connect


@pytest.fixture(scope="module", autouse=True)
def few_items() -> Iterator[None]:
    """Two pages of five items, in this process and in the processes that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "PAGE", 5)
        patch.setenv("BENCH_PAGE", "5")
        server.page_items.cache_clear()
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A replay server in a thread."""
    with server.listen() as listener:
        serving = threading.Thread(target=server.serve, args=(listener,))
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)  # wakes up `accept`
        serving.join()


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_flyexpr_does_every_served_job_rightly(url: str, transport: str) -> None:
    jobs = ours.jobs(url, transport)
    assert set(SERVED) <= set(jobs)
    for name in SERVED:
        prepare(jobs, name, aim=0)


@pytest.fixture(scope="module")
def jobs(url: str) -> Jobs:
    return ours.jobs(url, "direct")


@pytest.mark.parametrize("name", [name for name in JOBS if name not in SERVED])
def test_flyexpr_does_every_other_job_rightly(jobs: Jobs, name: str) -> None:
    assert prepare(jobs, name, aim=0) == 1  # raises AssertionError if the job gives other data


def test_the_server_turns_pages_and_checks_what_it_sends(url: str) -> None:
    engine = connect(f"{url}?transport=direct")
    asked = {"ExpressionAttributeValues": {":pk": {"S": "pages#2"}}}
    first = call(engine, "Query", asked)
    second = call(engine, "Query", asked | {"ExclusiveStartKey": first["LastEvaluatedKey"]})
    assert [item["sk"]["N"] for item in first["Items"] + second["Items"]] == [str(number) for number in range(10)]
    assert "LastEvaluatedKey" not in second


def test_bulk_work_does_what_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of work is whole, by one worker and by several, or the assertion in it fails."""
    monkeypatch.setattr(bulk, "_DELAY", 0)
    monkeypatch.setattr(bulk, "_BATCHED", 250)
    assert set(bulk.speedups(1)) == {"update_matching", "put_all with a condition", "batch_write", "batch_get"}


@pytest.mark.parametrize(
    "module", [bench_jobs, data, goals, part, plot_module, report, rounds], ids=lambda module: module.__name__
)
def test_the_examples_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_puts_beside_a_backfill_are_timed() -> None:
    waits = backfill.waits(1, items=3000)
    assert waits.keys() >= backfill.PART.goals.keys()
    assert waits["put alone: median"] <= waits["put alone: longest"]


def test_other_data_than_was_stored_is_noticed() -> None:
    assert not same("get", data.SMALL | {"visits": 43})
    assert not same("update", ["1", "9000", "open", "open"])
    assert not same("pages kept", data.items(0))


def test_a_measurement_counts_its_runs() -> None:
    runs: list[int] = []

    def work() -> None:
        runs.append(sum(range(200_000)))
        time.sleep(0.01)

    begun = time.process_time(), time.perf_counter()
    cpu, wall = measure(work, 7)
    assert len(runs) == 7
    assert 0 < cpu <= (time.process_time() - begun[0]) / 7
    assert max(cpu, 0.01) <= wall <= (time.perf_counter() - begun[1]) / 7


def test_rounds_over_processes() -> None:
    with replay_server() as port:
        workers = [start("flyexpr", port), start("floor-json", port)]
        times = compare(workers, "get", 2, random.Random(1))
        pages = compare(workers, "query pages", 1, random.Random(1))
        stop(workers)
    assert not times.failed | pages.failed
    assert [len(each) for each in times.cpu.values()] == [2, 2]
    assert times.ratio("floor-json", "flyexpr", wall=True) is not None


def test_a_library_that_is_not_there_is_skipped_by_name() -> None:
    worker = start("floor-json", 1)  # nothing listens there
    stop([worker])
    assert "refused" in worker.skipped


def test_the_page_shows_goals_reached_and_missed() -> None:
    results = Results(rounds=1, skipped={"pydynox": "not installed"})
    results.times["get"] = Times({"flyexpr": [1.0], "boto3-client": [6.0]}, {"flyexpr": [1.0]}, {})
    rows = {what: answer for what, _, _, answer in goal_table(results)}
    assert rows["GetItem: against boto3-client"] == "yes"
    assert rows["GetItem, aimed at: against boto3-client"] == "MISSED"
    assert rows["import: share of boto3's"] == ""
    assert len(rows) == len(GOALS)
    text = page(results)
    assert "pydynox took no part: not installed" in text
    assert "| get | 1000.0 ms |" in text
    drawn = minidom.parseString(plot_module.plot(text))
    assert [circle.firstChild.firstChild.data for circle in drawn.getElementsByTagName("circle")[7:]] == [
        "boto3-client: 6 x"
    ]


def test_results_that_are_kept_come_back(tmp_path: Path) -> None:
    results = Results(1, {"get": Times({"flyexpr": [1.0]}, {"flyexpr": [1.5]}, {})}, pages={2: {"seconds": 0.5}})
    results.figures["command line"] = {"start-up, CPU: share of awscli": 0.1}
    results.measured("")
    results.measured("get")
    results.save(tmp_path / "results.json")
    assert load(tmp_path / "results.json") == results


def test_what_is_kept_is_added_to_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SAVED", tmp_path / "results.json")
    monkeypatch.setattr("sys.argv", ["bench", "--only", "^serve$", "--keep"])
    with pytest.raises(SystemExit):
        command.main()
    assert "--keep adds to the results of a whole run, and there are none" in capsys.readouterr().err


def test_a_part_has_a_section_and_goals() -> None:
    results = Results(1, figures={"command line": {"start-up, CPU: share of awscli": 0.1, "one query": 0.5}})
    results.measured("command line")
    text = page(results)
    assert "## The command line\n" in text
    assert "| one query | 0.50 x |" in text
    assert "| command line: start-up, CPU: share of awscli | ≤ 0.2 x | 0.10 x | yes |" in text
    assert text.index("Measured again since. On 20") < text.index(": command line.")


def test_the_plot_is_that_of_the_page() -> None:
    page = (DOCS / "benchmarks.md").read_text()
    assert (DOCS / "benchmarks.svg").read_text() == plot_module.plot(page)


def test_searches_of_vectors_find_what_numpy_finds() -> None:
    pytest.importorskip("numpy", reason="numpy is not installed")
    took, _ = vectors.measured(60, 8, 2, 5)
    assert {"numpy", "flyexpr"} <= took.keys()
    assert {len(times) for times in took.values()} == {3}
    assert vectors.ratio(took, "numpy") == 1.0
