"""Queries of a table of 4,600 movies; each answer is compared with a list comprehension over the file."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any

import kept
import pytest
from engines import Engine
from places import SHARED

from flyexpr import (
    ConditionFailed,
    F,
    GlobalIndex,
    LocalIndex,
    Table,
    add,
    append,
    assign,
    batch_write,
    begins_with,
    between,
    contains,
    count,
    create_table,
    decr,
    delete,
    delete_table,
    eq,
    exists,
    first,
    ge,
    get,
    gt,
    incr,
    is_in,
    lt,
    ne,
    not_exists,
    one,
    put,
    put_item,
    query,
    remove,
    run,
    scan,
    size,
    update,
    where,
)

DATA = SHARED / "data" / "moviedata.json"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/moviedata.json is not here")

engine_name, engine = kept.engine_name, kept.engine

Movie = dict[str, Any]


@cache
def movies() -> list[Movie]:
    """The movies in the order of their keys; genre, director and rank are copied out of `info` for the indexes."""
    found = json.loads(DATA.read_text(), parse_float=Decimal)
    return sorted(map(with_index_keys, found), key=lambda movie: (movie["year"], movie["title"].encode()))


def with_index_keys(movie: Movie) -> Movie:
    info = movie["info"]
    keys = {"genre": info.get("genres"), "director": info.get("directors"), "rank": [info.get("rank")]}
    return movie | {name: values[0] for name, values in keys.items() if values and values[0] is not None}


def rating(movie: Movie) -> Decimal:
    return movie["info"].get("rating", Decimal(-1))


def inside(name: str) -> Callable[[Movie], Any]:
    return lambda movie: movie["info"].get(name, [])


actors, genres, plot = inside("actors"), inside("genres"), inside("plot")


@pytest.fixture(scope="module")
def table(engine: Engine) -> Iterator[Table]:
    """All movies, loaded in batches."""
    table = Table(
        kept.unused("movies"),
        "year",
        "title",
        attributes={"year": int, "rank": int},
        indexes=[
            GlobalIndex("ByGenre", "genre", "rank"),
            GlobalIndex("ByDirector", "director", "year", project="keys"),
            LocalIndex("ByRank", "rank", project=["genre"]),
        ],
    ).on(engine)
    run(table, create_table())
    assert run(table, batch_write(map(put_item, movies()))) == len(movies())
    yield table
    run(table, delete_table())


def keys(found: Any) -> list[tuple[int, str]]:
    return [(movie["year"], movie["title"]) for movie in found]


# For each question: the operation, and the movies that it must give, in order.
ORDERED: dict[str, tuple[Any, Callable[[], Any]]] = {
    "all of a year": (
        query(eq("year", 2013)),
        lambda: (m for m in movies() if m["year"] == 2013),
    ),
    "a range of titles, backwards": (
        query(eq("year", 2012) & between("title", "G", "P"), reverse=True),
        lambda: (m for m in reversed(movies()) if m["year"] == 2012 and "G" <= m["title"] <= "P"),
    ),
    "between two titles, without them": (
        query(eq("year", 2010) & gt("title", "Inception") & lt("title", "The Town")),
        lambda: (m for m in movies() if m["year"] == 2010 and "Inception" < m["title"] < "The Town"),
    ),
    "titles that begin with The": (
        query(eq("year", 2001) & begins_with("title", "The ")),
        lambda: (m for m in movies() if m["year"] == 2001 and m["title"].startswith("The ")),
    ),
    "well rated": (
        query(eq("year", 2009) & ge("info.rating", Decimal("7.9"))),
        lambda: (m for m in movies() if m["year"] == 2009 and rating(m) >= Decimal("7.9")),
    ),
    "rated by a float": (
        query(eq("year", 2009) & eq("info.rating", 8.3)),
        lambda: (m for m in movies() if m["year"] == 2009 and rating(m) == Decimal("8.3")),
    ),
    "an actor of several years": (
        query(is_in("year", [1994, 1995, 1999]) & contains("info.actors", "Tom Hanks")),
        lambda: (m for m in movies() if m["year"] in (1994, 1995, 1999) and "Tom Hanks" in actors(m)),
    ),
    "the actor named first": (
        query(eq("year", 2006) & (F.info.actors[0] == "Leonardo DiCaprio")),
        lambda: (m for m in movies() if m["year"] == 2006 and actors(m)[:1] == ["Leonardo DiCaprio"]),
    ),
    "many genres, few actors": (
        query(eq("year", 2011) & ((size("info.genres") >= 5) | (size("info.actors") < 3))),
        lambda: (m for m in movies() if m["year"] == 2011 and (len(genres(m)) >= 5 or 0 < len(actors(m)) < 3)),
    ),
    "without a rating": (
        query(eq("year", 2014) & not_exists("info.rating")),
        lambda: (m for m in movies() if m["year"] == 2014 and "rating" not in m["info"]),
    ),
    "without a plot but with a picture": (
        query(eq("year", 2012) & ~exists(F.info.plot) & exists("info.image_url")),
        lambda: (m for m in movies() if m["year"] == 2012 and not plot(m) and "image_url" in m["info"]),
    ),
    "not a comedy, not a drama": (
        query(eq("year", 2008) & ~(contains("info.genres", "Comedy") | contains("info.genres", "Drama"))),
        lambda: (m for m in movies() if m["year"] == 2008 and not {"Comedy", "Drama"} & {*genres(m)}),
    ),
    "all but one title": (
        query(eq("year", 1994) & ne("title", "Pulp Fiction")),
        lambda: (m for m in movies() if m["year"] == 1994 and m["title"] != "Pulp Fiction"),
    ),
    "a word of the plot": (
        query(eq("year", 2013) & contains("info.plot", "detective")),
        lambda: (m for m in movies() if m["year"] == 2013 and "detective" in plot(m)),
    ),
    "the most popular of a genre": (
        query(eq("genre", "Horror"), limit=7),
        lambda: islice(by_rank("Horror"), 7),
    ),
    "the least popular of a genre": (
        query(eq("genre", "Western") & gt("rank", 100), reverse=True, limit=5),
        lambda: by_rank("Western")[:-6:-1],
    ),
    "the popular of a genre, well rated": (
        query(eq("genre", "Drama") & lt("rank", 500) & gt("info.rating", 8)),
        lambda: (m for m in by_rank("Drama") if m["rank"] < 500 and rating(m) > 8),
    ),
    "the popular of a year": (
        query(eq("year", 2013) & lt("rank", 60), project=["year", "title", "genre"]),
        lambda: sorted((m for m in movies() if m["year"] == 2013 and m["rank"] < 60), key=itemgetter("rank")),
    ),
    "two conditions on one attribute": (
        query(eq("year", 2007) & gt("info.rating", 7) & lt("info.rating", Decimal("7.3"))),
        lambda: (m for m in movies() if m["year"] == 2007 and 7 < rating(m) < Decimal("7.3")),
    ),
}

# The service gives these in an order of its own.
UNORDERED: dict[str, tuple[Any, Callable[[], Any]]] = {
    "of a director": (
        query(eq("director", "Steven Spielberg") & lt("year", 2000), project=["year", "title"]),
        lambda: (m for m in movies() if m.get("director") == "Steven Spielberg" and m["year"] < 2000),
    ),
    "of several directors": (
        query(is_in("director", ["Alfred Hitchcock", "Ridley Scott"]), project=["year", "title"]),
        lambda: (m for m in movies() if m.get("director") in ("Alfred Hitchcock", "Ridley Scott")),
    ),
    "an actor, anywhere": (
        scan(contains("info.actors", "Robert De Niro") & gt("info.rating", 8)),
        lambda: (m for m in movies() if "Robert De Niro" in actors(m) and rating(m) > 8),
    ),
    "long and old": (
        scan(gt("info.running_time_secs", 10_000) & lt("year", 1970), page_size=1000, project=["year", "title"]),
        lambda: (m for m in movies() if m["info"].get("running_time_secs", 0) > 10_000 and m["year"] < 1970),
    ),
}


def by_rank(genre: str) -> list[Movie]:
    return sorted((m for m in movies() if m.get("genre") == genre and "rank" in m), key=itemgetter("rank"))


@pytest.mark.parametrize("name", ORDERED)
def test_questions_with_an_order(table: Table, name: str) -> None:
    read, answer = ORDERED[name]
    expected = list(answer())
    assert expected
    assert keys(run(table, read)) == keys(expected)


@pytest.mark.parametrize("name", UNORDERED)
def test_questions_without_an_order(table: Table, name: str) -> None:
    read, answer = UNORDERED[name]
    expected = sorted(keys(answer()))
    assert expected
    assert sorted(keys(run(table, read))) == expected


def test_items_come_back_whole(table: Table) -> None:
    wanted = [movie for movie in movies() if movie["year"] == 1999]
    assert list(run(table, query(eq("year", 1999)))) == wanted
    assert one(table, query(where(year=1999, title="Fight Club"))) in wanted
    assert get(table, (1999, "Fight Club"), project=["info.rating"]) == {"info": {"rating": Decimal("8.8")}}


def test_counts(table: Table) -> None:
    assert count(table, query(eq("genre", "Comedy"))) == len(by_rank("Comedy"))
    assert count(table, query(eq("year", 2013) & gt("info.rating", 8))) == len(
        [m for m in movies() if m["year"] == 2013 and rating(m) > 8]
    )


def test_the_best_known(table: Table) -> None:
    best = by_rank("Animation")
    assert first(table, query(eq("genre", "Animation"))) == best[0]
    assert first(table, query(eq("genre", "Animation"), reverse=True)) == best[-1]


@pytest.mark.parametrize("taken", [1, 150, 333])
def test_a_long_answer_goes_on_in_the_middle_of_a_page(table: Table, taken: int) -> None:
    wanted = [m for m in movies() if m["year"] == 2013 and rating(m) > 5]
    asked = eq("year", 2013) & gt("info.rating", 5)
    reading = run(table, query(asked, page_size=100))
    before = list(islice(reading, taken))
    assert len(before) == min(taken, len(wanted))
    after = run(table, query(asked, start=reading.cursor)) if reading.cursor is not None else []
    assert before + list(after) == wanted


def test_a_whole_year_is_more_than_one_megabyte_or_page(table: Table) -> None:
    reading = run(table, scan(page_size=900, project=["year", "title"]))
    assert sorted(keys(reading)) == keys(movies())
    assert reading.stats.examined == reading.stats.returned == len(movies())
    assert reading.stats.requests in (6, 7)


# --- writes, in a year that no other test uses


@pytest.fixture
def rush(table: Table) -> Iterator[tuple[int, str]]:
    """The key of a movie that may be changed."""
    (movie,) = (m for m in movies() if (m["year"], m["title"]) == (2013, "Rush"))
    key = (3000, "Rush")
    put(table, {**movie, "year": 3000})
    yield key
    delete(table, key)


def test_nested_updates(table: Table, rush: tuple[int, str]) -> None:
    before = get(table, rush)
    assert before is not None
    change = (
        assign("info.rating", F.info.rating + Decimal("0.5"))
        + decr("info.rank")
        + append("info.actors", "Natalie Dormer")
        + assign("info.genres[0]", "Racing")
        + remove("info.plot")
        + add("tags", "formula 1")
        + incr("views", 10)
    )
    info = {name: value for name, value in before["info"].items() if name != "plot"} | {
        "rating": Decimal("8.8"),
        "rank": 1,
        "actors": [*before["info"]["actors"], "Natalie Dormer"],
        "genres": ["Racing", *before["info"]["genres"][1:]],
    }
    after = before | {"info": info, "tags": {"formula 1"}, "views": 10}
    assert update(table, rush, change, returns="ALL_NEW") == after
    assert get(table, rush) == after


def test_conditional_updates(table: Table, rush: tuple[int, str]) -> None:
    better = assign("info.rating", 9)
    with pytest.raises(ConditionFailed):
        update(table, rush, better, condition=contains("info.actors", "Tom Hanks") & gt("info.rating", 8))
    update(table, rush, better, condition=contains("info.actors", "Daniel Bruhl") & lt("info.rating", 9))
    with pytest.raises(ConditionFailed):
        delete(table, rush, condition=lt(size("info.genres"), 4))
    with pytest.raises(ConditionFailed):
        put(table, {"year": 3000, "title": "Rush"}, condition=not_exists("title"))
    found = get(table, rush)
    assert found is not None
    assert found["info"]["rating"] == 9


def test_an_update_of_an_index_key_moves_the_item(table: Table, rush: tuple[int, str]) -> None:
    moved = query(eq("genre", "Racing"))
    assert first(table, moved) is None
    update(table, rush, assign("genre", "Racing"))
    assert keys(run(table, moved)) == [rush]
    update(table, rush, remove("rank"))
    assert first(table, moved) is None
