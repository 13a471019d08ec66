"""One signed HTTP call to an agency's webhook, kept away from our own network."""

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
from datetime import datetime

import aiohttp

from services.notify.domain import Notification

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
MAX_ANSWER = 64 * 1024
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))


class Unreachable(OSError):
    """The address is one that webhooks may not reach."""


class Caller:
    """Calls webhooks. Outside development only https, and only public addresses.

    The check is made on the address the socket is about to connect to, so neither a name that
    changes its address nor a literal in disguise gets past it. Redirects are not followed.
    """

    def __init__(self, *, development: bool) -> None:
        self._development = development

    async def call(self, url: str, secret: str, notification: Notification, at: datetime) -> str:
        """`delivered`, or a code of what went wrong. Raises nothing of the network's."""
        if not self._development and not url.startswith("https://"):
            return "not_https"
        body = payload(notification)
        headers = {
            "content-type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": sign(secret, notification.id, at, body),
        }
        try:
            connector = aiohttp.TCPConnector(socket_factory=self._socket, force_close=True)
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=TIMEOUT, trust_env=False, auto_decompress=False
                ) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                await response.content.read(MAX_ANSWER)
                return "delivered" if response.status // 100 == 2 else f"http_{response.status}"
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address
        if not self._development and not is_public(str(target[0])):
            raise Unreachable
        return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also behind an IPv6 translation."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


def payload(notification: Notification) -> bytes:
    """What an agency's system gets: which referral, what is asked, by when. Nothing else."""
    return json.dumps(
        {
            "type": "notification",
            "id": notification.id,
            "kind": notification.kind,
            "referral_id": notification.referral_id,
            "purpose": notification.purpose,
            "action": notification.action,
            "due_at": notification.due_at.isoformat() if notification.due_at else None,
            "created_at": notification.created_at.isoformat(),
            "link": f"/v1/referrals/{notification.referral_id}",
        },
        separators=(",", ":"),
    ).encode()


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and base64 HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0.0)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
