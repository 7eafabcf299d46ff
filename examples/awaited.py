"""A leaderboard awaited: 100 reads at the same time, pages for a web API, and 20 writers of one item.

    python examples/awaited.py [URL]

Without a URL it uses tables in memory. Each function is what a handler of a web framework would await.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from flyexpr import GlobalIndex, Item, Table, aio, batch_write, create_table, delete_table, eq, put_item, query

PLAYERS = Table(
    "Players",
    "userid",
    attributes={"game": str, "score": int, "visits": int},
    indexes=[GlobalIndex("ByScore", "game", "score")],
)


async def profiles(players: Table, names: list[str]) -> list[Item | None]:
    """The players with these names, each by a GetItem of its own, all at the same time."""
    return await asyncio.gather(*(aio.get(players, name) for name in names))


async def page_of_scores(players: Table, game: str, cursor: str | None = None) -> dict[str, Any]:
    """One page of the leaderboard, best first, and the cursor that asks for the next one; None at the end."""
    items = aio.run(players, query(eq("game", game), index="ByScore", reverse=True, start=cursor))
    page = await items.page(40)
    return {"rows": [(item["userid"], item["score"]) for item in page.items], "next": page.cursor}


async def visit(players: Table, name: str) -> Item | None:
    """The player with one more visit, however many others write at the same time."""
    return await aio.modify(players, name, lambda item: {**item, "visits": item.get("visits", 0) + 1}, attempts=100)


async def main(url: str) -> None:
    async with aio.connect(url) as engine:
        players = PLAYERS.on(engine)
        await aio.run(players, create_table())
        try:
            names = [f"player{number:03d}" for number in range(100)]
            await aio.run(
                players,
                batch_write(
                    put_item({"userid": name, "game": "Comet Quest", "score": 10 * number})
                    for number, name in enumerate(names)
                ),
            )
            players_read = await profiles(players, names)
            print(f"{sum(item is not None for item in players_read)} players read at the same time")

            page, pages = await page_of_scores(players, "Comet Quest"), 1
            print("the best:", *(f"{name} {score}" for name, score in page["rows"][:3]))
            while page["next"] is not None:
                page, pages = await page_of_scores(players, "Comet Quest", page["next"]), pages + 1
            print(f"{pages} pages; the last ends with {page['rows'][-1][0]}")

            await asyncio.gather(*(visit(players, "player007") for _ in range(20)))
            visited = await aio.get(players, "player007")
            print(f"player007 was visited {visited['visits'] if visited else 0} times")
        finally:
            await aio.run(players, delete_table())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "sqlite::memory:"))
