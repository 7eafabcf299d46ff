"""Keys from every provider of botocore, over both transports: the first keys, later ones, and many threads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import botocore.client
import pytest
from fake_aws import TIMES, metadata
from furnished import (
    BASE,
    ROLE,
    Furnish,
    Place,
    container,
    container_by_its_whole_url,
    container_with_a_file_of_its_token,
    environment,
    environment_with_token,
    instance,
    process,
    profile,
    role_of_a_container,
    role_of_a_profile,
    role_of_a_role,
    role_of_a_web_identity,
    role_of_an_instance,
    role_of_the_environment,
    shared_file,
    shared_file_of_a_profile,
    sso_legacy,
    sso_session,
    sso_session_with_an_old_token,
    web_identity,
    web_identity_of_the_environment,
)

from flyexpr import call, connect
from flyexpr.engines.aws.signing import Keys

STATIC: dict[Furnish, str] = {
    environment: "env",
    environment_with_token: "env",
    shared_file: "shared-credentials-file",
    shared_file_of_a_profile: "shared-credentials-file",
    profile: "config-file",
}
EXPIRING: dict[Furnish, str] = {
    role_of_a_profile: "assume-role",
    role_of_a_role: "assume-role",
    role_of_the_environment: "assume-role",
    role_of_a_container: "assume-role",
    role_of_an_instance: "assume-role",
    role_of_a_web_identity: "assume-role",
    web_identity: "assume-role-with-web-identity",
    web_identity_of_the_environment: "assume-role-with-web-identity",
    sso_legacy: "sso",
    sso_session: "sso",
    sso_session_with_an_old_token: "sso",
    process: "custom-process",
    container: "container-role",
    container_by_its_whole_url: "container-role",
    container_with_a_file_of_its_token: "container-role",
    instance: "iam-role",
}


def name_of(furnish: object) -> str:
    return getattr(furnish, "__name__", str(furnish))


@pytest.mark.parametrize("furnish", STATIC, ids=name_of)
def test_keys_that_stay(furnish: Furnish, place: Place, transport: str) -> None:
    furnish(place)
    with place.connect(transport) as engine:
        assert call(engine, "ListTables", {}) == {"TableNames": []}
        place.aws.later()
        assert call(engine, "ListTables", {}) == {"TableNames": []}
        if transport == "direct":
            assert repr(engine).endswith(f"keys by botocore from {STATIC[furnish]}>")
    assert len(set(place.aws.signers)) == 1
    assert place.aws.asked == []


@pytest.mark.parametrize("furnish", EXPIRING, ids=name_of)
def test_keys_that_expire(furnish: Furnish, place: Place, transport: str) -> None:
    """The first request has the latest keys; the first one after they expired has new keys."""
    furnish(place)
    with place.connect(transport) as engine:
        for _ in range(2):
            assert call(engine, "ListTables", {}) == {"TableNames": []}
            assert place.aws.signers[-1] == f"AKIA{place.aws.handed_out}"
            asked = len(place.aws.asked)
            assert call(engine, "ListTables", {}) == {"TableNames": []}
            assert len(place.aws.asked) == asked  # no keys are fetched while the old ones are valid
            place.aws.later()
        if transport == "direct":
            assert repr(engine).endswith(f"as asked, keys by botocore from {EXPIRING[furnish]}>")
    first, again, after, then = place.aws.signers
    assert first == again != after == then


def test_a_token_of_sso_is_refreshed_once(place: Place, transport: str) -> None:
    sso_session_with_an_old_token(place)
    with place.connect(transport) as engine:
        call(engine, "ListTables", {})
        place.aws.later()
        call(engine, "ListTables", {})
    assert [asked.partition("?")[0] for asked in place.aws.asked] == [
        "POST /token",
        "GET /federation/credentials",
        "GET /federation/credentials",
    ]


@pytest.mark.parametrize("furnish", [role_of_a_profile, sso_session, container], ids=name_of)
def test_many_threads_over_a_refresh(furnish: Furnish, place: Place, transport: str) -> None:
    """This DynamoDB refuses a request whose access key, secret and token were not given together."""
    furnish(place)

    def ask(number: int) -> object:
        if number == 60:
            place.aws.later()
        return call(engine, "ListTables", {})["TableNames"]

    with place.connect(transport) as engine, ThreadPoolExecutor(8) as threads:
        call(engine, "ListTables", {})
        before = place.aws.handed_out
        failed = 0
        for answer in [threads.submit(ask, number) for number in range(150)]:
            # A request that was signed just before the clock moved may come just after it; DynamoDB may refuse it.
            error = answer.exception()
            assert error is None or "expired" in str(error)
            failed += error is not None
        assert failed < 16
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert place.aws.handed_out == before + 1
    assert set(place.aws.signers) == {f"AKIA{before}", f"AKIA{before + 1}"}


def test_keys_that_end_soon_are_kept_when_no_others_come(place: Place, transport: str) -> None:
    """From 15 to 10 minutes before the keys expire, a failure to fetch new ones is not yet an error."""
    role_of_a_profile(place)
    with place.connect(transport) as engine:
        call(engine, "ListTables", {})
        place.aws.instead = lambda path, body: (500, b"")
        place.aws.ahead = timedelta(minutes=48)
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert place.aws.signers == ["AKIA1", "AKIA1"]


def test_sts_is_asked_in_the_region_of_the_url(place: Place, transport: str) -> None:
    """A client of boto3 does the same, whatever region the profile names. The server checks the region signed for."""
    place.aws.region = "ap-south-1"
    place.config(f"{ROLE}source_profile = base\nregion = sa-east-1\n", BASE)
    with place.connect(transport) as engine:
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert place.aws.asked == ["POST / AssumeRole"]


@pytest.mark.parametrize("variable", ["AWS_RETRY_MODE", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_a_role_when_botocore_is_taken_by_itself(variable: str, place: Place) -> None:
    role_of_a_profile(place)
    place.patch.setenv(variable, {"AWS_RETRY_MODE": "adaptive"}.get(variable, place.aws.url))
    url = place.aws.url if variable == "AWS_RETRY_MODE" else "dynamodb:/"
    end = "?region=eu-west-1&profile=p" if variable == "AWS_RETRY_MODE" else "/eu-west-1?profile=p"
    with connect(url + end) as engine:
        assert " by botocore: " in repr(engine)
        for _ in range(2):
            assert call(engine, "ListTables", {}) == {"TableNames": []}
            place.aws.later()
    assert place.aws.signers == ["AKIA1", "AKIA2"]


def test_only_dynamodbs_client_has_our_parsers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []
    create = botocore.client.ClientCreator.create_client

    def note(self: Any, service_name: str, *arguments: Any, **named: Any) -> Any:
        made.append((service_name, type(self._response_parser_factory).__module__))
        return create(self, service_name, *arguments, **named)

    monkeypatch.setattr(botocore.client.ClientCreator, "create_client", note)
    for furnish in (sso_session_with_an_old_token, role_of_a_profile):
        furnish(place)
        with place.connect("botocore") as engine:
            call(engine, "ListTables", {})
    ours = {service: module for service, module in made if module.startswith("flyexpr")}
    assert ours == {"dynamodb": "flyexpr.engines.aws.botocore"}
    assert {service for service, _ in made} == {"dynamodb", "sso", "sso-oidc", "sts"}


def test_the_metadata_of_the_fake_reads_as_the_real() -> None:
    until = datetime(2030, 1, 1, tzinfo=timezone.utc).strftime(TIMES)
    assert b'"Expiration": "2030-01-01T00:00:00Z"' in metadata(Keys("A", "s", "t"), until)
