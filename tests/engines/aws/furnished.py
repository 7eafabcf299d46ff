"""All the ways in which a program can get keys, each prepared in a home folder and an environment."""

import json
import os
import sys
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.tokens
import botocore.utils
import pytest
from doors import connected
from fake_aws import FakeAws

from flyexpr.engines.aws.signing import Keys

ROLE = "role_arn = arn:aws:iam::111122223333:role/r\n"
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base\n"
SSO = "sso_account_id = 111122223333\nsso_role_name = r\n"


class Place:
    """A home folder, an environment and AWS on loopback, into which a test puts keys."""

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
        # botocore reads the clock through these two functions.
        patch.setattr(botocore.credentials, "_local_now", aws.now)
        patch.setattr(
            botocore.credentials.RefreshableCredentials,
            "_seconds_remaining",
            lambda credentials: (credentials._expiry_time - aws.now()).total_seconds(),
        )
        aws.know(Keys("AKIABASE", "base"))

    def environ(self, **values: str) -> None:
        """Sets variables; each name gets the prefix `AWS_`."""
        for name, value in values.items():
            self.patch.setenv(f"AWS_{name}", value)

    def config(self, profile: str, more: str = "") -> None:
        """Writes the configuration file: a profile `p`, and further sections."""
        (self.folder / "config").write_text(f"[profile p]\n{profile}\n{more}")

    def file(self, name: str, text: str) -> Path:
        """Writes a file with this text."""
        path = self.folder / name
        path.write_text(text)
        return path

    def connect(self, transport: str) -> Any:
        """An engine for the DynamoDB on loopback."""
        profile = "&profile=p" if (self.folder / "config").exists() else ""
        return connected(f"{self.aws.url}?region={self.aws.region}&attempts=1{profile}", transport)


Furnish = Callable[[Place], None]


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
    text = json.dumps({"startUrl": "https://start", "region": "eu-west-1", **members})
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
