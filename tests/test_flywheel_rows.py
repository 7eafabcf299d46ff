"""The page for users of flywheel has all of its 71 features, each shown or declined."""

import re

from places import DOCS

PAGE = DOCS / "coming-from-flywheel.md"
FEATURES = 71


def test_every_feature_is_on_the_page_once() -> None:
    numbers = [int(number) for number in re.findall(r"\*\*(\d+)\. ", PAGE.read_text())]
    assert sorted(numbers) == [*range(1, FEATURES + 1)]


def test_every_feature_has_an_example_near_or_a_reason() -> None:
    """A paragraph of features is followed by code, by a table and code, or says that flyexpr does not have them."""
    text = re.sub(r"```python\n.*?```", "CODE", PAGE.read_text(), flags=re.DOTALL)
    without: set[int] = set()
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        if "CODE" not in section:
            without |= {int(number) for number in re.findall(r"\*\*(\d+)\. ", section)}
    assert without == {22, 24, 25, 67}


def test_the_page_stands_alone() -> None:
    links = re.findall(r"\]\(([^)]*)\)", PAGE.read_text())
    assert [link for link in links if link.startswith(("/", "..", "http"))] == []
