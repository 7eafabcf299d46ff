"""Keys from wherever botocore finds them, over both transports: the first, those after them, and by many threads."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha1
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.tokens
import botocore.utils
import pytest
from fake_aws import TIMES, FakeAws, metadata

from flyexpr import call, connect
from flyexpr.engines.aws.signing import Keys

ROLE = "role_arn = arn:aws:iam::111122223333:role/r\n"
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base\n"
SSO = "sso_account_id = 111122223333\nsso_role_name = r\n"


class Place:
    """A home folder, an environment and AWS on loopback, for a test to furnish."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, aws: FakeAws) -> None:
        self.folder, self.patch, self.aws = folder, patch, aws
        for name in list(os.environ):
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        self.environ(
            CONFIG_FILE=str(folder / "config"),
            SHARED_CREDENTIALS_FILE=str(folder / "credentials"),
            EC2_METADATA_DISABLED="true",
            ENDPOINT_URL_STS=aws.url,
            ENDPOINT_URL_SSO=aws.url,
            ENDPOINT_URL_SSO_OIDC=aws.url,
        )
        patch.setattr(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(folder))
        patch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(folder))
        patch.setattr(botocore.utils.ContainerMetadataFetcher, "IP_ADDRESS", aws.place)
        patch.setattr(botocore.utils.ContainerMetadataFetcher, "SLEEP_TIME", 0)
        # botocore looks at the clock in these two places.
        patch.setattr(botocore.credentials, "_local_now", aws.now)
        patch.setattr(
            botocore.credentials.RefreshableCredentials,
            "_seconds_remaining",
            lambda credentials: (credentials._expiry_time - aws.now()).total_seconds(),
        )
        aws.know(Keys("AKIABASE", "base"))

    def environ(self, **values: str) -> None:
        """Sets variables, which all begin with `AWS_`."""
        for name, value in values.items():
            self.patch.setenv(f"AWS_{name}", value)

    def config(self, profile: str, more: str = "") -> None:
        """The configuration file: a profile `p`, and what else it should have."""
        (self.folder / "config").write_text(f"[profile p]\n{profile}\n{more}")

    def file(self, name: str, text: str) -> Path:
        """A file with this text."""
        path = self.folder / name
        path.write_text(text)
        return path

    def connect(self, transport: str) -> Any:
        """An engine for DynamoDB here."""
        profile = "&profile=p" if (self.folder / "config").exists() else ""
        return connect(f"{self.aws.url}?region={self.aws.region}&transport={transport}&attempts=1{profile}")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    aws = FakeAws()
    yield Place(tmp_path, monkeypatch, aws)
    aws.close()


def environment(place: Place) -> None:
    place.environ(ACCESS_KEY_ID="AKIAENV", SECRET_ACCESS_KEY="env")
    place.aws.know(Keys("AKIAENV", "env"))


def environment_with_token(place: Place) -> None:
    place.environ(ACCESS_KEY_ID="ASIAENV", SECRET_ACCESS_KEY="env", SESSION_TOKEN="session/+=")
    place.aws.know(Keys("ASIAENV", "env", "session/+="))


def shared_file(place: Place) -> None:
    place.file("credentials", "[default]\naws_access_key_id = AKIABASE\naws_secret_access_key = base\n")


def shared_file_of_a_profile(place: Place) -> None:
    place.config("")
    place.file("credentials", "[p]\naws_access_key_id=ASIA\naws_secret_access_key=s\naws_session_token=t\n")
    place.aws.know(Keys("ASIA", "s", "t"))


def profile(place: Place) -> None:
    place.config("aws_access_key_id = AKIABASE\naws_secret_access_key = base\n")


def role_of_a_profile(place: Place) -> None:
    place.config(f"{ROLE}source_profile = base\nexternal_id = ex\n", BASE)


def role_of_a_role(place: Place) -> None:
    place.config(f"{ROLE}source_profile = middle\n", f"[profile middle]\n{ROLE}source_profile = base\n{BASE}")


def role_of_the_environment(place: Place) -> None:
    place.config(f"{ROLE}credential_source = Environment\n")
    place.environ(ACCESS_KEY_ID="AKIABASE", SECRET_ACCESS_KEY="base")


def role_of_a_container(place: Place) -> None:
    place.config(f"{ROLE}credential_source = EcsContainer\n")
    container(place)


def role_of_an_instance(place: Place) -> None:
    place.config(f"{ROLE}credential_source = Ec2InstanceMetadata\n")
    instance(place)


def web_identity(place: Place) -> None:
    place.config(f"{ROLE}web_identity_token_file = {place.file('identity', 'web-identity')}\n")


def web_identity_of_the_environment(place: Place) -> None:
    token = place.file("identity", "web-identity")
    place.environ(ROLE_ARN="arn:aws:iam::111122223333:role/r", WEB_IDENTITY_TOKEN_FILE=str(token))


def role_of_a_web_identity(place: Place) -> None:
    token = place.file("identity", "web-identity")
    more = f"[profile web]\n{ROLE}web_identity_token_file = {token}\n"
    place.config(f"{ROLE}source_profile = web\n", more)


def sso_token(place: Place, name: str, **members: str) -> None:
    text = botocore.compat.json.dumps({"startUrl": "https://start", "region": "eu-west-1", **members})
    place.file(f"{sha1(name.encode()).hexdigest()}.json", text)


def sso_legacy(place: Place) -> None:
    place.config(f"{SSO}sso_start_url = https://start\nsso_region = eu-west-1\n")
    sso_token(place, "https://start", accessToken="sso-token", expiresAt="2099-01-01T00:00:00Z")


def sso_session(place: Place) -> None:
    place.config(f"{SSO}sso_session = s\n", "[sso-session s]\nsso_start_url = https://start\nsso_region = eu-west-1\n")
    sso_token(place, "s", accessToken="sso-token", expiresAt="2099-01-01T00:00:00Z")


def sso_session_with_an_old_token(place: Place) -> None:
    sso_session(place)
    again = {"refreshToken": "sso-refresh", "clientId": "c", "clientSecret": "s"}
    again["registrationExpiresAt"] = "2099-01-01T00:00:00Z"
    sso_token(place, "s", accessToken="old", expiresAt="2001-01-01T00:00:00Z", **again)


def process(place: Place) -> None:
    """A program that asks the container for keys, and writes them in its own form."""
    code = (
        "import json, urllib.request as r\n"
        f"found = json.load(r.urlopen('{place.aws.url}/role'))\n"
        "found['SessionToken'] = found.pop('Token')\n"
        "print(json.dumps({'Version': 1, **found}))\n"
    )
    place.config(f"credential_process = {sys.executable} {place.file('keys.py', code)}\n")


def container(place: Place) -> None:
    place.environ(CONTAINER_CREDENTIALS_RELATIVE_URI="/role")


def container_by_its_whole_url(place: Place) -> None:
    place.environ(
        CONTAINER_CREDENTIALS_FULL_URI=f"{place.aws.url}/role", CONTAINER_AUTHORIZATION_TOKEN="container-token"
    )


def container_with_a_file_of_its_token(place: Place) -> None:
    token = place.file("token", "container-token")
    place.environ(CONTAINER_CREDENTIALS_FULL_URI=f"{place.aws.url}/role")
    place.environ(CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))


def instance(place: Place) -> None:
    place.patch.delenv("AWS_EC2_METADATA_DISABLED")
    place.environ(EC2_METADATA_SERVICE_ENDPOINT=f"{place.aws.url}/")


Furnish = Callable[[Place], None]
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
    """The first request has the keys handed out last; so has the first after they expired, and those are new ones."""
    furnish(place)
    with place.connect(transport) as engine:
        for _ in range(2):
            assert call(engine, "ListTables", {}) == {"TableNames": []}
            assert place.aws.signers[-1] == f"AKIA{place.aws.handed_out}"
            asked = len(place.aws.asked)
            assert call(engine, "ListTables", {}) == {"TableNames": []}
            assert len(place.aws.asked) == asked  # no keys are fetched while there are some
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
    """DynamoDB here refuses a request whose access key, secret and token are not of one handing out."""
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
            # A request that was signed just before the clock moved comes just after it; DynamoDB may refuse it.
            error = answer.exception()
            assert error is None or "expired" in str(error)
            failed += error is not None
        assert failed < 16
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert place.aws.handed_out == before + 1
    assert set(place.aws.signers) == {f"AKIA{before}", f"AKIA{before + 1}"}


def test_keys_that_end_soon_are_kept_when_no_others_come(place: Place, transport: str) -> None:
    """Within the last quarter of an hour, but not the last ten minutes, a failure to fetch others is no error yet."""
    role_of_a_profile(place)
    with place.connect(transport) as engine:
        call(engine, "ListTables", {})
        place.aws.instead = lambda path, body: (500, b"")
        place.aws.ahead = timedelta(minutes=48)
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert place.aws.signers == ["AKIA1", "AKIA1"]


def test_sts_is_asked_in_the_region_of_the_url(place: Place, transport: str) -> None:
    """As a client of boto3 does, whatever region the profile names; the server here checks the signature's region."""
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
    assert ours == {"dynamodb": "flyexpr.engines.aws.client"}
    assert {service for service, _ in made} == {"dynamodb", "sso", "sso-oidc", "sts"}


def test_the_metadata_of_the_fake_reads_as_the_real() -> None:
    until = datetime(2030, 1, 1, tzinfo=timezone.utc).strftime(TIMES)
    assert b'"Expiration": "2030-01-01T00:00:00Z"' in metadata(Keys("A", "s", "t"), until)
