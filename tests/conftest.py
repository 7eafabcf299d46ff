"""The fixtures `engine`, `fresh_name` and `known_fault`, and a summary by engine at the end.

No test sees a real AWS account.
"""

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from doors import through_the_loop
from engines import AWAITED, NAMES, Engine, absence, opened, without_transport

from flyexpr import DynamoError, call

FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

# On a busy machine any deadline is flaky. It is meant that one engine serves all examples of a property.
hypothesis.settings.register_profile(
    "flyexpr",
    deadline=None,
    print_blob=True,
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
)
hypothesis.settings.load_profile("flyexpr")


@pytest.fixture(autouse=True, scope="session")
def no_real_account() -> Iterator[None]:
    """No profile, credential or endpoint of the person who runs the tests; fake ones instead."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        for name, value in FAKE_AWS.items():
            environment.setenv(name, value)
        yield


def parameter(name: str) -> object:
    """The engine's parameter, skipped with a reason where the engine is absent."""
    reason = absence(name)
    return pytest.param(name, id=name, marks=[pytest.mark.skip(reason=f"{name}: {reason}")] if reason else [])


@pytest.fixture(params=[parameter(name) for name in NAMES])
def engine_name(request: pytest.FixtureRequest) -> str:
    """The name of the test's engine, one test for each engine."""
    return str(request.param)


@pytest.fixture
def engine(engine_name: str) -> Iterator[Engine]:
    """An engine, one test for each; a server keeps the tables of others, so name yours by `fresh_name`."""
    with opened(engine_name) as engine:
        yield engine


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for, none of which is taken."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture(autouse=True)
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the awaited functions into the test's module if its engine is an awaited one."""
    if "engine_name" in request.fixturenames and request.getfixturevalue("engine_name").endswith(AWAITED):
        through_the_loop(request.module, monkeypatch)


@pytest.fixture
def fresh_name(engine: Engine) -> Iterator[str]:
    """A table name that no other test has; every table whose name begins with it is deleted afterwards."""
    name = f"t{uuid.uuid4().hex[:16]}"
    yield name
    listed = call(engine, "ListTables", {"ExclusiveStartTableName": name})["TableNames"]
    for table in [name, *(other for other in listed if other.startswith(name) and other != name)]:
        delete_if_there(engine, table)


def delete_if_there(engine: Engine, table: str) -> None:
    try:
        call(engine, "DeleteTable", {"TableName": table})
    except DynamoError as error:
        if error.code != "ResourceNotFoundException":
            raise


@pytest.fixture
def known_fault(request: pytest.FixtureRequest, engine_name: str) -> Callable[..., None]:
    """A function (*engines, reason) that expects the rest of the test to fail on those engines.

    It is for single cases of a table of cases; for a whole test use the marker `engine_fault`.
    """

    def expect_failure(*engines: str, reason: str) -> None:
        if without_transport(engine_name) in checked(engines):
            request.applymarker(expected_failure(engine_name, reason))

    return expect_failure


def expected_failure(name: str, reason: str, sometimes: bool = False) -> pytest.MarkDecorator:
    """A mark for a test that must fail, so that a mended fault is noticed; with `sometimes` the test is not run.

    >>> expected_failure("moto", "is lenient")
    MarkDecorator(mark=Mark(name='xfail', args=(), kwargs={'reason': 'moto: is lenient', 'strict': True}))
    >>> expected_failure("moto", "is late", sometimes=True)
    MarkDecorator(mark=Mark(name='skip', args=(), kwargs={'reason': 'moto: is late; chance decides whether it shows'}))

    Where chance decides, neither outcome says anything: such a test could not fail.
    """
    if sometimes:
        return pytest.mark.skip(reason=f"{name}: {reason}; chance decides whether it shows")
    return pytest.mark.xfail(reason=f"{name}: {reason}", strict=True)


def checked(engines: tuple[str, ...]) -> tuple[str, ...]:
    """The same names; a misspelt name is an error, since it would have no effect."""
    if unknown := set(engines) - set(NAMES):
        raise ValueError(f"no engine is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return engines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("engine_name")  # type: ignore[attr-defined]
        if name:
            item.user_properties.append(("engine", name))
            expect_faults(item, name)


def expect_faults(item: pytest.Item, name: str) -> None:
    for mark in item.iter_markers("engine_fault"):
        if without_transport(name) in checked(mark.args):
            item.add_marker(expected_failure(name, **mark.kwargs))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if name := dict(getattr(report, "user_properties", ())).get("engine"):
                tally[name][outcome] += bool(outcome)  # the unnamed outcome is a successful set-up
    if tally:
        terminalreporter.section("engines")
        for name in NAMES:
            terminalreporter.write_line(f"{name:<16} {absence(name) or account(tally[name])}")


def account(outcomes: Counter[str]) -> str:
    """How many of an engine's tests passed, failed and so on.

    >>> account(Counter(passed=3, failed=1))
    '1 failed, 3 passed'
    """
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()) if number)
