"""A mail server on loopback that keeps what it is sent, with TLS from the first byte or STARTTLS."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness.processes import free_port


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate for that name that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


@dataclass
class Mailbox:
    """`says` is the server's answer to each recipient, used up one by one; then every mail is kept."""

    url: str
    mails: list[Message] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.says:
            return self.says.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        content = envelope.content or b""
        body = content if isinstance(content, bytes) else content.encode()
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.raw.append(body)
        self.mails.append(message_from_bytes(body))
        return "250 OK"


@asynccontextmanager
async def mailbox(scheme: str, cert: Path, key: Path) -> AsyncIterator[Mailbox]:
    """A mail server: `smtps`, `smtp+starttls` (which refuses mail before STARTTLS), or `smtp`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    port = free_port()
    box = Mailbox(f"{scheme}://localhost:{port}")
    starttls = scheme == "smtp+starttls"

    def protocol() -> SMTP:
        return SMTP(
            box,
            hostname="localhost",
            tls_context=context if starttls else None,
            require_starttls=starttls,
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "localhost", port, ssl=context if scheme == "smtps" else None
    )
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
