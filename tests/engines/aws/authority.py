"""TLS for the servers of the tests: an authority that signs their certificates."""

import datetime
import ssl
from pathlib import Path
from typing import Any

import pytest


class Authority:
    """A certificate authority, and the certificates it gives."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
        self._folder, self._key, self._name = folder, ec.generate_private_key(ec.SECP256R1()), name
        self.bundle = folder / f"{name}.pem"
        self.bundle.write_bytes(self._certificate(self._key.public_key(), None))

    def server(self, host: str, days: int = 1) -> ssl.SSLContext:
        """The TLS context of a server of that name; with negative days the certificate has expired."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._folder / f"{host}.pem"
        path.write_bytes(private + self._certificate(key.public_key(), host, days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(self, key: Any, host: str | None, days: int = 1) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        day, now = datetime.timedelta(days=1), datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(host or self._name))
            .issuer_name(named(self._name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * day)
            .not_valid_after(now + days * day)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
