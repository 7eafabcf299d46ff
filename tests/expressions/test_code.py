"""What `repr` and `str` show of expressions: the Python code that makes them, and their text in DynamoDB's syntax."""

import datetime
import enum
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from public import NAMES
from strategies import any_conditions, any_updates, paths, updates, with_constants

from flyexpr import F, add, append, assign, eq, exists, incr, is_in, put_item, show, size, where
from flyexpr.expressions.nodes import Action, Call, Not, Path
from flyexpr.expressions.terms import node_of


class Colour(enum.Enum):
    RED = "red"


SCOPE: dict[str, Any] = {**NAMES, "Decimal": Decimal, "datetime": datetime, "Colour": Colour, "UUID": uuid.UUID}


def evaluated(code: str) -> Any:
    return eval(code, dict(SCOPE))


@given(any_conditions | with_constants)
def test_the_code_of_a_condition_makes_it(condition: Any) -> None:
    assert evaluated(repr(condition)) == condition


@given(updates)
def test_the_code_of_an_update_makes_it(update: Any) -> None:
    assert evaluated(repr(update)) == update


@given(any_updates)
def test_every_update_has_a_code(update: Any) -> None:
    assert repr(update)


@given(paths)
def test_the_code_of_a_path_makes_it(path: Path) -> None:
    assert node_of(evaluated(repr(path))) == path


@given(any_conditions | any_updates | paths)
def test_the_text_is_that_of_show(expression: Any) -> None:
    assert str(expression) == show(expression)


CODES = {
    "eq('userid', 'abc') & gt('top_score', 9000)": "userid = 'abc' AND top_score > 9000",
    "(eq('a', 1) | ne('b', 2)) & ~(lt('c', 3) & ge('d', 4))": "(a = 1 OR b <> 2) AND NOT (c < 3 AND d >= 4)",
    "eq('a', 1) | eq('b', 1) & le('c', 1)": "a = 1 OR b = 1 AND c <= 1",
    "~~eq('a', 1)": "NOT NOT a = 1",
    "eq('info.actors[0]', F['odd.name'])": 'info.actors[0] = "odd.name"',
    "eq(F['a.b'], 1) & exists(F['l[0]'].x[2])": '"a.b" = 1 AND attribute_exists("l[0]".x[2])',
    "eq('odd name', F['class']) & eq('é', F['é']._id)": '"odd name" = class AND "é" = "é"._id',
    "between('year', 2000, F.last) | between('n', 0.5, 1e-20)": (
        "year BETWEEN 2000 AND last OR n BETWEEN 0.5 AND 0.00000000000000000001"
    ),
    "is_in('title', ['Comet Quest', F.other, b'x'])": "title IN ('Comet Quest', other, x'78')",
    "begins_with('sku', 'EU-') & contains('tags', F.tag)": "begins_with(sku, 'EU-') AND contains(tags, tag)",
    "exists('a') & not_exists('b')": "attribute_exists(a) AND attribute_not_exists(b)",
    "type_is('c', 'NS')": "attribute_type(c, 'NS')",
    "gt(size('a'), 3) & eq('n', size('b[0]'))": "size(a) > 3 AND n = size(b[0])",
    "all_of()": "TRUE",
    "any_of()": "FALSE",
    "eq('a', None) & eq('b', True) & eq('c', [1, {'d': 1.5}])": "a = null AND b = true AND c = [1, {'d': 1.5}]",
    "eq('e', {'x', 'y'}) & eq('f', {1, 2.5})": "e = <<'x', 'y'>> AND f = <<1, 2.5>>",
    "eq('a', Decimal('0.12345678901234567891'))": "a = 0.12345678901234567891",
    "parse_condition(\"'x' = a\")": "'x' = a",
    "eq(b'x', F.a)": "x'78' = a",
    "parse_condition('attribute_type(a, b)') & eq('a', 1)": "attribute_type(a, b) AND a = 1",
    "eq('c', [Colour.RED, UUID('00000000-0000-0000-0000-000000000001')])": (
        "c = ['red', '00000000-0000-0000-0000-000000000001']"
    ),
    "eq('day', datetime.date(2026, 1, 31))": "day = '2026-01-31'",
    "incr('wins') + incr('n', 1.5) + decr('lives', 2)": "ADD wins 1, n 1.5, lives -2",
    "incr('total', F.bonus) + decr('left', if_not_exists('used', 0))": (
        "SET total = if_not_exists(total, 0) + bonus, left = if_not_exists(left, 0) - if_not_exists(used, 0)"
    ),
    "assign('info.seen', True, parents=True)": "SET info.seen = true",
    "assign('a', F.b - 1) + assign('c', 1 + F.b)": "SET a = b - 1, c = 1 + b",
    "assign('n', if_not_exists('n', 0) + 5)": "SET n = if_not_exists(n, 0) + 5",
    "append('log', 'a', ['b'])": "SET log = list_append(if_not_exists(log, []), ['a', ['b']])",
    "append('log', F.more) + prepend('new', 1)": (
        "SET log = list_append(if_not_exists(log, []), more), new = list_append([1], if_not_exists(new, []))"
    ),
    "add('tags', 'hot', 'new') + add('n', 1, 2.5)": "ADD tags <<'hot', 'new'>>, n <<1, 2.5>>",
    "add('days', {datetime.date(2026, 1, 31)}) + discard('b', b'x')": "ADD days <<'2026-01-31'>> DELETE b <<x'78'>>",
    "remove('a', 'b[0]') + incr('c')": "REMOVE a, b[0] ADD c 1",
    "remove()": "",
    "parse_update('SET a = list_append(b, c)') + incr('n')": "SET a = list_append(b, c) ADD n 1",
}


@pytest.mark.parametrize("code", CODES)
def test_an_expression_prints_as_it_is_written(code: str) -> None:
    expression = evaluated(code)
    assert repr(expression) == code
    assert str(expression) == CODES[code]
    assert evaluated(repr(expression)) == expression


TERMS = {
    "F.a.b[0]": "a.b[0]",
    "F._id['class'].x['__x__']": "_id.class.x.__x__",
    "F['odd.name']": '"odd.name"',
    "size('a')": "size(a)",
    "size(F['a.b'])": 'size("a.b")',
    "if_not_exists('a', 0) + 5": "if_not_exists(a, 0) + 5",
    "F.a - (F.b + 1)": "a - b + 1",
    "'x' + F.a": "'x' + a",
}


@pytest.mark.parametrize("code", TERMS)
def test_a_term_prints_as_it_is_written(code: str) -> None:
    term = evaluated(code)
    assert (repr(term), str(term)) == (code, TERMS[code])
    assert repr(node_of(term)) == code
    assert node_of(evaluated(repr(term))) == node_of(term)


def test_other_ways_to_write_it_print_the_same() -> None:
    assert repr((F.a == 1) & (F.b[0].c > F.d)) == "eq('a', 1) & gt('b[0].c', F.d)"
    assert repr(where(a=1)) == "eq('a', 1)"
    assert repr(add("tags", {"new"})) == "add('tags', 'new')"
    assert repr(assign("a.b", 1, parents=False)) == "assign('a.b', 1)"


def test_what_is_long_is_cut_and_does_not_read_back() -> None:
    long = eq("a", "x" * 5000) & is_in("b", range(99)) & eq("c", {"d": list(range(5000))}) & eq("e", b"y" * 1001)
    start = f"eq('a', '{'x' * 100}…' (5,000 characters)) & is_in('b', [0, 1, "
    assert repr(long).startswith(start)
    assert re.search(r"219, 220, 221, … 4,778 more\]\}\) & eq\('e', b'y{100}…' \(1,001 bytes\)\)$", repr(long))
    assert len(repr(long)) < 2000
    with pytest.raises(SyntaxError):
        evaluated(repr(long))
    whole = eq("a", "x" * 1000) & is_in("b", range(99))
    assert evaluated(repr(whole)) == whole


def test_more_options_than_is_in_puts_into_one_are_shown_as_text() -> None:
    condition = NAMES["parse_condition"](f"a IN ({', '.join(map(str, range(100)))})")
    assert repr(condition).startswith("parse_condition('a IN (0, 1, 2")
    assert evaluated(repr(condition)) == condition


def test_what_no_function_makes_has_a_code_too() -> None:
    assert repr(Call("list_append", (Path(("a",)), Path(("b",))))) == "Call('list_append', (F.a, F.b))"
    assert repr(Action("REMOVE", Path(("a",)), None)) == (
        "Action(clause='REMOVE', path=F.a, operand=None, parents=False)"
    )


def test_what_is_nested_too_deeply_prints_something() -> None:
    condition: Any = eq("a", 1)
    for _ in range(5000):
        condition = Not(condition)
    assert (repr(condition), str(condition)) == ("<Not, nested too deeply>", "…")


def test_what_cannot_be_shown_prints_something() -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise ValueError

        def __hash__(self) -> int:
            return 1

    assert repr(eq("a", Unprintable())) == "eq('a', <Unprintable>)"
    assert str(eq("a", Unprintable())) == "a = <Unprintable>"
    assert repr(put_item({"a": 10**5000})) == "put_item({'a': <int>})"


def test_notebooks_find_no_methods_on_paths() -> None:
    for one in (F, F.a, size("a")):
        for name in ("_repr_html_", "_repr_mimebundle_", "_ipython_display_", "__rich__"):
            assert not hasattr(one, name)
    assert node_of(F._id_) == Path(("_id_",))


def test_only_python_s_own_names_are_completed() -> None:
    assert [name for one in (F, F.a, size("a")) for name in dir(one) if not name.startswith("__")] == []
    for one in (eq("a", 1), exists("a"), eq("a", 1) & eq("b", 2), ~eq("a", 1), incr("a"), append("a", 1)):
        public = [name for name in dir(one) if not name.startswith("_")]
        assert {*public} == {*one.__match_args__}  # type: ignore[attr-defined]
