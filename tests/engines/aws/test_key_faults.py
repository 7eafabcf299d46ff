"""A fault of the keys is one FlyexprError: it names the profile or provider and the cause, never the keys."""

import getpass
import json
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import botocore.credentials
import pytest
from doors import connected
from fake_aws import sts_error
from furnished import (
    BASE,
    ROLE,
    SSO,
    Furnish,
    Place,
    container,
    container_by_its_whole_url,
    instance,
    role_of_a_profile,
    sso_legacy,
    sso_session,
    sso_token,
    web_identity,
)
from places import ROOT
from raised import raises

from flyexpr import BatchIncomplete, FlyexprError, Table, batch_write, call, connect, put_item, run

HINT = "\n  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
SECRET = "wJalrXUtnFEMI"


def instead(status: int, body: bytes) -> Callable[[str, str], tuple[int, bytes]]:
    return lambda path, text: (status, body)


def nothing(place: Place) -> None:
    """No keys at all."""


def empty_profile(place: Place) -> None:
    place.config("region = eu-west-1\n")


def half_of_the_keys(place: Place) -> None:
    place.environ(ACCESS_KEY_ID="AKIA")


def half_in_a_profile(place: Place) -> None:
    place.config("aws_access_key_id = AKIA\n")


def key_with_its_end_of_line(place: Place) -> None:
    place.environ(ACCESS_KEY_ID="AKIA\n", SECRET_ACCESS_KEY=SECRET)


def secret_that_is_not_utf8(place: Place) -> None:
    os.environb[b"AWS_SECRET_ACCESS_KEY"] = SECRET.encode() + b"\xff"
    place.environ(ACCESS_KEY_ID="AKIA", SECRET_ACCESS_KEY=os.environ["AWS_SECRET_ACCESS_KEY"])


def program(place: Place, code: str) -> None:
    place.config(f"credential_process = {sys.executable} {place.file('keys.py', code)}\n")


def no_program(place: Place) -> None:
    place.config("credential_process = /usr/local/bin/helper-of-an-old-laptop\n")


def program_that_fails(place: Place) -> None:
    program(place, "raise SystemExit('Session expired, log in again')")


def program_without_json(place: Place) -> None:
    program(place, f"print('keys: {SECRET}')")


def program_with_more_than_json(place: Place) -> None:
    program(place, f"print({json.dumps({'Version': 1, 'SecretAccessKey': SECRET})!r}, 'warning')")


def program_of_an_array(place: Place) -> None:
    program(place, f"print('[\"{SECRET}\"]')")


def program_of_another_version(place: Place) -> None:
    program(place, "print('{\"Version\": 2}')")


def program_with_a_number_for_a_secret(place: Place) -> None:
    program(place, 'print(\'{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": 5}\')')


def program_with_a_broken_token(place: Place) -> None:
    found = {"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": SECRET, "SessionToken": "a b"}
    program(place, f"print({json.dumps(found)!r})")


def no_identity_file(place: Place) -> None:
    place.config(f"{ROLE}web_identity_token_file = /var/run/secrets/nowhere/token\n")


def identity_refused(place: Place) -> None:
    web_identity(place)
    place.aws.instead = instead(400, sts_error("InvalidIdentityToken", "No OpenIDConnect provider found"))


def role_denied(place: Place) -> None:
    role_of_a_profile(place)
    place.aws.instead = instead(403, sts_error("AccessDenied", "User: arn:aws:iam::1:user/u is not authorized"))


def role_of_expired_keys(place: Place) -> None:
    role_of_a_profile(place)
    place.aws.instead = instead(403, sts_error("ExpiredToken", "The security token is expired"))


def role_cut_short(place: Place) -> None:
    role_of_a_profile(place)
    place.aws.instead = instead(200, f"<AssumeRoleResponse><SecretAccessKey>{SECRET}</Secret".encode())


def role_of_another_answer(place: Place) -> None:
    role_of_a_profile(place)
    place.aws.instead = instead(200, b"<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>")


def role_of_no_source(place: Place) -> None:
    place.config(f"{ROLE}source_profile = nobody\n")


def role_of_itself(place: Place) -> None:
    place.config(f"{ROLE}source_profile = q\n", f"[profile q]\n{ROLE}source_profile = p\n")


def role_of_two_sources(place: Place) -> None:
    place.config(f"{ROLE}source_profile = base\ncredential_source = Environment\n", BASE)


def role_of_a_short_id(place: Place) -> None:
    place.config(f"{ROLE}source_profile = base\nexternal_id = e\n", BASE)


def sso_without_token(place: Place) -> None:
    place.config(f"{SSO}sso_start_url = https://start\nsso_region = eu-west-1\n")


def sso_with_an_old_token(place: Place) -> None:
    sso_legacy(place)
    sso_token(place, "https://start", accessToken="old", expiresAt="2001-01-01T00:00:00Z")


def sso_logged_out(place: Place) -> None:
    sso_session(place)
    sso_token(place, "s", accessToken="other", expiresAt="2099-01-01T00:00:00Z")


def sso_with_a_broken_token(place: Place) -> None:
    sso_session(place)
    sso_token(place, "s", accessToken=SECRET, expiresAt="soon")


def sso_of_no_session(place: Place) -> None:
    place.config(f"{SSO}sso_session = gone\n")


def container_that_fails(place: Place) -> None:
    container(place)
    place.aws.instead = instead(500, b"try later")


def container_without_json(place: Place) -> None:
    container(place)
    place.aws.instead = instead(200, f"secret {SECRET}".encode())


def container_with_half_of_the_keys(place: Place) -> None:
    container(place)
    place.aws.instead = instead(200, b'{"AccessKeyId": "AKIA"}')


def container_elsewhere(place: Place) -> None:
    place.environ(CONTAINER_CREDENTIALS_FULL_URI="http://example.com/role")


def container_without_the_file_of_its_token(place: Place) -> None:
    container_by_its_whole_url(place)
    place.environ(CONTAINER_AUTHORIZATION_TOKEN_FILE="/nowhere/token")


def instance_that_says_nothing(place: Place) -> None:
    instance(place)
    place.aws.instead = instead(404, b"")


def setting_that_is_no_number(place: Place) -> None:
    place.environ(METADATA_SERVICE_TIMEOUT="soon")


# The whole text after "no keys", and before the hint.
FAULTS: dict[Furnish, str] = {
    nothing: ": Unable to locate credentials",
    empty_profile: " from profile 'p': Unable to locate credentials",
    half_of_the_keys: " from env: Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
    half_in_a_profile: " from profile 'p' by config-file: "
    "Partial credentials found in config-file, missing: aws_secret_access_key",
    key_with_its_end_of_line: " from env: "
    "the access key holds a space, a line break or a character that no header can carry",
    secret_that_is_not_utf8: " from env: the secret key holds bytes that are not UTF-8",
    no_program: " from profile 'p' by custom-process: "
    "FileNotFoundError: [Errno 2] No such file or directory: '/usr/local/bin/helper-of-an-old-laptop'",
    program_that_fails: " from profile 'p' by custom-process: "
    "Error when retrieving credentials from custom-process: Session expired, log in again",
    program_without_json: " from profile 'p' by custom-process: "
    "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    program_with_more_than_json: " from profile 'p' by custom-process: "
    "JSONDecodeError: Extra data: line 1 column 52 (char 51)",
    program_of_an_array: " from profile 'p' by custom-process: AttributeError: 'list' object has no attribute 'get'",
    program_of_another_version: " from profile 'p' by custom-process: Error when retrieving credentials from "
    "custom-process: Unsupported version '2' for credential process provider, supported versions: 1",
    program_with_a_number_for_a_secret: " from profile 'p' by custom-process: the secret key is not a string",
    program_with_a_broken_token: " from profile 'p' by custom-process: "
    "the session token holds a space, a line break or a character that no header can carry",
    no_identity_file: " from profile 'p' by assume-role-with-web-identity: "
    "FileNotFoundError: [Errno 2] No such file or directory: '/var/run/secrets/nowhere/token'",
    identity_refused: " from profile 'p' by assume-role-with-web-identity: An error occurred (InvalidIdentityToken) "
    "when calling the AssumeRoleWithWebIdentity operation: No OpenIDConnect provider found",
    role_denied: " from profile 'p' by assume-role: An error occurred (AccessDenied) "
    "when calling the AssumeRole operation: User: arn:aws:iam::1:user/u is not authorized",
    role_of_expired_keys: " from profile 'p' by assume-role: An error occurred (ExpiredToken) "
    "when calling the AssumeRole operation: The security token is expired",
    role_cut_short: " from profile 'p' by assume-role: ResponseParserError: Unable to parse response "
    "(unclosed token: line 1, column 50), invalid XML received. Further retries may succeed",
    role_of_another_answer: " from profile 'p' by assume-role: KeyError: 'Credentials'",
    role_of_no_source: " from profile 'p' by assume-role: "
    'The source_profile "nobody" referenced in the profile "p" does not exist.',
    role_of_itself: " from profile 'p' by assume-role: Infinite loop in credential configuration detected. "
    "Attempting to load from profile p which has already been visited. Visited profiles: ['p', 'q']",
    role_of_two_sources: " from profile 'p' by assume-role: "
    'The profile "p" contains both source_profile and credential_source.',
    role_of_a_short_id: " from profile 'p' by assume-role: Parameter validation failed: "
    "Invalid length for parameter ExternalId, value: 1, valid min length: 2",
    sso_without_token: " from profile 'p' by sso: Error loading SSO Token: Token for https://start does not exist",
    sso_with_an_old_token: " from profile 'p' by sso: The SSO session associated with this profile has expired or is "
    "otherwise invalid. To refresh this SSO session run aws sso login with the corresponding profile.",
    sso_logged_out: " from profile 'p' by sso: An error occurred (401) "
    "when calling the GetRoleCredentials operation: Session token not found or invalid",
    sso_with_a_broken_token: " from profile 'p' by sso: ParserError: Unknown string format: soon",
    sso_of_no_session: " from profile 'p' by sso: The specified sso-session does not exist: \"gone\"",
    container_that_fails: " from container-role: Error when retrieving credentials from container-role: "
    "Error retrieving metadata: Received non 200 response 500 from container metadata: try later",
    container_without_json: " from container-role: Error when retrieving credentials from container-role: "
    "Error retrieving metadata: Unable to parse JSON returned from container metadata services",
    container_with_half_of_the_keys: " from container-role: KeyError: 'SecretAccessKey'",
    container_elsewhere: " from container-role: ValueError: Unsupported host 'example.com'.  "
    "Can only retrieve metadata "
    "from a loopback address or one of these hosts: 169.254.170.2, 169.254.170.23, fd00:ec2::23, localhost",
    container_without_the_file_of_its_token: " from container-role: "
    "FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/token'",
    instance_that_says_nothing: ": Unable to locate credentials",
    setting_that_is_no_number: ": ValueError: invalid literal for int() with base 10: 'soon'",
}


def asked(place: Place, transport: str) -> FlyexprError:
    """The error of one request, whether it is raised by `connect` or by the request."""
    with pytest.raises(FlyexprError) as caught, connect_aws(place, transport) as engine:
        call(engine, "ListTables", {})
    return caught.value


def connect_aws(place: Place, transport: str) -> Any:
    """An engine for AWS itself; these tests fail before they send anything."""
    profile = "&profile=p" if (place.folder / "config").exists() else ""
    return connected(f"dynamodb://eu-west-1?attempts=1{profile}", transport)


@pytest.mark.parametrize("furnish", FAULTS, ids=lambda furnish: furnish.__name__)
def test_what_is_wrong_with_keys(furnish: Furnish, place: Place, transport: str) -> None:
    furnish(place)
    error = asked(place, transport)
    assert type(error) is FlyexprError
    assert str(error) == f"no keys{FAULTS[furnish]}{HINT}"
    assert SECRET not in whole(error)


def whole(error: BaseException) -> str:
    """All that an error report may hold: its text, its causes, and the variables of every function."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    return f"{''.join(frames.format())} {error!r} {pickle.dumps(error)!r} {error.__cause__!r} {error.__context__!r}"


@pytest.mark.parametrize("transport", ["direct", "botocore"], indirect=True)
@pytest.mark.parametrize("when", ["first", "again"])
def test_a_code_is_asked_for_and_there_is_no_terminal(when: str, place: Place, transport: str) -> None:
    """This is what happens in a cron job. botocore asks for the code once, but cannot when the keys have expired."""
    place.config(f"{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/u\n", BASE)
    code = f"""
from flyexpr import FlyexprError, call, connect
engine = connect("dynamodb://eu-west-1?profile=p&transport={transport}")
for _ in range({1 if when == "first" else 2}):
    try:
        call(engine, "ListTables", {{}})
    except FlyexprError as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    without = "it needs a code of its MFA device, and there is no terminal to type it in"
    errors = [f"FlyexprError no keys from profile 'p' by assume-role: {without}{HINT}\n"]
    if when == "again":
        errors.append(
            "FlyexprError no keys from profile 'p' by assume-role: "
            f"Cannot refresh credentials: MFA token required.{HINT}\n"
        )
    assert done.stdout == "".join(errors)
    assert place.aws.asked == []


def test_keys_that_cannot_be_fetched_again(place: Place, transport: str) -> None:
    role_of_a_profile(place)
    with place.connect(transport) as engine:
        assert call(engine, "ListTables", {}) == {"TableNames": []}
        place.aws.later()
        place.aws.instead = instead(403, sts_error("ExpiredToken", "over"))
        with pytest.raises(FlyexprError) as caught:
            call(engine, "ListTables", {})
        place.aws.instead = lambda path, text: None
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    cause = "An error occurred (ExpiredToken) when calling the AssumeRole operation: over"
    assert type(caught.value) is FlyexprError
    assert str(caught.value) == f"no keys from profile 'p' by assume-role: {cause}{HINT}"


def test_a_batch_whose_keys_end_says_what_is_written(place: Place, transport: str) -> None:
    role_of_a_profile(place)
    with place.connect(transport) as engine:

        def two_hours_between(operation: str, body: bytes) -> bytes:
            answer: bytes = engine(operation, body)
            place.aws.later()
            place.aws.instead = instead(403, sts_error("AccessDenied", "no more"))
            return answer

        with raises(
            BatchIncomplete,
            "25 writes of the batch are done, and 15 are not: no keys from profile 'p' by assume-role: An "
            "error occurred (AccessDenied) when calling the AssumeRole operation: no more\n"
            "  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
        ) as caught:
            run(Table("t", "id").on(two_hours_between), batch_write(put_item({"id": str(n)}) for n in range(40)))
    assert (caught.value.written, len(caught.value.failed)) == (25, 15)


@pytest.mark.parametrize("text", ["[profile p\n", "key = value\n", "\xff".encode("utf-16").decode("latin-1")])
def test_a_configuration_that_cannot_be_read(text: str, place: Place, transport: str) -> None:
    path = place.file("config", "")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FlyexprError) as caught:
        connected("dynamodb://eu-west-1", transport)
    assert str(caught.value) == f"AWS's configuration cannot be read: Unable to parse config file: {path}"


@pytest.mark.parametrize("name", ["AWS_DEFAULT_PROFILE", "AWS_PROFILE", "both"])
def test_the_variable_that_names_no_profile(name: str, place: Place, transport: str) -> None:
    """botocore looks at the older one first."""
    for variable in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
        if name in (variable, "both"):
            place.patch.setenv(variable, f"of {variable}")
    first = "AWS_DEFAULT_PROFILE" if name == "both" else name
    with pytest.raises(FlyexprError) as caught:
        connected("dynamodb://eu-west-1", transport)
    assert str(caught.value) == f"{first} names the profile 'of {first}', but AWS's configuration does not have it"


@pytest.mark.parametrize("transport", ["direct", "botocore"], indirect=True)
def test_a_profile_of_the_url_that_there_is_not(place: Place, transport: str) -> None:
    place.environ(PROFILE="other")
    url = f"dynamodb://eu-west-1?profile=none&transport={transport}"
    with pytest.raises(FlyexprError) as caught:
        connect(url)
    assert str(caught.value) == f"{url!r} names the profile 'none', but AWS's configuration does not have it"


@pytest.mark.parametrize("failure", [EOFError(), getpass.GetPassWarning("Can not control echo on the terminal.")])
def test_a_code_that_cannot_be_typed(failure: Exception, place: Place, transport: str) -> None:
    def prompt(text: str) -> str:
        raise failure

    place.patch.setattr(botocore.credentials.AssumeRoleProvider.__init__, "__defaults__", (prompt, None, None))
    place.config(f"{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/u\n", BASE)
    without = "it needs a code of its MFA device, and there is no terminal to type it in"
    assert str(asked(place, transport)) == f"no keys from profile 'p' by assume-role: {without}{HINT}"


def test_a_code_that_is_typed(place: Place, transport: str) -> None:
    prompts = []
    defaults = (lambda text: prompts.append(text) or "123456", None, None)
    place.patch.setattr(botocore.credentials.AssumeRoleProvider.__init__, "__defaults__", defaults)
    place.config(f"{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/u\n", BASE)
    with place.connect(transport) as engine:
        assert call(engine, "ListTables", {}) == {"TableNames": []}
    assert prompts == ["Enter MFA code for arn:aws:iam::111122223333:mfa/u: "]


@pytest.mark.parametrize("transport", ["direct", "botocore"], indirect=True)
def test_an_interruption_is_not_a_fault_of_the_keys(place: Place, transport: str) -> None:
    def interrupt(text: str) -> str:
        raise KeyboardInterrupt

    place.patch.setattr(botocore.credentials.AssumeRoleProvider.__init__, "__defaults__", (interrupt, None, None))
    place.config(f"{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/u\n", BASE)
    with place.connect(transport) as engine, pytest.raises(KeyboardInterrupt):
        engine("ListTables", b"{}")
