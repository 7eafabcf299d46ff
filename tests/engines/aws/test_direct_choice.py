"""Which transport is chosen, and that its endpoint and keys are those of a botocore client."""

import asyncio
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.awsrequest
import botocore.client
import botocore.httpsession
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config
from misbehaving import Server, echo
from places import ROOT
from raised import raises

from flyexpr import (
    DynamoError,
    FlyexprError,
    Table,
    VectorIndex,
    aio,
    call,
    connect,
    create_table,
    near,
    put,
    run,
    search,
)
from flyexpr.engines.aws.botocore import BotocoreEngine
from flyexpr.engines.aws.choice import Setup, _plain_setup, _session_setup, choose, is_instrumented
from flyexpr.engines.aws.direct import DirectEngine
from flyexpr.engines.aws.endpoints import Endpoint, endpoint_at, plain_endpoint
from flyexpr.engines.aws.retries import Quota, delay, is_passing, is_throttle, may_repeat
from flyexpr.engines.aws.signing import Keys
from flyexpr.engines.aws.target import target_of
from flyexpr.serve import serve

AWS = "dynamodb://eu-west-1"
DOCS = Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 2)])
LOCAL = "http://localhost:8000"
PROFILE = "[profile games]\naws_access_key_id = AKIAGAMES\naws_secret_access_key = s\nregion = eu-north-1\n"
DEFAULT = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No keys, no region, no configuration, no proxy."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def keys(bare: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Keys in the environment, and nothing else."""
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return bare


@pytest.fixture
def configure(bare: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Writes AWS's configuration file."""

    def write(text: str) -> None:
        path = tmp_path / "config"
        path.write_text(text)
        bare.setenv("AWS_CONFIG_FILE", str(path))

    return write


@pytest.mark.parametrize(
    "url, environment, reason",
    [
        (AWS, {}, "direct: keys and region in the environment"),
        ("dynamodb://", {"AWS_DEFAULT_REGION": "eu-west-1"}, "direct: keys and region in the environment"),
        ("dynamodb://", {"AWS_REGION": "eu-west-1"}, "direct: keys and region in the environment"),
        ("https://user:secret@example.com", {}, "direct: keys in the environment"),
        (AWS, {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_REGION": "x"}, "direct: keys and region in the environment"),
        (LOCAL, {}, "direct: keys in the environment"),
        (AWS + "?transport=direct", {}, "direct: as asked, keys and region in the environment"),
        (AWS + "?transport=botocore", {}, "botocore: as asked"),
        (AWS, {"https_proxy": "http://proxy:1"}, "botocore: there is a proxy for https"),
        (AWS, {"HTTPS_PROXY": "http://proxy:1"}, "botocore: there is a proxy for https"),
        (AWS, {"https_proxy": "http://proxy:1", "no_proxy": ".amazonaws.com"}, "direct: keys and region"),
        (AWS, {"http_proxy": "http://proxy:1"}, "direct: keys and region in the environment"),
        (LOCAL, {"http_proxy": "http://proxy:1"}, "botocore: there is a proxy for http"),
        (LOCAL, {"http_proxy": "http://proxy:1", "NO_PROXY": "localhost"}, "direct: keys in the environment"),
        (AWS, {"AWS_RETRY_MODE": "adaptive"}, "botocore: the retry mode is adaptive"),
        (AWS, {"AWS_RETRY_MODE": "standard"}, "direct: keys by botocore from env"),
        (AWS, {"AWS_ENDPOINT_URL": LOCAL}, "botocore: the environment names an endpoint"),
        (AWS, {"AWS_ENDPOINT_URL_DYNAMODB": LOCAL}, "botocore: the environment names an endpoint"),
        (LOCAL, {"AWS_ENDPOINT_URL": "http://elsewhere"}, "direct: keys by botocore from env"),
        (AWS, {"AWS_ENDPOINT_DISCOVERY_ENABLED": "true"}, "botocore: endpoint discovery is enabled"),
        (AWS, {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"}, "botocore: endpoints by account are required"),
        (AWS, {"AWS_USE_FIPS_ENDPOINT": "true"}, "direct: keys by botocore from env"),
        (LOCAL, {"AWS_USE_FIPS_ENDPOINT": "true"}, "botocore: FIPS or dual stack is set together with an endpoint"),
        ("http://localhost:8000/a%20b", {}, "botocore: the endpoint is not a plain host, port and path"),
    ],
)
def test_the_choice_and_its_reason(
    url: str, environment: dict[str, str], reason: str, keys: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        keys.setenv(name, value)
    with connect(url) as engine:
        assert repr(engine).startswith(f"<engine {url.replace('user:secret@', '')} by {reason}")


def test_a_server_on_this_machine_needs_no_keys(bare: pytest.MonkeyPatch) -> None:
    assert repr(connect(LOCAL)) == f"<engine {LOCAL} by direct: a server on this machine, no keys needed>"


def test_keys_and_region_of_a_profile(configure: Callable[[str], None]) -> None:
    configure(PROFILE)
    setup = choose(target_of("dynamodb://?profile=games"))
    assert isinstance(setup, Setup)
    assert (setup.keys(), setup.endpoint.region) == (Keys("AKIAGAMES", "s"), "eu-north-1")
    assert setup.why == "keys of the profile 'games'"


SECTIONS = ["[default]", "[profile games]", "[games]", "[profile 'games']", "[profile default]", "[profile x y]"]
KEY, SECRET, TOKEN = "aws_access_key_id = AKIA{}", "aws_secret_access_key = s{}", "aws_session_token = t{}"
KEY_LINES = [(KEY, SECRET)] * 4 + [(KEY, SECRET, TOKEN), (KEY, "AWS_SECRET_ACCESS_KEY=upper"), (KEY,), (SECRET,), ()]
LINES = """
region = us-east-{}|region = us-west-{}|region =|output = json|; nothing|region = a\n  b|region =\n  a = b|cli_pager =|
aws_security_token = u|aws_account_id = 111122223333|no line|retries = %(y)s
""".strip().split("|")
VARIABLES: list[dict[str, str]] = [
    {},
    {},
    {},
    {"AWS_PROFILE": "games"},
    {"AWS_PROFILE": "x", "AWS_DEFAULT_PROFILE": "games"},
    {"AWS_PROFILE": ""},
    {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env", "AWS_PROFILE": "games"},
    {"AWS_ACCESS_KEY_ID": "half"},
    {"AWS_SECRET_ACCESS_KEY": "half"},
    {"AWS_REGION": "ca-west-1"},
]


def test_plain_profiles_are_read_as_botocores_session_reads_them(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chance, compared = random.Random(1), 0
    for _ in range(400):
        with bare.context() as patch:
            _configure_by_chance(chance, patch, tmp_path)
            target = target_of(chance.choice([AWS, AWS, "dynamodb://", AWS + "?profile=games"]))
            setup = _plain_setup(target)
            if setup is not None:
                session = _session_setup(target)
                assert (setup.endpoint, setup.keys()) == (session.endpoint, session.keys())
                compared += 1
    assert compared > 60


def _configure_by_chance(chance: random.Random, patch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        sections = chance.sample(SECTIONS, chance.randrange(2, 6))
        lines = [
            line
            for section in sections
            for line in (section, *chance.choice(KEY_LINES), *chance.sample(LINES, max(0, chance.randrange(-3, 3))))
        ]
        (folder / name).write_text("\n".join(line.format(number) for number, line in enumerate(lines)))
        patch.setenv(name, str(folder / chance.choice([name, name, name, name, "none"])))
    for name, value in chance.choice(VARIABLES).items():
        patch.setenv(name, value)


def test_a_plain_profile_needs_no_session_of_botocore(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(DEFAULT)
    code = f"import sys; from flyexpr import connect; connect({AWS!r}); print('botocore.session' in sys.modules)"
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_CONFIG_FILE": os.devnull}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")


@pytest.mark.parametrize(
    "settings, reason",
    [
        ("endpoint_url = http://localhost:8000", "AWS's configuration names an endpoint"),
        ("services = mine", "AWS's configuration names an endpoint"),
        ("retry_mode = adaptive", "the retry mode is adaptive"),
        ("endpoint_discovery_enabled = true", "endpoint discovery is enabled"),
    ],
)
def test_settings_of_a_configuration_file(
    settings: str, reason: str, configure: Callable[[str], None], keys: pytest.MonkeyPatch
) -> None:
    configure(f"{DEFAULT}{settings}\n[services mine]\ndynamodb =\n  endpoint_url = http://localhost:8000\n")
    assert choose(target_of(AWS)) == reason
    text = "the direct transport cannot serve 'dynamodb://eu-west-1?transport=direct'"
    with raises(FlyexprError, f"{text}: {reason}\n  write ?transport=botocore"):
        connect(AWS + "?transport=direct")


def test_direct_is_not_forced_past_a_proxy(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("https_proxy", "http://proxy:1")
    with pytest.raises(FlyexprError) as caught:
        connect(AWS + "?transport=direct")
    assert str(caught.value) == (
        "the direct transport cannot serve 'dynamodb://eu-west-1?transport=direct': there is a proxy for https\n"
        "  write ?transport=botocore"
    )


@pytest.mark.parametrize("transport", ["direct", "botocore"])
@pytest.mark.parametrize(
    "url, text",
    [
        (
            "dynamodb://?transport=",
            "AWS_REGION is not set, and AWS's configuration has none\n  write dynamodb://eu-west-1",
        ),
        (
            "dynamodb://eu-west-1?profile=none&transport=",
            "names the profile 'none', but AWS's configuration does not have it",
        ),
        ("http://localhost:8000?attempts=0&transport=", "attempts= in"),
        ("http://localhost:8000?attempts=2.5&transport=", "attempts= in"),
        ("http://localhost:8000?timeout=never&transport=", "timeout= in"),
        ("dynamodb://somewhere.else?transport=", "somewhere.else"),
    ],
)
def test_urls_that_lead_nowhere(transport: str, url: str, text: str, keys: pytest.MonkeyPatch) -> None:
    with pytest.raises(FlyexprError) as caught:
        connect(url + transport)
    assert text in str(caught.value)


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_no_keys_at_all(transport: str, bare: pytest.MonkeyPatch) -> None:
    with connect(f"{AWS}?transport={transport}") as engine, pytest.raises(FlyexprError) as caught:
        engine("ListTables", b"{}")
    assert str(caught.value) == (
        "no keys: Unable to locate credentials\n  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
    )


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_half_of_the_keys(transport: str, bare: pytest.MonkeyPatch) -> None:
    bare.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    with raises(
        FlyexprError,
        "no keys from env: Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY\n"
        "  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    ):
        connect(f"{AWS}?transport={transport}")


SETTINGS: list[dict[str, Any]] = [
    {},
    {"use_fips_endpoint": True},
    {"use_dualstack_endpoint": True},
    {"use_fips_endpoint": True, "use_dualstack_endpoint": True},
]


@pytest.mark.parametrize(
    "region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "local", "mx-central-1"]
)
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "+".join(settings) or "plain")
def test_endpoints_equal_botocores(region: str, settings: dict[str, Any], keys: pytest.MonkeyPatch) -> None:
    for name in settings:
        keys.setenv(f"AWS_{name.upper()}", "true")
    setup = choose(target_of(f"dynamodb://{region}"))
    try:
        session = botocore.session.Session()
        client = session.create_client("dynamodb", region, config=Config(**settings))
        rules = client._ruleset_resolver.construct_endpoint(
            operation_model=client.meta.service_model.operation_model("ListTables"), call_args={}, request_context={}
        )
    except Exception:  # a region that botocore cannot resolve either is left to botocore
        assert not isinstance(setup, Setup)
        return
    assert isinstance(setup, Setup)
    assert endpoint_at(rules.url, setup.endpoint.region) == setup.endpoint


def test_every_region_of_the_main_partition_has_its_plain_endpoint() -> None:
    session = botocore.session.Session()
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    for partition in partitions:
        for region in partition["regions"]:
            if partition["id"] == "aws" and region != "aws-global":
                endpoint = plain_endpoint(region)
                assert endpoint is not None
                assert endpoint.host == f"dynamodb.{region}.amazonaws.com"
            else:
                assert plain_endpoint(region) is None


def test_the_account_of_the_keys_leads_to_its_endpoint(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("AWS_ACCOUNT_ID", "123456789012")
    setup = choose(target_of(AWS))
    assert isinstance(setup, Setup)
    assert setup.endpoint.host == "123456789012.ddb.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://localhost:0",
        "http://localhost:99999",
        "http://under_score",
        "http://-dash",
        "http://münchen.de",
        "http://host./",
        "http://[::1%25eth0]",
        "http://a b",
        "http://host/../x",
        "http://host//x",
        "http://host/%41",
        "http://host/ü",
        "http://host:port",
        "http://" + "a" * 64,
        "ftp://host",
    ],
)
def test_endpoints_that_are_left_to_botocore(url: str) -> None:
    assert endpoint_at(url, "eu-west-1") is None


def test_keys_in_the_environment_need_no_botocore() -> None:
    code = """
import sys
from flyexpr import connect
connect("dynamodb://eu-west-1")
connect("http://localhost:8000")
print(*(name for name in ("botocore", "urllib.request", "http.client", "email") if name in sys.modules))
"""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_keys_that_expire_are_fetched_again(
    configure: Callable[[str], None], tmp_path: Path, serve: Callable[..., Server]
) -> None:
    """A program whose keys are valid for one second is asked before every request, as botocore does."""
    count = tmp_path / "count"
    program = tmp_path / "keys.py"
    program.write_text(f"""
import datetime, json, pathlib
count = pathlib.Path({str(count)!r})
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
expiration = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
print(json.dumps({{"Version": 1, "AccessKeyId": f"AKIA{{number}}", "SecretAccessKey": "s",
    "SessionToken": f"token{{number}}", "Expiration": expiration.isoformat()}}))
""")
    configure(f"[profile fetched]\ncredential_process = {sys.executable} {program}\n")
    server = serve(echo)
    server.keys = {f"AKIA{number}": Keys(f"AKIA{number}", "s", f"token{number}") for number in range(9)}
    with connect(f"http://127.0.0.1:{server.port}?profile=fetched") as engine:
        assert repr(engine).endswith("by direct: keys by botocore from custom-process>")
        engine("GetItem", b"{}")
        engine("GetItem", b"{}")
    first, second = (request.headers for request in server.requests)
    assert first["x-amz-security-token"] != second["x-amz-security-token"]
    assert first["authorization"].split("/")[0] != second["authorization"].split("/")[0]


def test_keys_that_cannot_be_fetched(configure: Callable[[str], None], tmp_path: Path) -> None:
    configure(
        f"[profile fetched]\ncredential_process = {sys.executable} -c 'raise SystemExit(1)'\nregion = eu-west-1\n"
    )
    with pytest.raises(FlyexprError, match="hint: set AWS_ACCESS_KEY_ID"):
        connect("dynamodb://?profile=fetched")


def test_a_mock_that_is_active_is_seen(keys: pytest.MonkeyPatch) -> None:
    moto = pytest.importorskip("moto")
    with moto.mock_aws():
        engine = connect(AWS)
        assert repr(engine) == f"<engine {AWS} by botocore: moto's mock is active>"
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert repr(connect(AWS)).endswith("by direct: keys and region in the environment>")


@pytest.mark.parametrize("url", [AWS, AWS + "?transport=direct"])
def test_an_engine_from_before_the_mock_never_reaches_aws(url: str, keys: pytest.MonkeyPatch) -> None:
    """Tables are often bound when a module is imported, and a mock begins only in a test."""
    moto = pytest.importorskip("moto")
    engine = connect(url)
    keys.setattr("socket.create_connection", lambda *_, **__: pytest.fail("it went to the network"))
    assert isinstance(engine, DirectEngine)
    with engine, moto.mock_aws():
        key = {"AttributeName": "id", "KeyType": "HASH"}
        attribute = {"AttributeName": "id", "AttributeType": "S"}
        table = {"TableName": "t", "KeySchema": [key], "AttributeDefinitions": [attribute]}
        call(engine, "CreateTable", {**table, "BillingMode": "PAY_PER_REQUEST"})
        assert call(engine, "ListTables", {}) == {"TableNames": ["t"]}
        with pytest.raises(DynamoError, match="ResourceNotFoundException"):
            call(engine, "DescribeTable", {"TableName": "other"})


def test_an_instrumented_client_is_seen(keys: pytest.MonkeyPatch) -> None:
    """Tracers wrap this method; requests that avoid it would be missing in the trace."""
    original = botocore.client.BaseClient._make_api_call
    keys.setattr(botocore.client.BaseClient, "_make_api_call", lambda *arguments: original(*arguments))
    assert isinstance(connect(AWS), BotocoreEngine)
    assert isinstance(connect(AWS + "?transport=direct"), DirectEngine)


@pytest.mark.parametrize("operation", ["SearchVectors", "ListStreams", "GetRecords"])
def test_some_operations_have_a_host_of_their_own(keys: pytest.MonkeyPatch, operation: str) -> None:
    """Only botocore's rules know these hosts, so the operations go through botocore."""
    asked: list[str] = []
    keys.setattr(BotocoreEngine, "__call__", lambda self, operation, body: asked.append(operation) or b"{}")
    with connect(AWS) as engine:
        assert engine(operation, b"{}") == b"{}"
    assert asked == [operation]


OWN_HOSTS = [
    ("ListStreams", "DynamoDBStreams_20120810", "streams.dynamodb.eu-west-1.amazonaws.com"),
    ("SearchVectors", "DynamoDB_20120810", "search-dynamodb.eu-west-1.amazonaws.com"),
]


@pytest.mark.parametrize("operation, service, host", OWN_HOSTS)
@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_they_are_asked_at_that_host(
    keys: pytest.MonkeyPatch, transport: str, operation: str, service: str, host: str
) -> None:
    hosts: list[str] = []

    def send(self: object, request: botocore.awsrequest.AWSPreparedRequest) -> botocore.awsrequest.AWSResponse:
        hosts.append(request.url.split("/")[2])
        assert request.headers["X-Amz-Target"] == f"{service}.{operation}".encode()
        answer = SimpleNamespace(stream=lambda: iter([b'{"Streams":[]}']))
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, answer)

    async def awaited() -> bytes:
        async with aio.connect(f"{AWS}?transport={transport}") as engine:
            return await engine(operation, b"{}")

    keys.setattr(botocore.httpsession.URLLib3Session, "send", send)
    with connect(f"{AWS}?transport={transport}") as engine:
        assert engine(operation, b"{}") == asyncio.run(awaited()) == b'{"Streams":[]}'
    assert hosts == [host, host]


@pytest.fixture
def old_botocore(keys: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A botocore that does not know SearchVectors, and sends nothing."""
    load = botocore.loaders.Loader.load_service_model

    def without(self: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        model = load(self, *arguments, **options)
        operations = {name: one for name, one in model.get("operations", {}).items() if name != "SearchVectors"}
        return {**model, "operations": operations} if operations else model

    keys.setattr(botocore.loaders.Loader, "load_service_model", without)
    keys.setattr(botocore, "__version__", "1.43.63")
    keys.setattr(botocore.httpsession.URLLib3Session, "send", lambda *_: pytest.fail("something was sent"))
    return keys


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_a_botocore_that_knows_no_search_is_named(old_botocore: pytest.MonkeyPatch, transport: str) -> None:
    async def awaited() -> None:
        async with aio.connect(f"{AWS}?transport={transport}") as engine:
            await aio.run(DOCS.on(engine), search(near("v", [1, 0])))

    with connect(f"{AWS}?transport={transport}") as engine:
        for ask in (lambda: run(DOCS.on(engine), search(near("v", [1, 0]))), lambda: asyncio.run(awaited())):
            with pytest.raises(FlyexprError) as refused:
                ask()
            assert not isinstance(refused.value, DynamoError)
            assert str(refused.value) == (
                "SearchVectors needs botocore 1.43.64 or later, which knows its host; botocore 1.43.63 is installed\n"
                "  hint: pip install 'botocore>=1.43.64'"
            )


def test_a_server_that_is_named_is_searched_without_botocore(old_botocore: pytest.MonkeyPatch) -> None:
    with connect("sqlite::memory:") as served, serve(served) as server, connect(server.url) as engine:
        docs = DOCS.on(engine)
        run(docs, create_table())
        put(docs, {"id": "a", "v": [1, 0]})
        assert [found.item["id"] for found in run(docs, search(near("v", [1, 0])))] == ["a"]


@pytest.mark.parametrize("attempt", [1, 2, 5, 50, 5000])
@pytest.mark.parametrize("throttled", [False, True])
def test_delays_grow_to_a_limit(attempt: int, throttled: bool) -> None:
    longest = min((1 if throttled else 0.025) * 2.0 ** min(attempt - 1, 100), 20)
    assert [delay(attempt, throttled, chance) for chance in (0, 0.5, 1)] == [0, longest / 2, longest]


@pytest.mark.parametrize(
    "asked_for, expected",
    [("100", 0.1), ("1", 0.025), ("60000", 5.025), ("-1", 0.025), ("x", 0.025), ("9" * 5000, 5.025)],
)
def test_the_services_own_wish(asked_for: str, expected: float) -> None:
    assert delay(1, False, 1.0, asked_for) == expected


def test_a_quota_is_never_more_than_full() -> None:
    quota = Quota(20)
    quota.give(100)
    assert (quota.take(20), quota.take(1)) == (True, False)
    quota.give(100)
    assert (quota.take(21), quota.take(20)) == (False, True)


@pytest.mark.parametrize(
    "url, environment, region",
    [
        ("dynamodb://eu-west-1", {"AWS_DEFAULT_REGION": "eu-west-2", "AWS_REGION": "eu-west-3"}, "eu-west-1"),
        ("dynamodb://", {"AWS_DEFAULT_REGION": "eu-west-2", "AWS_REGION": "eu-west-3"}, "eu-west-2"),
        ("dynamodb://", {"AWS_DEFAULT_REGION": "", "AWS_REGION": "eu-west-3"}, "eu-west-3"),
        ("dynamodb://?profile=games", {"AWS_REGION": "eu-west-3"}, "eu-west-3"),
        ("dynamodb://?profile=games", {"AWS_REGION": ""}, "eu-north-1"),
        ("http://localhost:8000", {"AWS_REGION": "eu-west-3"}, "eu-west-3"),
        ("http://localhost:8000?region=eu-west-1", {"AWS_REGION": "eu-west-3"}, "eu-west-1"),
        ("http://localhost:8000?profile=games", {}, "eu-north-1"),
        ("http://localhost:8000", {}, "us-east-1"),
    ],
)
def test_the_region(
    url: str, environment: dict[str, str], region: str, configure: Callable[[str], None], keys: pytest.MonkeyPatch
) -> None:
    configure(PROFILE)
    for name, value in environment.items():
        keys.setenv(name, value)
    with connect(url) as engine, BotocoreEngine(target_of(url)) as other:
        assert (engine._attempts._signer._region, other._client.meta.region_name) == (region, region)


def test_attempts_are_those_of_awss_sdks(keys: pytest.MonkeyPatch) -> None:
    from botocore.retries.standard import _SERVICE_MAX_ATTEMPTS

    assert target_of(AWS).attempts == _SERVICE_MAX_ATTEMPTS["dynamodb"] == 4


@pytest.mark.parametrize("option", ["attempts", "timeout"])
def test_numbers_of_a_url(option: str) -> None:
    assert [getattr(target_of(f"{LOCAL}?{option}={value}"), option) for value in (1, 86399)] == [1, 86399]


@pytest.mark.parametrize("option", ["attempts", "timeout"])
@pytest.mark.parametrize("value", ["86400", "0", "-1", "nan", "x", ""])
def test_numbers_that_a_url_cannot_have(option: str, value: str) -> None:
    url = f"{LOCAL}?{option}={value}"
    kind = {"attempts": "whole number", "timeout": "number"}[option]
    with pytest.raises(FlyexprError) as caught:
        target_of(url)
    assert str(caught.value) == f"{option}= in {url!r} takes a positive {kind}, not {value!r}"


def test_the_wait_for_a_connection_is_shorter() -> None:
    assert [target_of(f"{LOCAL}?timeout={seconds}").connect_timeout for seconds in (3, 60)] == [3, 10]


def test_a_transport_that_there_is_not() -> None:
    with pytest.raises(FlyexprError) as caught:
        connect(f"{LOCAL}?transport=foo")
    assert str(caught.value) == (
        "no transport 'foo' in 'http://localhost:8000?transport=foo'\n  write one of: direct, botocore"
    )


SECRETS = ["hunter2", "AKIASECRET"]
# What people write into URLs, and the error; none may show what they wrote.
WITH_SECRETS = {
    "http://AKIASECRET:hunter2@localhost:0": (
        "'http://***@localhost:0' has no valid port\n  write one from 1 to 65535"
    ),
    "http://AKIASECRET:hunter2@localhost:x": (
        "'http://***@localhost:x' has no valid port\n  write one from 1 to 65535"
    ),
    "http://AKIASECRET:hunt/er2?hunter2@localhost": (
        "'http://***@localhost' has no valid port\n  write one from 1 to 65535"
    ),
    "http://AKIASECRET:x#hunter2@localhost": "'http://***@localhost' has no valid port\n  write one from 1 to 65535",
    "http://[hunter2": "'http://[hunter2' does not name a server",
    "http://u:hunter2@\u2100.com": "'http://***@\u2100.com' does not name a server",
    "http://hunter2@localhost?colour=AKIASECRET": (
        "no option 'colour' in 'http://***@localhost?colour=***'\n"
        "  write one of: profile, region, transport, timeout, attempts, retry_mode"
    ),
    "http://localhost?token=hunter2&timeout=3": (
        "no option 'token' in 'http://localhost?token=***&timeout=3'\n"
        "  write one of: profile, region, transport, timeout, attempts, retry_mode"
    ),
    "http://hunter2@localhost?region=a&region=b": (
        "the option 'region' stands twice in 'http://***@localhost?region=a&region=b'\n  write it once"
    ),
    "http://hunter2@localhost?timeout=0": (
        "timeout= in 'http://***@localhost?timeout=0' takes a positive number, not '0'"
    ),
    "http://hunter2@localhost?attempts=x": (
        "attempts= in 'http://***@localhost?attempts=x' takes a positive whole number, not 'x'"
    ),
    "http://hunter2@localhost?transport=x": (
        "no transport 'x' in 'http://***@localhost?transport=x'\n  write one of: direct, botocore"
    ),
    "http://hunter2@localhost?profile=none": (
        "'http://localhost?profile=none' names the profile 'none', but AWS's configuration does not have it"
    ),
    "dynamodb://AKIASECRET:hunter2@eu-west-1": (
        "'dynamodb://***@eu-west-1' holds keys\n  set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile"
    ),
    "mysql://AKIASECRET:hunter2@localhost/x": (
        "no engine for 'mysql://***@localhost/x'\n"
        "  write one of: sqlite:PATH, sqlite::memory:, dynamodb://REGION, http://HOST:PORT, https://HOST:PORT"
    ),
    "sqlite://AKIASECRET:hunter2@localhost/x": (
        "no engine for 'sqlite://***@localhost/x'\n"
        "  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file"
    ),
    "sqlite:a.db?hunter2": (
        "the options of 'sqlite:a.db?hunter2' cannot be read\n"
        "  write them as ?sync=full; the name of a file cannot have a `?`"
    ),
}


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_what_people_write_into_urls_is_in_no_error(url: str, keys: pytest.MonkeyPatch) -> None:
    with pytest.raises(FlyexprError) as caught:
        connect(url)
    assert str(caught.value) == WITH_SECRETS[url]
    if "[" not in url and "?hunter2" not in url:  # there the secret stands for a server or an option
        assert not any(secret in f"{caught.value} {caught.value.__cause__}" for secret in SECRETS)


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_a_password_is_in_no_text_of_an_engine(
    transport: str, keys: pytest.MonkeyPatch, serve: Callable[..., Server]
) -> None:
    """Neither transport sends it: its header is needed for the signature."""
    server = serve(echo)
    server.keys["AKIAENV"] = Keys("AKIAENV", "secret")
    url = f"http://AKIASECRET:hunter2@127.0.0.1:{server.port}?transport={transport}&attempts=1"
    with connect(url) as engine:
        assert engine("GetItem", b"{}") == b"{}"
        server.close()
        with pytest.raises(FlyexprError) as caught:
            engine("UpdateItem", b"{}")
    with pytest.raises(FlyexprError) as closed:
        engine("UpdateItem", b"{}")
    texts = (
        f"{engine!r} {engine.target} {caught.value} {caught.value.__cause__!r} {closed.value} {pickle.dumps(engine)!r}"
    )
    assert not any(secret in texts for secret in SECRETS)
    assert "authorization" in server.requests[0].headers
    assert "hunter2" not in str(server.requests)


@pytest.mark.parametrize(
    "url", ["http://u:hunter2@localhost", "http://u:hun\nter2@localhost", "http://localhost#hunter2"]
)
def test_what_is_kept_of_a_url(url: str) -> None:
    assert target_of(url).url == target_of(url).endpoint == "http://localhost"
    assert target_of(f"{url.partition('#')[0]}/a?region=eu-west-1").url == "http://localhost/a?region=eu-west-1"


def test_the_password_of_a_proxy_is_in_no_error(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("http_proxy", "http://AKIASECRET:hunter2@127.0.0.1:9")
    with connect("http://example.com?attempts=1") as engine, pytest.raises(FlyexprError) as caught:
        engine("UpdateItem", b"{}")
    texts = f"{engine!r} {caught.value} {caught.value.__cause__!r}"
    assert not any(secret in texts for secret in SECRETS)


def test_keys_of_the_environment_that_cannot_sign(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("AWS_SESSION_TOKEN", "a b")
    with raises(
        FlyexprError,
        "no keys from env: the session token holds a space, a line break or a character that no header can "
        "carry\n"
        "  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    ):
        connect(AWS)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b'{"Item":', b"\xff", b"[" * 100_000, b'{"ReturnValues": "ALL_OLD"}', b'{"Expected": {}}'],
)
def test_what_cannot_be_read_is_not_repeated(body: bytes) -> None:
    """It might have a condition."""
    assert [may_repeat(operation, body) for operation in ("PutItem", "DeleteItem")] == [False, False]
    assert not may_repeat("TransactWriteItems", body)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_be_over_in_a_moment(status: int) -> None:
    assert is_passing(status, "")
    assert not is_passing(status + 5, "")
    assert is_passing(400, "RequestTimeout")
    assert not is_throttle(status, "")


def test_throttles_are_those_of_botocore() -> None:
    from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

    for code in ThrottledRetryableChecker._THROTTLED_ERROR_CODES:
        assert is_throttle(400, code)
    for code in TransientRetryableChecker._TRANSIENT_ERROR_CODES:
        assert is_passing(400, code)
    model = botocore.session.Session().get_service_model("dynamodb")
    for name in model.operation_names:
        for shape in model.operation_model(name).error_shapes:
            assert not shape.metadata.get("retryable") or is_passing(400, shape.name)


def test_a_region_that_fits_into_no_name_of_a_host(keys: pytest.MonkeyPatch) -> None:
    assert choose(target_of("dynamodb://a.b")) == "the region is not one that a plain endpoint and signature serve"


def test_a_region_whose_rules_want_more(keys: pytest.MonkeyPatch) -> None:
    """Such as a signature for several regions."""
    rules = SimpleNamespace(url="https://x", headers={}, properties={"authSchemes": [{"name": "sigv4a"}]})
    keys.setattr("botocore.endpoint_provider.EndpointProvider.resolve_endpoint", lambda self, **_: rules)
    keys.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert choose(target_of(AWS)) == "the region is not one that a plain endpoint and signature serve"
    rules.properties = {"authSchemes": [{"name": "sigv4", "signingRegion": "eu-north-1"}]}
    setup = choose(target_of(AWS))
    assert isinstance(setup, Setup)
    assert setup.endpoint == Endpoint(True, "x", 443, "/", "eu-north-1")
    rules.headers = {"x": ["y"]}
    assert not isinstance(choose(target_of(AWS)), Setup)


def test_configured_endpoints_that_are_to_be_ignored(keys: pytest.MonkeyPatch) -> None:
    keys.setenv("AWS_ENDPOINT_URL_DYNAMODB", LOCAL)
    keys.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    setup = choose(target_of(AWS))
    assert isinstance(setup, Setup)
    assert setup.endpoint.host == "dynamodb.eu-west-1.amazonaws.com"


def test_a_server_without_keys_and_with_a_profile(configure: Callable[[str], None]) -> None:
    configure("[profile plain]\noutput = json\n[profile empty]\nretry_mode = standard\n")
    with connect(f"{LOCAL}?profile=plain") as engine:
        assert repr(engine).endswith("by direct: a server on this machine, no keys needed>")
    with connect(f"{LOCAL}?profile=empty") as engine:
        assert repr(engine) == f"<engine {LOCAL}?profile=empty by direct: no keys are known>"
        assert engine._keys() == Keys("local", "local")
    with BotocoreEngine(target_of(f"{LOCAL}?profile=empty")) as other:
        frozen = other._client._get_credentials().get_frozen_credentials()
        assert frozen[:2] == ("local", "local")


def test_without_botocore_nothing_is_instrumented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "botocore.client")
    assert not is_instrumented()


@pytest.mark.parametrize("transport", ["direct", "botocore"])
def test_no_region_anywhere(transport: str, keys: pytest.MonkeyPatch) -> None:
    with pytest.raises(FlyexprError) as caught:
        connect(f"dynamodb://?transport={transport}")
    assert str(caught.value) == (
        f"no region: 'dynamodb://?transport={transport}' names none, AWS_REGION is not set, "
        "and AWS's configuration has none\n  write dynamodb://eu-west-1"
    )
