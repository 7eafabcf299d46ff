"""A tour of flyexpr on a table of game scores, in one file and without a server.

python examples/demo.py             in a temporary folder
python examples/demo.py scores.db   in a new file of that name, which you can look at afterwards
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from textwrap import indent, wrap
from typing import Any

import flyexpr
from flyexpr import (
    ConditionFailed,
    F,
    GlobalIndex,
    Table,
    batch_write,
    connect,
    create_table,
    eq,
    explain,
    get,
    gt,
    incr,
    put_item,
    query,
    run,
    show,
    update,
)
from flyexpr.requests.operations import Query

PLAYERS = ["abc", "ada", "bob", "eve", "fay", "gus", "ivy", "joe", "kim", "leo", "mia", "ned", "oda", "pia", "quin"]
FIRST = ["Alien", "Astro", "Comet", "Galaxy", "Meteor", "Rocket", "Starship"]
SECOND = ["Adventure", "Invaders", "Quest"]
TITLES = [f"{one} {two}" for one in FIRST for two in SECOND]
TYPED = {name: getattr(flyexpr, name) for name in flyexpr.__all__} | {"datetime": datetime, "timezone": timezone}


def main(path: Path) -> None:
    """Prints the whole tour; the table stays in the file."""
    scores = Table(
        "GameScores",
        "userid",
        "title",
        attributes={"top_score": int, "top_score_time": datetime, "wins": int, "losses": int},
        indexes=[GlobalIndex("GameTitleIndex", "title", "top_score")],
    ).on(connect(f"sqlite:{path}"))
    run(scores, create_table())
    written = run(scores, batch_write(map(put_item, generated_scores(2026))))
    print(f"flyexpr: {written} scores of {len(PLAYERS)} players in {len(TITLES)} games, in {path.name}")
    tour(scores)
    prove_atomic_increment(scores)
    prove_refused_write(scores)


def generated_scores(seed: int) -> Iterator[dict[str, Any]]:
    """Scores of most players in most games, the same for the same seed; nobody has played Alien Adventure as abc."""
    dice, start = random.Random(seed), datetime(2026, 1, 1, tzinfo=timezone.utc)
    for player in PLAYERS:
        for title in TITLES:
            if dice.random() < 0.9 and (player, title) != ("abc", "Alien Adventure"):
                yield {
                    "userid": player,
                    "title": title,
                    "top_score": dice.randrange(100, 10_000),
                    "top_score_time": start + timedelta(minutes=dice.randrange(400_000)),
                    "wins": dice.randrange(50),
                    "losses": dice.randrange(50),
                }


def tour(scores: Table) -> None:
    """Asks the questions; prints for each what one types, what it means to the engine, and the answer."""
    ask(
        scores,
        "Player abc has scored 9001 in Galaxy Invaders. Write it down.",
        'put(scores, {"userid": "abc", "title": "Galaxy Invaders", "top_score": 9001,\n'
        '             "top_score_time": datetime(2026, 11, 1, tzinfo=timezone.utc)})',
    )
    ask(
        scores,
        "In which games has abc more than 9000 points?",
        'run(scores, query(eq("userid", "abc") & gt("top_score", 9000)))',
        query(eq("userid", "abc") & gt("top_score", 9000)),
    )
    ask(
        scores,
        "Player abc wins Alien Adventure for the first time. Count it.",
        'update(scores, ("abc", "Alien Adventure"), incr("wins", 1), returns="ALL_NEW")',
        incr("wins", 1),
    )
    ask(
        scores,
        "Who holds the record in Galaxy Invaders?",
        'first(scores, query(eq("title", "Galaxy Invaders"), reverse=True))',
        query(eq("title", "Galaxy Invaders"), reverse=True),
    )
    ask(
        scores,
        "Who has more than 9000 points in Comet Quest? (with Python's operators)",
        'run(scores, query((F.title == "Comet Quest") & (F.top_score > 9000)))',
        query((F.title == "Comet Quest") & (F.top_score > 9000)),
    )


def ask(scores: Table, question: str, typed: str, shown: Any = None) -> None:
    """Prints a question, the expression as typed, what it means to the engine, and what it gives.

    The typed text is what is evaluated, so it cannot differ from what is done.
    """
    print(f"\n\n# {question}\n\n{indent(typed, '  ')}\n")
    if isinstance(shown, Query):
        print_plan(scores, shown)
    elif shown is not None:
        print(f"  means    {show(shown)}")
    print_answer(eval(typed, TYPED | {"scores": scores}))


def print_plan(scores: Table, read: Query) -> None:
    """Prints the condition and how it is read: the index, the key condition and the filter."""
    plan = explain(scores, read)
    print(f"  means    {show(read.condition)}")
    print(f"  index    {plan.index or 'none: the table itself'}")
    print(f"  key      {plan.key_condition}")
    if plan.filter:
        print(f"  filter   {plan.filter}")


def print_answer(answer: Any) -> None:
    items = [answer] if isinstance(answer, dict) or answer is None else list(answer)
    for number, item in enumerate(items):
        print(f"  {'' if number else 'answer':<8} {described(item)}")


def described(item: dict[str, Any] | None) -> str:
    """One line for an item.

    >>> described({"userid": "abc", "title": "Comet Quest", "wins": 3})
    'abc   Comet Quest           -     3 wins'
    """
    if item is None:
        return "done"
    time = item.get("top_score_time")
    day = f"{time:%Y-%m-%d}" if time else ""
    score = f"{item.get('top_score', '-'):>5}   {item.get('wins', '-'):>3} wins   {day}"
    return f"{item['userid']:<5} {item['title']:<17} {score}".rstrip()


def prove_atomic_increment(scores: Table) -> None:
    """Prints that all increments count, although several threads make them at once."""
    key, threads, each = ("oda", "Comet Quest"), 8, 50

    def play(_: int) -> None:
        for _ in range(each):
            update(scores, key, incr("wins", 1))

    before = (get(scores, key) or {}).get("wins", 0)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(play, range(threads)))
    after = (get(scores, key) or {})["wins"]
    print(f"\n\n# {threads} threads, {each} wins each, all for one player. Does every one count?\n")
    print('  update(scores, ("oda", "Comet Quest"), incr("wins", 1))\n')
    print(f"  answer   {before} + {threads} x {each} = {after}: {'yes' if after == before + threads * each else 'NO'}")


def prove_refused_write(scores: Table) -> None:
    """Prints the error of a write whose condition is false, and that the item is unchanged."""
    key = ("abc", "Galaxy Invaders")
    before = get(scores, key)
    print("\n\n# A late message says that abc has scored 150. Keep the better score.\n")
    typed = (
        'update(scores, ("abc", "Galaxy Invaders"), assign("top_score", 150),\n       condition=lt("top_score", 150))'
    )
    print(f"{indent(typed, '  ')}\n")
    try:
        eval(typed, TYPED | {"scores": scores})
        print("  answer   written, which is WRONG")
    except ConditionFailed as error:
        print("\n".join(wrap(f"  refused  {error}", 78, subsequent_indent=" " * 11)))
    print(f"  stored   {described(get(scores, key))}{'' if get(scores, key) == before else '  CHANGED'}")


def path_of(arguments: list[str], folder: str) -> Path:
    """The file for the table: the one that the arguments name, or else one in the folder."""
    parser = argparse.ArgumentParser(description="A tour of flyexpr on a table of game scores.")
    parser.add_argument("file", nargs="?", type=Path, help="a new file for the table, to look at afterwards")
    named: Path | None = parser.parse_args(arguments).file
    if named is not None and named.exists():
        parser.error(f"{named} exists already; name a new file")
    return named or Path(folder) / "scores.db"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        try:
            main(path_of(sys.argv[1:], folder))
            sys.stdout.flush()
        except BrokenPipeError:  # the reader has stopped reading
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
