"""Write fresh secrets for trying the services out: `python -m deploy.compose.make_secrets [FOLDER]`.

One folder per service, its files named as its settings, for docker-compose.yml and for
`kubectl create secret generic NAME --from-file=FOLDER/NAME`. Hosts are `mongo` and `rabbitmq`.
An existing folder is refused: new keys would lock out whatever the old ones have encrypted.
"""

import base64
import hashlib
import ipaddress
import json
import os
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, KeySet

ROOT = Path(__file__).parents[2]
# Those that keep something: the pages (services/web) have neither a store nor a queue.
APPS = {app.parent.name for app in ROOT.glob("services/*/app.py")}
SERVICES = tuple(sorted(APPS - {"web"}))
VHOST = "hub"


def main(folder: Path) -> None:
    """Write everything, or raise `FileExistsError` before writing anything."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    mongo = {service: _password() for service in SERVICES}
    rabbit = {name: _password() for name in (*SERVICES, "operator")}
    accounts = {"auth_account_key": _key(32)}  # one for all: a person has one account
    for service in SERVICES:
        write(folder / service, accounts | _of(service, mongo[service], rabbit[service]))
    write(folder / "mongo", {"root_password": _password(), "users.json": json.dumps(mongo)})
    write(folder / "rabbitmq", {"definitions.json": json.dumps(_definitions(rabbit))})
    operator = {
        "password": rabbit["operator"],
        "amqp_url": f"amqp://operator:{rabbit['operator']}@127.0.0.1:5672/{VHOST}",
    }
    write(folder / "operator", operator)
    write(folder / "proxy", certificate("localhost"))
    signing = ECKey.generate_key("P-256", {"use": "sig", "kid": secrets.token_hex(8)})
    write(folder / "issuer", {"signing_key.json": json.dumps(signing.as_dict(private=True))})
    (folder / "issuer" / "signing_key.json").chmod(0o600)  # no container reads this one
    public = KeySet([signing]).as_dict(private=False)
    write(folder / "public", {"jwks.json": json.dumps(public)})


def _of(service: str, mongo: str, rabbit: str) -> dict[str, str]:
    """The secret settings of one service."""
    own = {
        "mongo_url": f"mongodb://{service}:{mongo}@mongo:27017/hub_{service}",
        "amqp_url": f"amqp://{service}:{rabbit}@rabbitmq:5672/{VHOST}",
    }
    match service:
        case "referral":
            own |= {"referral_master_key": _key(96), "referral_pepper": _key(32)}
        case "notify":
            own |= {"notify_secret_key": _key(32), "smtp_url": ""}  # empty: no e-mail
        case "audit":
            own |= {"audit_signing_key": _key(32)}
    return own


def certificate(*hosts: str) -> dict[str, str]:
    """A certificate of its own for these hosts and this machine, for a year. Yours takes its place for
    anything else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    begin = datetime.now(UTC) - timedelta(minutes=5)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = [*(x509.DNSName(host) for host in hosts), loopback]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "tls.crt": made.public_bytes(serialization.Encoding.PEM).decode(),
        "tls.key": private.decode(),
    }


def write(folder: Path, files: Mapping[str, str]) -> None:
    """A new folder with these files."""
    # Compose mounts these files with the owner and mode they have here, and the containers run as
    # other users: so the files are readable, and what keeps others out is the outermost folder.
    folder.mkdir(mode=0o755)
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(content, "utf-8")
        path.chmod(0o444)
    folder.chmod(0o755)


def _password() -> str:
    return secrets.token_urlsafe(32)


def _key(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


def _definitions(passwords: Mapping[str, str]) -> dict[str, object]:
    """What RabbitMQ loads at its start: one virtual host and its users, and no guest.

    Every service declares the whole topology, so each needs all permissions on that host.
    """
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            {
                "name": name,
                "password_hash": _hashed(password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"] if name == "operator" else [],
            }
            for name, password in passwords.items()
        ],
        "permissions": [
            {"user": name, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
            for name in passwords
        ],
    }


def _hashed(password: str) -> str:
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


if __name__ == "__main__":
    if sys.argv[1:] in (["--help"], ["-h"]):
        sys.stdout.write(f"{__doc__}\n")
        sys.exit(0)
    if len(sys.argv) > 2 or sys.argv[-1].startswith("-"):
        sys.stderr.write(f"{__doc__}\n")
        sys.exit(64)
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")
    try:
        main(target)
    except FileExistsError:
        sys.exit(f"{target} is there already; remove it first if its keys are no longer needed")
    sys.stdout.write(f"wrote {target}\n")
