"""The open connections of this process: so many for each address, so many in all."""

import ipaddress
from typing import Protocol

from shared.web.limits import whole_address


class Connection(Protocol):
    """What is counted."""

    @property
    def waits(self) -> bool:
        """Whether nothing of it is under way: it may be dropped."""

    def drop(self) -> None:
        """End it now."""


class Connections:
    """Counts the connections of each address. A proxy that is trusted is not counted: it has those
    of everybody, and what comes through it is counted as requests, by the address it names."""

    def __init__(self, most_each: int, most: int, trusted: list[str]) -> None:
        """`trusted`: addresses or networks; `*` is all. Raises `ValueError` for anything else."""
        self._most_each, self._most = most_each, most
        self._all_trusted = "*" in trusted
        self._trusted = [ipaddress.ip_network(each) for each in trusted if each != "*"]
        self._open: dict[str, dict[Connection, None]] = {}
        self._trusted_open = 0

    def opened(self, host: str, connection: Connection) -> bool:
        """Count one more; False, and not counted, where the address has as many as it may. Where
        all have as many as they may it takes the place of one that waits, of the address that has
        the most: who opens many never keeps out who opens few."""
        if self._is_trusted(host):
            self._trusted_open += 1
            return True
        address = whole_address(host)
        mine = self._open.get(address, {})
        if len(mine) >= self._most_each or not self._room_for(len(mine)):
            return False
        self._open.setdefault(address, mine)[connection] = None
        return True

    def closed(self, host: str, connection: Connection) -> None:
        """It is over."""
        if self._is_trusted(host):
            self._trusted_open -= 1
            return
        address = whole_address(host)
        mine = self._open.get(address, {})
        mine.pop(connection, None)
        if not mine:
            self._open.pop(address, None)

    def _room_for(self, mine: int) -> bool:
        if self._trusted_open + sum(map(len, self._open.values())) < self._most:
            return True
        for theirs in sorted(self._open.values(), key=len, reverse=True):
            if len(theirs) <= mine + 1:
                return False
            waiting = next((each for each in theirs if each.waits), None)
            if waiting is not None:
                del theirs[waiting]
                waiting.drop()
                return True
        return False

    def _is_trusted(self, host: str) -> bool:
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            return self._all_trusted
        return self._all_trusted or any(ip in network for network in self._trusted)
