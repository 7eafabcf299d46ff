"""Completion in the shells themselves, typed at a terminal; a shell that is not there is skipped."""

import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import COMMAND, Program

pty = pytest.importorskip("pty")

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(flyexpr completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source <(flyexpr completion zsh)"),
    "fish": (["fish", "--no-config", "-i"], "flyexpr completion fish | source"),
}
LINES = [
    ("flyexpr desc", "describe"),
    ("flyexpr scan Mov", "scan Movies"),
    ("flyexpr query Movies \"title = 'Rush'\" --rev", "query Movies title = 'Rush' --reverse"),
    ("flyexpr query Movies \"title = 'Rush'\" --index ByT", "query Movies title = 'Rush' --index ByTitle"),
    ("flyexpr --engine sqlite:tables.db count Mov", "--engine sqlite:tables.db count Movies"),
    ("flyexpr count --engine sqlite:tables.db Mov", "count --engine sqlite:tables.db Movies"),
    ("flyexpr put Movies more.j", "put Movies more.jsonl"),
    ("flyexpr scan --format ta", "scan --format table"),
    ("flyexpr --engine sqlite:missing.db count Mov", "--engine sqlite:missing.db count Mov"),
]
# What a shell asks is answered by the program; what it is told to run is only written down.
RECORDER = f"""#!/bin/sh
if [ -n "$_FLYEXPR_COMPLETE" ] || [ "$1" = completion ]; then exec {" ".join(COMMAND)} "$@"; fi
echo "$*" > ran.new && mv ran.new ran
"""


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, movies: Program) -> Iterator[int]:
    """The terminal of a shell that has learnt to complete, in the folder of the program."""
    command, setup = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not there")
    (movies.folder / "more.jsonl").touch()
    (movies.folder / "bin").mkdir()
    (movies.folder / "bin" / "flyexpr").write_text(RECORDER)
    (movies.folder / "bin" / "flyexpr").chmod(0o755)
    process, terminal = pty.fork()
    if process == 0:  # the child
        os.chdir(movies.folder)
        own = {"PATH": f"{movies.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(movies.folder), "TERM": "dumb"}
        os.execvpe(command[0], command, movies.environment(own))
    try:
        typed(terminal, f"{setup}; touch ready", movies.folder / "ready")
        yield terminal
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def typed(terminal: int, keys: str, file: Path) -> str:
    """What is in a file, once the line that is typed has written it."""
    os.write(terminal, f"{keys}\n".encode())
    seen, end = b"", time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end, seen.decode()
        if select.select([terminal], [], [], 0.02)[0]:
            seen += os.read(terminal, 65536)
    found = file.read_text().strip()
    file.unlink()
    return found


def test_a_line_is_completed(terminal: int, movies: Program):
    for line, completed in LINES:
        assert typed(terminal, f"{line}\t", movies.folder / "ran") == completed
    assert not (movies.folder / "missing.db").exists()
