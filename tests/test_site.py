"""The site of the documentation, in a browser: links, search, phones, contrast, the questions of a new user."""

import inspect
import re
import typing
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urlencode, urljoin, urlsplit

import pytest
from browser import PHONE, browsing, build_site, pale_texts, served
from places import DATA, DOCS
from public import GROUPS, NAMES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsing(tmp_path_factory.mktemp("profile")) as one:
        yield one


# --- what is in the files


class Facts(HTMLParser):
    """What a page links to, what it loads, which places in it can be linked to, its titles, pictures and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.places: set[str] = set()
        self.titles, self.without_text = 0, 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        self.titles += tag == "h1"
        self.without_text += tag == "img" and not values.get("alt")
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        elif tag in ("link", "script", "img", "iframe") and (source := values.get("src") or values.get("href")):
            self.loads.add(source)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def facts(site: Path, pages: list[str]) -> dict[str, Facts]:
    return {page: Facts((site / page).read_text()) for page in pages}


def broken_links(site: Path, facts: dict[str, Facts]) -> list[tuple[str, str]]:
    """Each page with what it links to or loads that the site does not have."""
    broken = []
    for page, seen in facts.items():
        for link in seen.links | seen.loads:
            if urlsplit(link).scheme in ("http", "https", "data", "mailto"):
                continue
            target, place = urldefrag(urljoin(f"/{page}", link))
            file = site / unquote(target).strip("/")
            file = file / "index.html" if file.is_dir() else file
            name = file.relative_to(site).as_posix()
            if not file.is_file() or (place and name in facts and unquote(place) not in facts[name].places):
                broken.append((page, link))
    return sorted(broken)


def test_no_link_is_broken(site: Path, facts: dict[str, Facts]) -> None:
    assert broken_links(site, facts) == []


def test_a_page_has_one_title_and_its_pictures_have_words(facts: dict[str, Facts]) -> None:
    assert {page: seen.titles for page, seen in facts.items() if seen.titles != 1} == {}
    assert {page: seen.without_text for page, seen in facts.items() if seen.without_text} == {}


def test_no_file_is_loaded_from_elsewhere(facts: dict[str, Facts]) -> None:
    assert {page: far for page, seen in facts.items() if (far := {x for x in seen.loads if "//" in x})} == {}


LEFT = re.compile(r"<p>(?:[^<]*\n)?\s*(?:[-*] |\d+\. |\|).*|<blockquote>.*|<p>(?:\.\.\.|&gt;&gt;&gt;).*")


def test_every_list_table_and_doctest_is_shown_as_one(site: Path, pages: list[str]) -> None:
    """MkDocs leaves as text what it does not understand, such as a list right below a paragraph."""
    assert LEFT.search("<p>one\n- two</p>")
    assert LEFT.search("<p>&gt;&gt;&gt; eq(1, 2)</p>")
    assert {page: left for page in pages if (left := LEFT.findall((site / page).read_text()))} == {}


@pytest.mark.parametrize("group", [purpose.replace(" ", "-") for purpose in GROUPS])
def test_the_reference_shows_what_the_docstrings_say(facts: dict[str, Facts], group: str) -> None:
    """Each entry has a place of its own, and the beginning of its docstring."""
    seen = facts[f"reference/{group}.html"]
    text = " ".join(seen.text.split())
    entries = re.findall(r"^::: (flyexpr\.[\w.]+)$", (DOCS / f"reference/{group}.md").read_text(), re.MULTILINE)
    for entry in entries:
        thing = NAMES[entry.split(".")[-1]]
        plain = typing.get_origin(thing) is None and (inspect.isroutine(thing) or inspect.isclass(thing))
        said = inspect.getdoc(thing) if plain else None
        assert entry in seen.places
        assert " ".join((said or "").split("\n\n")[0].replace("`", "").split()) in text, entry
    assert entries


# --- what a browser shows


class Shown(NamedTuple):
    """What a browser loaded for a page, how wide the page is on a phone, and which of its texts are pale."""

    loaded: list[str]
    width: int
    pale: dict[str, dict[str, str]]


def look(browser: Any, address: str) -> Shown:
    browser.get(address)
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    pale = {scheme: pale_texts(browser, scheme) for scheme in ("default", "slate")}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return Shown(loaded, width, pale)


@pytest.fixture(scope="module")
def shown(browser: Any, url: str, pages: list[str]) -> dict[str, Shown]:
    """Each page is opened once, for all of the tests."""
    return {page: look(browser, f"{url}/{page}") for page in pages}


FAULTY = """<!doctype html><meta name="viewport" content="width=device-width"><title>x</title>
<body style="background: white"><p style="color: #999">pale</p><p style="width: 900px">wide</p><img src="gone.png">
<a href="#gone">there</a> <a href="faulty.html">here</a>
"""


def test_a_faulty_page_is_found(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "faulty.html").write_text(FAULTY)
    seen = Facts(FAULTY)
    assert broken_links(tmp_path, {"faulty.html": seen}) == [("faulty.html", "#gone"), ("faulty.html", "gone.png")]
    assert (seen.titles, seen.without_text) == (0, 1)
    with served(tmp_path) as address:
        loaded, width, pale = look(browser, f"{address}/faulty.html")
    assert f"{address}/gone.png" in loaded
    assert width > 900
    assert [text.split()[-1] for text in pale["default"].values()] == ["pale"]


def test_a_browser_loads_nothing_from_elsewhere(shown: dict[str, Shown], url: str) -> None:
    far = {page: [name for name in seen.loaded if not name.startswith((url, "data:"))] for page, seen in shown.items()}
    assert {page: names for page, names in far.items() if names} == {}
    assert all(seen.loaded for seen in shown.values())


def test_a_phone_shows_every_page_without_sideways_scrolling(shown: dict[str, Shown]) -> None:
    assert {page: seen.width for page, seen in shown.items() if seen.width > PHONE["width"]} == {}


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_every_text_stands_out_from_its_ground(shown: dict[str, Shown], scheme: str) -> None:
    """At least 4.5 to 1, and 3 to 1 where the letters are large: level AA of WCAG 2."""
    pale = {colours: f"{page}: {what}" for page, seen in shown.items() for colours, what in seen.pale[scheme].items()}
    assert pale == {}


# --- the questions


class Question(NamedTuple):
    text: str
    way: str
    page: str
    answer: str


QUESTIONS = [
    Question(*(part.strip() for part in line.split(" | ")))
    for line in (DATA / "questions.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_a_new_user_finds_the_answer(browser: Any, url: str, facts: dict[str, Facts], question: Question) -> None:
    page, place = urldefrag(question.page)
    found = clicked(browser, url, question.way) if " > " in question.way else searched(browser, url, question.way)
    assert f"{url}/{page}" in found
    assert question.answer in facts[page].text
    assert not place or place in facts[page].places


def clicked(browser: Any, url: str, way: str) -> list[str]:
    """Where the links of these names lead, from the first page on."""
    browser.get(f"{url}/index.html")
    for name in way.split(" > "):
        links = browser.find_elements("xpath", f"//nav//a[normalize-space()='{name}']")
        browser.get(links[0].get_property("href"))
    return [browser.current_url]


def searched(browser: Any, url: str, words: str) -> list[str]:
    """The pages of the first five results of the site's search, best first."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{url}/index.html?{urlencode({'q': words})}")
    read = "return [...document.querySelectorAll('a.md-search-result__link')].map(link => link.href)"
    results: list[str] = WebDriverWait(browser, 30, 0.05).until(lambda _: browser.execute_script(read))
    return [*dict.fromkeys(urljoin(link, urlsplit(link).path) for link in results)][:5]
