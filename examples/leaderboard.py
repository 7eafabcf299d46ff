"""A leaderboard behind a web API: pages with cursors, changes guarded by a version, and errors as status codes.

    pip install fastapi uvicorn
    SCORES=sqlite:scores.db uvicorn examples.leaderboard:app

The handlers are awaited, and share one engine. SCORES takes any URL of `flyexpr.aio.connect`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from typing_extensions import TypedDict  # comes with FastAPI, which asks for it

from flyexpr import (
    BadCursor,
    ConditionFailed,
    ExpressionError,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    aio,
    assign_all,
    create_table,
    eq,
    query,
)


class Score(TypedDict, total=False):
    userid: str
    title: str
    top_score: int
    plays: int
    at: datetime
    version: int


SCORES = Table.of(
    Score,
    "GameScores",
    "userid",
    "title",
    indexes=[GlobalIndex("ByScore", "title", "top_score")],
    version="version",
)

STATUS = {BadCursor: 400, ConditionFailed: 409, ValidationError: 422, ExpressionError: 422}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aio.connect(os.environ.get("SCORES", "sqlite::memory:")) as engine:
        app.state.scores = SCORES.on(engine)
        await aio.run(app.state.scores, create_table(if_missing=True))
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(FlyexprError)
async def refused(request: Request, error: FlyexprError) -> JSONResponse:
    """What the caller can mend; anything else is the server's fault."""
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        raise error
    return JSONResponse({"detail": str(error)}, status)


@app.get("/games/{title}")
async def best(
    request: Request, title: str, limit: int = Query(20, ge=1, le=100), cursor: str | None = None
) -> dict[str, Any]:
    """The best players of a game; `next` asks for the page after this one, and is null on the last."""
    page = await aio.run(request.app.state.scores, query(eq("title", title), reverse=True, start=cursor)).page(limit)
    return {"scores": page.items, "next": page.cursor}


@app.get("/players/{userid}/{title}")
async def one_score(request: Request, userid: str, title: str) -> Score:
    score: Score | None = await aio.get(request.app.state.scores, (userid, title))
    if score is None:
        raise HTTPException(404, f"{userid} has never played {title}")
    return score


@app.post("/players/{userid}/{title}")
async def played(request: Request, userid: str, title: str, score: int) -> Score:
    """Counts a game, however many are posted at the same time, and keeps the best score."""

    def better(old: Score) -> Score:
        best = {"top_score": score, "at": datetime.now(timezone.utc)} if score > old.get("top_score", -1) else {}
        return {**old, "plays": old.get("plays", 0) + 1, **best}  # type: ignore[typeddict-item]

    result: Score | None = await aio.modify(request.app.state.scores, (userid, title), better, attempts=50)
    assert result, "it is None only where the function returns {}"
    return result


@app.patch("/players/{userid}/{title}")
async def edited(request: Request, userid: str, title: str, version: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Changes any fields, if the score still has the version that the caller has seen."""
    seen = eq("version", version)
    result: dict[str, Any] = await aio.update(
        request.app.state.scores, (userid, title), assign_all(fields), condition=seen, returns="ALL_NEW"
    )
    return result
