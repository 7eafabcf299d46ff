"""The language of a search condition: what a vector index is asked for before it looks for what is near.

Every Region takes equalities of attributes, joined by AND. Newer Regions take the wide language too.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/VectorSearchFilterReference.html
"""

from __future__ import annotations

from collections.abc import Iterator

from flyexpr.expressions.nodes import And, Between, Compare, Condition, In, Not, Or, Path, Test, Value, walk

_EQUALITY = frozenset(["="])
_COMPARISONS = frozenset(["=", "<>", "<", "<=", ">", ">="])


def is_searchable(condition: Condition, *, wide: bool) -> bool:
    """Whether a search condition may be so, as far as its operators say it.

    >>> from flyexpr import eq, gt, exists
    >>> [is_searchable(eq("lang", "en") & part, wide=False) for part in (eq("pages", 3), gt("pages", 3))]
    [True, False]
    >>> [is_searchable(eq("lang", "en") | part, wide=True) for part in (gt("pages", 3), exists("pages"))]
    [True, False]

    Each operator compares an attribute with values of the request; `begins_with` is the only function.
    """
    return all(_is_allowed(node, wide) for node in walk(condition) if isinstance(node, Condition))


def _is_allowed(node: Condition, wide: bool) -> bool:
    match node:
        case And():
            return True
        case Compare(operator, Path(), Value()) | Compare(operator, Value(), Path()):
            return operator in (_COMPARISONS if wide else _EQUALITY)
        case Or() | Not() | Between(Path(), Value(), Value()) | Test("begins_with", (Path(), Value())):
            return wide
        case In(Path(), options):
            return wide and all(isinstance(option, Value) for option in options)
    return False


def compared_values(condition: Condition) -> Iterator[tuple[Path, Value]]:
    """The attributes of a searchable condition, with each value that they are compared with.

    >>> from flyexpr import between, eq
    >>> [(str(path.parts[0]), value.body) for path, value in compared_values(between("pages", 3, 9) & eq("lang", "en"))]
    [('pages', 3), ('pages', 9), ('lang', 'en')]
    """
    for node in walk(condition):
        match node:
            case Compare(_, Path() as path, Value() as value) | Compare(_, Value() as value, Path() as path):
                yield path, value
            case Between(Path() as path, Value() as low, Value() as high):
                yield from ((path, low), (path, high))
            case In(Path() as path, options):
                yield from ((path, option) for option in options if isinstance(option, Value))
            case Test(_, (Path() as path, Value() as value)):
                yield path, value
