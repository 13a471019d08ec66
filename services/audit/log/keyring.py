"""The keys that sign checkpoints: private ones from settings, never in the store."""

from services.audit.log.checkpoints import TrustedKey
from services.audit.log.keys import KeyEntry, introduced, retire
from services.audit.log.signing import SigningKey
from shared.errors import AlreadyThere
from shared.origin import Origin
from shared.storage.store import Store

MAX_KEYS = 1000


class UnknownSigner(Exception):
    """The signing key is new, and no key that the trail knows vouches for it by signing beside it."""


class KeyRing:
    """`signing` signs; during a rotation `old` signs beside it, so each vouches for the other."""

    def __init__(
        self, store: Store[KeyEntry], signing: SigningKey, old: SigningKey | None = None
    ) -> None:
        self.store = store
        self.active = [signing, *([old] if old else [])]
        self.origin = signing.name
        if old is not None and old.name != signing.name:
            raise ValueError("both keys sign under the name of the trail")

    async def entries(self) -> list[KeyEntry]:
        """Every key there ever was, with the sizes for which it counts."""
        return await self.store.find({}, sort=[("first", 1), ("_id", 1)], limit=MAX_KEYS)

    async def trusted(self) -> list[TrustedKey]:
        """The same, for opening checkpoints."""
        return [entry.trusted for entry in await self.entries()]

    async def signers_at(self, size: int) -> list[SigningKey]:
        """Those of our keys that count at this size: none before the first checkpoint, or for a key
        that nothing vouches for."""
        counting = {one.key for one in await self.trusted() if one.counts_at(size)}
        return [key for key in self.active if size and key.verifier in counting]

    async def rotate(self, size: int, newest: int) -> None:
        """Introduce a new key at `size`, retire keys that no longer sign at `newest`.

        May be repeated. Raises `UnknownSigner` for a new key that comes alone: whoever
        could only replace the setting could otherwise sign another history.
        """
        known = {entry.verifier_key: entry for entry in await self.entries()}
        signers = [str(key.verifier) for key in self.active]
        vouched = any(text in known and known[text].last is None for text in signers)
        if known and not vouched:
            raise UnknownSigner
        for key in self.active:
            text = str(key.verifier)
            if text not in known:
                entry = KeyEntry(
                    id=key.verifier.key_id.hex(), verifier_key=text, first=size if known else 0
                )
                await self._introduce(entry)
        for text, entry in known.items():
            if text not in signers and entry.last is None:
                await self.store.change(entry.id, lambda e: retire(e, newest), by=_ORIGIN)

    async def _introduce(self, entry: KeyEntry) -> None:
        try:
            await self.store.add(entry, introduced(entry), by=_ORIGIN)
        except AlreadyThere:
            return  # another process was quicker


_ORIGIN = Origin.of_service("audit")
