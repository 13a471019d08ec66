"""Who has asked how often. In the memory of this process, by fixed windows of time.

The client of a request is its agency or, for everybody else, the person's account. Its address is
what the connection comes from; behind a proxy, what a proxy of `TRUSTED_PROXIES` says of it.
"""

import contextlib
import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from shared.errors import TooMany
from shared.operating.limits import LimitSettings

AGAIN = 5


@dataclass(frozen=True)
class Spent:
    """What is left of a limit, as the RateLimit fields say it (draft-ietf-httpapi-ratelimit-headers)."""

    name: str
    quota: int
    window: int
    left: int
    resets_in: int

    def fields(self) -> dict[str, str]:
        """The fields of an answer."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.name}";r={self.left};t={self.resets_in}',
        }


class Limits:
    """Counts what each of them asks for, and refuses what is too much."""

    def __init__(self, settings: LimitSettings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._streams, self._most_open = settings.limit_streams, settings.limit_open
        self._open: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._most_under_way = settings.limit_connections
        self._items: dict[str, RateLimitItem] = {
            "client": parse(settings.limit_client),
            "address": parse(settings.limit_address),
            "codes": parse(settings.limit_codes),
            "all_codes": parse(settings.limit_all_codes),
            "searches": parse(settings.limit_searches),
            "failed_tokens": parse(settings.limit_failed_tokens),
        }

    async def spend(self, name: str, who: str) -> Spent:
        """Count one more. Raises `TooMany` when that is more than the limit."""
        item = self._items[name]
        within = await self._limiter.hit(item, name, who)
        stats = await self._limiter.get_window_stats(item, name, who)
        resets_in = max(1, round(stats.reset_time - time.time()))
        spent = Spent(name, item.amount, item.get_expiry(), stats.remaining, resets_in)
        if not within:
            raise TooMany(name, resets_in, spent.fields())
        return spent

    async def is_spent(self, name: str, who: str) -> bool:
        """Whether one more would be too much. Counts nothing."""
        return not await self._limiter.test(self._items[name], name, who)

    @contextlib.contextmanager
    def under_way(self, address: str) -> Iterator[None]:
        """One more request of this address, within the block. Raises `TooMany`."""
        if self._under_way[address] >= self._most_under_way:
            raise TooMany("connections", AGAIN, {})
        self._under_way[address] += 1
        try:
            yield
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    @contextlib.asynccontextmanager
    async def hold(self, who: str) -> AsyncIterator[None]:
        """One more open stream of this client, within the block. Raises `TooMany`."""
        if self._open[who] >= self._streams or self._open.total() >= self._most_open:
            raise TooMany("streams", AGAIN, {})
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def address_of(scope: MutableMapping[str, Any]) -> str:
    """The address a request comes from. Of IPv6 a /64: whoever has one address has all of those."""
    return whole_address(str((scope.get("client") or ("unknown", 0))[0]))


def whole_address(host: str) -> str:
    """The address that a host is counted by."""
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network(f"{ip}/64", strict=False))
