"""Where the forms of a table's items are kept: one place for all copies, bounded, and without its engine."""

import gc
import weakref

from flyexpr import Table
from flyexpr.schema import known_forms
from flyexpr.schema.known_forms import forms_of
from flyexpr.values.patterns import form_of


class Silent:
    """An engine that nobody needs."""

    def __call__(self, operation: str, body: bytes) -> bytes:
        return b"{}"


def test_copies_of_a_table_share_what_is_known_of_its_items() -> None:
    table = Table("Shared", "id", attributes={"wins": int})
    assert forms_of(table.on(Silent())) is forms_of(table)
    assert forms_of(Table("Shared", "id", attributes={"wins": int})) is forms_of(table)
    assert forms_of(table.named("Others")) is not forms_of(table)
    assert forms_of(Table("Shared", "id", attributes={"wins": str})) is not forms_of(table)


def test_only_forms_of_the_declared_types_are_known() -> None:
    forms = forms_of(Table("Typed", "id", attributes={"wins": int}))
    assert forms.add(form_of({"id": {"S": "a"}, "wins": {"N": "1"}}))
    assert not forms.add(form_of({"id": {"S": "a"}, "wins": {"S": "1"}}))


def test_an_engine_is_not_kept() -> None:
    engine = Silent()
    forms_of(Table("Bound", "id").on(engine))
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_few_tables_are_kept() -> None:
    for number in range(2 * known_forms._MOST):
        forms_of(Table(f"Table{number}", "id"))
        assert 1 <= len(known_forms._FORMS) <= known_forms._MOST
