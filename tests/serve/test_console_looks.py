"""How the page of the console is seen and reached: by keys, on a phone, in the dark, without colours; its size."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from browser import PHONE, browsing, pale_texts
from console_page import ConsolePage

from flyexpr import GlobalIndex, Table, VectorIndex, batch_write, connect, create_table, put_item, run
from flyexpr.serve import serve
from flyexpr.serve.console.page import whole_page

WORD = "Donaudampfschifffahrtsgesellschaft" * 4
THINGS = Table(
    "Things-of-a-rather-long-name.and-more",
    "id",
    "a rather long name of a sort key",
    indexes=[GlobalIndex("ByAnotherAttributeOfALongName", "another attribute", "id"), VectorIndex("ByMeaning", "v", 2)],
    stream="both",
)
ITEMS = [
    {"id": "x", "a rather long name of a sort key": f"{number:03} {WORD}", "text": WORD, WORD: number, "v": [1, number]}
    for number in range(60)
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsing(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def things() -> Iterator[Table[Any]]:
    with connect("sqlite::memory:") as engine:
        table = THINGS.on(engine)
        run(table, create_table())
        run(table, batch_write(map(put_item, ITEMS)))
        yield table


@pytest.fixture(scope="module")
def console(browser: Any, things: Table[Any]) -> Iterator[ConsolePage]:
    with serve(things.engine, console="write") as server:
        yield ConsolePage(browser, server)


def test_the_page_is_small_and_holds_all_that_it_needs():
    text = whole_page().body.decode()
    assert len(text.encode()) < 100_000
    assert re.findall(r'(?:src|href)="(?!data:,")[^"]*"', text) == []
    assert re.findall(r"https?://|//[a-z]+\.", text) == []


def test_data_gets_into_the_page_as_text_only():
    text = whole_page().body.decode()
    assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|eval\(|new Function", text) == []


# --- the keyboard

TAB, ENTER, ESCAPE, UP, DOWN, END, HOME, PAGE_DOWN = (
    "\ue004",
    "\ue007",
    "\ue00c",
    "\ue013",
    "\ue015",
    "\ue010",
    "\ue011",
    "\ue00f",
)


def test_all_of_it_can_be_done_by_keys_alone(console: ConsolePage):
    console.open()
    console.says("#tables-list", THINGS.name)
    for _ in range(10):
        console.keys(TAB)
        if console.focused() == THINGS.name:
            break
    console.keys(ENTER)
    console.says("#table-name", THINGS.name)
    console.keys("/")
    assert console.focused() == "text"
    console.keys(*"id = 'x'", ENTER)
    console.says("#items-count", "Page 1: 50 items")
    for _ in range(12):
        console.keys(TAB)
        if console.focused().startswith("Open id x"):
            break
    console.keys(DOWN, DOWN, UP)
    assert f"{1:03} Donau" in console.focused()
    console.keys(END)
    assert f"{49:03} Donau" in console.focused()
    console.keys(PAGE_DOWN)
    console.says("#items-count", "Page 2: 10 items")
    console.until("return document.activeElement.ariaLabel?.includes('050 Donau')")
    console.keys(ENTER)
    console.says("#item-body", '"id": "x"')
    for _ in range(5):
        console.keys(TAB)
        if console.focused() == "Edit":
            break
    console.keys(ENTER)
    console.until("return document.activeElement.id === 'item-text'")
    console.keys(ESCAPE)
    console.until("return !document.getElementById('item').open")
    assert "050 Donau" in console.focused()


def test_escape_leaves_the_condition_and_closes_what_is_open(console: ConsolePage):
    console.open(table=THINGS.name)
    console.keys("/")
    assert console.focused() == "text"
    console.keys(ESCAPE, "?")
    console.says("#help", "Keyboard")
    console.keys(ESCAPE)
    console.until("return !document.getElementById('help').open")
    console.keys("/", "/", "?")
    assert console.script("return document.getElementById('text').value") == "/?"


def test_nothing_holds_the_focus_and_each_stop_shows_it(console: ConsolePage):
    """Tab goes once through the whole page, in the order in which it is read, and comes round."""
    console.open(table=THINGS.name, text="id = 'x'")
    console.says("#items-count", "50 items")
    console.script("document.activeElement.blur(); document.getElementById('skip').focus()")
    stops: list[tuple[int, str]] = []
    script = """
    const one = document.activeElement, {outlineStyle, outlineWidth} = getComputedStyle(one)
    const place = [...document.querySelectorAll("*")].indexOf(one)
    return [place, one.id || one.tagName, outlineStyle !== "none" && parseFloat(outlineWidth) >= 2]
    """
    for _ in range(60):
        place, name, visible = console.script(script)
        if name == "BODY" or (stops and place == stops[0][0]):
            break
        assert visible, name
        stops.append((place, name))
        console.keys(TAB)
    assert [place for place, _ in stops] == sorted(place for place, _ in stops)
    assert {"skip", "keys", "tables-filter", "text", "index", "descending", "size", "run", "next"} <= {
        name for _, name in stops
    }
    assert len(stops) < 40


def test_every_control_has_a_name(console: ConsolePage):
    console.open(table=THINGS.name, text="id = 'x'")
    console.says("#items-count", "50 items")
    nodes = console.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "spinbutton")
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert [role for role, name in found if role in controls and not name] == []
    assert (
        "textbox",
        "Condition Enter runs it, Shift+Enter begins a line; without a condition the whole table is read",
    ) in found


# --- every state of the page, on a phone and in both colour schemes


def states(console: ConsolePage, things: Table[Any]) -> Iterator[str]:
    """Brings the page into each of its states; gives their names."""
    console.open()
    console.says("#tables-list", THINGS.name)
    yield "tables"
    console.open(table=THINGS.name)
    console.says("#verdict", "A scan")
    console.press("Run")
    console.says("#scan-problem", "Not run")
    yield "a scan refused"
    console.script("document.getElementById('structure').open = true")
    console.press("The whole plan")
    yield "the keys and the plan"
    console.type("text", f"{WORD} >> 1")
    console.says("#mistake", "^")
    yield "a mistake"
    console.open(table=THINGS.name, text="id = 'x'")
    console.says("#items-count", "50 items")
    yield "rows"
    console.script("document.querySelector('#items-rows th button').click()")
    console.says("#item-body", '"id": "x"')
    yield "an item"
    console.press("Edit")
    yield "an editor"
    console.edit("item-text", '"x"', '"x", "n": 1')
    console.press("Show the changes")
    console.says("#item-body", "n: is new")
    yield "a review"
    console.press("Go on editing")
    console.edit("item-text", "{", "")
    console.press("Show the changes")
    console.says("#item-body", "not JSON")
    yield "no JSON"
    console.open(table=THINGS.name, view="search")
    console.type("vector", "[1, 2]")
    console.press("Search")
    console.says("#near-count", "10 items")
    yield "a search"
    console.open(table=THINGS.name, view="changes")
    console.until("return watch.cursor")
    run(things, batch_write([put_item({**ITEMS[0], "text": "new"}), put_item(ITEMS[0])]))
    console.says("#changes-state", "change")
    yield "changes"
    console.press("Keyboard")
    yield "the keys"


def test_a_phone_shows_each_state_without_sideways_scrolling(console: ConsolePage, things: Table[Any]):
    console.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    script = """
    const dialog = [...document.querySelectorAll("dialog[open]")].at(-1)
    return Math.max(document.documentElement.scrollWidth, dialog ? dialog.scrollWidth + 2 * dialog.offsetLeft : 0)
    """
    try:
        widths = {state: console.script(script) for state in states(console, things)}
    finally:
        console.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert {state: width for state, width in widths.items() if width > PHONE["width"]} == {}
    assert len(widths) == 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(console: ConsolePage, things: Table[Any], scheme: str):
    """At least 4.5 to 1, and 3 to 1 where the letters are large: level AA of WCAG 2."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    console.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    grounds, pale = set(), {}
    for state in states(console, things):
        grounds.add(console.script("return getComputedStyle(document.body).backgroundColor"))
        pale |= {f"{state}: {colours}": text for colours, text in pale_texts(console.browser).items()}
    assert pale == {}
    assert grounds == {"rgb(255, 255, 255)" if scheme == "light" else "rgb(30, 33, 41)"}


def test_what_a_colour_says_is_said_in_words_too(console: ConsolePage, things: Table[Any]):
    """Each element with a colour of its own begins with a mark or is a word."""
    coloured = set()
    for _ in states(console, things):
        script = """
        const coloured = [...document.querySelectorAll(".good, .bad, .warn, .danger, .problem")]
        return coloured.filter(one => one.checkVisibility()).map(one => one.innerText)
        """
        coloured |= set(console.script(script))
    assert coloured
    assert [text for text in coloured if not re.search(r"[a-z]{3}|✗", text)] == []
