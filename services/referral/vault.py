"""Personal data at rest: each field encrypted with its record's own key, lookups by keyed hash.

MongoDB's explicit client-side field level encryption (works on the Community server): the data
key of a referral, or of a draft of one, lives in the `vault` collection, wrapped by the master key,
which is never in the database. Destroying the data key makes every copy of the fields unreadable.
"""

import asyncio
import hashlib
import hmac
import unicodedata
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from bson.binary import Binary
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.encryption import AsyncClientEncryption
from pymongo.encryption_shared import Algorithm
from pymongo.errors import EncryptionError, PyMongoError

from shared.errors import Refused
from shared.ids import keyed_id
from shared.storage.store import Database

KEYS = "vault"
# A destroyed key must stop working soon: the library would keep it for a minute.
KEY_CACHE_MS = 1000


class Erased(Refused):
    """The key of a referral is gone, and with it what it sealed. Nothing more is sealed for it."""

    def __init__(self) -> None:
        super().__init__("erased", "The personal data of this referral was destroyed.")


class Vault:
    """`master_keys` are 96 bytes each, the first is in use and the others only open what they
    wrapped before; `pepper` is at least 32 bytes. All are secrets of this service alone."""

    def __init__(self, database: Database, master_keys: list[bytes], pepper: bytes) -> None:
        if not master_keys or any(len(key) != 96 for key in master_keys) or len(pepper) < 32:
            raise ValueError("a master key must have 96 bytes, the pepper at least 32")
        self._keys = database[KEYS]
        self._pepper = pepper
        # Named after the key itself, so that every replica gives the same key the same name.
        self._provider = _name(master_keys[0])
        client: AsyncMongoClient[dict[str, object]] = database.client
        self._encryption: AsyncClientEncryption[dict[str, object]] = AsyncClientEncryption(
            {_name(key): {"key": key} for key in master_keys},
            f"{database.name}.{KEYS}",
            client,
            CodecOptions(),
            key_expiration_ms=KEY_CACHE_MS,
        )

    async def prepare(self) -> None:
        """The index that makes a second key for one record impossible."""
        await self._keys.create_index(
            "keyAltNames", unique=True, partialFilterExpression={"keyAltNames": {"$exists": True}}
        )

    async def make_key(self, record_id: str) -> None:
        """Make the key of a new referral or draft. Safe to repeat; only intake and drafts make keys.

        A crash after this leaves a key that nothing uses; the retry of the request finds it.
        """
        try:
            await self._encryption.create_data_key(self._provider, key_alt_names=[record_id])
        except EncryptionError as error:
            # Made by an earlier copy of the request; anything else is a fault.
            if not await self._has_key(record_id):
                raise _store_fault(error) from None

    async def seal(self, record_id: str, fields: Mapping[str, str]) -> dict[str, bytes]:
        """Encrypt each field with the record's key. Raises `Erased` when the key was destroyed:
        a new one would make an erased record hold personal data again."""
        try:
            return {name: await self._encrypted(record_id, v) for name, v in fields.items()}
        except EncryptionError as error:
            if await self._has_key(record_id):
                raise _store_fault(error) from None
        raise Erased

    async def _encrypted(self, record_id: str, value: str) -> bytes:
        algorithm = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random
        return bytes(await self._encryption.encrypt(value, algorithm, key_alt_name=record_id))

    async def open(self, record_id: str, sealed: Mapping[str, bytes]) -> dict[str, str]:
        """Decrypt these fields. Raises `Erased` when the record's key was destroyed."""
        opened = {}
        for name, value in sealed.items():
            try:
                opened[name] = str(await self._encryption.decrypt(Binary(value, 6)))
            except EncryptionError as error:
                if await self._has_key(record_id):
                    raise _store_fault(error) from None
                raise Erased from None
        return opened

    async def destroy(self, record_id: str) -> None:
        """Destroy the record's key, so that no copy of its fields, in no backup of the records,
        can be read again. A backup of this collection brings keys back: see docs/operating.md."""
        await asyncio.shield(self._keys.delete_one({"keyAltNames": record_id}))

    async def all_keys(self) -> AsyncIterator[tuple[str, datetime]]:
        """Every record that has a key, and when the key was made."""
        async for key in self._keys.find({}, {"keyAltNames": 1, "creationDate": 1}):
            made_at = key["creationDate"]
            yield key["keyAltNames"][0], made_at.replace(tzinfo=made_at.tzinfo or UTC)

    async def rewrap(self) -> int:
        """Wrap every data key with the master key in use. Returns how many were wrapped anew.

        Safe to run again, and while the service works: it changes the wrapping, not the keys.
        """
        where = {"masterKey.provider": {"$ne": self._provider}}
        result = await self._encryption.rewrap_many_data_key(where, provider=self._provider)
        return result.bulk_write_result.modified_count if result.bulk_write_result else 0

    def id_of(self, prefix: str, *parts: str) -> str:
        """The id of what a caller named so: found again by the same request, told by no guess."""
        return keyed_id(self._pepper, prefix, *parts)

    def fingerprint(self, kind: str, *parts: str) -> str:
        """A keyed hash (HMAC-SHA-256) of normalised parts: equal for equal values, else opaque.

        Keyed, because an NHS number has ten digits: an unkeyed hash could simply be tried out.
        """
        mac = hmac.new(self._pepper, kind.encode(), hashlib.sha256)
        for part in parts:
            raw = " ".join(unicodedata.normalize("NFKC", part).casefold().split()).encode()
            mac.update(len(raw).to_bytes(4, "big") + raw)
        return mac.hexdigest()

    async def _has_key(self, record_id: str) -> bool:
        return await self._keys.find_one({"keyAltNames": record_id}, {"_id": 1}) is not None


def _store_fault(error: EncryptionError) -> Exception:
    """The fault of the store that this one hides, if it hides any: that is no fault of ours."""
    return error.cause if isinstance(error.cause, PyMongoError) else error


def _name(master_key: bytes) -> str:
    return "local:k" + hashlib.sha256(master_key).hexdigest()[:12]
