"""Where a webhook may be and what a mailbox is; the same on every version of Python."""

import asyncio
import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.notify.delivery.addresses import (
    ALLOCATED,
    EMBEDDING,
    IPV4,
    IPV6,
    is_public,
    is_web_address,
)
from services.notify.delivery.outcomes import FORBIDDEN, UNREACHABLE
from services.notify.delivery.webhook import Caller
from services.notify.subscriptions.subscription import Mailbox

OPEN_IPV4 = ("1.0.0.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "8.8.8.8",
             "172.15.255.255", "172.32.0.0", "192.0.1.0", "198.17.255.255", "198.20.0.0",
             "223.255.255.255", "169.253.255.255", "128.0.0.1")  # fmt: skip
OPEN_IPV6 = ("2606:2800:220:1::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1",
             "2a00::1", "2620:4f:8001::1", "3ffe:ffff::1")  # fmt: skip


@pytest.mark.parametrize("network", [*IPV4, *IPV6], ids=str)
def test_the_first_and_the_last_address_of_every_special_network_are_refused(network: Any) -> None:
    first, last = network.network_address, network.broadcast_address

    assert not is_public(str(first))
    assert not is_public(str(last))
    if network.version == 4:
        for block in EMBEDDING:
            embedded = ipaddress.IPv6Address(int(block.network_address) | int(last))
            assert not is_public(str(embedded)), embedded


@pytest.mark.parametrize("address", [*OPEN_IPV4, *OPEN_IPV6])
def test_addresses_beside_the_special_networks_are_public(address: str) -> None:
    assert is_public(address)
    if "." in address:
        assert is_public(f"::ffff:{address}")
        assert is_public(f"64:ff9b::{address}")


@pytest.mark.parametrize(
    "address",
    [
        *("64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "::8.8.8.8"),
        *(
            "2002:7f00:1::",
            "2002:808:808::1",
            "2001:0:7f00:1::",
            "2001::8.8.8.8",
            "::ffff:0:127.0.0.1",
        ),
        *("2a00:1450::5efe:127.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "168.63.129.16"),
        *("4000::1", "fec0::1", "ff0e::1", "fd00:ec2::254", "0::1", "::ffff:7f00:1"),
        *(
            "",
            " ",
            "localhost",
            "127.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "1.2.3.4/32",
            "::1%lo",
        ),
    ],
)
def test_translations_and_disguises_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_the_registries_are_whole() -> None:
    assert (len(IPV4), len(IPV6)) == (18 + 1, 15)  # and one that is not of the registry
    assert ipaddress.ip_network("2000::/3") == ALLOCATED


GOOD = (
    *("https://hooks.school.example/a", "https://a", "http://127.0.0.1:8080/hook?x=1?y=%2F"),
    *("https://[2606:2800:220:1::1]:8443/", "https://xn--bcher-kva.example./", "https://a_b.c/~x"),
    *("https://a.example:65535", "https://a.example?q=1", f"https://{'a' * 63}.example/"),
)
# In place of one part of a good address: whatever it is put together with, nobody can call it.
NO_HOST = ("", ".", "..", "a..b", "-a.example", "a-.example", "a b", "a,b", "1.2.3", "256.1.1.1",
           "1.2.3.4.5", "0x7f.1", "2130706433", "0177.0.0.1", "[::g]", "[1.2.3.4]", "[::1", "::1",
           "[fe80::1%25lo]", "u@a.example", "u:p@a.example", "a.example\\@b", "é.example", "%61.example",
           f"{'a' * 64}.example", f"{'a.' * 130}example", "٣.example", "a.example#", "[]")  # fmt: skip
NO_PORT = (":", ":0", ":65536", ":99999", ":-1", ":8o", ": 80", ":١", ":+80", ":443:443")
NO_PATH = (
    "/%",
    "/%zz",
    "/a b",
    "/a#b",
    "/<x>",
    "/\\x",
    "/{x}",
    "/\n",
    "/\x00",
    "/|",
    "?#",
    "/é",
    '/"',
)


def _addresses(hosts: Any, ports: Any, paths: Any) -> list[str]:
    return [f"https://{h}{p}{w}" for h in hosts for p in ports for w in paths]


@pytest.mark.parametrize("url", GOOD)
def test_a_web_address_is_one(url: str) -> None:
    assert is_web_address(url)


def test_what_nobody_could_call_is_no_web_address_whichever_part_is_wrong() -> None:
    hosts, ports, paths = ("a.example", "[::1]", "1.2.3.4"), ("", ":8443"), ("", "/a", "?q=1")

    good = _addresses(hosts, ports, paths)
    wrong = [
        *_addresses(NO_HOST, ports, paths),
        *_addresses(hosts, NO_PORT, paths),
        *_addresses(hosts, ports, NO_PATH),
        *("https:", "https:/a", "https:///a", "ftp://a.example", "//a.example", "a.example", ""),
    ]

    assert [url for url in good if not is_web_address(url)] == []
    assert [url for url in wrong if is_web_address(url)] == []


DISGUISES = ("localhost", "localhost.", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "0",
             "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1", "LOCALHOST", "[0:0:0:0:0:0:0:1]")  # fmt: skip


@pytest.mark.parametrize("host", DISGUISES)
async def test_what_is_connected_to_is_what_was_checked(host: str) -> None:
    calls = 0

    def connected(_: Any, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.close()

    server = await asyncio.start_server(connected, ("127.0.0.1", "::1"), 0)
    ports = {s.getsockname()[1] for s in server.sockets}
    caller = Caller(development=False, timeout=5)
    async with server, caller.ready():
        for port in ports:
            url = f"https://{host}:{port}/"
            outcome = await caller.call(url, [], "ntf_1", b"{}", datetime.now(UTC))
            assert outcome in (FORBIDDEN, UNREACHABLE)

    assert calls == 0


MAILBOXES = ("a@school.example", "first.last+tag@a-b.example", "o'neil@x.example", "A_1@x.co.uk")
NO_MAILBOXES = (
    *("a,b@x.example", "a@x.example,b@x.example", "a;b@x.example", "a@x.example; b@x.example"),
    *("group:a@x.example;", "a(comment)@x.example", "a@(comment)x.example", '"a b"@x.example'),
    *("<a@x.example>", "A <a@x.example>", "a@x.example\r\nBcc: b@x.example", "a@x.example\n"),
    *("a\r@x.example", "a\x00@x.example", "a@x", "a@localhost", "a@[127.0.0.1]", "a@127.0.0.1."),
    *("@x.example:a@y.example", "a%b@x.example", "x!a@y.example", "a@@x.example", "@x.example"),
    *("a@", "a b@x.example", ".a@x.example", "a.@x.example", "a..b@x.example", "a@-x.example"),
    *(
        "a@x..example",
        "a@x.example.",
        "é@x.example",
        "a@é.example",
        "a@x.example\t",
        "a|b@x.example",
    ),
    *("a" * 65 + "@x.example", "a@" + "x" * 64 + ".example", "a@" + "x." * 150 + "example", ""),
)


@pytest.mark.parametrize("address", MAILBOXES)
def test_a_mailbox_is_taken(address: str) -> None:
    assert TypeAdapter(Mailbox).validate_python(address) == address


@pytest.mark.parametrize("address", NO_MAILBOXES)
def test_what_is_no_single_mailbox_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Mailbox).validate_python(address)
