"""TLS: the authorities that are trusted, and what a socket says that is not ready.

Only what uses TLS loads this file: without `ssl` the first GetItem from DynamoDB Local takes 0.91 of the time.
"""

from __future__ import annotations

import os
import ssl
from importlib.util import find_spec

from flyexpr.errors import FlyexprError

NOT_READY = BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
"""The errors of a socket that neither waits nor goes on, with TLS or without."""


def tls_context(bundle: str | None) -> ssl.SSLContext:
    """TLS 1.2 or later that verifies certificate and host name; trusts the authorities in `bundle`, or botocore's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    path = botocore_bundle() if bundle is None else bundle
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise FlyexprError(
            f"no certificate authorities can be read from {path!r}: {error.strerror or error}\n"
            "  hint: AWS_CA_BUNDLE, `ca_bundle` in AWS's configuration or REQUESTS_CA_BUNDLE says to read it"
        ) from None
    return context


def botocore_bundle() -> str:
    """The file of authorities that botocore trusts: certifi's if that is installed, else its own.

    The file is usually found without importing botocore, which saves 150 ms.
    """
    for package in ("certifi", "botocore"):
        spec = find_spec(package)
        if spec and spec.origin:
            beside = os.path.join(os.path.dirname(spec.origin), "cacert.pem")
            if os.path.isfile(beside):
                return beside
            break
    from botocore.httpsession import where

    return str(where())
