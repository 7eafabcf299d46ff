"""Long work that is interrupted: the same command goes on, and in the end nothing is missing and nothing done twice."""

import gzip
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from engines import ENDPOINTS
from program import Program, until

from flyexpr import connect, count, describe_table, put_item, run, scan
from flyexpr.changes.export_folders import checksum
from flyexpr.cli.jobs.work import Job
from flyexpr.schema.table import Table
from flyexpr.steps.course import course

MANY = 50_000
SLOWLY = ["--rate", "5000"]  # or it is done before it can be interrupted


def lines(number: int) -> str:
    return "".join(f'{{"id": "{line:06}", "n": {line}, "text": "{"x" * (line % 50)}"}}\n' for line in range(number))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 50,000 items in a folder where a table `Many` holds them too."""
    program = Program(tmp_path_factory.mktemp("many"))
    (program.folder / "many.jsonl").write_text(lines(MANY))
    program("create", "Many", "id")
    program("put", "Many", "many.jsonl", "--quiet")
    return program.folder


def table_at(path: Path, name: str) -> Table:
    return run(Table(name, "?").on(connect(f"sqlite:{path}")), describe_table())


def everything(path: Path, name: str) -> dict:
    found = {item["id"]: item for item in run(table_at(path, name), scan())}
    assert len(found) == count(table_at(path, name), scan())
    return found


def interrupt(process: subprocess.Popen[bytes], how: int, journal: Path, parts: int = 3) -> bytes:
    """Ends a process in the midst of its work, once its journal has something to say; what it wrote to stderr."""
    until(
        lambda: journal.exists() and sum(map(bool, json.loads(journal.read_bytes())["marks"].values())) >= parts,
        process,
    )
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    return said


def done_of(journal: Path) -> float:
    """How many items are done, as a journal says."""
    return json.loads(journal.read_bytes())["counts"].get("all", {}).get("done", 0)


@pytest.mark.parametrize("how, code", [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_copy_goes_on(many: Path, tmp_path: Path, how: int, code: int):
    program = Program(tmp_path, f"sqlite:{many / 'tables.db'}")
    command = ["copy", "Many", "--to", "sqlite:copy.db", "--as", "Copy", "--resume", "journal"]
    process = program.start(*command, *SLOWLY)
    said = interrupt(process, how, tmp_path / "journal")
    assert process.returncode == code
    if how == signal.SIGINT:
        assert b"copied so far" in said
        assert said.endswith(b"flyexpr: interrupted\n")
    partial = everything(tmp_path / "copy.db", "Copy")
    assert 0 < len(partial) < MANY
    marks = json.loads((tmp_path / "journal").read_bytes())["marks"]
    assert not all(mark is None for mark in marks.values())
    assert program.error(*command, "--segments", "3") == (
        "flyexpr: journal belongs to another job: segments 4, not 3\n"
        "  hint: finish that one first, or give this one another file\n"
    )
    program(*command)
    assert everything(tmp_path / "copy.db", "Copy") == everything(many / "tables.db", "Many")
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_put_goes_on(many: Path, tmp_path: Path, how: int):
    program = Program(tmp_path)
    program("create", "Copy", "id")
    command = ["put", "Copy", str(many / "many.jsonl"), "--resume", "journal", "--rejects", "rejects"]
    process = program.start(*command, *SLOWLY)
    journal = tmp_path / "journal"
    until(lambda: journal.exists() and json.loads(journal.read_bytes())["marks"], process)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert json.loads(journal.read_bytes())["marks"]["input"] < MANY
    said = program.error(*command, code=0)
    assert "50,000 items put" in said
    assert everything(tmp_path / "tables.db", "Copy") == everything(many / "tables.db", "Many")


def test_an_increment_of_every_item_is_done_once(many: Path, tmp_path: Path):
    program = Program(tmp_path)
    program("create", "Copy", "id")
    program("put", "Copy", stdin=lines(6000))
    command = ["update", "Copy", "ADD n 1000000", "--where", "begins_with(id, '0')", "--resume", "journal"]
    journal = tmp_path / "journal"
    for _ in range(2):
        process = program.start(*command, *SLOWLY)
        before = done_of(journal) if journal.exists() else 0
        until(lambda before=before: journal.exists() and done_of(journal) > before, process)
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -9
    program(*command)
    assert sorted(item["n"] for item in everything(tmp_path / "tables.db", "Copy").values()) == [
        1_000_000 + number for number in range(6000)
    ]


def test_an_export_goes_on_and_reads_back(many: Path, tmp_path: Path):
    program = Program(tmp_path, f"sqlite:{many / 'tables.db'}")
    command = ["export", "Many", "folder", "--resume", "journal"]
    slow = program.start(*command, "--segments", "1", "--rate", "60")
    interrupt(slow, signal.SIGKILL, tmp_path / "journal", parts=1)
    program(*command, "--segments", "1")
    folder = tmp_path / "folder"
    summary = json.loads((folder / "manifest-summary.json").read_text())
    listed = [json.loads(line) for line in (folder / "manifest-files.json").read_text().splitlines()]
    assert (summary["itemCount"], summary["outputFormat"]) == (MANY, "DYNAMODB_JSON")
    assert sum(each["itemCount"] for each in listed) == MANY
    found = []
    for each in listed:
        data = folder / "data" / Path(each["dataFileS3Key"]).name
        assert checksum(data) == each["md5Checksum"]
        found += [json.loads(line)["Item"]["id"]["S"] for line in gzip.decompress(data.read_bytes()).splitlines()]
    assert len(found) == MANY
    assert len({*found}) == MANY
    assert (folder / "manifest-files.md5").read_text() == checksum(folder / "manifest-files.json")
    assert program.error("export", "Many", "folder") == "flyexpr: folder holds an export already; name another folder\n"

    target = Program(tmp_path)
    target("create", "Copy", "id")
    command = ["import", "Copy", "folder", "--resume", "journal"]
    process = target.start(*command)
    until(lambda: (tmp_path / "journal").exists(), process)
    process.kill()
    process.communicate()
    target(*command)
    assert everything(tmp_path / "tables.db", "Copy") == everything(many / "tables.db", "Many")


def test_a_damaged_export_is_refused_before_anything_is_written(movies: Program):
    movies("export", "Movies", "exports/one")
    (data,) = [path for path in (movies.folder / "exports/one/data").iterdir() if path.stat().st_size > 150][:1]
    movies("create", "Copy", "year:N", "title")
    data.write_bytes(data.read_bytes()[:-1] + b"?")
    assert (
        movies.error("import", "Copy", "exports")
        == "flyexpr: exports/one/data/0000.json.gz is damaged: its MD5 is not what the manifest says\n"
    )
    data.unlink()
    assert (
        movies.error("import", "Copy", "exports")
        == "flyexpr: exports/one/data/0000.json.gz is missing, and the manifest lists it\n"
    )
    assert movies("count", "Copy") == "0\n"


def test_exports_into_files(movies: Program):
    for name in ("movies.jsonl", "movies.csv", "movies.jsonl.gz"):
        movies("export", "Movies", f"new/{name}")
        movies("create", name, "year:N", "title")
        movies("import", name, f"new/{name}")
        assert movies.shell(f"diff <(flyexpr scan Movies | sort) <(flyexpr scan {name} | sort)") == ""


def test_import_of_an_export_as_the_service_writes_it(program: Program):
    """Names as in a bucket; an export without items has no files."""
    folder = program.folder / "AWSDynamoDB" / "01693685827463-2d8752fd"
    (folder / "data").mkdir(parents=True)
    data = folder / "data" / "asdl123dasas.json.gz"
    data.write_bytes(gzip.compress(b'{"Item":{"id":{"S":"a"},"tags":{"SS":["x"]}}}\n{"Item":{"id":{"S":"b"}}}\n'))
    line = {
        "itemCount": 2,
        "md5Checksum": checksum(data),
        "etag": "x",
        "dataFileS3Key": "any/AWSDynamoDB/01693685827463-2d8752fd/data/asdl123dasas.json.gz",
    }
    (folder / "manifest-files.json").write_text(json.dumps(line) + "\n")
    (folder / "manifest-summary.json").write_text(
        json.dumps({"version": "2020-06-30", "outputFormat": "DYNAMODB_JSON"})
    )
    program("create", "Things", "id")
    program("import", "Things", ".")
    assert program("get", "Things", "a") == '{"id": "a", "tags": {"$set": ["x"]}}\n'
    (folder / "manifest-summary.json").write_text(json.dumps({"version": "2020-06-30", "outputFormat": "ION"}))
    assert (
        program.error("import", "Things", ".")
        == "flyexpr: AWSDynamoDB/01693685827463-2d8752fd is an export in the form ION; DYNAMODB_JSON can be read\n"
    )


def test_a_request_takes_its_units_before_it_is_sent(monkeypatch: pytest.MonkeyPatch):
    """Several at once cannot all see the same full bucket."""
    taken: list[Any] = []
    job = Job("put", rate=10)
    monkeypatch.setattr(job.pace, "delay", lambda units: taken.append(units) or 0.0)
    table = Table("things", "id").on(lambda operation, body: taken.append(operation) or b"{}")
    job.perform(table, lambda bulk: bulk.paced(course(table, put_item({"id": "a", "text": "x" * 1990}))))
    assert taken == [pytest.approx(2, abs=0.05), "PutItem"]
    job.close()


def test_memory_does_not_grow_with_the_table(many: Path, tmp_path: Path):
    """Reading a file of 50,000 lines takes hardly more memory than one of 5,000."""
    script = """import resource, runpy, sys
try: runpy.run_module('flyexpr.cli', run_name='__main__')
except SystemExit: pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"""
    import sys

    (tmp_path / "few.jsonl").write_text(lines(5000))
    peaks = []
    for file in (tmp_path / "few.jsonl", many / "many.jsonl"):
        done = subprocess.run(
            [sys.executable, "-c", script, "put", "Many", str(file), "--dry-run", "--quiet"],
            capture_output=True,
            text=True,
            cwd=many,
            env=Program(many).environment({}),
        )
        peaks.append(int(done.stderr))
    assert peaks[1] < peaks[0] * 1.2


def test_a_journal_that_is_none(movies: Program):
    (movies.folder / "journal").write_text("{")
    assert (
        movies.error("copy", "Movies", "--to", "sqlite:x.db", "--resume", "journal")
        == "flyexpr: journal is not a journal of flyexpr\n"
    )
    said = movies.error("copy", "Movies", "--to", "sqlite:x.db", "--resume", "none/journal")
    assert said == "flyexpr: none/journal cannot be written: there is no folder none\n"
    assert not (movies.folder / "x.db").exists()


@pytest.mark.skipif("dynoxide" not in ENDPOINTS, reason="dynoxide: not in FLYEXPR_ENDPOINTS")
def test_a_copy_to_another_engine_and_back_is_equal(program: Program, tmp_path: Path):
    name = f"copy{time.time_ns()}"
    values = '[null, true, {"$$set": [1]}, {"$set": [1.5, 7]}]'
    items = [f'{{"id": "{n:06}", "n": {n}, "v": {values}, "b": {{"$bytes": "AP8="}}}}' for n in range(2000)]
    program("create", "Source", "id", "--index", "ByN n:N")
    program("put", "Source", stdin="\n".join(items))
    url = ENDPOINTS["dynoxide"]
    try:
        program("copy", "Source", "--to", url, "--as", name)
        program("copy", name, "--to", "sqlite:tables.db", "--as", "Back", "--engine", url)
        assert everything(tmp_path / "tables.db", "Back") == everything(tmp_path / "tables.db", "Source")
        assert len(everything(tmp_path / "tables.db", "Back")) == 2000
        assert table_at(tmp_path / "tables.db", "Back").indexes == table_at(tmp_path / "tables.db", "Source").indexes
    finally:
        connect(url)("DeleteTable", json.dumps({"TableName": name}).encode())
