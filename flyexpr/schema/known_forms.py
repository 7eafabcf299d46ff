"""The forms that items of a table were found to have, for the next read of them.

They are kept here and not in the Table, which is a value; its copies by `on` and `named` read the same items. A reading
or an engine cannot keep them: a get has no reading, and any callable is an engine. To look them up takes 0.25 us of the
13 us of a get, and a get that starts without them takes 6 us more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flyexpr.schema.fits import Check, first_misfit
from flyexpr.schema.table import Table
from flyexpr.values.memo import Memo
from flyexpr.values.pattern_cache import Forms
from flyexpr.values.types import Item

_MOST = 256  # tables
_FORMS = Memo[tuple[str, Mapping[str, Any]], Forms](_MOST)  # by the table's name and the types that it declares


def forms_of(table: Table) -> Forms:
    """The known forms of a table's items: only those whose items have the declared types.

    >>> scores = Table("GameScores", "userid")
    >>> forms_of(scores) is forms_of(scores.on(lambda operation, body: b"{}"))
    True
    """
    try:
        return _FORMS[table.name, table.attributes]
    except KeyError:
        forms = Forms(partial(_fits, table.checks))  # not the table itself: it holds an engine
        return _FORMS.keep((table.name, table.attributes), forms)


def _fits(checks: tuple[Check, ...], sample: Item) -> bool:
    return first_misfit(checks, sample) is None
