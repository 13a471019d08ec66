"""An authority of the run's own and what it certifies, as cert-manager does it in production."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@dataclass(frozen=True)
class Certified:
    """Files in PEM: who issued it, the certificate, its key."""

    authority: Path
    certificate: Path
    key: Path


def certified(folder: Path, name: str = "localhost") -> Certified:
    """A certificate of a server and client of this name, and of 127.0.0.1, by an authority that
    nobody else has."""
    folder.mkdir(parents=True)
    issuer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    authority = _begun("authority", issuer).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    certificate = (
        _begun(name, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), LOOPBACK]), critical=False)
        .add_extension(usage, critical=False)
    )
    made = Certified(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    for path, what in ((made.authority, authority), (made.certificate, certificate)):
        signed = what.sign(issuer, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    made.key.write_bytes(pem)
    return made


def _begun(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
