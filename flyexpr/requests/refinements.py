"""The keyword refinements of operations, such as `limit=` and `project=`, each checked by one function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from flyexpr.errors import ExpressionError, did_you_mean
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.expressions.overlaps import find_overlap
from flyexpr.expressions.show import show
from flyexpr.expressions.terms import path_of
from flyexpr.requests.operations import Budget, DeleteReturns, Part, PutReturns, UpdateReturns
from flyexpr.values.refusals import native

PUT_RETURNS, UPDATE_RETURNS, DELETE_RETURNS = map(get_args, (PutReturns, UpdateReturns, DeleteReturns))
_BUDGET = tuple(Budget.__annotations__)


def checked_condition(condition: Condition | None) -> Condition | None:
    if condition is not None:
        need(condition, Condition, "condition= takes a condition such as exists('userid')")
    return condition


def checked_paths(project: Iterable[Any] | None) -> tuple[Path, ...] | None:
    if project is None:
        return None
    if isinstance(project, str):
        raise TypeError(f"project= takes a list of paths, such as {[path.strip() for path in project.split(',')]!r}")
    need(project, Iterable, "project= takes a list of paths, such as ['userid']")
    paths = tuple(dict.fromkeys(map(path_of, project)))
    if not paths:
        raise ValueError("project= needs at least one path; leave it out to read whole items")
    overlap = find_overlap([path.parts for path in paths])
    if overlap:
        raise ExpressionError(overlap, expression=", ".join(map(show, paths)))
    return paths


def checked_prefetch(prefetch: bool, **others: Any) -> bool:
    excluding = [name for name, value in others.items() if value is not None]
    if prefetch and excluding:
        name = excluding[0]
        why = "stops early, and what was read ahead is paid for"
        if excluding == ["segments"]:
            why = "reads ahead by itself"
        raise ValueError(f"leave out prefetch= or {name}=: {name}= {why}")
    return bool(prefetch)


def checked_name(index: str | None) -> str | None:
    if index is not None:
        need(index, str, "index= takes the name of an index")
    return index


def checked_count(name: str, value: Any, most: int | None = None) -> int | None:
    if value is None:
        return None
    count = native(value)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1 or (most is not None and count > most):
        last = "" if most is None else f" to {most:,}"
        raise ValueError(f"{name}= takes a whole number from 1{last}, not {value!r}")
    return count


def checked_counts(limit: Any, page_size: Any) -> tuple[int | None, int | None]:
    return checked_count("limit", limit), checked_count("page_size", page_size)


def checked_returns(returns: str | None, allowed: tuple[str, ...]) -> str | None:
    if returns is not None and returns not in allowed:
        meant = did_you_mean(str(returns), allowed, "{!r}")
        raise ValueError(f"returns= takes one of {' '.join(allowed)}, not {returns!r}{meant and '; '}{meant}")
    return None if returns == "NONE" else returns


def checked_bad(bad: Any) -> Any:
    if bad is not None and bad != "keep" and not callable(bad):
        raise ValueError(f"bad= takes 'keep', or a function of the error, not {bad!r}")
    return bad


def checked_part(part: Any, segments: int | None = None) -> Part | None:
    match part:
        case None:
            return None
        case (int(mine), int(parts)) if 0 <= mine < parts and bool not in (type(mine), type(parts)):
            if segments is not None:
                raise ValueError("leave out part= or segments=: a part of a scan is one segment of it")
            return mine, parts
    raise ValueError(f"part= is (number, parts), such as (0, 2) for the first of two, not {part!r}")


def checked_budget(budget: Budget | None) -> Budget | None:
    if budget is None:
        return None
    if not isinstance(budget, Mapping):
        raise TypeError(f"budget= takes a dict with positive {', '.join(_BUDGET)}, not {budget!r}")
    positive = all(isinstance(most, (int, float)) and most > 0 for most in budget.values())
    if not budget or not budget.keys() <= {*_BUDGET} or not positive:
        questions = (did_you_mean(str(name), _BUDGET, "{!r}") for name in budget if name not in _BUDGET)
        meant = next((f"; {question}" for question in questions if question), "")
        raise ValueError(f"budget= takes a dict with positive {', '.join(_BUDGET)}, not {budget!r}{meant}")
    return budget
