"""A certificate for this machine's own names, from an authority that can vouch for nothing else.

The authority's private key is thrown away as soon as it has signed, and name constraints (RFC 5280 section 4.2.1.10)
limit it to loopback: whoever trusts it for the demo trusts nobody with anything more.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Under the 398 days past which browsers refuse a certificate.
_LIFETIME: Final = datetime.timedelta(days=390)
#: One about to run out is made anew.
_MARGIN: Final = datetime.timedelta(days=2)

NAMES: Final[Sequence[x509.GeneralName]] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)
_SUBTREES: Final[Sequence[x509.GeneralName]] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
    x509.IPAddress(ipaddress.ip_network("::1/128")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Name the three files: the authority to trust, and the server's chain and private key."""

    authority: Path
    chain: Path
    key: Path
    fresh: bool


def own_certificate(folder: Path) -> Files:
    """Return the files, making them (folder 0700, files 0600) where there are none that still hold."""
    found = Files(
        authority=folder / "authority.pem",
        chain=folder / "localhost.pem",
        key=folder / "localhost.key",
        fresh=False,
    )
    if _holds(found):
        return found
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    authority, leaf, key = _issue(datetime.datetime.now(datetime.UTC))
    _write(found.authority, authority)
    _write(found.chain, leaf + authority)
    _write(found.key, key)
    return Files(authority=found.authority, chain=found.chain, key=found.key, fresh=True)


def _holds(files: Files) -> bool:
    """Say whether all files are there, fit each other, and are good for some more days."""
    try:
        leaf, authority = x509.load_pem_x509_certificates(files.chain.read_bytes())
        trusted = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
    except (OSError, ValueError):
        return False
    until = datetime.datetime.now(datetime.UTC) + _MARGIN
    return trusted == authority and key.public_key() == leaf.public_key() and leaf.not_valid_after_utc > until


def _issue(now: datetime.datetime) -> tuple[bytes, bytes, bytes]:
    """Make an authority and a certificate signed by it; return both, and the certificate's key, as PEM."""
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name(f"secmw demo on this machine, {now:%Y-%m-%d %H:%M}")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        _builder(issuer, issuer, signer.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=_SUBTREES, excluded_subtrees=None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    leaf = (
        _builder(_name("localhost"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (
        authority.public_bytes(serialization.Encoding.PEM),
        leaf.public_bytes(serialization.Encoding.PEM),
        private,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind must not find it not valid yet.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, from its first byte on."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
