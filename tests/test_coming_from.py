"""On the pages for users of another client, both sides run and find the same."""

import doctest
import re
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from places import DOCS

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def steps(page: str) -> Iterator[tuple[str, str]]:
    """Each block of the other client's code, with the flyexpr session that follows it."""
    theirs = ""
    for block in BLOCK.findall((DOCS / page).read_text()):
        if ">>>" in block:
            yield theirs, block
            theirs = ""
        else:
            assert not theirs, f"nothing follows {theirs!r}"
            theirs = block
    assert not theirs


def run_session(session: str, names: dict[str, Any]) -> None:
    """Runs the examples of a session; those that raise are left to the doctest of the page."""
    for example in doctest.DocTestParser().get_examples(session):
        try:
            exec(compile(example.source, "<session>", "single"), names)
        except Exception:
            assert example.exc_msg is not None


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


@pytest.mark.parametrize("client, compared", [("boto3", 10), ("pynamodb", 8)])
def test_both_sides_find_the_same(client: str, compared: int) -> None:
    moto = pytest.importorskip("moto", reason="moto is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(client, reason=f"{client} is not installed")
    theirs: dict[str, Any] = {"__name__": "theirs", "Decimal": Decimal}
    ours: dict[str, Any] = {"__name__": "ours"}
    same = 0
    with moto.mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations in other libraries
        for code, session in steps(f"coming-from-{client}.md"):
            for names in (theirs, ours):
                names.pop("found", None)
            exec(code, theirs)
            run_session(session, ours)
            assert ("found" in theirs) == (bool(code) and "found" in ours), code
            if "found" in theirs:
                assert plain(theirs["found"]) == plain(ours["found"]), code
                same += 1
    assert same == compared


def test_numbers_are_compared_as_such() -> None:
    assert plain([1, {"a": (Decimal("1.50"), True)}]) == [Decimal(1), {"a": [Decimal("1.5"), True]}]
