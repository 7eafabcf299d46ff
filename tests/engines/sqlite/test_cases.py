"""Every case of ../shared/cases.json, where it is present, and the few where this engine's words differ."""

import functools
import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from places import SHARED

from flyexpr.engines import call, connect

DIFFERENT_WORDS: dict[str, str] = {}


def load_cases() -> list[dict[str, Any]]:
    place = SHARED / "cases.json"
    cases: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else []
    return cases


def load_runner() -> ModuleType:
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("run_cases", SHARED / "run_cases.py")
    assert spec is not None
    assert spec.loader is not None
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    sys.path[:] = path
    return runner


CASES = load_cases()


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    return load_runner()


@pytest.fixture(scope="module")
def target(runner: ModuleType) -> Any:
    return runner.CallTarget(functools.partial(call, connect("sqlite::memory:")))


@pytest.mark.skipif(not CASES, reason="../shared/cases.json is not here")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], runner: ModuleType, target: Any) -> None:
    agrees, message_agrees, got = runner.run_case(case, target)
    assert agrees, got
    if case["id"] in DIFFERENT_WORDS:
        assert message_agrees is False, f"{case['id']} no longer differs: strike it out of DIFFERENT_WORDS"
    else:
        assert message_agrees is not False, got


@pytest.mark.skipif(not CASES, reason="../shared/cases.json is not here")
def test_known_differences_are_cases() -> None:
    assert DIFFERENT_WORDS.keys() <= {case["id"] for case in CASES}
