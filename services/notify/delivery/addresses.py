"""Which addresses a webhook may have. Pure, and the same on every version of Python: `ipaddress`
knows the registries as they were when it was made.
"""

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Any

_TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "special_purpose.toml").read_text("utf-8")
)
IPV4 = tuple(ipaddress.IPv4Network(one) for one in _TABLE["ipv4"])
IPV6 = tuple(ipaddress.IPv6Network(one) for one in _TABLE["ipv6"])
EMBEDDING = tuple(ipaddress.IPv6Network(one) for one in _TABLE["embedding"])
ALLOCATED = ipaddress.IPv6Network(_TABLE["allocated"])
# RFC 3986, as far as a webhook needs it: no user and password (our signature says who calls), no
# fragment (it is never sent), no host of a form that two readers read differently.
_WEB = re.compile(
    r"https?://(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?"
    r"(?:[/?](?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_PORTS = range(1, 65536)


def is_web_address(url: str) -> bool:
    """Whether it is one web address for every reader: of a host that can exist, and of a port."""
    found = _WEB.fullmatch(url)
    if found is None or (found[2] is not None and int(found[2]) not in _PORTS):
        return False
    host = found[1]
    if host.startswith("["):
        return _is_ip(host[1:-1], 6)
    labels = host.removesuffix(".").split(".")
    # What ends in a number is an IPv4 address, or nothing (WHATWG URL, "ends in a number").
    if _NUMBER.fullmatch(labels[-1]):
        return _is_ip(host, 4)
    return all(_LABEL.fullmatch(label) for label in labels)


def _is_ip(address: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(address).version == version
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also behind an IPv6 translation."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if not any(ip in network for network in EMBEDDING):
            public = ip in ALLOCATED and not any(ip in network for network in IPV6)
            if not public or not _is_isatap(ip):
                return public
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return not any(ip in network for network in IPV4)


def _is_isatap(ip: ipaddress.IPv6Address) -> bool:
    """Whether its interface identifier holds an IPv4 address (RFC 5214 §6.1)."""
    return (int(ip) >> 32) & 0xFCFF_FFFF == 0x0000_5EFE
