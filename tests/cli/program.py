"""The program as a process: run to its end, or watched while it runs."""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from places import ROOT

from flyexpr.cli.app import run_program

COMMAND = [sys.executable, "-W", "error", "-m", "flyexpr.cli"]


def environment(**more: str) -> dict[str, str]:
    """The environment of the tests, in which the program is found from any folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLYEXPR_ENGINE")}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | more


def settled(text: str) -> str:
    r"""What the program says in every run: without the usage that click puts before an error, and with no time.

    >>> settled("Usage: flyexpr [OPTIONS]\nTry 'flyexpr --help' for help.\n\nError: no\n")
    'Error: no\n'
    >>> settled("flyexpr: 1 item put, 0 read units, 1 write unit, 0.3 s\n")
    'flyexpr: 1 item put, 0 read units, 1 write unit, 0.0 s\n'
    """
    return re.sub(r"\b\d+\.\d s\n", "0.0 s\n", re.sub(r"\AUsage: .*\n.*\n\n", "", text))


class Program:
    """The program in a folder, on the engine `sqlite:tables.db` there."""

    def __init__(self, folder: Path, url: str = "sqlite:tables.db") -> None:
        self.folder, self.url = folder, url

    def __call__(self, *arguments: str, stdin: str | bytes = b"", code: int = 0, **more: str) -> str:
        """What the program writes to stdout; it has to end with that exit code."""
        done = self.run(*arguments, stdin=stdin, **more)
        assert done.returncode == code, (done.returncode, done.stdout[-500:], done.stderr.decode())
        return done.stdout.decode()

    def error(self, *arguments: str, stdin: str | bytes = b"", code: int = 1, **more: str) -> str:
        """What the program writes to stderr; it has to end with that exit code."""
        done = self.run(*arguments, stdin=stdin, **more)
        assert done.returncode == code, (done.returncode, done.stdout[-500:], done.stderr.decode())
        return done.stderr.decode()

    def run(self, *arguments: str, stdin: str | bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*COMMAND, *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment(more),
            timeout=300,
        )

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """The program, running."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment(more),
        )

    def shell(self, script: str) -> str:
        """What a bash script writes, in which `flyexpr` is the program."""
        tools = self.folder / ".tools"
        tools.mkdir(exist_ok=True)
        (tools / "flyexpr").write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
        (tools / "flyexpr").chmod(0o755)
        done = subprocess.run(
            ["bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env=self.environment({"PATH": f"{tools}:{os.environ['PATH']}"}),
            timeout=300,
        )
        return done.stdout.decode()

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return environment(FLYEXPR_ENGINE=self.url, **more)


class Ended(NamedTuple):
    """A run that has ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


class Inside:
    """The program in this very process and folder, its streams captured."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[bytes]) -> None:
        self._monkeypatch, self._captured = monkeypatch, captured

    def __call__(self, *arguments: str, stdin: str | bytes = b"") -> Ended:
        """The end of a run with these arguments."""
        self._captured.readouterr()  # what a run before has left
        given = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin)
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
        code = run_program(arguments)
        found = self._captured.readouterr()
        return Ended(code, found.out.decode(), found.err.decode())


def until(ready: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Waits for something that a running process does."""
    while not ready():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.005)
