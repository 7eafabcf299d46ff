"""The writes of long work: puts in batches, guarded updates and deletes one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flyexpr.cli.bulk import Job
from flyexpr.cli.marked import item_text
from flyexpr.cli.reads import is_repeatable
from flyexpr.cli.rejects import Refusal
from flyexpr.errors import ConditionFailed, DynamoError, FlyexprError
from flyexpr.nodes import Condition, Update
from flyexpr.operations import DeleteItem, PutItem, UpdateItem, batch_write
from flyexpr.requests import batch_member
from flyexpr.steps.batches import WRITES
from flyexpr.sync import run
from flyexpr.tables import Table
from flyexpr.values import Item


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
    flyexpr.cli.rejects.Refusal: line 2: at `title`: an item of 'GameScores' needs its key
    >>> get(scores, ("x", "y"))
    {'userid': 'x', 'title': 'y'}

    An item that is refused is a matter of the job's rejects; all others are put.
    """
    for wave in _waves(table, items):
        batches = [wave[start : start + WRITES] for start in range(0, len(wave), WRITES)]
        for refusal in [
            one for refused in job.each(lambda batch: _put_batch(job, table, batch), batches) for one in refused
        ]:
            job.rejects.add(refusal)


def _waves(table: Table, items: Iterable[Placed]) -> list[list[Placed]]:
    """The items in as many lists as the most frequent key needs, each key once in a list."""
    seen: Counter[Any] = Counter()
    waves: list[list[Placed]] = []
    for placed in items:
        key = tuple((type(value) is bool, value) for value in map(placed.item.get, table.keys) if _hashable(value))
        if seen[key] == len(waves):
            waves.append([])
        waves[seen[key]].append(placed)
        seen[key] += 1
    return waves


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bytes) or hasattr(value, "as_tuple")


def _put_batch(job: Job, table: Table, batch: Sequence[Placed]) -> list[Refusal]:
    """Puts up to 25 items with different keys; those that are refused."""
    try:
        run(table, batch_write([PutItem(placed.item) for placed in batch]))
        job.add(len(batch))
        return []
    except DynamoError as error:
        if error.code != "ValidationException" or len(batch) == 1:
            if error.code != "ValidationException":
                raise
            return [_refusal(batch[0], error)]
        return [refusal for placed in batch for refusal in _put_batch(job, table, [placed])]
    except FlyexprError:
        refused = {place: refusal for place, placed in enumerate(batch) if (refusal := _check(table, placed))}
        if not refused:
            raise
        good = [placed for place, placed in enumerate(batch) if place not in refused]
        return [*refused.values(), *(_put_batch(job, table, good) if good else [])]


def check_all(job: Job, table: Table, items: Iterable[Placed]) -> None:
    """Looks whether items could be put, as far as that can be told without sending them.

    >>> check_all(Job("put"), scores, [Placed("line 1", {"userid": 7, "title": "y"})])
    Traceback (most recent call last):
    ...
    flyexpr.cli.rejects.Refusal: line 1: at `userid`: expected str, got int
    """
    for placed in items:
        refusal = _check(table, placed)
        if refusal:
            job.rejects.add(refusal)
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


def delete_all(job: Job, table: Table, items: Iterable[Item], condition: Condition) -> None:
    """Deletes the items that are there and match, one by one; one that changed meanwhile stays, and is not counted.

    >>> job = Job("delete")
    >>> delete_all(job, scores, [{"userid": "abc", "title": "Comet Quest"}], exists("wins")); job.done
    1.0
    """
    operations = [DeleteItem({name: item[name] for name in table.keys}, condition) for item in items]
    job.each(lambda operation: _write(job, table, operation), operations)


def update_all(job: Job, table: Table, part: str, items: Iterable[Item], update: Update, condition: Condition) -> None:
    """Updates the items that are there and match, one by one, and none twice.

    >>> job = Job("update")
    >>> update_all(job, scores, "0", [get(scores, ("abc", "Comet Quest"))], incr("wins", 1), exists("wins")); job.done
    1.0

    An update that may not be done twice, such as an increment, is announced in the journal with the values that it
    finds. When the job goes on after a crash, an item that holds other values than that was updated already.
    """
    wanted = list(items)
    if not is_repeatable(update):
        earlier = job.journal.found_notes(part)
        done = {
            key for item in wanted if (key := _key_text(table, item)) in earlier and earlier[key] != _seen(update, item)
        }
        wanted = [item for item in wanted if _key_text(table, item) not in done]
        job.add(len(done))
        job.journal.note(part, {**{_key_text(table, item): _seen(update, item) for item in wanted}, **earlier})
    operations = [UpdateItem({name: item[name] for name in table.keys}, update, condition) for item in wanted]
    job.each(lambda operation: _write(job, table, operation), operations)


def _key_text(table: Table, item: Item) -> str:
    return item_text({name: item[name] for name in table.keys})


def _seen(update: Update, item: Item) -> str:
    """What an item holds where an update changes it."""
    names = sorted({str(action.path.parts[0]) for action in update.actions})
    return item_text({name: item[name] for name in names if name in item})


def _write(job: Job, table: Table, operation: DeleteItem | UpdateItem) -> None:
    try:
        run(table, operation)
    except ConditionFailed:
        return
    except DynamoError as error:
        if error.code != "ValidationException":
            raise
        job.rejects.add(_refusal(Placed(f"item {item_text(operation.key)}", operation.key), error))
    else:
        job.add(1)
