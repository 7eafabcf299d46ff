"""The fixture `program`: the command line in an empty folder, with an engine of its own."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from program import Inside, Program

if not all(map(importlib.util.find_spec, ("click", "rich"))):  # the extra `cli`
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture(scope="session")
def folder_of_movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the program after it has made a table of three movies."""
    program = Program(tmp_path_factory.mktemp("movies"))
    program("create", "Movies", "year:N", "title", "--index", "ByTitle title year:N")
    program("put", "Movies", stdin=MOVIES)
    return program.folder


@pytest.fixture
def movies(program: Program, folder_of_movies: Path) -> Program:
    """The program with a table of three movies: a copy, which takes no process."""
    shutil.copytree(folder_of_movies, program.folder, dirs_exist_ok=True)
    return program


@pytest.fixture
def inside(program: Program, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Inside:
    """The program of `program`, run in this process, which is quicker."""
    monkeypatch.chdir(program.folder)
    monkeypatch.setenv("FLYEXPR_ENGINE", program.url)
    monkeypatch.setenv("COLUMNS", "100")
    return Inside(monkeypatch, capfdbinary)


MOVIES = """\
{"year": 2013, "title": "Rush", "info": {"rating": 8.3, "genres": ["Action", "Drama"]}, "tags": {"$set": ["cars"]}}
{"year": 2013, "title": "Gravity", "info": {"rating": 8.2, "genres": ["Drama"]}}
{"year": 1991, "title": "Rush", "info": {"rating": 6.5}, "wins": 1}
"""
