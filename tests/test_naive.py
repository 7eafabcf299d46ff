"""The naive model answers as DynamoDB does, in all cases of ../shared/cases.json that it covers."""

import sys
from pathlib import Path
from typing import Any

import naive
import pytest
from naive_tables import Tables
from test_cases import CASES, load_runner

AREAS = """batch between equality filter functions in indexes items key-conditions logic multi-keys numbers order
paging paths placeholders projection query-order return-values select syntax transactions types update-add-delete
update-clauses update-paths update-set""".split()

UNKNOWN = {
    "a reserved word": "reserved-word reserved-word-nested proj-reserved",
    "a member that is missing, empty or of the older kind": "values-empty-map name-key-without-hash kc-missing "
    "expression-and-legacy tx-check-without-condition tx-update-without-expression",
    "a word that is not one of a list": "rvccf-bad tx-rvccf-bad scan-select-unknown",
    "how a stored number or set is written": "num-form-00 num-form-02 num-form-03 num-form-04 num-form-06 num-form-07 "
    "num-form-09 num-form-11 num-form-13 num-plus-sign num-plus-exponent num-point-last num-set-plus set-order-ss "
    "set-order-ns set-order-bs set-order-query set-order-all-old set-order-after-add set-order-updated-new "
    "set-order-failed-condition",
    "JSON of a wrong type": "num-not-text limit-text",
    "a start key that no page gave": "start-key-made-up start-key-short start-key-partition start-key-spare "
    "start-key-type start-key-hash-only mk-start-range mk-start-first-partition mk-start-last-partition "
    "start-key-no-partition start-key-empty start-key-number-partition start-key-index-table-only "
    "start-key-index-index-only start-key-bad-number start-key-empty-string start-key-outside-range "
    "start-key-other-partition-range start-key-other-partition-outside-range start-key-index-range "
    "start-key-hash-index-partition scan-start-key-unknown",
    "a limit of bytes": "page-1mb tx-4mb tx-expression-4097",
    "the words of a cancellation reason": "tx-check-key-type index-key-tx-type",
    "tokens of transactions": "tx-token tx-token-other tx-token-long",
    "the order of checks": "tx-syntax-before-table",
    "what CreateTable and UpdateTable refuse": "mk-added-later ct-five-sort ct-partition-twice ct-partition-is-sort",
}
NOT_KNOWN = {case: reason for reason, cases in UNKNOWN.items() for case in cases.split()}
ABOUT = [case for case in CASES if case["area"] in AREAS]


@pytest.mark.skipif(not CASES, reason="../shared/cases.json is not here")
@pytest.mark.parametrize("case", ABOUT, ids=[case["id"] for case in ABOUT])
def test_the_model_answers_as_dynamodb_does(case: dict[str, Any]) -> None:
    runner = load_runner()
    agrees, _, got = runner.run_case(case, runner.CallTarget(Tables()))
    assert agrees is (case["id"] not in NOT_KNOWN), got


def test_the_model_shares_no_code_with_flyexpr() -> None:
    """Modules that it imports share none either: a rule that is wrong there would be wrong on both sides."""
    folder = Path(naive.__file__).parent
    for name in ("naive", "naive_text", "naive_tables"):
        assert "import flyexpr" not in (folder / f"{name}.py").read_text(encoding="utf-8")
        assert "from flyexpr" not in (folder / f"{name}.py").read_text(encoding="utf-8")
        imported = {value.__name__ for value in vars(sys.modules[name]).values() if isinstance(value, type(sys))}
        assert imported <= {"operator", "re"}, name
