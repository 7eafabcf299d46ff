"""The page of the console, in a browser: tables, questions, plans, edits, changes, vectors; and what it may not do."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import browsing, requested, served
from console_page import ConsolePage

from flyexpr import (
    Engine,
    GlobalIndex,
    Table,
    VectorIndex,
    assign,
    batch_write,
    connect,
    create_table,
    delete,
    get,
    put,
    put_item,
    run,
    update,
)
from flyexpr.serve import serve

MOVIES = Table(
    "Movies",
    "year",
    "title",
    attributes={"year": int},
    indexes=[GlobalIndex("ByTitle", "title", "year")],
    stream="both",
)
DOCS = Table("Docs", "id", indexes=[VectorIndex("ByMeaning", "meaning", 3)])
RUSH = {"year": 2013, "title": "Rush", "rating": Decimal("8.123456789012345678901234567"), "tags": {"cars", "true"}}
KEY = (2013, "Rush")
MANY = [{"year": 1990 + number % 7, "title": f"Film {number:03}", "number": number} for number in range(120)]


class Noted:
    """An engine that notes the operations that it is asked for, and answers queries when it may."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.operations, self.queries = engine, list[str](), threading.Event()
        self.queries.set()

    def __call__(self, operation: str, body: bytes) -> bytes:
        self.operations.append(operation)
        if operation == "Query":
            assert self.queries.wait(30)
        return self.engine(operation, body)

    def asked(self, *operations: str) -> list[str]:
        """The operations among these that were asked for."""
        return [operation for operation in self.operations if operation in operations]


READS = ("Query", "Scan", "GetItem", "BatchGetItem")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "UpdateTable", "DeleteTable")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browsing(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def engine() -> Iterator[Noted]:
    with connect("sqlite::memory:") as stored:
        for table in (MOVIES, DOCS):
            run(table.on(stored), create_table())
        run(MOVIES.on(stored), batch_write([put_item(item) for item in (RUSH, *MANY)]))
        vectors = {"north": [0, 1, 0], "northeast": [1, 1, 0], "south": [0, -1, 0]}
        run(DOCS.on(stored), batch_write([put_item({"id": id, "meaning": near}) for id, near in vectors.items()]))
        yield Noted(stored)


@pytest.fixture
def movies(engine: Noted) -> Table[Any]:
    """The table, past the notes of the engine that the server has."""
    return MOVIES.on(engine.engine)


@pytest.fixture
def console(browser: Any, engine: Noted) -> Iterator[ConsolePage]:
    yield from opened(browser, engine, "write")


@pytest.fixture
def reader(browser: Any, engine: Noted) -> Iterator[ConsolePage]:
    yield from opened(browser, engine, "read")


def opened(browser: Any, engine: Noted, rights: Any) -> Iterator[ConsolePage]:
    """The console of a server; at the end, whatever the page did, it asked nobody but its server."""
    with serve(engine, console=rights) as server:
        requested(browser)
        browser.get_log("browser")
        engine.operations.clear()
        yield ConsolePage(browser, server)
        browser.get("about:blank")
        places = {
            urlsplit(url).netloc for url in requested(browser) if urlsplit(url).scheme in ("http", "https", "ws", "wss")
        }
        assert places == {urlsplit(server.url).netloc}
        assert [entry["message"] for entry in browser.get_log("browser") if "Security" in entry["message"]] == []


# --- reading


def test_the_page_shows_the_tables_and_what_they_are(console: ConsolePage):
    console.open()
    console.says("#tables-list", "Movies")
    assert (console.text("#engine"), console.text("#rights")) == ("Noted", "may write")
    console.press("Movies")
    assert console.says("#table-facts", "items").startswith("121 items, ")
    assert console.rows("structure-rows") == [
        ["the table", "table", "year (N), title (S)", "all", "Ask"],
        ["ByTitle", "global", "title (S), year (N)", "all", "Ask"],
    ]
    console.press("Docs")
    console.says("#table-name", "Docs")
    assert console.rows("structure-rows")[1] == ["ByMeaning", "vector", "meaning (3 numbers, cosine)", "all", ""]
    console.browser.back()
    console.says("#table-name", "Movies")


def test_a_list_of_tables_is_filtered_by_name(console: ConsolePage):
    console.open()
    console.says("#tables-list", "Movies")
    console.type("tables-filter", "doc")
    assert console.text("#tables-list") == "Docs"


def test_the_filter_finds_tables_that_were_not_listed_yet(console: ConsolePage, engine: Noted):
    for number in range(120):
        run(Table(f"Extra{number:03}", "id").on(engine.engine), create_table())
    console.open()
    console.says("#tables-count", "(100 and more)")
    console.type("tables-filter", "movies")
    console.says("#tables-count", "(122)")
    assert console.text("#tables-list") == "Movies"


def test_a_table_that_is_not_there_is_named(console: ConsolePage):
    console.browser.get(f"{console.url}#table=Gone")
    console.says("#table-problem", "Gone")
    console.press("Movies")
    console.says("#table-facts", "121 items")
    assert console.text("#table-problem") == ""


def test_an_answer_that_comes_too_late_is_not_shown(console: ConsolePage, engine: Noted):
    engine.queries.clear()
    console.open(table="Movies", text="title = 'Rush'")
    console.until("return document.getElementById('results').ariaBusy")
    console.press("Docs")
    console.says("#table-name", "Docs")
    console.says("#verdict", "A scan")
    engine.queries.set()
    for _ in range(3):
        assert console.call("item", {"table": "Docs", "key": '{"id": "north"}'})[0] == 200
        assert not console.script("return document.getElementById('results').checkVisibility()")


def test_every_item_is_on_one_page(console: ConsolePage):
    console.open(table="Movies")
    console.press("Allow ")
    seen = []
    for number in (1, 2, 3):
        console.says("#items-count", f"Page {number}:")
        seen.append(console.rows())
        if number < 3:
            console.press("Next")
    assert [len(rows) for rows in seen] == [50, 50, 21]
    assert sorted(row[1] for rows in seen for row in rows) == sorted(["Rush", *(item["title"] for item in MANY)])
    assert console.script("return document.getElementById('next').disabled")
    console.press("Previous")
    console.says("#items-count", "Page 2:")
    assert console.rows() == seen[1]
    console.press("First page")
    console.says("#items-count", "Page 1:")
    assert console.rows() == seen[0]


def test_an_index_is_browsed_from_either_end(console: ConsolePage):
    console.open(table="Movies", text="year = 1990", descending="true")
    console.says("#items-count", "Page 1:")
    titles = [row[1] for row in console.rows()]
    assert titles == sorted(titles, reverse=True)
    assert len(titles) == 18
    console.browser.find_element("id", "descending").click()
    console.press("Run")
    console.until(
        "return document.querySelector('#items-rows tbody tr').cells[1].innerText === arguments[0]", titles[-1]
    )


def test_a_question_begins_at_a_key(console: ConsolePage):
    console.open(table="Movies")
    console.browser.find_element("css selector", "[aria-label='Begin a condition on the key of ByTitle']").click()
    assert console.focused() == "text"
    console.keys("Rush", "\ue007")
    console.says("#items-count", "Page 1: 1 item")
    assert console.script("return document.getElementById('text').value") == "title = 'Rush'"
    assert "ByTitle" in console.text("#verdict")


def test_numbers_keep_their_digits(console: ConsolePage):
    console.open(table="Movies", text="title = 'Rush'")
    console.says("#items-count", "1 item")
    assert console.rows() == [["2013", "Rush", "8.123456789012345678901234567", '{"$set": ["cars", "true"]}']]
    console.press("2013")
    assert '"rating": 8.123456789012345678901234567,' in console.says("#item-body", "rating")


TEXTS = [
    '{"a": 1, "b": [], "c": {}, "d": [1, [2, {"e": null}]], "f": true}',
    '{"a": 12345678901234567890123456789012345678, "b": 1E-130, "c": -0.10, "d": {"$set": [1.0, 2]}}',
    r'{"a \\ \" b": "\u2028 \\\\ \" { [ , : ] }", "é😀": "\n\t", "": ""}',
    '{"long": "' + "word " * 60 + '", "more": [' + ", ".join(map(str, range(90))) + "]}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_json_is_shown_as_it_was_written(console: ConsolePage, text: str):
    console.open()
    exact = partial(json.loads, parse_float=str, parse_int=str, object_pairs_hook=list)
    for shown in console.script(
        "const value = readJson(arguments[0]); return [jsonText(value), prettyJson(value)]", text
    ):
        assert exact(shown) == exact(text)


def test_data_is_text_whatever_it_looks_like(console: ConsolePage, movies: Table[Any]):
    sly = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"
    put(movies, {"year": 1, "title": sly, sly: {"in": sly}})
    console.open(table="Movies", text="year = 1")
    console.says("#items-count", "1 item")
    assert console.rows()[0][1] == sly
    console.press("1")
    console.says("#item-body", "onerror")
    assert console.script("return document.querySelectorAll('img, td b').length") == 0
    assert console.browser.title == "Movies – flyexpr console"


# --- plans


def test_the_plan_is_shown_as_one_types(console: ConsolePage, engine: Noted):
    console.open(table="Movies")
    console.says("#verdict", "A scan")
    verdicts = []
    for typed, verdict in (
        ("title = 'Rush'", "A query of ByTitle"),
        (" AND year = 2013", "A get of the table"),
        (" AND ", "✗"),
        ("year > 2014", "Nothing is sent"),
    ):
        console.browser.find_element("id", "text").send_keys(typed)
        verdicts.append(console.says("#verdict", verdict))
    assert "0.5 to 50 read units a request" in verdicts[1]
    assert engine.asked(*READS) == []


def test_the_whole_plan_is_there(console: ConsolePage):
    console.open(table="Movies")
    console.type("text", "title = 'Rush' AND rating > 8")
    console.says("#verdict", "A query of ByTitle")
    assert console.text("#parts").splitlines() == ["key condition", "title = 'Rush'", "filter", "rating > 8"]
    assert "the filter drops items that were read and paid for" in console.text("#warnings")
    console.press("The whole plan")
    plan = console.says("#plan-lines", "key condition")
    assert "title = 'Rush'" in plan
    assert "partition key `year` has no value" in plan


@pytest.mark.parametrize(
    "text, line, column",
    [
        ("rating >> 8", "rating >> 8", 7),
        ("title = '😀' AND\n  year >> 1", "  year >> 1", 7),
        ("  a = = 1", "a = = 1", 4),
        ("ab = 1 or " * 9 + "c = = 1", "…" + ("ab = 1 or " * 9)[-26:] + "c = = 1", 31),
    ],
)
def test_a_mistake_is_shown_at_its_place(console: ConsolePage, text: str, line: str, column: int):
    console.open(table="Movies")
    console.says("#verdict", "A scan")
    console.edit("text", "", text)
    assert console.says("#mistake", "^").splitlines() == [line, " " * column + "^ here"]
    assert console.text("#verdict").startswith("✗ ")
    assert console.script("return document.getElementById('text').getAttribute('aria-invalid')") == "true"


def test_a_scan_without_a_budget_is_refused(console: ConsolePage, engine: Noted):
    console.open(table="Movies")
    console.type("text", "number > 100")
    console.says("#scan-cost", "about 1 read unit")
    console.keys("\ue007")
    console.says("#scan-problem", "say first how much it may cost")
    assert console.focused() == "budget"
    assert engine.asked(*READS) == []
    status, answer = console.call("page", {"table": "Movies", "text": "number > 100", "size": 50})
    assert (status, answer["needs"]) == (400, "budget")
    assert engine.asked(*READS) == []
    console.keys("2", "\ue007")
    console.says("#items-count", "Page 1: 19 items")
    assert set(engine.asked(*READS)) == {"Scan"}


def test_a_scan_stops_at_its_budget(console: ConsolePage, engine: Noted, movies: Table[Any]):
    run(movies, batch_write([put_item({"year": 1, "title": f"{n:03}", "plot": "x" * 4000}) for n in range(120)]))
    console.open(table="Movies")
    console.type("budget", "5")
    console.press("Run")
    console.says("#items-count", "Page 1:")
    for number in range(2, 30):
        console.press("Next")
        console.until(f"return reading.number === {number} || !document.getElementById('scan-problem').hidden")
        if console.text("#scan-problem"):
            break
    assert console.text("#scan-problem").startswith("✗ Of 5 read units, ")
    spent, reads = console.script("return reading.spent"), len(engine.asked("Scan"))
    assert 5 <= spent < 8
    assert console.focused() == "budget"
    console.type("budget", "50")
    console.press("Next")
    console.until(f"return reading.number === {number}")
    assert console.script("return reading.spent") > spent
    assert len(engine.asked("Scan")) > reads


# --- writing


def rush(console: ConsolePage) -> None:
    """Opens the item in the page."""
    console.open(table="Movies", text="title = 'Rush'")
    console.says("#items-count", "1 item")
    console.press("2013")
    console.says("#item-body", "rating")


def test_an_edit_shows_its_changes_before_it_writes(console: ConsolePage, engine: Noted, movies: Table[Any]):
    rush(console)
    console.press("Edit")
    console.edit("item-text", '"cars"', '"fast"')
    console.edit("item-text", '"Rush"', '"Rush", "wins": 3')
    console.press("Show the changes")
    assert "wins: is new, 3" in console.says("#item-body ul", "wins")
    assert "wins = 3" in console.text("#item-body pre")
    assert engine.asked(*WRITES) == []
    assert get(movies, KEY) == RUSH
    console.press("Write")
    console.says("#said", "✓ The changes are written.")
    assert get(movies, KEY) == {**RUSH, "wins": 3, "tags": {"fast", "true"}}
    assert engine.asked(*WRITES) == ["UpdateItem"]
    assert "3" in console.rows()[0]
    assert console.focused() == "Open year 2013, title Rush"


def test_an_item_that_is_gone_is_named(console: ConsolePage, movies: Table[Any]):
    console.open(table="Movies", text="title = 'Rush'")
    console.says("#items-count", "1 item")
    delete(movies, KEY)
    console.press("2013")
    console.says("#item-body", "This item is not in the table any more.")
    assert console.focused() == "Close"


def test_a_deletion_of_what_changed_meanwhile_is_refused(console: ConsolePage, movies: Table[Any]):
    rush(console)
    console.press("Delete…")
    update(movies, KEY, assign("tags", {"slow"}))
    console.press("Delete")
    console.says("#item-title", "Not deleted: the item has changed")
    assert console.focused() == "Take what is stored"
    assert get(movies, KEY)["tags"] == {"slow"}


def test_a_text_that_is_no_item_is_not_lost(console: ConsolePage, engine: Noted):
    rush(console)
    console.press("Edit")
    console.edit("item-text", '"Rush",', '"Rush"')
    console.press("Show the changes")
    console.says("#item-body", "not JSON")
    assert '"Rush"\n' in console.script("return document.getElementById('item-text').value")
    console.keys("\ue00c")
    console.press("Go on editing")
    console.edit("item-text", '"Rush"', '"Rush",')
    console.press("Show the changes")
    console.says("#item-body", "Nothing is changed.")
    assert engine.asked(*WRITES) == []


def test_a_key_cannot_be_edited(console: ConsolePage, engine: Noted):
    rush(console)
    console.press("Edit")
    console.edit("item-text", '"Rush"', '"Hush"')
    console.press("Show the changes")
    console.says("#item-body .problem", "key")
    assert engine.asked(*WRITES) == []


def test_escape_asks_before_it_discards(console: ConsolePage, engine: Noted):
    rush(console)
    console.press("Edit")
    console.edit("item-text", '"cars"', '"fast"')
    console.press("Show the changes")
    console.says("#item-title", "Write these changes?")
    console.keys("\ue00c")
    console.says("#item-title", "Discard your changes?")
    assert console.focused() == "Go on editing"
    console.keys("\ue007")
    console.until("return document.getElementById('item-text')?.value.includes('fast')")
    console.keys("\ue00c")
    console.press("Discard")
    console.until("return !document.getElementById('item').open")
    assert engine.asked(*WRITES) == []


def test_an_item_that_changed_meanwhile_is_not_overwritten(console: ConsolePage, movies: Table[Any]):
    rush(console)
    console.press("Edit")
    console.edit("item-text", '"cars"', '"fast"')
    update(movies, KEY, assign("tags", {"slow"}))
    console.press("Show the changes")
    console.press("Write")
    console.says("#item-title", "Not written")
    assert console.focused() == "Compare mine with it"
    assert "slow" in console.text("#item-body pre")
    assert get(movies, KEY)["tags"] == {"slow"}
    console.press("Compare mine with it")
    console.says("#item-title", "Write these changes?")
    console.press("Write")
    console.says("#said", "written")
    assert get(movies, KEY)["tags"] == {"fast", "true"}


def test_an_item_is_deleted_after_a_question(console: ConsolePage, engine: Noted, movies: Table[Any]):
    rush(console)
    console.press("Delete…")
    console.says("#item-title", "Delete year 2013, title Rush?")
    assert console.focused() == "Keep it"
    console.press("Keep it")
    console.says("#item-body", "rating")
    assert engine.asked(*WRITES) == []
    console.press("Delete…")
    console.press("Delete")
    console.says("#said", "✓ The item is deleted.")
    assert get(movies, KEY) is None
    assert console.rows() == []


def test_a_new_item_is_put_where_none_is(console: ConsolePage, movies: Table[Any]):
    console.open(table="Movies")
    console.press("New item")
    console.edit("item-text", '"year": 0', '"year": 2013')
    console.edit("item-text", '"title": ""', '"title": "Rush"')
    console.press("Show the changes")
    console.press("Write the item")
    console.says("#item-title", "Not written")
    assert get(movies, KEY) == RUSH
    console.press("Take what is stored")
    console.says("#item-body", "rating")
    console.press("Close")
    console.press("New item")
    console.edit("item-text", '"title": ""', '"title": "Zero"')
    console.press("Show the changes")
    console.says("#item-title", "Write this new item?")
    console.press("Write the item")
    console.says("#said", "✓ The item is written.")
    assert get(movies, {"year": 0, "title": "Zero"}) == {"year": 0, "title": "Zero"}


def test_without_the_right_to_write_nothing_can_be_written(reader: ConsolePage, engine: Noted):
    rush(reader)
    assert reader.text("#rights") == "read-only"
    buttons = reader.script(
        "return [...document.querySelectorAll('button')].filter(one => one.checkVisibility()).map(one => one.innerText)"
    )
    assert not {"Edit", "Delete…", "New item"} & {*buttons}
    assert "Copy" in buttons
    old = reader.script("return opened.old")
    key = '{"year": 2013, "title": "Rush"}'
    calls = {
        "save": {"table": "Movies", "key": key, "old": old, "item": old.replace("cars", "fast")},
        "delete": {"table": "Movies", "key": key, "old": old},
        "create": {"table": "Movies", "item": '{"year": 1, "title": "x"}'},
    }
    assert {name: reader.call(name, body)[0] for name, body in calls.items()} == dict.fromkeys(calls, 403)
    assert engine.asked(*WRITES) == []


# --- changes and vectors


def test_changes_arrive_while_one_watches(console: ConsolePage, movies: Table[Any]):
    console.open(table="Movies", view="changes")
    console.says("#changes-state", "Watching. 0 changes")
    console.until("return watch.cursor")
    put(movies, {"year": 1, "title": "New"})
    update(movies, {"year": 1, "title": "New"}, assign("wins", 3))
    console.says("#changes-state", "2 changes so far")
    newest, first = console.text("#changes-list").split("~ changed")[1], console.text("#changes-list li:last-child")
    assert "wins: nothing → 3" in newest
    assert first.startswith("+ new year 1, title New")
    console.press("Pause")
    console.says("#changes-state", "Paused")
    put(movies, {"year": 2, "title": "Later"})
    assert "Later" not in console.text("#changes-list")
    console.press("Go on")
    console.says("#changes-list", "Later")


def test_the_list_of_changes_does_not_grow_without_end(console: ConsolePage, movies: Table[Any]):
    console.open(table="Movies", view="changes")
    console.until("return watch.cursor")
    run(movies, batch_write([put_item({"year": 1, "title": f"n{number:03}"}) for number in range(450)]))
    console.says("#changes-state", "450 changes so far, the last 200 are shown")
    rows = "return [...document.querySelectorAll('#changes-list li')].map(row => row.innerText)"
    titles = [row.split("title n")[1][:3] for row in console.script(rows)]
    assert titles == [f"{number:03}" for number in range(449, 249, -1)]


def test_vectors_are_searched(console: ConsolePage):
    console.open(table="Docs", view="search")
    console.type("vector", "[0, 2, 0.5")
    console.press("Search")
    console.says("#near-problem", "A vector is a list of numbers in brackets")
    console.type("vector", "[0, 2, 0]")
    console.press("Search")
    console.says("#near-count", "3 items, the best first")
    assert [row[:2] for row in console.rows("near-rows")] == [["0", "north"], ["0.29289", "northeast"], ["2", "south"]]
    assert "1 - cosine" in console.text("#near-notes")


def test_the_vector_of_an_item_is_searched(console: ConsolePage):
    console.open(table="Docs", text="id = 'south'")
    console.says("#items-count", "1 item")
    console.press("south")
    console.press("Search from this item by ByMeaning")
    console.says("#near-count", "3 items")
    assert [row[1] for row in console.rows("near-rows")] == ["south", "northeast", "north"]


# --- memory


COUNTS = """
const [pages, done] = arguments
;(async () => {
  for (let number = 0; number < pages && reading.next; number++) await nextPage()
  done(reading.number)
})()
"""


@pytest.mark.parametrize("count", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_all_of_a_large_table_is_paged_through_without_growing(browser: Any, count: int):
    table = Table("Many", "id", "n", attributes={"n": int})
    with connect("sqlite::memory:") as stored, serve(stored, console="read") as server:
        run(table.on(stored), create_table())
        run(table.on(stored), batch_write([put_item({"id": "a", "n": n}) for n in range(count)]))
        console = ConsolePage(browser, server)
        console.open(table="Many")
        console.script("document.getElementById('size').value = '100'")
        console.type("text", "id = 'a'")
        console.keys("\ue007")
        console.says("#items-count", "Page 1: 100 items")
        browser.set_script_timeout(300)
        assert browser.execute_async_script(COUNTS, 100) == 101
        before = grown(browser)
        assert browser.execute_async_script(COUNTS, count) == count // 100
        after = grown(browser)
        assert [row[1] for row in console.rows()] == [str(n) for n in range(count - 100, count)]
    assert after["Nodes"] <= before["Nodes"] * 1.05
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] * 1.2
    assert after["JSEventListeners"] <= before["JSEventListeners"] * 1.05


def grown(browser: Any) -> dict[str, float]:
    """What the page holds, after what nobody needs is gone."""
    browser.get_log("performance")  # or the driver keeps the notes of every request
    browser.execute_cdp_cmd("Performance.enable", {})
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


# --- who may use it

FOREIGN = """<!doctype html><title>elsewhere</title><iframe src="%(page)s"></iframe>
<form method="post" enctype="text/plain" action="%(calls)screate" target="gone">
<input name='{"table": "Movies", "item": "{\\"year\\": 1, \\"title\\": \\"' value='\\"}"}'></form>
<iframe name="gone"></iframe><script>
const token = new URL("%(page)s").searchParams.get("token")
const body = JSON.stringify({table: "Movies", item: '{"year": 1, "title": "taken"}'})
const ways = [
  {headers: {"Content-Type": "application/json", "X-Flyexpr-Token": token}},
  {headers: {"Content-Type": "text/plain"}},
  {mode: "no-cors", headers: {"Content-Type": "text/plain"}},
]
document.forms[0].submit()
Promise.all(ways.map(way => fetch("%(calls)screate", {method: "POST", body, ...way}).then(
  answer => `${answer.type} ${answer.status}`, error => error.name)).concat(
  fetch("%(page)s").then(() => "read", error => error.name)))
  .then(done => { document.title = done.join(", ") })
</script>"""


def test_a_page_of_another_origin_can_do_nothing(browser: Any, engine: Noted, tmp_path: Path):
    """Not even one that knows the token."""
    with serve(engine, console="write") as server, served(tmp_path) as elsewhere:
        calls = f"{server.url}/console/api/"
        (tmp_path / "foreign.html").write_text(FOREIGN % {"page": server.console_url, "calls": calls})
        engine.operations.clear()
        browser.get(f"{elsewhere}/foreign.html")
        console = ConsolePage(browser, server)
        console.until("return document.title !== 'elsewhere'")
        assert browser.title == "TypeError, TypeError, opaque 0, TypeError"
        assert {"create", "tables"} & {urlsplit(url).path.rpartition("/")[2] for url in requested(browser)} == {
            "create"
        }
    assert engine.operations == []


def test_a_wrong_token_opens_nothing(console: ConsolePage, engine: Noted):
    url, _, token = console.url.partition("?token=")
    for wrong in (url, f"{url}?token=", f"{url}?token={token[:-1]}", f"{url}?token={token}x"):
        console.open(wrong)
        assert "the token is wrong or missing" in console.text("body")
    console.open()
    console.says("#tables-list", "Movies")
    engine.operations.clear()
    console.script("history.replaceState(null, '', '?token=old'); location.reload()")
    console.until("return !document.getElementById('tables-list')")
    assert engine.operations == []


def test_a_server_that_is_gone_is_named(browser: Any, engine: Noted):
    with serve(engine, console="read") as server:
        console = ConsolePage(browser, server)
        console.open(table="Movies")
        console.says("#verdict", "A scan")
    console.type("text", "year = 1")
    console.says("#verdict", "The server does not answer.")
