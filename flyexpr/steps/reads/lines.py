"""A query or scan whose items come as lines of plain JSON, for those who only write them down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from flyexpr.schema.known_forms import forms_of
from flyexpr.schema.stored_items import check_stored
from flyexpr.steps.reads.reading import Reading
from flyexpr.values.answers import Page, malformed
from flyexpr.values.item_lines import line_of
from flyexpr.values.plain_json import item_text, read_item
from flyexpr.values.types import Item


class LineReading(Reading):
    """A reading that gives each item as its line of JSON.

    >>> reading = LineReading(Table("t", "id"), scan(), clock=lambda: 0.0)
    >>> request, page = reading.request(), reading.feed(b'{"Items": [{"id": {"S": "a"}}, {"id": {"S": "b"}}]}')
    >>> next(page), reading.mark
    ('{"id": "a"}', (0, {'id': 'a'}))

    Where all items of a page are wanted as they are stored, one of a known form is never made: its line is put together
    of the answer's text.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        table, access, read = self.table, self.access, self.read
        changed = access.residue is not None or access.trim or table.decoders or table.reads_more
        self._are_as_stored = access.paged and not changed and read.limit is None and read.bad is None

    def feed(self, body: bytes, most: int | None = None, passed: Item | None = None) -> Iterator[Any]:
        """The lines of the items of a page; take them all before the next `request`."""
        if not self._are_as_stored or self._counting or most is not None:
            yield from map(item_text, super().feed(body, most))
            return
        page = Page(body, forms_of(self.table), maker=partial(line_of, keys=self._keys))
        for item in page:
            if page.known:
                self._last = item
                self.stats.returned += 1
                yield item
            else:
                yield item_text(self._checked(item))
        self._count(page.rest)

    def _checked(self, item: Item) -> Item:
        """An item that counts as read, as `feed` of any reading has it: with its keys, and in the declared types."""
        try:
            self._last = [item[name] for name in self._keys]
        except KeyError as error:
            raise malformed(error) from None
        check_stored(self.table, item, item)
        self.stats.returned += 1
        return item

    def _key(self, last: Any) -> Item:
        return super()._key([read_item(last)[name] for name in self._keys] if isinstance(last, str) else last)
