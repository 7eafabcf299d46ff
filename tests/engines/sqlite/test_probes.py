"""Every operation of the service is answered or refused as the service's model says; the page says which."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from embedded import Ask
from raised import raises

from flyexpr import DynamoError
from flyexpr.engines import connect
from flyexpr.engines.sqlite.engine import OPERATIONS
from flyexpr.engines.sqlite.request.settings.probes import PROBES, Refusal

ROOT = Path(__file__).parents[3]
LINES = (ROOT / "tests" / "data" / "probes.txt").read_text(encoding="utf-8").splitlines()[1:]
CASES = [(*asked.split(" ", 1), answer.strip()) for asked, answer in zip(LINES[::2], LINES[1::2], strict=True)]


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """The operations of DynamoDB and of its streams, as botocore describes them."""
    session = pytest.importorskip("botocore.session").get_session()
    services = [session.get_service_model(name) for name in ("dynamodb", "dynamodbstreams")]
    return {name: service.operation_model(name) for service in services for name in service.operation_names}


def page() -> dict[str, str]:
    """Each operation in the table of the page about the engine, and how the page says it is done."""
    text = (ROOT / "docs" / "embedded-engine.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]\w+(?:, \w+)*) \| (\w+) \|", text, re.MULTILINE)
    return {operation: how for operations, how in rows for operation in operations.split(", ")}


def how(operation: str) -> str:
    if operation not in OPERATIONS:
        return "unknown"
    if operation not in PROBES:
        return "answered"
    return "refused" if isinstance(PROBES[operation].answer, Refusal) else "fixed"


@pytest.mark.parametrize("operation, request_text, answer", CASES)
def test_an_operation_has_one_answer(ask: Ask, operation: str, request_text: str, answer: str) -> None:
    request = {"TableName": None, **json.loads(request_text)}
    try:
        found = json.dumps(ask(operation, **request), separators=(",", ":"))
    except DynamoError as error:
        found = f"{error.code}: {error.message}"
    assert found == answer


def test_every_operation_with_one_answer_has_a_case() -> None:
    assert {operation for operation, _, _ in CASES} == PROBES.keys()


def test_the_page_says_how_every_operation_is_done() -> None:
    assert page() == {operation: how(operation) for operation in page()}
    assert OPERATIONS.keys() <= page().keys()


def test_the_page_has_every_operation_of_the_service(models: dict[str, Any]) -> None:
    missing = models.keys() - page().keys()
    assert not missing, "botocore's model has operations that the page does not name"


@pytest.mark.parametrize("operation", PROBES)
def test_a_request_has_the_members_of_the_model(models: dict[str, Any], operation: str) -> None:
    if operation not in models:
        pytest.skip(f"this botocore has no {operation}")
    probe, model = PROBES[operation], models[operation].input_shape
    assert {*probe.required.split(), *probe.optional.split()} == set(model.members)
    assert set(probe.required.split()) == set(model.required_members)
    kinds = {"string": "java.lang.String", "integer": "java.lang.Integer", "long": "java.lang.Long"}
    kinds |= {"timestamp": "java.lang.Long"}
    for name, shape in OPERATIONS[operation].shape.members.items():
        kind = model.members[name].type_name
        assert (kinds.get(kind) == shape.name) if hasattr(shape, "name") and kind in kinds else kind not in kinds


@pytest.mark.parametrize("operation, request_text, answer", CASES)
def test_an_answer_has_the_shape_of_the_model(
    models: dict[str, Any], operation: str, request_text: str, answer: str
) -> None:
    from botocore.validate import ParamValidator

    if operation not in models:
        pytest.skip(f"this botocore has no {operation}")
    model = models[operation]
    if answer.startswith("{"):
        assert set(json.loads(answer)) <= set(model.output_shape.members)
        problems = ParamValidator().validate(json.loads(answer), model.output_shape)
        assert not problems.has_errors(), problems.generate_report()
    else:
        code = answer.partition(":")[0]
        assert code in {"ValidationException", "SerializationException", *(shape.name for shape in model.error_shapes)}


def test_what_only_reads_answers_an_engine_that_only_reads(tmp_path: Path) -> None:
    connect(f"sqlite:{tmp_path / 'tables.db'}").close()
    with connect(f"sqlite:{tmp_path / 'tables.db'}?mode=ro") as engine:
        for operation in ("DescribeEndpoints", "ListExports"):
            assert engine(operation, b"{}").startswith(b"{")
        arn = b'{"ResourceArn":"arn:aws:dynamodb:local:000000000000:table/tab"}'
        with raises(
            DynamoError,
            "ResourceNotFoundException: Requested resource not found: ResourceArn: "
            "arn:aws:dynamodb:local:000000000000:table/tab not found",
        ):
            engine("GetResourcePolicy", arn)
        with raises(
            DynamoError,
            f"AccessDeniedException: {tmp_path}/tables.db was opened to be read only, and "
            "DeleteResourcePolicy writes\n"
            "  hint: connect without mode=ro",
        ):
            engine("DeleteResourcePolicy", arn)
