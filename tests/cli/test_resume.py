"""A job continues from its journal only if nothing has changed that the journal speaks of; damage is an error."""

import gzip
import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from program import COMMAND, Inside, Program, settled, until
from raised import raises

from flyexpr import Table, connect
from flyexpr.cli.jobs import bulk_puts, parts
from flyexpr.cli.jobs.rejects import Refusal, Rejects
from flyexpr.cli.jobs.work import Job
from flyexpr.doors import plain
from flyexpr.errors import ConnectionFailed, DynamoError, FlyexprError
from flyexpr.requests.request import Request
from flyexpr.steps.journals import files
from flyexpr.steps.journals.journal import Journal
from flyexpr.steps.many import item_write, matching
from flyexpr.steps.step import Together


class Crash(Exception):
    """The process ends here."""


@pytest.fixture
def things(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Forty things; a chunk has eight entries, and a run that has `crash` set ends after so many chunks of a part."""
    monkeypatch.setattr(parts, "CHUNK", 8)
    monkeypatch.setattr(matching, "CHUNK", 8)
    monkeypatch.setattr(bulk_puts, "CHUNK", 8)
    inside("create", "Things", "id")
    Path("things.jsonl").write_text("".join(f'{{"id": "{n:02}", "n": {n}}}\n' for n in range(40)))
    assert inside("put", "Things", "things.jsonl").code == 0
    return inside


def crashing(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """Ends a job as `kill -9` would, when the chunk after so many is done and not entered yet."""
    left, enter = [chunks], Job.enter

    def enters(job, part, mark, facts):
        left[0] -= 1
        if left[0] < 0:
            job._refusals.clear()  # nothing is tidied up
            raise Crash
        enter(job, part, mark, facts)

    monkeypatch.setattr(Job, "enter", enters)


def interrupted(things: Inside, monkeypatch: pytest.MonkeyPatch, *command: str, chunks: int = 2) -> None:
    with monkeypatch.context() as patched:
        crashing(patched, chunks)
        with pytest.raises(Crash):
            things(*command, "--resume", "journal")
    assert Path("journal").exists()
    assert not Path("journal.lock").exists()


EXPORT = ["export", "Things", "folder", "--segments", "1"]


@pytest.mark.parametrize(
    "harm, why",
    [
        (lambda data: data.unlink(), "it is gone"),
        (lambda data: shutil.rmtree("folder"), "it is gone"),
        (lambda data: data.write_bytes(data.read_bytes()[:50]), "bytes of it are gone"),
        (lambda data: data.write_bytes(b""), "bytes of it are gone"),
        (lambda data: data.write_bytes(bytes(len(data.read_bytes()))), "its content has changed"),
    ],
)
def test_an_export_does_not_go_on_over_a_file_that_changed(things: Inside, monkeypatch, harm: Callable, why: str):
    interrupted(things, monkeypatch, *EXPORT)
    harm(Path("folder/data/0000.json.gz"))
    for _ in range(2):
        end = things(*EXPORT, "--resume", "journal")
        assert end.code == 1
        assert "\nflyexpr: folder/data/0000.json.gz is not as the journal says: " in end.err
        assert end.err.endswith(f"{why}\n  hint: delete the journal and the folder to export anew\n")
    assert not Path("folder/manifest-summary.json").exists()


def test_an_export_of_several_files_looks_at_those_that_are_done_too(things: Inside, monkeypatch):
    command = ["export", "Things", "folder", "--segments", "3"]
    interrupted(things, monkeypatch, *command, chunks=5)
    done = [part for part, mark in json.loads(Path("journal").read_bytes())["marks"].items() if mark is None]
    assert done
    Path(f"folder/data/{done[0]:0>4}.json.gz").unlink()
    assert "is not as the journal says: it is gone" in things(*command, "--resume", "journal").err


def test_a_file_that_changes_while_it_is_exported(things: Inside, monkeypatch):
    add = Job.add

    def adds(job, number):
        add(job, number)
        Path("folder/data/0000.json.gz").write_bytes(b"")

    monkeypatch.setattr(Job, "add", adds)
    assert "0000.json.gz is damaged" in things(*EXPORT).err


def test_an_export_goes_on_after_what_was_written_and_not_entered(things: Inside, monkeypatch):
    interrupted(things, monkeypatch, *EXPORT)
    end = things(*EXPORT, "--resume", "journal")
    assert (end.code, settled(end.err)) == (0, "flyexpr: 40 items exported, 0.5 read units, 0 write units, 0.0 s\n")
    lines = gzip.decompress(Path("folder/data/0000.json.gz").read_bytes()).splitlines()
    assert sorted(json.loads(line)["Item"]["id"]["S"] for line in lines) == [f"{n:02}" for n in range(40)]
    assert sorted(path.name for path in Path().iterdir() if "journal" in path.name) == []


COPY = ["copy", "Things", "--to", "sqlite:copy.db", "--segments", "1"]


def test_a_copy_does_not_go_on_into_another_table(things: Inside, monkeypatch):
    interrupted(things, monkeypatch, *COPY)
    for path in Path().glob("copy.db*"):
        path.unlink()
    end = things(*COPY, "--resume", "journal")
    assert end.code == 1
    assert end.err.endswith(
        "flyexpr: the table 'Things' in sqlite:copy.db is gone, and the journal is that of a copy into it\n"
        "  hint: delete the journal to copy everything anew\n"
    )
    assert things("create", "Things", "id", "--engine", "sqlite:copy.db").code == 0
    end = things(*COPY, "--resume", "journal")
    assert end.code == 1
    assert "journal belongs to another job: TableId of the target '" in end.err
    assert things("count", "Things", "--engine", "sqlite:copy.db").out == "0\n"


def test_a_copy_goes_on_that_was_interrupted_while_it_made_its_table(things: Inside, monkeypatch):
    assert things("alter", "Things", "--ttl", "until").code == 0
    asked = plain.asked

    def crash(engine, operation, body):
        if operation == "UpdateTimeToLive":
            raise Crash
        return asked(engine, operation, body)

    with monkeypatch.context() as patched:
        patched.setattr(plain, "asked", crash)
        with pytest.raises(Crash):
            things(*COPY, "--resume", "journal")
    assert things(*COPY, "--resume", "journal").code == 0
    assert "until" in things("describe", "Things", "--engine", "sqlite:copy.db").out


@pytest.mark.parametrize(
    "command",
    [
        COPY,
        EXPORT,
        ["put", "Things", "things.jsonl"],
        ["update", "Things", "ADD n 1", "--where", "n >= 0", "--segments", "1"],
        ["delete", "Things", "--where", "n >= 0", "--segments", "1", "--yes"],
    ],
    ids=lambda command: command[0],
)
def test_no_job_goes_on_with_a_table_that_was_made_anew(things: Inside, monkeypatch, command: list[str]):
    interrupted(things, monkeypatch, *command)
    engine = connect("sqlite:tables.db")
    engine("DeleteTable", b'{"TableName":"Things"}')
    engine.close()
    things("create", "Things", "id")
    end = things(*command, "--resume", "journal")
    assert end.code == 1
    assert "flyexpr: journal belongs to another job: TableId '" in end.err


def test_an_import_does_not_go_on_with_another_export(things: Inside, monkeypatch):
    things(*EXPORT)
    things("create", "Copy", "id")
    interrupted(things, monkeypatch, "import", "Copy", "folder")
    things("put", "Things", stdin='{"id": "00", "n": "another"}')
    shutil.rmtree("folder")
    things(*EXPORT)
    end = things("import", "Copy", "folder", "--resume", "journal")
    assert (end.code, "journal belongs to another job: files '" in end.err) == (1, True)


HEAD = '{"id": "new", "n": 1}\n'
LINES = [f'{{"id": "{n:02}", "n": {n}}}\n' for n in range(40)]


@pytest.mark.parametrize(
    "lines",
    [
        [HEAD, *LINES],
        LINES[1:],
        LINES[:10],
        [],
        ["\n", *LINES],
        [*LINES[:10], HEAD, *LINES[11:]],
    ],
)
@pytest.mark.parametrize("piped", [False, True])
def test_a_put_does_not_go_on_with_another_input(things: Inside, monkeypatch, lines: list[str], piped: bool):
    command = ["put", "Things", "-" if piped else "things.jsonl"]
    with monkeypatch.context() as patched:
        crashing(patched, 2)
        with pytest.raises(Crash):
            things(*command, "--resume", "journal", stdin="".join(LINES))
    Path("things.jsonl").write_text("".join(lines))
    end = things(*command, "--resume", "journal", stdin="".join(lines))
    assert end.code == 1
    assert end.err.endswith(
        "flyexpr: the journal belongs to another input: the lines up to line 16 are not those that were put\n"
        "  hint: give this input a journal of its own\n"
    )


def test_a_put_goes_on_with_an_input_that_has_grown(things: Inside, monkeypatch):
    interrupted(things, monkeypatch, "put", "Things", "things.jsonl")
    Path("things.jsonl").write_text("".join([*LINES[:20], HEAD, *LINES[20:]]))
    end = things("put", "Things", "things.jsonl", "--resume", "journal")
    assert (end.code, settled(end.err)) == (0, "flyexpr: 41 items put, 0 read units, 41 write units, 0.0 s\n")
    assert things("count", "Things").out == "41\n"


def test_a_sheet_whose_head_changed_is_another_input(things: Inside, monkeypatch):
    rows = "".join(f"{n:02}a,{n}\n" for n in range(40))
    Path("things.csv").write_text("id,n\n" + rows)
    interrupted(things, monkeypatch, "put", "Things", "things.csv")
    Path("things.csv").write_text("id,m\n" + rows)
    assert "the journal belongs to another input" in things("put", "Things", "things.csv", "--resume", "journal").err


def test_an_input_of_another_form_is_another_job(things: Inside, monkeypatch):
    interrupted(things, monkeypatch, "put", "Things", "things.jsonl")
    end = things("put", "Things", "things.jsonl", "--wire", "--resume", "journal")
    assert end.err == (
        "flyexpr: journal belongs to another job: form 'json', not 'wire'\n"
        "  hint: finish that one first, or give this one another file\n"
    )


# rejects

BAD = [line if n % 5 else f'{{"id": {n}}}\n' for n, line in enumerate(LINES)]


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_rejects_that_are_gone_or_shorter(things: Inside, monkeypatch, harm: Callable):
    Path("things.jsonl").write_text("".join(BAD))
    command = ["put", "Things", "things.jsonl", "--rejects", "rejects"]
    interrupted(things, monkeypatch, *command)
    harm(Path("rejects"))
    end = things(*command, "--resume", "journal")
    assert end.code == 1
    assert end.err == (
        "flyexpr: rejects is shorter than the journal says, or gone\n"
        "  hint: put it back, or write what is refused from now on to another file\n"
    )
    assert not Path("journal.lock").exists()
    end = things(*command[:-1], "others", "--resume", "journal")
    assert settled(end.err) == "flyexpr: 32 items put, 8 refused, 0 read units, 32 write units, 0.0 s\n"
    assert len(Path("others").read_text().splitlines()) == 4


@pytest.mark.parametrize("chunks", range(5))
def test_rejects_are_exact_after_a_crash(things: Inside, monkeypatch, chunks: int):
    Path("things.jsonl").write_text("".join(BAD))
    Path("rejects").write_text("of an earlier job\n")
    command = ["put", "Things", "things.jsonl", "--rejects", "rejects"]
    with monkeypatch.context() as patched:
        crashing(patched, chunks)
        with pytest.raises(Crash):
            things(*command, "--resume", "journal")
    end = things(*command, "--resume", "journal")
    assert (end.code, settled(end.err)) == (
        1,
        "flyexpr: 32 items put, 8 refused, 0 read units, 32 write units, 0.0 s\n",
    )
    places = [json.loads(line)["place"] for line in Path("rejects").read_text().splitlines()]
    assert places == [f"line {n + 1}" for n in range(0, 40, 5)]


def test_refusals_of_one_part_are_not_entered_by_another():
    """Whatever the order in which parts come to their marks, a crash leaves none behind and none twice."""
    path = Path("rejects-of-parts").resolve()
    job = Job("update", rejects=Rejects(path))
    job._here.part = "a"
    job.refuse(Refusal("a1", "no", ""))
    job._here.part = "b"
    job.refuse(Refusal("b1", "no", ""))
    job.enter("b", "mark", {})
    assert [json.loads(line)["place"] for line in path.read_text().splitlines()] == ["b1"]
    assert job.journal.fact(job.rejects.fact) == path.stat().st_size
    assert job.journal.counts() == {"b": {"refused": 1.0}}
    job.close()
    assert [json.loads(line)["place"] for line in path.read_text().splitlines()] == ["b1", "a1"]
    path.unlink()


# counts


@pytest.mark.parametrize("chunks", range(5))
@pytest.mark.parametrize(
    "command, said",
    [
        (["put", "Things", "things.jsonl"], "40 items put, "),
        (COPY, "40 items copied, "),
        (["copy", "Things", "--to", "sqlite:copy.db", "--segments", "3"], "40 items copied, "),
        (EXPORT, "40 items exported, "),
        (["export", "Things", "folder", "--segments", "3"], "40 items exported, "),
        (["update", "Things", "ADD n 100", "--where", "n < 100", "--segments", "1"], "40 items updated, "),
        (["update", "Things", "ADD n 100", "--where", "n < 1000", "--segments", "1"], "40 items updated, "),
        (
            ["update", "Things", "SET m = 1", "--where", "attribute_not_exists(m)", "--segments", "2"],
            "40 items updated",
        ),
        (["update", "Things", "SET m = 1", "--where", "n >= 0", "--segments", "1"], "40 items updated, "),
        (["delete", "Things", "--where", "n >= 0", "--yes", "--segments", "1"], "40 items deleted, "),
    ],
)
def test_the_last_line_is_exact_after_crashes(things: Inside, monkeypatch, command: list[str], said: str, chunks: int):
    end = None
    for after in (chunks, 0, 1, 100):
        with monkeypatch.context() as patched, suppress(Crash):
            crashing(patched, after)
            end = things(*command, "--resume", "journal")
            break
    assert end
    assert end.code == 0
    assert said in end.err
    if command[2] == "ADD n 100":
        assert things("count", "Things", "n >= 100 AND n < 140").out == "40\n"


@pytest.mark.parametrize(
    "command",
    [
        ["put", "Things", "many.jsonl", "--rejects", "rejects"],
        ["copy", "Things", "--to", "sqlite:copy.db", "--segments", "1"],
        ["copy", "Things", "--to", "sqlite:copy.db", "--segments", "3"],
    ],
)
def test_a_job_ends_though_a_few_requests_in_a_hundred_fail(things: Inside, monkeypatch, command: list[str]):
    """No chunk of 16 batches gets through in one run; each run enters what it has done by then."""
    lines = [f'{{"id": "{n:04}"}}\n' for n in range(1200)]
    Path("many.jsonl").write_text("".join([*lines[:500], '{"id": 7}\n', "{\n", *lines[500:]]))
    if command[0] == "copy":
        Path("whole.jsonl").write_text("".join(lines))
        assert things("put", "Things", "whole.jsonl").code == 0
        assert things("delete", "Things", "--where", "attribute_exists(n)", "--yes").code == 0
    monkeypatch.setattr(parts, "CHUNK", 400)
    monkeypatch.setattr(bulk_puts, "CHUNK", 400)
    asked, sent = plain.asked, count(1)

    def failing(engine, operation, body):
        if operation == "BatchWriteItem" and next(sent) % 12 == 0:
            raise DynamoError.of("InternalServerError", "again, please")
        return asked(engine, operation, body)

    monkeypatch.setattr(plain, "asked", failing)
    for _ in range(40):
        end = things(*command, "--resume", "journal")
        if not Path("journal").exists():
            break
        assert "InternalServerError: again, please" in end.err
    if command[0] == "copy":
        assert "1,200 items copied, " in end.err
        assert things("count", "Things", "--engine", "sqlite:copy.db").out == "1200\n"
    else:
        assert "1,200 items put, 2 refused, " in end.err
        assert [json.loads(line)["place"] for line in Path("rejects").read_text().splitlines()] == [
            "line 501",
            "line 502",
        ]
        assert things("count", "Things", "attribute_not_exists(n)").out == "1200\n"


def test_a_put_that_a_faulty_line_ends_goes_on_at_that_line(things: Inside, monkeypatch):
    Path("faulty.jsonl").write_text('{"id": "a"}\n{"id": "b"}\n{"id": 3}\n{"id": "d"}\n')
    command = ["put", "Things", "faulty.jsonl", "--resume", "journal"]
    assert things(*command).code == 1
    Path("faulty.jsonl").write_text('{"id": "a"}\n{"id": "b"}\n{"id": "c"}\n{"id": "d"}\n')
    asked, sent = plain.asked, list[bytes]()

    def noting(engine, operation, body):
        sent.append(body)
        return asked(engine, operation, body)

    monkeypatch.setattr(plain, "asked", noting)
    assert "4 items put, " in things(*command).err
    assert [body.count(b"PutRequest") for body in sent if b"PutRequest" in body] == [2]


@pytest.mark.parametrize("ending", [ConnectionFailed("ConnectionFailed", "gone", {}), KeyboardInterrupt()])
def test_the_cost_of_an_unfinished_chunk_counts_when_the_job_goes_on(
    things: Inside, monkeypatch, ending: BaseException
):
    """Its updates are not done twice, so they are paid for once, by the run that was ended."""
    write, begun = item_write.write, count()

    def ends(*arguments):
        if next(begun) >= 20:
            raise ending
        return write(*arguments)

    command = ["update", "Things", "ADD n 100", "--where", "n >= 0", "--segments", "1"]
    with monkeypatch.context() as patched:
        patched.setattr(item_write, "write", ends)
        things(*command, "--resume", "journal")
    assert things("count", "Things", "n >= 100").out == "20\n"
    end = things(*command, "--resume", "journal")
    assert "40 items updated" in end.err
    assert ", 40 write units, " in end.err


def test_an_item_that_others_have_changed_since_the_crash_is_named(things: Inside, monkeypatch):
    """Nobody can know whether it was updated: it is neither counted in silence nor updated twice."""
    command = ["update", "Things", "ADD n 100", "--where", "n >= 0", "--segments", "1"]
    interrupted(things, monkeypatch, *command)  # after a chunk that is done, and not entered
    (changed, *_) = json.loads(Path("journal").read_bytes())["marks"]["all"]["announced"]
    key = json.loads(changed)["id"]["S"]
    assert things("update", "Things", key, "SET n = 7000").code == 0
    for _ in range(2):  # it is not forgotten
        end = things(*command, "--resume", "journal")
        assert end.code == 1
        assert end.err.endswith(
            f'39 updates are done, and 1 is not: others changed {{"id": "{key}"}} after a crash, so nobody can know '
            "whether the update was made\n"
            "  hint: look at these items, make the update where it is missing, and delete the journal\n"
        )
    assert things("count", "Things", "n >= 100 AND n < 140").out == "39\n"


def in_units(bulk):
    """Two units of work, each in a thread."""
    request = Request("ListTables", b"{}")

    def unit():
        yield request
        return 1

    yield Together(iter([unit(), unit()]), bulk.workers, bulk.note)


def test_counts_belong_to_the_part_that_counts():
    job = Job("copy")
    job._here.part = "a"
    job.add(5)
    job._here.part = "b"
    job.add(2)
    job.enter("b", None, {})
    assert job.journal.counts() == {"b": {"done": 2.0}}
    assert job.done == 7.0
    job.perform(Table("things", "id").on(lambda *_: b"{}"), in_units)
    job.enter("b", None, {})
    assert job.journal.counts() == {"b": {"done": 4.0, "read": 0.0, "written": 0.0}}
    job.close()


# one job at a time


def test_a_second_job_with_the_journal_is_refused(things: Inside):
    journal = Journal(Path("journal"), {})
    end = things("put", "Things", "things.jsonl", "--resume", "journal")
    assert end.code == 1
    assert end.err == (
        "flyexpr: journal is in use by another job, which still runs\n"
        "  hint: wait for that job, or give this one another file\n"
    )
    journal.release()
    assert things("put", "Things", "things.jsonl", "--resume", "journal").code == 0


def test_a_second_process_with_the_journal_is_refused(program: Program):
    program("create", "Things", "id")
    first = subprocess.Popen(
        [*COMMAND, "put", "Things", "--resume", "journal"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=program.folder,
        env=program.environment({}),
    )
    until((program.folder / "journal.lock").exists, first)
    assert program.error("put", "Things", "--resume", "journal") == (
        "flyexpr: journal is in use by another job, which still runs\n"
        "  hint: wait for that job, or give this one another file\n"
    )
    first.communicate(b'{"id": "a"}\n')
    assert first.returncode == 0
    program("put", "Things", "--resume", "journal")
    assert program("count", "Things") == "1\n"


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch):
    path, lock = tmp_path / "journal", tmp_path / "journal.lock"
    seen, locked = [], files._is_locked_now

    def locks(file):
        if not seen:
            lock.unlink()  # its last holder has ended between our opening and our locking
        seen.append(file)
        return locked(file)

    monkeypatch.setattr(files, "_is_locked_now", locks)
    hold = files.Hold(path)
    assert len(seen) == 2
    with raises(
        FlyexprError,
        f"{path} is in use by another job, which still runs\n  hint: wait for that job, or give this one another file",
    ):
        files.Hold(path)
    hold.release()
    assert not lock.exists()
    hold.release()


# damage


def mutated(text: bytes, dice: random.Random) -> bytes:
    """A file with a small or large accident."""
    place = dice.randrange(len(text) + 1)
    match dice.randrange(6):
        case 0:
            return text[:place]
        case 1:
            return text[:place] + bytes([dice.randrange(256)]) + text[place + 1 :]
        case 2:
            return text[:place] + text[place : place + 20] + text[place:]
        case 3:
            return text[:place] + b"\0" * dice.randrange(1, 600) + text[place + 600 :]
        case 4:
            found = json.loads(text.splitlines()[0])
            name = dice.choice([*found])
            found[name] = dice.choice([None, [], {}, 5, -1, "x", True, 1e300, {"0": 5}, [[[]]], {"input": "x"}])
            return json.dumps(found).encode()
        case _:
            return dice.choice([b"", b"[]", b"5", b'"job"', b"null", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe"])


@pytest.mark.parametrize(
    "command",
    [["put", "Things", "things.jsonl"], COPY, EXPORT, ["update", "Things", "ADD n 1", "--where", "n >= 0"]],
    ids=lambda command: command[0],
)
def test_no_accident_of_a_journal_shows_a_traceback(things: Inside, monkeypatch, command: list[str]):
    interrupted(things, monkeypatch, *command)
    whole, dice = Path("journal").read_bytes(), random.Random(7)
    for _ in range(60):
        text = mutated(whole, dice)
        with suppress(ValueError, RecursionError):
            if json.loads(text) == json.loads(whole):
                continue
        Path("journal").write_bytes(text)
        end = things(*command, "--resume", "journal")
        assert end.code == 1, text
        assert re.search("^flyexpr: journal (is|was|belongs)", end.err, re.MULTILINE), end.err
        assert "Traceback" not in end.err
        assert Path("journal").read_bytes() == text
    assert things(*command, "--resume", "journal").code == 1
    Path("journal").write_bytes(whole)
    assert things(*command, "--resume", "journal").code == 0


@pytest.mark.parametrize("name", ["manifest-summary.json", "manifest-files.json"])
def test_no_accident_of_a_manifest_shows_a_traceback(things: Inside, name: str):
    things(*EXPORT)
    things("create", "Copy", "id")
    path, dice = Path("folder", name), random.Random(7)
    whole, refused = path.read_bytes(), 0
    for _ in range(80):
        path.write_bytes(mutated(whole, dice))
        end = things("import", "Copy", "folder", "--quiet")
        assert end.code in (0, 1)
        assert (end.err == "") == (end.code == 0)
        assert end.code == 0 or end.err.startswith("flyexpr: folder")
        refused += end.code
    assert refused > 40
    path.write_bytes(whole)
    assert things("import", "Copy", "folder").code == 0


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "{",
        '{"itemCount": "1", "md5Checksum": "x", "dataFileS3Key": "a"}',
        '{"itemCount": -1, "md5Checksum": "x", "dataFileS3Key": "a"}',
        '{"itemCount": 1, "md5Checksum": 5, "dataFileS3Key": "a"}',
        '{"itemCount": 1, "md5Checksum": "x", "dataFileS3Key": null}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_a_list_of_files_that_is_none(things: Inside, line: str):
    things(*EXPORT)
    Path("folder/manifest-files.json").write_text(f"\n{line}\n")
    end = things("import", "Things", "folder")
    assert (end.code, end.err) == (
        1,
        "flyexpr: folder/manifest-files.json is damaged: line 2 does not list a data file\n",
    )


@pytest.mark.parametrize(
    "summary, message",
    [
        ({"outputFormat": "ION"}, "folder is an export in the form ION; DYNAMODB_JSON can be read"),
        ({"itemCount": 41}, "folder/manifest-files.json lists 40 items, and manifest-summary.json says 41"),
        ([], "folder/manifest-summary.json is not a manifest"),
    ],
)
def test_a_summary_that_does_not_fit(things: Inside, summary, message: str):
    things(*EXPORT)
    Path("folder/manifest-summary.json").write_text(json.dumps(summary))
    assert things("import", "Things", "folder").err == f"flyexpr: {message}\n"


def test_folders_that_are_not_one_export(things: Inside):
    Path("empty").mkdir()
    assert things("import", "Things", "empty").err == (
        "flyexpr: empty holds no export: there is no manifest-summary.json in it\n"
    )
    things("export", "Things", "two/a")
    things("export", "Things", "two/b")
    assert things("import", "Things", "two").err == ("flyexpr: two holds 2 exports; name one of them, such as two/a\n")
    Path("two/a/manifest-files.json").unlink()
    assert "two/a/manifest-files.json cannot be read: " in things("import", "Things", "two/a").err
    Path("three/data").mkdir(parents=True)
    Path("three/data/of-another").touch()
    assert things("export", "Things", "three").err == "flyexpr: three holds an export already; name another folder\n"
    assert things("export", "Things", "x.csv", "--resume", "journal").code == 2


# full disks and closed streams


def full(*named: str) -> Callable:
    """A stand-in for os.fsync under which these files have no room."""

    def fsync(number: int) -> None:
        name = Path(f"/proc/self/fd/{number}").readlink().name
        if any(part in name for part in named):
            raise OSError(28, "No space left on device")

    return fsync


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")
@pytest.mark.parametrize(
    "full_file, command, named",
    [
        ("journal.new", ["put", "Things", "things.jsonl", "--resume", "journal"], "journal"),
        ("rejects", ["put", "Things", "things.jsonl", "--rejects", "rejects"], "rejects"),
        ("0000.json.gz", EXPORT, "folder/data/0000.json.gz"),
    ],
)
def test_a_full_disk_names_the_file_that_it_is_full_for(things: Inside, monkeypatch, full_file, command, named):
    monkeypatch.setattr("os.fsync", full(full_file))
    end = things(*command)
    assert end.code == 1
    assert end.err.splitlines()[-1] == f"flyexpr: {named}: No space left on device"


@pytest.mark.parametrize("name", ["no/rights.jsonl", "no/rights.csv.gz"])
def test_an_export_file_that_cannot_be_opened_says_why(things: Inside, name: str):
    Path("no").write_text("a file, and no folder")
    end = things("export", "Things", name)
    assert (end.code, end.err) == (1, f"flyexpr: {name}: File exists\n")
    Path("is.jsonl.new").mkdir()
    assert things("export", "Things", "is.jsonl").err == "flyexpr: is.jsonl: Is a directory\n"


def test_an_export_file_that_was_never_there_hides_no_reason(things: Inside, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gzip.open", refuse)
    end = things("export", "Things", "packed.jsonl.gz")
    assert (end.code, end.err) == (1, "flyexpr: packed.jsonl.gz: Permission denied\n")


def test_a_packed_file_that_is_damaged_says_so(things: Inside):
    whole = gzip.compress("".join(LINES).encode() * 50)
    for text in (whole[:-20], whole[:30] + b"\0" * 30 + whole[60:], b"no gzip"):
        Path("in.jsonl.gz").write_bytes(text)
        end = things("put", "Things", "in.jsonl.gz")
        assert (end.code, "flyexpr: in.jsonl.gz: " in end.err) == (1, True)
        assert "Traceback" not in end.err


@pytest.mark.parametrize(
    "closed, script, said",
    [
        (">&-", "flyexpr scan Movies", "flyexpr: Bad file descriptor\n1\n"),
        (">&-", "flyexpr tables", "flyexpr: Bad file descriptor\n1\n"),
        (">&-", "flyexpr --help", "flyexpr: Bad file descriptor\n1\n"),
        (">&-", "flyexpr put Movies more.jsonl --quiet", "0\n"),
        ("<&-", "flyexpr put Movies --quiet", "flyexpr: standard input: Bad file descriptor\n1\n"),
        ("2>&-", "flyexpr get Movies", "2\n"),
    ],
)
def test_streams_that_a_shell_has_closed(movies: Program, closed: str, script: str, said: str):
    (movies.folder / "more.jsonl").write_text('{"year": 1, "title": "a"}\n')
    assert movies.shell(f"{script} {closed}; echo $?") == said
