"""The writes of long work: puts in batches, guarded updates and deletes one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from flyexpr.cli.jobs.bulk_reads import is_repeatable
from flyexpr.cli.jobs.rejects import Refusal
from flyexpr.cli.jobs.work import Job
from flyexpr.cli.keys import key_text
from flyexpr.errors import ConditionFailed, DynamoError, FlyexprError
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.requests.batches import batch_member
from flyexpr.requests.operations import DeleteItem, PutItem, UpdateItem
from flyexpr.schema.table import Table
from flyexpr.steps.batches import WRITES, Writing
from flyexpr.steps.course import course
from flyexpr.values.kinds import Item
from flyexpr.values.plain_json import item_text


class Placed(NamedTuple):
    """An item, where it comes from, for people, and the text that it was there, if it was one.

    >>> Placed("line 7", {"id": "a"}).text is None
    True
    """

    place: str
    item: Item
    text: str | None = None


def put_all(job: Job, table: Table, items: Sequence[Placed]) -> None:
    """Puts items, in batches side by side; of two with one key the later one is put later.

    >>> job = Job("put")
    >>> put_all(job, scores, [Placed("line 1", {"userid": "x", "title": "y"}), Placed("line 2", {"userid": "x"})])
    Traceback (most recent call last):
    ...
    flyexpr.cli.jobs.rejects.Refusal: line 2: at `title`: an item of 'GameScores' needs its key
    >>> get(scores, ("x", "y"))
    {'userid': 'x', 'title': 'y'}

    Items that could not be sent are found before anything is sent. Where refusals are recorded, all other items are
    put; otherwise the first refusal is raised, and everything before it is put.
    """
    waves = [[_batch(table, items, part) for part in _parts(wave)] for wave in _waves(table, items)]
    refused = {place: refusal for wave in waves for batch in wave for place, refusal in batch.refused.items()}
    if refused and not job.rejects.kept:
        put_all(job, table, items[: min(refused)])
        raise refused[min(refused)]
    for wave in waves:
        for found in job.each(lambda batch: _put_batch(job, table, items, batch), wave):
            refused |= found
    if refused and not job.rejects.kept:
        raise _ending(items, refused)
    for place in sorted(refused):
        job.refuse(refused[place])


class _Batch(NamedTuple):
    """Up to 25 items with different keys: what sends them, their places, and those that cannot be sent."""

    writing: Writing
    places: list[int]
    refused: dict[int, Refusal]


def _batch(table: Table, items: Sequence[Placed], places: list[int]) -> _Batch:
    try:
        return _Batch(Writing(table, [PutItem(items[place].item) for place in places]), places, {})
    except (FlyexprError, RecursionError):
        refused = {place: refusal for place in places if (refusal := _check(table, items[place]))}
        good = [place for place in places if place not in refused]
        return _Batch(Writing(table, [PutItem(items[place].item) for place in good]), good, refused)


def _parts(wave: list[int]) -> list[list[int]]:
    return [wave[start : start + WRITES] for start in range(0, len(wave), WRITES)]


def _waves(table: Table, items: Iterable[Placed]) -> list[list[int]]:
    """The places of items, in as many lists as the most frequent key needs: a key stands once in a list."""
    seen: Counter[Any] = Counter()
    waves: list[list[int]] = []
    for place, (_, item, _) in enumerate(items):
        key = tuple((type(value) is bool, value) for value in map(item.get, table.keys) if _hashable(value))
        if seen[key] == len(waves):
            waves.append([])
        waves[seen[key]].append(place)
        seen[key] += 1
    return waves


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bytes) or hasattr(value, "as_tuple")


def _put_batch(job: Job, table: Table, items: Sequence[Placed], batch: _Batch) -> dict[int, Refusal]:
    """Puts the items of a batch; those that the service refuses, by their places."""
    try:
        job.perform(table, batch.writing.steps())
    except DynamoError as error:
        if error.code != "ValidationException":
            raise
        if len(batch.places) == 1:
            return {batch.places[0]: _refusal(items[batch.places[0]], error)}
        alone = (_put_batch(job, table, items, _batch(table, items, [place])) for place in batch.places)
        return {place: refusal for refused in alone for place, refusal in refused.items()}
    job.add(len(batch.places))
    return {}


def _ending(items: Sequence[Placed], refused: dict[int, Refusal]) -> Refusal:
    """The first refusal that only the service could find; by then later items may be written too."""
    first = refused[min(refused)]
    last = max((place for place in range(len(items)) if place not in refused), default=0)
    if last < min(refused) or first.place == items[last].place:
        return first
    return Refusal(
        first.place,
        f"{first.reason}\n  note: what comes after it is written too, up to {items[last].place}",
        first.text,
    )


def check_all(job: Job, table: Table, items: Iterable[Placed]) -> None:
    """Checks whether items could be put, as far as that shows without sending them.

    >>> check_all(Job("put"), scores, [Placed("line 1", {"userid": 7, "title": "y"})])
    Traceback (most recent call last):
    ...
    flyexpr.cli.jobs.rejects.Refusal: line 1: at `userid`: expected str, got int
    """
    for placed in items:
        refusal = _check(table, placed)
        if refusal:
            job.refuse(refusal)
        else:
            job.add(1)


def _check(table: Table, placed: Placed) -> Refusal | None:
    try:
        batch_member(table, PutItem(placed.item))
    except (FlyexprError, RecursionError) as error:
        return _refusal(placed, error)
    return None


def _refusal(placed: Placed, error: Exception) -> Refusal:
    reason = error.message if isinstance(error, DynamoError) else str(error).partition("\n")[0]
    return Refusal(placed.place, reason, item_text(placed.item) if placed.text is None else placed.text)


def delete_all(job: Job, table: Table, part: str, items: Iterable[Item], condition: Condition) -> None:
    """Deletes the items that are there and match, one by one; one that changed meanwhile stays, and is not counted.

    >>> job = Job("delete")
    >>> delete_all(job, scores, "0", [{"userid": "abc", "title": "Comet Quest"}], exists("wins")); job.done
    1.0
    """
    wanted = _announced(job, table, part, items, lambda item: "")
    operations = [DeleteItem({name: item[name] for name in table.keys}, condition) for item in wanted]
    job.each(lambda operation: _write(job, table, operation), operations)


def update_all(job: Job, table: Table, part: str, items: Iterable[Item], update: Update, condition: Condition) -> None:
    """Updates the items that are there and match, one by one, and none twice.

    >>> job = Job("update")
    >>> update_all(job, scores, "0", [get(scores, ("abc", "Comet Quest"))], incr("wins", 1), exists("wins")); job.done
    1.0
    """
    seen = (lambda item: "") if is_repeatable(update) else partial(_seen, update)
    wanted = _announced(job, table, part, items, seen)
    operations = [UpdateItem({name: item[name] for name in table.keys}, update, condition) for item in wanted]
    job.each(lambda operation: _write(job, table, operation), operations)


def _announced(job: Job, table: Table, part: str, items: Iterable[Item], seen: Callable[[Item], str]) -> Iterable[Item]:
    """The items that are still to be changed, after the journal knows what is `seen` of each before its change.

    When the job continues after a crash, an announced item has been changed already if it holds other values than that,
    or no longer matches. It counts as done.
    """
    by_key = {key_text(table, item): item for item in items}
    earlier = job.journal.found_notes(part)
    done = {key for key, item in by_key.items() if key in earlier and earlier[key] != seen(item)}
    job.add(len(done) + len(job.journal.not_found(part, by_key)))
    wanted = {key: item for key, item in by_key.items() if key not in done}
    job.journal.note(part, {key: seen(item) for key, item in wanted.items()})
    return wanted.values()


def _seen(update: Update, item: Item) -> str:
    """What an item holds where an update changes it."""
    names = sorted({str(action.path.parts[0]) for action in update.actions})
    return item_text({name: item[name] for name in names if name in item})


def _write(job: Job, table: Table, operation: DeleteItem | UpdateItem) -> None:
    try:
        job.perform(table, course(table, operation))
    except ConditionFailed:
        return
    except DynamoError as error:
        if error.code != "ValidationException":
            raise
        job.refuse(_refusal(Placed(f"item {item_text(operation.key)}", operation.key), error))
    else:
        job.add(1)
