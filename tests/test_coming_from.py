"""On the pages for users of another client, both sides run and find the same."""

import ast
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pages import blocks, closing_loop, evaluated, shows, steps
from places import DOCS

from flyexpr import connect
from flyexpr.serve import serve


def pairs(page: str) -> Iterator[tuple[str, str]]:
    """Each block of the other client's code, with the block for flyexpr that follows it."""
    theirs = ""
    for block in blocks(DOCS / page, "python"):
        assert not (theirs and block.title), f"nothing follows {theirs!r}"
        if block.title:
            theirs = block.code
        else:
            yield theirs, block.code
            theirs = ""
    assert not theirs


def plain(value: Any) -> Any:
    """The value with every number as a Decimal and every sequence as a list, since clients differ in these."""
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return Decimal(str(value))
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
    return value


@pytest.mark.parametrize("client, compared", [("boto3", 10), ("pynamodb", 9)])
def test_both_sides_find_the_same(client: str, compared: int) -> None:
    moto = pytest.importorskip("moto", reason="moto is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(client, reason=f"{client} is not installed")
    with moto.mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in other libraries
        assert compare(f"coming-from-{client}.md") == compared


def test_both_sides_find_the_same_with_aiodynamo(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no mock, so the other side talks to the embedded engine behind HTTP."""
    pytest.importorskip("aiodynamo", reason="aiodynamo is not installed")
    yarl = pytest.importorskip("yarl", reason="aiohttp is not installed")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with connect("sqlite::memory:") as engine, serve(engine) as server:
        there = f', "eu-west-1", endpoint=yarl.URL({server.url!r}))'
        assert compare("coming-from-aiodynamo.md", yarl=yarl, replaced=(', "eu-west-1")', there)) == 9


def compare(page: str, replaced: tuple[str, str] = ("", ""), **names: Any) -> int:
    """Runs both sides of a page; how many of their steps found something, and the same."""
    theirs: dict[str, Any] = {"__name__": "theirs", "Decimal": Decimal, **names}
    ours: dict[str, Any] = {"__name__": "ours"}
    same = 0
    with closing_loop(theirs), closing_loop(ours):
        for code, session in pairs(page):
            for side in (theirs, ours):
                side.pop("found", None)
            evaluated(ast.parse(code.replace(*replaced)), theirs)
            for step in steps(session):
                shows(step.node, ours)  # whether it shows the right thing, the tests of the page ask
            assert ("found" in theirs) == (bool(code) and "found" in ours), code
            if "found" in theirs:
                assert plain(theirs["found"]) == plain(ours["found"]), code
                same += 1
    return same


def test_numbers_are_compared_as_such() -> None:
    assert plain([1, {"a": (Decimal("1.50"), True)}]) == [Decimal(1), {"a": [Decimal("1.5"), True]}]
