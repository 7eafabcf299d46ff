"""A page read by the forms of its items gives what it gives value by value, whatever it contains."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import strategies as some
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import DynamoError, FlyexprError
from flyexpr.values import answers, pattern_cache, patterns
from flyexpr.values.answers import Page, item_and_rest
from flyexpr.values.encode import encode_item
from flyexpr.values.pattern_cache import Forms
from flyexpr.values.patterns import form_of

NEVER = 10**9


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    """Makes every form at once, unless a test says otherwise."""
    before = pattern_cache.WORTH, pattern_cache.FEW, pattern_cache.LONG_VALUE
    pattern_cache.WORTH, pattern_cache.FEW, pattern_cache.LONG_VALUE = 0, 0, NEVER
    pattern_cache._SEEN.clear()
    yield
    pattern_cache.WORTH, pattern_cache.FEW, pattern_cache.LONG_VALUE = before
    pattern_cache._SEEN.clear()


def page(*items: dict[str, Any]) -> str:
    return f'{{"Count":{len(items)},"Items":[{",".join(map(encode_item, items))}],"ScannedCount":7}}'


def outcome(text: str, forms: Forms | None = None) -> Any:
    """The items of a page and its other members; or the items before an error, and the error."""
    read = Page(text.encode(errors="surrogatepass"), forms)
    items: list[Any] = []
    try:
        for item in read:
            items.append(item)
        return repr(items), read.rest
    except FlyexprError as error:
        return repr(items), type(error)


def both(text: str) -> tuple[Any, Any]:
    """The outcome with forms and without."""
    pattern_cache.WORTH = 0
    formed = outcome(text)
    pattern_cache.WORTH = NEVER
    pattern_cache._SEEN.clear()
    return formed, outcome(text)


@given(st.lists(some.items, max_size=4).flatmap(lambda kinds: st.lists(st.sampled_from(kinds or [{}]), max_size=12)))
def test_items_of_several_forms(items: list[dict[str, Any]]) -> None:
    formed, plain = both(page(*items))
    assert formed == plain


SHAPE = {"id": "a", "n": 1, "f": Decimal("1.5"), "t": {"x", "y"}, "m": {"S": "s", "deep": {"l": [{"k": 1}, {"k": 2}]}}}
ITEMS = [SHAPE | {"id": name, "n": place} for place, name in enumerate(["b", "", "é😀", "｡", "}]}", ",", "{", "0"])]


@given(st.data())
def test_a_text_with_a_mistake_in_it(data: st.DataObject) -> None:
    text = page(SHAPE, *ITEMS)
    place = data.draw(st.integers(0, len(text)))
    marks = st.sampled_from(
        ['"', "\\", "\\u0041", '\\"', "{", "}", "[", "]", ",", ":", " ", "\n", "0", ".", "é", "\x01", ""]
    )
    gone = data.draw(st.integers(0, 3))
    formed, plain = both(text[:place] + data.draw(marks) + text[place + gone :])
    assert formed == plain


@given(st.data())
def test_a_page_whose_beginning_ends_anywhere(data: st.DataObject) -> None:
    text, known = page(SHAPE, *ITEMS, *ITEMS), Forms()
    assert len(list(Page(text.encode(), known))) == 17
    assert known.found
    place = data.draw(st.integers(0, len(text)))
    text = text[:place] + data.draw(st.sampled_from(["", "}", ",", "]", '"', "é"])) + text[place:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "_BEGINNING", data.draw(st.integers(40, len(text) // 2)))
        from_the_beginning = outcome(text, known)
        patch.setattr(answers, "_BEGINNING", NEVER)
        assert from_the_beginning == outcome(text, known)


def test_the_end_of_a_long_page_is_decoded_when_reading_comes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    known, body = Forms(), page(SHAPE, *ITEMS).encode()
    assert list(Page(body, known))
    assert known.found
    monkeypatch.setattr(answers, "_BEGINNING", 400)
    items = iter(Page(body.replace(b"ScannedCount", b"Scanned\xff"), known))
    assert next(items) == SHAPE
    with raises(DynamoError, "the answer is not what DynamoDB sends (UnicodeDecodeError)"):
        list(items)


@pytest.mark.parametrize("length", range(0, len(page(SHAPE, *ITEMS)), 7))
def test_a_text_that_ends_early(length: int) -> None:
    formed, plain = both(page(SHAPE, *ITEMS)[:length])
    assert formed == plain


@pytest.mark.parametrize(
    "first, second",
    [
        ({"S": {"S": "x"}}, {"S": {"S": "y"}}),
        ({"M": {"M": {"S": {"S": "x"}}}}, {"M": {"M": {"S": {"S": "y"}}}}),
        (
            {'"': {"S": "x"}, "a.b": {"N": "1"}, "(?:": {"NULL": True}},
            {'"': {"S": "y"}, "a.b": {"N": "1.50"}, "(?:": {"NULL": True}},
        ),
        ({"l": {"L": [{"NULL": True}]}}, {"l": {"L": []}}),
        ({"l": {"L": [{"L": [{"N": "1"}]}]}}, {"l": {"L": [{"L": [{"N": "2"}, {"N": "3"}]}, {"L": []}]}}),
        ({"l": {"L": [{"S": "a"}, {"N": "1"}]}}, {"l": {"L": [{"S": "b"}, {"N": "2"}]}}),
        ({"n": {"N": "1"}}, {"n": {"N": "1.0"}}),
        ({"n": {"N": "1.5"}}, {"n": {"N": "-1"}}),
        ({"n": {"N": "1.5"}}, {"n": {"N": "1.5E1"}}),
        ({"b": {"BS": ["YQ==", "Yg=="]}}, {"b": {"BS": ["YQ=="]}}),
        ({"b": {"BOOL": True}}, {"b": {"BOOL": False}}),
        ({}, {}),
    ],
)
def test_odd_items(first: dict[str, Any], second: dict[str, Any]) -> None:
    import json

    texts = [json.dumps(item, separators=(",", ":")) for item in (first, second, second)]
    formed, plain = both(f'{{"Items":[{",".join(texts)}]}}')
    assert formed == plain
    assert "items" not in str(formed[1]), "no error"


def matches(form: patterns.Form, item: dict[str, Any]) -> bool:
    return form.match(encode_item(item) + "]", 0) is not None


def test_what_is_part_of_a_form() -> None:
    form = form_of({"id": {"S": "a"}, "l": {"L": [{"N": "1"}] * 3}, "s": {"SS": ["a"]}})
    alike = {"id": "b", "l": [1, 2, 3], "s": {"x", "y"}}
    assert matches(form, alike)
    assert matches(form, alike | {"l": []})
    assert matches(form, alike | {"l": [1] * 4}), "room for the next power of two"
    assert not matches(form, alike | {"l": [1] * 5})
    assert not matches(form, alike | {"l": ["x"]})
    assert not matches(form, alike | {"id": 'a"b'})
    assert not matches(form, alike | {"more": 1})
    assert not matches(form, {"l": [], "id": "b", "s": {"x"}}), "another order"


def made() -> int:
    return sum(isinstance(found, patterns.Form) for found in pattern_cache._SEEN.values())


def test_a_form_is_made_once_it_is_worth_it() -> None:
    pattern_cache.WORTH = 300
    small = page(*[{"id": str(number)} for number in range(20)])
    for _ in range(3):
        outcome(small)
        assert made() == 0, "what a few small pages give is not worth a pattern"
    for _ in range(20):
        outcome(small)
    assert made() == 1
    outcome(page(*[{"n": number} for number in range(1000)]))
    assert made() == 2, "a large page is worth it by itself"


def test_few_forms_are_made_of_one_page() -> None:
    outcome(page(*[{f"name{number}": 1} for number in range(1000)]))
    assert made() <= len(pattern_cache.LOOKS)


def test_forms_do_not_fill_the_memory() -> None:
    pattern_cache.WORTH = NEVER
    for number in range(3 * pattern_cache.MOST):
        outcome(page({f"name{number}": 1}))
    assert len(pattern_cache._SEEN) <= pattern_cache.MOST


def test_a_page_without_a_common_form_costs_few_looks() -> None:
    tried: list[int] = []
    watched = patterns.Form(lambda text, place: tried.append(place), lambda matched: {}, {})
    odd = [{"id": f'say "{number}"'} for number in range(200)]
    outcome(page({"id": "a"}))
    pattern_cache._SEEN.update(dict.fromkeys(pattern_cache._SEEN, watched))
    outcome(page({"id": "a"}, *odd))
    assert 1 <= len(tried) <= pattern_cache.PATIENCE + 1


def test_large_items_have_no_form() -> None:
    outcome(page(*[{"text": "x" * 9000, "id": str(number)} for number in range(20)]))
    assert made() == 0


def test_pages_of_several_forms_do_not_try_them_all_again_and_again() -> None:
    kinds = [{"id": str(number), **{f"name{kind}": 1 for kind in range(number % 4)}} for number in range(400)]
    tries: list[int] = []
    for number in range(4):
        form = form_of({"id": {"S": "a"}, **{f"name{kind}": {"N": "1"} for kind in range(number)}})

        def match(text: str, place: int, match: Any = form.match) -> Any:
            tries.append(place)
            return match(text, place)

        KNOWN.add(patterns.Form(match, form.item, form.wire))
    text = page(*kinds)
    assert list(Page(text.encode(), KNOWN)) == kinds
    assert len(tries) < 100, "four items of four forms, tried a few times, are enough to see it"
    for number in range(200):
        KNOWN.item(f'{{"Item":{{"id":{{"S":"say \\"{number}\\""}}}}}}', 8)
    assert len(tries) < 300


KNOWN = pattern_cache.Forms()


def test_long_strings_are_not_for_patterns() -> None:
    pattern_cache.LONG_VALUE = 80
    outcome(page(*[{"text": "x" * 3000, "id": str(number)} for number in range(50)]))
    assert made() == 0
    outcome(page(*[{"text": "x" * 30, "id": str(number)} for number in range(50)]))
    assert made() == 1


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 21, 31])
def test_lists_in_lists(depth: int) -> None:
    """Short lists are part of a form; deep ones would take endless time and generated code."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    formed, plain = both(page(*[{"v": value}] * 40))
    assert formed == plain
    pattern_cache.WORTH = 0
    outcome(page(*[{"v": value}] * 40))
    assert made() == (depth <= patterns.LISTS)


@pytest.mark.parametrize("value", ['{"B":"YQ"}', '{"NS":["x"]}', '{"N":"%s"}' % ("9" * 5000), '{"BS":["Y"]}'])
def test_an_answer_that_is_no_item_is_refused_whether_its_form_is_known_or_not(value: str) -> None:
    kind = value[2 : value.index('"', 2)]
    sample = {"B": "YQ==", "NS": ["1"], "N": "1", "BS": ["YQ=="]}[kind]
    known = pattern_cache.Forms()
    known.add(form_of({"a": {kind: sample}}))
    for have in (known, pattern_cache.Forms()):
        with pytest.raises(DynamoError, match="not what DynamoDB sends"):
            item_and_rest(f'{{"Item":{{"a":{value}}}}}'.encode(), "Item", have)
        with pytest.raises(DynamoError, match="not what DynamoDB sends"):
            list(Page(f'{{"Items":[{{"a":{value}}}]}}'.encode(), have))


def test_the_latest_forms_are_known_and_not_too_many() -> None:
    forms = [form_of({f"a{number}": {"S": "x"}}) for number in range(pattern_cache.SEVERAL + 2)]
    known = pattern_cache.Forms()
    for form in forms:
        assert known.add(form)
    assert known.found == forms[:1:-1]


def test_an_item_of_another_known_form_is_read_by_it() -> None:
    one, other = form_of({"id": {"S": "a"}}), form_of({"n": {"N": "1"}})
    known = pattern_cache.Forms()
    known.add(one)
    known.add(other)
    found = pattern_cache.Search(known, 1000).other(one, '[{"n":{"N":"2"}}]', 1)
    assert found is not None
    form, matched = found
    assert (form, form.item(matched), matched.end()) == (other, {"n": 2}, 16)


def test_items_are_of_their_own() -> None:
    one, other, _ = Page(page({"l": [1], "m": {"a": 1}}, *[{"l": [2], "m": {"a": 2}}] * 2).encode())
    one["l"].append(3)
    assert other == {"l": [2], "m": {"a": 2}}


def test_no_name_becomes_code() -> None:
    names = ["'}", '"', "\\", "{0}", "group0", "__import__('os')", "\n", "item"]
    item = {name: {"S": name} for name in names}
    form = form_of(item)
    text = encode_item(dict.fromkeys(names, "x"))
    found = form.match(text + "]", 0)
    assert found is not None
    assert form.item(found) == dict.fromkeys(names, "x")


def test_lists_in_lists_have_no_form_where_it_would_be_long() -> None:
    deep: Any = 1
    for _ in range(5):
        deep = [deep] * 3
    text = page(*[{"id": str(number), "deep": deep} for number in range(10)])
    formed, plain = both(text)
    assert formed == plain
    assert made() == 0
