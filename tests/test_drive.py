"""The loop that drives steps."""

import pytest

from flyexpr import Stats, Table, put


@pytest.mark.parametrize("stats", [None, Stats()])
def test_an_exhausted_engine_is_not_taken_for_the_end(stats: Stats | None) -> None:
    """A mock that has no more answers raises StopIteration, by which steps say that they are done."""
    answers = iter([b"{}"])
    table = Table("GameScores", "id").on(lambda operation, body: next(answers))
    put(table, {"id": "a"}, stats=stats)
    with pytest.raises(RuntimeError, match="an answer raised StopIteration"):
        put(table, {"id": "b"}, stats=stats)
