"""Which forms are worth a pattern, and which of them an item may have.

To make a form takes some milliseconds, and to try one that does not match takes a few microseconds. So a form is made
only once many items have it, and forms are given up where they fail often. To read a page whose items have many forms
then takes as long as without any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.values.memo import Memo
from flyexpr.values.patterns import NO_FORM, Form, Matched, form_of, item_pattern
from flyexpr.values.types import Item

WORTH = 300  # items of a form that are seen before it is made
FEW, LARGE = 8, 8192  # items on a page, and characters of one, for which a form is not worth looking for
LOOKS = frozenset((1, 17, 18, 19, 20))  # which of a page's items without a form are looked at
PATIENCE = 20  # patterns that may fail before they are counted
LONG_VALUE = 80  # characters of a value, on average: a pattern takes longer over them than JSON's own scanner
SEVERAL = 8  # forms of one table
MOST = 64  # forms that are counted or made; then all are forgotten


class Forms:
    """The forms that items of one table were found to have, the latest first.

    >>> forms = Forms()
    >>> forms.add(form_of({"id": {"S": "a"}}))
    True
    >>> forms.item('{"Item":{"id":{"S":"b"}}}', 8), forms.item('{"Item":{"id":{"N":"1"}}}', 8)
    (({'id': 'b'}, 24), None)
    """

    __slots__ = ("_failed", "_fits", "_single", "found")

    def __init__(self, fits: Callable[[Item], bool] = lambda sample: True) -> None:
        self.found: list[Form] = []
        self._fits = fits  # whether items of the form that has this sample are of the table's types
        self._single = self._failed = 0

    def add(self, form: Form) -> bool:
        """Whether the form is among these now, which it is where it fits; the oldest goes where there are many."""
        if form not in self.found and self._fits(form.sample):
            self.found = [form, *self.found[: SEVERAL - 1]]
        return form in self.found

    def item(self, text: str, position: int) -> tuple[Item, int] | None:
        """The item at a place and where it ends, if it has one of these forms; it is a member of an object."""
        self._single += 1
        if self._failed > PATIENCE and self._failed > self._single // 4:
            return None  # the items that come alone are of too many forms
        for form in self.found:
            matched = form.match(text, position)
            if matched:
                return form.item(matched), matched.end()
            self._failed += 1
        return None

    def note(self, item: dict[str, Any], size: int) -> None:
        """Takes note of a wire item that came alone and has none of these forms; looks at one of eight."""
        if self._single % SEVERAL == 0:
            form = _form_seen(item, size, SEVERAL)
            if form:
                self.add(form)


class Search:
    """The search for the forms of the items on one page; `size` is the page's length in characters.

    >>> text = '{"id":{"S":"a"}},' * 1000
    >>> search, form = Search(Forms(), len(text)), NO_FORM
    >>> for place in range(0, 17 * 17, 17):
    ...     form = search.note(form, {"id": {"S": "a"}}, place, place + 17)
    >>> form.item(form.match(text, 17)), search.other(form, text, 17) is None
    ({'id': 'a'}, True)
    """

    __slots__ = ("_failed", "_forms", "_given_up", "_missed", "_size")

    def __init__(self, forms: Forms, size: int) -> None:
        self._forms, self._size = forms, size
        self._missed = self._failed = 0
        self._given_up = False

    def other(self, form: Form, text: str, position: int) -> tuple[Form, Matched] | None:
        """Another form than the one tried last, and its match at a place."""
        if self._given_up:
            return None
        self._failed += form is not NO_FORM
        for other in self._forms.found:
            if other is not form:
                matched = other.match(text, position)
                if matched:
                    self._weigh(matched.end() - position, position)
                    return other, matched
                self._failed += 1
        return None

    def note(self, form: Form, item: dict[str, Any], start: int, end: int) -> Form:
        """The form to try next, after a wire item, from `start` to `end`, that none has matched."""
        size = end - start
        self._missed += 1
        self._weigh(size, end)
        if self._given_up:
            return NO_FORM
        alike = (self._size - start) // size
        new = _form_seen(item, size, alike) if self._missed in LOOKS and alike >= FEW else None
        return new if new is not None and self._forms.add(new) else form

    def _weigh(self, size: int, position: int) -> None:
        """Gives up where one pattern in four items of such a size failed: that costs more than the others spare."""
        if self._failed > PATIENCE and self._failed * size * 4 > position:
            self._given_up = True


def worthy_pattern(item: dict[str, Any], size: int) -> str | None:
    """The pattern of a wire item of `size` characters; None for one that is large, or mostly of long strings.

    >>> worthy_pattern({"id": {"S": "a"}}, 16) is None, worthy_pattern({"id": {"S": "a" * 3000}}, 3015) is None
    (False, True)
    """
    pattern = item_pattern(item) if size <= LARGE else None
    return pattern if pattern is not None and pattern.count("(") * LONG_VALUE >= size else None


_SEEN = Memo[str, Form | int](MOST)  # by pattern: the form, or the number of items so far that may have it


def _form_seen(item: dict[str, Any], size: int, alike: int) -> Form | None:
    """The form of an item of `size` characters, if enough items had it before; `alike` more may have it."""
    pattern = worthy_pattern(item, size)
    if pattern is None:
        return None
    known = _SEEN.get(pattern, 0)
    if isinstance(known, int):
        known = _SEEN.keep(pattern, form_of(item) if known >= WORTH else known + alike)
    return known if isinstance(known, Form) else None
