"""Kill -9 at any moment, with several processes at work on the file: nothing that was acknowledged is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def kill(path: Path, kills: int, seed: int) -> None:
    """Run kills.py, which ends badly when something is missing; a process of its own, so that it may fork."""
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [sys.executable, str(script), str(path), str(kills), str(seed)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] > kills
    assert told["acknowledged"] > kills  # there was something to lose
    assert told["altered"] > 0
    assert told["entries"] > 0


def test_dozens_of_kills_lose_nothing(tmp_path: Path) -> None:
    kill(tmp_path / "tables.db", 40, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_hundreds_of_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    kill(tmp_path / "tables.db", 150, seed)
