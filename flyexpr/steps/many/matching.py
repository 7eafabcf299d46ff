"""Writes to every item that a query or scan gives.

A journal holds the keys that are read and not written yet, and says what the items under way hold. So a job that goes
on reads nothing twice, and looks at what was under way when it was interrupted.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap
from typing import Any

from flyexpr.errors import BatchIncomplete, FlyexprError
from flyexpr.expressions.conditions import exists
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Path, Update
from flyexpr.expressions.show import show
from flyexpr.records import replace
from flyexpr.requests.items import prepared
from flyexpr.requests.mistakes import need_read
from flyexpr.requests.operations import Read, UpdateItem
from flyexpr.requests.plan.access import access_of_keys
from flyexpr.requests.request import Request
from flyexpr.schema.kinds import Kinds, kinds_in, narrowed
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import CHUNK, Bulk, each
from flyexpr.steps.many.item_write import Announced, ItemWrite, touched
from flyexpr.steps.reads.lanes import Lanes
from flyexpr.steps.reads.reading import Clock, keys_only
from flyexpr.steps.step import TURN, Steps, Together
from flyexpr.values.decode import decode_item
from flyexpr.values.plain_json import item_text
from flyexpr.values.types import Item

_PASSED: Item = {}  # in place of a key that does not match: reading it took time too
_LOOK = 64  # keys between pauses
_WINDOWS = 50  # entries of a journal, at most, for the keys of one read
_NAMED = 3  # items that an error names


def update_matching(
    table: Table[Any], read: Read, update: Update, dry_run: bool, clock: Clock, bulk: Bulk
) -> Steps[int]:
    """How many items of a read were updated, or with `dry_run` would be."""
    need(update, Update, "update_matching takes an update such as incr('wins', 1)")
    return bulk.paced(_write_matching(table, read, update, dry_run, clock, bulk))


def delete_matching(table: Table[Any], read: Read, dry_run: bool, clock: Clock, bulk: Bulk) -> Steps[int]:
    """How many items of a read were removed, or with `dry_run` would be."""
    return bulk.paced(_write_matching(table, read, None, dry_run, clock, bulk))


def _write_matching(
    table: Table, read: Read, update: Update | None, dry_run: bool, clock: Clock, bulk: Bulk
) -> Steps[int]:
    """How many items of a read were written: updated, or without an update removed."""
    need_read(read)
    table = narrowed(table, read.condition)
    item_write = ItemWrite(table, exists(Path((table.partition_key,))) & read.condition, update)
    asked, access = keys_only(table, read)
    if dry_run:
        return (yield from _counted(item_write, Lanes(table, asked, clock, access=access), bulk))
    work = _Work(item_write, bulk)
    yield from work.resumed(read)
    if bulk.has_journal and item_write.foresees and (whole := _whole_items(table, read, bulk)) is not None:
        work.known, asked, access = {}, whole, None
    if work.cursor is not None:
        lanes = Lanes(table, replace(asked, start=work.cursor or None), clock, access=access)
        yield from work.done(lanes, keeping=update is not None and moves(table, read, update))
    if work.unknown:
        raise BatchIncomplete(bulk.done, map(item_write.key, work.unknown), item_write.what, work.why_unknown)
    bulk.close()
    return bulk.done


def moves(table: Table, read: Read, update: Update) -> bool:
    """Whether the update can move an item in the index that the read goes through, so that it is read again.

    >>> read = query(eq("title", "Comet Quest") & gt("top_score", 100))
    >>> moves(scores, read, incr("top_score")), moves(scores, read, incr("wins"))
    (True, False)

    If so, all keys have to be read before the first update.
    """
    changed = {name for kind in kinds_in(table) for name in touched(kind, update)}
    return not changed.isdisjoint(table.keys_of(access_of_keys(table, read).index))


def _whole_items(table: Table, read: Read, bulk: Bulk) -> Read | None:
    """The read of whole items as they are stored, each of which is written soon after it is read.

    None for an index, which has no consistent reads, and for a table that does not give items as they are stored.
    """
    if table.decoders or table.reads_more or isinstance(table, Kinds):
        return None
    if access_of_keys(table, read).index is not None:
        return None
    side_by_side = min(bulk.workers, getattr(read, "segments", None) or 1)
    size = min(read.page_size or CHUNK, max(1, CHUNK // side_by_side))
    return replace(read, project=None, consistent=True, bad="keep", page_size=size)


def _counted(item_write: ItemWrite, lanes: Lanes, bulk: Bulk) -> Steps[int]:
    """How many items would be written; raises what the update of the first one would raise."""
    if bulk.has_journal:
        raise FlyexprError("a dry run does nothing that a journal could hold; leave out journal=")
    read = _Keys(item_write, lanes, bulk)
    while (keys := (yield from read.next())) is not None:
        if item_write.update is not None and keys and not item_write.needs_look:
            prepared(item_write.table, UpdateItem(keys[0], item_write.update, item_write.condition))
        bulk.note(len(keys))
    return bulk.done


class _Keys:
    """The keys of a read: of a page of each lane, but of no more lanes at the same time than there are workers.

    `known`, if it is given, takes the items themselves, by the texts of their keys.
    """

    def __init__(self, item_write: ItemWrite, lanes: Lanes, bulk: Bulk, known: dict[str, Item] | None = None) -> None:
        self._item_write, self._lanes, self._bulk, self._known = item_write, lanes, bulk, known
        self._pages = deque[Iterator[Item]]()  # that came and are not taken to their end
        self._failure: FlyexprError | None = None  # of a page that did not come, once the others are taken

    def next(self, most: int | None = None) -> Steps[list[Item] | None]:
        """The next keys, up to `most` of them; None at the end."""
        keys = list[Item]()
        try:
            is_over = not self._pages and not (yield from self._ask())
            yield from self._take(keys, most)
            if self._failure is not None and not self._pages:
                raise self._failure
        except FlyexprError as error:
            self._bulk.ended(self._item_write.what, keys, self._lanes.cursor, error)
            raise
        return None if is_over else keys

    def _ask(self) -> Steps[bool]:
        """Asks for pages, side by side; whether there were any to ask for."""
        taken, bodies = [*islice(iter(self._lanes.take, None), self._bulk.workers)], list[tuple[int, bytes]]()

        def answer(lane: int, request: Request) -> Steps[tuple[int, bytes]]:
            return lane, (yield request)

        try:
            yield Together(starmap(answer, taken), min(self._bulk.workers, len(taken)), bodies.append)
        except FlyexprError as error:
            self._failure = error
        self._pages.extend(self._lanes.feed(lane, body, _PASSED) for lane, body in bodies)
        return bool(taken)

    def _take(self, keys: list[Item], most: int | None) -> Steps[None]:
        """Appends keys of the pages that came, with pauses in between for other tasks."""
        while self._pages:
            for number, item in enumerate(self._pages[0]):
                if item is not _PASSED:
                    keys.append(item if self._known is None else self._key(item, self._known))
                if number % _LOOK == 0:
                    yield TURN
                if len(keys) == most:
                    return
            self._pages.popleft()

    def _key(self, item: Item, known: dict[str, Item]) -> Item:
        key = self._item_write.table.key_in(item)
        known[self._item_write.text(key)] = item
        return key


class _Work:
    """The writes to the items of a read, and how far they are.

    `cursor` is where the read goes on, None at its end; `unknown` has the keys of items of which nobody knows whether
    they were written. Keys that stand in a journal are texts. `known` has the items that are read and not announced
    yet, if the read gives whole items.
    """

    def __init__(self, item_write: ItemWrite, bulk: Bulk) -> None:
        self.item_write, self._bulk = item_write, bulk
        self.cursor: str | None = ""
        self.unknown: list[str] = []
        self.known: dict[str, Item] | None = None

    def resumed(self, read: Read) -> Steps[None]:
        """Goes on where the journal says, and does what was under way."""
        self.cursor = read.start or ""
        if not self._bulk.has_journal:
            return
        mark = yield from self._bulk.resumed(self.item_write.table, *_call(self.item_write, read))
        if mark is None:
            yield from self._enter([])
            return
        self.cursor, self.unknown = mark["cursor"], mark["unknown"]
        verdicts = yield from self.item_write.verdicts(mark["announced"], self._bulk)
        self.unknown += [text for text, verdict in verdicts.items() if verdict == "unknown"]
        self._bulk.note(sum(verdict == "done" for verdict in verdicts.values()))
        left = [text for text in mark["keys"] if verdicts.get(text, "open") == "open"]
        yield from self._enter(left)
        yield from self._write_journaled(left)

    @property
    def why_unknown(self) -> str:
        """Why nobody knows whether some items were updated, and what to do about them."""
        named = ", ".join(item_text(decode_item(json.loads(text))) for text in self.unknown[:_NAMED])
        more = f" and {len(self.unknown) - _NAMED} more" if len(self.unknown) > _NAMED else ""
        return (
            f"others changed {named}{more} after a crash, so nobody can know whether the update was made\n"
            "  hint: look at these items, make the update where it is missing, and delete the journal"
        )

    def done(self, lanes: Lanes, keeping: bool) -> Steps[None]:
        """Writes to the items that the lanes give; with `keeping`, all keys are read, and kept, before the first write.

        An item that its update moves would be read again, and updated twice.
        """
        kept, read = dict[str, Item](), _Keys(self.item_write, lanes, self._bulk, self.known)
        while (keys := (yield from read.next(CHUNK if self._bulk.has_journal else None))) is not None:
            if keeping:
                kept |= {self.item_write.text(key): key for key in keys}
            else:
                self.cursor = lanes.cursor
                yield from self._write(keys)
        if keeping:
            self.cursor = None
            yield from self._write(kept.values())

    def _write(self, keys: Iterable[Item]) -> Steps[None]:
        if self._bulk.has_journal:
            yield from self._write_journaled([*map(self.item_write.text, keys)])
        else:
            yield from each(
                self._bulk, self.item_write.what, dict(enumerate(keys)), self.item_write.written, self.cursor
            )

    def _write_journaled(self, texts: Sequence[str]) -> Steps[None]:
        size = max(CHUNK, len(texts) // _WINDOWS)
        for start in range(0, len(texts), size):
            yield from self._write_some(texts[start : start + size], texts[start + size :])
        yield from self._enter([])

    def _write_some(self, texts: Sequence[str], rest: Sequence[str]) -> Steps[None]:
        item_write, begun = self.item_write, set[str]()
        try:
            announced = yield from item_write.announced(texts, self._bulk, self.known or {})
        except FlyexprError as error:  # of a read: none of these is written
            self._bulk.ended(item_write.what, map(item_write.key, (*texts, *rest)), self.cursor, error)
            raise
        if self.known is not None:
            self.known.clear()
        yield from self._enter([*announced, *rest], announced)

        def unit(key: Item) -> Steps[bool]:
            begun.add(item_write.text(key))
            return (yield from item_write.written(key))

        def enter(left: Mapping[str, Item]) -> Steps[None]:
            return self._enter([*left, *rest], {text: announced[text] for text in left if text in begun})

        keys = {text: item_write.key(text) for text in announced}
        yield from each(self._bulk, item_write.what, keys, unit, self.cursor, map(item_write.key, rest), enter)

    def _enter(self, keys: Sequence[str], announced: Mapping[str, Announced] | None = None) -> Steps[None]:
        mark = {"cursor": self.cursor, "keys": [*keys], "announced": {**(announced or {})}, "unknown": self.unknown}
        return self._bulk.enter(mark)


def _call(item_write: ItemWrite, read: Read) -> tuple[str, dict[str, Any]]:
    """What a journal has to be of: the name of the call, and everything that says which items it writes to, and how."""
    if read.limit is not None or read.budget is not None:
        raise FlyexprError("journal= is for all items of a read; leave out limit= and budget=")
    facts = {name: getattr(read, name, None) for name in ("index", "reverse", "segments", "start")}
    facts |= {"condition": show(read.condition), "part": read.part and [*read.part]}
    if item_write.update is None:
        return "delete_matching", facts
    return "update_matching", facts | {"update": show(item_write.update)}
